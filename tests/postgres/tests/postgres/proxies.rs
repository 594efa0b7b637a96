//! Proxies: before a server whose bytes can be counted, and before PostgreSQL.

use std::{
    io::{ErrorKind, Read as _, Write as _},
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use sqlx::{Connection as _, PgConnection};
use test_postgres::{Postgres, Proxy, Role, Side, wait_until};

use crate::{connect, execute, rows, until};

/// A server that answers with what it got, and keeps it.
#[derive(Clone)]
struct Echo {
    address: SocketAddr,
    got: Arc<Mutex<Vec<u8>>>,
}

impl Echo {
    fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let echo = Self { address: listener.local_addr().unwrap(), got: Arc::default() };
        let server = echo.clone();
        thread::spawn(move || {
            for client in listener.incoming() {
                let (mut client, server) = (client.unwrap(), server.clone());
                thread::spawn(move || {
                    let mut buffer = [0; 4096];
                    while let Ok(length @ 1..) = client.read(&mut buffer) {
                        server.got.lock().unwrap().extend_from_slice(&buffer[..length]);
                        if client.write_all(&buffer[..length]).is_err() {
                            return;
                        }
                    }
                });
            }
        });
        echo
    }

    fn got(&self) -> Vec<u8> {
        self.got.lock().unwrap().clone()
    }
}

fn answer(client: &mut TcpStream, length: usize) -> Vec<u8> {
    let mut answer = vec![0; length];
    client.read_exact(&mut answer).unwrap();
    answer
}

/// What comes until the connection is closed.
fn rest(client: &mut TcpStream) -> Vec<u8> {
    let mut rest = Vec::new();
    match client.read_to_end(&mut rest) {
        Ok(_) => {}
        Err(e) => assert_eq!(e.kind(), ErrorKind::ConnectionReset, "{e}"),
    }
    rest
}

fn is_refused(proxy: &Proxy) -> bool {
    TcpStream::connect(proxy.address()).is_err_and(|e| e.kind() == ErrorKind::ConnectionRefused)
}

#[test]
fn a_whole_wire_carries_everything_both_ways_to_the_end() {
    let echo = Echo::start();
    let proxy = Proxy::to(echo.address);
    let bytes: Vec<u8> = (0..=255).cycle().take(300_000).collect();
    let mut client = TcpStream::connect(proxy.address()).unwrap();
    let mut writer = client.try_clone().unwrap();
    let sent = bytes.clone();
    let writing = thread::spawn(move || {
        writer.write_all(&sent).unwrap();
        // Saying one's last doesn't end the answers.
        writer.shutdown(Shutdown::Write).unwrap();
    });
    assert!(rest(&mut client) == bytes);
    writing.join().unwrap();
    assert!(echo.got() == bytes);
}

#[test]
fn a_cut_closes_every_connection_and_refuses_new_ones_until_it_is_mended() {
    let echo = Echo::start();
    let proxy = Proxy::to(echo.address);
    let mut clients = [(); 3].map(|()| TcpStream::connect(proxy.address()).unwrap());
    for client in &mut clients {
        client.write_all(b"a").unwrap();
        assert_eq!(answer(client, 1), b"a");
    }
    for _ in 0..20 {
        assert!(!proxy.is_cut());
        proxy.cut();
        proxy.cut();
        assert!(proxy.is_cut());
        for client in &mut clients {
            assert!(rest(client).is_empty());
        }
        assert!(is_refused(&proxy));
        proxy.mend();
        proxy.mend();
        for client in &mut clients {
            *client = TcpStream::connect(proxy.address()).unwrap();
            client.write_all(b"b").unwrap();
            assert_eq!(answer(client, 1), b"b");
        }
    }
    let address = proxy.address();
    drop(proxy);
    assert!(rest(&mut clients[0]).is_empty());
    TcpStream::connect(address).unwrap_err();
}

#[test]
fn requests_are_cut_after_exactly_so_many_bytes() {
    let echo = Echo::start();
    let proxy = Proxy::to(echo.address);
    let mut one = TcpStream::connect(proxy.address()).unwrap();
    let mut other = TcpStream::connect(proxy.address()).unwrap();
    one.write_all(b"before").unwrap();
    assert_eq!(answer(&mut one, 6), b"before");

    proxy.cut_after(Side::Client, 8);
    one.write_all(b"abc").unwrap();
    assert_eq!(answer(&mut one, 3), b"abc");
    other.write_all(b"defgh").unwrap();
    assert_eq!(answer(&mut other, 5), b"defgh");
    assert!(!proxy.is_cut(), "so many may go over");
    one.write_all(b"i").unwrap();
    assert!(rest(&mut one).is_empty());
    assert!(rest(&mut other).is_empty());
    wait_until("it's cut", || proxy.is_cut());
    assert_eq!(echo.got(), b"beforeabcdefgh");

    proxy.mend();
    let mut client = TcpStream::connect(proxy.address()).unwrap();
    proxy.cut_after(Side::Client, 2);
    client.write_all(b"xyz").unwrap();
    wait_until("it's cut in the middle", || proxy.is_cut());
    wait_until("the server got what went over", || echo.got() == b"beforeabcdefghxy");
}

#[test]
fn answers_are_cut_after_exactly_so_many_bytes() {
    let echo = Echo::start();
    let proxy = Proxy::to(echo.address);
    let mut client = TcpStream::connect(proxy.address()).unwrap();
    proxy.cut_after(Side::Server, 5);
    client.write_all(b"abcdefgh").unwrap();
    assert_eq!(rest(&mut client), b"abcde");
    wait_until("it's cut", || proxy.is_cut());
    assert!(is_refused(&proxy));
}

#[test]
fn held_answers_come_when_the_wire_is_mended_and_never_when_it_is_cut() {
    let echo = Echo::start();
    let proxy = Proxy::to(echo.address);
    let mut client = TcpStream::connect(proxy.address()).unwrap();
    proxy.hold_answers();
    client.write_all(b"abc").unwrap();
    wait_until("the request is there", || echo.got() == b"abc");
    client.set_nonblocking(true).unwrap();
    assert_eq!(client.read(&mut [0]).unwrap_err().kind(), ErrorKind::WouldBlock);
    client.set_nonblocking(false).unwrap();
    proxy.mend();
    assert_eq!(answer(&mut client, 3), b"abc");

    proxy.hold_answers();
    client.write_all(b"def").unwrap();
    wait_until("the request is there", || echo.got() == b"abcdef");
    proxy.cut();
    assert!(rest(&mut client).is_empty());
}

#[test]
fn a_server_that_is_gone_closes_the_connections_to_its_proxy() {
    let gone = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
    let proxy = Proxy::to(gone);
    let mut client = TcpStream::connect(proxy.address()).unwrap();
    assert!(rest(&mut client).is_empty());
}

#[tokio::test]
async fn a_commit_can_be_kept_whose_answer_is_lost() {
    let server = Postgres::shared();
    let (database, proxy) = (server.database(), Proxy::to(server.address()));
    let mut owner = connect(&database.url(Role::Owner)).await;
    execute(&mut owner, "CREATE TABLE kept (n int)").await;
    let mut client = connect(&database.url_at(Role::Owner, proxy.address())).await;
    // Before a statement is sent for the first time, it waits for the server to know it.
    let insert = "INSERT INTO kept VALUES ($1)";
    sqlx::query(insert).bind(1).execute(&mut client).await.unwrap();

    proxy.hold_answers();
    let insert = tokio::spawn(async move { sqlx::query(insert).bind(2).execute(&mut client).await });
    until("it's committed", async || rows(&database).await == 2).await;
    assert!(!insert.is_finished());
    proxy.cut();
    insert.await.unwrap().unwrap_err();
    assert_eq!(rows(&database).await, 2);
}

#[tokio::test]
async fn a_batch_that_is_cut_in_the_middle_leaves_nothing() {
    let server = Postgres::shared();
    let (database, proxy) = (server.database(), Proxy::to(server.address()));
    let mut owner = connect(&database.url(Role::Owner)).await;
    execute(&mut owner, "CREATE TABLE kept (n int, text text)").await;
    let url = database.url_at(Role::Owner, proxy.address());
    let mut client = connect(&url).await;

    proxy.cut_after(Side::Client, 10_000);
    execute(&mut client, "BEGIN").await;
    let mut sent = 0;
    let cut = loop {
        let row = sqlx::query("INSERT INTO kept VALUES ($1, $2)").bind(sent).bind("x".repeat(1000));
        match row.execute(&mut client).await {
            Ok(_) => sent += 1,
            Err(e) => break e,
        }
    };
    assert!(matches!(cut, sqlx::Error::Io(_)), "{cut}");
    assert!((8..10).contains(&sent), "{sent} rows went over");
    let refused = PgConnection::connect(&url).await.unwrap_err();
    assert!(matches!(refused, sqlx::Error::Io(e) if e.kind() == ErrorKind::ConnectionRefused));
    proxy.mend();
    connect(&url).await;
    assert_eq!(rows(&database).await, 0);
}
