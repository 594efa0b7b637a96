//! The log in an embedded SQLite database.
//!
//! One task writes (see `writer`), over one connection; reads go through a small pool, each page with a
//! snapshot of its own, so that no reader keeps SQLite from folding its write-ahead log back. A second task
//! makes bundles of what was written (see `bundles`), from which history is read; a third folds the write-ahead
//! log back (see `wal`).

mod bundler;
mod bundles;
mod check;
mod end;
mod read;
mod schema;
mod wal;
mod writer;

use std::{
    fs::{File, TryLockError},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::stream::BoxStream;
use sqlx::{
    ConnectOptions as _, Connection as _, SqliteConnection, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use tokio::sync::watch;
use uuid::Uuid;

use crate::{
    Append, AppendError, Direction, Entry, EventLog, Filter, Genesis, Head, OpenError, Options, Page,
    Pending, ReadError, StreamName, follow, genesis,
    judge::{Last, Memory},
    pages,
    queue::Queue,
    recent::Recent,
};
use bundler::Bundler;
use bundles::Bundles;
pub use check::check_file;
pub(crate) use end::SqliteEnd;
use read::Reader;
use wal::Folder;
use writer::Writer;

/// The log in an SQLite database.
pub struct SqliteLog {
    queue: Queue,
    reader: Arc<Reader>,
    head: watch::Receiver<Last>,
    genesis: Genesis,
    path: PathBuf,
    closed: watch::Receiver<bool>,
}

impl SqliteLog {
    /// Opens the log at a path, and makes it with its entry 1 where there is none.
    pub async fn open(path: &Path, options: Options) -> Result<Arc<Self>, OpenError> {
        let lock = lock(path)?;
        let database = |source| OpenError::Database { path: path.display().to_string(), source };
        let mut connection = connect(path).connect().await.map_err(database)?;
        schema::migrate(&mut connection, path).await?;
        schema::refuse_closed(&mut connection, path).await?;

        let Options { genesis, clock, queue, patience } = options;
        let (queue, waiting) = Queue::new(queue, patience);
        let last = writer::load_last(&mut connection).await.map_err(database)?;
        let now = clock.now();
        let is_new = last.position == 0;
        let (file, reach) = bundles::open(path, &mut connection, last.position).await;
        let (head_sender, head) = watch::channel(last);
        let (reach_sender, reach) = watch::channel(reach);
        let (stop_sender, stop) = watch::channel(());
        let (closed_sender, closed) = watch::channel(false);
        let (recorder, recent) = Recent::new();
        let mut writer = Writer::new(connection, head_sender, recorder);
        let mut memory = Memory::new(clock, last);
        let bundler = Bundler {
            log: path.to_owned(),
            rows: None,
            file,
            head: head.clone(),
            reach: reach_sender,
            stop: stop.clone(),
            recent,
        };
        let folder = Folder { log: path.to_owned(), head: head.clone(), stop };
        let (bundler, folder) = (tokio::spawn(bundler.run()), tokio::spawn(folder.run()));
        tokio::spawn(async move {
            waiting.serve(&mut memory, &mut writer).await;
            drop(stop_sender);
            for task in [bundler, folder] {
                if let Err(error) = task.await {
                    tracing::error!(%error, "a task of the log failed");
                }
            }
            writer.close().await;
            // Held until nothing is written any more, whoever still has the log or let go of it before: a
            // second writer would break the positions.
            drop(lock);
            closed_sender.send_replace(true);
        });

        let readers = SqlitePoolOptions::new()
            .max_connections(4)
            // A file doesn't go away as a server does, and asking costs as much as a short read.
            .test_before_acquire(false)
            // Mapped up to what SQLite can map: a page is then read where the system has it, and a cache has only what is
            // in the write-ahead log still.
            .connect_with(
                connect(path).read_only(true).pragma("mmap_size", "2147418112").pragma("cache_size", "-4096"),
            )
            .await
            .map_err(database)?;
        let reader = Arc::new(Reader { rows: readers, bundles: Bundles::new(path, reach) });
        let mut log = Self { queue, reader, head, genesis, path: path.to_owned(), closed };
        log.genesis = if is_new {
            genesis::record(&log, &log.genesis, now).await?
        } else {
            genesis::read(&log).await?
        };
        Ok(Arc::new(log))
    }

    /// Takes no more appends, waits until those that were taken are answered, and closes the database.
    pub async fn close(self: Arc<Self>) {
        let mut closed = self.closed.clone();
        if self.queue.stop().await {
            // An error means that the writer is gone, which is what we wait for.
            drop(closed.wait_for(|closed| *closed).await);
        }
        self.reader.bundles.close().await;
        self.reader.rows.close().await;
    }

    /// The database file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The pool for reads; each use takes a fresh snapshot.
    fn readers(&self) -> &SqlitePool {
        &self.reader.rows
    }

    /// The position up to which there are bundles. They're made behind the head, 256 entries at a time.
    pub fn bundled(&self) -> u64 {
        self.reader.bundles.reach()
    }

    /// Waits until bundles reach a position; false if the log was closed before.
    pub async fn until_bundled(&self, position: u64) -> bool {
        self.reader.bundles.until(position).await
    }

    /// A bundle in the form of C2SP tlog-tiles: entries 256n+1 to 256n+256, each as its length in two bytes,
    /// big end first, and its bytes. None where it isn't made yet, or can't be read.
    pub async fn bundle(&self, number: u64) -> Result<Option<Bytes>, ReadError> {
        self.reader.bundles.get(number).await.map_err(ReadError::unavailable)
    }
}

fn lock(path: &Path) -> Result<File, OpenError> {
    let lock_path = path.with_extension("lock");
    let shown = lock_path.display().to_string();
    let file = File::create(&lock_path).map_err(|source| OpenError::File { path: shown.clone(), source })?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::Locked { path: shown }),
        Err(TryLockError::Error(source)) => Err(OpenError::File { path: shown, source }),
    }
}

fn connect(path: &Path) -> SqliteConnectOptions {
    as_it_is(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        // Every commit is synced before it is acknowledged.
        .synchronous(SqliteSynchronous::Full)
        // Of a new log. An entry of 800 bytes leaves little of it empty, and a batch writes fewer of them.
        .page_size(8_192)
        // 32 MiB: the write-ahead log is mostly written over, which the disk syncs faster than growth.
        .pragma("wal_autocheckpoint", "4096")
}

/// A file whose journal stays what it is: what `VACUUM INTO` has made has no write-ahead log yet.
fn as_it_is(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .busy_timeout(Duration::from_secs(10))
        .pragma("cache_size", "-65536")
}

/// The version of the SQLite that is linked in, such as `3.51.3`.
pub async fn sqlite_version() -> Result<String, sqlx::Error> {
    let mut connection = SqliteConnection::connect("sqlite::memory:").await?;
    sqlx::query_scalar("SELECT sqlite_version()").fetch_one(&mut connection).await
}

#[async_trait]
impl EventLog for SqliteLog {
    async fn submit(&self, append: Append) -> Result<Pending, AppendError> {
        self.queue.submit(append).await
    }

    async fn find_append(&self, id: Uuid) -> Result<Vec<Entry>, ReadError> {
        read::find_append(self.readers(), id).await
    }

    async fn read_stream(
        &self,
        stream: &StreamName,
        after_revision: u64,
        limit: usize,
    ) -> Result<Vec<Entry>, ReadError> {
        read::stream(self.readers(), stream, after_revision, limit).await
    }

    async fn read_all(
        &self,
        past: u64,
        direction: Direction,
        filter: &Filter,
        limit: usize,
    ) -> Result<Page, ReadError> {
        let head = self.head.borrow().position;
        pages::page(&*self.reader, head, past, direction, filter, limit).await
    }

    async fn read_at(&self, positions: &[u64]) -> Result<Vec<Entry>, ReadError> {
        read::at(self.readers(), positions).await
    }

    async fn head(&self) -> Result<Head, ReadError> {
        let Last { position, recorded_at } = *self.head.borrow();
        Ok(Head { position, recorded_at, genesis: self.genesis.clone() })
    }

    fn follow(&self, after: u64, filter: Filter) -> BoxStream<'static, Result<Page, ReadError>> {
        follow::follow(self.reader.clone(), self.head.clone(), after, filter)
    }
}

/// A stored count as an unsigned one: the schema keeps it from being negative.
fn unsigned(n: i64) -> u64 {
    u64::try_from(n).expect("the schema allows no negative numbers")
}

/// A position as SQLite has it: no log grows past 2⁶³ entries.
fn signed(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

fn from_micros(micros: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(micros).unwrap_or_default()
}
