//! A ledger whose database goes away and comes back: it says so, loses nothing that it acknowledged, and who follows
//! it goes on.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering::SeqCst},
};

use proto::reason_of;
use test_postgres::Postgres;
use tests::{Client, Server, Writer, prove, wait_until};
use tokio::{sync::watch, task::block_in_place};
use tonic::Streaming;
use tonic_health::pb::{
    HealthCheckRequest, HealthCheckResponse, health_check_response::ServingStatus,
    health_client::HealthClient,
};

use crate::beside::{follow, ledger, migrated};

const WRITERS: u64 = 4;
const KILLS: usize = 3;

/// Writes until the end. What fails is sent again.
async fn write(client: Client, mut writer: Writer, has_ended: Arc<AtomicBool>) -> Writer {
    while !has_ended.load(SeqCst) || writer.is_unanswered() {
        if let Err(status) = writer.write(&client).await {
            let reason = reason_of(&status).unwrap_or_default();
            assert!(["LOG_UNREACHABLE", "LOG_UNAVAILABLE"].contains(&&*reason), "{status:?}");
        }
    }
    writer
}

/// Waits until the ledger says that it's well, or that it isn't.
async fn until(health: &mut Streaming<HealthCheckResponse>, status: ServingStatus) {
    while health.message().await.unwrap().unwrap().status() != status {}
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ledger_says_that_its_database_is_away_and_goes_on_when_it_is_back() {
    let mut database_server = block_in_place(Postgres::start);
    let folder = tempfile::tempdir().unwrap();
    let server = ledger(folder.path(), &migrated(&database_server));
    // What reads over the wire, in a process of its own.
    let _audit = Server::start(folder.path(), &["serve", "audit", "--listen", "127.0.0.1:0"]);
    let token = server.token(&["--role", "service", "--service", "delivery"]);
    let client = Client::new(&server.address, &token);
    let service = "liem.ledger.v1.LedgerService".to_owned();
    let health = HealthClient::new(client.channel()).watch(HealthCheckRequest { service }).await;
    let mut health = health.unwrap().into_inner();
    until(&mut health, ServingStatus::Serving).await;

    let (end_sender, end) = watch::channel(u64::MAX);
    let followed = client.clone();
    let following = tokio::spawn(follow(move || followed.clone(), end));
    let has_ended = Arc::new(AtomicBool::new(false));
    let writing: Vec<_> = (0..WRITERS)
        .map(|w| tokio::spawn(write(client.clone(), Writer::new(&format!("w{w}"), w), has_ended.clone())))
        .collect();
    for _ in 0..KILLS {
        block_in_place(|| database_server.kill());
        until(&mut health, ServingStatus::NotServing).await;
        block_in_place(|| database_server.start_again());
        until(&mut health, ServingStatus::Serving).await;
    }
    has_ended.store(true, SeqCst);
    let mut writers = Vec::new();
    for writer in writing {
        writers.push(writer.await.unwrap());
    }

    let head = prove(&client, &writers).await;
    assert_eq!(head, 1 + writers.iter().map(Writer::recorded).sum::<u64>());
    end_sender.send_replace(head);
    assert_eq!(following.await.unwrap().len() as u64, head);
    block_in_place(|| {
        wait_until("the view has followed to the end", || {
            let view = server.json(&["view", "audit"]);
            assert_eq!(view["stopped"], serde_json::Value::Null, "{view}");
            view["position"] == head
        });
    });
    let check = server.json(&["log", "check"]);
    assert_eq!((&check["ok"], &check["checked"]), (&true.into(), &head.into()), "{check}");
}
