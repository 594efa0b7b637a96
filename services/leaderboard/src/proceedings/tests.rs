use std::collections::BTreeMap;

use eventlog::Entry;

use super::*;

/// The proceedings of the history up to a position, by id.
fn folded(until: u64) -> BTreeMap<String, Proceeding> {
    let zone = events::parse_offset("+07:00").unwrap();
    let mut rows: BTreeMap<String, Option<Row>> = BTreeMap::new();
    for (position, line) in (1..=until).zip(events::HISTORY.lines()) {
        let entry = Entry { position, bytes: line.as_bytes().into() };
        let happened = entry.happened().unwrap();
        if !happened.event_type.starts_with("discipline.") {
            continue;
        }
        let (key, event) = (happened.key().to_owned(), happened.event().unwrap());
        let entry = ProceedingEntry { position, proceeding: key.clone(), occurred: happened.occurred, event };
        fold(rows.entry(key).or_default(), entry, zone).unwrap();
    }
    let read = |row: Option<Row>| Proceeding::from_row(&row.unwrap()).unwrap();
    rows.into_iter().map(|(key, row)| (key, read(row))).collect()
}

/// The one from an allegation of a report on a track; a proceeding that is due has none yet.
fn of(
    rows: &BTreeMap<String, Proceeding>,
    report: &str,
    allegation: u32,
    track: Option<Track>,
) -> Proceeding {
    let is_it = |row: &&Proceeding| {
        let from = row.detail.report.as_deref().is_some_and(|id| id.starts_with(report));
        from && row.detail.allegation == Some(allegation) && row.track == track
    };
    rows.values().find(is_it).unwrap().clone()
}

const ADMINISTRATIVE: Option<Track> = Some(Track::Administrative);

/// The position of the last event of a type.
fn last(event_type: &str) -> u64 {
    let has = |line: &str| line.contains(&format!("\"type\":\"discipline.{event_type}.v1\""));
    let lines = (1..).zip(events::HISTORY.lines()).filter(|(_, line)| has(line));
    lines.map(|(position, _)| position).last().unwrap()
}

#[test]
fn a_row_says_what_stands_and_where_it_comes_from() {
    let rows = folded(u64::MAX);
    let changed = of(&rows, "r-f7dr03nsextnskms8qhza1rss4", 1, ADMINISTRATIVE);
    assert_eq!((changed.agency.as_str(), changed.unit.as_deref()), ("H57.03", Some("H57.03.01")));
    assert_eq!((changed.class.as_str(), changed.stage), ("bribery", "open"));
    // Recommended, decided, and what took its place on appeal.
    assert_eq!(changed.recommended.as_deref(), Some("dismissal"));
    assert_eq!(changed.decided_as.as_deref(), Some("warning"));
    assert_eq!(changed.outcome.as_deref(), Some("reprimand"));
    assert!(changed.stands);
    assert_eq!(changed.detail.finding, Some(262));
    assert!(changed.detail.positions().is_sorted_by_key(|position| *position > 262));
    assert_eq!(
        changed.detail.rules,
        [
            "discipline.open",
            "discipline.limitation",
            "discipline.council",
            "discipline.handling",
            "discipline.circumstances: Decree 112/2020/NĐ-CP, art. 4",
            "discipline.forms.civil_servant: Decree 172/2025/NĐ-CP, art. 7",
            "discipline.appeal",
            "discipline.execute",
            "discipline.head_liability: Law 36/2018/QH14, art. 72",
            "discipline.clear",
            "discipline.answer",
        ]
    );
    let annulled = of(&rows, "r-f7dr03nsextnskms8qhza1rss4", 2, ADMINISTRATIVE);
    assert_eq!((annulled.outcome.as_deref(), annulled.stands), (Some("annulled"), false));
    let imported = of(&rows, "register:2025-0117", 1, ADMINISTRATIVE);
    assert_eq!(imported.recommended.as_deref(), Some("Formal reprimand"));
    assert_eq!((imported.outcome.as_deref(), imported.stands), (Some("Counselling"), true));
    // Nobody is named.
    let text = format!("{rows:?}");
    assert!(!text.contains("cb-0"), "{text}");
}

#[test]
fn what_was_not_opened_or_closed_is_no_sanction() {
    let rows = folded(u64::MAX);
    let of_report = |stage| rows.values().filter(|row| row.stage == stage).collect::<Vec<_>>();
    let declined = of_report("declined");
    assert_eq!((declined.len(), declined[0].stands, declined[0].track), (1, false, None));
    let closed = of_report("closed");
    assert_eq!((closed.len(), closed[0].stands, closed[0].outcome.as_deref()), (1, false, None));
    // While the report was under appeal the duties had lapsed.
    let lapsed = folded(last("DutyLapsed"));
    assert_eq!(lapsed.values().filter(|row| row.stage == "lapsed").count(), 2);
}

#[test]
fn an_exoneration_takes_effect_at_its_position_and_not_before() {
    let exonerated = last("OfficialExonerated");
    let (before, after) = (folded(exonerated - 1), folded(exonerated));
    let of = |rows| of(rows, "register:2025-0118", 1, ADMINISTRATIVE);
    assert_eq!((of(&before).stands, of(&before).outcome.as_deref()), (true, Some("reprimand")));
    assert_eq!((of(&after).stands, of(&after).outcome.as_deref()), (false, Some("exonerated")));
    assert!(of(&after).detail.positions().contains(&exonerated));
}

#[test]
fn every_entry_of_a_proceeding_explains_it() {
    let rows = folded(u64::MAX);
    assert!(!rows.is_empty());
    for (key, row) in rows {
        let stream = format!("\"stream\":\"discipline.proceeding/{key}\"");
        let lines = (1..).zip(events::HISTORY.lines()).filter(|(_, line)| line.contains(&stream));
        let own = lines.map(|(position, _)| position);
        let expected: Vec<u64> = row.detail.finding.into_iter().chain(own).collect();
        assert_eq!(row.detail.positions(), expected, "{key}");
    }
}

#[test]
fn a_decision_is_final_once_nobody_can_change_it() {
    let open = Detail { appeal_due: Some(100), ..Detail::default() };
    assert_eq!((open.is_final(100), open.is_final(101)), (false, true));
    let pending = Detail { appealed: Some(90), ..open.clone() };
    assert!(!pending.is_final(1_000));
    let decided = Detail { appeal_decided: Some(200), ..pending };
    assert_eq!((decided.is_final(199), decided.is_final(200)), (false, true));
    // Another register tells no time to appeal.
    assert!(Detail::default().is_final(0));
}

#[test]
fn rows_come_back() {
    for row in folded(u64::MAX).into_values() {
        assert_eq!(Proceeding::from_row(&row.clone().into_row().unwrap()).unwrap(), row);
    }
    let zone = events::parse_offset("+07:00").unwrap();
    let event = ProceedingEvent::Lapsed { origin_revision: 1 };
    let occurred = Occurred::On("2026-11-24".parse().unwrap());
    let entry = ProceedingEntry { position: 1, proceeding: "p-1".into(), occurred, event };
    let error = fold(&mut None, entry, zone).unwrap_err();
    assert!(error.to_string().contains("neither due nor opened"), "{error}");
}
