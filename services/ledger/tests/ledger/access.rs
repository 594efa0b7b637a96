//! Who may append: services only, each to the categories it owns.

use eventlog::{
    AppendError, EventLog as _, Expected, StreamName,
    conformance::sample::{append, append_as, case, steps},
};
use identity::Role;
use proto::ledger as pb;
use tonic::Code;

use crate::{
    rpcs::{append_request, refused},
    running::Ledger,
};

#[tokio::test(flavor = "multi_thread")]
async fn without_a_good_token_nothing_is_answered() {
    let (ledger, elsewhere) = (Ledger::start().await, Ledger::start().await);
    let forged = elsewhere.token("delivery", Role::Service);
    let expired = ledger.token_until("delivery", Role::Service, -1);
    for (token, reason) in [
        (None, "TOKEN_MISSING"),
        (Some(forged), "TOKEN_INVALID"),
        (Some("x".to_owned()), "TOKEN_INVALID"),
        (Some(expired), "TOKEN_EXPIRED"),
    ] {
        let mut client = ledger.client(token);
        let answer = client.append_events(append_request()).await;
        assert_eq!(refused(answer), (Code::Unauthenticated, reason.to_owned()));
        let answer = client.get_head(pb::GetHeadRequest {}).await;
        assert_eq!(refused(answer), (Code::Unauthenticated, reason.to_owned()));
    }
    assert_eq!(ledger.inside().head().await.unwrap().position, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_but_services_appends() {
    let ledger = Ledger::start().await;
    for role in Role::ALL {
        // Not even one whose name is that of the owner.
        let mut client = ledger.client(Some(ledger.token("delivery", role)));
        let answer = client.append_events(append_request()).await;
        if role == Role::Service {
            assert_eq!(answer.unwrap().into_inner().first_position, 2);
        } else {
            assert_eq!(refused(answer), (Code::PermissionDenied, "ROLE_NOT_ALLOWED".to_owned()));
        }
    }
    assert_eq!(ledger.inside().head().await.unwrap().position, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_appends_to_its_own_categories_only() {
    let ledger = Ledger::start().await;
    let agency = StreamName::new("directory.agency", "H57").unwrap();
    let unknown = StreamName::new("delivery.cases", "H57").unwrap();
    let log_itself = StreamName::new("ledger.log", "log").unwrap();
    for (service, stream) in [
        ("delivery", agency.clone()),
        ("delivery", unknown),
        ("delivery", log_itself),
        ("directory", case("H57")),
        ("audit", case("H57")),
        ("Delivery", case("H57")),
    ] {
        let answer =
            ledger.remote(service).append(append_as(service, &stream, Expected::Any, steps(1))).await;
        let Err(AppendError::CategoryNotOwned { service: named, category }) = answer else {
            panic!("{service} {stream}: {answer:?}")
        };
        assert_eq!((named.as_str(), category.as_str()), (service, stream.category()));
    }
    assert_eq!(ledger.inside().head().await.unwrap().position, 1, "nothing was recorded");
    ledger
        .remote("directory")
        .append(append_as("directory", &agency, Expected::Any, steps(1)))
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_service_is_who_the_token_says() {
    let ledger = Ledger::start().await;
    // What the caller claims in its context is not looked at.
    let mut pretending = append(&case("H57"), Expected::Any, steps(1));
    pretending.context.service = "directory".into();
    let appended = ledger.remote("delivery").append(pretending).await.unwrap();
    let entries = ledger.inside().read_at(&[appended.first_position]).await.unwrap();
    assert_eq!(entries[0].header().unwrap().service, "delivery");
}
