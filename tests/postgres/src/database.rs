//! Databases, and who comes to them.

use std::{
    fmt::Write as _,
    net::SocketAddr,
    path::PathBuf,
    sync::atomic::{AtomicU32, Ordering},
    thread,
};

use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use crate::Postgres;

/// Who connects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// `liem_owner`, who owns every database.
    Owner,
    /// `liem_service`, who may do nothing that wasn't granted.
    Service,
    /// `liem_maintenance`, who may do nothing that wasn't granted.
    Maintenance,
    /// `postgres`, for tests that must break things.
    Superuser,
}

impl Role {
    /// Its name in the server.
    pub fn name(self) -> &'static str {
        match self {
            Self::Owner => "liem_owner",
            Self::Service => "liem_service",
            Self::Maintenance => "liem_maintenance",
            Self::Superuser => "postgres",
        }
    }
}

/// A database and the ways to it. It borrows nothing, so that its server can be stopped meanwhile, and goes
/// with its server.
#[derive(Debug, Clone)]
pub struct Database {
    name: String,
    folder: PathBuf,
    address: SocketAddr,
}

impl Database {
    /// Makes a database of a name that no other one has in this process.
    pub(crate) fn create(server: &Postgres) -> Self {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let name = format!("liem_{}", MADE.fetch_add(1, Ordering::Relaxed) + 1);
        // Nobody can be connected to template0, which would hinder it.
        execute(server, &format!("CREATE DATABASE {name} OWNER {} TEMPLATE template0", Role::Owner.name()));
        Self::named(&name, server)
    }

    fn named(name: &str, server: &Postgres) -> Self {
        Self { name: name.to_owned(), folder: server.folder().to_owned(), address: server.address() }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The database of the same name in another server: a standby of this one's.
    #[must_use]
    pub fn on(&self, server: &Postgres) -> Self {
        Self::named(&self.name, server)
    }

    /// The way to it over the server's Unix socket.
    pub fn url(&self, role: Role) -> String {
        let mut folder = String::new();
        for byte in self.folder.to_string_lossy().bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' => folder.push(byte.into()),
                _ => write!(folder, "%{byte:02X}").unwrap(),
            }
        }
        format!("postgres://{}@{folder}:{}/{}", role.name(), self.address.port(), self.name)
    }

    /// The way to it over TCP.
    pub fn tcp_url(&self, role: Role) -> String {
        self.url_at(role, self.address)
    }

    /// The way to it over another address, such as a [`Proxy`](crate::Proxy)'s.
    pub fn url_at(&self, role: Role, address: SocketAddr) -> String {
        format!("postgres://{}@{address}/{}", role.name(), self.name)
    }
}

/// Runs statements as superuser, one connection for all.
pub(crate) fn execute(server: &Postgres, statements: &str) {
    connected(server, async |connection| {
        sqlx::raw_sql(AssertSqlSafe(statements)).execute(connection).await.map(drop)
    });
}

/// Asks for one text as superuser; none if there is no row.
pub(crate) fn ask(server: &Postgres, query: &str) -> Option<String> {
    connected(server, async |connection| {
        sqlx::query_scalar(AssertSqlSafe(query)).fetch_optional(connection).await
    })
}

/// Blocks in a thread of its own, since the caller's may belong to a runtime.
fn connected<T: Send>(
    server: &Postgres,
    work: impl AsyncFnOnce(&mut PgConnection) -> Result<T, sqlx::Error> + Send,
) -> T {
    let url = Database::named("postgres", server).url(Role::Superuser);
    let work = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut connection = PgConnection::connect(&url).await?;
            let answer = work(&mut connection).await?;
            connection.close().await?;
            Ok::<_, sqlx::Error>(answer)
        })
    };
    thread::scope(|scope| scope.spawn(work).join().unwrap()).unwrap_or_else(|e| panic!("{url}: {e}"))
}
