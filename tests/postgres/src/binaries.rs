//! Where PostgreSQL is installed.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

/// The oldest major version that the ledger runs on.
const OLDEST: u32 = 15;

/// What a server and its standby are made and run with, and what tests call themselves.
const NEEDED: [&str; 7] = ["initdb", "pg_basebackup", "pg_ctl", "pg_dump", "pg_restore", "postgres", "psql"];

/// The folder of the server's binaries: the first in PATH, or else the newest where Debian puts them.
pub(crate) fn find() -> PathBuf {
    let path = env::var_os("PATH").unwrap_or_default();
    // A link in PATH may name the server alone: the others are beside what it points at.
    let in_path = env::split_paths(&path)
        .filter_map(|folder| folder.join("postgres").canonicalize().ok()?.parent().map(Path::to_owned))
        .find(|folder| version(folder).is_some());
    in_path.or_else(newest_of_debian).unwrap_or_else(|| {
        panic!(
            "no PostgreSQL server of version {OLDEST} or newer in PATH or /usr/lib/postgresql: run \
             `apt-get install postgresql`, or tests/run, which does"
        )
    })
}

fn newest_of_debian() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").ok()?;
    versions
        .filter_map(|entry| {
            let folder = entry.ok()?.path().join("bin");
            Some((version(&folder)?, folder))
        })
        .max()
        .map(|(_, folder)| folder)
}

/// The major version in a folder; none if it's too old or not whole.
fn version(folder: &Path) -> Option<u32> {
    if NEEDED.iter().any(|name| !folder.join(name).exists()) {
        return None;
    }
    let output = Command::new(folder.join("postgres")).arg("--version").output().ok()?;
    // "postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)"
    let text = String::from_utf8(output.stdout).ok()?;
    let major = text.split(") ").nth(1)?.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()?;
    (major >= OLDEST).then_some(major)
}
