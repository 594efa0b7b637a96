//! The rules of the directory: given a state or the directory, when a command, then an event or a refusal.

use chrono::NaiveDate;
use esrs::Aggregate;
use events::{
    Event, Fact, Occurred,
    directory::{
        Agency, Body, DayKind, Days, Directory, Leadership, Official, OfficialCategory, Post, Terms, Unit,
    },
};

use super::{
    AgencyAggregate, DaysAggregate, OfficialAggregate, PostAggregate, ProcedureAggregate, ProcedureCommand,
    Refusal, UnitAggregate,
    days::{DaysState, kind_of},
    procedure::ProcedureState,
    rules,
};

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn fact<E>(data: E) -> Fact<E> {
    Fact { occurred: Occurred::On(day("2026-11-24")), data }
}

#[test]
fn terms_take_effect_in_order() {
    let terms =
        |date| Terms { effective_date: day(date), statutory_working_days: 10, committed_working_days: 7 };
    let change = |date| ProcedureCommand::ChangeTerms {
        occurred: Occurred::On(day("2026-11-24")),
        procedure: "1.001234".into(),
        terms: terms(date),
    };
    let unknown = ProcedureAggregate::handle_command(&ProcedureState::default(), change("2026-01-01"));
    assert_eq!(unknown, Err(Refusal::ProcedureUnknown("1.001234".into())));

    let state = ProcedureState { is_defined: true, last_terms: Some(terms("2026-01-01")) };
    assert!(ProcedureAggregate::handle_command(&state, change("2026-02-01")).is_ok());
    let same_day = ProcedureAggregate::handle_command(&state, change("2026-01-01"));
    assert_eq!(same_day, Err(Refusal::TermsOutOfOrder { last: day("2026-01-01") }));
}

#[test]
fn a_day_is_declared_only_when_that_changes_it() {
    let swap = Days::Swapped { off_date: day("2026-11-23"), worked_date: day("2026-11-28") };
    let state = DaysState::default();
    assert_eq!(DaysAggregate::handle_command(&state, fact(swap.clone())).unwrap().len(), 1);
    let state = DaysAggregate::apply_event(state, fact(swap.clone()));
    assert_eq!(DaysAggregate::handle_command(&state, fact(swap)), Err(Refusal::DayUnchanged));
    assert_eq!(kind_of(&state.0, day("2026-11-28")), DayKind::Worked);
}

/// What an aggregate makes of events one after the other, each of which it must take.
fn state_of<A, E>(events: Vec<E>) -> A::State
where
    A: Aggregate<Command = Fact<E>, Event = Fact<E>, Error = Refusal>,
    E: Event + PartialEq + std::fmt::Debug,
{
    let mut state = A::State::default();
    for event in events {
        let taken = A::handle_command(&state, fact(event)).unwrap();
        state = taken.into_iter().fold(state, A::apply_event);
    }
    state
}

/// How an aggregate refuses an event after others.
fn refused<A, E>(events: Vec<E>, event: E) -> Refusal
where
    A: Aggregate<Command = Fact<E>, Event = Fact<E>, Error = Refusal>,
    E: Event + PartialEq + std::fmt::Debug,
{
    A::handle_command(&state_of::<A, E>(events), fact(event)).unwrap_err()
}

fn opened(agency: &str) -> Agency {
    Agency::Opened { agency: agency.into(), name_vi: "Sở".into(), name_en: String::new() }
}

fn renamed(agency: &str, name_vi: &str) -> Agency {
    Agency::Renamed { agency: agency.into(), name_vi: name_vi.into(), name_en: String::new() }
}

fn merged(agency: &str, into: &str, date: &str) -> Agency {
    Agency::Merged { agency: agency.into(), into: into.into(), effective_date: day(date) }
}

fn closed(agency: &str, date: &str) -> Agency {
    Agency::Closed { agency: agency.into(), effective_date: day(date) }
}

#[test]
fn an_agency_is_opened_once_and_stays_as_it_is_once_it_is_no_more() {
    type A = AgencyAggregate;
    let exists = Refusal::AgencyExists("H57".into());
    assert_eq!(refused::<A, _>(vec![opened("H57")], opened("H57")), exists);
    let unknown = Refusal::AgencyUnknown("H57".into());
    for event in [renamed("H57", "x"), merged("H57", "H58", "2026-07-01"), closed("H57", "2026-07-01")] {
        assert_eq!(refused::<A, _>(Vec::new(), event), unknown);
    }
    assert_eq!(refused::<A, _>(vec![opened("H57")], renamed("H57", "Sở")), Refusal::NamesUnchanged);
    let itself = merged("H57", "H57", "2026-07-01");
    assert_eq!(refused::<A, _>(vec![opened("H57")], itself), Refusal::MergedIntoItself("H57".into()));

    for (end, into) in
        [(merged("H57", "H58", "2026-07-01"), Some("H58".to_owned())), (closed("H57", "2026-07-01"), None)]
    {
        let gone = || vec![opened("H57"), renamed("H57", "Sở mới"), end.clone()];
        let refusal = Refusal::AgencyClosed { code: "H57".into(), date: day("2026-07-01"), into };
        for event in [renamed("H57", "x"), merged("H57", "H59", "2026-08-01"), closed("H57", "2026-08-01")] {
            assert_eq!(refused::<A, _>(gone(), event), refusal);
        }
        // Nor is its code free again.
        assert_eq!(refused::<A, _>(gone(), opened("H57")), exists);
    }
}

#[test]
fn a_unit_is_opened_once_and_stays_as_it_is_once_it_is_no_more() {
    type A = UnitAggregate;
    let unit = || "U".to_owned();
    let opened = || Unit::Opened {
        unit: unit(),
        agency: "H57".into(),
        name_vi: "Phòng".into(),
        name_en: String::new(),
    };
    let renamed =
        |name_vi: &str| Unit::Renamed { unit: unit(), name_vi: name_vi.into(), name_en: String::new() };
    let merged =
        |into: &str| Unit::Merged { unit: unit(), into: into.into(), effective_date: day("2026-07-01") };
    let closed = || Unit::Closed { unit: unit(), effective_date: day("2026-07-01") };
    assert_eq!(refused::<A, _>(vec![opened()], opened()), Refusal::UnitExists(unit()));
    for event in [renamed("x"), merged("V"), closed()] {
        assert_eq!(refused::<A, _>(Vec::new(), event), Refusal::UnitUnknown(unit()));
    }
    assert_eq!(refused::<A, _>(vec![opened()], renamed("Phòng")), Refusal::NamesUnchanged);
    assert_eq!(refused::<A, _>(vec![opened()], merged("U")), Refusal::MergedIntoItself(unit()));
    let gone = || vec![opened(), renamed("Phòng mới"), merged("V")];
    let refusal = Refusal::UnitClosed { code: unit(), date: day("2026-07-01"), into: Some("V".to_owned()) };
    for event in [renamed("x"), merged("W"), closed()] {
        assert_eq!(refused::<A, _>(gone(), event), refusal);
    }
}

fn registered(official: &str) -> Official {
    Official::Registered {
        official: official.into(),
        agency: "H57".into(),
        category: OfficialCategory::CivilServant,
        party_member: false,
        name: None,
    }
}

fn appointed(official: &str, post: &str, from: &str) -> Official {
    Official::Appointed { official: official.into(), post: post.into(), from_date: day(from) }
}

fn moved(from: &str) -> Official {
    Official::Moved { official: "o-1".into(), agency: "H57".into(), unit: None, from_date: day(from) }
}

fn left(date: &str) -> Official {
    Official::Left { official: "o-1".into(), effective_date: day(date) }
}

fn party(party_member: bool, date: &str) -> Official {
    Official::PartyMembershipChanged { official: "o-1".into(), party_member, effective_date: day(date) }
}

#[test]
fn what_is_recorded_of_an_official_goes_day_by_day_until_they_leave() {
    type A = OfficialAggregate;
    let after = |events: &[Official], event: Official| {
        refused::<A, _>([&[registered("o-1")], events].concat(), event)
    };
    assert_eq!(after(&[], registered("o-1")), Refusal::OfficialExists("o-1".into()));
    for event in [
        appointed("o-1", "P", "2026-01-01"),
        moved("2026-01-01"),
        left("2026-01-01"),
        party(true, "2026-01-01"),
    ] {
        assert_eq!(refused::<A, _>(Vec::new(), event), Refusal::OfficialUnknown("o-1".into()));
    }
    let out_of_order =
        |date: &str, follows: &str| Refusal::DatesOutOfOrder { date: day(date), follows: day(follows) };
    let held = [appointed("o-1", "P", "2026-01-01")];
    for event in [appointed("o-1", "Q", "2026-01-01"), moved("2026-01-01"), left("2026-01-01")] {
        assert_eq!(after(&held, event), out_of_order("2026-01-01", "2026-01-01"));
    }
    let gone_elsewhere = [appointed("o-1", "P", "2026-01-01"), moved("2026-03-01")];
    assert_eq!(after(&gone_elsewhere, moved("2026-03-01")), out_of_order("2026-03-01", "2026-03-01"));
    assert_eq!(
        after(&gone_elsewhere, appointed("o-1", "Q", "2026-02-28")),
        out_of_order("2026-02-28", "2026-03-01")
    );
    // Whoever moves can be appointed on that day.
    let appointed_there = [&gone_elsewhere[..], &[appointed("o-1", "Q", "2026-03-01")]].concat();
    assert_eq!(after(&appointed_there, left("2026-03-01")), out_of_order("2026-03-01", "2026-03-01"));

    assert_eq!(after(&[], party(false, "2026-01-01")), Refusal::PartyMembershipUnchanged);
    let joined = [party(true, "2026-01-01")];
    assert_eq!(after(&joined, party(true, "2026-02-01")), Refusal::PartyMembershipUnchanged);
    assert_eq!(after(&joined, party(false, "2026-01-01")), out_of_order("2026-01-01", "2026-01-01"));

    let gone = [appointed_there, vec![left("2026-06-01")]].concat();
    for event in [
        appointed("o-1", "P", "2026-07-01"),
        moved("2026-07-01"),
        left("2026-07-01"),
        party(true, "2026-07-01"),
    ] {
        let refusal = Refusal::OfficialLeft { official: "o-1".into(), date: day("2026-06-01") };
        assert_eq!(after(&gone, event), refusal);
    }
}

#[test]
fn a_post_is_defined_once_and_closed_once() {
    type A = PostAggregate;
    let defined =
        || Post::Defined { post: "P".into(), agency: "H57".into(), unit: None, leadership: Leadership::Head };
    let closed = |date| Post::Closed { post: "P".into(), effective_date: day(date) };
    assert_eq!(refused::<A, _>(vec![defined()], defined()), Refusal::PostExists("P".into()));
    assert_eq!(refused::<A, _>(Vec::new(), closed("2026-07-01")), Refusal::PostUnknown("P".into()));
    let again = refused::<A, _>(vec![defined(), closed("2026-07-01")], closed("2026-08-01"));
    assert_eq!(again, Refusal::PostClosed { post: "P".into(), date: day("2026-07-01") });
    // A closed post keeps its code.
    let again = refused::<A, _>(vec![defined(), closed("2026-07-01")], defined());
    assert_eq!(again, Refusal::PostExists("P".into()));
}

fn fold<E: Event>(directory: &mut Directory, events: Vec<E>) {
    for event in events {
        let entry = events::encode(&event).unwrap();
        let entry = format!(r#"{{"type":"{}","data":{}}}"#, entry.event_type, entry.data);
        directory.fold(E::CATEGORY, entry.as_bytes()).unwrap();
    }
}

fn unit(code: &str, agency: &str) -> Unit {
    Unit::Opened { unit: code.into(), agency: agency.into(), name_vi: String::new(), name_en: String::new() }
}

fn post(code: &str, agency: &str, unit: Option<&str>, leadership: Leadership) -> Post {
    Post::Defined { post: code.into(), agency: agency.into(), unit: unit.map(str::to_owned), leadership }
}

/// H1 was merged into H2 in March; H3 is open, and H4 was closed in May. The head of H2 began in April.
fn directory() -> Directory {
    let mut directory = Directory::default();
    fold(&mut directory, ["H1", "H2", "H3", "H4"].map(opened).to_vec());
    fold(&mut directory, vec![unit("U1", "H1"), unit("U2", "H2"), unit("U3", "H3"), unit("U4", "H3")]);
    let head = |code, agency| post(code, agency, None, Leadership::Head);
    fold(
        &mut directory,
        vec![head("P1", "H1"), head("P2", "H2"), post("D2", "H2", None, Leadership::Deputy)],
    );
    fold(&mut directory, ["o-1", "o-2"].map(registered).to_vec());
    fold(&mut directory, vec![merged("H1", "H2", "2026-03-01"), closed("H4", "2026-05-01")]);
    fold(&mut directory, vec![appointed("o-1", "P2", "2026-04-01")]);
    fold(&mut directory, vec![Unit::Closed { unit: "U4".into(), effective_date: day("2026-05-01") }]);
    directory
}

#[test]
fn an_agency_ends_on_a_day_that_has_come_and_in_one_that_is_there() {
    let directory = directory();
    let ends = |code, into, date| {
        rules::ends(&directory, Body::Agency(code), into, day(date), day("2026-06-01")).err()
    };
    assert_eq!(ends("H2", Some("H3"), "2026-06-01"), None);
    assert_eq!(ends("H3", None, "2026-06-01"), None);
    assert_eq!(ends("H2", Some("H3"), "2026-06-02"), Some(Refusal::DateInFuture { date: day("2026-06-02") }));
    let out_of_order =
        |date: &str, follows: &str| Some(Refusal::DatesOutOfOrder { date: day(date), follows: day(follows) });
    // Not before the head's first day, nor before what was merged into it.
    assert_eq!(ends("H2", Some("H3"), "2026-04-01"), out_of_order("2026-04-01", "2026-04-01"));
    assert_eq!(ends("H2", None, "2026-02-28"), out_of_order("2026-02-28", "2026-03-01"));
    assert_eq!(ends("H2", Some("H9"), "2026-06-01"), Some(Refusal::AgencyUnknown("H9".into())));
    // Into one that is no more, and so in no circle either.
    let gone = |code: &str, date, into: Option<&str>| {
        let into = into.map(str::to_owned);
        Some(Refusal::AgencyClosed { code: code.into(), date: day(date), into })
    };
    assert_eq!(ends("H2", Some("H1"), "2026-06-01"), gone("H1", "2026-03-01", Some("H2")));
    assert_eq!(ends("H2", Some("H4"), "2026-06-01"), gone("H4", "2026-05-01", None));
}

#[test]
fn a_unit_ends_in_one_that_is_there_whatever_its_agency() {
    let directory = directory();
    let ends =
        |into| rules::ends(&directory, Body::Unit("U1"), into, day("2026-06-01"), day("2026-06-01")).err();
    assert_eq!(ends(Some("U2")), None);
    assert_eq!(ends(Some("U3")), None);
    assert_eq!(ends(None), None);
    assert_eq!(ends(Some("U9")), Some(Refusal::UnitUnknown("U9".into())));
    let gone = Refusal::UnitClosed { code: "U4".into(), date: day("2026-05-01"), into: None };
    assert_eq!(ends(Some("U4")), Some(gone));
}

#[test]
fn units_and_posts_are_of_agencies_that_are_there() {
    let directory = directory();
    let merged =
        Refusal::AgencyClosed { code: "H1".into(), date: day("2026-03-01"), into: Some("H2".into()) };
    assert_eq!(rules::unit_opened(&directory, "U8", "H2"), Ok(()));
    assert_eq!(rules::unit_opened(&directory, "U8", "H1"), Err(merged.clone()));
    assert_eq!(rules::registered(&directory, "o-8", "H1"), Err(merged.clone()));
    // What is there already is for the aggregates.
    assert_eq!(rules::unit_opened(&directory, "U1", "H1"), Ok(()));
    assert_eq!(rules::registered(&directory, "o-1", "H1"), Ok(()));
    assert_eq!(rules::post_defined(&directory, "P1", "H1", None), Ok(()));
    let defined = |agency, unit| rules::post_defined(&directory, "P8", agency, unit).err();
    assert_eq!(defined("H2", None), None);
    // The units of what was merged into an agency are its own.
    assert_eq!((defined("H2", Some("U2")), defined("H2", Some("U1"))), (None, None));
    assert_eq!(defined("H1", Some("U1")), Some(merged));
    assert_eq!(defined("H9", None), Some(Refusal::AgencyUnknown("H9".into())));
    assert_eq!(defined("H2", Some("U9")), Some(Refusal::UnitUnknown("U9".into())));
    let other = Refusal::UnitOfOtherAgency { unit: "U3".into(), agency: "H3".into() };
    assert_eq!(defined("H2", Some("U3")), Some(other));
    let gone = Refusal::UnitClosed { code: "U4".into(), date: day("2026-05-01"), into: None };
    assert_eq!(defined("H3", Some("U4")), Some(gone));
}

#[test]
fn a_head_follows_the_head_before_and_a_post_that_was_there() {
    let mut directory = directory();
    let appoint = |directory: &Directory, official, post, from| {
        rules::appointed(directory, official, post, day(from)).err()
    };
    let out_of_order =
        |date: &str, follows: &str| Some(Refusal::DatesOutOfOrder { date: day(date), follows: day(follows) });
    assert_eq!(appoint(&directory, "o-2", "P2", "2026-04-02"), None);
    assert_eq!(appoint(&directory, "o-2", "P2", "2026-04-01"), out_of_order("2026-04-01", "2026-04-01"));
    // There can be several deputies, and the aggregate knows the official's own days.
    assert_eq!(appoint(&directory, "o-2", "D2", "2026-01-01"), None);
    assert_eq!(appoint(&directory, "o-1", "P2", "2026-04-01"), None);
    // The head of an agency that is no more, for the time when it was.
    assert_eq!(appoint(&directory, "o-2", "P1", "2026-02-28"), None);
    let merged =
        Refusal::AgencyClosed { code: "H1".into(), date: day("2026-03-01"), into: Some("H2".into()) };
    assert_eq!(appoint(&directory, "o-2", "P1", "2026-03-01"), Some(merged));
    assert_eq!(appoint(&directory, "o-2", "P9", "2026-03-01"), Some(Refusal::PostUnknown("P9".into())));

    let close = |date| rules::post_closed(&directory, "P2", day(date)).err();
    assert_eq!(close("2026-04-02"), None);
    assert_eq!(close("2026-04-01"), out_of_order("2026-04-01", "2026-04-01"));
    fold(&mut directory, vec![Post::Closed { post: "P2".into(), effective_date: day("2026-05-01") }]);
    assert_eq!(appoint(&directory, "o-2", "P2", "2026-04-30"), None);
    let closed = Refusal::PostClosed { post: "P2".into(), date: day("2026-05-01") };
    assert_eq!(appoint(&directory, "o-2", "P2", "2026-05-01"), Some(closed));
}

#[test]
fn an_official_moves_to_where_something_was_on_that_day() {
    let directory = directory();
    let moved = |agency, unit, from| rules::moved(&directory, agency, unit, day(from)).err();
    assert_eq!(moved("H1", Some("U1"), "2026-02-28"), None);
    assert!(matches!(moved("H1", Some("U1"), "2026-03-01"), Some(Refusal::AgencyClosed { .. })));
    assert_eq!(moved("H2", Some("U1"), "2026-03-01"), None);
    assert!(matches!(moved("H3", Some("U4"), "2026-05-01"), Some(Refusal::UnitClosed { .. })));
    assert!(matches!(moved("H3", Some("U2"), "2026-05-01"), Some(Refusal::UnitOfOtherAgency { .. })));
}
