//! Names of officials lie sealed: nowhere in plain text, opened on record, erased for ever. The key of the vaults
//! changes, and their copies are kept in two places.

use std::{fs, io::Write as _, path::Path, process::Stdio};

use proto::directory as dir;
use serde_json::Value;
use tests::{Answer, Client, Server, liem, reason, request_id, run};

use super::reporters::holding;

const NAME: &str = "Nguyễn Thị Marked";
const OPEN: [&str; 7] = ["directory", "open-name", "o-17", "--reader", "i-7", "--reason", "inspection"];
const ERASE: [&str; 5] = ["directory", "erase-name", "o-17", "--ground", "subject_request"];

/// A server that tells everything to a file in its folder.
fn up(data: &Path) -> Server {
    let log = fs::OpenOptions::new().create(true).append(true).open(data.join("stderr.txt")).unwrap();
    let mut command = liem(&["up", "--listen", "127.0.0.1:0"]);
    command.env("RUST_LOG", "trace,h2=info,sqlx=info").stderr(log);
    Server::spawn(data, command)
}

async fn open_agency(address: &str, token: &str) -> Client {
    let admin = Client::new(address, token);
    admin.open("H57", &["desk"]).await;
    admin
}

/// Registers an official with the name, which comes from standard input.
fn register(server: &Server, official: &str) {
    let arguments = ["directory", "register-official", official, "--agency", "H57"];
    let arguments = [&arguments[..], &["--category", "cadre", "--name-file", "-"]].concat();
    let mut command = liem(&arguments);
    command.env("LIEM_DATA", &server.data).stdin(Stdio::piped());
    let mut child = command.stdout(Stdio::null()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(format!("{NAME}\n").as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
}

fn registration(official: &str, name: &str) -> dir::RegisterOfficialRequest {
    let official = dir::Official {
        id: official.into(),
        agency: "H57".into(),
        category: dir::OfficialCategory::Cadre.into(),
        ..dir::Official::default()
    };
    dir::RegisterOfficialRequest { request_id: request_id(), official: Some(official), name: name.into() }
}

async fn name_state(client: &Client, official: &str) -> dir::NameState {
    let request = dir::GetOfficialRequest { id: official.into() };
    client.directory().get_official(request).await.unwrap().into_inner().official.unwrap().name_state()
}

/// Copies a folder as it is.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).unwrap();
        }
    }
}

/// Puts a folder in another one's place.
fn put_back(from: &Path, to: &Path) {
    fs::remove_dir_all(to).unwrap();
    copy(from, to);
}

/// Nothing of the name is on the disk, nor in what the log gives.
fn assert_nowhere(server: &Server) {
    let found = holding(&server.data, &[NAME, "Marked"]);
    assert!(found.is_empty(), "{found:#?}");
    let logged = server.liem(&["log", "read", "--limit", "0", "--json"]);
    assert!(logged.success && !logged.out.contains("Marked"), "{}", logged.out);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_name_of_an_official_is_sealed_opened_on_record_and_erased() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let mut server = up(data);
    let admin = open_agency(&server.address, &server.token(&["--role", "administrator"])).await;
    register(&server, "o-17");
    let without = ["directory", "register-official", "o-19", "--agency", "H57", "--category", "cadre"];
    server.json(&without);
    assert_eq!(name_state(&admin, "o-17").await, dir::NameState::Sealed);
    assert_eq!(name_state(&admin, "o-19").await, dir::NameState::None);

    // A retry gets its first answer; the same id with another name, or none, is another request.
    let first = registration("o-18", NAME);
    let mut directory = admin.directory();
    let recorded = directory.register_official(first.clone()).await.unwrap().into_inner().recorded.unwrap();
    let again = directory.register_official(first.clone()).await.unwrap().into_inner().recorded.unwrap();
    assert_eq!((again.position, again.repeated), (recorded.position, true));
    for name in ["Another Marked", ""] {
        let other = dir::RegisterOfficialRequest { name: name.into(), ..first.clone() };
        assert_eq!(reason(directory.register_official(other).await), "REQUEST_ID_REUSED");
    }
    for (bad, expected) in
        [("two\nMarked", "FIELD_INVALID"), (&"Marked".repeat(40), "FIELD_INVALID"), (NAME, "OFFICIAL_EXISTS")]
    {
        let refused = directory.register_official(registration("o-18", bad)).await;
        let told = format!("{refused:?}");
        assert_eq!(reason(refused), expected);
        assert!(!told.contains("Marked"), "{told}");
    }
    let listed = directory.list_officials(dir::ListOfficialsRequest::default()).await.unwrap().into_inner();
    let states: Vec<_> = listed.officials.iter().map(dir::Official::name_state).collect();
    assert_eq!(states, [dir::NameState::Sealed, dir::NameState::Sealed, dir::NameState::None]);

    // Opened to a named reader: the opening stands in the official's trail, with who and why, and no name.
    let opened = server.json(&OPEN);
    assert_eq!((&opened["state"], &opened["name"]), (&"opened".into(), &NAME.into()));
    let at = opened["position"].to_string();
    let trail = server.json(&["trail", "official:o-17", "--at-least", &at]);
    let line = &trail[0];
    assert_eq!((&line["type"], &line["position"]), (&"vault.DataOpened.v1".into(), &opened["position"]));
    assert_eq!(line["data"]["reader"], "i-7");
    assert_eq!(line["data"]["reason"], "inspection");
    assert_eq!(server.json(&["trail", "official:i-7"])[0]["position"], opened["position"]);
    assert_eq!(server.liem(&OPEN).out.trim(), NAME);
    let open = |official: &str| dir::OpenOfficialNameRequest {
        request_id: request_id(),
        official: official.into(),
        reader: "i-7".into(),
        reason: dir::OpeningReason::LegalOrder.into(),
    };
    assert_eq!(reason(directory.open_official_name(open("o-19")).await), "NAME_UNKNOWN");
    assert_eq!(reason(directory.open_official_name(open("o-99")).await), "OFFICIAL_UNKNOWN");
    let unsaid = dir::OpenOfficialNameRequest { reason: 0, ..open("o-17") };
    assert_eq!(reason(directory.open_official_name(unsaid).await), "FIELD_INVALID");
    let agency = Client::new(&server.address, &server.token(&["--role", "agency", "--agency", "H57"]));
    let refused = agency.directory().open_official_name(open("o-17")).await;
    assert_eq!(reason(refused), "ROLE_NOT_ALLOWED");
    assert_nowhere(&server);
    assert!(fs::read(data.join("stderr.txt")).unwrap().len() > 1_000, "the log is written");

    // Erased while a copy of the vault is kept: it comes back, and the name doesn't.
    assert!(server.terminate());
    assert_nowhere_in(data);
    let (vault, kept) = (data.join("vault/directory"), tempfile::tempdir().unwrap());
    copy(&vault, kept.path());
    let mut server = up(data);
    server.json(&ERASE);
    let is_erased = |server: &Server| {
        let answer = server.json(&OPEN);
        assert_eq!((&answer["state"], &answer["name"]), (&"erased by law".into(), &Value::Null));
        assert_eq!(server.liem(&OPEN).out, "erased by law\n");
    };
    is_erased(&server);
    assert_nowhere(&server);
    assert!(server.terminate());
    put_back(kept.path(), &vault);
    let server = up(data);
    let admin = Client::new(&server.address, &server.token(&["--role", "administrator"]));
    assert_eq!(name_state(&admin, "o-17").await, dir::NameState::Erased);
    is_erased(&server);
    // The other one's is there.
    let other: Vec<_> = OPEN.iter().map(|word| if *word == "o-17" { "o-18" } else { word }).collect();
    assert_eq!(server.json(&other)["name"], NAME);
    assert_nowhere(&server);
    assert_eq!(server.json(&["log", "check"])["ok"], true);
}

fn assert_nowhere_in(data: &Path) {
    let found = holding(data, &[NAME, "Marked"]);
    assert!(found.is_empty(), "{found:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn with_the_ledger_stopped_no_name_opens() {
    let folder = tempfile::tempdir().unwrap();
    let alone = |service| Server::start(folder.path(), &["serve", service, "--listen", "127.0.0.1:0"]);
    let mut ledger = alone("ledger");
    let mut directory = alone("directory");
    open_agency(&directory.address, &ledger.token(&["--role", "administrator"])).await;
    register(&ledger, "o-17");
    assert_eq!(ledger.json(&OPEN)["name"], NAME);

    ledger.kill();
    for arguments in [&OPEN[..], &ERASE] {
        let Answer { success, out, err, .. } = directory.liem(arguments);
        assert!(!success && out.is_empty(), "{arguments:?}: {out}");
        assert!(!err.contains("Marked") && err.contains("LOG_UNAVAILABLE"), "{arguments:?}: {err}");
    }
    // Neither happened.
    let ledger = alone("ledger");
    assert!(directory.terminate());
    let directory = alone("directory");
    assert_eq!(directory.json(&OPEN)["name"], NAME);
    drop(ledger);
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// A command on a folder whose server is stopped fails, and says what to do.
fn fails(data: &Path, arguments: &[&str], advice: &[&str]) {
    let Answer { success, out, err, .. } = run(liem(arguments).env("LIEM_DATA", data));
    assert!(!success && out.is_empty(), "{arguments:?}: {out}");
    for words in advice {
        assert!(err.contains(words), "{arguments:?} should say `{words}`: {err}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_key_of_the_vaults_changes_and_copies_need_the_one_of_their_day() {
    let (folder, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let data = folder.path();
    let mut server = Server::up_in(data);
    open_agency(&server.address, &server.token(&["--role", "administrator"])).await;
    register(&server, "o-17");
    let filed = server.json(&["report", "file", "--agency", "H57", "--text", "MARKED TEXT"]);
    let report = filed["report"].as_str().unwrap().to_owned();
    let opens = |server: &Server| {
        assert_eq!(server.json(&OPEN)["name"], NAME);
        let open = ["report", "open", &report, "--reader", "i-7", "--reason", "inspection"];
        assert_eq!(server.json(&open)[0]["text"], "MARKED TEXT");
    };
    let [new, sealed, keys] = ["new.key", "sealed", "keys"].map(|name| elsewhere.path().join(name));
    let change = ["vault", "change-key", "--new-key-file", path(&new)];
    let inside = sealed.join("keys");
    let backup = |keys| ["vault", "backup", "--sealed-to", path(&sealed), "--keys-to", keys];
    fails(data, &change, &["stop the server first", "vault.lock"]);
    fails(data, &backup(path(&keys)), &["stop the server first"]);
    assert!(server.terminate());

    // Two copies in two places.
    fails(data, &backup(path(&sealed)), &["two folders"]);
    fails(data, &backup(path(&inside)), &["two folders", "neither of them in the other"]);
    assert!(!sealed.exists());
    let copies = server.json(&backup(path(&keys)));
    assert_eq!(copies["vaults"].as_array().unwrap().len(), 2, "{copies}");
    fails(data, &backup(path(&keys)), &["is there already", "new backup"]);
    fails(elsewhere.path(), &backup(path(&keys)), &["there is no vault in", "--data"]);

    // The key changes.
    let (own, put_by) = (data.join("keys/vault.key"), data.join("keys/vault.key.old"));
    let old = fs::read(&own).unwrap();
    let before = tempfile::tempdir().unwrap();
    copy(&data.join("vault/directory"), before.path());
    fails(data, &["vault", "change-key", "--new-key-file", path(&own)], &["a key of before", "another file"]);
    let states = |answer: &Value| -> Vec<String> {
        let vaults = answer["vaults"].as_array().unwrap().iter();
        vaults.map(|vault| format!("{} {}", vault["vault"], vault["state"]).replace('"', "")).collect()
    };
    let changed = server.json(&change);
    assert_eq!(states(&changed), ["directory changed", "conduct changed"]);
    assert_eq!(changed["in_place"], true);
    assert_eq!(fs::read(&put_by).unwrap(), old);
    assert!(fs::read(&own).unwrap() == fs::read(&new).unwrap() && fs::read(&own).unwrap() != old);
    #[cfg(unix)]
    for key in [&own, &put_by, &new] {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(fs::metadata(key).unwrap().permissions().mode() & 0o777, 0o600, "{}", key.display());
    }
    let with_old = ["up", "--listen", "127.0.0.1:0", "--vault-key", path(&put_by)];
    fails(data, &with_old, &["the master key is not the one of this vault"]);
    let mut server = Server::up_in(data);
    opens(&server);
    assert!(server.terminate());

    // A run that was cut off after one vault, before the new key was in its place: the next one finishes it.
    put_back(before.path(), &data.join("vault/directory"));
    fs::rename(&put_by, &own).unwrap();
    fails(data, &["up", "--listen", "127.0.0.1:0"], &["the master key is not the one of this vault"]);
    let finished = server.json(&change);
    assert_eq!(states(&finished), ["directory changed", "conduct changed_before"]);
    assert_eq!(fs::read(&put_by).unwrap(), old);
    let repeated = server.json(&change);
    assert_eq!(states(&repeated), ["directory changed_before", "conduct changed_before"]);
    let third = elsewhere.path().join("third.key");
    let next = ["vault", "change-key", "--new-key-file", path(&third)];
    fails(data, &next, &["vault.key.old", "the key of before the last change", "move it away"]);
    assert!(!third.exists());
    let mut server = Server::up_in(data);
    opens(&server);
    assert!(server.terminate());

    // A key that is kept elsewhere stays there.
    let given = ["vault", "change-key", "--vault-key", path(&new), "--new-key-file", path(&third)];
    let moved = server.json(&given);
    assert_eq!((&moved["in_place"], &moved["old_key_file"]), (&false.into(), &path(&new).into()));
    let mut server = Server::start(data, &["up", "--listen", "127.0.0.1:0", "--vault-key", path(&third)]);
    opens(&server);
    assert!(server.terminate());
    fails(data, &change, &["neither key opens", "--vault-key"]);

    // The copies from before the changes, with the key of their day.
    for service in ["directory", "conduct"] {
        let vault = data.join("vault").join(service);
        fs::remove_dir_all(&vault).unwrap();
        fs::create_dir(&vault).unwrap();
        fs::copy(sealed.join(service).join("sealed.db"), vault.join("sealed.db")).unwrap();
        fs::copy(keys.join(service).join("keys.db"), vault.join("keys.db")).unwrap();
    }
    let server = Server::start(data, &with_old);
    opens(&server);
}
