//! Following: catch up, go live, see every entry once and in order.

use std::{sync::Arc, time::Duration};

use futures::{StreamExt as _, stream::BoxStream};

use super::{
    Rig,
    sample::{accepted, append, case, steps},
    whole::everything,
};
use crate::{Entry, EventLog, Expected, FOLLOW_PAGE, Filter, HEARTBEAT_SECONDS, Page, ReadError};

/// A follower that holds each page to the contract.
struct Followed {
    pages: BoxStream<'static, Result<Page, ReadError>>,
    through: u64,
    entries: Vec<Entry>,
}

impl Followed {
    fn start(log: &dyn EventLog, after: u64, filter: Filter) -> Self {
        Self { pages: log.follow(after, filter), through: after, entries: Vec::new() }
    }

    async fn page(&mut self) -> Page {
        let page = self.pages.next().await.expect("a follower goes on").expect("a page");
        assert!(page.entries.len() <= FOLLOW_PAGE);
        assert!(page.entries.is_sorted_by(|a, b| a.position < b.position), "in order, each once");
        let stretch = self.through + 1..=page.through;
        assert!(page.entries.iter().all(|e| stretch.contains(&e.position)), "every entry is new");
        assert!(page.through >= self.through, "a follower doesn't go back");
        self.through = page.through;
        self.entries.extend(page.entries.iter().cloned());
        page
    }

    /// Follows up to a position.
    async fn until(&mut self, position: u64) {
        while self.through < position {
            self.page().await;
        }
    }
}

async fn record(log: &dyn EventLog, key: &str, count: usize) -> u64 {
    log.append(append(&case(key), Expected::Any, steps(count))).await.expect("taken").last_position
}

pub(super) async fn a_follower_catches_up_and_goes_live(rig: &mut dyn Rig) {
    let log = rig.log("delivery");
    for n in 0..3 {
        record(&*log, &format!("before-{n}"), 1_000).await;
    }
    let mut from_start = Followed::start(&*log, 0, Filter::default());
    let mut from_middle = Followed::start(&*log, 1_500, Filter::default());
    from_start.until(3_001).await;
    from_middle.until(3_001).await;
    for n in 0..20 {
        let head = record(&*log, "live", 1 + n % 3).await;
        from_start.until(head).await;
        from_middle.until(head).await;
    }
    let entries = everything(&*log).await;
    assert_eq!(from_start.entries, entries);
    assert_eq!(from_middle.entries, entries[1_500..]);
    // Who follows again after the last page's position goes on where it was.
    let head = log.head().await.expect("the head").position;
    let mut again = Followed::start(&*log, from_start.through, Filter::default());
    let next = record(&*log, "live", 2).await;
    again.until(next).await;
    assert_eq!(again.entries.iter().map(|e| e.position).collect::<Vec<_>>(), [head + 1, head + 2]);
}

pub(super) async fn followers_see_every_entry_once_while_others_append(rig: &mut dyn Rig) {
    let log = rig.log("delivery");
    let writers: Vec<_> = (0..8)
        .map(|n| {
            let log = log.clone();
            tokio::spawn(async move {
                for round in 0..25 {
                    record(&*log, &format!("writer-{n}"), 1 + round % 4).await;
                }
            })
        })
        .collect();
    // Each starts at another moment of the writing, from another position, and must not miss the switch
    // from catching up to live.
    let mut followers = Vec::new();
    for n in 0..6 {
        let head = log.head().await.expect("the head").position;
        let after = if n % 2 == 0 { head / 2 } else { head };
        followers.push(tokio::spawn(follow_to(log.clone(), after)));
        record(&*log, "starter", 2).await;
    }
    for writer in writers {
        writer.await.expect("every writer ends");
    }
    record(&*log, LAST, 1).await;
    let entries = everything(&*log).await;
    for follower in followers {
        let (after, seen) = follower.await.expect("every follower ends");
        assert_eq!(seen, entries[usize::try_from(after).expect("small")..], "from {after}");
    }
}

/// The stream whose first event ends the followers.
const LAST: &str = "the-last";

async fn follow_to(log: Arc<dyn EventLog>, after: u64) -> (u64, Vec<Entry>) {
    let mut followed = Followed::start(&*log, after, Filter::default());
    let is_last = |e: &Entry| super::whole::header(e).key() == LAST;
    loop {
        if followed.page().await.entries.last().is_some_and(is_last) {
            return (after, followed.entries);
        }
    }
}

pub(super) async fn a_filtered_follower_passes_over_the_rest(rig: &mut dyn Rig) {
    let log = rig.log("delivery");
    record(&*log, "before", 1_000).await;
    log.append(append(&case("before"), Expected::Any, vec![accepted()])).await.expect("taken");
    record(&*log, "before", 1_000).await;
    let filter = Filter { types: vec!["delivery.CaseAccepted.v1".into()], categories: Vec::new() };
    let mut followed = Followed::start(&*log, 0, filter);
    let none = Filter { types: Vec::new(), categories: vec!["directory.agency".into()] };
    let mut idle = Followed::start(&*log, 0, none);
    for n in 0..10 {
        let head = if n % 3 == 0 {
            let both = append(&case("live"), Expected::Any, vec![accepted(), accepted()]);
            log.append(both).await.expect("taken").last_position
        } else {
            record(&*log, "live", 2).await
        };
        // Also where nothing matches, it's told how far the log was read.
        followed.until(head).await;
        idle.until(head).await;
    }
    let entries = everything(&*log).await;
    let wanted = |e: &&Entry| super::whole::header(e).event_type == "delivery.CaseAccepted.v1";
    assert_eq!(followed.entries, entries.iter().filter(wanted).cloned().collect::<Vec<_>>());
    assert_eq!(followed.entries.len(), 1 + 4 * 2);
    assert_eq!(idle.entries, []);
}

pub(super) async fn a_silent_log_sends_heartbeats(rig: &mut dyn Rig) {
    let log = rig.log("delivery");
    let head = record(&*log, "only", 2).await;
    let mut at_head = Followed::start(&*log, head, Filter::default());
    // A follower of a log that was longer once (a backup was restored) is told at once.
    let mut past_head = Followed::start(&*log, head + 5, Filter::default());
    let empty = |through, head| Page { entries: Vec::new(), through, head, ended: true };
    let told = tokio::time::timeout(Duration::from_secs(HEARTBEAT_SECONDS) / 2, past_head.page()).await;
    let told = told.expect("it doesn't wait for a heartbeat");
    assert_eq!(told, empty(head + 5, head), "the head is where the log ends, not where the follower is");

    let patience = Duration::from_secs(2 * HEARTBEAT_SECONDS);
    let beats = async { tokio::join!(at_head.page(), past_head.page()) };
    let beats = tokio::time::timeout(patience, beats).await.expect("heartbeats in time");
    assert_eq!(beats, (empty(head, head), empty(head + 5, head)));
}
