//! The process that keeps a server, and outlives the test's own just long enough to end it.

use std::{
    env, fs,
    io::{BufRead as _, BufReader, Write as _},
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

pub(crate) struct Keeper {
    process: Child,
    /// Its end is the keeper's; none once it's closed.
    commands: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    /// The folder it made.
    pub(crate) folder: PathBuf,
}

impl Keeper {
    /// A keeper with a folder, but without a server yet.
    pub(crate) fn new(binaries: &Path) -> Self {
        let mut command = Command::new("sh");
        command.args(["-c", include_str!("keeper.sh"), "keeper"]).arg(binaries);
        // The caller's own settings are for a server of theirs.
        for (setting, _) in env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("PG")) {
            command.env_remove(setting);
        }
        command.env("LC_ALL", "C").current_dir("/");
        if id("-u", None) == Some(0) {
            // The server refuses to run as root.
            let (user, group) = (id("-u", Some("postgres")), id("-g", Some("postgres")));
            let (Some(user), Some(group)) = (user, group) else {
                panic!("root can't run a PostgreSQL server, and there is no user `postgres`");
            };
            command.uid(user).gid(group);
        }
        // In a group of its own it isn't reached by what a terminal or a test runner sends to a test's.
        command.process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = command.spawn().expect("sh");
        let commands = process.stdin.take();
        let answers = BufReader::new(process.stdout.take().unwrap());
        let mut keeper = Self { process, commands, answers, folder: PathBuf::new() };
        keeper.folder = keeper.answer().expect("a temporary folder for a server").into();
        keeper
    }

    /// Runs one line of shell in the server's folder. The error is what there is to read about it.
    pub(crate) fn run(&mut self, command: &str) -> Result<(), String> {
        let commands = self.commands.as_mut().unwrap();
        writeln!(commands, "{command}").map_err(|e| format!("the keeper ended: {e}"))?;
        match self.answer().as_deref() {
            Some("0") => Ok(()),
            code => Err(format!("{command}: exit code {}\n{}", code.unwrap_or("unknown"), self.logs())),
        }
    }

    fn answer(&mut self) -> Option<String> {
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        line.strip_suffix('\n').map(str::to_owned)
    }

    fn logs(&self) -> String {
        let read = |name| fs::read_to_string(self.folder.join(name)).unwrap_or_default();
        format!("{}{}", read("commands.log"), read("server.log"))
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        drop(self.commands.take());
        // Whoever drops a server finds it gone. That it ended already is as good.
        drop(self.process.wait());
    }
}

/// The user's or group's number of a user, or of who runs this.
fn id(which: &str, user: Option<&str>) -> Option<u32> {
    let output = Command::new("id").arg(which).args(user).output().ok()?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}
