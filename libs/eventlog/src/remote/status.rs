//! Failures of the log as gRPC statuses, and as refusals within a call of many appends; and back.

use chrono::DateTime;
use proto::{
    Failure,
    ledger::{self as pb, ErrorReason},
    reason_of,
};
use tonic::{Code, Status, metadata::KeyAndValueRef};

use crate::{Append, AppendError, ReadError};

const ACTUAL_REVISION: &str = "liem-actual-revision";
const EVENT_PLACE: &str = "liem-event-place";
const ENTRY_SIZE: &str = "liem-entry-bytes";
const CLOCK_MICROS: &str = "liem-clock-micros";
const LAST_MICROS: &str = "liem-last-micros";
const MISSING_POSITION: &str = "liem-missing-position";

impl AppendError {
    /// The status of this failure. Figures that a service's retry needs travel as metadata.
    pub fn into_status(self) -> Status {
        let figures = match &self {
            Self::Conflict { actual, .. } => vec![(ACTUAL_REVISION, i128::from(*actual))],
            Self::EntryTooLarge { k, size } => {
                vec![(EVENT_PLACE, *k as i128), (ENTRY_SIZE, *size as i128)]
            }
            Self::ClockWentBack { now, last } => vec![
                (CLOCK_MICROS, i128::from(now.timestamp_micros())),
                (LAST_MICROS, i128::from(last.timestamp_micros())),
            ],
            _ => Vec::new(),
        };
        with_figures(self.into(), &figures)
    }

    /// The error that an append would have got from a log in this process, from the status of its call.
    pub fn from_status(append: &Append, status: Status) -> Self {
        let reason = reason_of(&status);
        from_parts(append, status, reason)
    }

    /// The same from the refusal of one append among others.
    pub(super) fn from_refusal(append: &Append, refusal: pb::Refusal) -> Self {
        let mut status = Status::new(Code::from(refusal.code), refusal.message);
        for (key, figure) in refusal.figures {
            if let (Ok(key), Ok(figure)) =
                (tonic::metadata::AsciiMetadataKey::from_bytes(key.as_bytes()), figure.parse())
            {
                status.metadata_mut().insert(key, figure);
            }
        }
        from_parts(append, status, (!refusal.reason.is_empty()).then_some(refusal.reason))
    }
}

impl ReadError {
    /// The status of this failure, with the figure that tells which position is missing.
    pub fn into_status(self) -> Status {
        let figures = match &self {
            Self::NotFound { position } => vec![(MISSING_POSITION, i128::from(*position))],
            _ => Vec::new(),
        };
        with_figures(self.into(), &figures)
    }

    /// The position that a status says is missing.
    pub(super) fn not_found(status: &Status) -> Self {
        Self::NotFound { position: figure(status, MISSING_POSITION) }
    }
}

/// What the status of one append says, where others go on: the answer within a call of many appends.
pub fn refusal_from_status(status: &Status) -> pb::Refusal {
    let figure = |pair| match pair {
        KeyAndValueRef::Ascii(key, value) => {
            let is_figure = key.as_str().starts_with("liem-");
            Some((key.to_string(), value.to_str().ok().filter(|_| is_figure)?.to_owned()))
        }
        KeyAndValueRef::Binary(..) => None,
    };
    pb::Refusal {
        code: status.code().into(),
        reason: reason_of(status).unwrap_or_default(),
        message: status.message().to_owned(),
        figures: status.metadata().iter().filter_map(figure).collect(),
    }
}

fn with_figures(failure: Failure, figures: &[(&'static str, i128)]) -> Status {
    let mut status = Status::from(failure);
    for (key, figure) in figures {
        // A whole number is a valid header.
        if let Ok(value) = figure.to_string().parse() {
            status.metadata_mut().insert(*key, value);
        }
    }
    status
}

fn figure<T: std::str::FromStr + Default>(status: &Status, key: &str) -> T {
    status.metadata().get(key).and_then(|v| v.to_str().ok()?.parse().ok()).unwrap_or_default()
}

fn from_parts(append: &Append, status: Status, reason: Option<String>) -> AppendError {
    let named =
        reason.as_deref().and_then(|name| ErrorReason::from_str_name(&format!("ERROR_REASON_{name}")));
    match named {
        Some(ErrorReason::RevisionConflict) => AppendError::Conflict {
            stream: append.stream.to_string(),
            expected: append.expected,
            actual: figure(&status, ACTUAL_REVISION),
        },
        Some(ErrorReason::RequestIdReused) => AppendError::RequestIdReused { id: append.id },
        Some(ErrorReason::EntryTooLarge) => {
            AppendError::EntryTooLarge { k: figure(&status, EVENT_PLACE), size: figure(&status, ENTRY_SIZE) }
        }
        Some(ErrorReason::AppendEmpty) => AppendError::EventCount { count: append.events.len() },
        Some(ErrorReason::CategoryNotOwned) => AppendError::CategoryNotOwned {
            service: append.context.service.clone(),
            category: append.stream.category().to_owned(),
        },
        Some(ErrorReason::QueueFull) => AppendError::QueueFull,
        Some(ErrorReason::StorageFull) => AppendError::StorageFull,
        Some(ErrorReason::LogUnreachable) => AppendError::unreachable(status),
        Some(ErrorReason::LogClosed) => AppendError::Closed,
        Some(ErrorReason::ClockWentBack) => {
            let time = |key| DateTime::from_timestamp_micros(figure(&status, key)).unwrap_or_default();
            AppendError::ClockWentBack { now: time(CLOCK_MICROS), last: time(LAST_MICROS) }
        }
        _ => match status.code() {
            Code::Unavailable | Code::Unknown | Code::Cancelled | Code::DeadlineExceeded | Code::Internal => {
                AppendError::unavailable(status)
            }
            code => AppendError::Refused { reason: reason.unwrap_or_else(|| code.to_string()) },
        },
    }
}
