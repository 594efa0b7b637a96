//! The RPCs themselves: bad input has a reason of its own and records nothing, and the log can be checked.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use chrono::{DateTime, TimeDelta};
use eventlog::{
    AppendError, Clock, EventLog as _, Expected, append_from_proto,
    conformance::sample::{append, case, instant, steps},
    occurred_to_proto,
};
use futures::StreamExt as _;
use identity::Role;
use proto::ledger as pb;
use sqlx::{Connection as _, SqliteConnection};
use tonic::{Code, Response, Status};
use uuid::Uuid;

use crate::running::Ledger;

/// A request that would be taken.
pub(crate) fn append_request() -> pb::AppendEventsRequest {
    let one = append(&case("H57.18-261124-0001"), Expected::Any, steps(1));
    let event = &one.events[0];
    let actor = &one.context.actor;
    pb::AppendEventsRequest {
        request_id: one.id.to_string(),
        stream: one.stream.to_string(),
        expected: Some(pb::Expected { revision: Some(pb::expected::Revision::Any(true)) }),
        events: vec![pb::NewEvent {
            r#type: event.encoded.event_type.clone(),
            subjects: vec![pb::Subject { role: "case".into(), id: "H57.18-261124-0001".into() }],
            occurred: Some(occurred_to_proto(event.occurred)),
            data: event.encoded.data.get().to_owned().into(),
        }],
        actor: Some(pb::Actor { id: actor.id.clone(), role: actor.role.clone(), agency: String::new() }),
        command_digest: vec![7; 32].into(),
        ..pb::AppendEventsRequest::default()
    }
}

/// The code and the reason of a refusal.
pub(crate) fn refused<T: std::fmt::Debug>(answer: Result<Response<T>, Status>) -> (Code, String) {
    let status = answer.expect_err("it's refused");
    let reason = proto::reason_of(&status).unwrap_or_else(|| panic!("an error without a reason: {status:?}"));
    (status.code(), reason)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_malformed_append_is_refused_and_records_nothing() {
    type Spoil = fn(&mut pb::AppendEventsRequest);
    let ledger = Ledger::start().await;
    let mut client = ledger.client_of("delivery");
    let cases: &[(&str, &str, Spoil)] = &[
        ("FIELD_INVALID", "request_id", |r| r.request_id = "one".into()),
        ("FIELD_INVALID", "request_id", |r| r.request_id.clear()),
        ("STREAM_NAME_MALFORMED", "category/key", |r| r.stream = "delivery.case".into()),
        ("STREAM_NAME_MALFORMED", "category/key", |r| r.stream = "delivery.case/".into()),
        ("STREAM_NAME_MALFORMED", "category/key", |r| r.stream = "Delivery.case/a".into()),
        ("STREAM_NAME_MALFORMED", "category/key", |r| r.stream = "delivery.case/a\nb".into()),
        ("STREAM_NAME_MALFORMED", "200 bytes", |r| r.stream = format!("delivery.case/{}", "a".repeat(187))),
        ("FIELD_INVALID", "expected", |r| r.expected = None),
        ("FIELD_INVALID", "actor", |r| r.actor = None),
        ("FIELD_INVALID", "command_digest", |r| r.command_digest = vec![7; 31].into()),
        ("FIELD_INVALID", "causation", |r| r.causation = "yesterday".into()),
        ("FIELD_INVALID", "events.occurred", |r| r.events[0].occurred = None),
        ("FIELD_INVALID", "events.occurred", |r| {
            let on = pb::occurred::When::On("2026-02-30".into());
            r.events[0].occurred = Some(pb::Occurred { when: Some(on) });
        }),
        ("FIELD_INVALID", "events.data", |r| r.events[0].data = "{".into()),
        ("FIELD_INVALID", "events.data", |r| r.events[0].data = vec![b'"', 0xff, b'"'].into()),
        ("FIELD_INVALID", "events.subjects.role", |r| r.events[0].subjects[0].role = "person".into()),
        ("APPEND_EMPTY", "1 to 1000", |r| r.events.clear()),
        ("APPEND_EMPTY", "1 to 1000", |r| r.events = vec![r.events[0].clone(); 1_001]),
        ("ENTRY_TOO_LARGE", "65535", |r| {
            r.events[0].data = format!("\"{}\"", "x".repeat(65_536)).into();
        }),
    ];
    for (reason, named, spoil) in cases {
        let mut request = append_request();
        spoil(&mut request);
        let status = client.append_events(request).await.expect_err(reason);
        assert_eq!(status.code(), Code::InvalidArgument, "{reason}");
        assert_eq!(proto::reason_of(&status).as_deref(), Some(*reason), "{status:?}");
        assert!(status.message().contains(named), "the message says what: {}", status.message());
    }
    assert_eq!(ledger.inside().head().await.unwrap().position, 1);
    assert_eq!(client.append_events(append_request()).await.unwrap().into_inner().first_position, 2);
    // The longest name there can be is taken.
    let longest =
        pb::AppendEventsRequest { stream: format!("delivery.case/{}", "a".repeat(186)), ..append_request() };
    assert_eq!(append_from_proto(longest.clone(), "delivery").unwrap().stream.as_str().len(), 200);
    client.append_events(longest).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_and_what_is_asked_wrongly() {
    let ledger = Ledger::start().await;
    let mut client = ledger.client_of("delivery");
    let invalid = (Code::InvalidArgument, "FIELD_INVALID".to_owned());

    let request_id = Uuid::now_v7().to_string();
    let answer = client.get_append(pb::GetAppendRequest { request_id }).await;
    assert_eq!(refused(answer), (Code::NotFound, "APPEND_NOT_FOUND".to_owned()));
    let answer = client.get_append(pb::GetAppendRequest { request_id: "one".into() }).await;
    assert_eq!(refused(answer), invalid);

    let answer = client.batch_get_entries(pb::BatchGetEntriesRequest { positions: vec![1, 2] }).await;
    assert_eq!(refused(answer), (Code::NotFound, "POSITION_NOT_FOUND".to_owned()));
    let answer = client.batch_get_entries(pb::BatchGetEntriesRequest { positions: vec![1; 1_001] }).await;
    assert_eq!(refused(answer), invalid);

    let answer = client.list_entries(pb::ListEntriesRequest { page_size: -1, ..Default::default() }).await;
    assert_eq!(refused(answer), invalid);
    let stream = |stream: &str, page_size| pb::ListStreamEntriesRequest {
        stream: stream.into(),
        page_size,
        ..Default::default()
    };
    let answer = client.list_stream_entries(stream("delivery.case/a", -1)).await;
    assert_eq!(refused(answer), invalid);
    let answer = client.list_stream_entries(stream("delivery.case", 0)).await;
    assert_eq!(refused(answer), (Code::InvalidArgument, "STREAM_NAME_MALFORMED".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_is_as_long_as_its_rpc_says() {
    let ledger = Ledger::start().await;
    let log = ledger.remote("delivery");
    for _ in 0..2 {
        log.append(append(&case("long"), Expected::Any, steps(600))).await.unwrap();
    }
    let mut client = ledger.client_of("audit");
    for (asked, all, of_stream) in [(0, 100, 1_000), (7, 7, 7), (1_000, 1_000, 1_000), (5_000, 1_000, 1_000)]
    {
        let request = pb::ListEntriesRequest { page_size: asked, ..Default::default() };
        let page = client.list_entries(request).await.unwrap().into_inner();
        assert_eq!(page.entries.len(), all);
        assert_eq!(page.entries[0].position, 1_201, "the newest first, unless told otherwise");
        let stream = "delivery.case/long".to_owned();
        let request = pb::ListStreamEntriesRequest { stream, after_revision: 0, page_size: asked };
        let page = client.list_stream_entries(request).await.unwrap().into_inner();
        assert_eq!(page.entries.len(), of_stream);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_set_back_is_told_over_the_wire() {
    let micros = Arc::new(AtomicI64::new(instant().timestamp_micros()));
    let now = micros.clone();
    let clock = Clock::from_fn(move || DateTime::from_timestamp_micros(now.load(Ordering::SeqCst)).unwrap());
    let ledger = Ledger::start_at(clock).await;
    micros.fetch_sub(5_000_000, Ordering::SeqCst);

    let answer = ledger.client_of("delivery").append_events(append_request()).await;
    assert_eq!(refused(answer), (Code::Unavailable, "CLOCK_WENT_BACK".to_owned()));
    let one = append(&case("clock"), Expected::Any, steps(1));
    let answer = ledger.remote("delivery").append(one.clone()).await;
    let Err(AppendError::ClockWentBack { now, last }) = answer else { panic!("{answer:?}") };
    assert_eq!((now, last), (instant() - TimeDelta::seconds(5), instant()));

    micros.fetch_add(5_000_000, Ordering::SeqCst);
    let appended = ledger.remote("delivery").append(one).await.unwrap();
    assert_eq!((appended.first_position, appended.repeated), (2, false));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_can_be_checked_over_grpc() {
    let ledger = Ledger::start().await;
    for n in 0..3 {
        ledger
            .remote("delivery")
            .append(append(&case(&n.to_string()), Expected::Any, steps(1_000)))
            .await
            .unwrap();
    }
    let last = check(&ledger).await;
    assert_eq!((last.checked_count, last.total_count, last.faults), (3_001, 3_001, Vec::new()));

    let mut raw = SqliteConnection::connect(ledger.path().to_str().unwrap()).await.unwrap();
    sqlx::query("DROP TRIGGER entry_is_never_updated").execute(&mut raw).await.unwrap();
    sqlx::query("UPDATE entry SET type = 'delivery.CaseRated.v1' WHERE position = 2000")
        .execute(&mut raw)
        .await
        .unwrap();
    let faults = check(&ledger).await.faults;
    assert_eq!(faults.iter().map(|fault| fault.position).collect::<Vec<_>>(), [0, 2_000]);
    assert!(faults[1].description.contains("`type`"), "{faults:?}");
}

/// The last message of a check, after the messages before were held to be progress.
async fn check(ledger: &Ledger) -> pb::CheckLogResponse {
    let mut client = ledger.client(Some(ledger.token("inspector-1", Role::Inspector)));
    let mut messages = client.check_log(pb::CheckLogRequest {}).await.unwrap().into_inner();
    let mut checked = 0;
    while let Some(message) = messages.next().await {
        let message = message.unwrap();
        assert!(message.checked_count >= checked, "progress goes forwards");
        checked = message.checked_count;
        if message.complete {
            assert!(messages.next().await.is_none(), "the result is the last message");
            return message;
        }
        assert_eq!(message.faults, [], "faults come with the result");
    }
    panic!("a check ends with its result")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shutdown_ends_followers_and_answers_what_was_taken() {
    let mut ledger = Ledger::start().await;
    let log = ledger.remote("delivery");
    let mut pages = log.follow(1, eventlog::Filter::default());
    let appends: Vec<_> = (0..50).map(|n| append(&case(&n.to_string()), Expected::Any, steps(1))).collect();
    let callers: Vec<_> = appends
        .iter()
        .cloned()
        .map(|append| {
            let log = log.clone();
            tokio::spawn(async move { log.append(append).await })
        })
        .collect();
    // At least one is recorded when the signal comes; the others are under way.
    let mut followed = pages.next().await.unwrap().unwrap().entries.len();
    // Well before the server would give up on calls that don't end.
    tokio::time::timeout(Duration::from_secs(10), ledger.stop()).await.expect("followers don't hold it up");
    while let Some(Ok(page)) = pages.next().await {
        followed += page.entries.len();
    }
    let mut acknowledged = Vec::new();
    for (caller, append) in callers.into_iter().zip(&appends) {
        match caller.await.unwrap() {
            Ok(_) => acknowledged.push(append.id),
            Err(AppendError::Unavailable { .. }) => {}
            Err(other) => panic!("{other}"),
        }
    }
    ledger.up().await;
    for id in &acknowledged {
        assert_eq!(
            ledger.inside().find_append(*id).await.unwrap().len(),
            1,
            "what was acknowledged is there"
        );
    }
    let recorded = ledger.inside().head().await.unwrap().position - 1;
    assert!(acknowledged.len() as u64 <= recorded && followed as u64 <= recorded);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_does_not_wait_for_a_delayed_acknowledgement() {
    let ledger = Ledger::start().await;
    let log = ledger.remote("delivery");
    let mut times = Vec::new();
    for _ in 0..51 {
        let since = Instant::now();
        log.read_at(&[1]).await.unwrap();
        times.push(since.elapsed());
    }
    times.sort_unstable();
    // Without TCP_NODELAY on the server's side it's 40 ms and more; the median, since others run beside.
    assert!(times[25] < Duration::from_millis(25), "half of the calls took {:?} and more", times[25]);
}
