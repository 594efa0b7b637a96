//! A standby that commits wait for, by `synchronous_standby_names`: whatever happens to the primary, what was
//! acknowledged is on the standby.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering::SeqCst},
};

use eventlog::{OpenError, PostgresLog};
use sqlx::ConnectOptions as _;
use test_postgres::{Postgres, Role};
use tokio::task::{JoinHandle, block_in_place};

use crate::{
    away::{own_server, write},
    postgres::Place,
    store::options,
    told::{Told, fresh, is_true, positions, send},
};

/// Processes, each with one that appends: what waits when the primary dies is one batch of each.
const LEDGERS: usize = 4;

/// A server with a standby that its commits wait for.
async fn pair() -> (Postgres, Postgres) {
    let primary = own_server().await;
    block_in_place(|| {
        let standby = primary.standby();
        primary.wait_for(&standby);
        (primary, standby)
    })
}

/// Waits until an append that is not answered waits for the standby.
async fn until_it_waits(place: &Place, sending: &JoinHandle<Told>) {
    let mut superuser = place.of(Role::Superuser).connect().await.unwrap();
    let sql = "SELECT EXISTS (SELECT FROM pg_stat_activity \
               WHERE application_name = 'liem writer' AND wait_event = 'SyncRep')";
    while !sqlx::query_scalar::<_, bool>(sql).fetch_one(&mut superuser).await.unwrap() {
        assert!(!sending.is_finished(), "it was answered before the standby had it");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_promoted_standby_has_everything_that_was_acknowledged() {
    let (mut primary, mut standby) = pair().await;
    let place = Place::on(&primary).await;
    let promoted = Place(place.0.on(&standby));
    let refused = PostgresLog::open(&promoted.of(Role::Service), options()).await.err();
    assert!(matches!(refused, Some(OpenError::Database { .. })), "a standby takes nothing: {refused:?}");

    let has_ended = Arc::new(AtomicBool::new(false));
    let mut logs = Vec::new();
    for _ in 0..LEDGERS {
        logs.push(place.open().await);
    }
    let writing: Vec<_> =
        logs.iter().map(|log| tokio::spawn(write(log.clone(), has_ended.clone()))).collect();
    let mut all = Vec::new();
    for _ in 0..50 {
        all.push(send(logs[0].clone(), fresh(2)).await);
    }
    block_in_place(|| primary.kill());
    has_ended.store(true, SeqCst);
    block_in_place(|| standby.promote());
    for writer in writing {
        all.extend(writer.await.unwrap());
    }
    let acknowledged = all.iter().filter(|told| told.is_recorded()).count();
    assert!(acknowledged > 50 && acknowledged < all.len(), "{acknowledged} of {}", all.len());

    is_true(&promoted, &all).await;
    let log = promoted.open().await;
    all.push(send(log.clone(), fresh(1)).await);
    assert!(all.last().is_some_and(Told::is_recorded));
    log.close().await;
    for log in logs {
        log.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_primary_recovered_is_acknowledged_only_once_the_standby_has_it() {
    let (mut primary, mut standby) = pair().await;
    let place = Place::on(&primary).await;
    let (log, beside) = (place.open().await, place.open().await);
    block_in_place(|| standby.kill());
    let append = fresh(2);
    let sending = tokio::spawn(send(log.clone(), append.clone()));
    until_it_waits(&place, &sending).await;
    // Others may read for as long as it takes, and don't see it.
    for _ in 0..100 {
        assert!(positions(&*beside, &append).await.is_empty(), "it's not acknowledged yet");
    }

    // The crash ends the wait, and the entry is there: but the standby doesn't have it.
    block_in_place(|| {
        primary.kill();
        primary.start_again();
    });
    until_it_waits(&place, &sending).await;
    block_in_place(|| standby.start_again());
    let told = sending.await.unwrap();
    assert!(told.is_recorded(), "{:?}", told.answer);

    // It holds what it said.
    block_in_place(|| {
        primary.kill();
        standby.promote();
    });
    is_true(&Place(place.0.on(&standby)), &[told]).await;
    log.close().await;
    beside.close().await;
}
