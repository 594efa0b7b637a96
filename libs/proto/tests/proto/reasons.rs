//! Reasons: the comment of each begins with the status code that it comes with.

use std::collections::{BTreeMap, HashMap};

use proto::{
    Failure, Reason, audit, conduct, delivery, directory, discipline, leaderboard, ledger, obligations,
    reason_of, view,
};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::contract::{Element, Kind, elements};

const CODES: [(&str, Code); 16] = [
    ("CANCELLED", Code::Cancelled),
    ("UNKNOWN", Code::Unknown),
    ("INVALID_ARGUMENT", Code::InvalidArgument),
    ("DEADLINE_EXCEEDED", Code::DeadlineExceeded),
    ("NOT_FOUND", Code::NotFound),
    ("ALREADY_EXISTS", Code::AlreadyExists),
    ("PERMISSION_DENIED", Code::PermissionDenied),
    ("RESOURCE_EXHAUSTED", Code::ResourceExhausted),
    ("FAILED_PRECONDITION", Code::FailedPrecondition),
    ("ABORTED", Code::Aborted),
    ("OUT_OF_RANGE", Code::OutOfRange),
    ("UNIMPLEMENTED", Code::Unimplemented),
    ("INTERNAL", Code::Internal),
    ("UNAVAILABLE", Code::Unavailable),
    ("DATA_LOSS", Code::DataLoss),
    ("UNAUTHENTICATED", Code::Unauthenticated),
];

/// The reason of a value of a context's `ErrorReason`.
fn reason(context: &str, number: i32) -> Reason {
    match context {
        "ledger" => ledger::ErrorReason::try_from(number).unwrap().into(),
        "directory" => directory::ErrorReason::try_from(number).unwrap().into(),
        "delivery" => delivery::ErrorReason::try_from(number).unwrap().into(),
        "conduct" => conduct::ErrorReason::try_from(number).unwrap().into(),
        "discipline" => discipline::ErrorReason::try_from(number).unwrap().into(),
        "obligations" => obligations::ErrorReason::try_from(number).unwrap().into(),
        "audit" => audit::ErrorReason::try_from(number).unwrap().into(),
        "leaderboard" => leaderboard::ErrorReason::try_from(number).unwrap().into(),
        "view" => view::ErrorReason::try_from(number).unwrap().into(),
        other => panic!("the context {other} has reasons that `Reason` doesn't know"),
    }
}

/// Every reason there is, with its value's name and comment.
fn reasons() -> Vec<(Reason, Element)> {
    let mut reasons = Vec::new();
    for element in elements() {
        let context = element.package.split('.').nth(1).unwrap();
        if let Kind::Value(number) = element.kind
            && element.full_name.starts_with(&format!("{}.ErrorReason.", element.package))
        {
            reasons.push((reason(context, number), element));
        }
    }
    assert!(reasons.len() > 60, "{}", reasons.len());
    reasons
}

#[test]
fn a_reason_s_comment_begins_with_its_code_and_goes_on_with_what_to_do() {
    for (reason, element) in reasons() {
        assert_eq!(element.name, format!("ERROR_REASON_{}", reason.name()), "{}", element.full_name);
        let Element { name, comment, .. } = element;
        if reason.name() == "UNSPECIFIED" {
            assert_eq!((comment.as_str(), reason.code()), ("Never sent.", Code::Unknown));
            continue;
        }
        let (word, advice) = comment.split_once(". ").unwrap_or_else(|| panic!("{name}: `{comment}`"));
        let code = CODES.iter().find(|(code, _)| *code == word).map(|(_, code)| *code);
        assert_eq!(code, Some(reason.code()), "{name}: `{comment}`");
        assert!(advice.len() > 10, "{name} says more than its code: `{comment}`");
    }
}

#[test]
fn the_domain_is_the_one_that_the_enum_s_comment_gives() {
    for (reason, value) in reasons() {
        let context = value.package.split('.').nth(1).unwrap();
        assert_eq!(reason.domain(), format!("{context}.liem"));
    }
    for element in elements() {
        if element.name == "ErrorReason" {
            let domain = format!("domain `{}.liem`", element.package.split('.').nth(1).unwrap());
            assert!(element.comment.contains(&domain), "{}: {}", element.full_name, element.comment);
        }
    }
}

#[test]
fn one_name_has_one_code() {
    // A client may look at the reason only: the same word means the same wherever it comes from.
    let mut codes: BTreeMap<&str, Code> = BTreeMap::new();
    for (reason, _) in reasons() {
        let code = codes.entry(reason.name()).or_insert_with(|| reason.code());
        assert_eq!(*code, reason.code(), "{}", reason.name());
    }
}

#[test]
fn a_failure_s_status_carries_its_reason() {
    for (reason, _) in reasons() {
        let status = Status::from(Failure::new(reason, "what to do"));
        assert_eq!((status.code(), status.message()), (reason.code(), "what to do"));
        let info = status.get_details_error_info().unwrap();
        assert_eq!((info.reason.as_str(), info.domain.as_str()), (reason.name(), reason.domain()));
        assert_eq!(info.metadata, HashMap::new());
        assert_eq!(reason_of(&status).as_deref(), Some(reason.name()));
    }
    assert_eq!(reason_of(&Status::internal("from elsewhere")), None);
    let field = Status::from(Failure::field("command.case", "too long"));
    assert_eq!((field.code(), field.message()), (Code::InvalidArgument, "command.case: too long"));
}
