//! Going back to a moment: a copy of the files, and the log that the server has written since.

use crate::{
    Postgres, binaries,
    database::{ask, execute},
    keeper::Keeper,
    wait_until,
};

/// A copy of a server's files, taken while it ran.
pub struct BaseBackup {
    keeper: Keeper,
}

impl Postgres {
    /// Starts again, and from now on keeps all of its write-ahead log in `archive` of its folder.
    pub fn archive(&mut self) {
        self.run("mkdir \"$folder/archive\"");
        let folder = self.folder().display();
        execute(self, "ALTER SYSTEM SET archive_mode = on");
        execute(self, &format!("ALTER SYSTEM SET archive_command = 'cp %p \"{folder}/archive/%f\"'"));
        self.stop();
        self.start_again();
    }

    /// Copies its files, as `pg_basebackup` does.
    pub fn base_backup(&self) -> BaseBackup {
        let mut keeper = Keeper::new(&binaries::find());
        let (folder, port) = (self.folder().display(), self.address().port());
        let copy = format!(
            "pg_basebackup -D \"$data\" -c fast --no-sync -d \"host='{folder}' port={port} user=postgres\""
        );
        keeper.run(&copy).unwrap_or_else(|e| panic!("{e}"));
        BaseBackup { keeper }
    }

    /// Gives this moment a name, and waits until the log up to it is in the archive.
    pub fn name_moment(&self, name: &str) {
        execute(self, &format!("SELECT pg_create_restore_point('{name}')"));
        let file = ask(self, "SELECT pg_walfile_name(pg_switch_wal())").unwrap();
        let archived = self.folder().join("archive").join(&file);
        wait_until("the log is in the archive", || {
            let archived_last = "SELECT last_archived_wal FROM pg_stat_archiver";
            archived.exists() && ask(self, archived_last).is_some_and(|last| last >= file)
        });
    }
}

impl BaseBackup {
    /// A server as the other one was at a moment that it named. The other one may go on, or be gone but for its archive.
    #[must_use]
    pub fn restore(mut self, archive_of: &Postgres, moment: &str) -> Postgres {
        let archive = archive_of.folder().join("archive");
        let settings = format!(
            "printf '%s\\n' 'archive_mode = off' \"restore_command = 'cp \\\"{}/%f\\\" %p'\" \
             \"recovery_target_name = '{moment}'\" \"recovery_target_action = 'promote'\" \
             >>\"$data/postgresql.auto.conf\" && touch \"$data/recovery.signal\"",
            archive.display()
        );
        self.keeper.run(&settings).unwrap_or_else(|e| panic!("{e}"));
        let server = Postgres::listening(self.keeper, None);
        wait_until("the server takes writes", || {
            ask(&server, "SELECT pg_is_in_recovery()::text").as_deref() == Some("false")
        });
        server
    }
}
