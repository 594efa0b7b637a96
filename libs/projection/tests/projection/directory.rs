//! The directory in memory follows the log.

use events::directory::{Agency, Step};
use projection::DirectoryFollower;
use serve::Shutdown;

use crate::{
    paced::Paced,
    store::{Store, record},
};

fn opened(agency: &str) -> Agency {
    Agency::Opened { agency: agency.into(), name_vi: format!("Cơ quan {agency}"), name_en: String::new() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_up_can_wait_for_what_was_just_recorded() {
    let store = Store::new().await;
    record(&*store.log, "H57.1", vec![opened("H57.1")]).await;
    let shutdown = Shutdown::default();
    let follower = DirectoryFollower::start(store.log.clone(), shutdown.clone());
    follower.ready().await.unwrap();
    assert!(follower.now().0.agencies.contains_key("H57.1"));
    for n in 2..20 {
        let code = format!("H57.{n}");
        let position = record(&*store.log, &code, vec![opened(&code)]).await;
        // Other events take it on as well.
        let noise = store.noise(1).await;
        let (directory, at) = follower.caught_up().await.unwrap();
        assert!(directory.agencies.contains_key(&code) && position < noise && at >= noise, "{code}");
    }
    shutdown.start();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_someone_holds_does_not_change() {
    let store = Store::new().await;
    let shutdown = Shutdown::default();
    let follower = DirectoryFollower::start(store.log.clone(), shutdown.clone());
    let (held, _) = follower.caught_up().await.unwrap();
    record(&*store.log, "T01", vec![Step::Defined { step: "T01".into() }]).await;
    let (newer, _) = follower.caught_up().await.unwrap();
    assert!(newer.steps.contains("T01") && !held.steps.contains("T01"));
    shutdown.start();
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_followed_again_after_the_wire_broke() {
    let store = Store::new().await;
    for n in 0..5 {
        let code = format!("H57.{n}");
        record(&*store.log, &code, vec![opened(&code)]).await;
    }
    for breaks_after in 1..=6 {
        let shutdown = Shutdown::default();
        let log = Paced::new(store.log.clone(), 100, breaks_after);
        let follower = DirectoryFollower::start(log, shutdown.clone());
        follower.ready().await.unwrap();
        assert_eq!(follower.now().0.agencies.len(), 5, "broken after {breaks_after} pages");
        shutdown.start();
    }
}
