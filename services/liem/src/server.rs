//! Running services: all in one process, or one alone. The same code either way; only the log's form differs.

use std::{error::Error as _, net::SocketAddr, path::Path, sync::Arc};

use anyhow::Context as _;
use audit::{AuditHandlers, AuditView};
use chrono::FixedOffset;
use conduct::{ConductHandlers, Place};
use delivery::DeliveryHandlers;
use directory::DirectoryHandlers;
use discipline::{DisciplineHandlers, Process};
use disclosure::Disclosure;
use eventlog::{Clock, EventLog, LogPlace, Options, OwnLog, RemoteLog};
use identity::{Caller, Claims, Role, VerifyingKey};
use leaderboard::{LeaderboardHandlers, LeaderboardView};
use ledger::{Gate, LedgerHandlers};
use obligations::{ObligationsHandlers, ObligationsView};
use projection::{DirectoryFollower, Follower, ViewAdminHandlers};
use proto::{
    audit::audit_service_server::AuditServiceServer, conduct::conduct_service_server::ConductServiceServer,
    delivery::delivery_service_server::DeliveryServiceServer,
    directory::directory_service_server::DirectoryServiceServer,
    discipline::discipline_service_server::DisciplineServiceServer,
    leaderboard::leaderboard_service_server::LeaderboardServiceServer,
    ledger::ledger_service_server::LedgerServiceServer,
    obligations::obligations_service_server::ObligationsServiceServer,
    view::view_admin_server::ViewAdminServer,
};
use rulebook::law::Lawbooks;
use serve::{Server, Shutdown};
use tokio::{sync::watch, task::JoinHandle};
use tonic_health::{ServingStatus, server::HealthReporter};
use vault::Vault;

use crate::{
    cli::{GenesisArgs, LogArgs, Service, UpArgs, VaultArgs},
    client,
    config::Settings,
    data::{Data, Published},
};

/// Bytes of one request, at most: an append of 1,000 entries of full length.
const REQUEST_BYTES_MAX: usize = 80 * 1024 * 1024;

/// Servers that run in this process.
pub(crate) struct Running {
    /// Where they listen.
    pub(crate) address: SocketAddr,
    serving: JoinHandle<Result<(), serve::ServeError>>,
    views: Views,
    log: Option<OwnLog>,
    shutdown: Shutdown,
    _published: Published,
}

#[derive(Default)]
struct Views {
    audit: Option<Arc<Follower<AuditView>>>,
    leaderboard: Option<Arc<Follower<LeaderboardView>>>,
    obligations: Option<Arc<Follower<ObligationsView>>>,
}

impl Running {
    /// Waits for the signal to stop, or a failure, then ends calls under way, views and log in that order:
    /// what was acknowledged is on disk.
    pub(crate) async fn wait(self) -> anyhow::Result<()> {
        let served = self.serving.await;
        self.shutdown.start();
        if let Some(view) = self.views.audit.and_then(Arc::into_inner) {
            view.close().await;
        }
        if let Some(view) = self.views.leaderboard.and_then(Arc::into_inner) {
            view.close().await;
        }
        if let Some(view) = self.views.obligations.and_then(Arc::into_inner) {
            view.close().await;
        }
        if let Some(log) = self.log {
            log.close().await;
        }
        served.context("the server's task failed")??;
        Ok(())
    }
}

/// Runs all services on one address.
pub(crate) async fn up(
    settings: &Settings,
    listen: SocketAddr,
    args: &UpArgs,
    shutdown: Shutdown,
) -> anyhow::Result<Running> {
    let clock = Clock::system();
    let own = open_log(settings, &args.log, &args.genesis, &clock).await?;
    let gate = own.gate.clone();
    let snapshot_every = settings.snapshot_every(args.snapshots);
    let conduct = (&args.sealed, args.rules.lawbooks()?);
    let parts = Parts { settings, clock, shutdown, own: Some(own), snapshot_every, conduct };
    parts.run(&Service::ALL, gate, listen, settings.data.public_key()).await
}

/// Runs one service.
pub(crate) async fn alone(
    settings: &Settings,
    args: crate::cli::ServeArgs,
    shutdown: Shutdown,
) -> anyhow::Result<Running> {
    let clock = Clock::system();
    let place = Service::ALL.iter().position(|s| *s == args.service).unwrap_or_default();
    let port = 7420 + u16::try_from(place).unwrap_or_default();
    let listen = settings.listen(args.listen, port);
    let public_key = settings.public_key(args.public_key);
    let snapshot_every = settings.snapshot_every(args.snapshots);
    let conduct = (&args.sealed, args.rules.lawbooks()?);
    if args.service == Service::Ledger {
        let own = open_log(settings, &args.log, &args.genesis, &clock).await?;
        let gate = own.gate.clone();
        let parts = Parts { settings, clock, shutdown, own: Some(own), snapshot_every, conduct };
        return parts.run(&[args.service], gate, listen, public_key).await;
    }
    settings.data.prepare()?;
    let token = match &settings.token {
        Some(token) => token.clone(),
        None => service_token(&settings.data, args.service, &clock)?,
    };
    check_token(&public_key, &token, args.service)?;
    let channel = client::channel(&settings.ledger(args.ledger)?)?;
    let log = RemoteLog::new(channel, &token).context("the token has characters that no token has")?;
    let parts = Parts { settings, clock, shutdown, own: None, snapshot_every, conduct };
    parts.run(&[args.service], Arc::new(log), listen, public_key).await
}

/// The log of this process, and the gate in front of it.
struct Own {
    gate: Arc<Gate>,
    log: OwnLog,
    place: LogPlace,
}

async fn open_log(
    settings: &Settings,
    log: &LogArgs,
    genesis: &GenesisArgs,
    clock: &Clock,
) -> anyhow::Result<Own> {
    let data = &settings.data;
    data.prepare()?;
    let key = data.make_key()?;
    data.write_tokens(&key, seconds(clock))?;
    let place = settings.log(log)?;
    let log = place.open(Options::new(settings.genesis(genesis)?, clock.clone())).await?;
    Ok(Own { gate: Gate::new(log.log()), log, place })
}

/// The ledger isn't well while its database is away.
async fn tell_health(health: HealthReporter, mut is_reached: watch::Receiver<bool>) {
    let name = proto::ledger::ledger_service_server::SERVICE_NAME;
    while is_reached.changed().await.is_ok() {
        let is_reached = *is_reached.borrow_and_update();
        let status = if is_reached { ServingStatus::Serving } else { ServingStatus::NotServing };
        health.set_service_status(name, status).await;
    }
}

/// The ledger answered, and does not take the token.
fn is_refused(error: &eventlog::ReadError) -> bool {
    let status = error.source().and_then(|source| source.downcast_ref::<tonic::Status>());
    status.is_some_and(|s| matches!(s.code(), tonic::Code::Unauthenticated | tonic::Code::PermissionDenied))
}

/// Seconds since 1970.
pub(crate) fn seconds(clock: &Clock) -> u64 {
    u64::try_from(clock.now().timestamp()).unwrap_or(0)
}

/// A token for a service, where the data folder has the key.
fn service_token(data: &Data, service: Service, clock: &Clock) -> anyhow::Result<String> {
    let advice = "a service needs a token: give one with --token (liem token issue --role service)";
    let key = data.signing_key().context(advice)?;
    let caller = Caller { id: service.name().to_owned(), role: Role::Service, agency: None };
    Ok(key.sign(&Claims::new(caller, seconds(clock), 400 * 24 * 3600))?)
}

/// The token is this service's, and of the ledger whose public key tokens are checked with: otherwise every
/// call would fail later, of this service or to it.
fn check_token(public_key: &Path, token: &str, service: Service) -> anyhow::Result<()> {
    let key = VerifyingKey::open(public_key)
        .context("tokens are checked with the ledger's public key: name a copy of its keys/public.pem with --public-key")?;
    let shown = public_key.display();
    let (caller, _) = key.verify(token).with_context(|| {
        format!(
            "the service's token can't be checked with {shown}: --token and --public-key are of one ledger"
        )
    })?;
    if caller.role != Role::Service || caller.id != service.name() {
        let (id, name) = (caller.id, service.name());
        anyhow::bail!(
            "the token is for `{id}`: a service needs its own (liem token issue --role service --service {name})"
        );
    }
    Ok(())
}

struct Parts<'a> {
    settings: &'a Settings,
    clock: Clock,
    shutdown: Shutdown,
    /// The log of this process, where it has the ledger.
    own: Option<Own>,
    snapshot_every: u64,
    /// Where the vault's key is, and the rulebooks.
    conduct: (&'a VaultArgs, Lawbooks),
}

/// How often what was sealed for events that were never recorded is swept.
const SWEEP: std::time::Duration = std::time::Duration::from_mins(10);

impl Parts<'_> {
    async fn run(
        self,
        services: &[Service],
        log: Arc<dyn EventLog>,
        listen: SocketAddr,
        public_key: std::path::PathBuf,
    ) -> anyhow::Result<Running> {
        serve::start_metrics();
        let key = VerifyingKey::open(&public_key)?;
        let listener = serve::bind(listen).await?;
        let address = listener.local_addr()?;
        let zone = self.zone(&*log).await?;
        let mut server = Server::new(self.shutdown.clone())?;
        let mut views = Views::default();
        for service in services {
            self.add(*service, &log, zone, &mut server, &mut views).await?;
        }
        if views.audit.is_some() || views.leaderboard.is_some() || views.obligations.is_some() {
            let mut admin = ViewAdminHandlers::new(self.clock.clone());
            if let Some(view) = &views.audit {
                admin = admin.with(view);
            }
            if let Some(view) = &views.leaderboard {
                admin = admin.with(view);
            }
            if let Some(view) = &views.obligations {
                admin = admin.with(view);
            }
            server.add(ViewAdminServer::new(admin)).await;
        }
        let serving = tokio::spawn(server.run(listener, key));
        let names: Vec<_> = services.iter().map(|service| service.name()).collect();
        let published = self.settings.data.publish(&names, address)?;
        tracing::info!(%address, services = names.join(" "), "listening");
        Ok(Running {
            address,
            serving,
            views,
            log: self.own.map(|own| own.log),
            shutdown: self.shutdown,
            _published: published,
        })
    }

    fn view_options<'o>(
        &self,
        log: &Arc<dyn EventLog>,
        folder: &'o Path,
        server: &Server,
        service: &'static str,
    ) -> projection::Options<'o> {
        projection::Options {
            log: log.clone(),
            folder,
            snapshot_every: self.snapshot_every,
            shutdown: self.shutdown.clone(),
            health: server.health(),
            service,
        }
    }

    /// The ledger's time zone; waits for a ledger that isn't up yet.
    async fn zone(&self, log: &dyn EventLog) -> anyhow::Result<FixedOffset> {
        let mut attempts = 0;
        loop {
            match log.head().await {
                Ok(head) => return Ok(head.genesis.time_zone),
                Err(error) if is_refused(&error) => {
                    let advice = "the ledger refuses the token: give one of its own with --token \
                                  (liem token issue --role service)";
                    return Err(error).context(advice);
                }
                Err(error) if attempts < 50 => {
                    attempts += 1;
                    tracing::debug!(%error, attempts, "the ledger does not answer yet");
                    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
                }
                Err(error) => return Err(error).context("the ledger does not answer: is it running?"),
            }
        }
    }

    /// A service's vault, without what the log says is erased, and swept from now on.
    async fn disclosure(&self, service: &str, log: &Arc<dyn EventLog>) -> anyhow::Result<Disclosure> {
        let key = self.settings.vault_key(self.conduct.0)?;
        let vault = Vault::open(&self.settings.data.vault(service), &key).await?;
        let disclosure = Disclosure::new(log.clone(), vault);
        disclosure.catch_up().await?;
        let (sweeping, shutdown) = (disclosure.clone(), self.shutdown.clone());
        tokio::spawn(async move {
            loop {
                if let Err(error) = sweeping.sweep().await {
                    tracing::warn!(%error, "the vault can't be swept; trying again later");
                }
                tokio::select! {
                    () = tokio::time::sleep(SWEEP) => {}
                    () = shutdown.wait() => return,
                }
            }
        });
        Ok(disclosure)
    }

    async fn add(
        &self,
        service: Service,
        log: &Arc<dyn EventLog>,
        zone: FixedOffset,
        server: &mut Server,
        views: &mut Views,
    ) -> anyhow::Result<()> {
        let folder = self.settings.data.views();
        let (clock, shutdown) = (self.clock.clone(), self.shutdown.clone());
        match service {
            Service::Ledger => {
                let own = self.own.as_ref().context("the ledger runs where its log is")?;
                let handlers = LedgerHandlers::new(own.gate.clone(), own.place.clone(), shutdown);
                if let Some(is_reached) = own.log.is_reached() {
                    tokio::spawn(tell_health(server.health(), is_reached));
                }
                let service = LedgerServiceServer::new(handlers);
                server.add(service.max_decoding_message_size(REQUEST_BYTES_MAX)).await;
            }
            Service::Directory => {
                let directory = DirectoryFollower::start(log.clone(), shutdown);
                directory.ready().await?;
                let disclosure = self.disclosure(service.name(), log).await?;
                let handlers = DirectoryHandlers::new(log.clone(), directory, disclosure, clock, zone);
                server.add(DirectoryServiceServer::new(handlers)).await;
            }
            Service::Delivery => {
                let directory = DirectoryFollower::start(log.clone(), shutdown);
                directory.ready().await?;
                let handlers = DeliveryHandlers::new(log.clone(), directory, clock, zone);
                server.add(DeliveryServiceServer::new(handlers)).await;
            }
            Service::Audit => {
                let name = proto::audit::audit_service_server::SERVICE_NAME;
                let directory = DirectoryFollower::start(log.clone(), shutdown);
                directory.ready().await?;
                let options = self.view_options(log, &folder, server, name);
                let view = Follower::start(AuditView, options).await?;
                let view = views.audit.insert(Arc::new(view)).clone();
                let handlers = AuditHandlers::new(view, log.clone(), directory, clock, zone);
                server.add(AuditServiceServer::new(handlers)).await;
            }
            Service::Leaderboard => {
                let name = proto::leaderboard::leaderboard_service_server::SERVICE_NAME;
                let options = self.view_options(log, &folder, server, name);
                let view = Follower::start(LeaderboardView::new(zone), options).await?;
                let view = views.leaderboard.insert(Arc::new(view)).clone();
                server.add(LeaderboardServiceServer::new(LeaderboardHandlers::new(view, clock))).await;
            }
            Service::Conduct => {
                let directory = DirectoryFollower::start(log.clone(), shutdown);
                directory.ready().await?;
                let genesis = log.head().await?.genesis;
                let disclosure = self.disclosure(service.name(), log).await?;
                let lawbooks = Arc::new(self.conduct.1.clone());
                let place = Place { zone, jurisdiction: genesis.jurisdiction, origin: genesis.origin };
                let handlers =
                    ConductHandlers::new(log.clone(), directory, disclosure, lawbooks, clock, place);
                server.add(ConductServiceServer::new(handlers)).await;
            }
            Service::Discipline => {
                let directory = DirectoryFollower::start(log.clone(), shutdown.clone());
                directory.ready().await?;
                let lawbooks = Arc::new(self.conduct.1.clone());
                let handlers = DisciplineHandlers::new(log.clone(), directory, lawbooks, clock, zone);
                let handlers = Arc::new(handlers);
                Process::start(handlers.clone(), shutdown);
                server.add(DisciplineServiceServer::from_arc(handlers)).await;
            }
            Service::Obligations => {
                let directory = DirectoryFollower::start(log.clone(), shutdown);
                directory.ready().await?;
                let name = proto::obligations::obligations_service_server::SERVICE_NAME;
                let options = self.view_options(log, &folder, server, name);
                let view = Follower::start(ObligationsView::new(zone), options).await?;
                let view = views.obligations.insert(Arc::new(view)).clone();
                let handlers = ObligationsHandlers::new(view, directory, clock);
                server.add(ObligationsServiceServer::new(handlers)).await;
            }
        }
        Ok(())
    }
}
