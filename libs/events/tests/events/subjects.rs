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
fn a_report_event_stands_in_the_trails_of_all_it_is_about() {
    let other = "report:r-7d0vkx3gqp5se1r8mhz4n2ycbt";
    let mut seen = 0;
    for (name, event) in exemplars::report() {
        let by = match event.by() {
            Some(by) if by.unit.is_some() => "report:R agency:H57.18 unit:H57.18.02 official:cb-0417",
            Some(_) => "report:R agency:H57.18",
            // Nothing of who reports.
            None => "report:R",
        };
        let expected = match name {
            "conduct.ReportReceived.v1" => {
                let about = "agency:H57.20 unit:H57.20.01 official:cb-0417 official:cb-0522";
                format!("{by} agency:H57.18 {about} {other}")
            }
            "conduct.ReportReceived.v1.minimal" => format!("{by} agency:H57.18 agency:H57.20"),
            "conduct.ReportTransferred.v1" | "conduct.ReportTransferred.v1.minimal" => {
                format!("{by} agency:H57.21")
            }
            "conduct.PersonConcerned.v1"
            | "conduct.PersonConcerned.v1.minimal"
            | "conduct.AllegationMade.v1" => format!("{by} official:cb-0522"),
            "conduct.InquiryStepDone.v1" | "conduct.InquiryStepDone.v1.minimal" => {
                format!("{by} step:hear-person")
            }
            "conduct.RetaliationReported.v1" => format!("{by} {other}"),
            // The others are about the report and those who act.
            _ => by.to_owned(),
        };
        assert_eq!(subjects(&event, "R"), expected, "{name}");
        seen += 1;
    }
    assert!(seen > exemplars::REPORT.len(), "{seen}");
}

#[test]
fn a_proceeding_event_stands_in_the_trails_of_all_it_is_about() {
    let (report, other) = ("report:r-2mfc8kqz0v7tqn4h9x1j5bwe3y", "proceeding:p-9c4w0zr6k2e8m5v1tq7hx3d0nb");
    let matter = format!("agency:H57.20 unit:H57.20.01 official:cb-0522 {report}");
    let mut seen = 0;
    for (name, event) in exemplars::proceeding() {
        let by = match event.by() {
            Some(by) if by.unit.is_some() => "proceeding:P agency:H57.18 unit:H57.18.02 official:cb-0417",
            Some(_) => "proceeding:P agency:H57.18",
            None => "proceeding:P",
        };
        let expected = match name {
            // The agency whose duty it is, also where nobody has acted yet.
            "discipline.ProceedingDue.v1" => format!("{by} agency:H57.18 {matter}"),
            "discipline.ProceedingDue.v1.minimal" => format!("{by} agency:H57.18 agency:H57.20 {report}"),
            "discipline.ProceedingNotOpened.v1" => format!("{by} {matter}"),
            "discipline.ProceedingOpened.v1" => format!("{by} {matter} {other}"),
            "discipline.ProceedingNotOpened.v1.minimal" | "discipline.ProceedingOpened.v1.minimal" => {
                format!("{by} agency:H57.20 {report}")
            }
            "discipline.CouncilConvened.v1" => format!("{by} official:cb-0611"),
            "discipline.CouncilConvened.v1.minimal" => format!("{by} official:cb-0417 official:cb-0611"),
            "discipline.CircumstanceRecorded.v1" => format!("{by} report:r-7d0vkx3gqp5se1r8mhz4n2ycbt"),
            "discipline.HeadHeldLiable.v1" | "discipline.HeadHeldLiable.v1.minimal" => {
                format!("{by} official:cb-0611")
            }
            // The others are about the proceeding and those who act.
            _ => by.to_owned(),
        };
        assert_eq!(subjects(&event, "P"), expected, "{name}");
        seen += 1;
    }
    assert!(seen > exemplars::PROCEEDING.len(), "{seen}");
}

#[test]
fn a_record_of_sealed_data_is_about_whose_it_is_and_who_reads() {
    for (name, event) in exemplars::record() {
        let reader = if name == "vault.DataOpened.v1" { " official:cb-0417" } else { "" };
        // The id of an imported report has a colon too.
        for subject in ["report:R", "report:register:17", "official:cb-0522"] {
            assert_eq!(subjects(&event, subject), format!("{subject}{reader}"), "{name}");
        }
        assert_eq!(subjects(&event, "official:cb-0417"), "official:cb-0417", "{name}");
        assert_eq!(subjects(&event, "person:R"), reader.trim_start(), "{name}");
    }
}

#[test]
fn nothing_is_named_twice() {
    use events::delivery::{By, CaseEvent};
    let by = By { agency: "H57.18".into(), unit: None, official: Some("cb-0417".into()) };
    let assigned = CaseEvent::Assigned { by, assignee: Some("cb-0417".into()) };
    assert_eq!(subjects(&assigned, "C"), "case:C agency:H57.18 official:cb-0417");
    let by = By { agency: "H57.18".into(), unit: None, official: Some("cb-0417".into()) };
    let concerned = events::conduct::ReportEvent::PersonConcerned { by, person: "cb-0417".into() };
    assert_eq!(subjects(&concerned, "R"), "report:R agency:H57.18 official:cb-0417");
}

#[test]
fn a_directory_event_is_about_what_its_stream_is_of() {
    for (name, agency) in exemplars::agency() {
        let expected = match name {
            "directory.AgencyMerged.v1" => "agency:H57.18 agency:H57.20",
            _ => "agency:H57.18",
        };
        assert_eq!(subjects(&agency, "H57.18"), expected, "{name}");
    }
    for (name, unit) in exemplars::unit() {
        let expected = match name {
            "directory.UnitOpened.v1" => "unit:H57.18.02 agency:H57.18",
            "directory.UnitMerged.v1" => "unit:H57.18.02 unit:H57.20.01",
            _ => "unit:H57.18.02",
        };
        assert_eq!(subjects(&unit, "H57.18.02"), expected, "{name}");
    }
    for (name, post) in exemplars::post() {
        let expected = match name {
            "directory.PostDefined.v1" => "post:P agency:H57.18 unit:H57.18.02",
            "directory.PostDefined.v1.minimal" => "post:P agency:H57.18",
            _ => "post:P",
        };
        assert_eq!(subjects(&post, "P"), expected, "{name}");
    }
    for (name, official) in exemplars::official() {
        let expected = match name {
            "directory.OfficialRegistered.v1" | "directory.OfficialRegistered.v1.minimal" => {
                "official:cb-0417 agency:H57.18"
            }
            "directory.OfficialAppointed.v1" => "official:cb-0417 post:H57.18/head",
            "directory.OfficialMoved.v1" => "official:cb-0417 agency:H57.20 unit:H57.20.01",
            "directory.OfficialMoved.v1.minimal" => "official:cb-0417 agency:H57.20",
            _ => "official:cb-0417",
        };
        assert_eq!(subjects(&official, "cb-0417"), expected, "{name}");
    }
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
