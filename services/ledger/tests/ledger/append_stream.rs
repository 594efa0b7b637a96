//! Many appends on one call: in order, each answered on its own, bounded, and nothing lost where the call ends.

use std::time::Duration;

use eventlog::{
    Append, AppendError, Appended, EventLog as _, Expected, Pending, append_to_proto,
    conformance::{
        sample::{append, case, steps},
        whole::everything,
    },
    refusal_from_status,
};
use futures::{StreamExt as _, future::join_all};
use proto::ledger::{self as pb, append_stream_response::Outcome};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Streaming, transport::Endpoint};
use uuid::Uuid;

use crate::{
    relay::{Relay, Wire},
    rpcs::append_request,
    running::{Client, Ledger, channel},
};

fn request(append: &Append) -> pb::AppendStreamRequest {
    pb::AppendStreamRequest { append: Some(append_to_proto(append)) }
}

/// Appends to one stream, of which each goes on where the one before ended.
fn chain(key: &str, count: u64) -> Vec<Append> {
    (0..count).map(|revision| append(&case(key), Expected::Exact(revision), steps(1))).collect()
}

/// A call, and where its requests go in.
async fn open(
    client: &mut Client,
) -> (mpsc::Sender<pb::AppendStreamRequest>, Streaming<pb::AppendStreamResponse>) {
    let (sender, receiver) = mpsc::channel(16);
    let answers = client.append_stream(ReceiverStream::new(receiver)).await.unwrap().into_inner();
    (sender, answers)
}

/// The answer within a time in which every answer comes.
async fn next(answers: &mut Streaming<pb::AppendStreamResponse>) -> Option<pb::AppendStreamResponse> {
    let next = tokio::time::timeout(Duration::from_mins(1), answers.message());
    next.await.expect("an answer comes").unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_is_answered_in_order_as_a_call_of_its_own_would_be() {
    let ledger = Ledger::start().await;
    let mut unary = ledger.client_of("delivery");
    let known = append_request();
    let first = unary.append_events(known.clone()).await.unwrap().into_inner();
    let spoilt = |spoil: fn(&mut pb::AppendEventsRequest)| {
        let mut request = append_request();
        spoil(&mut request);
        request
    };
    // Each has a good one before and after it.
    let odd = [
        known.clone(),
        pb::AppendEventsRequest { command_digest: vec![8; 32].into(), ..known },
        spoilt(|r| r.expected = append_to_proto(&chain("none", 6)[5]).expected),
        spoilt(|r| r.stream = "directory.agency/H57".into()),
        spoilt(|r| r.stream = "delivery.case".into()),
        spoilt(|r| r.request_id = "one".into()),
        spoilt(|r| r.events.clear()),
        spoilt(|r| r.events[0].data = format!("\"{}\"", "x".repeat(65_536)).into()),
        spoilt(|r| r.events[0].data = "{".into()),
        pb::AppendEventsRequest::default(),
    ];
    let chain = chain("H57.18-261124-0002", odd.len() as u64);
    let (sender, mut answers) = open(&mut ledger.client_of("delivery")).await;
    let sending = odd.clone().into_iter().zip(chain.clone());
    tokio::spawn(async move {
        for (odd, good) in sending {
            let odd = pb::AppendStreamRequest { append: Some(odd) };
            sender.send(odd).await.unwrap();
            sender.send(request(&good)).await.unwrap();
        }
    });

    for (position, (odd, good)) in (3..).zip(odd.iter().zip(&chain)) {
        let answer = next(&mut answers).await.unwrap();
        assert_eq!(answer.request_id, odd.request_id);
        let expected = match unary.append_events(odd.clone()).await {
            Ok(_) => Outcome::Recorded(pb::AppendEventsResponse { repeated: true, ..first }),
            Err(status) => Outcome::Refused(refusal_from_status(&status)),
        };
        assert_eq!(answer.outcome, Some(expected), "{odd:?}");

        let answer = next(&mut answers).await.unwrap();
        assert_eq!(answer.request_id, good.id.to_string());
        let Some(Outcome::Recorded(recorded)) = answer.outcome else { panic!("{answer:?}") };
        assert_eq!((recorded.first_position, recorded.last_revision), (position, position - 2));
    }
    assert_eq!(next(&mut answers).await, None, "all are answered, and the call ends well");
    // An answer is what the figures of a conflict come in, too.
    let status = unary.append_events(odd[2].clone()).await.unwrap_err();
    let refusal = refusal_from_status(&status);
    assert_eq!((refusal.code, refusal.reason.as_str()), (Code::Aborted.into(), "REVISION_CONFLICT"));
    assert_eq!(refusal.figures["liem-actual-revision"], "1");
}

/// Submits one after the other, without waiting for answers.
async fn submit(log: &impl eventlog::EventLog, appends: &[Append]) -> Vec<Pending> {
    let mut pending = Vec::with_capacity(appends.len());
    for append in appends {
        pending.push(log.submit(append.clone()).await.unwrap());
    }
    pending
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_submitted_in_order_is_recorded_in_order() {
    let ledger = Ledger::start().await;
    let log = ledger.remote("delivery");
    // More than may wait for their answers.
    let mut appends = chain("chain", 3_000);
    // One that conflicts fails alone.
    appends.insert(1_500, append(&case("chain"), Expected::NoStream, steps(1)));
    let mut answers = join_all(submit(&log, &appends).await).await;
    let conflict = answers.remove(1_500);
    assert!(matches!(conflict, Err(AppendError::Conflict { actual: 1_500, .. })), "{conflict:?}");
    for (revision, answer) in (1..).zip(answers) {
        let (first_position, last_position) = (revision + 1, revision + 1);
        let expected = Appended { first_position, last_position, last_revision: revision, repeated: false };
        assert_eq!(answer.unwrap(), expected);
    }
    everything(&log).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_read_answers_is_read_no_further() {
    const SENT: u64 = 8_000;
    // Answers to 1,024 appends, and those that 64 KiB of window and the buffers on the way hold.
    const UNREAD_MAX: u64 = 4_000;
    let ledger = Ledger::start().await;
    let endpoint = Endpoint::from_shared(format!("http://{}", ledger.address())).unwrap();
    let channel = endpoint.initial_stream_window_size(65_535).connect_lazy();
    let token = ledger.token("delivery", identity::Role::Service);
    let (sender, mut answers) = open(&mut Ledger::client_through(channel, Some(token))).await;
    let appends = chain("unread", SENT);
    let ids: Vec<Uuid> = appends.iter().map(|append| append.id).collect();
    let sending = tokio::spawn(async move {
        for append in appends {
            sender.send(request(&append)).await.unwrap();
        }
    });

    // Others are taken meanwhile, for as long as the disk would need for all of them.
    let log = ledger.remote("delivery");
    for append in chain("other", 500) {
        log.append(append).await.unwrap();
    }
    let unread = ledger.inside().head().await.unwrap().position - 1 - 500;
    assert!(!sending.is_finished(), "the sender is held up");
    assert!(unread <= UNREAD_MAX, "{unread} were recorded for one who reads no answer");

    for (id, revision) in ids.iter().zip(1..) {
        let answer = next(&mut answers).await.unwrap();
        let Some(Outcome::Recorded(recorded)) = answer.outcome else { panic!("{answer:?}") };
        assert_eq!((answer.request_id, recorded.last_revision), (id.to_string(), revision));
    }
    assert_eq!(next(&mut answers).await, None);
    sending.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_broken_call_carried_is_unknown_and_recorded_once() {
    let ledger = Ledger::start().await;
    let relay = Relay::to(ledger.address()).await;
    let log = ledger.remote_through(channel(relay.address), "delivery");
    let appends: Vec<Append> =
        (0..600).map(|n| append(&case(&format!("broken-{n}")), Expected::NoStream, steps(2))).collect();
    // Some are answered, some saved but not answered, some never arrive.
    let mut pending = submit(&log, &appends[..200]).await;
    for answer in join_all(pending.drain(..100)).await {
        answer.unwrap();
    }
    relay.set(Wire::LosesAnswers);
    pending.extend(submit(&log, &appends[200..400]).await);
    let mut pages = ledger.inside().follow(1 + 2 * 200, eventlog::Filter::default());
    while pages.next().await.unwrap().unwrap().entries.is_empty() {}
    relay.set(Wire::LosesRequests);
    pending.extend(submit(&log, &appends[400..]).await);
    let mut unknown = 0;
    for answer in join_all(pending).await {
        match answer {
            Ok(_) => {}
            Err(AppendError::Unavailable { .. }) => unknown += 1,
            Err(other) => panic!("{other}"),
        }
    }
    assert!((200..=500).contains(&unknown), "{unknown}");

    relay.set(Wire::Whole);
    let mut again = Vec::new();
    for append in &appends {
        again.push(crate::lost::retry(&log, append.clone()).await);
    }
    let repeated = again.iter().filter(|appended| appended.repeated).count();
    assert!((201..600).contains(&repeated), "{repeated}");
    assert_eq!(everything(&log).await.len(), 1 + 2 * 600, "each is recorded once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_the_ledger_ends_in_time_loses_nothing() {
    let ledger = Ledger::start_ending_calls_after(Duration::from_millis(200)).await;
    let (sender, mut answers) = open(&mut ledger.client_of("delivery")).await;
    let chained = chain("first", 100);
    for append in &chained {
        sender.send(request(append)).await.unwrap();
    }
    for append in &chained {
        assert_eq!(next(&mut answers).await.unwrap().request_id, append.id.to_string());
    }
    assert_eq!(next(&mut answers).await, None, "the ledger ends it, though the caller would go on");

    // Whoever appends by way of the log sees nothing of it: each call carries a part of these.
    let log = ledger.remote("delivery");
    let mut revision = 0;
    let since = std::time::Instant::now();
    while since.elapsed() < Duration::from_secs(2) {
        let appends: Vec<Append> = (revision..revision + 200)
            .map(|revision| append(&case("second"), Expected::Exact(revision), steps(1)))
            .collect();
        for answer in join_all(submit(&log, &appends).await).await {
            revision += 1;
            let answer = answer.unwrap();
            assert_eq!((answer.last_revision, answer.repeated), (revision, false));
        }
    }
    everything(&log).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shutdown_answers_what_was_taken_in_and_ends_the_call() {
    let mut ledger = Ledger::start().await;
    let (sender, mut answers) = open(&mut ledger.client_of("delivery")).await;
    let appends = chain("stopped", 5_000);
    let ids: Vec<Uuid> = appends.iter().map(|append| append.id).collect();
    tokio::spawn(async move {
        for append in appends {
            if sender.send(request(&append)).await.is_err() {
                return;
            }
        }
    });
    let first = next(&mut answers).await.unwrap();
    assert_eq!(first.request_id, ids[0].to_string());
    let stopping = tokio::spawn(async move {
        ledger.stop().await;
        ledger
    });
    let mut answered = 1;
    let ended = loop {
        match answers.message().await {
            Ok(Some(answer)) => {
                assert_eq!(answer.request_id, ids[answered].to_string());
                assert!(matches!(answer.outcome, Some(Outcome::Recorded(_))), "{answer:?}");
                answered += 1;
            }
            Ok(None) => panic!("it ended well"),
            Err(status) => break status,
        }
    };
    assert_eq!(
        (ended.code(), proto::reason_of(&ended).as_deref()),
        (Code::Unavailable, Some("LOG_UNAVAILABLE"))
    );
    let mut ledger = stopping.await.unwrap();
    ledger.up().await;
    let recorded = ledger.inside().head().await.unwrap().position - 1;
    assert_eq!(recorded, answered as u64, "what was taken in was answered, and nothing else was recorded");
}
