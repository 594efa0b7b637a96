//! Processes of the binary.

use std::{
    env,
    fs::File,
    io::{BufRead as _, BufReader, Read as _, Seek as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use serde_json::Value;
use tempfile::TempDir;
use test_postgres::wait_within;

/// The binary, beside this test's own.
fn binary() -> PathBuf {
    let own = env::current_exe().unwrap();
    let binary = own.parent().and_then(Path::parent).unwrap().join("liem");
    assert!(binary.exists(), "{} is not built: run tests/run, or cargo build -p liem", binary.display());
    binary
}

/// The binary with arguments, free of this machine's own settings.
pub fn liem(arguments: &[&str]) -> Command {
    let mut command = Command::new(binary());
    for (setting, _) in env::vars_os() {
        if setting.to_string_lossy().starts_with("LIEM_") {
            command.env_remove(setting);
        }
    }
    command.args(arguments);
    command
}

/// Runs a command to its end, which must come: a server that was meant to fail does not run on.
pub fn run(command: &mut Command) -> Answer {
    let (mut out, mut err) = (tempfile::tempfile().unwrap(), tempfile::tempfile().unwrap());
    let child = command.stdout(out.try_clone().unwrap()).stderr(err.try_clone().unwrap()).spawn().unwrap();
    let mut process = Process(child);
    let mut status = None;
    wait_within(Duration::from_mins(10), &format!("{command:?} ends"), || {
        status = process.0.try_wait().unwrap();
        status.is_some()
    });
    let text = |file: &mut File| {
        let mut text = String::new();
        file.rewind().unwrap();
        file.read_to_string(&mut text).unwrap();
        text
    };
    let code = status.and_then(|status| status.code());
    Answer { success: code == Some(0), code, out: text(&mut out), err: text(&mut err) }
}

/// The folder of real data that doesn't belong to the project; none where it's absent, and then the test
/// that wants it says so and ends.
pub fn shared(path: &str) -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    let found = root.join(path);
    if found.exists() {
        return Some(found);
    }
    eprintln!("skipped: {} is absent", found.display());
    None
}

/// A process that is killed when dropped.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // Ended already is as good.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// A server of its own process: all services, or one. Killed when dropped.
pub struct Server {
    process: Process,
    /// Where it listens.
    pub address: String,
    /// Its data folder.
    pub data: PathBuf,
    /// Keeps the folder as long as the server, if it's the server's own.
    folder: Option<TempDir>,
}

impl Server {
    /// `liem up` with a folder of its own, on a free port.
    pub fn up() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().to_owned();
        let mut server = Self::up_in(&data);
        server.folder = Some(folder);
        server
    }

    /// `liem up` in a folder, on a free port.
    pub fn up_in(data: &Path) -> Self {
        Self::start(data, &["up", "--listen", "127.0.0.1:0"])
    }

    /// Any serving command in a folder; waits until it listens.
    pub fn start(data: &Path, arguments: &[&str]) -> Self {
        Self::spawn(data, liem(arguments))
    }

    /// A command that serves; waits until it listens.
    pub fn spawn(data: &Path, mut command: Command) -> Self {
        let child = command.env("LIEM_DATA", data).stdout(Stdio::piped()).spawn().unwrap();
        let mut process = Process(child);
        let mut lines = BufReader::new(process.0.stdout.take().unwrap()).lines();
        let line =
            lines.next().and_then(Result::ok).expect("the server says where it listens, or why it can't");
        let address = line.split("listening on ").nth(1).unwrap().split(',').next().unwrap().to_owned();
        Self { process, address, data: data.to_owned(), folder: None }
    }

    /// The process's id.
    pub fn id(&self) -> u32 {
        self.process.0.id()
    }

    /// Kills it at once, as a power cut would end the process.
    pub fn kill(&mut self) {
        self.process.0.kill().unwrap();
        self.process.0.wait().unwrap();
    }

    /// Sends SIGTERM, as a service manager does, and waits for its end. True if it ended well.
    pub fn terminate(&mut self) -> bool {
        let id = self.process.0.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        self.process.0.wait().unwrap().success()
    }

    /// Runs a command against this server's data folder.
    pub fn liem(&self, arguments: &[&str]) -> Answer {
        run(liem(arguments).env("LIEM_DATA", &self.data))
    }

    /// Runs a command with `--json`, which must succeed, and gives its answer.
    pub fn json(&self, arguments: &[&str]) -> Value {
        let answer = self.liem(&[arguments, &["--json"]].concat());
        assert!(answer.success, "{arguments:?}: {}", answer.err);
        serde_json::from_str(&answer.out).unwrap_or_else(|e| panic!("{arguments:?}: {e}: {}", answer.out))
    }

    /// A token of this ledger.
    pub fn token(&self, arguments: &[&str]) -> String {
        let answer = self.liem(&[&["token", "issue"], arguments].concat());
        assert!(answer.success, "{arguments:?}: {}", answer.err);
        answer.out.trim().to_owned()
    }
}

/// What a command answered.
#[derive(Debug)]
pub struct Answer {
    /// Whether it succeeded.
    pub success: bool,
    /// Its exit code; none if a signal ended it.
    pub code: Option<i32>,
    /// Its standard output.
    pub out: String,
    /// Its standard error.
    pub err: String,
}
