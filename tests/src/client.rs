//! Clients that carry a token, or none.

use proto::{
    audit::audit_service_client::AuditServiceClient, conduct::conduct_service_client::ConductServiceClient,
    delivery::delivery_service_client::DeliveryServiceClient,
    directory::directory_service_client::DirectoryServiceClient,
    discipline::discipline_service_client::DisciplineServiceClient,
    leaderboard::leaderboard_service_client::LeaderboardServiceClient,
    ledger::ledger_service_client::LedgerServiceClient,
    obligations::obligations_service_client::ObligationsServiceClient, reason_of,
};
use tonic::{
    Status,
    service::{Interceptor, interceptor::InterceptedService},
    transport::{Channel, Endpoint},
};
use uuid::Uuid;

/// Puts the token on every call; an empty one is left out.
#[derive(Clone)]
pub struct Bearer(String);

impl Interceptor for Bearer {
    fn call(&mut self, mut request: tonic::Request<()>) -> Result<tonic::Request<()>, Status> {
        if !self.0.is_empty() {
            request.metadata_mut().insert("authorization", format!("Bearer {}", self.0).parse().unwrap());
        }
        Ok(request)
    }
}

/// A server, called with a token.
#[derive(Clone)]
pub struct Client {
    channel: Channel,
    bearer: Bearer,
}

impl Client {
    /// A server at an address, called with a token; empty for none.
    pub fn new(address: &str, token: &str) -> Self {
        let channel = Endpoint::from_shared(format!("http://{address}")).unwrap().connect_lazy();
        Self { channel, bearer: Bearer(token.to_owned()) }
    }

    /// The bare channel.
    pub fn channel(&self) -> Channel {
        self.channel.clone()
    }

    fn service(&self) -> InterceptedService<Channel, Bearer> {
        InterceptedService::new(self.channel.clone(), self.bearer.clone())
    }

    /// The audit view.
    pub fn audit(&self) -> AuditServiceClient<InterceptedService<Channel, Bearer>> {
        AuditServiceClient::new(self.service())
    }

    /// Conduct.
    pub fn conduct(&self) -> ConductServiceClient<InterceptedService<Channel, Bearer>> {
        ConductServiceClient::new(self.service())
    }

    /// Discipline.
    pub fn discipline(&self) -> DisciplineServiceClient<InterceptedService<Channel, Bearer>> {
        DisciplineServiceClient::new(self.service())
    }

    /// The obligations view.
    pub fn obligations(&self) -> ObligationsServiceClient<InterceptedService<Channel, Bearer>> {
        ObligationsServiceClient::new(self.service())
    }

    /// Delivery.
    pub fn delivery(&self) -> DeliveryServiceClient<InterceptedService<Channel, Bearer>> {
        DeliveryServiceClient::new(self.service())
    }

    /// The directory.
    pub fn directory(&self) -> DirectoryServiceClient<InterceptedService<Channel, Bearer>> {
        DirectoryServiceClient::new(self.service())
    }

    /// The leaderboard.
    pub fn leaderboard(&self) -> LeaderboardServiceClient<InterceptedService<Channel, Bearer>> {
        LeaderboardServiceClient::new(self.service())
    }

    /// The ledger.
    pub fn ledger(&self) -> LedgerServiceClient<InterceptedService<Channel, Bearer>> {
        LedgerServiceClient::new(self.service())
    }
}

/// A new request id.
pub fn request_id() -> String {
    Uuid::now_v7().to_string()
}

/// The machine-readable reason of a failure; every one has its own.
pub fn reason<T>(answer: Result<T, Status>) -> String {
    let status = answer.err().expect("the call should fail");
    reason_of(&status).unwrap_or_else(|| panic!("a failure without a reason: {status:?}"))
}
