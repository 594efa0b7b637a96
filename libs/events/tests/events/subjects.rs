//! What an event is about decides whose trail it stands in.

use events::{Event, Subject};

use crate::exemplars;

fn subjects<E: Event>(event: &E, key: &str) -> String {
    let words = event.subjects(key).into_iter().map(|Subject { role, id }| format!("{}:{id}", role.as_str()));
    words.collect::<Vec<_>>().join(" ")
}

#[test]
fn a_case_event_stands_in_the_trails_of_all_it_is_about() {
    let full = "case:C agency:H57.18 unit:H57.18.02 official:cb-0417";
    let bare = "case:C agency:H57.18";
    let mut seen = 0;
    for (name, event) in exemplars::case() {
        let expected = match name {
            "delivery.CaseReceived.v1" => format!("{full} procedure:1.012781 case:H57.18-260211-0007"),
            "delivery.CaseRefusedAtIntake.v1" | "delivery.CaseDecided.v1" | "delivery.CaseWithdrawn.v1" => {
                format!("{full} procedure:1.012781")
            }
            "delivery.CaseAssigned.v1" => format!("{full} official:cb-0522"),
            "delivery.StepDone.v1" => format!("{full} step:T02 Check confirmation of receipt"),
            "delivery.StepDone.v1.minimal" => format!("{bare} step:T02 Check confirmation of receipt"),
            "delivery.CaseHandedOver.v1" => format!("{full} agency:H57.20"),
            "delivery.CaseHandedOver.v1.minimal" => format!("{bare} agency:H57.20"),
            "delivery.CaseCorrected.v1.procedure" => format!("{bare} procedure:2.000889"),
            // The others are about the case and those who act.
            _ if event.by().unit.is_some() => full.to_owned(),
            _ => bare.to_owned(),
        };
        assert_eq!(subjects(&event, "C"), expected, "{name}");
        seen += 1;
    }
    assert!(seen > exemplars::CASE.len(), "{seen}");
}

#[test]
fn nothing_is_named_twice() {
    use events::delivery::{By, CaseEvent};
    let by = By { agency: "H57.18".into(), unit: None, official: Some("cb-0417".into()) };
    let assigned = CaseEvent::Assigned { by, assignee: Some("cb-0417".into()) };
    assert_eq!(subjects(&assigned, "C"), "case:C agency:H57.18 official:cb-0417");
}

#[test]
fn a_directory_event_is_about_what_its_stream_is_of() {
    let (_, agency) = &exemplars::agency()[0];
    assert_eq!(subjects(agency, "H57.18"), "agency:H57.18");
    let (_, unit) = &exemplars::unit()[0];
    assert_eq!(subjects(unit, "H57.18.02"), "unit:H57.18.02 agency:H57.18");
    for (_, procedure) in exemplars::procedure() {
        assert_eq!(subjects(&procedure, "1.012781"), "procedure:1.012781");
    }
    let (_, step) = &exemplars::step()[0];
    assert_eq!(subjects(step, "T02"), "step:T02");
    for (_, days) in exemplars::days() {
        assert_eq!(subjects(&days, "2026"), "");
    }
    let (_, opened) = &exemplars::ledger()[0];
    assert_eq!(subjects(opened, "log"), "");
}
