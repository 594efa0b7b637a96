//! Who may do what: the service selects and inserts, the maintenance role makes bundles anew, and the trigger stops
//! everyone else, also the owner and the superuser.

use std::{path::Path, process::Command};

use eventlog::{
    EventLog as _, OpenError, PostgresLog, check_postgres, conformance::whole::everything, migrate_postgres,
    rebundle_postgres,
};
use sqlx::{ConnectOptions as _, PgConnection};
use test_postgres::{Postgres, Role};

use crate::{
    postgres::{Place, code, execute},
    store::{append, options},
};

/// `SQLSTATE` of a right that's missing.
const NO_RIGHT: &str = "42501";

/// `SQLSTATE` of the trigger.
const NEVER_CHANGED: &str = "LI001";

/// The columns of an entry, with others in place of two.
fn entry_with(position: &str, append_id: &str) -> String {
    format!(
        "SELECT {position}, stream, revision, {append_id}, k, type, recorded_at, bytes FROM liem.entry \
         WHERE position = 2"
    )
}

async fn refused(connection: &mut PgConnection, statements: &str, with: &str) {
    match execute(connection, statements).await {
        Ok(_) => panic!("{statements}: done"),
        Err(error) => assert_eq!(code(&error), with, "{statements}: {error}"),
    }
}

#[tokio::test]
async fn the_service_selects_and_inserts_and_nothing_else() {
    let place = Place::new().await;
    let log = place.open().await;
    log.append(append("a", 3)).await.unwrap();
    let before = everything(&*log).await;
    let mut service = place.raw(Role::Service).await;
    for table in ["entry", "bundle", "closed", "version"] {
        for statement in [
            format!("DELETE FROM liem.{table}"),
            format!("TRUNCATE liem.{table}"),
            format!("DROP TABLE liem.{table}"),
            format!("ALTER TABLE liem.{table} ADD COLUMN more text"),
            format!("ALTER TABLE liem.{table} DISABLE TRIGGER ALL"),
            format!("CREATE INDEX ON liem.{table} ((1))"),
            format!("CREATE RULE none AS ON INSERT TO liem.{table} DO INSTEAD NOTHING"),
            format!("BEGIN; LOCK TABLE liem.{table} IN ACCESS EXCLUSIVE MODE"),
        ] {
            refused(&mut service, &statement, NO_RIGHT).await;
            execute(&mut service, "ROLLBACK").await.unwrap();
        }
    }
    for statement in [
        "UPDATE liem.entry SET k = k",
        "UPDATE liem.bundle SET number = number",
        "UPDATE liem.closed SET reason = ''",
        "UPDATE liem.version SET version = 2",
        "INSERT INTO liem.version VALUES (2)",
        "INSERT INTO liem.closed VALUES (false, 'moved')",
        "CREATE TABLE liem.more (n int)",
        "CREATE TABLE public.more (n int)",
        "CREATE SCHEMA more",
        "DROP SCHEMA liem CASCADE",
        "CREATE FUNCTION liem.more() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE OR REPLACE FUNCTION liem.lock() RETURNS void LANGUAGE sql AS 'SELECT'",
        "DROP FUNCTION liem.lock()",
        "DROP TRIGGER entry_is_never_changed ON liem.entry",
        "SET session_replication_role = replica",
        "SET ROLE liem_owner",
        &format!(
            "INSERT INTO liem.entry {} ON CONFLICT (position) DO UPDATE SET k = 9",
            entry_with("2", "append_id")
        ),
        "MERGE INTO liem.entry USING (SELECT 2) AS it (n) ON position = n WHEN MATCHED THEN DELETE",
    ] {
        refused(&mut service, statement, NO_RIGHT).await;
    }
    assert_eq!(
        rights(&mut service, "liem_service").await,
        ["bundle INSERT", "bundle SELECT", "closed SELECT", "entry INSERT", "entry SELECT", "version SELECT"]
    );
    assert_eq!(rights(&mut service, "PUBLIC").await, [""; 0]);
    assert_eq!(everything(&*log).await, before);
    log.close().await;
}

/// What a role was granted on the log's tables.
async fn rights(connection: &mut PgConnection, role: &str) -> Vec<String> {
    let sql = "SELECT relname || ' ' || privilege_type FROM pg_class, aclexplode(relacl) AS granted \
               WHERE relnamespace = 'liem'::regnamespace AND relkind = 'r' \
               AND granted.grantee = coalesce((SELECT oid FROM pg_roles WHERE rolname = $1), 0) ORDER BY 1";
    sqlx::query_scalar(sql).bind(role).fetch_all(connection).await.unwrap()
}

#[tokio::test]
async fn the_trigger_stops_the_owner_and_the_superuser() {
    let place = Place::new().await;
    let log = place.open().await;
    for key in ["a", "b"] {
        log.append(append(key, 2)).await.unwrap();
    }
    let before = everything(&*log).await;
    let other = entry_with("2", "append_id");
    let upsert =
        format!("INSERT INTO liem.entry {other} ON CONFLICT (position) DO UPDATE SET bytes = '\\x00'");
    let merge = |then: &str| {
        format!("MERGE INTO liem.entry USING (SELECT 2) AS it (n) ON position = n WHEN MATCHED THEN {then}")
    };
    let (update, delete) = (merge("UPDATE SET bytes = '\\x00'"), merge("DELETE"));
    let statements = [
        "UPDATE liem.entry SET bytes = '\\x00' WHERE position = 2",
        "UPDATE liem.entry SET recorded_at = recorded_at",
        "UPDATE liem.entry SET k = 1 WHERE false",
        "DELETE FROM liem.entry WHERE position = 5",
        "DELETE FROM liem.entry",
        "TRUNCATE liem.entry",
        "TRUNCATE liem.bundle, liem.entry CASCADE",
        &upsert,
        &update,
        &delete,
    ];
    let mut owner = place.raw(Role::Owner).await;
    let mut superuser = place.raw(Role::Superuser).await;
    let mut replica = place.raw(Role::Superuser).await;
    execute(&mut replica, "SET session_replication_role = replica").await.unwrap();
    for connection in [&mut owner, &mut superuser, &mut replica] {
        for statement in statements {
            refused(connection, statement, NEVER_CHANGED).await;
        }
    }
    // A row that's there already is refused by the indexes, which need no trigger.
    for same in [other, entry_with("6", "append_id"), entry_with("6", "gen_random_uuid()")] {
        refused(&mut replica, &format!("INSERT INTO liem.entry {same}"), "23505").await;
    }
    assert_eq!(everything(&*log).await, before);
    assert_eq!(log.append(append("a", 1)).await.unwrap().last_position, 6, "and the log goes on");
    log.close().await;
}

/// Runs a command that must succeed.
fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// As an operator does it: a new server, `createdb`, `roles.sql`, `liem log migrate`.
#[tokio::test(flavor = "multi_thread")]
async fn a_new_database_is_set_up_by_the_file_of_roles() {
    let (server, database) = tokio::task::spawn_blocking(|| {
        let server = Postgres::start();
        let database = server.database();
        let psql = |arguments: &[&str]| {
            let mut psql = server.program("psql");
            run(psql.args(["-v", "ON_ERROR_STOP=1", "-d", database.name()]).args(arguments));
        };
        // Without what the server of a test begins with.
        let owner = format!("ALTER DATABASE {} OWNER TO postgres", database.name());
        psql(&["-c", &owner, "-c", "DROP ROLE liem_owner, liem_service, liem_maintenance"]);
        let roles = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/postgres/roles.sql");
        for _ in 0..2 {
            psql(&["-f", roles.to_str().unwrap()]);
        }
        psql(&["-c", "CREATE ROLE stranger LOGIN"]);
        (server, database)
    })
    .await
    .unwrap();
    let place = Place(database);

    // Before the owner has made the tables, everyone is told what to do.
    let early = PostgresLog::open(&place.of(Role::Service), options()).await.map(drop);
    assert!(matches!(early, Err(OpenError::NotMigrated { found: 0, .. })), "{early:?}");
    for role in [Role::Service, Role::Maintenance] {
        let refused = migrate_postgres(&place.of(role)).await;
        let Err(OpenError::Database { source, .. }) = refused else { panic!("{role:?}: {refused:?}") };
        assert_eq!(code(&source), NO_RIGHT, "{role:?}: {source}");
    }
    assert_eq!(migrate_postgres(&place.of(Role::Owner)).await.unwrap(), (0, 2));

    let log = place.open().await;
    for n in 0..6 {
        log.append(append(&format!("case-{n}"), 100)).await.unwrap();
    }
    assert!(log.until_bundled(512).await);
    let mut service = place.raw(Role::Service).await;
    for statement in [
        "CREATE TABLE liem.more (n int)",
        "CREATE TABLE public.more (n int)",
        "CREATE TEMPORARY TABLE more (n int)",
        "CREATE SCHEMA more",
        "CREATE ROLE more",
        "CREATE DATABASE more",
    ] {
        refused(&mut service, statement, NO_RIGHT).await;
    }
    // The maintenance role makes bundles anew, and can do nothing to entries.
    assert_eq!(rebundle_postgres(&place.of(Role::Maintenance)).await.unwrap(), 2);
    let denied = rebundle_postgres(&place.of(Role::Service)).await;
    assert!(matches!(denied, Err(OpenError::Bundles { .. })), "{denied:?}");
    let mut maintenance = place.raw(Role::Maintenance).await;
    let insert = format!("INSERT INTO liem.entry {}", entry_with("602", "gen_random_uuid()"));
    for statement in [
        insert.as_str(),
        "UPDATE liem.entry SET k = k",
        "DELETE FROM liem.entry",
        "TRUNCATE liem.entry",
        "TRUNCATE liem.bundle",
        "UPDATE liem.bundle SET number = number",
        "INSERT INTO liem.closed VALUES (false, 'moved')",
        "INSERT INTO liem.version VALUES (2)",
        "SELECT liem.lock()",
        "CREATE TABLE liem.more (n int)",
    ] {
        refused(&mut maintenance, statement, NO_RIGHT).await;
    }
    // Who is none of the three sees nothing.
    let stranger = place.of(Role::Service).username("stranger");
    let denied = check_postgres(&stranger, |_| {}).await;
    let Err(OpenError::Database { source, .. }) = denied else { panic!("{denied:?}") };
    assert_eq!(code(&source), NO_RIGHT);
    let mut stranger = stranger.connect().await.unwrap();
    for table in ["entry", "bundle", "closed", "version"] {
        refused(&mut stranger, &format!("SELECT FROM liem.{table}"), NO_RIGHT).await;
    }
    for function in ["lock()", "append(0, '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}')"] {
        refused(&mut stranger, &format!("SELECT liem.{function}"), NO_RIGHT).await;
    }

    let checked = check_postgres(&place.of(Role::Maintenance), |_| {}).await.unwrap();
    assert_eq!((checked.checked, checked.faults), (601, Vec::new()));
    log.close().await;
    drop(server);
}
