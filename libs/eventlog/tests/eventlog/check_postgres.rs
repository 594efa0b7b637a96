//! `check_postgres` finds what was done to a log behind its back, by whoever can put the trigger out of the way.

use chrono::TimeDelta;
use eventlog::{
    EventLog as _, Fault, Options, PostgresLog, check_postgres, conformance::sample::instant,
    conformance::whole::everything, rebundle_postgres,
};
use sqlx::PgConnection;
use test_postgres::Role;

use crate::{
    postgres::{Place, execute},
    store::{SetClock, append, genesis, options},
};

/// A closed log of 13 entries in four streams, each append a second after the one before:
/// 1 opens it; a: 2 3 4, b: 5 6, a: 7 8, c: 9 10, b: 11, a: 12 13.
async fn sample_log() -> Place {
    let place = Place::new().await;
    let clock = SetClock::at(instant());
    let options = Options::new(genesis(), clock.clock());
    let log = PostgresLog::open(&place.of(Role::Service), options).await.unwrap();
    for (key, events) in [("a", 3), ("b", 2), ("a", 2), ("c", 2), ("b", 1), ("a", 2)] {
        clock.step(TimeDelta::seconds(1));
        log.append(append(key, events)).await.unwrap();
    }
    log.close().await;
    place
}

async fn faults(place: &Place) -> Vec<Fault> {
    check_postgres(&place.of(Role::Service), |_| {}).await.unwrap().faults
}

/// Runs statements with the trigger out of the way, and puts it back.
async fn forge(superuser: &mut PgConnection, statements: &str) {
    execute(superuser, "ALTER TABLE liem.entry DISABLE TRIGGER entry_is_never_changed").await.unwrap();
    for statement in statements.split(';') {
        let changed = execute(superuser, statement).await.unwrap_or_else(|e| panic!("{statement}: {e}"));
        assert!(
            changed > 0 || statement.contains("ALTER TABLE"),
            "the forgery changes something: {statement}"
        );
    }
    execute(superuser, "ALTER TABLE liem.entry ENABLE ALWAYS TRIGGER entry_is_never_changed").await.unwrap();
}

#[tokio::test]
async fn a_clean_log_has_no_faults() {
    let place = sample_log().await;
    let mut told = Vec::new();
    let told_to = |progress: &_| told.push(Clone::clone(progress));
    let checked = check_postgres(&place.of(Role::Service), told_to).await.unwrap();
    assert_eq!((checked.checked, checked.total, &checked.faults), (13, 13, &Vec::new()));
    assert_eq!(told, [checked], "progress is told");
    // Putting the trigger back leaves a clean log: what the forgeries below are found by is what they did.
    forge(&mut place.raw(Role::Superuser).await, "UPDATE liem.entry SET k = k").await;
    assert_eq!(faults(&place).await, []);
}

/// Changes one field in the bytes of some entries.
fn in_bytes(field: &str, value: &str, entries: &str) -> String {
    format!(
        "UPDATE liem.entry SET bytes = convert_to(jsonb_set(convert_from(bytes, 'UTF8')::jsonb, '{{{field}}}', \
         {value})::text, 'UTF8') WHERE {entries}"
    )
}

/// Moves up what stands past a position, columns and bytes.
fn close_gap(past: u64) -> String {
    let bytes = in_bytes("position", "to_jsonb(position)", &format!("position > {past} - 1"));
    format!("UPDATE liem.entry SET position = position - 1 WHERE position > {past}; {bytes}")
}

#[tokio::test]
async fn every_forgery_is_found() {
    let place = sample_log().await;
    let mut superuser = place.raw(Role::Superuser).await;
    execute(&mut superuser, "CREATE TABLE kept AS TABLE liem.entry").await.unwrap();
    let six = |field: &str, value: &str| in_bytes(field, value, "position = 6");
    let swapped = "UPDATE liem.entry SET recorded_at = (SELECT sum(other.recorded_at) FROM liem.entry AS other \
                   WHERE other.position IN (6, 10)) - recorded_at WHERE position IN (6, 10)";
    let swapped_bytes = in_bytes(
        "recorded_at",
        "(SELECT convert_from(other.bytes, 'UTF8')::jsonb -> 'recorded_at' FROM liem.entry AS other \
         WHERE other.position = 16 - entry.position)",
        "position IN (6, 10)",
    );
    // One event of a stream is taken out, and all after it are moved up.
    let taken_out = format!(
        "DELETE FROM liem.entry WHERE position = 11; {}; DELETE FROM liem.entry WHERE position = 7; {}",
        close_gap(11),
        close_gap(7)
    );
    let inserted = |values: &str| {
        format!(
            "INSERT INTO liem.entry SELECT {values}, type, recorded_at, bytes FROM liem.entry WHERE position = 13"
        )
    };
    let unkept = |constraint: &str, statement: &str| {
        format!("ALTER TABLE liem.entry DROP CONSTRAINT {constraint}; {statement}")
    };
    for (statements, position, words) in [
        // The bytes.
        ("UPDATE liem.entry SET bytes = '\\x00' WHERE position = 4", 4, "not an entry"),
        ("UPDATE liem.entry SET bytes = '{}' WHERE position = 4", 4, "not an entry"),
        (
            "UPDATE liem.entry SET bytes = (SELECT bytes FROM liem.entry WHERE position = 3) WHERE position = 4",
            4,
            "`position` is not what the bytes say",
        ),
        (&six("position", "'99'"), 6, "`position` is not what the bytes say"),
        (&six("stream", "'\"delivery.case/z\"'"), 6, "`stream` is not what the bytes say"),
        (&six("revision", "'9'"), 6, "`revision` is not what the bytes say"),
        (
            &six("append_id", "'\"01935f3a-0000-7000-8000-000000000001\"'"),
            6,
            "`append_id` is not what the bytes say",
        ),
        (&six("k", "'0'"), 6, "`k` is not what the bytes say"),
        (&six("type", "'\"delivery.CaseRated.v1\"'"), 6, "`type` is not what the bytes say"),
        (
            &six("recorded_at", "'\"2026-11-24T00:00:02.123457Z\"'"),
            6,
            "`recorded_at` is not what the bytes say",
        ),
        // The columns.
        ("UPDATE liem.entry SET position = 14 WHERE position = 13", 13, "gap: position 12 is followed by 14"),
        (
            "UPDATE liem.entry SET position = 9223372036854775807 WHERE position = 13",
            13,
            "gap: position 12 is followed by 9223372036854775807",
        ),
        (
            "UPDATE liem.entry SET stream = 'delivery.case/z' WHERE position = 13",
            13,
            "`stream` is not what the bytes say",
        ),
        ("UPDATE liem.entry SET revision = 8 WHERE position = 13", 13, "revision 6 is followed by 8"),
        (
            "UPDATE liem.entry SET append_id = gen_random_uuid() WHERE position = 2",
            2,
            "`append_id` is not what the bytes say",
        ),
        ("UPDATE liem.entry SET k = 2 WHERE position = 8", 8, "event 2 of append"),
        ("UPDATE liem.entry SET type = 'delivery.CaseRated.v1' WHERE position = 8", 8, "`type` is not what"),
        (
            "UPDATE liem.entry SET recorded_at = recorded_at + 1 WHERE position = 13",
            13,
            "`recorded_at` is not what",
        ),
        // Rows.
        ("DELETE FROM liem.entry WHERE position = 1", 1, "gap: position 0 is followed by 2"),
        ("DELETE FROM liem.entry WHERE position = 9", 9, "gap: position 8 is followed by 10"),
        ("DELETE FROM liem.entry WHERE position BETWEEN 5 AND 8", 5, "gap: position 4 is followed by 9"),
        (&taken_out, 7, "stream `delivery.case/a`: revision 3 is followed by 5"),
        (&inserted("14, stream, 8, append_id, 2"), 14, "`position` is not what the bytes say"),
        (
            &inserted("14, 'delivery.case/z', 1, gen_random_uuid(), 0"),
            14,
            "`stream` is not what the bytes say",
        ),
        (&inserted("15, stream, 8, append_id, 2"), 14, "gap: position 13 is followed by 15"),
        // Two times are swapped, in the columns only and then in the bytes too.
        (swapped, 6, "`recorded_at` is not what the bytes say"),
        (&format!("{swapped}; {swapped_bytes}"), 7, "before the entry it follows"),
        // What the table wouldn't take.
        (
            &unkept("entry_position_check", "UPDATE liem.entry SET position = 0 WHERE position = 1"),
            0,
            "rows stand before position 1",
        ),
        (
            &unkept("entry_position_check", &inserted("-1, stream, 8, append_id, 2")),
            0,
            "rows stand before position 1",
        ),
        (
            &unkept("entry_revision_check", "UPDATE liem.entry SET revision = -3 WHERE position = 4"),
            4,
            "revision 2 is followed by -3",
        ),
        (
            "ALTER TABLE liem.entry ALTER COLUMN type DROP NOT NULL; \
             UPDATE liem.entry SET type = NULL WHERE position = 5",
            5,
            "the row can't be read",
        ),
    ] {
        forge(&mut superuser, statements).await;
        let found = faults(&place).await;
        assert!(
            found.iter().any(|fault| fault.position == position && fault.description.contains(words)),
            "{statements}: {found:#?}"
        );
        assert_eq!(found.iter().find(|fault| fault.position < position), None, "{statements}");
        // As it was.
        let put_back = "ALTER TABLE liem.entry DISABLE TRIGGER entry_is_never_changed; TRUNCATE liem.entry; \
                        INSERT INTO liem.entry TABLE kept; \
                        ALTER TABLE liem.entry ENABLE ALWAYS TRIGGER entry_is_never_changed; \
                        ALTER TABLE liem.entry ALTER COLUMN type SET NOT NULL, \
                        DROP CONSTRAINT IF EXISTS entry_position_check, \
                        ADD CONSTRAINT entry_position_check CHECK (position > 0), \
                        DROP CONSTRAINT IF EXISTS entry_revision_check, \
                        ADD CONSTRAINT entry_revision_check CHECK (revision > 0)";
        execute(&mut superuser, put_back).await.unwrap();
        assert_eq!(faults(&place).await, [], "put back after {statements}");
    }
}

/// What the schema has to refuse changes with is changed, in a transaction of its own database.
#[tokio::test]
async fn a_changed_schema_is_found() {
    let place = sample_log().await;
    let mut superuser = place.raw(Role::Superuser).await;
    let trigger = |what: &str| {
        format!(
            "DROP TRIGGER IF EXISTS entry_is_never_changed ON liem.entry; CREATE TRIGGER entry_is_never_changed {what}; \
             ALTER TABLE liem.entry ENABLE ALWAYS TRIGGER entry_is_never_changed"
        )
    };
    let whole = trigger(
        "BEFORE UPDATE OR DELETE OR TRUNCATE ON liem.entry FOR EACH STATEMENT EXECUTE FUNCTION liem.refuse()",
    );
    let idle = "CREATE FUNCTION liem.idle() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'";
    let without = "DROP FUNCTION liem.idle() CASCADE";
    let (first, second) =
        (include_str!("../../src/postgres/schema_1.sql"), include_str!("../../src/postgres/schema_2.sql"));
    let function = |sql: &str, name: &str| -> String {
        let from = sql.find(&format!("FUNCTION liem.{name}(")).unwrap();
        let to = from + sql[from..].find("\n$$;").unwrap() + 4;
        format!("CREATE OR REPLACE {}", &sql[from..to])
    };
    let (refuse, lock, append) =
        (function(first, "refuse"), function(first, "lock"), function(second, "append"));
    let begin = function(second, "begin_append");
    let broken = |function: &str, from: &str, to: &str| {
        assert!(function.contains(from), "{function}");
        function.replace(from, to)
    };
    let index = |name: &str, columns: &str| {
        format!(
            "ALTER TABLE liem.entry DROP CONSTRAINT IF EXISTS {name}; DROP INDEX IF EXISTS liem.{name}; \
             ALTER TABLE liem.entry ADD CONSTRAINT {name} UNIQUE ({columns})"
        )
    };
    let by_id = "entry_append_id_k_key";
    let is_missing = "the trigger entry_is_never_changed is not in place";
    for (change, words, back) in [
        // The trigger.
        ("DROP TRIGGER entry_is_never_changed ON liem.entry", is_missing, whole.as_str()),
        ("ALTER TABLE liem.entry DISABLE TRIGGER entry_is_never_changed", is_missing, &whole),
        ("ALTER TABLE liem.entry DISABLE TRIGGER ALL", is_missing, &whole),
        ("ALTER TABLE liem.entry ENABLE TRIGGER entry_is_never_changed", is_missing, &whole),
        ("ALTER TABLE liem.entry ENABLE REPLICA TRIGGER entry_is_never_changed", is_missing, &whole),
        (
            &trigger(
                "BEFORE UPDATE OR DELETE ON liem.entry FOR EACH STATEMENT EXECUTE FUNCTION liem.refuse()",
            ),
            is_missing,
            &whole,
        ),
        (
            &trigger("BEFORE UPDATE OR DELETE ON liem.entry FOR EACH ROW EXECUTE FUNCTION liem.refuse()"),
            is_missing,
            &whole,
        ),
        (
            &trigger(
                "BEFORE UPDATE OF k OR DELETE OR TRUNCATE ON liem.entry FOR EACH STATEMENT \
                 EXECUTE FUNCTION liem.refuse()",
            ),
            is_missing,
            &whole,
        ),
        (
            &trigger(
                "BEFORE UPDATE OR DELETE OR TRUNCATE ON liem.entry FOR EACH STATEMENT WHEN (false) \
                 EXECUTE FUNCTION liem.refuse()",
            ),
            is_missing,
            &whole,
        ),
        (
            &format!(
                "{idle}; {}",
                trigger(
                    "BEFORE UPDATE OR DELETE OR TRUNCATE ON liem.entry FOR EACH STATEMENT \
                     EXECUTE FUNCTION liem.idle()"
                )
            ),
            is_missing,
            &format!("{whole}; {without}"),
        ),
        // What swallows what is appended.
        (
            &format!(
                "{idle}; CREATE TRIGGER idle BEFORE INSERT ON liem.entry FOR EACH ROW EXECUTE FUNCTION liem.idle()"
            ),
            "the trigger idle is none of the schema's",
            without,
        ),
        (
            "CREATE RULE idle AS ON INSERT TO liem.entry DO INSTEAD NOTHING",
            "the rule idle is none of the schema's",
            "DROP RULE idle ON liem.entry",
        ),
        // The functions.
        (&broken(&refuse, "    RAISE", "    -- RAISE"), "the function liem.refuse is not", &refuse),
        (&broken(&lock, "pg_advisory_xact_lock", "abs"), "the function liem.lock is not", &lock),
        (&broken(&begin, "    PERFORM liem.lock();\n", ""), "the function liem.begin_append is not", &begin),
        (&broken(&begin, "= after", ">= after"), "the function liem.begin_append is not", &begin),
        (&broken(&append, "IF is_next", "IF true"), "the function liem.append is not", &append),
        (
            "ALTER FUNCTION liem.refuse() SET search_path = public, pg_catalog",
            "the function liem.refuse is not",
            "ALTER FUNCTION liem.refuse() RESET ALL",
        ),
        (
            "ALTER FUNCTION liem.lock() SECURITY DEFINER",
            "the function liem.lock is not",
            "ALTER FUNCTION liem.lock() SECURITY INVOKER",
        ),
        (
            "CREATE FUNCTION liem.lock(n int) RETURNS void LANGUAGE sql AS 'SELECT'",
            "the function liem.lock is not",
            "DROP FUNCTION liem.lock(int)",
        ),
        // The indexes.
        (
            "ALTER TABLE liem.entry DROP CONSTRAINT entry_pkey",
            "no unique index of position",
            "ALTER TABLE liem.entry ADD PRIMARY KEY (position)",
        ),
        (
            "ALTER TABLE liem.entry DROP CONSTRAINT entry_stream_revision_key",
            "no unique index of stream, revision",
            &index("entry_stream_revision_key", "stream, revision"),
        ),
        (
            "ALTER TABLE liem.entry DROP CONSTRAINT entry_append_id_k_key",
            "no unique index of append_id, k",
            &index(by_id, "append_id, k"),
        ),
        (
            &index(by_id, "append_id, k, position"),
            "no unique index of append_id, k",
            &index(by_id, "append_id, k"),
        ),
        (
            "ALTER TABLE liem.entry DROP CONSTRAINT entry_append_id_k_key; \
             CREATE UNIQUE INDEX entry_append_id_k_key ON liem.entry (append_id, k) WHERE position > 5",
            "no unique index of append_id, k",
            &index(by_id, "append_id, k"),
        ),
        (
            "ALTER TABLE liem.entry DROP CONSTRAINT entry_append_id_k_key; \
             ALTER TABLE liem.entry ADD CONSTRAINT entry_append_id_k_key UNIQUE (append_id, k) \
             DEFERRABLE INITIALLY DEFERRED",
            "no unique index of append_id, k",
            &index(by_id, "append_id, k"),
        ),
    ] {
        execute(&mut superuser, change).await.unwrap_or_else(|e| panic!("{change}: {e}"));
        let found = faults(&place).await;
        let is_told = |fault: &Fault| fault.position == 0 && fault.description.contains(words);
        assert!(found.len() == 1 && is_told(&found[0]), "{change}: {found:#?}");
        execute(&mut superuser, back).await.unwrap_or_else(|e| panic!("{back}: {e}"));
        assert_eq!(faults(&place).await, [], "{back}");
    }
}

#[tokio::test]
async fn damaged_bundles_are_found_and_made_anew() {
    let place = Place::new().await;
    let log = place.open().await;
    for n in 0..11 {
        log.append(append(&format!("case-{n}"), 100)).await.unwrap();
    }
    assert!(log.until_bundled(4 * 256).await);
    let entries = everything(&*log).await;
    log.close().await;
    let mut superuser = place.raw(Role::Superuser).await;
    let past_the_end = |number: i64| {
        format!("INSERT INTO liem.bundle SELECT {number}, entries FROM liem.bundle WHERE number = 0")
    };
    let (not_a_bundle, another) = ("bundle 1 is not a bundle", "has another entry than the log");
    for (statement, positions, words) in [
        // That one is missing is no fault.
        ("DELETE FROM liem.bundle WHERE number = 1", [].as_slice(), ""),
        ("UPDATE liem.bundle SET entries = '\\x00' WHERE number = 1", &[257], not_a_bundle),
        ("UPDATE liem.bundle SET entries = substr(entries, 1, 1000) WHERE number = 1", &[257], not_a_bundle),
        (
            "UPDATE liem.bundle SET entries = (SELECT entries FROM liem.bundle WHERE number = 0) WHERE number = 1",
            &[257],
            another,
        ),
        (&past_the_end(4), &[1025, 1102], another),
        (&past_the_end(5), &[1102], "bundles reach to position 1536, past the log's end"),
        (&past_the_end(i64::MAX), &[1102], "past the log's end"),
    ] {
        assert!(execute(&mut superuser, statement).await.unwrap() > 0, "{statement}");
        let told = faults(&place).await;
        assert_eq!(told.iter().map(|fault| fault.position).collect::<Vec<_>>(), positions, "{told:?}");
        if let Some(first) = told.first() {
            assert!(first.description.contains(words), "{told:?}");
            assert!(first.description.contains("liem log rebundle"), "{told:?}");
        }
        // What is read is what the rows have, all the same.
        let log = place.open().await;
        assert_eq!(everything(&*log).await, entries, "{statement}");
        log.close().await;
        assert_eq!(rebundle_postgres(&place.of(Role::Maintenance)).await.unwrap(), 4);
        assert_eq!(faults(&place).await, [], "made anew after {statement}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_can_be_checked_and_rebundled_while_it_is_written() {
    let place = Place::new().await;
    let log = place.open().await;
    log.append(append("before", 500)).await.unwrap();
    let writer = tokio::spawn({
        let log = log.clone();
        async move {
            for n in 0..60 {
                log.append(append(&format!("case-{n}"), 50)).await.unwrap();
            }
        }
    });
    let mut checks = 0;
    while !writer.is_finished() || checks == 0 {
        let checked = check_postgres(&place.of(Role::Service), |_| {}).await.unwrap();
        assert_eq!(checked.faults, []);
        assert_eq!(checked.checked, checked.total, "up to where the log was when it began");
        rebundle_postgres(&place.of(Role::Maintenance)).await.unwrap();
        checks += 1;
    }
    writer.await.unwrap();
    let total = 1 + 500 + 3_000;
    assert!(log.until_bundled(total / 256 * 256).await);
    let checked = check_postgres(&place.of(Role::Service), |_| {}).await.unwrap();
    assert_eq!((checked.checked, checked.faults), (total, Vec::new()));
    log.close().await;
}

#[tokio::test]
async fn a_ruined_log_is_reported_without_end() {
    let place = Place::new().await;
    let log = PostgresLog::open(&place.of(Role::Service), options()).await.unwrap();
    log.append(append("many", 300)).await.unwrap();
    log.close().await;
    forge(&mut place.raw(Role::Superuser).await, "UPDATE liem.entry SET bytes = '\\x00'").await;
    let checked = check_postgres(&place.of(Role::Service), |_| {}).await.unwrap();
    assert_eq!((checked.faults.len(), checked.checked), (100, 301), "the first hundred, and all were read");
}
