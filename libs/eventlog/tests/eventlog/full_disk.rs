//! A full disk, a real one: a small file system of its own. Needs the right to mount; says so and passes
//! where that is missing.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use eventlog::{
    Append, AppendError, Appended, EventLog as _, SqliteLog, check_file, conformance::whole::everything,
};
use futures::future::join_all;
use tempfile::TempDir;

use crate::store::{append, options};

/// A file system of 2 MiB, there until it's dropped.
struct SmallDisk {
    folder: TempDir,
}

impl SmallDisk {
    fn mount() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=2m", "tmpfs"])
            .arg(folder.path())
            .stderr(Stdio::null())
            .status();
        match mounted {
            Ok(status) if status.success() => Some(Self { folder }),
            _ => None,
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
    let Some(disk) = SmallDisk::mount() else {
        eprintln!("skipped: a full disk can be tried only where mounting a tmpfs is permitted");
        return;
    };
    let path = disk.path().join("log.db");
    let filler = disk.path().join("filler");
    fs::write(&filler, vec![0; 1 << 20]).unwrap();
    let log = SqliteLog::open(&path, options()).await.unwrap();

    let mut acknowledged = Vec::new();
    let refused = fill(&log, &mut acknowledged).await;
    assert!(acknowledged.len() > 10, "it was not full from the start: {}", acknowledged.len());
    holds(&log, &path, &acknowledged, &refused).await;

    // It stays full, for one as for many at once, and stays honest about it.
    let more: Vec<Append> = (0..8).map(|n| append(&format!("more-{n}"), 20)).collect();
    for answer in join_all(more.iter().cloned().map(|append| log.append(append))).await {
        assert!(matches!(answer, Err(AppendError::StorageFull)), "{answer:?}");
    }
    holds(&log, &path, &acknowledged, &more).await;

    // With room again it goes on: the same id, and nothing was recorded before.
    fs::remove_file(&filler).unwrap();
    for append in refused.iter().chain(&more) {
        let appended = log.append(append.clone()).await.expect("there is room");
        assert!(!appended.repeated);
        acknowledged.push((append.clone(), appended));
    }
    holds(&log, &path, &acknowledged, &[]).await;

    // Full again, and restarted so: everything is still there.
    let refused = fill(&log, &mut acknowledged).await;
    log.close().await;
    let log = SqliteLog::open(&path, options()).await.unwrap();
    holds(&log, &path, &acknowledged, &refused).await;
    log.close().await;
}

/// Appends until the disk is full; what was refused.
async fn fill(log: &SqliteLog, acknowledged: &mut Vec<(Append, Appended)>) -> Vec<Append> {
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
async fn holds(log: &SqliteLog, path: &Path, acknowledged: &[(Append, Appended)], refused: &[Append]) {
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
    let checked = check_file(path, |_| {}).await.unwrap();
    assert_eq!((checked.faults, checked.checked), (Vec::new(), entries.len() as u64));
}
