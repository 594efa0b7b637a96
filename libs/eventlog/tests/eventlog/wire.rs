//! What becomes of appends when the wire to the database fails: what callers are told is true, the log is unharmed,
//! and everything is recorded once.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering::SeqCst},
};

use eventlog::PostgresLog;
use futures::future::join_all;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Executor as _, postgres::PgConnectOptions};
use test_postgres::{Postgres, Proxy, Role, Side, wait_until};

use crate::{
    postgres::Place,
    store::options,
    told::{Told, fresh, is_true, positions, send, until_recorded},
};

/// A log that is reached over a wire that can fail, and how to go round it.
struct Wired {
    place: Place,
    proxy: Proxy,
    log: Arc<PostgresLog>,
}

impl Wired {
    async fn new() -> Self {
        let place = Place::new().await;
        let proxy = Proxy::to(Postgres::shared().address());
        let over: PgConnectOptions = place.0.url_at(Role::Service, proxy.address()).parse().unwrap();
        let log = PostgresLog::open(&over, options()).await.unwrap();
        Self { place, proxy, log }
    }

    async fn close(self, all: &[Told]) {
        self.proxy.mend();
        is_true(&self.place, all).await;
        self.log.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_is_cut_off_half_way_is_recorded_once_and_whole() {
    let wired = Wired::new().await;
    let mut all = Vec::new();
    // From the first byte to the last of about 400 KiB.
    for bytes in [0, 1, 5, 100, 1_000, 20_000, 100_000, 200_000, 300_000, 350_000] {
        wired.proxy.cut_after(Side::Client, bytes);
        let sending = (0..4).map(|_| tokio::spawn(send(wired.log.clone(), fresh(100))));
        let sending = join_all(sending.collect::<Vec<_>>());
        let proxy = &wired.proxy;
        tokio::task::block_in_place(|| wait_until("the wire is cut", || proxy.is_cut()));
        proxy.mend();
        for told in sending.await {
            let told = told.unwrap();
            assert!(told.is_recorded(), "the wire was mended soon: {:?}", told.answer);
            all.push(told);
        }
    }
    wired.close(&all).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_append_whose_answer_is_lost_is_answered_as_it_was_recorded() {
    // Also where others go on meanwhile.
    for others in 0..3 {
        let wired = Wired::new().await;
        let beside = wired.place.open().await;
        let mut all = Vec::new();
        wired.proxy.hold_answers();
        let append = fresh(2);
        let sending = tokio::spawn(send(wired.log.clone(), append.clone()));
        let recorded = until_recorded(&*beside, &append).await;
        for _ in 0..others {
            all.push(send(beside.clone(), fresh(1)).await);
        }
        wired.proxy.cut();
        wired.proxy.mend();
        let told = sending.await.unwrap();
        assert_eq!(told.answer.as_ref().unwrap().first_position, recorded[0]);
        all.push(told);
        for log in [&wired.log, &beside, &wired.log] {
            all.push(send(log.clone(), fresh(1)).await);
        }
        assert!(all.iter().all(Told::is_recorded));
        beside.close().await;
        wired.close(&all).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wire_cut_at_every_place_of_the_answers_changes_nothing() {
    let wired = Wired::new().await;
    let mut all = Vec::new();
    for n in 0..30 {
        // The answer to a batch has some tens of bytes; those to a new connection some hundreds.
        wired.proxy.cut_after(Side::Server, n * n);
        while !wired.proxy.is_cut() {
            let sending = tokio::spawn(send(wired.log.clone(), fresh(1 + n % 3)));
            let proxy = &wired.proxy;
            tokio::task::block_in_place(|| {
                wait_until("it's answered or cut", || sending.is_finished() || proxy.is_cut());
            });
            if proxy.is_cut() {
                proxy.mend();
                all.push(sending.await.unwrap());
                break;
            }
            all.push(sending.await.unwrap());
        }
        wired.proxy.mend();
    }
    assert!(all.iter().all(Told::is_recorded), "the wire was mended soon");
    wired.close(&all).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wire_that_stays_cut_is_told_as_it_is() {
    // One finds the wire cut, one is cut off half way, one after it was recorded.
    let (before, within, after) = tokio::join!(
        async {
            let wired = Wired::new().await;
            wired.proxy.cut();
            wired.log.is_reached().wait_for(|is_reached| !is_reached).await.unwrap();
            let told = send(wired.log.clone(), fresh(2)).await;
            assert!(told.is_not_recorded(), "nothing was sent: {:?}", told.answer);
            (wired, told)
        },
        async {
            let wired = Wired::new().await;
            wired.proxy.cut_after(Side::Client, 50_000);
            let told = send(wired.log.clone(), fresh(100)).await;
            assert!(told.is_unknown(), "it was sent, at least in part: {:?}", told.answer);
            assert!(positions(&*wired.place.open().await, &told.append).await.is_empty());
            (wired, told)
        },
        async {
            let wired = Wired::new().await;
            let beside = wired.place.open().await;
            wired.proxy.hold_answers();
            let append = fresh(2);
            let sending = tokio::spawn(send(wired.log.clone(), append.clone()));
            until_recorded(&*beside, &append).await;
            wired.proxy.cut();
            let told = sending.await.unwrap();
            assert!(told.is_unknown(), "nobody here can know: {:?}", told.answer);
            (wired, told)
        },
    );
    for (wired, told) in [before, within, after] {
        wired.proxy.mend();
        // It goes on as soon as it's mended.
        let next = send(wired.log.clone(), fresh(1)).await;
        assert!(next.is_recorded(), "{:?}", next.answer);
        wired.close(&[told, next]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_sent_is_unknown_though_a_later_try_is_refused() {
    let wired = Wired::new().await;
    let beside = wired.place.open().await;
    let mut superuser = wired.place.of(Role::Superuser).connect().await.unwrap();
    wired.proxy.hold_answers();
    let append = fresh(2);
    let sending = tokio::spawn(send(wired.log.clone(), append.clone()));
    until_recorded(&*beside, &append).await;
    beside.close().await;
    let right = "EXECUTE ON FUNCTION liem.lock()";
    superuser.execute(AssertSqlSafe(format!("REVOKE {right} FROM liem_service"))).await.unwrap();
    wired.proxy.cut();
    wired.proxy.mend();
    let told = sending.await.unwrap();
    assert!(told.is_unknown(), "it's recorded, but can't be asked for: {:?}", told.answer);
    superuser.execute(AssertSqlSafe(format!("GRANT {right} TO liem_service"))).await.unwrap();
    wired.close(&[told]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_under_a_wire_that_is_cut_again_and_again_takes_everything_once() {
    let wired = Wired::new().await;
    let has_ended = Arc::new(AtomicBool::new(false));
    let writing: Vec<_> = (0..8)
        .map(|_| {
            let (log, has_ended) = (wired.log.clone(), has_ended.clone());
            tokio::spawn(async move {
                let mut all = Vec::new();
                while !has_ended.load(SeqCst) {
                    all.push(send(log.clone(), fresh(1 + all.len() % 40)).await);
                }
                all
            })
        })
        .collect();
    let proxy = &wired.proxy;
    tokio::task::block_in_place(|| {
        for n in 1..40_usize {
            let side = if n % 2 == 0 { Side::Client } else { Side::Server };
            proxy.cut_after(side, (n * 7_919) % if n % 2 == 0 { 200_000 } else { 3_000 });
            wait_until("the wire is cut", || proxy.is_cut());
            proxy.mend();
        }
    });
    has_ended.store(true, SeqCst);
    let mut all = Vec::new();
    for writer in writing {
        all.extend(writer.await.unwrap());
    }
    assert!(all.iter().all(Told::is_recorded), "the wire was mended soon each time");
    wired.close(&all).await;
}
