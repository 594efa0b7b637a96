//! What the log holds of sealed personal data.

use serde::{Deserialize, Serialize};

use crate::{Event, Role, Subject};

/// A name, a contact or a free text that lies sealed in the vault: what an event says in its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sealed {
    /// The seal's id in the vault.
    pub seal: String,
    /// The salted commitment to what is sealed: it proves that this very text was recorded, as long as the salt
    /// is kept, and tells nothing after the erasure.
    pub commitment: String,
}

/// Why sealed data was opened. A code: the papers have the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OpeningReason {
    /// To handle the report.
    Handling,
    /// To protect the reporter.
    Protection,
    /// An inspection, or the control of one.
    Inspection,
    /// An order of a court or an authority.
    LegalOrder,
    /// The person themselves asked for it.
    SubjectRequest,
}

/// On what ground personal data was erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErasureGround {
    /// The person asked for it.
    SubjectRequest,
    /// The time it may be kept is over.
    RetentionOver,
    /// An order of a court or an authority.
    LegalOrder,
    /// It should not have been recorded.
    RecordedWrongly,
}

/// What happens to the personal data of one subject; the stream's key is `report:ID` or `official:ID`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
pub enum RecordEvent {
    /// Sealed data is opened: recorded before it is shown.
    #[serde(rename = "vault.DataOpened.v1")]
    Opened {
        /// The seals that are opened.
        seals: Vec<String>,
        /// Who reads: a pseudonymous id.
        reader: String,
        /// Why.
        reason: OpeningReason,
    },
    /// Personal data is erased by law: the keys of all seals are destroyed.
    #[serde(rename = "vault.DataErased.v1")]
    Erased {
        /// The seals whose keys are destroyed.
        seals: Vec<String>,
        /// On what ground.
        ground: ErasureGround,
    },
}

impl Event for RecordEvent {
    const CATEGORY: &'static str = "vault.record";

    fn subjects(&self, key: &str) -> Vec<Subject> {
        let mut subjects = Vec::new();
        if let Some((role, id)) = key.split_once(':')
            && let Some(role) = Role::parse(role)
        {
            subjects.push(Subject::new(role, id));
        }
        if let Self::Opened { reader, .. } = self {
            let reader = Subject::new(Role::Official, reader);
            if !subjects.contains(&reader) {
                subjects.push(reader);
            }
        }
        subjects
    }
}
