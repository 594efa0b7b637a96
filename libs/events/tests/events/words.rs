//! The words that fields are stored as. Each list is a match: a new value breaks the compile, and a renamed
//! one the test, since what was stored under the old word could no longer be read.

use std::fmt::Debug;

use events::{
    Role,
    conduct::{
        Appellant, Class, Classed, Complexity, Finding, FindingStage, Kind, ReopeningReason, Source,
        TransferReason,
    },
    delivery::{
        Channel, CorrectionReason, DelayReason, IntakeRefusalReason, Outcome, SupplementReason,
        SuspensionReason,
    },
    directory::{DayKind, Leadership, OfficialCategory},
    discipline::{
        AppealResult, CloseReason, Decision, DeclineReason, ExonerationGround, Liability, PersonClass,
        SanctionResult, Track, Weight,
    },
    vault::{ErasureGround, OpeningReason},
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
        Proceeding = "proceeding",
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
    Source {
        Named = "named",
        Confidential = "confidential",
        Anonymous = "anonymous",
        Official = "official",
        SelfReport = "self_report",
    }
    Kind {
        Complaint = "complaint",
        Denunciation = "denunciation",
        Petition = "petition",
        Reflection = "reflection",
    }
    Class {
        Overbearing = "overbearing",
        Corruption = "corruption",
        Waste = "waste",
        Harassment = "harassment",
        Delay = "delay",
        Attitude = "attitude",
        Other = "other",
    }
    TransferReason {
        NotCompetent = "not_competent",
        ConcernsHandler = "concerns_handler",
        HigherAuthority = "higher_authority",
        Other = "other",
    }
    Complexity {
        Complex = "complex",
        EspeciallyComplex = "especially_complex",
    }
    Finding {
        Substantiated = "substantiated",
        Partly = "partly",
        Unsubstantiated = "unsubstantiated",
        False = "false",
        Pending = "pending",
    }
    FindingStage {
        Recommended = "recommended",
        Final = "final",
    }
    Appellant {
        Reporter = "reporter",
        PersonConcerned = "person_concerned",
    }
    ReopeningReason {
        NewEvidence = "new_evidence",
        ProceduralFault = "procedural_fault",
        OrderOfAuthority = "order_of_authority",
    }
    OpeningReason {
        Handling = "handling",
        Protection = "protection",
        Inspection = "inspection",
        LegalOrder = "legal_order",
        SubjectRequest = "subject_request",
    }
    ErasureGround {
        SubjectRequest = "subject_request",
        RetentionOver = "retention_over",
        LegalOrder = "legal_order",
        RecordedWrongly = "recorded_wrongly",
    }
    Track {
        Administrative = "administrative",
        Party = "party",
    }
    PersonClass {
        Cadre = "cadre",
        CivilServant = "civil_servant",
        PublicEmployee = "public_employee",
        PartyMember = "party_member",
        PartyOrganisation = "party_organisation",
        PoliceOfficer = "police_officer",
    }
    SanctionResult {
        Sanctioned = "sanctioned",
        NotSanctioned = "not_sanctioned",
        Pending = "pending",
        NotApplicable = "not_applicable",
    }
    DeclineReason {
        LimitationRunOut = "limitation_run_out",
        PersonLeft = "person_left",
        PersonUnknown = "person_unknown",
        Minor = "minor",
        OtherProcedure = "other_procedure",
    }
    CloseReason {
        HandlingTimeOver = "handling_time_over",
        PersonLeft = "person_left",
        PersonDied = "person_died",
        FindingFell = "finding_fell",
        OtherProcedure = "other_procedure",
    }
    Liability {
        Direct = "direct",
        Joint = "joint",
    }
    AppealResult {
        Upheld = "upheld",
        Changed = "changed",
        Annulled = "annulled",
    }
    ExonerationGround {
        NoViolation = "no_violation",
        WrongPerson = "wrong_person",
        UnlawfulDecision = "unlawful_decision",
        CourtRuling = "court_ruling",
    }
    Weight {
        Mitigating = "mitigating",
        Aggravating = "aggravating",
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

/// Holds the words that code says to those that are stored.
fn check_said<T: Serialize + Copy + PartialEq + Debug>(
    all: &[T],
    word: fn(T) -> &'static str,
    parse: fn(&str) -> Option<T>,
) {
    for &value in all {
        assert_eq!(serde_json::to_string(&value).unwrap(), format!("\"{}\"", word(value)));
        assert_eq!(parse(word(value)), Some(value));
    }
    for no_word in ["", "Other", "person"] {
        assert_eq!(parse(no_word), None);
    }
}

#[test]
fn what_a_report_is_is_said_in_the_stored_words() {
    check_said(Source::ALL, Source::as_str, Source::parse);
    check_said(Kind::ALL, Kind::as_str, Kind::parse);
    check_said(Class::ALL, Class::as_str, Class::parse);
    check_said(Finding::ALL, Finding::as_str, Finding::parse);
}

#[test]
fn a_class_is_counted_under_the_source_s_word() {
    let classed = |source_class: Option<&str>| Classed {
        class: Class::Overbearing,
        source_class: source_class.map(str::to_owned),
    };
    assert_eq!(classed(None).word(), "overbearing");
    assert_eq!(classed(Some("cửa quyền")).word(), "cửa quyền");
}

#[test]
fn a_decision_is_counted_under_the_source_s_word_else_the_form_else_the_result() {
    check_said(SanctionResult::ALL, SanctionResult::as_str, SanctionResult::parse);
    let decision = |form: Option<&str>, source_outcome: Option<&str>| Decision {
        result: SanctionResult::Sanctioned,
        form: form.map(str::to_owned),
        source_outcome: source_outcome.map(str::to_owned),
    };
    assert_eq!(decision(None, None).word(), "sanctioned");
    assert_eq!(decision(Some("reprimand"), None).word(), "reprimand");
    assert_eq!(decision(Some("reprimand"), Some("Guilty Finding")).word(), "Guilty Finding");
}
