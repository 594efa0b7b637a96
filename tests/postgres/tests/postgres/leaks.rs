//! What is left of a server when its test has ended in whatever way: nothing.

use std::{
    io::{BufRead as _, BufReader},
    net::{SocketAddr, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use test_postgres::wait_until;

/// Another process with a server, which it never drops.
struct Other {
    process: Child,
    folder: PathBuf,
    address: SocketAddr,
}

impl Other {
    fn start() -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_test-postgres"));
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines().map(Result::unwrap);
        let [folder, address, _] = [(); 3].map(|()| lines.next().unwrap());
        let (folder, address) = (PathBuf::from(folder), address.parse().unwrap());
        TcpStream::connect(address).unwrap();
        assert!(folder.join("data/postmaster.pid").exists());
        Self { process, folder, address }
    }

    fn leaves_nothing(&self) {
        wait_until("the server is gone", || TcpStream::connect(self.address).is_err());
        wait_until("its folder is gone", || !self.folder.exists());
    }
}

#[test]
fn a_server_ends_with_a_process_that_is_killed() {
    let mut other = Other::start();
    // SIGKILL, on which nothing can be done.
    other.process.kill().unwrap();
    assert_eq!(other.process.wait().unwrap().code(), None);
    other.leaves_nothing();
}

#[test]
fn a_server_ends_with_a_process_that_just_returns() {
    let mut other = Other::start();
    drop(other.process.stdin.take());
    assert!(other.process.wait().unwrap().success());
    other.leaves_nothing();
}
