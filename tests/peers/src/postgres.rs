//! PostgreSQL: a new database for each turn, and the log's table by hand.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use anyhow::Result;
use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Connection as _, PgConnection,
    postgres::{PgConnectOptions, PgSslMode},
};
use tokio::sync::Mutex;
use uuid::Uuid;

use crate::{
    contents::{Contents, EVENT_TYPE},
    load::Append,
    rows::{Row, Rows},
};

/// Where the port is.
pub(crate) const LOOPBACK: &str = "127.0.0.1";

/// Who owns Liêm's schema, and who appends.
const OWNER: &str = "liem_owner";
const SERVICE: &str = "liem_service";

/// As in `libs/eventlog/src/postgres/schema_1.sql`.
const TABLE: &str = "CREATE TABLE entry (
    position bigint PRIMARY KEY CHECK (position > 0),
    stream text COLLATE \"C\" NOT NULL,
    revision bigint NOT NULL CHECK (revision > 0),
    append_id uuid NOT NULL,
    k integer NOT NULL CHECK (k >= 0),
    type text NOT NULL,
    recorded_at bigint NOT NULL,
    bytes bytea NOT NULL,
    UNIQUE (stream, revision),
    UNIQUE (append_id, k)
)";

const ONE: &str = "INSERT INTO entry (position, stream, revision, append_id, k, type, recorded_at, bytes)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";

const UNNEST: &str = "INSERT INTO entry (position, stream, revision, append_id, k, type, recorded_at, bytes)
    SELECT * FROM UNNEST($1::bigint[], $2::text[], $3::bigint[], $4::uuid[], $5::integer[], $6::text[],
        $7::bigint[], $8::bytea[])";

const COPY: &str = "COPY entry (position, stream, revision, append_id, k, type, recorded_at, bytes)
    FROM STDIN (FORMAT binary)";

/// Where a server that runs already is reached.
#[derive(Debug, Clone)]
pub(crate) struct Address {
    /// The folder of its Unix socket; its loopback port is taken where there is none.
    pub(crate) socket_folder: Option<PathBuf>,
    /// The port, which also names the socket.
    pub(crate) port: u16,
}

/// That server.
pub(crate) struct Server {
    address: Address,
    made: AtomicU32,
}

/// A database of it.
#[derive(Debug, Clone)]
pub(crate) struct Database {
    pub(crate) address: Address,
    pub(crate) name: String,
}

impl Server {
    pub(crate) fn new(address: Address) -> Self {
        Self { address, made: AtomicU32::new(0) }
    }

    /// A new, empty database, owned by Liêm's owner.
    pub(crate) async fn database(&self) -> Result<Database> {
        let name = format!("peers_{}", self.made.fetch_add(1, Ordering::Relaxed));
        self.run(format!("CREATE DATABASE {name} OWNER {OWNER}")).await?;
        Ok(Database { address: self.address.clone(), name })
    }

    /// Drops a database, whoever is still connected.
    pub(crate) async fn drop(&self, database: &Database) -> Result<()> {
        self.run(format!("DROP DATABASE {} WITH (FORCE)", database.name)).await
    }

    async fn run(&self, sql: String) -> Result<()> {
        let database = Database { address: self.address.clone(), name: "postgres".to_owned() };
        let mut connection = database.connect().await?;
        sqlx::query(AssertSqlSafe(sql)).execute(&mut connection).await?;
        Ok(connection.close().await?)
    }
}

impl Database {
    async fn connect(&self) -> Result<PgConnection> {
        let options = PgConnectOptions::new()
            .port(self.address.port)
            .username("postgres")
            .database(&self.name)
            .ssl_mode(PgSslMode::Disable);
        let options = match &self.address.socket_folder {
            Some(folder) => options.socket(folder),
            None => options.host(LOOPBACK),
        };
        Ok(options.connect().await?)
    }

    /// What Liêm's owner makes the schema with.
    pub(crate) fn owner_url(&self) -> String {
        self.url(OWNER)
    }

    /// What Liêm's ledger runs with.
    pub(crate) fn service_url(&self) -> String {
        self.url(SERVICE)
    }

    fn url(&self, role: &str) -> String {
        let Self { address: Address { socket_folder, port }, name } = self;
        match socket_folder {
            Some(folder) => format!("postgres://{role}@localhost:{port}/{name}?host={}", folder.display()),
            None => format!("postgres://{role}@{LOOPBACK}:{port}/{name}"),
        }
    }
}

/// How rows are written by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Statement {
    /// An INSERT of one row.
    One,
    /// An INSERT from arrays.
    Unnest,
    /// A COPY in the binary format.
    Copy,
}

/// One connection that inserts, each statement a transaction.
pub(crate) struct Inserts {
    connection: Mutex<PgConnection>,
    statement: Statement,
    rows: Rows,
}

impl Inserts {
    /// Makes the table in a new database.
    pub(crate) async fn new(
        database: &Database,
        statement: Statement,
        contents: Arc<Contents>,
    ) -> Result<Self> {
        let mut connection = database.connect().await?;
        sqlx::query(TABLE).execute(&mut connection).await?;
        Ok(Self { connection: Mutex::new(connection), statement, rows: Rows::new(contents) })
    }
}

impl Append for Inserts {
    async fn append(&self, events: usize) -> Result<()> {
        let rows = self.rows.append(i32::try_from(events)?);
        let mut connection = self.connection.lock().await;
        match self.statement {
            Statement::One => {
                for row in rows {
                    one(&mut connection, row).await?;
                }
            }
            Statement::Unnest => unnest(&mut connection, rows).await?,
            Statement::Copy => {
                let mut copy = connection.copy_in_raw(COPY).await?;
                copy.send(binary(&rows)?).await?;
                copy.finish().await?;
            }
        }
        Ok(())
    }
}

async fn one(connection: &mut PgConnection, row: Row) -> Result<()> {
    sqlx::query(ONE)
        .bind(row.position)
        .bind(row.stream)
        .bind(row.revision)
        .bind(row.append_id)
        .bind(row.k)
        .bind(EVENT_TYPE)
        .bind(row.recorded_at)
        .bind(row.bytes)
        .execute(connection)
        .await?;
    Ok(())
}

async fn unnest(connection: &mut PgConnection, rows: Vec<Row>) -> Result<()> {
    let positions: Vec<i64> = rows.iter().map(|r| r.position).collect();
    let revisions: Vec<i64> = rows.iter().map(|r| r.revision).collect();
    let append_ids: Vec<Uuid> = rows.iter().map(|r| r.append_id).collect();
    let ks: Vec<i32> = rows.iter().map(|r| r.k).collect();
    let recorded: Vec<i64> = rows.iter().map(|r| r.recorded_at).collect();
    let types = vec![EVENT_TYPE; rows.len()];
    let (streams, bytes): (Vec<String>, Vec<Vec<u8>>) = rows.into_iter().map(|r| (r.stream, r.bytes)).unzip();
    sqlx::query(UNNEST)
        .bind(positions)
        .bind(streams)
        .bind(revisions)
        .bind(append_ids)
        .bind(ks)
        .bind(types)
        .bind(recorded)
        .bind(bytes)
        .execute(connection)
        .await?;
    Ok(())
}

/// Rows in the binary format of COPY: each field behind its length, all numbers big end first.
fn binary(rows: &[Row]) -> Result<Vec<u8>> {
    fn field(into: &mut Vec<u8>, bytes: &[u8]) -> Result<()> {
        into.extend_from_slice(&i32::try_from(bytes.len())?.to_be_bytes());
        into.extend_from_slice(bytes);
        Ok(())
    }
    let mut out = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0".to_vec();
    for row in rows {
        out.extend_from_slice(&8i16.to_be_bytes());
        field(&mut out, &row.position.to_be_bytes())?;
        field(&mut out, row.stream.as_bytes())?;
        field(&mut out, &row.revision.to_be_bytes())?;
        field(&mut out, row.append_id.as_bytes())?;
        field(&mut out, &row.k.to_be_bytes())?;
        field(&mut out, EVENT_TYPE.as_bytes())?;
        field(&mut out, &row.recorded_at.to_be_bytes())?;
        field(&mut out, &row.bytes)?;
    }
    out.extend_from_slice(&(-1i16).to_be_bytes());
    Ok(out)
}
