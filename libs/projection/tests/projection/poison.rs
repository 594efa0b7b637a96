//! An event that can't be folded stops the view, which says so and never passes over it.

use std::net::Ipv4Addr;

use eventlog::EventLog;
use identity::{SigningKey, VerifyingKey};
use proto::{Reason, ledger::ErrorReason};
use serve::{Server, Shutdown};
use tonic::transport::{Channel, Endpoint};
use tonic_health::{
    ServingStatus,
    pb::{HealthCheckRequest, health_check_response, health_client::HealthClient},
};

use crate::{
    store::{Running, Store, content, eventually},
    tally::{INDIGESTIBLE, POISON, Tally},
};

/// A server with nothing but health, and a client of it.
async fn health(
    folder: &std::path::Path,
) -> (Server, HealthClient<Channel>, impl FnOnce(Server) -> Shutdown) {
    let shutdown = Shutdown::default();
    let server = Server::new(shutdown.clone()).unwrap();
    let (private, public) = (folder.join("key.pem"), folder.join("key.pub"));
    SigningKey::open_or_make(&private, &public).unwrap();
    let key = VerifyingKey::open(&public).unwrap();
    let listener = serve::bind((Ipv4Addr::LOCALHOST, 0).into()).await.unwrap();
    let address = listener.local_addr().unwrap();
    let channel = Endpoint::from_shared(format!("http://{address}")).unwrap().connect_lazy();
    let start = move |server: Server| {
        tokio::spawn(server.run(listener, key));
        shutdown
    };
    (server, HealthClient::new(channel), start)
}

async fn status(client: &mut HealthClient<Channel>) -> health_check_response::ServingStatus {
    let request = HealthCheckRequest { service: "test.View".into() };
    client.check(request).await.unwrap().into_inner().status()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poison_event_stops_the_view_and_shows() {
    use health_check_response::ServingStatus as Shown;
    for poison in [POISON, INDIGESTIBLE] {
        let store = Store::new().await;
        let (server, mut client, serve) = health(store.folder.path()).await;
        let reporter = server.health();
        reporter.set_service_status("test.View", ServingStatus::Serving).await;
        let server = serve(server);
        let folder = store.folder("view");
        let view = Running::start_with(Tally::NEW, store.log.clone(), &folder, reporter).await.unwrap();
        let good = store.steps("case", "unit", &["T01"]).await;
        let before = view.digest_at(good).await;
        assert_eq!(status(&mut client).await, Shown::Serving);

        // The event that is fine, and comes just before in the same append, isn't shown either: the view is
        // as of the position that it says.
        let after = store.steps("case", "unit", &["T02", poison, "T03"]).await;
        let why = view.stopped().await;
        assert!(why.contains(&format!("at position {}", after - 1)), "{why}");
        assert!(why.contains(poison), "{why}");
        let mut shown = Shown::Serving;
        for _ in 0..10_000 {
            shown = status(&mut client).await;
            if shown == Shown::NotServing {
                break;
            }
        }
        assert_eq!(shown, Shown::NotServing);
        assert_eq!(view.follower.status().position, good);
        assert_eq!(view.follower.digest().await.unwrap(), before);
        assert_eq!(content(&view.follower.path()).await.0, [("unit".to_owned(), 1)]);

        // Nobody gets an answer of it, not even of what it had read.
        for position in [0, good, after] {
            let refused = view.follower.at_least(position).await.map(|_| ()).unwrap_err();
            assert_eq!(refused.reason, Reason::Ledger(ErrorReason::ViewStopped));
            // Why is told to those who look after views, not to everyone who asks it something.
            assert!(!refused.message.contains(poison), "{}", refused.message);
        }
        // It doesn't get past it by itself: not with more events, and not by a restart.
        store.steps("case", "unit", &["T04"]).await;
        view.stop().await;
        let view = store.view(&folder).await;
        assert_eq!(view.stopped().await, why);
        view.stop().await;

        // A mended version folds what it left.
        let mended = Tally { is_mended: true, ..Tally::NEW };
        let view = Running::start(mended, store.log.clone(), &folder).await.unwrap();
        view.digest_at(store.head().await).await;
        assert_eq!(content(&view.follower.path()).await.0, [("unit".to_owned(), 5)]);
        view.stop().await;
        server.start();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_that_waits_is_told_when_the_view_stops() {
    let store = Store::new().await;
    let folder = store.folder("view");
    let view = store.view(&folder).await;
    let head = store.log.head().await.unwrap().position;
    let query = view.follower.at_least(head + 2);
    let (refused, _) = tokio::join!(query, store.steps("case", "unit", &[POISON, "T01"]));
    assert_eq!(refused.map(|_| ()).unwrap_err().reason, Reason::Ledger(ErrorReason::ViewStopped));
    view.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_view_s_poison_is_not_another_s() {
    let store = Store::new().await;
    let (one, other) = (store.folder("one"), store.folder("other"));
    let stopping = store.view(&one).await;
    let mended = Tally { is_mended: true, ..Tally::NEW };
    let going = Running::start(mended, store.log.clone(), &other).await.unwrap();
    let head = store.steps("case", "unit", &[POISON, "T01"]).await;
    stopping.stopped().await;
    going.digest_at(head).await;
    // Nor is it the log's.
    let head = store.steps("case", "unit", &["T02"]).await;
    going.digest_at(head).await;
    eventually("the other is where the log is", || (going.follower.status().position == head).then_some(()))
        .await;
    stopping.stop().await;
    going.stop().await;
}
