//! Following what other processes append, though the connection that hears of it is lost, or hears nothing.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::Duration,
};

use eventlog::{EventLog as _, Filter, PostgresLog, conformance::whole::everything};
use futures::StreamExt as _;
use sqlx::{ConnectOptions as _, Executor as _, PgConnection};
use test_postgres::{Postgres, Proxy, Role, wait_until};
use tokio::{sync::watch, task::block_in_place};

use crate::{
    away::{follow, write},
    postgres::Place,
    store::options,
    told::{Told, fresh, send},
};

const CUTS: usize = 20;

/// Ends connections that listen to the log of a database. Gives how many there were.
async fn end_listeners(superuser: &mut PgConnection) -> usize {
    let sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
               WHERE datname = current_database() AND query LIKE 'LISTEN%' AND state = 'idle'";
    sqlx::query(sql).fetch_all(superuser).await.unwrap().len()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_misses_nothing_though_its_listener_is_ended_again_and_again() {
    let place = Place::new().await;
    let mut superuser = place.of(Role::Superuser).connect().await.unwrap();
    let (log, other) = (place.open().await, place.open().await);
    let reached = log.is_reached();
    let (end_sender, end) = watch::channel(u64::MAX);
    let following = tokio::spawn(follow(log.clone(), end));
    let has_ended = Arc::new(AtomicBool::new(false));
    let writing: Vec<_> = (0..4).map(|_| tokio::spawn(write(other.clone(), has_ended.clone()))).collect();
    let ending = async {
        let mut ended = 0;
        while ended < CUTS {
            ended += end_listeners(&mut superuser).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), ending).await.expect("they listen again each time");
    has_ended.store(true, SeqCst);
    for writer in writing {
        assert!(writer.await.unwrap().iter().all(Told::is_recorded), "only the listeners were ended");
    }
    let entries = everything(&*other).await;
    end_sender.send_replace(entries.len() as u64);
    assert!(following.await.unwrap() == entries, "the follower saw what there is");
    assert!(!reached.has_changed().unwrap(), "the database was never away");
    log.close().await;
    other.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_is_notified_of_is_found_by_asking() {
    let place = Place::new().await;
    let mut superuser = place.of(Role::Superuser).connect().await.unwrap();
    let sql = "SELECT replace(pg_get_functiondef(oid), 'NOTIFY liem_entry', 'PERFORM 1') FROM pg_proc \
               WHERE oid = 'liem.begin_append'::regproc";
    let silent: String = sqlx::query_scalar(sql).fetch_one(&mut superuser).await.unwrap();
    assert!(silent.contains("PERFORM 1"), "{silent}");
    superuser.execute(sqlx::AssertSqlSafe(silent)).await.unwrap();
    let (log, other) = (place.open().await, place.open().await);
    let mut pages = log.follow(1, Filter::default());
    for n in 0..3 {
        let told = send(other.clone(), fresh(2)).await;
        let mut seen = Vec::new();
        while seen.len() < 2 {
            seen.extend(pages.next().await.unwrap().unwrap().entries);
        }
        let first = told.answer.unwrap().first_position;
        assert_eq!(seen.iter().map(|entry| entry.position).collect::<Vec<_>>(), [first, first + 1], "{n}");
    }
    // Nor does one write on a log that it believes to be shorter.
    for log in [&log, &other, &log, &other] {
        assert!(send(log.clone(), fresh(1)).await.is_recorded());
    }
    everything(&*log).await;
    log.close().await;
    other.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_that_was_cut_off_sees_what_others_appended_meanwhile() {
    let place = Place::new().await;
    let proxy = Proxy::to(Postgres::shared().address());
    let over = place.0.url_at(Role::Service, proxy.address()).parse().unwrap();
    let log = PostgresLog::open(&over, options()).await.unwrap();
    let other = place.open().await;
    let (end_sender, end) = watch::channel(u64::MAX);
    let following = tokio::spawn(follow(log.clone(), end));
    for _ in 0..4 {
        send(other.clone(), fresh(1)).await;
        proxy.cut();
        for _ in 0..10 {
            send(other.clone(), fresh(3)).await;
        }
        proxy.mend();
        send(other.clone(), fresh(1)).await;
    }
    // Here the server knows only of a listener that hears nothing more.
    proxy.hold_answers();
    for _ in 0..10 {
        send(other.clone(), fresh(3)).await;
    }
    block_in_place(|| {
        proxy.cut();
        proxy.mend();
        wait_until("it's reached again", || *log.is_reached().borrow());
    });
    let entries = everything(&*other).await;
    end_sender.send_replace(entries.len() as u64);
    assert!(following.await.unwrap() == entries, "the follower saw what there is");
    log.close().await;
    other.close().await;
}
