//! Names: services, enums, fields, times.

use prost_types::field_descriptor_proto::Type;

use crate::contract::{Element, Kind, elements};

#[test]
fn services_and_enums_are_named_by_rule() {
    for Element { full_name, name, kind, .. } in elements() {
        match kind {
            // Every view service offers `ViewAdmin` beside its own.
            Kind::Service => assert!(name.ends_with("Service") || name == "ViewAdmin", "{full_name}"),
            Kind::Enum(enumeration) => {
                let prefix = upper_snake(&name);
                for value in &enumeration.value {
                    let named = value.name().strip_prefix(&prefix).is_some_and(|rest| rest.starts_with('_'));
                    assert!(named, "{full_name}.{} begins with {prefix}_", value.name());
                }
                let zero = enumeration.value.first().unwrap();
                assert_eq!(
                    (zero.number(), zero.name()),
                    (0, &*format!("{prefix}_UNSPECIFIED")),
                    "{full_name}"
                );
                let unspecified = enumeration.value.iter().filter(|v| v.name().ends_with("_UNSPECIFIED"));
                assert_eq!(unspecified.count(), 1, "{full_name}");
            }
            _ => {}
        }
    }
    assert_eq!(upper_snake("IntakeRefusalReason"), "INTAKE_REFUSAL_REASON");
}

fn upper_snake(name: &str) -> String {
    let mut snake = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.push(c.to_ascii_uppercase());
    }
    snake
}

/// Instants that don't end in `_time`, and why.
const OTHER_TIMES: [(&str, &str); 3] = [
    ("liem.ledger.v1.Occurred.at", "the instant beside `on`, the date: one of the two is set"),
    (
        "liem.audit.v1.ListTrailRequest.occurred_from",
        "a bound of what occurred, as AIP-160 filters have them",
    ),
    ("liem.audit.v1.ListTrailRequest.occurred_until", "the other bound"),
];

#[test]
fn fields_are_named_by_rule() {
    let mut others = Vec::new();
    for Element { full_name, name, kind, .. } in elements() {
        let Kind::Field(field) = kind else { continue };
        let is_word = |word: &str| {
            word.starts_with(|c: char| c.is_ascii_lowercase())
                && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
        };
        assert!(name.split('_').all(is_word), "{full_name} is lower_snake_case");
        match field.type_name() {
            ".google.protobuf.Timestamp" if !name.ends_with("_time") => others.push(full_name.clone()),
            ".google.protobuf.Timestamp" => {}
            ".liem.ledger.v1.Occurred" => {
                assert!(name.split('_').next_back() == Some("occurred"), "{full_name} says what it is");
            }
            // What was done "on time" is no instant.
            _ => assert!(
                !name.ends_with("_time") || name.ends_with("_on_time"),
                "{full_name} is called a time and is none"
            ),
        }
        if name.ends_with("_date") {
            assert_eq!(field.r#type(), Type::String, "{full_name}: a civil date is text, ISO 8601");
        }
        if name.ends_with("_id") || name == "id" {
            assert_eq!(field.r#type(), Type::String, "{full_name}");
        }
        if name == "position" || name.ends_with("_position") || name == "positions" {
            assert_eq!(field.r#type(), Type::Uint64, "{full_name}");
        }
    }
    others.sort_unstable();
    let mut allowed = OTHER_TIMES.map(|(name, _why)| name);
    allowed.sort_unstable();
    assert_eq!(others, allowed, "an instant ends in _time, or says here why not");
}
