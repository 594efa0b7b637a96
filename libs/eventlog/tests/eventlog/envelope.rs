//! The stored form: the order of the fields and how each is written are part of the format.

use chrono::DateTime;
use eventlog::{
    EventLog as _, Expected, Options, SqliteLog,
    conformance::sample::{self, instant},
};
use events::Occurred;
use uuid::Uuid;

use crate::store::{SetClock, Store, genesis};

#[tokio::test]
async fn the_envelope_is_pinned() {
    let store = Store::new();
    let clock = SetClock::at(DateTime::from_timestamp_micros(1_795_500_000_000_000).unwrap());
    let log = SqliteLog::open(&store.path(), Options::new(genesis(), clock.clock())).await.unwrap();
    let mut full = sample::append(&sample::case("H57.18-261124-0001"), Expected::Any, sample::steps(2));
    full.id = Uuid::from_u128(0x0193_5f3a_0000_7000_8000_0000_0000_0001);
    full.events[1].occurred = Occurred::At(instant());
    full.context.on_behalf_of = Some("official-7".into());
    full.context.causation = Some(Uuid::from_u128(0x0193_5f3a_0000_7000_8000_0000_0000_0002));
    full.context.correlation = Some("import 1".into());
    full.context.rules = Some("vietnam@abc".into());
    let mut bare =
        sample::append(&sample::case("H57.18-261124-0002"), Expected::Any, vec![sample::accepted()]);
    bare.id = Uuid::from_u128(0x0193_5f3a_0000_7000_8000_0000_0000_0003);
    bare.context.actor.agency = None;
    log.append(full).await.unwrap();
    log.append(bare).await.unwrap();

    let entries = log.read_at(&[1, 2, 3, 4]).await.unwrap();
    let texts: Vec<String> = entries.iter().map(|e| without_nonce(&e.bytes)).collect();
    // The id of the append that opens a log is random.
    let opening = Uuid::to_string(&entries[0].header().unwrap().append_id);
    assert_eq!(
        texts[0].replace(&opening, "ID"),
        r#"{"v":1,"position":1,"stream":"ledger.log/log","revision":1,"append_id":"ID","k":0,"type":"ledger.LedgerOpened.v1","actor":{"id":"ledger","role":"service"},"service":"ledger","subjects":[],"occurred":"2026-11-24T06:00:00.000000Z","recorded_at":"2026-11-24T06:00:00.000000Z","command_digest":"0000000000000000000000000000000000000000000000000000000000000000","nonce":"NONCE","data":{"origin":"liem.test/one","jurisdiction":"VN","time_zone":"+07:00"}}"#
    );
    assert_eq!(
        texts[1..],
        [
            r#"{"v":1,"position":2,"stream":"delivery.case/H57.18-261124-0001","revision":1,"append_id":"01935f3a-0000-7000-8000-000000000001","k":0,"type":"delivery.StepDone.v1","actor":{"id":"agency-1","role":"agency","agency":"H57.18"},"on_behalf_of":"official-7","service":"delivery","subjects":[{"role":"case","id":"H57.18-261124-0001"},{"role":"agency","id":"H57.18"},{"role":"unit","id":"H57.18.02"},{"role":"step","id":"T00 check"}],"occurred":"2026-11-24","recorded_at":"2026-11-24T06:00:00.000000Z","causation":"01935f3a-0000-7000-8000-000000000002","correlation":"import 1","rules":"vietnam@abc","command_digest":"0707070707070707070707070707070707070707070707070707070707070707","nonce":"NONCE","data":{"by":{"agency":"H57.18","unit":"H57.18.02"},"step":"T00 check"}}"#,
            r#"{"v":1,"position":3,"stream":"delivery.case/H57.18-261124-0001","revision":2,"append_id":"01935f3a-0000-7000-8000-000000000001","k":1,"type":"delivery.StepDone.v1","actor":{"id":"agency-1","role":"agency","agency":"H57.18"},"on_behalf_of":"official-7","service":"delivery","subjects":[{"role":"case","id":"H57.18-261124-0001"},{"role":"agency","id":"H57.18"},{"role":"unit","id":"H57.18.02"},{"role":"step","id":"T01 check"}],"occurred":"2026-11-24T00:00:00.123456Z","recorded_at":"2026-11-24T06:00:00.000000Z","causation":"01935f3a-0000-7000-8000-000000000002","correlation":"import 1","rules":"vietnam@abc","command_digest":"0707070707070707070707070707070707070707070707070707070707070707","nonce":"NONCE","data":{"by":{"agency":"H57.18","unit":"H57.18.02"},"step":"T01 check"}}"#,
            r#"{"v":1,"position":4,"stream":"delivery.case/H57.18-261124-0002","revision":1,"append_id":"01935f3a-0000-7000-8000-000000000003","k":0,"type":"delivery.CaseAccepted.v1","actor":{"id":"agency-1","role":"agency"},"service":"delivery","subjects":[{"role":"case","id":"H57.18-261124-0001"},{"role":"agency","id":"H57.18"},{"role":"unit","id":"H57.18.02"}],"occurred":"2026-11-24","recorded_at":"2026-11-24T06:00:00.000000Z","command_digest":"0707070707070707070707070707070707070707070707070707070707070707","nonce":"NONCE","data":{"by":{"agency":"H57.18","unit":"H57.18.02"}}}"#,
        ]
    );
}

/// The entry's text, with its random part replaced.
fn without_nonce(bytes: &[u8]) -> String {
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    let mark = "\"nonce\":\"";
    let start = text.find(mark).expect("a nonce") + mark.len();
    assert!(text[start..start + 32].bytes().all(|b| b.is_ascii_hexdigit()));
    format!("{}NONCE{}", &text[..start], &text[start + 32..])
}
