//! The two databases of a vault, open over one connection, and how traces are taken out of them.

use std::{
    fs::{self, File, TryLockError},
    io,
    path::Path,
    time::Duration,
};

use sqlx::{
    ConnectOptions as _, Connection as _, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};

use crate::{
    MasterKey, VaultError,
    codes::{self, Strangers},
    crypto::{self, Key},
    master::{file_error, private, sync_folder_of},
};

const KEYS: &str = "keys.db";
const SEALED: &str = "sealed.db";
const LOCK: &str = "vault.lock";

/// The version in `PRAGMA user_version` of both.
const VERSION: i64 = 1;

/// What the vault's own key is about.
pub(crate) const OWN_KEY: &[&[u8]] = &[b"liem-vault/own-key"];

/// The tables of `keys.db`. None has a row number: it would tell in which order rows came.
const KEYS_SCHEMA: [&str; 6] = [
    // `own-key`: a key of the vault's own, wrapped, which only the right master key opens. `unclean`: there
    // may be traces in the files of what was erased.
    "CREATE TABLE vault (
    name TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID",
    // Stays when a seal is erased.
    "CREATE TABLE seal (
    id TEXT PRIMARY KEY,
    request BLOB NOT NULL CHECK (length(request) = 32),
    place INTEGER NOT NULL,
    subject TEXT NOT NULL,
    commitment BLOB NOT NULL CHECK (length(commitment) = 32),
    UNIQUE (request, place)
) STRICT, WITHOUT ROWID",
    "CREATE INDEX seal_by_subject ON seal (subject)",
    "CREATE TABLE data_key (
    id TEXT PRIMARY KEY,
    wrapped BLOB NOT NULL CHECK (length(wrapped) = 72),
    salt BLOB NOT NULL CHECK (length(salt) = 32)
) STRICT, WITHOUT ROWID",
    // Requests whose event is not known to be recorded. The id is wrapped, as it may hold a time.
    "CREATE TABLE pending (
    request BLOB PRIMARY KEY CHECK (length(request) = 32),
    wrapped BLOB NOT NULL,
    sweeps INTEGER NOT NULL
) STRICT, WITHOUT ROWID",
    // The row without a locator is what unknown locators are checked with.
    "CREATE TABLE code (
    locator TEXT PRIMARY KEY,
    report BLOB NOT NULL,
    hash TEXT NOT NULL,
    wrong INTEGER NOT NULL DEFAULT 0,
    locked_until INTEGER
) STRICT, WITHOUT ROWID",
];

const SEALED_SCHEMA: &str = "CREATE TABLE sealed.ciphertext (
    id TEXT PRIMARY KEY,
    field TEXT NOT NULL,
    bytes BLOB NOT NULL
) STRICT, WITHOUT ROWID";

/// The files of a vault, open for its one user.
pub(crate) struct Files {
    pub(crate) connection: SqliteConnection,
    pub(crate) strangers: Strangers,
    /// Declared last: let go of when the databases are closed.
    #[expect(dead_code, reason = "it's held, not used")]
    lock: File,
}

impl Files {
    /// Opens the vault in a folder, and makes it where there is none. Also gives the vault's own key.
    pub(crate) async fn open(folder: &Path, master: &MasterKey) -> Result<(Self, Key), VaultError> {
        make_folder(folder)?;
        let lock = lock(&folder.join(LOCK))?;
        let (keys, sealed) = (folder.join(KEYS), folder.join(SEALED));
        if is_empty(&keys) && !is_empty(&sealed) {
            return Err(VaultError::Missing { path: keys.display().to_string() });
        }
        touch(&keys)?;
        let connection = connect(&keys).await?;
        let mut files = Self { connection, strangers: Strangers::default(), lock };
        match files.unlock(&keys, &sealed, master).await {
            Ok(own_key) => Ok((files, own_key)),
            Err(error) => {
                if let Err(error) = files.connection.close().await {
                    tracing::debug!(%error, "the vault did not close cleanly");
                }
                Err(error)
            }
        }
    }

    async fn unlock(&mut self, keys: &Path, sealed: &Path, master: &MasterKey) -> Result<Key, VaultError> {
        let found: i64 = sqlx::query_scalar("PRAGMA user_version").fetch_one(&mut self.connection).await?;
        if found == 0 {
            self.make_keys(master).await?;
        }
        self.check_version(keys, "PRAGMA user_version").await?;
        let own_key = self.own_key(master).await?;

        let has_keys: bool = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM data_key)")
            .fetch_one(&mut self.connection)
            .await?;
        if has_keys && is_empty(sealed) {
            return Err(VaultError::Missing { path: sealed.display().to_string() });
        }
        self.attach(sealed).await?;
        if self.is_unclean().await?
            && let Err(error) = self.clean().await
        {
            tracing::warn!(%error, "traces of what was erased may be in the vault's files: erase again");
        }
        Ok(own_key)
    }

    async fn make_keys(&mut self, master: &MasterKey) -> Result<(), VaultError> {
        let own_key = crypto::encrypt(master.bytes(), &*crypto::random_key()?, OWN_KEY)?;
        let decoy = codes::decoy(master).await?;
        let mut tx = self.connection.begin_with("BEGIN IMMEDIATE").await?;
        for statement in KEYS_SCHEMA {
            sqlx::query(statement).execute(&mut *tx).await?;
        }
        sqlx::query("INSERT INTO vault VALUES ('own-key', ?)").bind(own_key).execute(&mut *tx).await?;
        codes::insert(&mut tx, &decoy).await?;
        sqlx::query("PRAGMA user_version = 1").execute(&mut *tx).await?;
        tx.commit().await?;
        Ok(())
    }

    /// The key that only the right master key opens.
    async fn own_key(&mut self, master: &MasterKey) -> Result<Key, VaultError> {
        let wrapped: Vec<u8> = sqlx::query_scalar("SELECT value FROM vault WHERE name = 'own-key'")
            .fetch_optional(&mut self.connection)
            .await?
            .ok_or_else(|| VaultError::damaged(KEYS))?;
        crypto::decrypt_key(master.bytes(), &wrapped, OWN_KEY).ok_or(VaultError::WrongMasterKey)
    }

    async fn attach(&mut self, path: &Path) -> Result<(), VaultError> {
        touch(path)?;
        sqlx::query("ATTACH ? AS sealed").bind(utf8(path)?).execute(&mut self.connection).await?;
        // Each database has its own of these.
        for pragma in [
            "PRAGMA sealed.journal_mode = WAL",
            "PRAGMA sealed.synchronous = FULL",
            "PRAGMA sealed.secure_delete = ON",
        ] {
            sqlx::query(pragma).execute(&mut self.connection).await?;
        }
        let found: i64 =
            sqlx::query_scalar("PRAGMA sealed.user_version").fetch_one(&mut self.connection).await?;
        if found == 0 {
            let mut tx = self.connection.begin_with("BEGIN IMMEDIATE").await?;
            sqlx::query(SEALED_SCHEMA).execute(&mut *tx).await?;
            sqlx::query("PRAGMA sealed.user_version = 1").execute(&mut *tx).await?;
            tx.commit().await?;
        }
        self.check_version(path, "PRAGMA sealed.user_version").await
    }

    async fn check_version(&mut self, path: &Path, pragma: &'static str) -> Result<(), VaultError> {
        let found: i64 = sqlx::query_scalar(pragma).fetch_one(&mut self.connection).await?;
        if found == VERSION {
            return Ok(());
        }
        Err(VaultError::Schema { path: path.display().to_string(), found, known: VERSION })
    }

    pub(crate) async fn is_unclean(&mut self) -> Result<bool, VaultError> {
        let unclean = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM vault WHERE name = 'unclean')");
        Ok(unclean.fetch_one(&mut self.connection).await?)
    }

    /// Takes every trace of what was deleted out of the files.
    ///
    /// `secure_delete` alone doesn't: where SQLite moves rows between pages, copies of some stay in the free
    /// room of the old ones, which a later delete doesn't find. So the files are written anew.
    pub(crate) async fn clean(&mut self) -> Result<(), VaultError> {
        // Of seals that are on record and have no key: others may have theirs in a newer backup of the keys.
        sqlx::query(
            "DELETE FROM sealed.ciphertext WHERE id IN (SELECT id FROM seal) \
             AND id NOT IN (SELECT id FROM data_key)",
        )
        .execute(&mut self.connection)
        .await?;
        for statement in ["VACUUM main", "VACUUM sealed"] {
            sqlx::query(statement).execute(&mut self.connection).await?;
        }
        if !self.fold().await? {
            return Err(VaultError::Busy);
        }
        sqlx::query("DELETE FROM vault WHERE name = 'unclean'").execute(&mut self.connection).await?;
        Ok(())
    }

    /// Folds the write-ahead logs back and empties them; false if something else reads the files.
    async fn fold(&mut self) -> Result<bool, VaultError> {
        let mut done = true;
        for pragma in ["PRAGMA main.wal_checkpoint(TRUNCATE)", "PRAGMA sealed.wal_checkpoint(TRUNCATE)"] {
            let (busy, _, _): (i64, i64, i64) =
                sqlx::query_as(pragma).fetch_one(&mut self.connection).await?;
            done &= busy == 0;
        }
        Ok(done)
    }

    /// Copies of both databases.
    ///
    /// Sealed texts first. A key is written before its ciphertext, so a copy of the keys that is taken after
    /// one of the ciphertexts has every key that these need, but for those that were erased since; the other
    /// way round, a text sealed in between would be a ciphertext without a key.
    pub(crate) async fn copy(&mut self, sealed_to: &Path, keys_to: &Path) -> Result<(), VaultError> {
        make_new(sealed_to)?;
        let copied = match make_new(keys_to) {
            Ok(()) => {
                let copied = self.copy_into(sealed_to, keys_to).await;
                if copied.is_err() {
                    remove(keys_to);
                }
                copied
            }
            Err(error) => Err(error),
        };
        if copied.is_err() {
            remove(sealed_to);
        }
        copied
    }

    async fn copy_into(&mut self, sealed_to: &Path, keys_to: &Path) -> Result<(), VaultError> {
        for (statement, path) in [("VACUUM sealed INTO ?", sealed_to), ("VACUUM main INTO ?", keys_to)] {
            sqlx::query(statement).bind(utf8(path)?).execute(&mut self.connection).await?;
            File::open(path).and_then(|file| file.sync_all()).map_err(|e| file_error(path, e))?;
            sync_folder_of(path)?;
        }
        Ok(())
    }

    /// Closes the databases, so that two files are all there is.
    pub(crate) async fn close(mut self) -> Result<(), VaultError> {
        if !self.fold().await? {
            tracing::warn!("something else reads the vault: its write-ahead logs were not folded back");
        }
        self.connection.close().await?;
        Ok(())
    }
}

async fn connect(path: &Path) -> Result<SqliteConnection, VaultError> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        // Every commit is synced before it is acknowledged.
        .synchronous(SqliteSynchronous::Full)
        // Nobody else writes. Who reads may hold up erasing, which then says so.
        .busy_timeout(Duration::from_secs(2))
        .pragma("secure_delete", "ON")
        // What is written anew goes through no file of its own.
        .pragma("temp_store", "MEMORY");
    Ok(options.connect().await?)
}

fn make_folder(folder: &Path) -> Result<(), VaultError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(|e| file_error(folder, e))
}

fn lock(path: &Path) -> Result<File, VaultError> {
    let file = private().create(true).truncate(true).open(path).map_err(|source| file_error(path, source))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(VaultError::Locked { path: path.display().to_string() }),
        Err(TryLockError::Error(source)) => Err(file_error(path, source)),
    }
}

fn is_empty(path: &Path) -> bool {
    fs::metadata(path).map_or(true, |found| found.len() == 0)
}

/// Makes an empty file for its owner only, where there is none: SQLite makes its others alike.
fn touch(path: &Path) -> Result<(), VaultError> {
    private().create(true).truncate(false).open(path).map(drop).map_err(|e| file_error(path, e))
}

fn make_new(path: &Path) -> Result<(), VaultError> {
    private().create_new(true).open(path).map(drop).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => VaultError::Exists { path: path.display().to_string() },
        _ => file_error(path, error),
    })
}

/// Takes away a copy that was begun.
fn remove(path: &Path) {
    if let Err(error) = fs::remove_file(path) {
        tracing::warn!(path = %path.display(), %error, "a copy that failed can't be taken away");
    }
}

fn utf8(path: &Path) -> Result<&str, VaultError> {
    path.to_str()
        .ok_or_else(|| file_error(path, io::Error::new(io::ErrorKind::InvalidInput, "the name is not UTF-8")))
}
