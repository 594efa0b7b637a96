//! Plans obey the rules of a case, and the year is as the province's people would know it.

use std::{
    collections::{BTreeMap, BTreeSet},
    hash::{DefaultHasher, Hash as _, Hasher as _},
};

use chrono::{NaiveDate, NaiveTime, Timelike as _};

use super::{super::province::REFUSER, *};

const COUNT: u64 = 6_000;

fn end() -> NaiveDate {
    "2026-10-31".parse().unwrap()
}

fn province() -> Province {
    Province::new(1, end())
}

/// Where a case stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Received,
    Accepted,
    Closed,
    Decided,
}

/// Why the clocks stand still.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Paused {
    ForSupplement,
    BySuspension,
}

/// The rules of a case, as `delivery` has them.
struct Checked<'p> {
    province: &'p Province,
    stage: Stage,
    holder: String,
    handed_to: Option<String>,
    channel: Channel,
    paused: Option<Paused>,
    is_returned: bool,
    is_rated: bool,
    was_reopened: bool,
}

impl<'p> Checked<'p> {
    fn new(province: &'p Province, receipt: &Planned) -> Self {
        let Action::Receive { unit, procedure, channel } = receipt.action else {
            panic!("{receipt:?} comes first")
        };
        assert!(province.procedures.iter().any(|p| p.code == procedure));
        let checked = Self {
            province,
            stage: Stage::Received,
            holder: receipt.agency.to_owned(),
            handed_to: None,
            channel,
            paused: None,
            is_returned: false,
            is_rated: false,
            was_reopened: false,
        };
        checked.check_unit(unit, receipt.agency);
        checked
    }

    fn check_unit(&self, unit: &str, agency: &str) {
        let unit = self.province.units.iter().find(|u| u.code == unit).expect("the unit is the province's");
        assert_eq!(self.province.agencies[unit.agency].code, agency, "{}", unit.code);
    }

    fn is_open(&self) -> bool {
        matches!(self.stage, Stage::Received | Stage::Accepted)
    }

    fn is_running(&self) -> bool {
        self.is_open() && self.paused.is_none()
    }

    fn take(&mut self, planned: &Planned) {
        let acts = planned.agency;
        match &planned.action {
            Action::TakeUp { .. } => assert_eq!(self.handed_to.as_deref(), Some(acts)),
            Action::Rate(_) => assert_eq!(acts, ""),
            _ => assert_eq!(acts, self.holder),
        }
        match &planned.action {
            Action::Receive { .. } => panic!("a case is received once"),
            Action::Accept => {
                assert!(self.is_running() && self.stage == Stage::Received);
                self.stage = Stage::Accepted;
            }
            Action::Refuse(_) => {
                assert!(self.stage == Stage::Received);
                self.stage = Stage::Closed;
            }
            Action::RequestSupplement(_) => {
                assert!(self.is_running());
                self.paused = Some(Paused::ForSupplement);
            }
            Action::ReceiveSupplement => {
                assert!(self.is_open() && self.paused == Some(Paused::ForSupplement));
                self.paused = None;
            }
            Action::Suspend(_) => {
                assert!(self.is_running());
                self.paused = Some(Paused::BySuspension);
            }
            Action::Resume => {
                assert!(self.is_open() && self.paused == Some(Paused::BySuspension));
                self.paused = None;
            }
            Action::Assign { unit, assignee } => {
                assert!(self.is_open() && !assignee.is_empty());
                if !unit.is_empty() {
                    self.check_unit(unit, acts);
                }
            }
            Action::RecordStep { step, unit } => {
                assert!(self.is_open() && self.province.steps.contains(step));
                self.check_unit(unit, acts);
            }
            Action::HandOver { to_agency } => {
                assert!(self.is_open() && self.handed_to.is_none() && *to_agency != self.holder);
                self.handed_to = Some((*to_agency).to_owned());
            }
            Action::TakeUp { unit } => {
                assert!(self.is_open());
                self.check_unit(unit, acts);
                self.holder = self.handed_to.take().unwrap();
            }
            Action::Apologise { days_later, .. } => assert!(self.is_running() && *days_later >= 1),
            Action::Decide(_) => {
                assert!(self.is_running() && self.handed_to.is_none());
                self.stage = Stage::Decided;
            }
            Action::ReturnResult => {
                assert!(self.stage == Stage::Decided && !self.is_returned);
                self.is_returned = true;
            }
            Action::Withdraw => {
                assert!(self.is_open() && self.handed_to.is_none());
                self.stage = Stage::Closed;
            }
            Action::Rate(rating) => {
                assert!(!self.is_open() && !self.is_rated && (1..=5).contains(rating));
                self.is_rated = true;
            }
            Action::Correct { correction, .. } => {
                assert!(!self.is_open());
                if let Correction::Channel(channel) = correction {
                    assert_ne!(Channel::try_from(*channel), Ok(self.channel));
                }
            }
            Action::Reopen => {
                assert!(!self.is_open() && !self.was_reopened);
                (self.was_reopened, self.is_returned, self.is_rated) = (true, false, false);
                self.stage = Stage::Received;
            }
        }
    }
}

#[test]
fn every_plan_obeys_the_rules_and_the_order_of_time() {
    check(&province(), COUNT);
    for (seed, end) in [(2, "2024-02-29"), (3, "2026-02-20"), (u64::MAX, "2030-12-31")] {
        check(&Province::new(seed, end.parse().unwrap()), 1_000);
    }
}

fn check(province: &Province, count: u64) {
    let mut before = None;
    for plan in cases(province, count) {
        let receipt = &plan.planned[0];
        assert!(before <= Some(receipt.at), "cases come in one after the other");
        before = Some(receipt.at);
        let mut case = Checked::new(province, receipt);
        for planned in &plan.planned[1..] {
            case.take(planned);
            let official = planned.official;
            assert!(official.is_empty() || proto::official_from("official", official).is_ok());
        }
        assert!(plan.planned.is_sorted_by(|a, b| a.at < b.at), "{plan:#?}");
        for planned in &plan.planned {
            let day = planned.at.with_timezone(&zone()).date_naive();
            assert!((province.start..=province.end).contains(&day), "{planned:?}");
        }
    }
}

#[test]
fn the_seed_makes_the_cases() {
    let digest = |seed| {
        let province = Province::new(seed, end());
        let mut hasher = DefaultHasher::new();
        cases(&province, 500).for_each(|plan| format!("{plan:?}").hash(&mut hasher));
        hasher.finish()
    };
    assert_eq!(digest(1), digest(1));
    assert_ne!(digest(1), digest(2));
    let province = province();
    assert_eq!(cases(&province, 0).count(), 0);
    assert_eq!(cases(&province, 1).count(), 1);
}

/// What a plan has, by word.
fn words(plan: &CasePlan) -> BTreeSet<&'static str> {
    let word = |planned: &Planned| match planned.action {
        Action::Receive { channel, .. } => match channel {
            Channel::Online => "online",
            Channel::Post => "post",
            _ => "counter",
        },
        Action::Accept => "accepted",
        Action::Refuse(_) => "refused at intake",
        Action::RequestSupplement(_) => "supplement",
        Action::ReceiveSupplement => "supplemented",
        Action::Assign { .. } => "assigned",
        Action::RecordStep { .. } => "step",
        Action::HandOver { .. } => "handed over",
        Action::TakeUp { .. } => "taken up",
        Action::Suspend(_) => "suspended",
        Action::Resume => "resumed",
        Action::Apologise { .. } => "apology",
        Action::Decide(_) => "decided",
        Action::ReturnResult => "returned",
        Action::Withdraw => "withdrawn",
        Action::Rate(_) => "rated",
        Action::Correct { .. } => "corrected",
        Action::Reopen => "reopened",
    };
    plan.planned.iter().map(word).collect()
}

#[test]
fn things_happen_as_often_as_they_should() {
    let province = province();
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for plan in cases(&province, COUNT) {
        let words = words(&plan);
        let is_closed = ["decided", "refused at intake", "withdrawn"].iter().any(|word| words.contains(word));
        for word in words.into_iter().chain(is_closed.then_some("closed")) {
            *counts.entry(word).or_default() += 1;
        }
    }
    let per_mille = |word, of| counts[word] * 1_000 / of;
    for (word, expected) in [
        ("online", 400..=650),
        ("post", 15..=60),
        ("counter", 320..=580),
        ("refused at intake", 28..=44),
        ("supplement", 68..=92),
        ("handed over", 50..=70),
        ("suspended", 23..=37),
        ("withdrawn", 14..=26),
        ("apology", 15..=60),
        ("corrected", 2..=8),
        ("closed", 890..=970),
    ] {
        assert!(expected.contains(&per_mille(word, COUNT)), "{word}: {counts:?}");
    }
    let closed = counts["closed"];
    assert!((280..=310).contains(&per_mille("rated", closed)), "{counts:?}");
    assert!((6..=14).contains(&per_mille("reopened", counts["decided"])), "{counts:?}");
    assert!(counts["taken up"] <= counts["handed over"] && counts["resumed"] <= counts["suspended"]);
}

#[test]
fn one_agency_refuses_more_than_the_others() {
    let province = province();
    // By agency: refused at intake, and all.
    let mut counts: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for plan in cases(&province, COUNT) {
        let (refused, all) = counts.entry(plan.planned[0].agency).or_default();
        *refused += u64::from(words(&plan).contains("refused at intake"));
        *all += 1;
    }
    let (refused, all) = counts.remove(province.agencies[REFUSER].code.as_str()).unwrap();
    assert!(refused * 10 > all, "{refused} of {all}");
    let others = counts.values().fold((0, 0), |sum, of| (sum.0 + of.0, sum.1 + of.1));
    assert!((24..=36).contains(&(others.0 * 1_000 / others.1)), "{others:?}");
}

#[test]
fn agencies_work_in_office_hours() {
    let province = province();
    let hour = |hour, minute| NaiveTime::from_hms_opt(hour, minute, 0).unwrap();
    for planned in cases(&province, 1_000).flat_map(|plan| plan.planned) {
        let time = planned.at.with_timezone(&zone()).time();
        let is_citizens =
            matches!(planned.action, Action::Rate(_) | Action::Receive { channel: Channel::Online, .. });
        let (from, until) = if is_citizens { (hour(7, 0), hour(22, 0)) } else { (hour(7, 30), hour(17, 0)) };
        assert!((from..until).contains(&time), "{planned:?}");
        assert_eq!(time.nanosecond(), 0);
    }
}
