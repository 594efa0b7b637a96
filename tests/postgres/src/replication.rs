//! Standbys.

use std::sync::atomic::{AtomicU32, Ordering};

use crate::{
    Postgres, binaries,
    database::{ask, execute},
    keeper::Keeper,
    wait_until,
};

impl Postgres {
    /// A standby of this server, with a folder and a port of its own, which has begun to stream what is
    /// written here. It may be read, and finds this server again when either was stopped.
    #[must_use]
    pub fn standby(&self) -> Self {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let name = format!("standby_{}", MADE.fetch_add(1, Ordering::Relaxed) + 1);
        let mut keeper = Keeper::new(&binaries::find());
        let (folder, port) = (self.folder().display(), self.address().port());
        let copy = format!(
            "pg_basebackup -D \"$data\" -R -c fast --no-sync \
             -d \"host='{folder}' port={port} user=postgres application_name={name}\""
        );
        keeper.run(&copy).unwrap_or_else(|e| panic!("{e}"));
        let standby = Self::listening(keeper, Some(name));
        wait_until("the standby streams", || self.sees(&standby, "state").as_deref() == Some("streaming"));
        standby
    }

    /// From here on a commit is answered only when this standby has it on disk, too.
    pub fn wait_for(&self, standby: &Self) {
        self.synchronous_with(standby.name());
        wait_until("the standby is waited for", || {
            self.sees(standby, "sync_state").as_deref() == Some("sync")
        });
    }

    /// From here on a commit waits for no standby, and neither do those that were waiting.
    pub fn wait_for_none(&self) {
        self.synchronous_with("");
    }

    /// Makes a standby a server of its own, and waits until it takes writes. Nothing is done to its primary, which
    /// is for the test to stop.
    pub fn promote(&mut self) {
        self.run("pg_ctl -D \"$data\" -w promote");
        wait_until("the standby takes writes", || {
            ask(self, "SELECT pg_is_in_recovery()::text").as_deref() == Some("false")
        });
        // It may have copied from its primary whom to wait for.
        self.wait_for_none();
    }

    /// What this server says of a standby that streams; none if it doesn't.
    fn sees(&self, standby: &Self, column: &str) -> Option<String> {
        let name = standby.name();
        ask(self, &format!("SELECT {column} FROM pg_stat_replication WHERE application_name = '{name}'"))
    }

    fn synchronous_with(&self, names: &str) {
        execute(self, &format!("ALTER SYSTEM SET synchronous_standby_names = '{names}'"));
        execute(self, "SELECT pg_reload_conf()");
        // A new connection knows it only after the server has told all its processes to read it.
        wait_until("the server has read its settings", || {
            ask(self, "SHOW synchronous_standby_names").as_deref() == Some(names)
        });
        // Commits wait as soon as the checkpointer has read it, which it has when it begins a second checkpoint.
        execute(self, "CHECKPOINT");
        execute(self, "CHECKPOINT");
    }
}
