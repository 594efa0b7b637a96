//! Every fixture is read as what it meant when it was stored, and written the same again.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Debug,
    fs,
    path::PathBuf,
};

use events::{
    Event, conduct::ReportEvent, decode, delivery::CaseEvent, directory, discipline::ProceedingEvent, encode,
    ledger::LedgerEvent, vault::RecordEvent, view::ViewEvent,
};
use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use crate::exemplars::{self, Exemplars};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

/// The type that a fixture is of: `context.Name.vN`.
fn type_of(name: &str) -> String {
    name.split('.').take(3).collect::<Vec<_>>().join(".")
}

/// Holds the fixtures of one enum to its exemplars; the names of the fixtures.
fn check<E: Event + PartialEq + Debug>(
    types: &[&str],
    type_name: fn(&E) -> &'static str,
    exemplars: Exemplars<E>,
) -> BTreeSet<String> {
    for name in types {
        assert!(exemplars.iter().any(|(n, _)| n == name), "{name} has no exemplar, and so no fixture");
    }
    let mut names = BTreeSet::new();
    for (name, event) in exemplars {
        assert_eq!(type_of(name), type_name(&event), "an exemplar is of the type it's named for");
        let text = serde_json::to_string_pretty(&event).unwrap() + "\n";
        let stored = fs::read_to_string(folder().join(format!("{name}.json")))
            .unwrap_or_else(|e| panic!("fixtures/{name}.json: {e}; a new type is stored as\n{text}"));
        // Read as what it meant...
        assert_eq!(decode::<E>(stored.as_bytes()).unwrap(), event, "{name}");
        // ...and written as it was, to the order of its fields.
        assert_eq!(text, stored, "{name}");
        let encoded = encode(&event).unwrap();
        assert_eq!(encoded.event_type, type_of(name));
        let data: Value = serde_json::from_str(encoded.data.get()).unwrap();
        assert_eq!(data, serde_json::from_str::<Value>(&stored).unwrap()["data"], "{name}");
        check_optional::<E>(name, &stored);
        assert!(names.insert(format!("{name}.json")), "two exemplars are named {name}");
    }
    names
}

/// What can be left out is left out of the minimal fixture, and is in the full one.
fn check_optional<E: Event>(name: &str, stored: &str) {
    let fixture: Value = serde_json::from_str(stored).unwrap();
    let mut optional = Vec::new();
    for path in paths(&fixture["data"]) {
        let mut without = fixture.clone();
        let (parent, field) = path.rsplit_once('/').unwrap();
        let parent = without.pointer_mut(&format!("/data{parent}")).unwrap();
        parent.as_object_mut().unwrap().remove(field);
        if decode::<E>(without.to_string().as_bytes()).is_ok() {
            optional.push(path);
        }
    }
    if name.ends_with(".minimal") {
        assert!(optional.is_empty(), "{name} could do without {optional:?}");
    } else if !optional.is_empty() {
        let minimal = folder().join(format!("{}.minimal.json", type_of(name)));
        assert!(minimal.exists(), "{name} has optional fields ({optional:?}) and so needs a minimal fixture");
    }
}

/// The paths of all fields within a value's objects.
fn paths(value: &Value) -> Vec<String> {
    let Value::Object(fields) = value else { return Vec::new() };
    let mut found = Vec::new();
    for (name, value) in fields {
        found.push(format!("/{name}"));
        found.extend(paths(value).into_iter().map(|path| format!("/{name}{path}")));
    }
    found
}

#[test]
fn every_type_has_a_fixture_that_is_read_and_written_as_it_was() {
    use exemplars as x;
    let mut names = check::<LedgerEvent>(x::LEDGER, x::type_of_ledger, x::ledger());
    names.extend(check::<directory::Agency>(x::AGENCY, x::type_of_agency, x::agency()));
    names.extend(check::<directory::Unit>(x::UNIT, x::type_of_unit, x::unit()));
    names.extend(check::<directory::Post>(x::POST, x::type_of_post, x::post()));
    names.extend(check::<directory::Official>(x::OFFICIAL, x::type_of_official, x::official()));
    names.extend(check::<directory::Procedure>(x::PROCEDURE, x::type_of_procedure, x::procedure()));
    names.extend(check::<directory::Step>(x::STEP, x::type_of_step, x::step()));
    names.extend(check::<directory::Days>(x::DAYS, x::type_of_days, x::days()));
    names.extend(check::<CaseEvent>(x::CASE, x::type_of_case, x::case()));
    names.extend(check::<ViewEvent>(x::VIEW, x::type_of_view, x::view()));
    names.extend(check::<ReportEvent>(x::REPORT, x::type_of_report, x::report()));
    names.extend(check::<RecordEvent>(x::RECORD, x::type_of_record, x::record()));
    names.extend(check::<ProceedingEvent>(x::PROCEEDING, x::type_of_proceeding, x::proceeding()));

    // A fixture is never taken away, and none lies there unread.
    let files = fs::read_dir(folder()).unwrap().map(|f| f.unwrap().file_name().into_string().unwrap());
    assert_eq!(files.collect::<BTreeSet<_>>(), names);
}

/// Holds a line of the history to what is stored of its event.
fn check_line<E: Event + PartialEq + Debug>(line: &str) {
    #[derive(Deserialize)]
    struct Parts {
        stream: String,
        #[serde(rename = "type")]
        event_type: String,
        subjects: Vec<events::Subject>,
        data: Box<RawValue>,
    }
    let Parts { stream, event_type, subjects, data } = serde_json::from_str(line).unwrap();
    let event: E = decode(line.as_bytes()).unwrap();
    // What the parts say is what the whole says, and as it's written.
    assert_eq!(events::decode_parts::<E>(&event_type, data.get()).unwrap(), event);
    assert_eq!(encode(&event).unwrap().data.get(), data.get());
    let (_, key) = stream.split_once('/').unwrap();
    let said = event.subjects(key);
    if E::CATEGORY == CaseEvent::CATEGORY {
        // The oldest lines name fewer, and stay as they are.
        assert!(said.starts_with(&subjects), "{line}");
    } else {
        assert_eq!(said, subjects, "{line}");
    }
}

/// Each view is held to what its fold makes of the history: what isn't in it could change unseen.
#[test]
fn the_history_has_every_type_and_is_a_log() {
    use exemplars as x;
    let mut missing: BTreeSet<&str> = [
        x::LEDGER,
        x::AGENCY,
        x::UNIT,
        x::POST,
        x::OFFICIAL,
        x::PROCEDURE,
        x::STEP,
        x::DAYS,
        x::CASE,
        x::VIEW,
        x::REPORT,
        x::RECORD,
        x::PROCEEDING,
    ]
    .concat()
    .into_iter()
    .collect();
    let (mut revisions, mut directory) = (BTreeMap::new(), directory::Directory::default());
    for (position, line) in (1_u64..).zip(events::HISTORY.lines()) {
        let entry: Value = serde_json::from_str(line).unwrap();
        assert_eq!(entry["position"], position);
        let last: &mut u64 = revisions.entry(entry["stream"].as_str().unwrap().to_owned()).or_default();
        *last += 1;
        assert_eq!(entry["revision"], *last, "{line}");
        let event_type = entry["type"].as_str().unwrap();
        missing.remove(event_type);
        let category = entry["stream"].as_str().unwrap().split_once('/').unwrap().0;
        directory.fold(category, line.as_bytes()).unwrap();
        match category {
            "ledger.log" => check_line::<LedgerEvent>(line),
            "directory.agency" => check_line::<directory::Agency>(line),
            "directory.unit" => check_line::<directory::Unit>(line),
            "directory.post" => check_line::<directory::Post>(line),
            "directory.official" => check_line::<directory::Official>(line),
            "directory.procedure" => check_line::<directory::Procedure>(line),
            "directory.step" => check_line::<directory::Step>(line),
            "directory.days" => check_line::<directory::Days>(line),
            "delivery.case" => check_line::<CaseEvent>(line),
            "view.generations" => check_line::<ViewEvent>(line),
            "conduct.report" => check_line::<ReportEvent>(line),
            "vault.record" => check_line::<RecordEvent>(line),
            "discipline.proceeding" => check_line::<ProceedingEvent>(line),
            other => panic!("{other} is no category"),
        }
    }
    assert_eq!(missing, BTreeSet::new());
    for bad in ["", "{", r#"{"by":{"agency":"H57"}} x"#, r#"{"by":{}}"#] {
        let read = events::decode_parts::<CaseEvent>("delivery.CaseAccepted.v1", bad);
        assert!(read.is_err(), "{bad}");
    }
}

#[test]
fn an_event_is_read_from_its_envelope_and_fields_to_come_are_passed_over() {
    let entry = br#"{"v":1,"type":"delivery.CaseAccepted.v1","service":"delivery","nonce":"00",
        "data":{"by":{"agency":"H57.18","desk":"3"},"to_come":[1]},"after":{}}"#;
    let event: CaseEvent = decode(entry).unwrap();
    assert_eq!(CaseEvent::by(&event).agency, "H57.18");
    for no_event in [
        // An unknown type, an unknown version, no type, no data, data without what it needs, and no JSON.
        &br#"{"type":"delivery.CaseLost.v1","data":{"by":{"agency":"H57.18"}}}"#[..],
        br#"{"type":"delivery.CaseAccepted.v2","data":{"by":{"agency":"H57.18"}}}"#,
        br#"{"data":{"by":{"agency":"H57.18"}}}"#,
        br#"{"type":"delivery.CaseAccepted.v1"}"#,
        br#"{"type":"delivery.CaseAccepted.v1","data":{"by":{}}}"#,
        br#"{"type":"delivery.CaseAccepted.v1","data":{"by":{"agency":"H57.18"}}"#,
    ] {
        let text = String::from_utf8_lossy(no_event);
        let error = decode::<CaseEvent>(no_event).expect_err(&text);
        assert_eq!(error.to_string(), "not an event of delivery.case");
    }
}
