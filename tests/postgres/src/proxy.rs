//! A wire that can lose what goes over it.

use std::{
    collections::HashMap,
    io::{Read as _, Write as _},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Condvar, Mutex},
    thread::{self, JoinHandle},
};

use crate::port;

/// Whose bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Requests.
    Client,
    /// Answers.
    Server,
}

/// A proxy between clients and any server that speaks TCP. It carries everything until it's told otherwise,
/// and knows nothing of what it carries. When it's dropped, it's cut.
///
/// A client of a server that doesn't listen is let in and finds its connection closed.
pub struct Proxy {
    wire: Arc<Wire>,
}

impl Proxy {
    /// A proxy on a free port of the loopback.
    pub fn to(server: SocketAddr) -> Self {
        let listener = port::listen();
        let address = listener.local_addr().unwrap();
        let wire = Arc::new(Wire {
            address,
            server,
            state: Mutex::default(),
            released: Condvar::new(),
            acceptor: Mutex::new(None),
        });
        let acceptor = wire.listen(listener);
        *wire.acceptor.lock().unwrap() = Some(acceptor);
        Self { wire }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.wire.address
    }

    /// Closes all connections at once, both ways, and refuses new ones. Answers that were held are lost.
    pub fn cut(&self) {
        self.wire.cut();
    }

    /// Whether it's cut, by [`cut`](Self::cut) or by [`cut_after`](Self::cut_after).
    pub fn is_cut(&self) -> bool {
        self.wire.acceptor.lock().unwrap().is_none()
    }

    /// Carries this many more bytes from a side, over all connections together, and is cut by the next one.
    pub fn cut_after(&self, side: Side, bytes: usize) {
        self.wire.state.lock().unwrap().left = Some((side, bytes));
    }

    /// Carries requests on, but holds the answers, also that a server closes its connection: until it's mended,
    /// or cut for a client who is never to know what became of its request.
    pub fn hold_answers(&self) {
        self.wire.state.lock().unwrap().holds_answers = true;
    }

    /// Carries everything again, on the same address, beginning with the answers that were held.
    pub fn mend(&self) {
        self.wire.mend();
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.wire.cut();
    }
}

struct Wire {
    address: SocketAddr,
    server: SocketAddr,
    state: Mutex<State>,
    /// Answers may no longer be held.
    released: Condvar,
    /// The thread that listens; none as soon as it's cut and all is closed. Locked before the state, where both
    /// are.
    acceptor: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Default)]
struct State {
    /// Nothing goes over any more; it's all closed a moment later.
    is_cut: bool,
    holds_answers: bool,
    /// What a side may still say before the wire is cut.
    left: Option<(Side, usize)>,
    /// Those that are open, by number.
    connections: HashMap<u64, Connection>,
    last: u64,
}

struct Connection {
    client: Arc<TcpStream>,
    server: Arc<TcpStream>,
    /// Whether one side has said its last.
    is_half_closed: bool,
}

impl Drop for Connection {
    fn drop(&mut self) {
        for end in [&self.client, &self.server] {
            // Closed already is as good.
            drop(end.shutdown(Shutdown::Both));
        }
    }
}

/// What becomes of bytes that have come.
enum Fate {
    Go,
    /// So many go, and then it's over.
    Cut(usize),
    Lost,
}

impl Wire {
    fn cut(&self) {
        self.state.lock().unwrap().is_cut = true;
        self.finish_cut();
    }

    /// Refuses and closes, unless it was mended meanwhile.
    fn finish_cut(&self) {
        let mut acceptor = self.acceptor.lock().unwrap();
        if !self.state.lock().unwrap().is_cut {
            return;
        }
        if let Some(thread) = acceptor.take() {
            // It waits for a client, and ends when one comes.
            drop(TcpStream::connect(self.address));
            drop(thread.join());
        }
        // Last, so that nobody who finds a connection closed can make another.
        let mut state = self.state.lock().unwrap();
        *state = State { is_cut: true, last: state.last, ..State::default() };
        drop(state);
        self.released.notify_all();
    }

    fn mend(self: &Arc<Self>) {
        let mut acceptor = self.acceptor.lock().unwrap();
        let listener = acceptor.is_none().then(|| TcpListener::bind(self.address).unwrap());
        {
            let mut state = self.state.lock().unwrap();
            (state.is_cut, state.holds_answers, state.left) = (false, false, None);
        }
        self.released.notify_all();
        if let Some(listener) = listener {
            *acceptor = Some(self.listen(listener));
        }
    }

    fn listen(self: &Arc<Self>, listener: TcpListener) -> JoinHandle<()> {
        let wire = Arc::clone(self);
        thread::spawn(move || {
            loop {
                let (client, _) = listener.accept().unwrap();
                if wire.state.lock().unwrap().is_cut {
                    return;
                }
                if let Ok(server) = TcpStream::connect(wire.server) {
                    wire.connect(client, server);
                }
            }
        })
    }

    fn connect(self: &Arc<Self>, client: TcpStream, server: TcpStream) {
        for end in [&client, &server] {
            end.set_nodelay(true).unwrap();
        }
        let (client, server) = (Arc::new(client), Arc::new(server));
        let mut state = self.state.lock().unwrap();
        if state.is_cut {
            return;
        }
        state.last += 1;
        let number = state.last;
        for (side, from, to) in [(Side::Client, &client, &server), (Side::Server, &server, &client)] {
            let (wire, from, to) = (Arc::clone(self), Arc::clone(from), Arc::clone(to));
            thread::spawn(move || wire.carry(number, side, &from, &to));
        }
        state.connections.insert(number, Connection { client, server, is_half_closed: false });
    }

    /// Carries what one side of a connection says, to its end.
    fn carry(&self, number: u64, side: Side, mut from: &TcpStream, mut to: &TcpStream) {
        let mut buffer = vec![0; 64 * 1024];
        loop {
            // What can't be read any more has ended, too.
            let length = from.read(&mut buffer).unwrap_or(0);
            match self.fate(number, side, length) {
                Fate::Go if length == 0 => return self.end(number, to),
                Fate::Go => {
                    if to.write_all(&buffer[..length]).is_err() {
                        return self.close(number);
                    }
                }
                Fate::Cut(length) => {
                    // The other end may be gone: then the wire is cut all the same.
                    drop(to.write_all(&buffer[..length]));
                    self.finish_cut();
                    return self.close(number);
                }
                Fate::Lost => return,
            }
        }
    }

    /// Decides on bytes that a side has said; none are its end. Waits as long as answers are held.
    fn fate(&self, number: u64, side: Side, length: usize) -> Fate {
        let mut state = self.state.lock().unwrap();
        while side == Side::Server && state.holds_answers {
            state = self.released.wait(state).unwrap();
        }
        if state.is_cut || !state.connections.contains_key(&number) {
            return Fate::Lost;
        }
        let Some((_, left)) = state.left.as_mut().filter(|(whose, _)| *whose == side) else {
            return Fate::Go;
        };
        if length > *left {
            let last = *left;
            state.is_cut = true;
            return Fate::Cut(last);
        }
        *left -= length;
        Fate::Go
    }

    /// Tells the other side of a connection that one has said its last.
    fn end(&self, number: u64, to: &TcpStream) {
        // Closed already is as good.
        drop(to.shutdown(Shutdown::Write));
        let mut state = self.state.lock().unwrap();
        if let Some(connection) = state.connections.get_mut(&number) {
            if connection.is_half_closed {
                state.connections.remove(&number);
            } else {
                connection.is_half_closed = true;
            }
        }
    }

    fn close(&self, number: u64) {
        self.state.lock().unwrap().connections.remove(&number);
    }
}
