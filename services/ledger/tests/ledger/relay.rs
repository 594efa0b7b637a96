//! A wire that can lose what goes over it: a relay between a client and the ledger.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
};

/// What the wire does with the bytes it gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wire {
    /// Carries them.
    Whole,
    /// Carries requests, and swallows every answer.
    LosesAnswers,
    /// Breaks as soon as a request comes.
    LosesRequests,
    /// Is broken.
    Cut,
}

/// The relay; it ends when it's dropped.
pub(crate) struct Relay {
    pub(crate) address: SocketAddr,
    wire: Arc<watch::Sender<Wire>>,
}

impl Relay {
    pub(crate) async fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let wire = Arc::new(watch::Sender::new(Wire::Whole));
        let mut ended = wire.subscribe();
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    accepted = listener.accept() => {
                        let (client, _) = accepted.unwrap();
                        let server = TcpStream::connect(server).await.unwrap();
                        tokio::spawn(relay(client, server, ended.clone()));
                    }
                    changed = ended.changed() => {
                        if changed.is_err() {
                            return;
                        }
                    }
                }
            }
        });
        Self { address, wire }
    }

    pub(crate) fn set(&self, wire: Wire) {
        self.wire.send_replace(wire);
    }
}

async fn relay(client: TcpStream, server: TcpStream, wire: watch::Receiver<Wire>) {
    let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
    let mut cut = wire.clone();
    // Whichever ends first, both connections are dropped, which both sides notice.
    tokio::select! {
        () = carry(from_client, to_server, Wire::LosesRequests, wire.clone()) => {}
        () = carry(from_server, to_client, Wire::LosesAnswers, wire) => {}
        _ = cut.wait_for(|wire| *wire == Wire::Cut) => {}
    }
}

async fn carry(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, loses: Wire, wire: watch::Receiver<Wire>) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        let now = *wire.borrow();
        if now == Wire::Cut || (now == Wire::LosesRequests && loses == now) {
            return;
        }
        if now == loses {
            continue;
        }
        if to.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
}
