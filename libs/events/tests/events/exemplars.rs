//! An event of every type, every field said: a new variant or a new field breaks the compile here, and then
//! wants a fixture.

use chrono::{DateTime, NaiveDate, Utc};
use events::{
    Occurred,
    delivery::{
        Basis, By, CaseEvent, Channel, Correction, CorrectionReason, DelayReason, IntakeRefusalReason,
        Outcome, Promise, Reopens, SupplementReason, SuspensionReason,
    },
    directory::{
        Agency, DayKind, Days, Leadership, Official, OfficialCategory, Post, Procedure, Step, Terms, Unit,
    },
    ledger::LedgerEvent,
    vault::Sealed,
    view::{Departure, OtherCalendar, ViewEvent},
};

/// Names every type of an event enum, in a match that a new variant breaks.
macro_rules! types {
    ($all:ident, $of:ident, $event:ty { $($pattern:pat => $name:literal,)+ }) => {
        pub(crate) const $all: &[&str] = &[$($name),+];

        pub(crate) fn $of(event: &$event) -> &'static str {
            match event {
                $($pattern => $name,)+
            }
        }
    };
}

#[path = "exemplars/conduct.rs"]
mod conduct;
#[path = "exemplars/discipline.rs"]
mod discipline;

pub(crate) use conduct::{RECORD, REPORT, record, report, type_of_record, type_of_report};
pub(crate) use discipline::{PROCEEDING, proceeding, type_of_proceeding};

types!(LEDGER, type_of_ledger, LedgerEvent { LedgerEvent::LedgerOpened { .. } => "ledger.LedgerOpened.v1", });
types!(AGENCY, type_of_agency, Agency {
    Agency::Opened { .. } => "directory.AgencyOpened.v1",
    Agency::Renamed { .. } => "directory.AgencyRenamed.v1",
    Agency::Merged { .. } => "directory.AgencyMerged.v1",
    Agency::Closed { .. } => "directory.AgencyClosed.v1",
});
types!(UNIT, type_of_unit, Unit {
    Unit::Opened { .. } => "directory.UnitOpened.v1",
    Unit::Renamed { .. } => "directory.UnitRenamed.v1",
    Unit::Merged { .. } => "directory.UnitMerged.v1",
    Unit::Closed { .. } => "directory.UnitClosed.v1",
});
types!(POST, type_of_post, Post {
    Post::Defined { .. } => "directory.PostDefined.v1",
    Post::Closed { .. } => "directory.PostClosed.v1",
});
types!(OFFICIAL, type_of_official, Official {
    Official::Registered { .. } => "directory.OfficialRegistered.v1",
    Official::Appointed { .. } => "directory.OfficialAppointed.v1",
    Official::Moved { .. } => "directory.OfficialMoved.v1",
    Official::Left { .. } => "directory.OfficialLeft.v1",
    Official::PartyMembershipChanged { .. } => "directory.PartyMembershipChanged.v1",
});
types!(PROCEDURE, type_of_procedure, Procedure {
    Procedure::Defined { .. } => "directory.ProcedureDefined.v1",
    Procedure::TermsChanged { .. } => "directory.TermsChanged.v1",
});
types!(STEP, type_of_step, Step { Step::Defined { .. } => "directory.StepDefined.v1", });
types!(DAYS, type_of_days, Days {
    Days::Declared { .. } => "directory.DayDeclared.v1",
    Days::Swapped { .. } => "directory.DaysSwapped.v1",
});
types!(CASE, type_of_case, CaseEvent {
    CaseEvent::Received { .. } => "delivery.CaseReceived.v1",
    CaseEvent::Accepted { .. } => "delivery.CaseAccepted.v1",
    CaseEvent::RefusedAtIntake { .. } => "delivery.CaseRefusedAtIntake.v1",
    CaseEvent::SupplementRequested { .. } => "delivery.SupplementRequested.v1",
    CaseEvent::SupplementReceived { .. } => "delivery.SupplementReceived.v1",
    CaseEvent::Assigned { .. } => "delivery.CaseAssigned.v1",
    CaseEvent::StepDone { .. } => "delivery.StepDone.v1",
    CaseEvent::HandedOver { .. } => "delivery.CaseHandedOver.v1",
    CaseEvent::TakenUp { .. } => "delivery.CaseTakenUp.v1",
    CaseEvent::Suspended { .. } => "delivery.CaseSuspended.v1",
    CaseEvent::Resumed { .. } => "delivery.CaseResumed.v1",
    CaseEvent::DelayApologised { .. } => "delivery.DelayApologised.v1",
    CaseEvent::Decided { .. } => "delivery.CaseDecided.v1",
    CaseEvent::ResultReturned { .. } => "delivery.ResultReturned.v1",
    CaseEvent::Withdrawn { .. } => "delivery.CaseWithdrawn.v1",
    CaseEvent::Rated { .. } => "delivery.CaseRated.v1",
    CaseEvent::Corrected { .. } => "delivery.CaseCorrected.v1",
});

types!(VIEW, type_of_view, ViewEvent {
    ViewEvent::ReplayStarted { .. } => "view.ReplayStarted.v1",
    ViewEvent::ReplayStopped { .. } => "view.ReplayStopped.v1",
    ViewEvent::ReplayResumed { .. } => "view.ReplayResumed.v1",
    ViewEvent::GenerationSwitched { .. } => "view.GenerationSwitched.v1",
    ViewEvent::GenerationRolledBack { .. } => "view.GenerationRolledBack.v1",
    ViewEvent::GenerationDropped { .. } => "view.GenerationDropped.v1",
});

/// Events by the name of their fixture: the type, and where there are several of a type, what tells them
/// apart.
pub(crate) type Exemplars<E> = Vec<(&'static str, E)>;

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn instant(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

pub(crate) fn ledger() -> Exemplars<LedgerEvent> {
    let opened = LedgerEvent::LedgerOpened {
        origin: "liem.example/hue".into(),
        jurisdiction: "VN-26".into(),
        time_zone: "+07:00".into(),
    };
    vec![("ledger.LedgerOpened.v1", opened)]
}

pub(crate) fn agency() -> Exemplars<Agency> {
    let opened = Agency::Opened {
        agency: "H57.18".into(),
        name_vi: "Sở Tài nguyên và Môi trường".into(),
        name_en: "Department of Natural Resources and Environment".into(),
    };
    let renamed = Agency::Renamed {
        agency: "H57.18".into(),
        name_vi: "Sở Nông nghiệp và Môi trường".into(),
        name_en: "Department of Agriculture and Environment".into(),
    };
    let merged =
        Agency::Merged { agency: "H57.18".into(), into: "H57.20".into(), effective_date: day("2026-07-01") };
    let closed = Agency::Closed { agency: "H57.18".into(), effective_date: day("2026-07-01") };
    vec![
        ("directory.AgencyOpened.v1", opened),
        ("directory.AgencyRenamed.v1", renamed),
        ("directory.AgencyMerged.v1", merged),
        ("directory.AgencyClosed.v1", closed),
    ]
}

pub(crate) fn unit() -> Exemplars<Unit> {
    let opened = Unit::Opened {
        unit: "H57.18.02".into(),
        agency: "H57.18".into(),
        name_vi: "Văn phòng Đăng ký đất đai".into(),
        name_en: String::new(),
    };
    let renamed = Unit::Renamed {
        unit: "H57.18.02".into(),
        name_vi: "Chi nhánh Văn phòng Đăng ký đất đai".into(),
        name_en: "Branch of the Land Registration Office".into(),
    };
    let merged = Unit::Merged {
        unit: "H57.18.02".into(),
        into: "H57.20.01".into(),
        effective_date: day("2026-07-01"),
    };
    let closed = Unit::Closed { unit: "H57.18.02".into(), effective_date: day("2026-07-01") };
    vec![
        ("directory.UnitOpened.v1", opened),
        ("directory.UnitRenamed.v1", renamed),
        ("directory.UnitMerged.v1", merged),
        ("directory.UnitClosed.v1", closed),
    ]
}

pub(crate) fn post() -> Exemplars<Post> {
    let defined = |unit, leadership| Post::Defined {
        post: "H57.18/head".into(),
        agency: "H57.18".into(),
        unit,
        leadership,
    };
    let closed = Post::Closed { post: "H57.18/head".into(), effective_date: day("2026-07-01") };
    vec![
        ("directory.PostDefined.v1", defined(Some("H57.18.02".into()), Leadership::Deputy)),
        ("directory.PostDefined.v1.minimal", defined(None, Leadership::Head)),
        ("directory.PostClosed.v1", closed),
    ]
}

pub(crate) fn official() -> Exemplars<Official> {
    let official = || "cb-0417".to_owned();
    let registered = |name| Official::Registered {
        official: official(),
        agency: "H57.18".into(),
        category: OfficialCategory::CivilServant,
        party_member: true,
        name,
    };
    let name =
        Sealed { seal: "019b8a00-00b0-7000-8000-4b227777d4dd".into(), commitment: "4b227777d4dd1fc6".into() };
    let moved = |unit| Official::Moved {
        official: official(),
        agency: "H57.20".into(),
        unit,
        from_date: day("2026-07-01"),
    };
    vec![
        ("directory.OfficialRegistered.v1", registered(Some(name))),
        ("directory.OfficialRegistered.v1.minimal", registered(None)),
        (
            "directory.OfficialAppointed.v1",
            Official::Appointed {
                official: official(),
                post: "H57.18/head".into(),
                from_date: day("2026-01-01"),
            },
        ),
        ("directory.OfficialMoved.v1", moved(Some("H57.20.01".into()))),
        ("directory.OfficialMoved.v1.minimal", moved(None)),
        (
            "directory.OfficialLeft.v1",
            Official::Left { official: official(), effective_date: day("2026-09-01") },
        ),
        (
            "directory.PartyMembershipChanged.v1",
            Official::PartyMembershipChanged {
                official: official(),
                party_member: false,
                effective_date: day("2026-03-01"),
            },
        ),
    ]
}

pub(crate) fn procedure() -> Exemplars<Procedure> {
    let defined = Procedure::Defined {
        procedure: "1.012781".into(),
        name_vi: "Cấp Giấy chứng nhận quyền sử dụng đất".into(),
        name_en: "Land use right certificate".into(),
        fields: vec!["land".into(), "resettlement".into()],
    };
    let changed = Procedure::TermsChanged { procedure: "1.012781".into(), terms: terms() };
    vec![("directory.ProcedureDefined.v1", defined), ("directory.TermsChanged.v1", changed)]
}

pub(crate) fn step() -> Exemplars<Step> {
    vec![("directory.StepDefined.v1", Step::Defined { step: "T02 Check confirmation of receipt".into() })]
}

pub(crate) fn days() -> Exemplars<Days> {
    let declared = Days::Declared { date: day("2026-09-01"), kind: DayKind::Off };
    let swapped = Days::Swapped { off_date: day("2026-01-02"), worked_date: day("2026-01-10") };
    vec![("directory.DayDeclared.v1", declared), ("directory.DaysSwapped.v1", swapped)]
}

pub(crate) fn view() -> Exemplars<ViewEvent> {
    let reason = || "ticket 12".to_owned();
    let departure = |date, kind| Departure { date: day(date), kind };
    let departures = vec![
        departure("2026-09-02", rulebook::DayKind::Off),
        departure("2026-09-05", rulebook::DayKind::Worked),
    ];
    let what_if = Some(OtherCalendar { calendar: "fewer@3f9a".into(), departures });
    let started = |what_if| ViewEvent::ReplayStarted { generation: 2, version: 3, what_if, reason: reason() };
    vec![
        ("view.ReplayStarted.v1", started(what_if)),
        ("view.ReplayStarted.v1.minimal", started(None)),
        ("view.ReplayStopped.v1", ViewEvent::ReplayStopped { generation: 2, reason: reason() }),
        ("view.ReplayResumed.v1", ViewEvent::ReplayResumed { generation: 2, reason: reason() }),
        ("view.GenerationSwitched.v1", ViewEvent::GenerationSwitched { from: 1, to: 2, reason: reason() }),
        (
            "view.GenerationRolledBack.v1",
            ViewEvent::GenerationRolledBack { from: 2, to: 1, reason: reason() },
        ),
        ("view.GenerationDropped.v1", ViewEvent::GenerationDropped { generation: 2, reason: reason() }),
    ]
}

fn terms() -> Terms {
    Terms { effective_date: day("2026-01-01"), statutory_working_days: 30, committed_working_days: 21 }
}

fn by() -> By {
    By { agency: "H57.18".into(), unit: Some("H57.18.02".into()), official: Some("cb-0417".into()) }
}

fn agency_only() -> By {
    By { agency: "H57.18".into(), unit: None, official: None }
}

/// A promise worked out from a procedure's terms.
fn promise() -> Promise {
    Promise {
        statutory_due: instant("2027-01-06T16:59:59.999999Z"),
        committed_due: instant("2026-12-23T16:59:59.999999Z"),
        basis: Basis::Terms { terms: terms(), calendar: "vietnam@3f9a".into(), directory_position: 412 },
    }
}

/// A promise given with the case.
fn explicit() -> Promise {
    let due = instant("2026-12-31T10:00:00Z");
    Promise { statutory_due: due, committed_due: due, basis: Basis::Explicit { due } }
}

fn procedure_code() -> String {
    "1.012781".into()
}

/// One of each type with every optional field present, one with none (`.minimal`), and one for each shape
/// that a field can take.
pub(crate) fn case() -> Exemplars<CaseEvent> {
    let mut exemplars = intake();
    exemplars.extend(handling());
    exemplars.extend(closing());
    exemplars.extend(corrections());
    exemplars
}

fn intake() -> Exemplars<CaseEvent> {
    use CaseEvent as E;
    vec![
        (
            "delivery.CaseReceived.v1",
            E::Received {
                case: "H57.18-261124-0001".into(),
                by: by(),
                procedure: Some(procedure_code()),
                channel: Some(Channel::Online),
                promise: Some(promise()),
                reopens: Some(Reopens { case: "H57.18-260211-0007".into(), revision: 9 }),
            },
        ),
        (
            "delivery.CaseReceived.v1.explicit",
            E::Received {
                case: "case-9998".into(),
                by: agency_only(),
                procedure: None,
                channel: Some(Channel::Counter),
                promise: Some(explicit()),
                reopens: None,
            },
        ),
        (
            "delivery.CaseReceived.v1.minimal",
            E::Received {
                case: "case-9997".into(),
                by: agency_only(),
                procedure: None,
                channel: None,
                promise: None,
                reopens: None,
            },
        ),
        ("delivery.CaseAccepted.v1", E::Accepted { by: by() }),
        ("delivery.CaseAccepted.v1.minimal", E::Accepted { by: agency_only() }),
        (
            "delivery.CaseRefusedAtIntake.v1",
            E::RefusedAtIntake {
                by: by(),
                procedure: Some(procedure_code()),
                reason: IntakeRefusalReason::NotCompetent,
                working_days: 2,
            },
        ),
        (
            "delivery.CaseRefusedAtIntake.v1.minimal",
            E::RefusedAtIntake {
                by: agency_only(),
                procedure: None,
                reason: IntakeRefusalReason::NotCompetent,
                working_days: 2,
            },
        ),
        (
            "delivery.SupplementRequested.v1",
            E::SupplementRequested { by: by(), reason: SupplementReason::DocumentMissing },
        ),
        (
            "delivery.SupplementRequested.v1.minimal",
            E::SupplementRequested { by: agency_only(), reason: SupplementReason::DocumentMissing },
        ),
        ("delivery.SupplementReceived.v1", E::SupplementReceived { by: by(), promise: Some(promise()) }),
        (
            "delivery.SupplementReceived.v1.minimal",
            E::SupplementReceived { by: agency_only(), promise: None },
        ),
    ]
}

fn handling() -> Exemplars<CaseEvent> {
    use CaseEvent as E;
    let (step, to_agency) = ("T02 Check confirmation of receipt".to_owned(), "H57.20".to_owned());
    vec![
        ("delivery.CaseAssigned.v1", E::Assigned { by: by(), assignee: Some("cb-0522".into()) }),
        ("delivery.CaseAssigned.v1.minimal", E::Assigned { by: agency_only(), assignee: None }),
        (
            "delivery.StepDone.v1",
            E::StepDone { by: by(), step: step.clone(), before_receipt: true, after_close: true },
        ),
        (
            "delivery.StepDone.v1.minimal",
            E::StepDone { by: agency_only(), step, before_receipt: false, after_close: false },
        ),
        ("delivery.CaseHandedOver.v1", E::HandedOver { by: by(), to_agency: to_agency.clone() }),
        ("delivery.CaseHandedOver.v1.minimal", E::HandedOver { by: agency_only(), to_agency }),
        ("delivery.CaseTakenUp.v1", E::TakenUp { by: by() }),
        ("delivery.CaseTakenUp.v1.minimal", E::TakenUp { by: agency_only() }),
        ("delivery.CaseSuspended.v1", E::Suspended { by: by(), reason: SuspensionReason::FinancialDuty }),
        (
            "delivery.CaseSuspended.v1.minimal",
            E::Suspended { by: agency_only(), reason: SuspensionReason::FinancialDuty },
        ),
        ("delivery.CaseResumed.v1", E::Resumed { by: by(), promise: Some(promise()) }),
        ("delivery.CaseResumed.v1.minimal", E::Resumed { by: agency_only(), promise: None }),
        (
            "delivery.DelayApologised.v1",
            E::DelayApologised { by: by(), new_date: day("2027-01-15"), reason: DelayReason::Coordination },
        ),
        (
            "delivery.DelayApologised.v1.minimal",
            E::DelayApologised {
                by: agency_only(),
                new_date: day("2027-01-15"),
                reason: DelayReason::Coordination,
            },
        ),
    ]
}

fn closing() -> Exemplars<CaseEvent> {
    use CaseEvent as E;
    vec![
        (
            "delivery.CaseDecided.v1",
            E::Decided {
                by: by(),
                procedure: Some(procedure_code()),
                outcome: Some(Outcome::Granted),
                working_days: 18,
            },
        ),
        (
            "delivery.CaseDecided.v1.minimal",
            E::Decided { by: agency_only(), procedure: None, outcome: None, working_days: 18 },
        ),
        ("delivery.ResultReturned.v1", E::ResultReturned { by: by() }),
        ("delivery.ResultReturned.v1.minimal", E::ResultReturned { by: agency_only() }),
        (
            "delivery.CaseWithdrawn.v1",
            E::Withdrawn { by: by(), procedure: Some(procedure_code()), working_days: 3 },
        ),
        (
            "delivery.CaseWithdrawn.v1.minimal",
            E::Withdrawn { by: agency_only(), procedure: None, working_days: 3 },
        ),
        ("delivery.CaseRated.v1", E::Rated { by: by(), rating: 4 }),
        ("delivery.CaseRated.v1.minimal", E::Rated { by: agency_only(), rating: 4 }),
    ]
}

fn corrections() -> Exemplars<CaseEvent> {
    let corrected = |correction, is_full: bool| CaseEvent::Corrected {
        by: if is_full { by() } else { agency_only() },
        reason: CorrectionReason::EntryMistake,
        correction,
        promise: is_full.then(promise),
        working_days: is_full.then_some(17),
    };
    let received = |occurred| Correction::Received { occurred };
    let at = Occurred::At(instant("2026-11-23T01:30:00.000001Z"));
    let on = Occurred::On(day("2026-11-23"));
    vec![
        ("delivery.CaseCorrected.v1", corrected(received(at), true)),
        ("delivery.CaseCorrected.v1.minimal", corrected(received(at), false)),
        ("delivery.CaseCorrected.v1.received-on", corrected(received(on), false)),
        ("delivery.CaseCorrected.v1.closed", corrected(Correction::Closed { occurred: on }, false)),
        (
            "delivery.CaseCorrected.v1.channel",
            corrected(Correction::Channel { channel: Channel::Post }, false),
        ),
        (
            "delivery.CaseCorrected.v1.procedure",
            corrected(Correction::Procedure { procedure: "2.000889".into() }, false),
        ),
        (
            "delivery.CaseCorrected.v1.due",
            corrected(Correction::Due { due: instant("2026-12-31T10:00:00Z") }, false),
        ),
    ]
}
