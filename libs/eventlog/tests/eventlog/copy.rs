//! Moving a log: every byte stays, the old place is closed for good, and there are never two of one log.

use std::path::Path;

use eventlog::{
    Append, AppendError, Appended, CheckProgress, Copied, CopyError, Entry, EventLog, Expected, LogPlace,
    OpenError, OwnLog,
    conformance::{
        sample::{accepted, append as append_to, case, steps},
        whole::everything,
    },
    copy,
};
use sqlx::AssertSqlSafe;
use test_postgres::{Proxy, Role, Side};

use crate::{
    postgres::{Place, execute},
    store::{Store, append, options},
};

fn file(path: &Path) -> LogPlace {
    LogPlace::File(path.to_owned())
}

fn database(place: &Place, role: Role) -> LogPlace {
    LogPlace::Postgres(Box::new(place.of(role)))
}

async fn open(place: &LogPlace) -> OwnLog {
    place.open(options()).await.unwrap_or_else(|e| panic!("{place}: {e}"))
}

/// Moves a log, without looking at how far it is.
async fn moved(from: &LogPlace, to: &LogPlace) -> Result<Copied, CopyError> {
    copy(from, to, |_, _| {}).await
}

/// A place that can't be opened, and what is said about it.
async fn closed(place: &LogPlace) -> String {
    match place.open(options()).await.map(drop) {
        Err(error @ OpenError::Closed { .. }) => error.to_string(),
        other => panic!("{place}: {other:?}"),
    }
}

async fn check(place: &LogPlace) -> CheckProgress {
    let checked = place.check(|_| {}).await.unwrap();
    assert_eq!(checked.faults, [], "{place}");
    checked
}

async fn until_bundled(log: &OwnLog, position: u64) -> bool {
    match log {
        OwnLog::Sqlite(log) => log.until_bundled(position).await,
        OwnLog::Postgres(log) => log.until_bundled(position).await,
    }
}

/// Fills a log with some thousand entries, and gives the appends with their answers.
async fn fill(log: &dyn EventLog) -> Vec<(Append, Appended)> {
    let mut appends = Vec::new();
    for n in 0..30 {
        let events = if n % 5 == 0 { vec![accepted()] } else { steps(90) };
        let append = append_to(&case(&format!("Hồ sơ {}", n % 7)), Expected::Any, events);
        let appended = log.append(append.clone()).await.unwrap();
        appends.push((append, appended));
    }
    appends
}

/// A log that was moved goes on: repeats are known, other uses of an id refused, revisions too, and the next append is the next.
async fn goes_on(log: &dyn EventLog, appends: &[(Append, Appended)], head: u64) -> Entry {
    for (append, appended) in appends {
        let again = log.append(append.clone()).await.unwrap();
        assert_eq!(again, Appended { repeated: true, ..*appended });
    }
    let (first, _) = &appends[0];
    let mut other = first.clone();
    other.context.command_digest = [8; 32];
    let reused = log.append(other).await;
    assert!(matches!(reused, Err(AppendError::RequestIdReused { .. })), "{reused:?}");
    let early = append_to(&first.stream, Expected::Exact(1), steps(1));
    let conflict = log.append(early).await;
    assert!(matches!(conflict, Err(AppendError::Conflict { .. })), "{conflict:?}");
    let next = log.append(append_to(&case("next"), Expected::Any, steps(1))).await.unwrap();
    assert_eq!(next.first_position, head + 1);
    log.read_at(&[head + 1]).await.unwrap().remove(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn there_and_back_every_byte_stays() {
    let (store, place) = (Store::new(), Place::new().await);
    let (here, there) = (file(&store.path()), database(&place, Role::Owner));
    let back = file(&store.path().with_file_name("back.db"));
    let log = open(&here).await;
    let mut appends = fill(&*log.log()).await;
    let mut entries = everything(&*log.log()).await;
    let genesis = log.log().head().await.unwrap().genesis;
    log.close().await;

    for (from, to, as_service) in
        [(&here, &there, database(&place, Role::Service)), (&there, &back, back.clone())]
    {
        let head = entries.len() as u64;
        let mut told = Vec::new();
        let copied = copy(from, to, |through, total| told.push((through, total))).await.unwrap();
        assert_eq!(copied, Copied { entries: head, found: 0 });
        assert_eq!(told, [(1_000, head), (2_000, head), (head, head)]);
        let text = closed(from).await;
        assert!(text.contains(&format!("is closed: it was moved to {to}")), "{text}");
        assert_eq!(check(from).await.checked, head, "it's still there to be read");
        assert_eq!(check(to).await.checked, head);

        let log = open(&as_service).await;
        assert_eq!(everything(&*log.log()).await, entries);
        let found = log.log().head().await.unwrap();
        assert_eq!((found.genesis, found.recorded_at), (genesis.clone(), recorded_at(&entries)));
        assert!(until_bundled(&log, head / 256 * 256).await, "bundles are made anew");
        assert_eq!(everything(&*log.log()).await, entries, "from bundles");
        entries.push(goes_on(&*log.log(), &appends, head).await);
        let more = append("more", 2);
        let appended = log.log().append(more.clone()).await.unwrap();
        appends.push((more, appended));
        entries = everything(&*log.log()).await;
        assert_eq!(entries.len() as u64, head + 3);
        log.close().await;
        check(to).await;
    }
}

fn recorded_at(entries: &[Entry]) -> chrono::DateTime<chrono::Utc> {
    entries.last().unwrap().header().unwrap().recorded_at
}

#[tokio::test(flavor = "multi_thread")]
async fn running_ledgers_are_told_that_it_is_closed() {
    let (store, place) = (Store::new(), Place::new().await);
    let to = file(&store.path());
    let ledgers = [place.open().await, place.open().await];
    let appends = fill(&*ledgers[0]).await;
    // They append while it's moved: each append is before the end, or refused.
    let appending = ledgers.clone().map(|log| {
        tokio::spawn(async move {
            let mut recorded = Vec::new();
            loop {
                let append = append("busy", 3);
                match log.append(append.clone()).await {
                    Ok(appended) => recorded.push((append, appended)),
                    Err(AppendError::Closed) => return (append.id, recorded),
                    Err(other) => panic!("{other:?}"),
                }
            }
        })
    });
    let copied = moved(&database(&place, Role::Owner), &to).await.unwrap();
    let target = open(&to).await;
    let mut recorded = appends;
    for appending in appending {
        let (refused, its) = appending.await.unwrap();
        assert_eq!(target.log().find_append(refused).await.unwrap(), [], "a refused append isn't there");
        recorded.extend(its);
    }
    assert_eq!(target.log().head().await.unwrap().position, copied.entries);
    let recorded_events: usize = recorded.iter().map(|(append, _)| append.events.len()).sum();
    assert_eq!(copied.entries, 1 + recorded_events as u64, "all that was acknowledged, and nothing else");
    let entries = everything(&*target.log()).await;
    for log in &ledgers {
        assert_eq!(everything(&**log).await, entries, "the old one can still be read");
        let (append, appended) = &recorded[0];
        let again = log.append(append.clone()).await.unwrap();
        assert_eq!(again, Appended { repeated: true, ..*appended });
    }
    goes_on(&*target.log(), &recorded, copied.entries).await;
    target.close().await;
    for log in ledgers {
        log.close().await;
    }
}

/// A wire to the database that is cut again and again, each time a bit later.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_interrupted_goes_on() {
    let store = Store::new();
    let from = file(&store.path());
    let log = open(&from).await;
    fill(&*log.log()).await;
    let entries = everything(&*log.log()).await;
    let head = entries.len() as u64;
    log.close().await;
    let bytes: usize = entries.iter().map(|entry| entry.bytes.len()).sum();

    // Into a database.
    let place = Place::new().await;
    let proxy = Proxy::to(address(&place));
    let wire = LogPlace::Postgres(Box::new(through(&place, &proxy)));
    let service = database(&place, Role::Service);
    let (mut found_before, mut interruptions) = (0, 0);
    // A page of 1,000 is less than half of it all, so this is 50 parts to the first one, and more to the second.
    for part in (0..).step_by(10) {
        proxy.mend();
        proxy.cut_after(Side::Client, 2_000 + bytes * part / 100);
        match moved(&from, &wire).await {
            Err(CopyError::Database { .. } | CopyError::Open(_)) => interruptions += 1,
            Err(other) => panic!("{other}"),
            Ok(copied) => {
                assert_eq!(copied, Copied { entries: head, found: found_before });
                break;
            }
        }
        let found = check(&service).await.checked;
        if found > 0 {
            let text = closed(&service).await;
            assert!(text.contains("it is being moved here from") && text.contains("not complete"), "{text}");
            closed(&from).await;
        }
        assert!(found >= found_before && found < head, "it goes on, and isn't done: {found} of {head}");
        found_before = found;
    }
    assert!(interruptions >= 5, "{interruptions}");
    assert!(found_before > 0, "some were interrupted half way");
    proxy.mend();
    // Once more does nothing.
    assert_eq!(moved(&from, &wire).await.unwrap(), Copied { entries: head, found: head });
    let log = open(&service).await;
    assert_eq!(everything(&*log.log()).await, entries);
    log.close().await;

    // And out of it.
    let back = file(&store.path().with_file_name("back.db"));
    let mut interruptions = 0;
    for part in (10..).step_by(10) {
        proxy.mend();
        proxy.cut_after(Side::Server, 2_000 + bytes * part / 100);
        match moved(&wire, &back).await {
            Ok(copied) => {
                assert_eq!(copied.entries, head);
                break;
            }
            Err(CopyError::Database { .. } | CopyError::Open(_)) => interruptions += 1,
            Err(other) => panic!("{other}"),
        }
        let text = closed(&back).await;
        assert!(text.contains("not complete"), "{text}");
    }
    assert!(interruptions >= 4, "{interruptions}");
    let log = open(&back).await;
    assert_eq!(everything(&*log.log()).await, entries);
    log.close().await;
}

fn address(place: &Place) -> std::net::SocketAddr {
    let url = place.0.tcp_url(Role::Owner);
    let host = url.split(['@', '/']).nth(3).unwrap();
    host.parse().unwrap()
}

fn through(place: &Place, proxy: &Proxy) -> eventlog::PgConnectOptions {
    place.0.url_at(Role::Owner, proxy.address()).parse().unwrap()
}

#[tokio::test]
async fn an_occupied_target_is_refused_and_unharmed() {
    let (store, other) = (Store::new(), Store::new());
    let (place, second) = (Place::new().await, Place::new().await);
    let from = file(&store.path());
    let log = open(&from).await;
    log.log().append(append("a", 5)).await.unwrap();
    log.close().await;
    let (in_file, in_database) = (file(&other.path()), database(&place, Role::Service));
    for occupied in [&in_file, &in_database] {
        let log = open(occupied).await;
        log.log().append(append("b", 5)).await.unwrap();
        let before = everything(&*log.log()).await;
        log.close().await;
        let to = if matches!(occupied, LogPlace::File(_)) {
            in_file.clone()
        } else {
            database(&place, Role::Owner)
        };
        let refused = moved(&from, &to).await.unwrap_err();
        assert!(matches!(refused, CopyError::Occupied { .. }), "{refused}");
        assert!(refused.to_string().contains("has a log already: name an empty place"), "{refused}");
        // Neither is closed.
        for place in [&from, occupied] {
            open(place).await.close().await;
        }
        let log = open(occupied).await;
        assert_eq!(everything(&*log.log()).await, before);
        log.close().await;
    }

    // Onto itself.
    let itself = moved(&database(&place, Role::Owner), &database(&place, Role::Owner)).await.unwrap_err();
    assert!(matches!(itself, CopyError::Occupied { .. }), "{itself}");
    open(&in_database).await.close().await;
    let itself = moved(&from, &from).await.unwrap_err();
    assert!(matches!(itself, CopyError::Open(OpenError::Locked { .. })), "{itself}");
    open(&from).await.close().await;

    // The target went on since.
    let (owner, service) = (database(&second, Role::Owner), database(&second, Role::Service));
    moved(&from, &owner).await.unwrap();
    let log = open(&service).await;
    log.log().append(append("c", 1)).await.unwrap();
    log.close().await;
    let refused = moved(&from, &owner).await.unwrap_err();
    assert!(matches!(refused, CopyError::Occupied { .. }), "{refused}");
    assert_eq!(check(&service).await.checked, 7);
    open(&service).await.close().await;
}

#[tokio::test]
async fn a_log_is_moved_once() {
    let (store, place, elsewhere) = (Store::new(), Place::new().await, Place::new().await);
    let from = file(&store.path());
    open(&from).await.close().await;
    moved(&from, &database(&place, Role::Owner)).await.unwrap();
    let again = moved(&from, &database(&elsewhere, Role::Owner)).await.unwrap_err();
    assert!(matches!(again, CopyError::Moved { .. }), "{again}");
    assert!(again.to_string().contains("it was moved to"), "{again}");
    // The place that was spared takes another log.
    let other = Store::new();
    open(&file(&other.path())).await.close().await;
    moved(&file(&other.path()), &database(&elsewhere, Role::Owner)).await.unwrap();
    // And back into the place that was left it can't go.
    let back = moved(&database(&place, Role::Owner), &from).await.unwrap_err();
    assert!(matches!(back, CopyError::Moved { .. }), "{back}");
    open(&database(&place, Role::Service)).await.close().await;
}

#[tokio::test]
async fn what_can_not_be_moved_stays_open() {
    let (store, place, empty) = (Store::new(), Place::new().await, Place::new().await);
    let from = file(&store.path());
    // No source.
    let none = moved(&from, &database(&place, Role::Owner)).await.unwrap_err();
    assert!(matches!(none, CopyError::Open(OpenError::Database { .. })), "{none}");
    assert!(!store.path().exists(), "none was made");
    let none = moved(&database(&empty, Role::Owner), &database(&place, Role::Owner)).await.unwrap_err();
    assert!(matches!(none, CopyError::Empty { .. }), "{none}");
    let log = open(&from).await;
    log.log().append(append("a", 5)).await.unwrap();
    // It's in use.
    let locked = moved(&from, &database(&place, Role::Owner)).await.unwrap_err();
    assert!(matches!(locked, CopyError::Open(OpenError::Locked { .. })), "{locked}");
    log.close().await;
    // A role that may not: the source isn't closed for a target that takes nothing.
    let refused = moved(&from, &database(&place, Role::Service)).await.unwrap_err();
    assert!(matches!(refused, CopyError::Database { .. }), "{refused}");
    open(&from).await.close().await;
    // A database without the schema.
    let bare = Place::bare().await;
    let refused = moved(&from, &database(&bare, Role::Owner)).await.unwrap_err();
    assert!(matches!(refused, CopyError::Open(OpenError::NotMigrated { .. })), "{refused}");
    open(&from).await.close().await;

    // What is half there is no source, and is told where it's damaged.
    moved(&from, &database(&place, Role::Owner)).await.unwrap();
    let mut superuser = place.raw(Role::Superuser).await;
    let forgery = "ALTER TABLE liem.entry DISABLE TRIGGER ALL; DELETE FROM liem.entry WHERE position = 3";
    execute(&mut superuser, forgery).await.unwrap();
    let gap = moved(&database(&place, Role::Owner), &database(&empty, Role::Owner)).await.unwrap_err();
    assert!(matches!(gap, CopyError::Gap { position: 3 }), "{gap}");
    let mark = "SELECT count(*) FROM liem.closed WHERE incomplete";
    let marked: i64 =
        sqlx::query_scalar(AssertSqlSafe(mark)).fetch_one(&mut empty.raw(Role::Owner).await).await.unwrap();
    assert_eq!(marked, 1);
    let half = moved(&database(&empty, Role::Owner), &file(&store.path().with_file_name("more.db"))).await;
    assert!(matches!(half, Err(CopyError::Incomplete { .. })), "{half:?}");
}
