//! The words that fields are stored as. Each list is a match: a new value breaks the compile, and a renamed
//! one the test, since what was stored under the old word could no longer be read.

use std::fmt::Debug;

use events::{
    Role,
    delivery::{
        Channel, CorrectionReason, DelayReason, IntakeRefusalReason, Outcome, SupplementReason,
        SuspensionReason,
    },
    directory::{DayKind, Leadership, OfficialCategory},
};
use serde::{Serialize, de::DeserializeOwned};

fn check<T: Serialize + DeserializeOwned + PartialEq + Debug>(word: fn(&T) -> &'static str, words: &[&str]) {
    for &expected in words {
        let stored = format!("\"{expected}\"");
        let value: T = serde_json::from_str(&stored).unwrap_or_else(|e| panic!("{expected}: {e}"));
        assert_eq!(word(&value), expected);
        assert_eq!(serde_json::to_string(&value).unwrap(), stored);
    }
}

macro_rules! words {
    ($($enum:ident { $($variant:ident = $word:literal,)+ })+) => {
        #[test]
        fn stored_words_stay() {
            $(check::<$enum>(|value| match value { $($enum::$variant => $word,)+ }, &[$($word),+]);)+
        }
    };
}

words! {
    Role {
        Case = "case",
        Agency = "agency",
        Unit = "unit",
        Official = "official",
        Procedure = "procedure",
        Step = "step",
        View = "view",
        Report = "report",
        Post = "post",
    }
    Leadership {
        None = "none",
        Deputy = "deputy",
        Head = "head",
    }
    OfficialCategory {
        Cadre = "cadre",
        CivilServant = "civil_servant",
        PublicEmployee = "public_employee",
    }
    Channel {
        Counter = "counter",
        Online = "online",
        Post = "post",
    }
    IntakeRefusalReason {
        NotCompetent = "not_competent",
        FileIncomplete = "file_incomplete",
        NotEligible = "not_eligible",
        Duplicate = "duplicate",
        Other = "other",
    }
    SupplementReason {
        DocumentMissing = "document_missing",
        DocumentInvalid = "document_invalid",
        DataInconsistent = "data_inconsistent",
        FeeUnpaid = "fee_unpaid",
        Other = "other",
    }
    SuspensionReason {
        AwaitingOtherAgency = "awaiting_other_agency",
        FinancialDuty = "financial_duty",
        CourtOrInspection = "court_or_inspection",
        ApplicantRequest = "applicant_request",
        ForceMajeure = "force_majeure",
        Other = "other",
    }
    DelayReason {
        Workload = "workload",
        Coordination = "coordination",
        ComplexCase = "complex_case",
        SystemFailure = "system_failure",
        OfficialAbsent = "official_absent",
        Other = "other",
    }
    Outcome {
        Granted = "granted",
        Refused = "refused",
    }
    CorrectionReason {
        EntryMistake = "entry_mistake",
        SystemFault = "system_fault",
        LateEvidence = "late_evidence",
    }
    DayKind {
        Off = "off",
        Worked = "worked",
        WeeklyRule = "weekly_rule",
    }
}

#[test]
fn a_role_is_known_by_its_word() {
    for role in Role::ALL {
        assert_eq!(serde_json::to_string(&role).unwrap(), format!("\"{}\"", role.as_str()));
        assert_eq!(Role::parse(role.as_str()), Some(role));
    }
    for no_role in ["", "Case", "person"] {
        assert_eq!(Role::parse(no_role), None);
    }
}
