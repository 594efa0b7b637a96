//! The commands of docs/backup.md: what they save is the log up to a moment, and what they restore is a log.

use std::{
    fs,
    path::Path,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
};

use eventlog::{
    Entry, EventLog, PostgresLog, SqliteLog, check_file, check_postgres, conformance::whole::everything,
    rebundle_postgres,
};
use sqlx::{ConnectOptions as _, sqlite::SqliteConnectOptions};
use test_postgres::{Database, Postgres, Role};
use tokio::task::JoinHandle;

use crate::{
    postgres::{Place, code, execute},
    store::{Store, append, options},
};

/// One that appends until it's told to end, so that something is always under way.
struct Appending {
    has_ended: Arc<AtomicBool>,
    task: JoinHandle<()>,
}

impl Appending {
    fn to(log: Arc<dyn EventLog>) -> Self {
        let has_ended = Arc::new(AtomicBool::new(false));
        let ends = has_ended.clone();
        let task = tokio::spawn(async move {
            for n in 0.. {
                log.append(append(&format!("case-{}", n % 5), 40)).await.unwrap();
                if ends.load(SeqCst) {
                    break;
                }
            }
        });
        Self { has_ended, task }
    }

    async fn end(self) {
        self.has_ended.store(true, SeqCst);
        self.task.await.unwrap();
    }
}

/// A restored log is the beginning of the one it was saved from, takes appends, and knows those it has.
async fn goes_on(restored: &dyn EventLog, from: &[Entry], at_least: u64) {
    let entries = everything(restored).await;
    assert!(entries.len() as u64 >= at_least, "what was acknowledged before the backup is in it");
    assert_eq!(entries, from[..entries.len()]);
    let next = restored.append(append("next", 2)).await.unwrap();
    assert_eq!(next.first_position, entries.len() as u64 + 1);
    let last = entries.last().unwrap().header().unwrap();
    assert_eq!(restored.find_append(last.append_id).await.unwrap().last(), entries.last());
    everything(restored).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_saved_while_the_ledger_runs_or_copied_when_it_has_ended() {
    let store = Store::new();
    let log = store.open().await;
    log.append(append("first", 600)).await.unwrap();
    let writing = Appending::to(log.clone());
    let running = store.path().with_file_name("running.db");
    let before = log.head().await.unwrap().position;
    // As `sqlite3 -readonly` does.
    let mut saving =
        SqliteConnectOptions::new().filename(store.path()).read_only(true).connect().await.unwrap();
    sqlx::query("VACUUM INTO ?").bind(running.to_str().unwrap()).execute(&mut saving).await.unwrap();
    let after = log.append(append("after", 1)).await.unwrap().last_position;
    writing.end().await;
    let from = everything(&*log).await;
    log.close().await;
    let stopped = store.path().with_file_name("stopped.db");
    fs::copy(store.path(), &stopped).unwrap();
    for (file, at_least) in [(&running, before), (&stopped, after)] {
        assert_eq!(check_file(file, |_| {}).await.unwrap().faults, [], "{}", file.display());
        let restored = SqliteLog::open(file, options()).await.unwrap();
        goes_on(&*restored, &from, at_least).await;
        assert!(restored.until_bundled(512).await);
        restored.close().await;
        assert_eq!(check_file(file, |_| {}).await.unwrap().faults, []);
        let mut raw = crate::store::raw(file).await;
        let refused = sqlx::query("DELETE FROM entry").execute(&mut raw).await.unwrap_err();
        assert!(refused.to_string().contains("entries are never deleted"), "{refused}");
    }
}

/// Runs a command that must succeed.
fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Runs what blocks.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.unwrap()
}

fn roles() -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/postgres/roles.sql");
    file.to_str().unwrap().to_owned()
}

/// Saves a database, and gives where.
fn dump(database: &Database, folder: &Path) -> [String; 2] {
    let [dumped, roles] = ["liem.dump", "roles.dump"].map(|name| folder.join(name).display().to_string());
    let server = Postgres::shared();
    run(server.program("pg_dump").args(["--format=custom", "--file", &dumped, database.name()]));
    run(server.program("pg_dumpall").args(["--roles-only", "--file", &roles]));
    [dumped, roles]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dump_is_restored_on_a_new_server() {
    let place = Place::new().await;
    let log = place.open().await;
    log.append(append("first", 600)).await.unwrap();
    assert!(log.until_bundled(512).await);
    let writing = Appending::to(log.clone());
    let before = log.head().await.unwrap().position;
    let folder = tempfile::tempdir().unwrap();
    let (database, to) = (place.0.clone(), folder.path().to_owned());
    let [dumped, saved_roles] = blocking(move || dump(&database, &to)).await;
    writing.end().await;
    let from = everything(&*log).await;
    log.close().await;

    let name = place.0.name().to_owned();
    let restore = move |server: &Postgres, name: &str| {
        let mut restore = server.program("pg_restore");
        restore.args(["--exit-on-error", "--dbname", name, &dumped]);
        restore
    };
    let (database, as_before) = (place.0.clone(), restore.clone());
    let new_server = blocking(move || {
        let server = Postgres::start();
        let psql = |database: &str, arguments: &[&str]| {
            run(server.program("psql").args(["-d", database]).args(arguments));
        };
        psql("postgres", &["-c", "DROP ROLE liem_owner, liem_service, liem_maintenance"]);
        psql("postgres", &["-f", &saved_roles]);
        run(server.program("createdb").arg(&name));
        run(&mut restore(&server, &name));
        psql(&name, &["-v", "ON_ERROR_STOP=1", "-f", &roles()]);
        server
    })
    .await;
    let restored = Place(database.on(&new_server));
    let checked = check_postgres(&restored.of(Role::Service), |_| {}).await.unwrap();
    assert_eq!(checked.faults, []);
    let log = PostgresLog::open(&restored.of(Role::Service), options()).await.unwrap();
    assert!(log.bundled() >= 512, "bundles are saved, too");
    goes_on(&*log, &from, before).await;
    log.close().await;

    // Rights and trigger are as they were.
    for (role, statement, refusal) in [
        (Role::Service, "UPDATE liem.entry SET k = k", "42501"),
        (Role::Service, "DELETE FROM liem.entry", "42501"),
        (Role::Service, "TRUNCATE liem.entry", "42501"),
        (Role::Service, "CREATE TABLE liem.more (n int)", "42501"),
        (Role::Service, "CREATE TEMPORARY TABLE more (n int)", "42501"),
        (Role::Service, "INSERT INTO liem.closed VALUES (false, '')", "42501"),
        (Role::Maintenance, "DELETE FROM liem.entry", "42501"),
        (Role::Owner, "DELETE FROM liem.entry", "LI001"),
        (Role::Superuser, "TRUNCATE liem.entry", "LI001"),
        (Role::Superuser, "SET session_replication_role = replica; DELETE FROM liem.entry", "LI001"),
    ] {
        let refused = execute(&mut restored.raw(role).await, statement).await.expect_err(statement);
        assert_eq!(code(&refused), refusal, "{role:?}: {statement}: {refused}");
    }
    assert!(rebundle_postgres(&restored.of(Role::Maintenance)).await.unwrap() >= 2);

    // Restored over a log that's there, it stops at once, and the log stays as it is.
    let (server, name) = (new_server, place.0.name().to_owned());
    let (over, server) = blocking(move || (as_before(&server, &name).output().unwrap(), server)).await;
    assert!(!over.status.success());
    let log = PostgresLog::open(&restored.of(Role::Service), options()).await.unwrap();
    assert_eq!(everything(&*log).await.len() as u64, log.head().await.unwrap().position);
    log.close().await;
    assert_eq!(check_postgres(&restored.of(Role::Service), |_| {}).await.unwrap().faults, []);
    drop(server);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_goes_back_to_a_moment() {
    let (server, backup, place) = blocking(|| {
        let mut server = Postgres::start();
        server.archive();
        let place = Place(server.database());
        let backup = server.base_backup();
        (server, backup, place)
    })
    .await;
    // The backup is older than the schema: all of the log comes from the archive.
    eventlog::migrate_postgres(&place.of(Role::Owner)).await.unwrap();
    let log = place.open().await;
    log.append(append("before", 700)).await.unwrap();
    let before = log.head().await.unwrap().position;
    let server = blocking(move || {
        server.name_moment("before");
        server
    })
    .await;
    log.append(append("after", 10)).await.unwrap();
    let from = everything(&*log).await;
    log.close().await;

    let (restored, _server) = blocking(move || (backup.restore(&server, "before"), server)).await;
    let place = Place(place.0.on(&restored));
    assert_eq!(check_postgres(&place.of(Role::Service), |_| {}).await.unwrap().faults, []);
    let log = place.open().await;
    assert_eq!(
        everything(&*log).await,
        from[..usize::try_from(before).unwrap()],
        "up to the moment, and no further"
    );
    goes_on(&*log, &from, before).await;
    log.close().await;
}
