//! What every server has, whichever services it carries: the guard in front, health, reflection, metrics,
//! structured logs, and a shutdown that lets calls under way end.

mod access_log;
mod gathered;
mod shutdown;
mod telemetry;

use std::{net::SocketAddr, time::Duration};

use identity::{GuardLayer, VerifyingKey};
use tokio::net::TcpListener;
use tonic::{
    server::NamedService,
    service::{Routes, RoutesBuilder},
    transport::{Server as Transport, server::TcpIncoming},
};
use tonic_health::{ServingStatus, server::HealthReporter};

use access_log::AccessLogLayer;
use futures::TryStreamExt as _;
use gathered::Gathered;
pub use shutdown::Shutdown;
pub use telemetry::{LogFormat, start_logs, start_metrics};

/// How long calls under way may take to end after the signal to stop.
const GRACE: Duration = Duration::from_secs(20);

/// Why a server stopped, or never started.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address can't be listened on.
    #[error("can't listen on {address}: is another server running there? choose one with --listen")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Reflection can't be set up.
    #[error("the compiled descriptors can't be served")]
    Reflection(#[from] tonic_reflection::server::Error),
    /// The transport failed.
    #[error("the server failed")]
    Transport(#[from] tonic::transport::Error),
}

/// A server with the services that were added to it.
pub struct Server {
    routes: RoutesBuilder,
    health: HealthReporter,
    shutdown: Shutdown,
}

impl Server {
    /// A server with health and reflection only.
    pub fn new(shutdown: Shutdown) -> Result<Self, ServeError> {
        let (health, health_service) = tonic_health::server::health_reporter();
        let mut routes = Routes::builder();
        routes.add_service(health_service);
        let builder = || {
            tonic_reflection::server::Builder::configure()
                .register_encoded_file_descriptor_set(proto::DESCRIPTORS)
                .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        };
        routes.add_service(builder().build_v1()?);
        // Some clients still ask by the older name.
        routes.add_service(builder().build_v1alpha()?);
        Ok(Self { routes, health, shutdown })
    }

    /// Adds a service, healthy from the start.
    pub async fn add<S>(&mut self, service: S)
    where
        S: tower::Service<http::Request<tonic::body::Body>, Error = std::convert::Infallible>
            + NamedService
            + Clone
            + Send
            + Sync
            + 'static,
        S::Response: axum::response::IntoResponse,
        S::Future: Send + 'static,
    {
        self.health.set_service_status(S::NAME, ServingStatus::Serving).await;
        self.routes.add_service(service);
    }

    /// Where a service tells that it isn't well.
    pub fn health(&self) -> HealthReporter {
        self.health.clone()
    }

    /// Serves until the shutdown, then lets calls under way end.
    pub async fn run(self, listener: TcpListener, key: VerifyingKey) -> Result<(), ServeError> {
        let mut routes = self.routes.routes();
        if let Some(metrics) = telemetry::metrics_handle() {
            let page = axum::routing::get(move || std::future::ready(metrics.render()));
            let router = std::mem::take(routes.axum_router_mut());
            *routes.axum_router_mut() = router.route("/metrics", page);
        }
        let stopping = self.shutdown.clone();
        let health = self.health;
        // Said here, since the builder's own setting is for a listener of its own. Without it an answer in
        // several packets waits for the client's delayed acknowledgement: 45 ms instead of 1.
        let incoming = TcpIncoming::from(listener).with_nodelay(Some(true)).map_ok(Gathered::new);
        let serving = Transport::builder()
            // The metrics page is plain HTTP/1.1.
            .accept_http1(true)
            .http2_keepalive_interval(Some(Duration::from_secs(30)))
            .layer(AccessLogLayer)
            .layer(GuardLayer::new(key))
            .add_routes(routes.prepare())
            .serve_with_incoming_shutdown(incoming, async move {
                stopping.wait().await;
                health.set_service_status("", ServingStatus::NotServing).await;
            });
        let overdue = async {
            self.shutdown.wait().await;
            tokio::time::sleep(GRACE).await;
        };
        tokio::select! {
            served = serving => Ok(served?),
            () = overdue => {
                tracing::warn!(seconds = GRACE.as_secs(), "calls under way did not end in time");
                Ok(())
            }
        }
    }
}

/// Binds an address.
pub async fn bind(address: SocketAddr) -> Result<TcpListener, ServeError> {
    TcpListener::bind(address).await.map_err(|source| ServeError::Listen { address, source })
}
