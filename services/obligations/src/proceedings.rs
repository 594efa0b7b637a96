//! The duties of a proceeding, which run side by side.

use events::{
    conduct::Limit,
    discipline::{AppealResult, ProceedingEvent, SanctionResult},
};

use crate::{
    stretch::{Duty, Stretch},
    view::{Clock, ClockEntry, ObligationsView},
};

/// The types of its events that change a clock, or that say whose it is.
pub(crate) const TYPES: [&str; 16] = [
    "discipline.ProceedingDue.v1",
    "discipline.DutyLapsed.v1",
    "discipline.ProceedingNotOpened.v1",
    "discipline.ProceedingOpened.v1",
    "discipline.HandlingExtended.v1",
    "discipline.ProceedingPaused.v1",
    "discipline.ProceedingResumed.v1",
    "discipline.CouncilConvened.v1",
    "discipline.SanctionDecided.v1",
    "discipline.SanctionExecuted.v1",
    "discipline.SanctionAppealed.v1",
    "discipline.SanctionAppealDecided.v1",
    "discipline.OfficialExonerated.v1",
    "discipline.ApologyMade.v1",
    "discipline.OfficialRestored.v1",
    "discipline.ProceedingClosed.v1",
];

/// The duties whose clock a pause stops.
const PAUSED: [Duty; 2] = [Duty::ConveneCouncil, Duty::DecideSanction];

/// Brings an event into the clocks of its proceeding.
pub(crate) fn fold(view: &ObligationsView, clock: &mut Clock, entry: &ClockEntry, event: &ProceedingEvent) {
    use ProceedingEvent as E;
    let at = entry.occurred.earliest_micros(view.zone);
    let standing = clock.standing.get_or_insert_default();
    standing.apply(event);
    let handler = standing.handler.clone();
    let (position, stretches) = (entry.position, &mut clock.stretches);
    let begins = |duty, agency: &str, limit: &Limit| Stretch {
        duty,
        agency: agency.to_owned(),
        unit: String::new(),
        clock_since: view.start(limit),
        since: at,
        until: None,
        due: view.due(limit),
        paused: false,
        rule: limit.rule.clone(),
        position,
    };
    let (ended, begun): (&[Duty], Vec<Option<Stretch>>) = match event {
        E::Due { duty_of, open, .. } => (&[], vec![Some(begins(Duty::OpenProceeding, duty_of, open))]),
        E::Lapsed { .. } | E::NotOpened { .. } => (&[Duty::OpenProceeding], Vec::new()),
        E::Opened { convene, decide, .. } => {
            let convene = convene.as_ref().map(|limit| begins(Duty::ConveneCouncil, &handler, limit));
            let decide = decide.as_ref().map(|limit| begins(Duty::DecideSanction, &handler, limit));
            (&[Duty::OpenProceeding], vec![convene, decide])
        }
        E::Extended { decide, .. } => {
            let due = view.due(decide);
            stretches.change_of(Duty::DecideSanction, at, position, |stretch| stretch.due = due);
            return;
        }
        E::Paused { .. } => {
            for duty in PAUSED {
                stretches.change_of(duty, at, position, |stretch| stretch.paused = true);
            }
            return;
        }
        E::Resumed { convene, decide, .. } => {
            for (duty, limit) in PAUSED.into_iter().zip([convene, decide]) {
                stretches.change_of(duty, at, position, |stretch| {
                    stretch.paused = false;
                    stretch.due = limit.as_ref().map_or(stretch.due, |limit| view.due(limit));
                });
            }
            return;
        }
        E::CouncilConvened { .. } => (&[Duty::ConveneCouncil], Vec::new()),
        E::Decided { decision, execute, .. } => {
            let execute = execute.as_ref().filter(|_| decision.result == SanctionResult::Sanctioned);
            let execute = execute.map(|limit| begins(Duty::ExecuteSanction, &handler, limit));
            (&PAUSED, vec![execute])
        }
        E::Closed { .. } => (&PAUSED, Vec::new()),
        E::Executed { .. } => (&[Duty::ExecuteSanction], Vec::new()),
        // The agency that took it answers it. What was decided is executed meanwhile.
        E::Appealed { by, answer } => {
            let answer = answer.as_ref().map(|limit| begins(Duty::AnswerAppeal, &by.agency, limit));
            (&[], vec![answer])
        }
        E::AppealDecided { result: AppealResult::Annulled, .. } => {
            (&[Duty::AnswerAppeal, Duty::ExecuteSanction], Vec::new())
        }
        E::AppealDecided { .. } => (&[Duty::AnswerAppeal], Vec::new()),
        // Nothing is left to appeal against.
        E::Exonerated { apologise, restore, .. } => {
            let apologise = apologise.as_ref().map(|limit| begins(Duty::Apologise, &handler, limit));
            let restore = restore.as_ref().map(|limit| begins(Duty::Restore, &handler, limit));
            (&[Duty::ExecuteSanction, Duty::AnswerAppeal], vec![apologise, restore])
        }
        E::Apologised { .. } => (&[Duty::Apologise], Vec::new()),
        E::Restored { .. } => (&[Duty::Restore], Vec::new()),
        E::HearingHeld { .. }
        | E::CircumstanceRecorded { .. }
        | E::Recommended { .. }
        | E::HeadHeldLiable { .. }
        | E::Cleared { .. } => return,
    };
    for duty in ended {
        stretches.end_of(*duty, at);
    }
    for stretch in begun.into_iter().flatten() {
        stretches.begin_beside(stretch);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use chrono::NaiveDate;
    use eventlog::Entry;
    use projection::View as _;

    use super::*;

    /// The clocks of the history's proceedings.
    struct History {
        view: ObligationsView,
        clocks: BTreeMap<String, Clock>,
    }

    impl History {
        fn folded() -> Self {
            let view = ObligationsView::new(events::parse_offset("+07:00").unwrap());
            let mut clocks = BTreeMap::<String, Clock>::new();
            for (position, line) in (1..).zip(events::HISTORY.lines()) {
                let entry = Entry { position, bytes: line.as_bytes().into() };
                if !entry.happened().unwrap().event_type.starts_with("discipline.") {
                    continue;
                }
                let key = entry.happened().unwrap().key().to_owned();
                let event = entry.happened().unwrap().event().unwrap();
                let entry = view.read(&entry).unwrap().unwrap();
                fold(&view, clocks.entry(key).or_default(), &entry, &event);
            }
            Self { view, clocks }
        }

        /// The duties at the end of a day, of all proceedings against somebody, or nobody: word, agency, due day.
        fn at(&self, person: Option<&str>, day: &str) -> Vec<String> {
            let day: NaiveDate = day.parse().unwrap();
            let moment = events::end_of_day(day, self.view.zone).timestamp_micros() - 1;
            let of = |clock: &&Clock| clock.standing.as_ref().unwrap().person.as_deref() == person;
            let mut found = Vec::new();
            for clock in self.clocks.values().filter(of) {
                for stretch in clock.stretches.at(moment) {
                    let due = chrono::DateTime::from_timestamp_micros(stretch.due).unwrap();
                    let due = due.with_timezone(&self.view.zone).date_naive();
                    let due = if stretch.paused { "paused".to_owned() } else { due.to_string() };
                    found.push(format!("{} {} {due}", stretch.duty.as_str(), stretch.agency));
                }
            }
            found.sort();
            found
        }
    }

    #[test]
    fn duties_begin_and_end_as_the_events_say() {
        let history = History::folded();
        let bribed = |day| history.at(Some("cb-0302"), day);
        assert_eq!(bribed("2026-08-27"), Vec::<String>::new());
        // One of the two was due without a person, who is known since it was opened.
        let due = "open_proceeding H57.03 2026-09-28".to_owned();
        assert_eq!(bribed("2026-08-28"), [due.clone(), due]);
        let (council, first) = ("convene_council H57.03 2026-10-22", "decide_sanction H57.03 2026-12-06");
        assert_eq!(bribed("2026-09-13"), [council, first, "decide_sanction H57.03 2026-12-09"]);
        assert_eq!(bribed("2026-09-14"), [first, "decide_sanction H57.03 2026-12-09"]);
        // The first is executed, and appealed against; the second appealed against, which doesn't stop its execution.
        assert_eq!(
            bribed("2026-10-13"),
            [
                "answer_appeal H57.03 2026-11-11",
                "answer_appeal H57.03 2026-11-12",
                "execute_sanction H57.03 2026-11-05"
            ]
        );
        // Annulled: nothing is left to execute.
        assert_eq!(bribed("2026-10-26"), ["answer_appeal H57.03 2026-11-12"]);
        assert_eq!(bribed("2026-10-28"), Vec::<String>::new());
    }

    #[test]
    fn a_duty_lapses_and_comes_back() {
        let history = History::folded();
        let unknown = |day| history.at(None, day);
        assert_eq!(unknown("2026-10-02"), ["open_proceeding H57.03 2026-11-02"]);
        assert_eq!(unknown("2026-10-12"), Vec::<String>::new());
        assert_eq!(unknown("2026-10-23"), ["open_proceeding H57.03 2026-11-23"]);
        assert_eq!(unknown("2026-10-30"), Vec::<String>::new());
    }

    #[test]
    fn a_pause_stops_the_clocks_and_an_exoneration_gives_new_duties() {
        let history = History::folded();
        let head = |day| history.at(Some("cb-0301"), day);
        let paused = [
            "convene_council H57.02 paused",
            "decide_sanction H57.02 paused",
            "decide_sanction H57.02 paused",
        ];
        assert_eq!(head("2026-11-09"), paused);
        assert_eq!(
            head("2026-11-30"),
            [
                "convene_council H57.02 2027-01-03",
                "decide_sanction H57.02 2027-02-17",
                "decide_sanction H57.02 2027-02-21"
            ]
        );
        assert!(head("2027-02-01").contains(&"decide_sanction H57.02 2027-04-22".to_owned()));
        // The one is closed; the other decided, and never executed.
        assert_eq!(head("2027-02-16"), ["execute_sanction H57.02 2027-03-01"]);
        assert_eq!(head("2027-04-05"), ["apologise H57.02 2027-05-05", "restore H57.02 2027-06-04"]);
        assert_eq!(head("2027-04-12"), ["restore H57.02 2027-06-04"]);
        assert_eq!(head("2027-04-26"), Vec::<String>::new());
    }
}
