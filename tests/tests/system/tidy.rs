//! The tree keeps its own rules: which arrows there are, and what is not written down anywhere.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn crates(folder: &str) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(root().join(folder))
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.path().join("Cargo.toml").exists())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Names of the dependencies in a manifest's `[dependencies]`.
fn dependencies(manifest: &Path) -> BTreeSet<String> {
    let text = fs::read_to_string(manifest).unwrap();
    let section = text.split("\n[dependencies]\n").nth(1).unwrap_or_default();
    let section = section.split("\n[").next().unwrap_or_default();
    let name = |line: &str| line.split(['.', ' ', '=']).next().unwrap_or_default().to_owned();
    section.lines().map(name).filter(|name| !name.is_empty() && !name.starts_with('#')).collect()
}

/// Every file of the project, by git's list, but for the lock file.
fn files() -> Vec<PathBuf> {
    let listed = std::process::Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()
        .unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    listed.lines().filter(|f| *f != "Cargo.lock").map(|f| root().join(f)).filter(|f| f.exists()).collect()
}

#[test]
fn arrows_point_down_only() {
    let (libs, services) = (crates("libs"), crates("services"));
    for name in &libs {
        let uses = dependencies(&root().join("libs").join(name).join("Cargo.toml"));
        let up: Vec<_> = services.iter().filter(|s| uses.contains(*s)).collect();
        assert!(up.is_empty(), "the library {name} knows services: {up:?}");
    }
    for name in services.iter().filter(|name| *name != "liem") {
        let uses = dependencies(&root().join("services").join(name).join("Cargo.toml"));
        let others: Vec<_> = services.iter().filter(|s| uses.contains(*s)).collect();
        assert!(others.is_empty(), "the service {name} knows other services: {others:?}");
    }
    assert!(dependencies(&root().join("libs/proto/Cargo.toml")).is_disjoint(&libs.iter().cloned().collect()));
}

#[test]
fn only_the_log_and_the_views_know_a_database() {
    let allowed = ["eventlog", "projection", "audit", "leaderboard", "obligations", "vault"];
    for folder in ["libs", "services"] {
        for name in crates(folder) {
            let uses = dependencies(&root().join(folder).join(&name).join("Cargo.toml"));
            assert!(!uses.contains("sqlx") || allowed.contains(&name.as_str()), "{name} knows sqlx");
        }
    }
}

#[test]
fn domains_know_neither_transport_nor_storage() {
    for service in ["directory", "delivery", "conduct", "discipline"] {
        let folder = root().join("services").join(service).join("src");
        let domain = files()
            .into_iter()
            .filter(|f| f.starts_with(folder.join("domain")) || *f == folder.join("domain.rs"));
        for file in domain {
            let text = fs::read_to_string(&file).unwrap();
            for word in ["tonic", "sqlx", "tokio", "eventlog", "SystemTime", "Utc::now"] {
                assert!(!text.contains(word), "{} knows {word}", file.display());
            }
        }
    }
}

#[test]
fn folder_crate_and_package_agree() {
    for folder in ["libs", "services"] {
        for name in crates(folder) {
            let text = fs::read_to_string(root().join(folder).join(&name).join("Cargo.toml")).unwrap();
            assert!(text.contains(&format!("\nname = \"{name}\"\n")), "{folder}/{name}");
            assert!(
                text.contains("[lints]\nworkspace = true"),
                "{folder}/{name} leaves the workspace's lints"
            );
        }
    }
}

#[test]
fn files_stay_readable_and_name_no_machine() {
    for file in files() {
        let Ok(text) = fs::read_to_string(&file) else { continue };
        let shown = file.strip_prefix(root()).unwrap().display().to_string();
        if file.extension().is_some_and(|e| e == "rs") {
            assert!(
                text.lines().count() <= 600,
                "{shown} has over 600 lines: is there a second subject inside?"
            );
        }
        // Written in two parts, so that this file doesn't find itself.
        for path in [["/wo", "rk/"], ["/ro", "ot/"], ["/ho", "me/"]] {
            assert!(!text.contains(&path.concat()), "{shown} names a path of one machine");
        }
    }
}
