//! Three ledgers beside each other on one database, each killed at any moment: one log, of which nothing that was
//! acknowledged is lost, and which everybody sees in the same order.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::Duration,
};

use proto::{ledger::FollowEntriesRequest, reason_of};
use test_postgres::{Database, Postgres, Role};
use tests::{Client, Numbers, Server, Writer, liem, prove, run};
use tokio::sync::watch;

const SEED: u64 = 20_261_125;
const LEDGERS: usize = 3;
const KILLS: u64 = 20;
const WRITERS: usize = 9;

/// The database of a new log.
pub(crate) fn migrated(server: &Postgres) -> Database {
    let database = server.database();
    let migrated = run(liem(&["log", "migrate"]).env("LIEM_LOG", database.url(Role::Owner)));
    assert!(migrated.success, "{migrated:?}");
    database
}

/// A ledger in a folder, on the database.
pub(crate) fn ledger(folder: &Path, database: &Database) -> Server {
    let mut command = liem(&["serve", "ledger", "--listen", "127.0.0.1:0"]);
    command.env("RUST_LOG", "warn").env("LIEM_LOG", database.url(Role::Service));
    Server::spawn(folder, command)
}

/// Folders of ledgers that take each other's tokens.
fn folders(database: &Database, root: &Path) -> Vec<PathBuf> {
    let folders: Vec<_> = (0..LEDGERS).map(|n| root.join(n.to_string())).collect();
    // The first start makes the key.
    drop(ledger(&folders[0], database));
    for folder in &folders[1..] {
        let keys = folder.join("keys");
        fs::create_dir_all(&keys).unwrap();
        for entry in fs::read_dir(folders[0].join("keys")).unwrap() {
            let entry = entry.unwrap();
            fs::copy(entry.path(), keys.join(entry.file_name())).unwrap();
        }
    }
    folders
}

/// What the tasks of the test know of the ledgers.
struct Ledgers {
    /// Where each listens, or listened until it was killed.
    addresses: Mutex<Vec<String>>,
    has_ended: AtomicBool,
    token: String,
}

impl Ledgers {
    fn client(&self, which: usize) -> Client {
        Client::new(&self.addresses.lock().unwrap()[which], &self.token)
    }
}

/// Writes through one ledger until that fails, then through another, until the end.
async fn write(ledgers: Arc<Ledgers>, mut writer: Writer, mut numbers: Numbers) -> Writer {
    while !ledgers.has_ended.load(SeqCst) {
        let which = usize::try_from(numbers.below(LEDGERS as u64)).unwrap();
        let client = ledgers.client(which);
        while !ledgers.has_ended.load(SeqCst) {
            if let Err(status) = writer.write(&client).await {
                assert_eq!(reason_of(&status), None, "an append was refused: {status:?}");
                break;
            }
            // Not for long by the same one.
            if numbers.below(32) == 0 {
                break;
            }
        }
    }
    writer
}

/// Follows a ledger, and what comes after it on its place, up to a position that is told last.
pub(crate) async fn follow(client: impl Fn() -> Client, mut end: watch::Receiver<u64>) -> Vec<Vec<u8>> {
    let mut seen = Vec::new();
    loop {
        let request = FollowEntriesRequest { after_position: seen.len() as u64, filter: None };
        let mut pages = match client().ledger().follow_entries(request).await {
            Ok(pages) => pages.into_inner(),
            Err(status) => {
                // The process is gone, or its database is.
                let reason = reason_of(&status);
                assert!(reason.is_none_or(|reason| reason == "LOG_UNAVAILABLE"), "{status:?}");
                continue;
            }
        };
        // Whatever ends it, it's followed again where it ended.
        loop {
            if seen.len() as u64 == *end.borrow_and_update() {
                return seen;
            }
            let page = tokio::select! {
                page = pages.message() => page,
                Ok(()) = end.changed() => continue,
            };
            let Ok(Some(page)) = page else { break };
            for entry in page.entries {
                assert_eq!(entry.position, seen.len() as u64 + 1, "an entry is missed, or seen twice");
                seen.push(entry.bytes.to_vec());
            }
            assert_eq!(page.through_position, seen.len() as u64);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_ledgers_killed_at_random_have_one_log_and_lose_nothing() {
    let database = migrated(Postgres::shared());
    let root = tempfile::tempdir().unwrap();
    let folders = folders(&database, root.path());
    let mut servers: Vec<_> = folders.iter().map(|folder| ledger(folder, &database)).collect();
    let ledgers = Arc::new(Ledgers {
        addresses: Mutex::new(servers.iter().map(|server| server.address.clone()).collect()),
        has_ended: AtomicBool::new(false),
        token: servers[0].token(&["--role", "service", "--service", "delivery"]),
    });

    let mut numbers = Numbers::new(SEED);
    let (end_sender, end) = watch::channel(u64::MAX);
    let following: Vec<_> = (0..LEDGERS)
        .map(|which| {
            let (ledgers, end) = (ledgers.clone(), end.clone());
            tokio::spawn(follow(move || ledgers.client(which), end))
        })
        .collect();
    let writing: Vec<_> = (0..WRITERS)
        .map(|w| {
            let writer = Writer::new(&format!("w{w}"), numbers.below(u64::MAX));
            tokio::spawn(write(ledgers.clone(), writer, Numbers::new(numbers.below(u64::MAX))))
        })
        .collect();
    for _ in 0..KILLS {
        // Not a wait for anything: the moment of the kill is what is tried.
        tokio::time::sleep(Duration::from_millis(20 + numbers.below(181))).await;
        let which = usize::try_from(numbers.below(LEDGERS as u64)).unwrap();
        servers[which].kill();
        servers[which] = ledger(&folders[which], &database);
        ledgers.addresses.lock().unwrap()[which].clone_from(&servers[which].address);
    }
    ledgers.has_ended.store(true, SeqCst);
    let mut writers = Vec::new();
    for writer in writing {
        writers.push(writer.await.unwrap());
    }
    // What is unanswered now is asked for where nobody was asked before.
    for (n, writer) in writers.iter_mut().enumerate() {
        while writer.is_unanswered() {
            writer.write(&ledgers.client(n % LEDGERS)).await.unwrap();
        }
    }

    let head = prove(&ledgers.client(0), &writers).await;
    assert_eq!(head, 1 + writers.iter().map(Writer::recorded).sum::<u64>());
    end_sender.send_replace(head);
    let mut seen = Vec::new();
    for follower in following {
        seen.push(follower.await.unwrap());
    }
    assert_eq!(seen[0].len() as u64, head);
    assert!(seen.iter().all(|entries| *entries == seen[0]), "the followers saw the same, in the same order");
    let check = servers[2].json(&["log", "check"]);
    assert_eq!((&check["ok"], &check["checked"]), (&true.into(), &head.into()), "{check}");

    let sum = |of: fn(&Writer) -> u64| writers.iter().map(of).sum::<u64>();
    let (conflicts, recorded) = (sum(|writer| writer.conflicts), sum(|writer| writer.recorded_unanswered));
    eprintln!("{head} entries, {conflicts} conflicts, {recorded} recorded without an answer");
    assert!(conflicts > 0, "nobody came too late for a stream that all write to");
    // How many kills fall between an entry and its answer is chance: `wire` in eventlog makes it happen.
}
