//! The matrix of what a caller can miss: its append was lost, or saved but reported lost. It can't tell
//! which; sending the same id again is right in both.

use std::{pin::pin, task::Poll, time::Duration};

use futures::{StreamExt as _, future::poll_fn};

use super::{
    Rig,
    sample::{append, case, steps},
    whole::header,
};
use crate::{Append, Appended, EventLog, Expected, Filter};

pub(super) async fn an_append_given_up_half_way_is_recorded_once(rig: &mut dyn Rig) {
    let log = rig.log("delivery");
    for round in 0..5 {
        // From never polled (nothing was sent) to polled until it's answered.
        for polls in 0..6 {
            let one = append(&case(&format!("polled-{polls}-{round}")), Expected::NoStream, steps(2));
            poll_times(log.append(one.clone()), polls).await;
            recorded_once(&*log, one).await;
        }

        let one = append(&case(&format!("timed-out-{round}")), Expected::NoStream, steps(2));
        drop(tokio::time::timeout(Duration::ZERO, log.append(one.clone())).await);
        recorded_once(&*log, one).await;

        let one = append(&case(&format!("aborted-{round}")), Expected::NoStream, steps(2));
        let (caller, sent) = (log.clone(), one.clone());
        let task = tokio::spawn(async move { caller.append(sent).await });
        tokio::task::yield_now().await;
        task.abort();
        recorded_once(&*log, one).await;
    }
    // One to open the log, then eight appends of two events a round.
    assert_eq!(log.head().await.expect("the head").position, 1 + 5 * 8 * 2);
}

pub(super) async fn saved_but_reported_lost_is_found_again(rig: &mut dyn Rig) {
    let log = rig.log("delivery");
    let mut after = log.head().await.expect("the head").position;
    for round in 0..5 {
        let one = append(&case(&format!("saved-{round}")), Expected::NoStream, steps(2));
        let mut followed = log.follow(after, Filter::default());
        // The caller goes away the moment its entries are in the log, whether it was answered or not.
        let seen = async {
            loop {
                let page = followed.next().await.expect("a follower goes on").expect("a page");
                if let Some(last) = page.entries.last() {
                    return last.position;
                }
            }
        };
        let mut appending = pin!(log.append(one.clone()));
        let mut seen = pin!(seen);
        let mut answered = false;
        let last_position = poll_fn(|cx| {
            if let Poll::Ready(position) = seen.as_mut().poll(cx) {
                return Poll::Ready(position);
            }
            if !answered {
                answered = appending.as_mut().poll(cx).is_ready();
            }
            Poll::Pending
        })
        .await;
        let retry = log.append(one.clone()).await.expect("it's known");
        let first_position = after + 1;
        let expected = Appended { first_position, last_position, last_revision: 2, repeated: true };
        assert_eq!(retry, expected, "saved is saved");
        recorded_once(&*log, one).await;
        after = last_position;
    }
}

/// Sends an append again, and again after a restart of the caller: it's in the log once, whole.
async fn recorded_once(log: &dyn EventLog, append: Append) {
    let (id, stream) = (append.id, append.stream.clone());
    let count = append.events.len();
    let answer = log.append(append.clone()).await.expect("a retry gets an answer");
    let again = log.append(append).await.expect("a second retry too");
    assert_eq!(again, Appended { repeated: true, ..answer });
    let entries = log.find_append(id).await.expect("readable");
    let positions: Vec<u64> = entries.iter().map(|e| e.position).collect();
    assert_eq!(positions, (answer.first_position..=answer.last_position).collect::<Vec<_>>());
    assert_eq!(entries.len(), count);
    assert_eq!(log.read_stream(&stream, 0, 100).await.expect("readable"), entries, "once, and nothing else");
    assert_eq!(header(&entries[count - 1]).revision, answer.last_revision);
}

/// Polls a future a number of times at most, then drops it: its caller has gone.
async fn poll_times<F: Future>(future: F, times: usize) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut left = times;
    poll_fn(|cx| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        match future.as_mut().poll(cx) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending if left == 0 => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}
