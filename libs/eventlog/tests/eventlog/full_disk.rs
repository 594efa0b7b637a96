//! A full disk, a real one: a small file system of its own. Needs the right to mount; says so and passes
//! where that is missing.

use std::{
    fs,
    os::unix::fs::MetadataExt as _,
    path::Path,
    process::{Command, Stdio},
};

use eventlog::{
    Append, AppendError, Appended, CheckProgress, EventLog, SqliteLog, check_file, check_postgres,
    conformance::whole::everything,
};
use futures::future::join_all;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Executor as _, postgres::PgConnectOptions};
use tempfile::TempDir;
use test_postgres::Role;

use crate::{
    away::own_server,
    postgres::Place,
    store::{append, options},
};

/// A small file system, there until it's dropped.
struct SmallDisk {
    folder: TempDir,
}

impl SmallDisk {
    /// None, and it's said, where mounting is not permitted.
    fn mount(options: &str) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", options, "tmpfs"])
            .arg(folder.path())
            .stderr(Stdio::null())
            .status();
        match mounted {
            Ok(status) if status.success() => Some(Self { folder }),
            _ => {
                eprintln!("skipped: a full disk can be tried only where mounting a tmpfs is permitted");
                None
            }
        }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: after a failed assertion files in it are still open.
        let unmounted = Command::new("umount").arg("-l").arg(self.folder.path()).status();
        assert!(
            unmounted.is_ok_and(|status| status.success()),
            "can't unmount {}",
            self.folder.path().display()
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_told_and_the_log_goes_on_once_there_is_room() {
    let Some(disk) = SmallDisk::mount("size=2m") else { return };
    let path = disk.path().join("log.db");
    let filler = disk.path().join("filler");
    fs::write(&filler, vec![0; 1 << 20]).unwrap();
    let log = SqliteLog::open(&path, options()).await.unwrap();

    let check = async || check_file(&path, |_| {}).await.unwrap();
    let mut acknowledged = Vec::new();
    // A first bundle while there is room: whoever checks opens the bundles, too.
    while acknowledged.len() * 20 < 256 {
        let next = append(&format!("case-{}", acknowledged.len()), 20);
        acknowledged.push((next.clone(), log.append(next).await.unwrap()));
    }
    assert!(log.until_bundled(256).await);
    let refused = fill_and_free(&*log, &filler, &mut acknowledged, &check).await;
    log.close().await;
    // Restarted so: everything is still there.
    let log = SqliteLog::open(&path, options()).await.unwrap();
    holds(&*log, &check().await, &acknowledged, &refused).await;
    log.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_of_postgresql_is_told_and_the_log_goes_on_once_there_is_room() {
    // Its own, since it may not outlive its disk.
    let server = own_server().await;
    let owner = fs::metadata(server.folder()).unwrap();
    let mount = format!("size=4m,mode=0700,uid={},gid={}", owner.uid(), owner.gid());
    let Some(disk) = SmallDisk::mount(&mount) else { return };
    let filler = disk.path().join("filler");
    fs::write(&filler, vec![0; 1 << 20]).unwrap();
    let database = server.database();
    let url: PgConnectOptions = database.url(Role::Superuser).parse().unwrap();
    let mut superuser = url.connect().await.unwrap();
    for sql in [
        &format!("CREATE TABLESPACE small LOCATION '{}'", disk.path().display()),
        "GRANT CREATE ON TABLESPACE small TO liem_owner",
        &format!("ALTER DATABASE {} SET default_tablespace = small", database.name()),
    ] {
        superuser.execute(AssertSqlSafe(sql.to_owned())).await.unwrap();
    }
    let place = Place::migrated(database).await;
    let log = place.open().await;
    let check = async || check_postgres(&place.of(Role::Service), |_| {}).await.unwrap();
    let mut acknowledged = Vec::new();
    let refused = fill_and_free(&*log, &filler, &mut acknowledged, &check).await;
    // One that is there already, among others that find no room.
    let (first, appended) = &acknowledged[0];
    let mixed: Vec<_> = (0..8).map(|n| append(&format!("mixed-{n}"), 20)).collect();
    let all = mixed.iter().chain([first]).cloned().map(|append| log.append(append));
    let mut answers = join_all(all).await;
    assert_eq!(answers.pop().unwrap().unwrap(), Appended { repeated: true, ..*appended });
    assert!(answers.iter().all(|a| matches!(a, Err(AppendError::StorageFull))), "{answers:?}");
    log.close().await;
    let log = place.open().await;
    holds(&*log, &check().await, &acknowledged, &refused).await;
    log.close().await;
    drop(server);
}

/// Fills the disk, makes room by taking the filler away, and fills it again. Gives what was refused last.
async fn fill_and_free(
    log: &dyn EventLog,
    filler: &Path,
    acknowledged: &mut Vec<(Append, Appended)>,
    check: impl AsyncFn() -> CheckProgress,
) -> Vec<Append> {
    let before = acknowledged.len();
    let refused = fill(log, acknowledged).await;
    assert!(acknowledged.len() > before, "it was not full from the start");
    holds(log, &check().await, acknowledged, &refused).await;

    // It stays full, for one as for many at once, and stays honest about it.
    let more: Vec<Append> = (0..8).map(|n| append(&format!("more-{n}"), 20)).collect();
    for answer in join_all(more.iter().cloned().map(|append| log.append(append))).await {
        assert!(matches!(answer, Err(AppendError::StorageFull)), "{answer:?}");
    }
    // What is there already is known without any room.
    let (first, appended) = &acknowledged[0];
    assert_eq!(log.append(first.clone()).await.unwrap(), Appended { repeated: true, ..*appended });
    holds(log, &check().await, acknowledged, &more).await;

    // With room again it goes on: the same id, and nothing was recorded before.
    fs::remove_file(filler).unwrap();
    for append in refused.iter().chain(&more) {
        let appended = log.append(append.clone()).await.expect("there is room");
        assert!(!appended.repeated);
        acknowledged.push((append.clone(), appended));
    }
    holds(log, &check().await, acknowledged, &[]).await;
    fill(log, acknowledged).await
}

/// Appends until the disk is full; what was refused.
async fn fill(log: &dyn EventLog, acknowledged: &mut Vec<(Append, Appended)>) -> Vec<Append> {
    loop {
        let next = append(&format!("case-{}", acknowledged.len()), 20);
        match log.append(next.clone()).await {
            Ok(appended) => acknowledged.push((next, appended)),
            Err(AppendError::StorageFull) => return vec![next],
            Err(other) => panic!("a full disk is called by its name: {other:?}"),
        }
    }
}

/// Every acknowledged append is there, once, and nothing else is.
async fn holds(
    log: &dyn EventLog,
    checked: &CheckProgress,
    acknowledged: &[(Append, Appended)],
    refused: &[Append],
) {
    let entries = everything(log).await;
    let events: usize = acknowledged.iter().map(|(append, _)| append.events.len()).sum();
    assert_eq!(entries.len(), 1 + events);
    for (append, appended) in acknowledged {
        let positions: Vec<u64> =
            log.find_append(append.id).await.unwrap().iter().map(|entry| entry.position).collect();
        assert_eq!(positions, (appended.first_position..=appended.last_position).collect::<Vec<_>>());
    }
    for append in refused {
        assert_eq!(log.find_append(append.id).await.unwrap(), []);
    }
    assert_eq!((&checked.faults, checked.checked), (&Vec::new(), entries.len() as u64));
}
