//! What is recorded: the envelope says what was appended, and the bytes stay as they are.

use chrono::TimeDelta;
use events::{Encoded, Occurred, Role, Subject, ledger::LedgerEvent};
use futures::future::join_all;
use serde_json::value::RawValue;
use uuid::Uuid;

use super::{
    Rig,
    sample::{append, case, day, instant, steps},
    whole::{everything, header},
};
use crate::{Clock, Context, Direction, Expected, Filter, Header, NewEvent};

pub(super) async fn the_entry_says_what_was_appended(rig: &mut dyn Rig) {
    let log = rig.log("delivery");
    let mut bare = append(&case("bare"), Expected::NoStream, steps(1));
    bare.context.actor.agency = None;
    let mut full = append(&case("Hồ sơ \"một\" / 1"), Expected::Any, steps(2));
    full.events[0].occurred = Occurred::At(instant());
    full.events[1].occurred = Occurred::On(day());
    full.events[1].subjects =
        Role::ALL.map(|role| Subject::new(role, format!("{}-ộ", role.as_str()))).to_vec();
    full.context = Context {
        on_behalf_of: Some("official-7".into()),
        command_digest: std::array::from_fn(|n| u8::try_from(n * 8).expect("below 256")),
        causation: Some(Uuid::now_v7()),
        correlation: Some("import 1".into()),
        rules: Some("vietnam@abc".into()),
        day_start: None,
        ..full.context
    };
    for (append, digest) in [
        (bare, "07".repeat(32)),
        (full, "0008101820283038404850586068707880889098a0a8b0b8c0c8d0d8e0e8f0f8".to_owned()),
    ] {
        let before = Clock::system().now();
        let appended = log.append(append.clone()).await.expect("taken");
        let after = Clock::system().now();
        let entries = log.find_append(append.id).await.expect("readable");
        for (k, (entry, event)) in entries.iter().zip(&append.events).enumerate() {
            let found = header(entry);
            assert!((before..=after).contains(&found.recorded_at), "recorded_at is when the log took it");
            let place = k as u64;
            let expected = Header {
                v: 1,
                position: appended.first_position + place,
                stream: append.stream.to_string(),
                revision: 1 + place,
                append_id: append.id,
                k: u32::try_from(k).expect("small"),
                event_type: event.encoded.event_type.clone(),
                actor: append.context.actor.clone(),
                on_behalf_of: append.context.on_behalf_of.clone(),
                service: "delivery".into(),
                subjects: event.subjects.clone(),
                occurred: event.occurred,
                recorded_at: found.recorded_at,
                causation: append.context.causation,
                correlation: append.context.correlation.clone(),
                rules: append.context.rules.clone(),
                command_digest: digest.clone(),
            };
            assert_eq!(found, expected);
            assert_eq!(entry.data().expect("data").get(), event.encoded.data.get());
        }
    }
}

pub(super) async fn a_sheltered_entry_tells_no_time_of_its_own(rig: &mut dyn Rig) {
    let mut log = rig.log("delivery");
    let sheltered = |day_start| {
        let mut append = append(&case("sheltered"), Expected::Any, steps(1));
        append.context.day_start = Some(day_start);
        append
    };
    // A day that began since the entry before.
    let day_start = Clock::system().now();
    let at_its_start = log.append(sheltered(day_start)).await.expect("taken").first_position;
    // And one that began before it: many at once, between others that tell when they came.
    let before = day_start - TimeDelta::hours(1);
    let appends = (0..32).map(|n| match n % 2 {
        0 => sheltered(before),
        _ => append(&case("exact"), Expected::Any, steps(1)),
    });
    for answer in join_all(appends.map(|append| log.append(append))).await {
        answer.expect("taken");
    }
    let now = Clock::system().now();
    rig.reopen().await;
    log = rig.log("delivery");
    let last = log.append(sheltered(before)).await.expect("taken").first_position;

    let headers: Vec<_> = everything(&*log).await.iter().map(header).collect();
    let mut seen = 0;
    for (earlier, entry) in headers.iter().zip(&headers[1..]) {
        let expected = match entry.key() {
            "sheltered" if entry.position == at_its_start => day_start,
            "sheltered" => earlier.recorded_at,
            _ => {
                assert!((day_start..=now).contains(&entry.recorded_at), "time goes on as the clock does");
                continue;
            }
        };
        assert_eq!(entry.recorded_at, expected, "entry {}", entry.position);
        seen += 1;
    }
    assert_eq!((seen, last), (18, 35));
}

pub(super) async fn data_is_kept_to_the_byte(rig: &mut dyn Rig) {
    let log = rig.log("delivery");
    // Valid JSON that any re-encoding would change.
    let texts = [
        r#"{"b":1,"a":2,"b":3}"#,
        "{ \"spaces\" :\t[ 1 ,\n 2 ] }",
        r#"{"number":1.50e+400,"zero":-0,"large":123456789012345678901234567890}"#,
        r#"{"escaped":"\u1ed9\u0000\/","plain":"ộ","pair":"\ud83d\ude00"}"#,
    ];
    let event = |text: &str| NewEvent {
        encoded: Encoded {
            event_type: "delivery.StepDone.v1".into(),
            data: RawValue::from_string(text.to_owned()).expect("JSON"),
        },
        subjects: Vec::new(),
        occurred: Occurred::On(day()),
    };
    let odd = append(&case("odd"), Expected::NoStream, texts.map(event).to_vec());
    let id = odd.id;
    log.append(odd).await.expect("taken");
    rig.reopen().await;
    let entries = rig.log("delivery").find_append(id).await.expect("readable");
    let kept: Vec<String> = entries.iter().map(|e| e.data().expect("data").get().to_owned()).collect();
    assert_eq!(kept, texts);
}

pub(super) async fn every_read_gives_the_same_bytes(rig: &mut dyn Rig) {
    let log = rig.log("delivery");
    let stream = case("same");
    let one = append(&stream, Expected::NoStream, steps(3));
    let id = one.id;
    let appended = log.append(one).await.expect("taken");
    let found = log.find_append(id).await.expect("readable");
    let positions: Vec<u64> = (appended.first_position..=appended.last_position).collect();
    for _ in 0..2 {
        let log = rig.log("delivery");
        let all =
            log.read_all(1, Direction::Forwards, &Filter::default(), 100).await.expect("readable").entries;
        let mut newest =
            log.read_all(0, Direction::Backwards, &Filter::default(), 3).await.expect("readable").entries;
        newest.reverse();
        assert_eq!(log.read_stream(&stream, 0, 10).await.expect("readable"), found);
        assert_eq!(log.read_at(&positions).await.expect("readable"), found);
        assert_eq!((all, newest), (found.clone(), found.clone()));
        // Not even a restart changes a byte.
        rig.reopen().await;
    }
}

pub(super) async fn the_head_is_the_last_entry_and_what_entry_1_says(rig: &mut dyn Rig) {
    for round in 0..3_u64 {
        let log = rig.log("delivery");
        let head = log.head().await.expect("the head");
        let entries = everything(&*log).await;
        let last = header(entries.last().expect("a log has an entry 1"));
        assert_eq!((head.position, head.recorded_at), (last.position, last.recorded_at));
        assert_eq!(head.genesis, rig.genesis());

        let opening = header(&entries[0]);
        assert_eq!((opening.stream.as_str(), opening.service.as_str()), ("ledger.log/log", "ledger"));
        let opened: LedgerEvent = entries[0].event().expect("entry 1 opens the log");
        let LedgerEvent::LedgerOpened { origin, jurisdiction, time_zone } = opened;
        let genesis = rig.genesis();
        assert_eq!((origin, jurisdiction), (genesis.origin, genesis.jurisdiction));
        assert_eq!(time_zone, genesis.time_zone.to_string());

        assert_eq!(head.position, 1 + 2 * round);
        log.append(append(&case("head"), Expected::Any, steps(2))).await.expect("taken");
        rig.reopen().await;
    }
}
