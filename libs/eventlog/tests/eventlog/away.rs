//! The database goes away and comes back: those who append are told the truth, and those who follow go on.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering::SeqCst},
};

use eventlog::{Entry, EventLog, Filter, conformance::whole::everything};
use futures::StreamExt as _;
use test_postgres::Postgres;
use tokio::{sync::watch, task::block_in_place};

use crate::{
    postgres::Place,
    told::{Told, fresh, is_true, send},
};

const KILLS: usize = 5;
const WRITERS: usize = 8;

/// A server that's for one test to break.
pub(crate) async fn own_server() -> Postgres {
    tokio::task::spawn_blocking(Postgres::start).await.unwrap()
}

/// Appends one after the other until the end.
pub(crate) async fn write(log: Arc<dyn EventLog>, has_ended: Arc<AtomicBool>) -> Vec<Told> {
    let mut all = Vec::new();
    while !has_ended.load(SeqCst) {
        all.push(send(log.clone(), fresh(1 + all.len() % 5)).await);
    }
    all
}

/// Follows up to a position that is told last, again and again from where it ended.
pub(crate) async fn follow(log: Arc<dyn EventLog>, mut end: watch::Receiver<u64>) -> Vec<Entry> {
    let mut seen: Vec<Entry> = Vec::new();
    loop {
        let mut pages = log.follow(seen.len() as u64, Filter::default());
        loop {
            if seen.len() as u64 == *end.borrow_and_update() {
                return seen;
            }
            let page = tokio::select! {
                page = pages.next() => page,
                Ok(()) = end.changed() => continue,
            };
            let Some(Ok(page)) = page else { break };
            for entry in page.entries {
                assert_eq!(entry.position, seen.len() as u64 + 1, "an entry is missed, or seen twice");
                seen.push(entry);
            }
            assert_eq!(page.through, seen.len() as u64);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_killed_again_and_again_keeps_what_was_acknowledged() {
    let mut server = own_server().await;
    let place = Place::on(&server).await;
    let logs = [place.open().await, place.open().await];
    let (end_sender, end) = watch::channel(u64::MAX);
    let following: Vec<_> = logs.iter().map(|log| tokio::spawn(follow(log.clone(), end.clone()))).collect();
    let has_ended = Arc::new(AtomicBool::new(false));
    let writing: Vec<_> =
        (0..WRITERS).map(|n| tokio::spawn(write(logs[n % logs.len()].clone(), has_ended.clone()))).collect();
    for _ in 0..KILLS {
        // Until it's well under way again.
        let head = logs[0].head().await.unwrap().position;
        let mut pages = logs[0].follow(head + 50, Filter::default());
        while pages.next().await.unwrap().is_ok_and(|page| page.entries.is_empty()) {}
        block_in_place(|| {
            server.kill();
            server.start_again();
        });
        for log in &logs {
            log.is_reached().wait_for(|is_reached| *is_reached).await.unwrap();
        }
    }
    has_ended.store(true, SeqCst);
    let mut all = Vec::new();
    for writer in writing {
        all.extend(writer.await.unwrap());
    }
    for told in &all {
        assert!(told.is_recorded(), "the database came back soon: {:?}", told.answer);
    }
    is_true(&place, &all).await;

    let entries = everything(&*logs[0]).await;
    end_sender.send_replace(entries.len() as u64);
    for follower in following {
        assert!(follower.await.unwrap() == entries, "followers saw what there is");
    }
    for log in logs {
        log.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_stays_away_is_told_and_waited_for() {
    let mut server = own_server().await;
    let place = Place::on(&server).await;
    let idle = place.open().await;
    // Each has one that appends: what is under way when the server dies is one batch of each.
    let busy = [place.open().await, place.open().await, place.open().await];
    let (end_sender, end) = watch::channel(u64::MAX);
    let following = tokio::spawn(follow(idle.clone(), end));
    let has_ended = Arc::new(AtomicBool::new(false));
    let writing: Vec<_> =
        busy.iter().map(|log| tokio::spawn(write(log.clone(), has_ended.clone()))).collect();
    let mut all = Vec::new();
    for _ in 0..20 {
        all.push(send(idle.clone(), fresh(1)).await);
    }
    block_in_place(|| server.kill());
    has_ended.store(true, SeqCst);
    idle.is_reached().wait_for(|is_reached| !is_reached).await.unwrap();
    let told = send(idle.clone(), fresh(2)).await;
    assert!(told.is_not_recorded(), "it was not even sent: {:?}", told.answer);
    assert!(idle.head().await.is_err(), "the head is not made up");
    all.push(told);
    for writer in writing {
        all.extend(writer.await.unwrap());
    }
    assert!(all.iter().filter(|told| told.is_recorded()).count() > 20, "all wrote before");
    assert!(all.iter().filter(|told| !told.is_recorded()).count() > 1, "some were under way");

    block_in_place(|| server.start_again());
    for log in busy.iter().chain([&idle]) {
        log.is_reached().wait_for(|is_reached| *is_reached).await.unwrap();
    }
    is_true(&place, &all).await;
    let entries = everything(&*idle).await;
    end_sender.send_replace(entries.len() as u64);
    assert!(following.await.unwrap() == entries, "the follower saw what there is");
    for log in busy.into_iter().chain([idle]) {
        log.close().await;
    }
}
