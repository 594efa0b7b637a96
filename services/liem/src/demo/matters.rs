//! What is reported in the province, what is found, and what follows: so that every state and every duty, kept and
//! missed, can be seen.

use chrono::{Days, NaiveDate};
use proto::{conduct, discipline};

use super::{
    province::{Agency, Province, Unit},
    rng::Rng,
};

const OF_MATTERS: u64 = 5;

/// How many matters there are: three of each course.
pub(crate) const MATTERS: usize = 60;

/// How far a matter goes, one after the other.
const COURSES: [Course; 20] = [
    Course::Filed,
    Course::Classified,
    Course::Inquired,
    Course::Unfounded,
    Course::Unfounded,
    Course::FindingsAppealed,
    Course::NothingDone,
    Course::Declined,
    Course::Opened,
    Course::Heard,
    Course::NotSanctioned,
    Course::Executed("reprimand"),
    Course::HeadLiable,
    Course::NotExecuted,
    Course::Appealed,
    Course::AppealDecided(discipline::AppealResult::Changed),
    Course::AppealDecided(discipline::AppealResult::Annulled),
    Course::Exonerated { is_restored: false },
    Course::Exonerated { is_restored: true },
    Course::Paused,
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Course {
    Filed,
    Classified,
    Inquired,
    Unfounded,
    FindingsAppealed,
    NothingDone,
    Declined,
    Opened,
    Heard,
    NotSanctioned,
    Executed(&'static str),
    HeadLiable,
    NotExecuted,
    Appealed,
    AppealDecided(discipline::AppealResult),
    Exonerated { is_restored: bool },
    Paused,
}

/// Something done in a matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deed {
    File,
    Classify,
    Accept,
    Inquire,
    Allege,
    Find(conduct::Finding),
    Conclude,
    AppealFindings,
    DeclineToOpen,
    Open,
    OpenInTheParty,
    Convene,
    Hear,
    Pause,
    Resume,
    Decide(Option<&'static str>),
    DecideInTheParty(&'static str),
    Appeal,
    DecideAppeal(discipline::AppealResult),
    HoldHeadLiable,
    Execute,
    Exonerate,
    Apologise,
    Restore,
}

/// A matter: whom it is about, who has it, and what is done on which day.
#[derive(Debug)]
pub(crate) struct Matter<'p> {
    pub(crate) number: usize,
    pub(crate) about: &'p Agency,
    pub(crate) unit: &'p Unit,
    /// The agency that the report is filed with.
    pub(crate) handler: &'p Agency,
    pub(crate) person: &'p str,
    pub(crate) head: &'p str,
    pub(crate) class: conduct::Class,
    pub(crate) violation: NaiveDate,
    pub(crate) deeds: Vec<(NaiveDate, Deed)>,
}

/// Whether an official is a member of the Party: one in three, told by the id.
pub(crate) fn is_of_the_party(official: &str) -> bool {
    official.bytes().map(u32::from).sum::<u32>().is_multiple_of(3)
}

impl Province {
    /// Who heads an agency.
    pub(crate) fn head(&self, agency: &Agency) -> &str {
        self.units[agency.units[0]].head()
    }
}

/// The matters of a province.
pub(crate) fn matters(province: &Province) -> Vec<Matter<'_>> {
    let mut rng = Rng::new(province.seed, &[OF_MATTERS]);
    let mut matter = |number: usize| {
        let place = rng.weighted(province.agencies.iter().map(|agency| agency.late_per_mille));
        let about = &province.agencies[place];
        let unit = &province.units[*rng.pick(&about.units)];
        // The next agency has it: no agency handles what is about itself.
        let handler = &province.agencies[(place + 1) % province.agencies.len()];
        // The first of a unit is its head, and one of them the agency's.
        let person = unit.officials[1..].get(rng.index(unit.officials.len() - 1));
        let person = person.map_or(unit.head(), String::as_str);
        let received = province.start + Days::new(10 + rng.below(200));
        let classes = [
            conduct::Class::Harassment,
            conduct::Class::Overbearing,
            conduct::Class::Corruption,
            conduct::Class::Waste,
            conduct::Class::Delay,
            conduct::Class::Attitude,
        ];
        let course = COURSES[number % COURSES.len()];
        Matter {
            number,
            about,
            unit,
            handler,
            person,
            head: province.head(about),
            class: *rng.pick(&classes),
            violation: received - Days::new(15),
            deeds: deeds(course, received, is_of_the_party(person), province.end),
        }
    };
    (0..MATTERS).map(&mut matter).collect()
}

/// What is done, up to a last day.
fn deeds(
    course: Course,
    received: NaiveDate,
    is_of_the_party: bool,
    end: NaiveDate,
) -> Vec<(NaiveDate, Deed)> {
    use Course as C;
    let mut deeds = vec![(0, Deed::File)];
    let handling = [(3, Deed::Classify), (5, Deed::Accept), (6, Deed::Inquire), (10, Deed::Allege)];
    let finding = match course {
        C::Unfounded => conduct::Finding::Unsubstantiated,
        _ => conduct::Finding::Substantiated,
    };
    let found = [(22, Deed::Find(finding)), (25, Deed::Conclude)];
    match course {
        C::Filed => return dated(deeds, received, end),
        C::Classified => {
            deeds.push(handling[0]);
            return dated(deeds, received, end);
        }
        C::Inquired => {
            deeds.extend(handling);
            return dated(deeds, received, end);
        }
        _ => deeds.extend(handling.into_iter().chain(found)),
    }
    let opened = [(33, Deed::Open), (43, Deed::Convene), (49, Deed::Hear)];
    let sanctioned = |form| (57, Deed::Decide(Some(form)));
    let executed = (61, Deed::Execute);
    match course {
        C::FindingsAppealed => deeds.push((30, Deed::AppealFindings)),
        C::Declined => deeds.push((33, Deed::DeclineToOpen)),
        C::Opened => deeds.push(opened[0]),
        C::Heard => deeds.extend(opened),
        C::NotSanctioned => {
            deeds.extend(opened);
            deeds.push((57, Deed::Decide(None)));
        }
        C::Executed(form) => {
            deeds.extend(opened);
            deeds.extend([sanctioned(form), executed]);
        }
        C::HeadLiable => {
            deeds.extend(opened);
            deeds.extend([sanctioned("warning"), (59, Deed::HoldHeadLiable), executed]);
        }
        C::NotExecuted => {
            deeds.extend(opened);
            deeds.push(sanctioned("warning"));
        }
        C::Appealed => {
            deeds.extend(opened);
            deeds.extend([sanctioned("dismissal"), (60, Deed::Appeal)]);
        }
        C::AppealDecided(result) => {
            deeds.extend(opened);
            deeds.extend([sanctioned("warning"), (60, Deed::Appeal), (80, Deed::DecideAppeal(result))]);
            if result != discipline::AppealResult::Annulled {
                deeds.push((84, Deed::Execute));
            }
        }
        C::Exonerated { is_restored } => {
            deeds.extend(opened);
            deeds.extend([sanctioned("reprimand"), executed, (95, Deed::Exonerate)]);
            if is_restored {
                deeds.extend([(105, Deed::Apologise), (110, Deed::Restore)]);
            }
        }
        C::Paused => {
            deeds.extend([opened[0], (36, Deed::Pause), (66, Deed::Resume)]);
            deeds.extend([(70, Deed::Convene), (74, Deed::Hear), (80, Deed::Decide(Some("reprimand")))]);
            deeds.push((84, Deed::Execute));
        }
        C::Filed | C::Classified | C::Inquired | C::Unfounded | C::NothingDone => {}
    }
    if is_of_the_party && matches!(course, C::Executed(_) | C::HeadLiable | C::NotExecuted | C::Paused) {
        deeds.extend([(85, Deed::OpenInTheParty), (95, Deed::DecideInTheParty("warning"))]);
    }
    dated(deeds, received, end)
}

fn dated(deeds: Vec<(u64, Deed)>, received: NaiveDate, end: NaiveDate) -> Vec<(NaiveDate, Deed)> {
    let dated = deeds.into_iter().map(|(days, deed)| (received + Days::new(days), deed));
    dated.filter(|(day, _)| *day <= end).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_course_is_there_and_nobody_is_in_charge_of_their_own() {
        for seed in 0..10 {
            let province = Province::new(seed, "2026-10-31".parse().unwrap());
            let matters = matters(&province);
            assert_eq!(matters.len(), MATTERS);
            let has = |deed: Deed| matters.iter().any(|m| m.deeds.iter().any(|(_, done)| *done == deed));
            for deed in [Deed::DeclineToOpen, Deed::Appeal, Deed::Exonerate, Deed::Restore, Deed::Resume] {
                assert!(has(deed), "{deed:?}");
            }
            for matter in &matters {
                assert_ne!(matter.about.code, matter.handler.code);
                assert_ne!(matter.person, matter.head);
                assert!(matter.deeds.is_sorted_by_key(|(day, _)| *day), "{:?}", matter.deeds);
                assert!(matter.deeds.iter().all(|(day, _)| *day <= province.end));
            }
        }
    }
}
