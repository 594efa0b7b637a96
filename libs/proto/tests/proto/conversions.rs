//! What every context reads alike.

use chrono::DateTime;
use proto::{
    Reason, agency_from, code_from, date_from, ledger::ErrorReason, non_empty, page_size_from,
    timestamp_from, timestamp_to, uuid_from,
};

#[test]
fn an_instant_comes_back_to_the_microsecond() {
    // Before 1970 too, where seconds round down and nanoseconds still count up.
    for micros in [0, 1, 999_999, 1_795_478_400_123_456, -1, -1_000_001, -62_135_596_800_000_000] {
        let time = DateTime::from_timestamp_micros(micros).unwrap();
        let timestamp = timestamp_to(time);
        assert!((0..1_000_000_000).contains(&timestamp.nanos), "{micros}");
        assert_eq!(timestamp_from("time", &timestamp).unwrap(), time);
    }
    let finer = DateTime::from_timestamp(0, 1_999).unwrap();
    assert_eq!(timestamp_to(finer).nanos, 1_000, "finer is cut");
}

#[test]
fn a_page_has_a_size_within_bounds() {
    let sizes = [(0, 100), (1, 1), (100, 100), (1_000, 1_000), (1_001, 1_000), (i32::MAX, 1_000)];
    for (asked, size) in sizes {
        assert_eq!(page_size_from(asked).unwrap(), size, "{asked}");
    }
    for asked in [-1, i32::MIN] {
        assert!(page_size_from(asked).is_err(), "{asked}");
    }
}

#[test]
fn codes_are_held_to_their_form() {
    for good in ["1.012781", "T02 Check confirmation of receipt", "Phòng Tài nguyên", &"ộ".repeat(100)] {
        assert_eq!(code_from("code", good).unwrap(), good);
    }
    for bad in ["", " ", " a", "a ", "a\tb", "a\u{85}b", &"ộ".repeat(101)] {
        assert!(code_from("code", bad).is_err(), "{bad:?}");
    }
    for good in ["H57.18", "a", &"H".repeat(32)] {
        assert_eq!(agency_from("agency", good).unwrap(), good);
    }
    for bad in ["", "H57-18", "H57/18", "H57 18", "Sở", &"H".repeat(33)] {
        assert!(agency_from("agency", bad).is_err(), "{bad:?}");
    }
    assert_eq!(date_from("date", "2028-02-29").unwrap().to_string(), "2028-02-29");
    assert!(uuid_from("request_id", "01935f3a-0000-7000-8000-000000000001").is_ok());
    for bad in ["", "one", "01935f3a-0000-7000-8000-00000000000"] {
        assert!(uuid_from("request_id", bad).is_err(), "{bad:?}");
    }
    assert_eq!((non_empty(String::new()), non_empty("a".into())), (None, Some("a".into())));
}

#[test]
fn a_malformed_field_is_named() {
    for failure in [
        uuid_from("command.request_id", "one").unwrap_err(),
        date_from("command.request_id", "24-11-2026").unwrap_err(),
        code_from("command.request_id", "").unwrap_err(),
    ] {
        assert_eq!(failure.reason, Reason::Ledger(ErrorReason::FieldInvalid));
        assert!(failure.message.starts_with("command.request_id: "), "{}", failure.message);
    }
}
