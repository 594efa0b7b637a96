//! A ledger that runs, and clients of it.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use chrono::FixedOffset;
use eventlog::{Clock, Genesis, LogPlace, Options, RemoteLog, SqliteLog};
use identity::{Caller, Claims, Role, SigningKey, VerifyingKey};
use ledger::{Gate, LedgerHandlers};
use proto::ledger::{ledger_service_client::LedgerServiceClient, ledger_service_server::LedgerServiceServer};
use serve::{ServeError, Server, Shutdown};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tonic::{
    Request, Status,
    metadata::{Ascii, MetadataValue},
    service::{Interceptor, interceptor::InterceptedService},
    transport::{Channel, Endpoint},
};

/// Bytes of one request, at most, as the binary sets it: 1,000 full entries and their frame.
const REQUEST_BYTES_MAX: usize = 80 * 1024 * 1024;

/// A ledger on port 0, in a folder of its own.
pub(crate) struct Ledger {
    folder: TempDir,
    clock: Clock,
    key: SigningKey,
    /// After which a call of many appends is ended, where it's not the usual one.
    lifetime: Option<Duration>,
    up: Option<Up>,
}

struct Up {
    log: Arc<SqliteLog>,
    address: SocketAddr,
    channel: Channel,
    shutdown: Shutdown,
    server: JoinHandle<Result<(), ServeError>>,
}

impl Ledger {
    pub(crate) async fn start() -> Self {
        Self::start_at(Clock::system()).await
    }

    /// A ledger whose clock is set by the test.
    pub(crate) async fn start_at(clock: Clock) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = SigningKey::open_or_make(&folder.path().join("key.pem"), &folder.path().join("key.pub"));
        let mut ledger = Self { folder, clock, key: key.unwrap(), lifetime: None, up: None };
        ledger.up().await;
        ledger
    }

    /// A ledger that ends every call of many appends after a time.
    pub(crate) async fn start_ending_calls_after(lifetime: Duration) -> Self {
        let mut ledger = Self::start().await;
        ledger.stop().await;
        ledger.lifetime = Some(lifetime);
        ledger.up().await;
        ledger
    }

    /// Starts what was stopped.
    pub(crate) async fn up(&mut self) {
        let log = SqliteLog::open(&self.path(), Options::new(genesis(), self.clock.clone())).await.unwrap();
        let shutdown = Shutdown::default();
        let mut handlers =
            LedgerHandlers::new(Gate::new(log.clone()), LogPlace::File(self.path()), shutdown.clone());
        if let Some(lifetime) = self.lifetime {
            handlers = handlers.append_stream_lifetime(lifetime);
        }
        let service = LedgerServiceServer::new(handlers).max_decoding_message_size(REQUEST_BYTES_MAX);
        let mut server = Server::new(shutdown.clone()).unwrap();
        server.add(service).await;
        let listener = serve::bind((Ipv4Addr::LOCALHOST, 0).into()).await.unwrap();
        let address = listener.local_addr().unwrap();
        let key = VerifyingKey::open(&self.folder.path().join("key.pub")).unwrap();
        let server = tokio::spawn(server.run(listener, key));
        self.up = Some(Up { log, address, channel: channel(address), shutdown, server });
    }

    /// Stops the server, as a signal would, and closes the log.
    pub(crate) async fn stop(&mut self) {
        let Up { log, shutdown, server, .. } = self.up.take().unwrap();
        shutdown.start();
        server.await.unwrap().unwrap();
        log.close().await;
    }

    pub(crate) async fn restart(&mut self) {
        self.stop().await;
        self.up().await;
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("log.db")
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.up.as_ref().unwrap().address
    }

    /// The log inside, past gRPC and the gate.
    pub(crate) fn inside(&self) -> &Arc<SqliteLog> {
        &self.up.as_ref().unwrap().log
    }

    /// The log as a service of another process has it.
    pub(crate) fn remote(&self, service: &str) -> RemoteLog {
        self.remote_through(self.up.as_ref().unwrap().channel.clone(), service)
    }

    pub(crate) fn remote_through(&self, channel: Channel, service: &str) -> RemoteLog {
        RemoteLog::new(channel, &self.token(service, Role::Service)).unwrap()
    }

    /// A token that is good for an hour.
    pub(crate) fn token(&self, id: &str, role: Role) -> String {
        self.token_until(id, role, 3_600)
    }

    /// A token of an hour ago that was good for some seconds from now, or until some seconds ago.
    pub(crate) fn token_until(&self, id: &str, role: Role, seconds_from_now: i64) -> String {
        let caller = Caller { id: id.to_owned(), role, agency: None };
        let now = Clock::system().now().timestamp();
        let hour_ago = u64::try_from(now - 3_600).unwrap();
        let seconds = u64::try_from(3_600 + seconds_from_now).unwrap();
        self.key.sign(&Claims::new(caller, hour_ago, seconds)).unwrap()
    }

    /// The bare client, with a token or none.
    pub(crate) fn client(&self, token: Option<String>) -> Client {
        Self::client_through(self.up.as_ref().unwrap().channel.clone(), token)
    }

    /// The bare client over a channel.
    pub(crate) fn client_through(channel: Channel, token: Option<String>) -> Client {
        let header = token.map(|token| format!("Bearer {token}").parse().unwrap());
        LedgerServiceClient::with_interceptor(channel, AddToken(header))
            .max_decoding_message_size(REQUEST_BYTES_MAX)
            .max_encoding_message_size(REQUEST_BYTES_MAX)
    }

    /// The bare client of a service.
    pub(crate) fn client_of(&self, service: &str) -> Client {
        self.client(Some(self.token(service, Role::Service)))
    }
}

#[derive(Clone)]
pub(crate) struct AddToken(Option<MetadataValue<Ascii>>);

impl Interceptor for AddToken {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(header) = &self.0 {
            request.metadata_mut().insert("authorization", header.clone());
        }
        Ok(request)
    }
}

pub(crate) type Client = LedgerServiceClient<InterceptedService<Channel, AddToken>>;

pub(crate) fn channel(address: SocketAddr) -> Channel {
    Endpoint::from_shared(format!("http://{address}")).unwrap().connect_lazy()
}

pub(crate) fn genesis() -> Genesis {
    Genesis {
        origin: "liem.test/remote".into(),
        jurisdiction: "VN".into(),
        time_zone: FixedOffset::east_opt(7 * 3600).unwrap(),
    }
}
