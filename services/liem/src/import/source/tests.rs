mod bad_input;
mod identity;

use std::collections::BTreeMap;

use super::flag::Flag;
use super::*;
use crate::import::time;

const MAPPING: &str = r#"
    source = "test"
    [columns]
    case = "case"
    activity = "activity"
    time = "time"
    official = "official"
    unit = "unit"
"#;

/// A folder with a file, and where its rejected rows go.
struct Fixture {
    folder: tempfile::TempDir,
    mapping: CaseMapping,
}

impl Fixture {
    fn new(csv: impl AsRef<[u8]>, mapping: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("in.csv"), csv).unwrap();
        Self { folder, mapping: CaseMapping::parse(mapping).unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn limits(&self, partition_bytes: u64) -> Limits {
        Limits { partition_bytes, partitions_max: 16, folder: self.folder.path().to_owned() }
    }

    fn read_within(&self, limits: &Limits) -> Result<Source, SourceError> {
        let mut rejects = Rejects::new(&self.path("rejects.csv"));
        let source = Source::read(&self.path("in.csv"), &self.mapping, limits, &mut rejects, &mut |_| {})?;
        assert_eq!(rejects.count(), source.survey().rejected);
        Ok(source)
    }

    fn read(&self) -> Source {
        self.read_within(&self.limits(1 << 20)).unwrap()
    }

    fn rejects(&self) -> String {
        std::fs::read_to_string(self.path("rejects.csv")).unwrap_or_default()
    }
}

fn cases(source: &Source) -> Vec<SourceCase> {
    source.cases().collect::<Result<_, _>>().unwrap()
}

fn cases_of(csv: &str, mapping: &str) -> Vec<SourceCase> {
    let fixture = Fixture::new(csv, mapping);
    let cases = cases(&fixture.read());
    assert_eq!(fixture.rejects(), "");
    cases
}

/// The only case of a file.
fn case_of(csv: &str, mapping: &str) -> SourceCase {
    let mut cases = cases_of(csv, mapping);
    assert_eq!(cases.len(), 1);
    cases.remove(0)
}

fn with(columns: &str) -> String {
    format!("{MAPPING}\n{columns}")
}

fn names(row: &SourceRow) -> Vec<&'static str> {
    row.flags.iter().map(Flag::as_str).collect()
}

fn when(text: &str) -> When {
    time::parse(text, time::parse_offset("+07:00").unwrap()).unwrap()
}

/// Rows of many cases, none beside another of its case, and some of them twice.
fn scattered(cases: u32, steps: u32) -> Vec<String> {
    let mut rows = Vec::new();
    for step in (0..steps).rev() {
        for case in 0..cases {
            let day = 1 + (case + step) % 28;
            rows.push(format!(
                "c{case},step {step},2020-01-{day:02}T08:{step:02}:00Z,o{},u{}",
                case % 7,
                step % 3
            ));
        }
    }
    rows.push(rows[5].clone());
    rows
}

fn file(rows: &[String]) -> String {
    format!("case,activity,time,official,unit\n{}\n", rows.join("\n"))
}

#[test]
fn a_case_is_whole_and_in_order_wherever_its_rows_stand() {
    let cases = cases_of(
        "case,activity,time,official,unit\n\
         b,two,2020-01-02T09:00,o1,u1\n\
         a,three,2020-01-03,o1,u1\n\
         b,one,2020-01-02 08:59:59.5,o2,\n\
         a,two,2020-01-02T23:00Z,o1,u2\n\
         a,one,2020-01-01,,\n",
        MAPPING,
    );
    let read: Vec<_> = cases
        .iter()
        .map(|case| {
            let rows =
                case.rows.iter().map(|row| (row.line, row.activity.as_deref().unwrap())).collect::<Vec<_>>();
            (case.key.as_str(), rows)
        })
        .collect();
    // 23:00 UTC on the second is the third at +07:00; the date counts as the start of its day.
    let expected = [("a", vec![(6, "one"), (3, "three"), (5, "two")]), ("b", vec![(4, "one"), (2, "two")])];
    assert_eq!(read, expected);
    assert_eq!((cases[0].start, cases[0].end), (when("2020-01-01"), None));
    assert_eq!((cases[0].agency.as_str(), cases[0].case_unit.as_deref()), ("TEST", Some("u1")));
    assert_eq!((&cases[0].rows[0].official, &cases[0].rows[0].unit), (&None, &None));
    assert_eq!(cases[1].rows[1].official.as_deref(), Some("o1"));
}

#[test]
fn a_file_larger_than_memory_gives_the_same_cases() {
    let fixture = Fixture::new(file(&scattered(200, 12)), MAPPING);
    let by_key = |source: &Source| {
        cases(source).into_iter().map(|case| (case.key.clone(), case)).collect::<BTreeMap<_, _>>()
    };
    let whole = fixture.read();
    assert_eq!(by_key(&whole).len(), 200);
    assert_eq!((whole.survey().rows, whole.survey().cases), (2401, 200));
    // From a part for every 20 kB down to more parts than there may be.
    for partition_bytes in [20_000, 5_000, 1] {
        let parts = fixture.read_within(&fixture.limits(partition_bytes)).unwrap();
        assert_eq!(by_key(&parts), by_key(&whole), "{partition_bytes}");
        assert_eq!(parts.survey().units, whole.survey().units);
        assert_eq!(parts.survey().activities.len(), 12);
        assert_eq!(parts.cases().count(), 200, "a second time");
    }
    // Nothing is left behind: the temporary files have no names.
    assert_eq!(std::fs::read_dir(fixture.folder.path()).unwrap().count(), 1);
}

#[test]
fn the_first_row_to_say_something_about_the_case_holds() {
    let case = case_of(
        "case,activity,time,official,unit,deadline,channel,agency\n\
         1,c,2020-01-03,,u,,Web,A\n\
         1,a,2020-01-01,,u,2020-02-01,Web,A\n\
         1,b,2020-01-02,,u,2020-03-01,Fax,A\n\
         1,d,2020-01-04,,u,2020-02-01,Desk,B\n\
         1,e,2020-01-05,,u,whenever,,\n",
        &with(
            "deadline = 'deadline'\nagency = 'agency'\nchannel = { column = 'channel', values = { Web = 'online', Desk = 'counter' } }",
        ),
    );
    assert_eq!((case.deadline, case.channel), (Some(when("2020-02-01")), Some(Channel::Online)));
    assert_eq!(case.agency, "A");
    let flags: Vec<_> = case.rows.iter().map(names).collect();
    let expected: [&[&str]; 5] = [
        &[],
        &["channel_unknown", "attribute_conflict"],
        &[],
        &["attribute_conflict"],
        &["attribute_unreadable"],
    ];
    assert_eq!(flags, expected);
}

#[test]
fn rows_outside_start_and_end_are_flagged() {
    let case = case_of(
        "case,activity,time,official,unit,start,end\n\
         1,a,2020-01-01T23:59,,,2020-01-02,2020-01-05T12:00\n\
         1,b,2020-01-02T00:00,,,,\n\
         1,c,2020-01-05,,,,\n\
         1,d,2020-01-05T12:00:00.000001,,,,\n",
        &with("start = 'start'\nend = 'end'"),
    );
    assert_eq!((case.start, case.end), (when("2020-01-02"), Some(when("2020-01-05T12:00"))));
    let flags: Vec<_> = case.rows.iter().map(names).collect();
    let expected: [&[&str]; 4] = [&["before_start"], &[], &[], &["after_end"]];
    assert_eq!(flags, expected);
}

#[test]
fn a_closing_activity_closes_a_case_of_a_log_without_ends() {
    let mapping = format!("closing_activities = ['Done', 'Void']\n{MAPPING}");
    let cases = cases_of(
        "case,activity,time,official,unit\n\
         1,Done,2020-01-03,,\n1,a,2020-01-01,,\n1,Void,2020-01-02,,\n2,a,2020-01-01,,\n",
        &mapping,
    );
    assert_eq!((cases[0].end, cases[1].end), (Some(when("2020-01-02")), None));
    assert_eq!((cases[0].close_id.is_some(), cases[1].close_id), (true, None));
    assert_eq!(names(&cases[0].rows[2]), ["after_end"]);
}

#[test]
fn names_of_officials_never_get_through() {
    let cases = cases_of(
        "case,activity,time,official,unit\n\
         1,a,2020-01-01,Trần Văn A,EMPTY\n2,a,2020-01-02,Trần Văn A,\n3,a,2020-01-03,B. Lê,Empty\n4,a,2020-01-04,b.le,\n",
        MAPPING,
    );
    let officials: Vec<_> = cases.iter().map(|case| case.rows[0].official.clone().unwrap()).collect();
    assert_eq!(officials[0], officials[1]);
    assert_ne!(officials[0], officials[2]);
    assert!(officials[0].starts_with("o-") && officials[0].len() == 18, "{}", officials[0]);
    assert_eq!(officials[3], "b.le");
    assert_eq!(names(&cases[0].rows[0]), ["unit_empty", "official_renamed"]);
    assert_eq!(names(&cases[2].rows[0]), ["official_renamed"]);
    assert_eq!(cases[0].rows[0].unit.as_deref(), Some("EMPTY"));
}

#[test]
fn a_unit_of_two_agencies_is_named_with_its_agency() {
    let mapping = with("agency = 'agency'\ncase_unit = 'holder'\nprocedure = { constant = 'p' }");
    let header = "case,activity,time,official,unit,agency,holder\n";
    let one = Fixture::new(format!("{header}1,a,2020-01-01,,u,A,h\n2,a,2020-01-02,,v,B,k\n"), &mapping);
    let source = one.read();
    let units = |source: &Source| {
        source.survey().units.iter().map(|(unit, agency)| format!("{unit}:{agency}")).collect::<Vec<_>>()
    };
    assert_eq!(units(&source), ["h:A", "k:B", "u:A", "v:B"]);
    assert_eq!(cases(&source)[0].case_unit.as_deref(), Some("h"));

    // The second row of case 2 was done by a unit of another agency than the one that holds the case.
    let two = Fixture::new(
        format!("{header}1,a,2020-01-01,,u,A,h\n2,a,2020-01-02,,v,B,h\n2,b,2020-01-03,,u,C,\n"),
        &mapping,
    );
    let source = two.read();
    assert_eq!(units(&source), ["A/h:A", "A/u:A", "B/h:B", "B/v:B", "C/u:C"]);
    let cases = cases(&source);
    assert_eq!((cases[1].agency.as_str(), cases[1].case_unit.as_deref()), ("B", Some("B/h")));
    assert_eq!(cases[1].rows[1].unit.as_deref(), Some("C/u"));
    assert_eq!(names(&cases[1].rows[1]), ["attribute_conflict"]);
    let survey = source.survey();
    assert_eq!(survey.agencies.iter().collect::<Vec<_>>(), ["A", "B", "C"]);
    assert_eq!(survey.procedures.iter().collect::<Vec<_>>(), ["p"]);
    assert_eq!((survey.flagged, survey.flags[&Flag::AttributeConflict]), (1, 1));
    assert_eq!(survey.earliest, Some(when("2020-01-01")));
}

#[test]
fn constants_defaults_and_prefixes_stand_for_cells() {
    let case = case_of(
        "id,way\n7,\n",
        r#"
        source = "test"
        [columns]
        case = { column = "id", prefix = "bpi-" }
        start = { constant = "2020-01-01" }
        deadline = { constant = "2020-01-31" }
        channel = { column = "way", default = "post" }
        unit = { constant = "u" }
        activity = { constant = "received" }
        "#,
    );
    assert_eq!((case.key.as_str(), case.channel), ("bpi-7", Some(Channel::Post)));
    assert_eq!((case.start, case.deadline), (when("2020-01-01"), Some(when("2020-01-31"))));
    assert_eq!((case.rows[0].time, case.rows[0].activity.as_deref()), (case.start, Some("received")));
    assert_eq!(case.case_unit.as_deref(), Some("u"));
}

#[test]
fn progress_tells_the_bytes_that_were_read() {
    let fixture = Fixture::new(file(&scattered(300, 10)), MAPPING);
    let mut rejects = Rejects::new(&fixture.path("rejects.csv"));
    let mut told = Vec::new();
    Source::read(&fixture.path("in.csv"), &fixture.mapping, &fixture.limits(1), &mut rejects, &mut |bytes| {
        told.push(bytes);
    })
    .unwrap();
    assert!(told.is_sorted() && told.len() == 4, "{told:?}");
    assert_eq!(told.last(), Some(&std::fs::metadata(fixture.path("in.csv")).unwrap().len()));
}
