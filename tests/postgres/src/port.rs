//! Ports to listen on.

use std::{
    collections::hash_map::RandomState,
    hash::BuildHasher as _,
    net::{Ipv4Addr, TcpListener},
};

/// A listener on a free port of the loopback, which stays free for who listened there when it's closed
/// for a while: it's below those that systems give to outgoing connections and to port 0.
pub(crate) fn listen() -> TcpListener {
    let random = RandomState::new();
    (0..1000)
        .find_map(|attempt: u64| {
            let port = u16::try_from(20_000 + random.hash_one(attempt) % 10_000).unwrap();
            TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok()
        })
        .expect("a free port from 20000 to 29999")
}

/// A free port, for a process that listens itself.
pub(crate) fn free() -> u16 {
    listen().local_addr().unwrap().port()
}
