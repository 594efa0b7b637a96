//! What is measured, and one turn of it. Each turn of appends begins with an empty store.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use anyhow::{Result, bail};
use tokio::sync::OnceCell;

use crate::{
    contents::{Contents, PAYLOAD_BYTES, Size},
    esrs_store::Commands,
    liem::{self, Liem, Place},
    load::{Measured, Shape, Window, drive},
    postgres::{self, Database, Statement},
    sqlite,
    umadb::{self, Appends, EmptyCalls},
};

/// Where Liêm's log is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Log {
    /// SQLite.
    Sqlite,
    /// PostgreSQL.
    Postgres,
}

/// One row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    /// Liêm over gRPC; `kept`: on the log that was filled before, not on an empty one.
    Liem { log: Log, stream: bool, kept: bool },
    /// UmaDB over gRPC.
    UmaDb { size: Size, condition: bool, spread: bool },
    /// esrs in this process.
    Esrs { size: Size },
    /// Statements by hand on SQLite.
    Sqlite,
    /// Statements by hand on PostgreSQL.
    Postgres(Statement),
    /// A gRPC call with nothing in it.
    EmptyCall,
}

impl Target {
    /// What it is.
    pub(crate) fn name(self) -> String {
        match self {
            Self::Liem { log, stream, kept } => {
                let log = match log {
                    Log::Sqlite => "SQLite",
                    Log::Postgres => "PostgreSQL",
                };
                let kept = if kept { ", filled log" } else { "" };
                format!("Liêm on {log}{}{kept}", if stream { ", streamed" } else { "" })
            }
            Self::UmaDb { condition, spread, .. } => {
                let condition = if condition { ", with a condition" } else { "" };
                format!("UmaDB{condition}{}", if spread { ", a stream an event" } else { "" })
            }
            Self::Esrs { .. } => "esrs on PostgreSQL".to_owned(),
            Self::Sqlite => "SQLite by hand".to_owned(),
            Self::Postgres(Statement::Copy) => "PostgreSQL by hand, COPY".to_owned(),
            Self::Postgres(_) => "PostgreSQL by hand".to_owned(),
            Self::EmptyCall => "empty gRPC call".to_owned(),
        }
    }

    /// What an event of it has in bytes.
    pub(crate) fn bytes(self, entry_bytes: usize) -> String {
        match self {
            Self::UmaDb { size: Size::Payload, .. } | Self::Esrs { size: Size::Payload } => {
                format!("{PAYLOAD_BYTES}, payload")
            }
            Self::EmptyCall => String::new(),
            _ => format!("{entry_bytes}, whole"),
        }
    }

    /// The command or what is called.
    pub(crate) fn command(self, shape: Shape) -> String {
        match self {
            Self::Liem { log, stream, kept } => liem::shown(log, stream, kept, shape),
            Self::UmaDb { condition: false, .. } => "`umadb_client`: append".to_owned(),
            Self::UmaDb { condition: true, .. } => {
                "`umadb_client`: append, refused if its stream has events".to_owned()
            }
            Self::Esrs { .. } => "`AggregateManager::handle_command`".to_owned(),
            Self::Sqlite => "INSERT … VALUES, all rows in one statement".to_owned(),
            Self::Postgres(Statement::One) => "INSERT … VALUES".to_owned(),
            Self::Postgres(Statement::Unnest) => "INSERT … SELECT FROM UNNEST".to_owned(),
            Self::Postgres(Statement::Copy) => "COPY … (FORMAT binary)".to_owned(),
            Self::EmptyCall => "`umadb_client`: `check_health`".to_owned(),
        }
    }

    /// The command or call that reads all.
    pub(crate) fn read_command(self, events: usize) -> String {
        match self {
            Self::Liem { log, .. } => liem::shown_read(log, events),
            _ => "`umadb_client`: read".to_owned(),
        }
    }

    /// Which of Liêm's databases a statement by hand is measured against.
    pub(crate) fn by_hand_on(self) -> Option<Log> {
        match self {
            Self::Sqlite => Some(Log::Sqlite),
            Self::Postgres(_) => Some(Log::Postgres),
            _ => None,
        }
    }
}

/// All that a turn needs.
pub(crate) struct Bench {
    pub(crate) liem: Liem,
    pub(crate) umadb: PathBuf,
    pub(crate) postgres: postgres::Server,
    pub(crate) contents: Arc<Contents>,
    /// An empty folder on the disk that all are measured on.
    pub(crate) work: PathBuf,
    pub(crate) window: Window,
    pub(crate) kept_database: OnceCell<Database>,
    pub(crate) folders: AtomicU32,
}

impl Bench {
    /// One turn of appends.
    pub(crate) async fn append(&self, target: Target, shape: Shape) -> Result<Measured> {
        let contents = Arc::clone(&self.contents);
        match target {
            Target::Liem { log, stream, kept: true } => {
                let place = self.kept(log).await?;
                self.liem.append(&place, shape, stream, self.window).await
            }
            Target::Liem { log: Log::Sqlite, stream, .. } => {
                self.liem.append(&Place::Temporary, shape, stream, self.window).await
            }
            Target::Liem { log: Log::Postgres, stream, .. } => {
                let database = self.postgres.database().await?;
                let done = async {
                    self.liem.migrate(&database).await?;
                    self.liem.append(&Place::Database(database.clone()), shape, stream, self.window).await
                };
                self.dropping(done.await, &database).await
            }
            Target::UmaDb { size, condition, spread } => {
                self.with_umadb(async |client| {
                    let appends = Appends { client, contents, size, condition, spread };
                    drive(appends, shape, self.window).await
                })
                .await
            }
            Target::EmptyCall => {
                self.with_umadb(async |client| drive(EmptyCalls(client), shape, self.window).await).await
            }
            Target::Esrs { size } => {
                let database = self.postgres.database().await?;
                let done = async {
                    let commands = Commands::new(&database, shape.callers, contents, size).await?;
                    drive(commands, shape, self.window).await
                };
                self.dropping(done.await, &database).await
            }
            Target::Sqlite => {
                let folder = self.new_folder();
                let inserts = sqlite::Inserts::new(&folder, contents).await?;
                let measured = drive(inserts, shape, self.window).await?;
                std::fs::remove_dir_all(folder)?;
                Ok(measured)
            }
            Target::Postgres(statement) => {
                let database = self.postgres.database().await?;
                let done = async {
                    let inserts = postgres::Inserts::new(&database, statement, contents).await?;
                    drive(inserts, shape, self.window).await
                };
                self.dropping(done.await, &database).await
            }
        }
    }

    /// One turn of reading everything, of stores that stay from turn to turn.
    pub(crate) async fn read(&self, target: Target, events: usize) -> Result<Measured> {
        match target {
            Target::Liem { log, .. } => self.liem.read(&self.kept(log).await?, events).await,
            Target::UmaDb { size, condition, spread } => {
                let folder = self.work.join(format!("umadb-{size:?}"));
                let mut server = umadb::Server::start(&self.umadb, &folder)?;
                let client = server.client().await?;
                let appends =
                    Appends { client, contents: Arc::clone(&self.contents), size, condition, spread };
                let measured = umadb::read(&appends, events).await?;
                let server_peak_mib = server.peak_mib();
                server.stop().await?;
                Ok(Measured { server_peak_mib, ..measured })
            }
            _ => bail!("nothing reads it"),
        }
    }

    /// Fills the log that stays.
    pub(crate) async fn fill(&self, log: Log, events: f64) -> Result<()> {
        self.liem.fill(&self.kept(log).await?, events).await
    }

    /// The log that stays.
    async fn kept(&self, log: Log) -> Result<Place> {
        match log {
            Log::Sqlite => {
                let folder = self.work.join("liem-kept");
                std::fs::create_dir_all(&folder)?;
                Ok(Place::Folder(folder))
            }
            Log::Postgres => {
                let made = self.kept_database.get_or_try_init(async || {
                    let database = self.postgres.database().await?;
                    self.liem.migrate(&database).await?;
                    anyhow::Ok(database)
                });
                Ok(Place::Database(made.await?.clone()))
            }
        }
    }

    async fn with_umadb(
        &self,
        turn: impl AsyncFnOnce(umadb_client::AsyncUmaDbClient) -> Result<Measured>,
    ) -> Result<Measured> {
        let folder = self.new_folder();
        let mut server = umadb::Server::start(&self.umadb, &folder)?;
        let measured = turn(server.client().await?).await?;
        let server_peak_mib = server.peak_mib();
        server.stop().await?;
        std::fs::remove_dir_all(folder)?;
        Ok(Measured { server_peak_mib, ..measured })
    }

    async fn dropping(&self, done: Result<Measured>, database: &Database) -> Result<Measured> {
        self.postgres.drop(database).await?;
        done
    }

    fn new_folder(&self) -> PathBuf {
        self.work.join(format!("turn-{}", self.folders.fetch_add(1, Ordering::Relaxed)))
    }
}
