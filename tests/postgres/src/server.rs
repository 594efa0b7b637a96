//! Servers.

use std::{
    env,
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    process::Command,
    sync::OnceLock,
};

use crate::{Database, Role, binaries, database::execute, keeper::Keeper, port};

/// A server of its own: a folder, a free port of the loopback and a Unix socket. Whoever is on this machine
/// is trusted. Its durability is PostgreSQL's own (`fsync` and `synchronous_commit` are on).
///
/// It's stopped and its folder removed when it's dropped, and also when the process ends in any other way. The
/// folder is made where `TMPDIR` says; syncing is what most of its time goes to, so it's fastest in memory.
pub struct Postgres {
    keeper: Keeper,
    port: u16,
    /// The name by which its primary knows it; none if it was never a standby.
    name: Option<String>,
}

impl Postgres {
    /// Starts one, and waits until it accepts connections.
    pub fn start() -> Self {
        let mut keeper = Keeper::new(&binaries::find());
        // Not syncing what initdb wrote is no risk, as long as only processes die and not machines.
        let initdb = "initdb -D \"$data\" -U postgres -A trust -E UTF8 --locale=C --no-sync";
        keeper.run(initdb).unwrap_or_else(|e| panic!("{e}"));
        let server = Self::listening(keeper, None);
        for role in [Role::Owner, Role::Service, Role::Maintenance] {
            execute(&server, &format!("CREATE ROLE {} LOGIN", role.name()));
        }
        server
    }

    /// The server that all tests of this binary share.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Postgres> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// Starts what the keeper's folder holds on a free port, which another process may take meanwhile: then on
    /// another one.
    pub(crate) fn listening(keeper: Keeper, name: Option<String>) -> Self {
        let mut server = Self { keeper, port: port::free(), name };
        for _ in 0..2 {
            if server.keeper.run(&server.starting()).is_ok() {
                return server;
            }
            server.port = port::free();
        }
        server.start_again();
        server
    }

    fn starting(&self) -> String {
        let mut settings = format!(
            "-c port={} -c listen_addresses=127.0.0.1 -c 'unix_socket_directories=$folder' \
             -c max_connections=200 -c wal_retrieve_retry_interval=100ms",
            self.port
        );
        if cfg!(target_os = "linux") {
            // After a kill it syncs all its files before it recovers: at once rather than one by one.
            settings.push_str(" -c recovery_init_sync_method=syncfs");
        }
        format!("pg_ctl -D \"$data\" -l \"$folder/server.log\" -w -o \"{settings}\" start")
    }

    /// A fresh database, owned by [`Role::Owner`].
    pub fn database(&self) -> Database {
        Database::create(self)
    }

    /// A program of PostgreSQL, such as `psql` or `pg_dump`, which comes to this server as superuser.
    pub fn program(&self, name: &str) -> Command {
        let mut command = Command::new(binaries::find().join(name));
        // The caller's own settings are for a server of theirs.
        for (setting, _) in env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("PG")) {
            command.env_remove(setting);
        }
        let port = self.port.to_string();
        command.env("PGHOST", self.folder()).env("PGPORT", port).env("PGUSER", Role::Superuser.name());
        command
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// Its folder: the data are in `data`, its log is `server.log`.
    pub fn folder(&self) -> &Path {
        &self.keeper.folder
    }

    /// Stops it in order: what runs is rolled back, connections are closed.
    pub fn stop(&mut self) {
        self.run("pg_ctl -D \"$data\" -m fast -w stop");
    }

    /// Ends its processes at once, in the middle of whatever they do. What isn't in its log is lost, and it
    /// recovers when it's started again.
    pub fn kill(&mut self) {
        self.run("pg_ctl -D \"$data\" -m immediate -w stop");
    }

    /// Starts it with the same data on the same port, after [`stop`](Self::stop) or [`kill`](Self::kill).
    pub fn start_again(&mut self) {
        self.run(&self.starting());
    }

    pub(crate) fn name(&self) -> &str {
        self.name.as_deref().expect("a standby")
    }

    pub(crate) fn run(&mut self, command: &str) {
        self.keeper.run(command).unwrap_or_else(|e| panic!("{e}"));
    }
}
