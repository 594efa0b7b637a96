//! Calling the services.

use std::collections::HashMap;

use anyhow::Context as _;
use chrono::FixedOffset;
use identity::Role;
use proto::{
    audit::{ListTrailRequest, audit_service_client::AuditServiceClient},
    conduct::conduct_service_client::ConductServiceClient,
    delivery::delivery_service_client::DeliveryServiceClient,
    directory::directory_service_client::DirectoryServiceClient,
    discipline::discipline_service_client::DisciplineServiceClient,
    leaderboard::{BoardQuery, GetBoardRequest, leaderboard_service_client::LeaderboardServiceClient},
    ledger::{GetHeadRequest, Subject, ledger_service_client::LedgerServiceClient},
    obligations::obligations_service_client::ObligationsServiceClient,
    reason_of,
    view::view_admin_client::ViewAdminClient,
};
use tonic::{
    Status,
    metadata::{Ascii, MetadataValue},
    service::{Interceptor, interceptor::InterceptedService},
    transport::{Channel, Endpoint},
};

use crate::{cli::Service, config::Settings, output};

/// Bytes of one answer, at most: a page of 1,000 entries of full length.
const ANSWER_BYTES_MAX: usize = 80 * 1024 * 1024;

/// Sends the token with every call.
#[derive(Clone)]
pub(crate) struct Bearer(MetadataValue<Ascii>);

impl Interceptor for Bearer {
    fn call(&mut self, mut request: tonic::Request<()>) -> Result<tonic::Request<()>, Status> {
        request.metadata_mut().insert("authorization", self.0.clone());
        Ok(request)
    }
}

type Authorized = InterceptedService<Channel, Bearer>;
pub(crate) type Audit = AuditServiceClient<Authorized>;
pub(crate) type Conduct = ConductServiceClient<Authorized>;
pub(crate) type Discipline = DisciplineServiceClient<Authorized>;
pub(crate) type Obligations = ObligationsServiceClient<Authorized>;
pub(crate) type Delivery = DeliveryServiceClient<Authorized>;
pub(crate) type Directory = DirectoryServiceClient<Authorized>;
pub(crate) type Leaderboard = LeaderboardServiceClient<Authorized>;
pub(crate) type Views = ViewAdminClient<Authorized>;
pub(crate) type Ledger = LedgerServiceClient<Authorized>;

/// The services, and the token to call them with.
#[derive(Clone)]
pub(crate) struct Connection {
    channels: HashMap<&'static str, Channel>,
    bearer: Bearer,
}

impl Connection {
    /// The services that the settings name, called with the token of a role unless another one is given.
    pub(crate) fn open(settings: &Settings, role: Role) -> anyhow::Result<Self> {
        let token = settings.token.clone().or_else(|| settings.data.token(role)).with_context(|| {
            format!(
                "no token: give one with --token, or --data with the folder of a running ledger ({} has none)",
                settings.data.folder().display()
            )
        })?;
        let mut channels = HashMap::new();
        for service in Service::ALL.map(Service::name) {
            let address = match &settings.address {
                Some(given) => address_of(given, service),
                None => settings.data.address(service),
            };
            if let Some(address) = address {
                channels.insert(service, channel(&address)?);
            }
        }
        if channels.is_empty() {
            anyhow::bail!(
                "no server: start one with `liem up`, or give its address with --address ({} names none)",
                settings.data.folder().display()
            );
        }
        Self::with(channels, &token)
    }

    fn with(channels: HashMap<&'static str, Channel>, token: &str) -> anyhow::Result<Self> {
        let bearer = format!("Bearer {}", token.trim());
        let bearer = bearer.parse().context("the token has characters that no token has")?;
        Ok(Self { channels, bearer: Bearer(bearer) })
    }

    fn service(&self, name: &str) -> Authorized {
        // Without an address every call fails with a message that names the service.
        let channel = self.channels.get(name).cloned().unwrap_or_else(|| {
            let unknown = Endpoint::from_static("http://service-without-an-address.invalid");
            unknown.connect_lazy()
        });
        InterceptedService::new(channel, self.bearer.clone())
    }

    /// The time zone of the log's civil dates; the usual one for callers who may not ask.
    pub(crate) async fn zone(&self) -> FixedOffset {
        let head = self.ledger().get_head(GetHeadRequest {}).await;
        let zone = head.ok().and_then(|head| events::parse_offset(&head.into_inner().time_zone));
        zone.unwrap_or_else(output::usual_zone)
    }

    /// Waits until the views have folded up to a position, so that the next question sees it. `agency` is any
    /// agency that the log knows.
    pub(crate) async fn await_views(&self, position: u64, agency: &str) -> anyhow::Result<()> {
        let (mut leaderboard, mut audit) = (self.leaderboard(), self.audit());
        loop {
            let query = BoardQuery { at_least_position: position, ..BoardQuery::default() };
            let trail = ListTrailRequest {
                subject: Some(Subject { role: "agency".into(), id: agency.to_owned() }),
                at_least_position: position,
                page_size: 1,
                ..ListTrailRequest::default()
            };
            let board = leaderboard.get_board(GetBoardRequest { query: Some(query) }).await.map(|_| ());
            let trail = audit.list_trail(trail).await.map(|_| ());
            match board.and(trail) {
                Ok(()) => return Ok(()),
                Err(status) if reason_of(&status).as_deref() == Some("VIEW_BEHIND") => {}
                Err(status) => return Err(status.into()),
            }
        }
    }

    pub(crate) fn audit(&self) -> Audit {
        AuditServiceClient::new(self.service("audit")).max_decoding_message_size(ANSWER_BYTES_MAX)
    }

    pub(crate) fn conduct(&self) -> Conduct {
        ConductServiceClient::new(self.service("conduct"))
    }

    pub(crate) fn discipline(&self) -> Discipline {
        DisciplineServiceClient::new(self.service("discipline"))
    }

    pub(crate) fn obligations(&self) -> Obligations {
        ObligationsServiceClient::new(self.service("obligations"))
    }

    pub(crate) fn delivery(&self) -> Delivery {
        DeliveryServiceClient::new(self.service("delivery"))
    }

    pub(crate) fn directory(&self) -> Directory {
        DirectoryServiceClient::new(self.service("directory"))
    }

    pub(crate) fn leaderboard(&self) -> Leaderboard {
        LeaderboardServiceClient::new(self.service("leaderboard"))
    }

    /// The administration of a view, by its name, which is also the name of the service that offers it.
    pub(crate) fn views(&self, view: &str) -> Views {
        ViewAdminClient::new(self.service(view))
    }

    pub(crate) fn ledger(&self) -> Ledger {
        LedgerServiceClient::new(self.service("ledger")).max_decoding_message_size(ANSWER_BYTES_MAX)
    }
}

/// The address of a service in `ADDRESS` or `SERVICE=ADDRESS,…`.
fn address_of(given: &str, service: &str) -> Option<String> {
    let mut addresses = given.split(',').map(str::trim);
    addresses.find_map(|part| match part.split_once('=') {
        Some((name, address)) => (name == service).then(|| address.to_owned()),
        None => Some(part.to_owned()),
    })
}

/// A channel that connects at its first call.
pub(crate) fn channel(address: &str) -> anyhow::Result<Channel> {
    let uri = if address.contains("://") { address.to_owned() } else { format!("http://{address}") };
    let endpoint = Endpoint::from_shared(uri)
        .with_context(|| format!("`{address}` is not an address such as 127.0.0.1:7420"))?;
    Ok(endpoint.tcp_nodelay(true).connect_lazy())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_for_all_services_or_for_one() {
        assert_eq!(address_of("127.0.0.1:7420", "audit").as_deref(), Some("127.0.0.1:7420"));
        let each = "audit=127.0.0.1:1, ledger=127.0.0.1:2";
        assert_eq!(address_of(each, "ledger").as_deref(), Some("127.0.0.1:2"));
        assert_eq!(address_of(each, "delivery"), None);
    }
}
