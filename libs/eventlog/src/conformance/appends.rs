//! Appending: positions, revisions, what is refused.

use futures::future::join_all;

use super::{
    Rig,
    sample::{append, case, step, steps},
    whole::{everything, header},
};
use crate::{AppendError, Expected, MAX_ENTRY_BYTES, MAX_EVENTS, NewEvent, StreamName};

pub(super) async fn positions_are_gapless_under_64_appenders(rig: &mut dyn Rig) {
    let log = rig.log("delivery");
    let appenders = (0..64).map(|n| {
        let log = log.clone();
        tokio::spawn(async move {
            let mut answers = Vec::new();
            for round in 0..6 {
                let events = steps(1 + (n + round) % 3);
                let append = append(&case(&format!("shared-{}", (n + round) % 16)), Expected::Any, events);
                let (id, count) = (append.id, append.events.len() as u64);
                answers.push((id, count, log.append(append).await.expect("nothing speaks against it")));
            }
            answers
        })
    });
    let mut answers = Vec::new();
    for appender in join_all(appenders).await {
        answers.extend(appender.expect("no appender panics"));
    }

    let entries = everything(&*log).await;
    answers.sort_by_key(|(_, _, appended)| appended.first_position);
    let mut next = 2; // Entry 1 opened the log.
    for (id, count, appended) in answers {
        assert_eq!(appended.first_position, next, "answers leave no gap and don't overlap");
        assert_eq!(appended.last_position, next + count - 1, "an append's positions are contiguous");
        assert!(!appended.repeated);
        next = appended.last_position + 1;
        let recorded = &entries[usize::try_from(appended.first_position).expect("small") - 1..]
            [..usize::try_from(count).expect("small")];
        assert!(
            recorded.iter().all(|entry| header(entry).append_id == id),
            "the answer names the append's entries"
        );
        let last = recorded.last().expect("an append has events");
        assert_eq!(header(last).revision, appended.last_revision);
    }
    assert_eq!(next, entries.len() as u64 + 1, "nothing else was recorded");
}

pub(super) async fn the_expected_revision_decides(rig: &mut dyn Rig) {
    let log = rig.log("delivery");
    let try_one = async |stream: &StreamName, expected| {
        let answer = log.append(append(stream, expected, steps(1))).await;
        match answer {
            Ok(appended) => Ok(appended.last_revision),
            Err(AppendError::Conflict { stream: named, expected: wanted, actual }) => {
                assert_eq!(
                    (named.as_str(), wanted),
                    (stream.as_str(), expected),
                    "a conflict says about what"
                );
                Err(actual)
            }
            Err(other) => panic!("neither taken nor a conflict: {other}"),
        }
    };
    let (a, b, c, d) = (case("a"), case("b"), case("c"), case("d"));
    assert_eq!(try_one(&a, Expected::NoStream).await, Ok(1));
    assert_eq!(try_one(&a, Expected::NoStream).await, Err(1), "there is a stream now");
    assert_eq!(try_one(&a, Expected::Exact(1)).await, Ok(2));
    assert_eq!(try_one(&a, Expected::Exact(1)).await, Err(2), "the stream moved on");
    assert_eq!(try_one(&a, Expected::Exact(3)).await, Err(2), "the stream isn't there yet");
    assert_eq!(try_one(&a, Expected::Any).await, Ok(3));
    assert_eq!(try_one(&b, Expected::Any).await, Ok(1), "any includes none");
    assert_eq!(try_one(&c, Expected::Exact(5)).await, Err(0), "no stream is revision 0");
    assert_eq!(try_one(&c, Expected::Exact(0)).await, Ok(1), "revision 0 is no stream");
    // Names that begin alike, and differ only in case or a slash, are different streams.
    for key in ["aa", "A", "a/b", "a "] {
        assert_eq!(try_one(&case(key), Expected::NoStream).await, Ok(1), "`{key}`");
    }
    // A restart forgets nothing of this.
    rig.reopen().await;
    let log = rig.log("delivery");
    let conflict = log.append(append(&a, Expected::NoStream, steps(1))).await;
    assert!(matches!(conflict, Err(AppendError::Conflict { actual: 3, .. })), "{conflict:?}");
    let appended = log.append(append(&d, Expected::NoStream, steps(1))).await.expect("a new stream");
    assert_eq!(appended.last_revision, 1);
}

pub(super) async fn a_conflict_fails_alone(rig: &mut dyn Rig) {
    let log = rig.log("delivery");
    let contested = case("contested");
    // All in flight at once, so that they share commits: 32 want to be the first of one stream, and each
    // has a neighbour that wants nothing but its own.
    let rivals = join_all((0..32).map(|_| log.append(append(&contested, Expected::NoStream, steps(2)))));
    let neighbours = join_all((0..32).map(|n| {
        let log = log.clone();
        async move { log.append(append(&case(&format!("own-{n}")), Expected::NoStream, steps(1))).await }
    }));
    let (rivals, neighbours) = tokio::join!(rivals, neighbours);

    assert_eq!(rivals.iter().filter(|answer| answer.is_ok()).count(), 1, "one is the first");
    for answer in rivals.iter().filter(|answer| answer.is_err()) {
        assert!(matches!(answer, Err(AppendError::Conflict { actual: 2, .. })), "{answer:?}");
    }
    for answer in neighbours {
        assert_eq!(answer.expect("a neighbour's conflict is not one's own").last_revision, 1);
    }
    assert_eq!(log.head().await.expect("the head").position, 1 + 2 + 32);
}

pub(super) async fn several_events_are_one_append(rig: &mut dyn Rig) {
    let log = rig.log("delivery");
    let stream = case("many");
    log.append(append(&stream, Expected::NoStream, steps(2))).await.expect("a new stream");
    let all = append(&stream, Expected::Exact(2), steps(MAX_EVENTS));
    let appended = log.append(all.clone()).await.expect("as many as are allowed");
    assert_eq!(appended.first_position, 4);
    assert_eq!(appended.last_position, 3 + MAX_EVENTS as u64);
    assert_eq!(appended.last_revision, 2 + MAX_EVENTS as u64);
    let recorded = log.find_append(all.id).await.expect("readable");
    assert_eq!(recorded.len(), MAX_EVENTS);
    for (entry, k) in recorded.iter().zip(0_u32..) {
        let header = header(entry);
        assert_eq!((header.k, header.position, header.revision), (k, 4 + u64::from(k), 3 + u64::from(k)));
    }

    for count in [0, MAX_EVENTS + 1] {
        let refused = append(&stream, Expected::Any, steps(count));
        let answer = log.append(refused.clone()).await;
        assert!(matches!(answer, Err(AppendError::EventCount { count: c }) if c == count), "{answer:?}");
        assert_eq!(log.find_append(refused.id).await.expect("readable"), []);
    }
    assert_eq!(log.head().await.expect("the head").position, appended.last_position);
}

pub(super) async fn an_oversized_entry_records_nothing(rig: &mut dyn Rig) {
    let log = rig.log("delivery");
    let stream = case("large");
    // Without subjects, so that a character more is a byte more.
    let long = |length| NewEvent { subjects: Vec::new(), ..step(&"x".repeat(length)) };
    let head = log.head().await.expect("the head");

    let mut refused = append(&stream, Expected::NoStream, vec![step("T01"), long(70_000), step("T03")]);
    let answer = log.append(refused.clone()).await;
    let Err(AppendError::EntryTooLarge { k: 1, size }) = answer else { panic!("{answer:?}") };
    assert_eq!(log.head().await.expect("the head"), head, "nothing was recorded");
    assert_eq!(log.read_stream(&stream, 0, 10).await.expect("readable"), []);
    assert_eq!(log.find_append(refused.id).await.expect("readable"), []);

    // What was refused left nothing behind: the same id is good for what fits, and the limit is exact.
    let overhead = size - 70_000;
    refused.events[1] = long(MAX_ENTRY_BYTES - overhead);
    let appended = log.append(refused.clone()).await.expect("a full entry fits");
    assert_eq!((appended.last_revision, appended.repeated), (3, false));
    let recorded = log.find_append(refused.id).await.expect("readable");
    assert_eq!(recorded[1].bytes.len(), MAX_ENTRY_BYTES);
    let over = append(&stream, Expected::Any, vec![step("T04"), long(MAX_ENTRY_BYTES - overhead + 1)]);
    let answer = log.append(over).await;
    let Err(AppendError::EntryTooLarge { k: 1, size }) = answer else { panic!("{answer:?}") };
    assert_eq!(size, MAX_ENTRY_BYTES + 1);
}

pub(super) async fn an_append_of_many_megabytes_is_taken(rig: &mut dyn Rig) {
    let log = rig.log("delivery");
    let stream = case("megabytes");
    // 250 events of 60 kB, since a step is also a subject: well past what a gRPC server takes unless told otherwise.
    let events = (0..250).map(|_| step(&"y".repeat(30_000))).collect();
    let appended = log.append(append(&stream, Expected::NoStream, events)).await.expect("it is taken");
    assert_eq!(appended.last_revision, 250);
    let read = log.read_stream(&stream, 0, 1_000).await.expect("readable");
    assert_eq!(read.len(), 250);
}

pub(super) async fn what_is_acknowledged_is_read_at_once(rig: &mut dyn Rig) {
    let log = rig.log("delivery");
    let writers = (0..8).map(|n| {
        let log = log.clone();
        tokio::spawn(async move {
            let stream = case(&format!("own-{n}"));
            for revision in 0..10 {
                let next = append(&stream, Expected::Exact(revision), steps(1));
                let id = next.id;
                let appended = log.append(next).await.expect("nobody else writes here");
                let position = appended.last_position;
                assert!(log.head().await.expect("the head").position >= position);
                let at = log.read_at(&[position]).await.expect("it's there");
                assert_eq!(log.find_append(id).await.expect("readable"), at);
                assert_eq!(log.read_stream(&stream, revision, 10).await.expect("readable"), at);
            }
        })
    });
    for writer in join_all(writers).await {
        writer.expect("every writer reads what it wrote");
    }
}
