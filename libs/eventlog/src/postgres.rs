//! The log in a PostgreSQL database, which several processes may write to at once.
//!
//! One task of each process writes (see `writer`), over one connection; reads go through a pool, each with a snapshot
//! of its own. A task hears of what others append (see `listen`), another makes bundles (see `bundler`).

mod bundler;
mod check;
mod connect;
mod end;
mod listen;
mod read;
mod schema;
mod writer;

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::{TryStreamExt as _, stream::BoxStream};
use sqlx::{ConnectOptions as _, postgres::PgConnectOptions};
use tokio::sync::watch;
use uuid::Uuid;

use crate::{
    Append, AppendError, Direction, Entry, EventLog, Filter, Genesis, Head, OpenError, Options, Page,
    Pending, ReadError, StreamName, bundle, follow, genesis,
    judge::{Last, Memory},
    pages::{self, Source as _},
    queue::Queue,
    recent::Recent,
};
use bundler::Bundler;
pub use check::check_postgres;
pub(crate) use end::PostgresEnd;
use listen::Listener;
use read::Reader;
use writer::Writer;

/// The log in a PostgreSQL database.
pub struct PostgresLog {
    queue: Queue,
    reader: Arc<Reader>,
    head: watch::Receiver<Last>,
    genesis: Genesis,
    is_reached: watch::Receiver<bool>,
    closed: watch::Receiver<bool>,
}

impl PostgresLog {
    /// Opens the log in a database whose schema was made by [`migrate_postgres`], and records entry 1 where there is
    /// none.
    pub async fn open(place: &PgConnectOptions, options: Options) -> Result<Arc<Self>, OpenError> {
        let path = shown(place);
        let database = |source| OpenError::Database { path: path.clone(), source };
        let own = Arc::default();
        let mut connection = connect::writer(place, &own).await.map_err(database)?;
        schema::require(&mut connection, &path).await?;
        refuse_closed(&mut connection, &path).await?;

        let Options { genesis, clock, queue, patience } = options;
        let (queue, waiting) = Queue::new(queue, patience);
        let last = writer::load_last(&mut connection).await.map_err(database)?;
        let reach = bundler::reach(&mut connection).await.map_err(database)?;
        let now = clock.now();
        let (head_sender, head) = watch::channel(last);
        let (reach_sender, reach) = watch::channel(reach);
        let (stop_sender, stop) = watch::channel(());
        let (reached_sender, is_reached) = watch::channel(true);
        let (closed_sender, closed) = watch::channel(false);
        let pool = connect::readers(place);
        let listener = Listener {
            pool: pool.clone(),
            head: head_sender.clone(),
            is_reached: reached_sender.clone(),
            own: Arc::clone(&own),
            stop: stop.clone(),
        };
        let (recorder, recent) = Recent::new();
        let bundler = Bundler { pool: pool.clone(), head: head.clone(), reach: reach_sender, recent, stop };
        let mut writer = Writer::new(place.clone(), connection, head_sender, recorder, reached_sender, own);
        let mut memory = Memory::new(clock, last);
        let (listener, bundler) = (tokio::spawn(listener.run()), tokio::spawn(bundler.run()));
        tokio::spawn(async move {
            waiting.serve(&mut memory, &mut writer).await;
            drop(stop_sender);
            for task in [listener, bundler] {
                if let Err(error) = task.await {
                    tracing::error!(%error, "a task of the log failed");
                }
            }
            writer.close().await;
            closed_sender.send_replace(true);
        });

        let reader = Arc::new(Reader { pool, reach });
        let mut log = Self { queue, reader, head, genesis, is_reached, closed };
        log.genesis = if last.position == 0 {
            genesis::record(&log, &log.genesis, now).await?
        } else {
            genesis::read(&log).await?
        };
        Ok(Arc::new(log))
    }

    /// Takes no more appends, waits until those that were taken are answered, and closes the connections.
    pub async fn close(self: Arc<Self>) {
        let mut closed = self.closed.clone();
        if self.queue.stop().await {
            // An error means that the writer is gone, which is what we wait for.
            drop(closed.wait_for(|closed| *closed).await);
        }
        self.reader.pool.close().await;
    }

    /// Whether the database can be reached, as it changes.
    pub fn is_reached(&self) -> watch::Receiver<bool> {
        self.is_reached.clone()
    }

    /// The position up to which there are bundles. They're made behind the head, 256 entries at a time.
    pub fn bundled(&self) -> u64 {
        self.reader.reach()
    }

    /// Waits until bundles reach a position; false if the log was closed before.
    pub async fn until_bundled(&self, position: u64) -> bool {
        self.reader.reach.clone().wait_for(|reach| *reach >= position).await.is_ok()
    }

    /// A bundle in the form of C2SP tlog-tiles. None where it isn't made yet, or can't be read.
    pub async fn bundle(&self, number: u64) -> Result<Option<Bytes>, ReadError> {
        let found = self.reader.stored(number, number).try_next().await.map_err(ReadError::unavailable)?;
        let bundle = found.and_then(|(_, stored)| bundle::decompress(&stored));
        Ok(bundle.filter(|bundle| bundle::decode(bundle).is_some()))
    }
}

/// Brings the schema of a database to the version that this binary knows, as its owner. Returns the version it had, 0
/// for none, and that which it has now.
pub async fn migrate_postgres(place: &PgConnectOptions) -> Result<(i64, i64), OpenError> {
    let path = shown(place);
    let connected = place.clone().application_name("liem migrate").connect().await;
    let mut connection = connected.map_err(|source| OpenError::Database { path: path.clone(), source })?;
    let had = schema::migrate(&mut connection, &path).await?;
    Ok((had, schema::VERSION))
}

/// Makes all bundles of a database anew, as the maintenance role, also beside running ledgers. Returns how many.
pub async fn rebundle_postgres(place: &PgConnectOptions) -> Result<u64, OpenError> {
    let path = shown(place);
    let database = |source| OpenError::Database { path: path.clone(), source };
    let mut connection = place.clone().application_name("liem rebundle").connect().await.map_err(database)?;
    schema::require(&mut connection, &path).await?;
    let made = bundler::make_anew(&mut connection).await;
    made.map_err(|source| OpenError::Bundles { path: path.clone(), source })
}

/// A log that was moved elsewhere takes no appends.
async fn refuse_closed(connection: &mut sqlx::PgConnection, path: &str) -> Result<(), OpenError> {
    let reason: Option<String> = sqlx::query_scalar("SELECT reason FROM liem.closed LIMIT 1")
        .fetch_optional(connection)
        .await
        .map_err(|source| OpenError::Database { path: path.to_owned(), source })?;
    reason.map_or(Ok(()), |reason| Err(OpenError::Closed { path: path.to_owned(), reason }))
}

/// Where a database is, without its password.
pub(crate) fn shown(place: &PgConnectOptions) -> String {
    let host = place.get_socket().map_or_else(|| place.get_host().into(), |socket| socket.to_string_lossy());
    let database = place.get_database().unwrap_or_default();
    format!("postgres://{}@{host}:{}/{database}", place.get_username(), place.get_port())
}

/// Moves the known end of the log forwards, never back.
fn raise(head: &watch::Sender<Last>, last: Last) {
    head.send_if_modified(|known| {
        let is_newer = last.position > known.position;
        if is_newer {
            *known = last;
        }
        is_newer
    });
}

#[async_trait]
impl EventLog for PostgresLog {
    async fn submit(&self, append: Append) -> Result<Pending, AppendError> {
        self.queue.submit(append).await
    }

    async fn find_append(&self, id: Uuid) -> Result<Vec<Entry>, ReadError> {
        read::find_append(&self.reader.pool, id).await
    }

    async fn read_stream(
        &self,
        stream: &StreamName,
        after_revision: u64,
        limit: usize,
    ) -> Result<Vec<Entry>, ReadError> {
        read::stream(&self.reader.pool, stream, after_revision, limit).await
    }

    async fn read_all(
        &self,
        past: u64,
        direction: Direction,
        filter: &Filter,
        limit: usize,
    ) -> Result<Page, ReadError> {
        // Asked for anew where it counts: another process may just have appended.
        let known = self.head.borrow().position;
        let is_behind = direction == Direction::Forwards && past.saturating_add(limit as u64) < known;
        let head = if is_behind { known } else { read::last(&self.reader.pool).await?.position };
        pages::page(&*self.reader, head, past, direction, filter, limit).await
    }

    async fn read_at(&self, positions: &[u64]) -> Result<Vec<Entry>, ReadError> {
        read::at(&self.reader.pool, positions).await
    }

    async fn head(&self) -> Result<Head, ReadError> {
        let Last { position, recorded_at } = read::last(&self.reader.pool).await?;
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

/// A position as PostgreSQL has it: no log grows past 2⁶³ entries.
fn signed(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}
