//! docs/backup.md for a log in a file: a backup is older than what followed, and comes back as it was.

use std::{fs, path::Path};

use serde_json::Value;
use tests::{Server, wait_until};

fn file_reports(server: &Server, count: usize) {
    for _ in 0..count {
        let filed = server.json(&["report", "file", "--agency", "H57", "--text", "MARKED TEXT"]);
        assert!(filed["report"].is_string(), "{filed}");
    }
}

fn head(server: &Server) -> Value {
    server.json(&["log", "head"])["position"].clone()
}

/// What the audit view says of itself once it has caught up or stopped.
fn audit(server: &Server) -> Value {
    let mut status = Value::Null;
    wait_until("the view has caught up, or stopped", || {
        status = server.json(&["view", "audit"]);
        status["stopped"].is_string() || status["position"] == head(server)
    });
    status
}

fn remove(data: &Path, names: &[&str]) {
    for name in names {
        let path = data.join(name);
        if path.is_dir() {
            fs::remove_dir_all(path).unwrap();
        } else if path.exists() {
            fs::remove_file(path).unwrap();
        }
    }
}

#[test]
fn an_older_log_comes_back_with_its_views() {
    let mut server = Server::up();
    let data = server.data.clone();
    server.json(&["directory", "open-agency", "H57", "--name-vi", "Sở", "--name-en", "Department"]);
    file_reports(&server, 2);
    let (kept, end) = (audit(&server), head(&server));
    assert!(server.terminate());
    // Stopped, the file is the whole log: what SQLite would still have to fold back is nothing.
    let rest = fs::metadata(data.join("log.db-wal")).map_or(0, |rest| rest.len());
    assert_eq!(rest, 0);
    let backup = data.join("backup.db");
    fs::copy(data.join("log.db"), &backup).unwrap();

    let mut later = Server::up_in(&data);
    file_reports(&later, 2);
    let newer = audit(&later);
    assert_ne!(newer["position"], kept["position"]);
    assert!(later.terminate());

    // Put back without a word to the views, they say what is wrong.
    fs::copy(&backup, data.join("log.db")).unwrap();
    let mut early = Server::up_in(&data);
    assert_eq!(head(&early), end);
    let stopped = audit(&early);
    let why = stopped["stopped"].as_str().unwrap();
    assert!(why.contains("if the log was restored, delete the view's file"), "{why}");
    assert!(early.terminate());

    // As the page says.
    fs::copy(&backup, data.join("log.db")).unwrap();
    remove(&data, &["log.db-wal", "log.db-shm", "log.bundles", "views"]);
    let check = early.json(&["log", "check", "--log", data.join("log.db").to_str().unwrap()]);
    assert_eq!((&check["ok"], &check["checked"]), (&true.into(), &end), "{check}");
    let restored = Server::up_in(&data);
    assert_eq!(audit(&restored), kept);
    file_reports(&restored, 1);
    assert_eq!(restored.json(&["log", "check"])["ok"], true);
}
