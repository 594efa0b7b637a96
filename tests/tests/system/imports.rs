//! Logs of other places, with other columns and other dirt: every count of the summary is right, what can be
//! used is in, and running it again, sorted otherwise or with more rows, adds only what is new.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;
use tests::Server;

/// A log that is imported, and its mapping.
struct Log {
    server: Server,
    mapping: PathBuf,
    delimiter: u8,
}

impl Log {
    fn new(mapping: &str) -> Self {
        let server = Server::up();
        let path = server.data.join("mapping.toml");
        fs::write(&path, mapping).unwrap();
        Self { server, mapping: path, delimiter: if mapping.contains("delimiter") { b';' } else { b',' } }
    }

    fn rejects(&self) -> PathBuf {
        self.server.data.join("rejects.csv")
    }

    /// Imports a text, and gives the summary, which adds up.
    fn import(&self, text: &str) -> Value {
        let file = self.server.data.join("log.csv");
        fs::write(&file, text).unwrap();
        if self.rejects().exists() {
            fs::remove_file(self.rejects()).unwrap();
        }
        let path = |path: &Path| path.to_str().unwrap().to_owned();
        let (file, mapping, rejects) = (path(&file), path(&self.mapping), path(&self.rejects()));
        let summary =
            self.server.json(&["import", "csv", &file, "--mapping", &mapping, "--rejects", &rejects]);
        let count = |name: &str| summary[name].as_u64().unwrap();
        assert_eq!(count("rejected"), self.rejected().len() as u64, "{summary}");
        assert_eq!(summary["rejects_file"].is_null(), self.rejected().is_empty(), "{summary}");
        if fs::read_to_string(&self.mapping).unwrap().contains("\nactivity = ") {
            assert_eq!(count("rows"), count("steps") + count("rejected"), "{summary}");
        }
        summary
    }

    /// Line and reason of the rejected rows.
    fn rejected(&self) -> BTreeSet<(u64, String)> {
        if !self.rejects().exists() {
            return BTreeSet::new();
        }
        let mut reader = csv::ReaderBuilder::new();
        let mut reader = reader.flexible(true).delimiter(self.delimiter).from_path(self.rejects()).unwrap();
        let row = |row: csv::StringRecord| {
            assert!(row[2].len() > 3, "it says what is wrong: {row:?}");
            (row[0].parse().unwrap(), row[1].to_owned())
        };
        reader.records().map(|record| row(record.unwrap())).collect()
    }

    /// The same log once more, and with its rows the other way round, adds nothing.
    fn adds_nothing(&self, text: &str, first: &Value) {
        let head = self.server.json(&["log", "head"])["position"].clone();
        let mut reader = csv::ReaderBuilder::new();
        let mut reader = reader.flexible(true).delimiter(self.delimiter).from_reader(text.as_bytes());
        let header = reader.headers().unwrap().clone();
        let rows: Vec<_> = reader.records().map(Result::unwrap).collect();
        let mut writer =
            csv::WriterBuilder::new().flexible(true).delimiter(self.delimiter).from_writer(Vec::new());
        for row in [&header].into_iter().chain(rows.iter().rev()) {
            writer.write_record(row).unwrap();
        }
        let turned = String::from_utf8(writer.into_inner().unwrap()).unwrap();
        for text in [text, &turned] {
            let again = self.import(text);
            for name in ["rows", "cases", "rejected", "steps"] {
                assert_eq!(again[name], first[name], "{name} of {text}");
            }
            assert_eq!((&again["appended"], &again["registered"]), (&0.into(), &0.into()), "{text}");
            assert_eq!(self.server.json(&["log", "head"])["position"], head, "{text}");
        }
        assert_eq!(self.server.json(&["log", "check"])["ok"], true);
    }

    /// Figures of a board's row, in the order asked for.
    fn figures(&self, by: &str, subject: &str, names: &[&str]) -> Vec<Value> {
        let board = self.server.json(&["board", "--by", by, "--judged-at", "2024-03-20"]);
        let row = board.as_array().unwrap().iter().find(|row| row["subject"] == subject).cloned();
        let row = row.unwrap_or_else(|| panic!("{subject} is not in {board}"));
        names.iter().map(|name| row[name].clone()).collect()
    }

    /// What happened to a subject, oldest first, and when.
    fn trail(&self, subject: &str) -> Vec<(String, String)> {
        let lines = self.server.json(&["trail", subject, "--oldest-first"]);
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let step =
            |line: &Value| line["data"]["step"].as_str().map_or_else(|| text(&line["type"]), str::to_owned);
        lines.as_array().unwrap().iter().map(|line| (step(line), text(&line["occurred"]))).collect()
    }
}

fn pairs(lines: &[(&str, &str)]) -> Vec<(String, String)> {
    lines.iter().map(|(what, at)| ((*what).to_owned(), (*at).to_owned())).collect()
}

/// Numbers of a summary.
#[track_caller]
fn counts<const N: usize>(summary: &Value, expected: [(&str, u64); N]) {
    for (name, count) in expected {
        assert_eq!(summary[name], count, "{name} in {summary}");
    }
}

const RECEIVED: &str = "delivery.CaseReceived.v1";
const DECIDED: &str = "delivery.CaseDecided.v1";

#[test]
fn a_log_that_says_nothing_about_its_cases() {
    let columns = "\n[columns]\ncase = 'id'\nactivity = 'what'\ntime = 'when'\n";
    let log = Log::new(&format!("source = 'bare-log'\nclosing_activities = ['End']{columns}"));
    let text = "id,what,when\nA,Begin,2024-03-04T09:00\nA,Check,2024-03-05T09:00\nB,Begin,2024-03-05T09:00\n\
                A,End,2024-03-08T10:00\nB,Check,2024-03-06T09:00\n";
    let first = log.import(text);
    counts(&first, [("rows", 5), ("cases", 2), ("steps", 5), ("rejected", 0), ("flagged", 0)]);
    // Two receipts, five steps, one close; an agency and three steps of the directory.
    counts(&first, [("appended", 8), ("repeated", 0), ("registered", 4)]);
    let names = ["received", "closed", "closed_on_time", "closed_late", "open", "open_late", "steps"];
    assert_eq!(log.figures("agency", "BARE.LOG", &names), [2, 1, 0, 0, 1, 0, 5]);
    // Nothing is judged, so there is nothing to divide by; nor is any channel told.
    let names = ["on_time_rate", "rank", "online_share", "median_working_days"];
    assert_eq!(
        log.figures("agency", "BARE.LOG", &names),
        [Value::Null, Value::Null, Value::Null, 4.0.into()]
    );
    let life = [(RECEIVED, "2024-03-04T02:00:00Z"), ("Begin", "2024-03-04T02:00:00Z")];
    let rest = [
        ("Check", "2024-03-05T02:00:00Z"),
        ("End", "2024-03-08T03:00:00Z"),
        (DECIDED, "2024-03-08T03:00:00Z"),
    ];
    assert_eq!(log.trail("A"), pairs(&[&life[..], &rest[..]].concat()));
    log.adds_nothing(text, &first);

    // More rows: a step and a close of a case that is known, and a new case.
    let more = log.import(&format!("{text}B,End,2024-03-11T09:00\nC,Begin,2024-03-12T09:00\n"));
    counts(&more, [("rows", 7), ("cases", 3), ("appended", 4), ("repeated", 8), ("registered", 0)]);

    // Where rows name no case, each is one; two that are alike are two.
    let log = Log::new("source = 'rows'\n[columns]\nactivity = 'what'\ntime = 'when'\n");
    let text = "what,when\nPay,2024-03-04\nPay,2024-03-04\nPay,2024-03-05\n";
    let first = log.import(text);
    counts(&first, [("rows", 3), ("cases", 3), ("steps", 3), ("appended", 6)]);
    log.adds_nothing(text, &first);
}

#[test]
fn a_table_of_cases_without_steps() {
    let columns = "case = 'id'\nstart = 'from'\nend = 'to'\ndeadline = 'due'\n";
    let log = Log::new(&format!("source = 'table'\n[columns]\n{columns}"));
    let text = "id,from,to,due\n\
                in time,2024-03-04,2024-03-08,2024-03-11\n\
                late,2024-03-04,2024-03-18,2024-03-11\n\
                open,2024-03-05,,2024-03-11\n\
                last minute,2024-03-06T08:00,2024-03-11T23:59:59,2024-03-11\n\
                turned round,2024-03-07,2024-03-06,2024-03-11\n\
                due too early,2024-03-08,,2024-03-07\n";
    let first = log.import(text);
    counts(
        &first,
        [("rows", 6), ("cases", 6), ("steps", 0), ("rejected", 0), ("appended", 10), ("registered", 1)],
    );
    counts(&first, [("flagged", 2), ("deadline_before_start", 1), ("close_refused", 0)]);
    counts(&first["flags"], [("after_end", 1)]);
    let names = ["received", "closed", "closed_on_time", "closed_late", "open", "open_late", "steps"];
    assert_eq!(log.figures("agency", "TABLE", &names), [6, 4, 3, 1, 2, 1, 0]);
    // Three of five that are judged; 4, 10, 3 and 0 working days.
    let names = ["on_time_rate", "median_working_days"];
    assert_eq!(log.figures("agency", "TABLE", &names), [0.6, 3.5]);
    let case = log.server.json(&["case", "show", "last minute"]);
    assert_eq!(case["committed_due"], "2024-03-11T16:59:59.999999Z");
    assert_eq!(log.trail("late"), pairs(&[(RECEIVED, "2024-03-04"), (DECIDED, "2024-03-18")]));
    log.adds_nothing(text, &first);

    // Later the open one is closed, and there is one more.
    let more = text.replace("open,2024-03-05,,", "open,2024-03-05,2024-03-19,");
    let more = log.import(&format!("{more}new,2024-03-18,,2024-03-29\n"));
    counts(&more, [("rows", 7), ("appended", 2), ("repeated", 10)]);
    assert_eq!(log.figures("agency", "TABLE", &["closed", "closed_late", "open"]), [5, 2, 2]);
}

#[test]
fn times_and_cells_in_every_form() {
    let columns = "[columns]\ncase = 'Case ID'\nactivity = 'Step'\ntime = 'When'\n";
    let log = Log::new(&format!("source = 'forms'\ndelimiter = ';'\n{columns}"));
    let text = "\u{feff}Case ID;Note;Step;When\r\n\
                1;plain;Register;2024-03-04\r\n\
                1;\"over\r\nlines; and \"\"quoted\"\"\";Hear;2024-03-05T09:30\r\n\
                1;;\"Ask; again\";2024-03-05T03:00:00Z\r\n\
                1;;Weigh;2024-03-05 04:15:00+0100\r\n\
                \r\n\
                1;;Decide;2024-03-05T10:30:00.123456789+07:00\r\n\
                1;;\"a\r\nb\";2024-03-06\r\n\
                1;;Decide;2024-03-06T25:00\r\n";
    let first = log.import(text);
    counts(
        &first,
        [("rows", 7), ("cases", 1), ("steps", 5), ("rejected", 2), ("appended", 6), ("refused", 0)],
    );
    let rejected = [(9, "activity_invalid".to_owned()), (11, "time_unreadable".to_owned())];
    assert_eq!(log.rejected(), rejected.into());
    assert_eq!(
        log.trail("case:1"),
        pairs(&[
            (RECEIVED, "2024-03-04"),
            ("Register", "2024-03-04"),
            ("Hear", "2024-03-05T02:30:00Z"),
            ("Ask; again", "2024-03-05T03:00:00Z"),
            ("Weigh", "2024-03-05T03:15:00Z"),
            ("Decide", "2024-03-05T03:30:00.123456Z"),
        ])
    );
    log.adds_nothing(text, &first);
    let more = log.import(&format!("{text}1;;Close;2024-03-07\r\n"));
    counts(&more, [("rows", 8), ("appended", 1), ("repeated", 6), ("rejected", 2)]);
}

#[test]
fn agencies_with_units_of_the_same_name() {
    let log = Log::new(
        "source = 'province'\n[columns]\ncase = { column = 'no', prefix = 'p-' }\nactivity = 'step'\n\
         time = 'at'\nunit = 'unit'\nprocedure = 'procedure'\n\
         agency = { column = 'office', values = { 'Sở Đất đai' = 'H01', 'Sở Xây dựng' = 'H02' } }\n\
         channel = { column = 'how', values = { Web = 'online', Desk = 'counter', Fax = '' } }\n",
    );
    let text = "no,office,unit,how,procedure,step,at\n\
                1,Sở Đất đai,Front desk,Web,1.1,Begin,2024-03-04\n\
                1,Sở Đất đai,Back office,Web,1.1,Check,2024-03-05\n\
                1,Sở Xây dựng,Front desk,Web,1.1,Advise,2024-03-06\n\
                2,Sở Xây dựng,Front desk,Desk,1.2,Begin,2024-03-04\n\
                2,,Front desk,,,Check,2024-03-05\n\
                3,Sở Đất đai,Back office,Fax,1.1,Begin,2024-03-04\n\
                4,Sở Xây dựng,,Pigeon,1.2,Begin,2024-03-04\n\
                5,Sở Y tế,Front desk,Web,1.1,Begin,2024-03-04\n";
    let first = log.import(text);
    counts(
        &first,
        [("rows", 8), ("cases", 4), ("steps", 7), ("rejected", 1), ("appended", 11), ("flagged", 2)],
    );
    // Two agencies, three units, two procedures, three steps.
    counts(&first, [("registered", 10)]);
    counts(&first["flags"], [("attribute_conflict", 1), ("channel_unknown", 1)]);
    assert_eq!(log.rejected(), [(9, "agency_invalid".to_owned())].into());
    let names = ["received", "open", "steps", "online_share"];
    let figures = |by, subject| log.figures(by, subject, &names);
    // Of the first agency's two cases one came by fax, which is no channel of ours.
    assert_eq!(figures("agency", "H01"), [Value::from(2), 2.into(), 3.into(), 1.0.into()]);
    assert_eq!(figures("agency", "H02"), [Value::from(2), 2.into(), 4.into(), 0.0.into()]);
    assert_eq!(figures("unit", "H01/Front desk"), [Value::from(1), 1.into(), 1.into(), 1.0.into()]);
    assert_eq!(figures("unit", "H01/Back office"), [Value::from(1), 1.into(), 2.into(), Value::Null]);
    assert_eq!(figures("unit", "H02/Front desk"), [Value::from(1), 1.into(), 3.into(), 0.0.into()]);
    let units = log.server.json(&["board", "--by", "unit", "--agency", "H01"]);
    assert_eq!(units.as_array().unwrap().len(), 2);
    assert_eq!(log.trail("procedure:1.2").iter().filter(|(what, _)| what == RECEIVED).count(), 2);
    let case = log.server.json(&["case", "show", "p-1"]);
    assert_eq!(
        (&case["agency"], &case["unit"], &case["channel"]),
        (&"H01".into(), &"H01/Front desk".into(), &"online".into())
    );
    log.adds_nothing(text, &first);
    let more = log.import(&format!("{text}6,Sở Xây dựng,Front desk,Web,1.2,Begin,2024-03-07\n"));
    counts(&more, [("rows", 9), ("appended", 2), ("repeated", 11), ("rejected", 1)]);
}

#[test]
fn dirt_is_kept_out_and_what_is_odd_goes_in_with_a_flag() {
    let columns = "case = 'case'\nactivity = 'step'\ntime = 'time'\nofficial = 'who'\nunit = 'unit'\n\
                   start = 'start'\nend = 'end'\ndeadline = 'due'\n";
    let log = Log::new(&format!("source = 'dirt'\n[columns]\n{columns}"));
    let life = "2024-03-04T08:00,2024-03-08T08:00,2024-03-11";
    let long = "x".repeat(101);
    let rows = [
        /* 2 */ format!("A/1 b:c é,Begin,2024-03-04T08:00,o-1,EMPTY,{life}"),
        /* 3 */ format!("A/1 b:c é,Check,2024-03-03T08:00,Nguyễn Văn A,Desk,{life}"),
        /* 4 */ format!("A/1 b:c é,File,2024-03-09T08:00,Nguyễn Văn A,Desk,{life}"),
        /* 5 */ ",Begin,2024-03-04,,Desk,,,".to_owned(),
        /* 6 */ format!("A/1 b:c é,Again,04/03/2024,,Desk,{life}"),
        /* 7 */ "B,Begin".to_owned(),
        /* 8 */ "B,Check,2024-03-05,,Desk,,,".to_owned(),
        /* 9 */ "B,Check,2024-03-05,,Desk,,,".to_owned(),
        /* 10 */ "C,Begin,2199-01-01,,Desk,,,".to_owned(),
        /* 11 */ "B,Check,2199-01-01,,Desk,,,".to_owned(),
        /* 12 */ "D,Begin,2024-03-05,,Desk,2024-03-05,,2024-03-01".to_owned(),
        /* 13 */ "E,Begin,2024-03-05,,Desk,2024-03-05,2199-01-01,".to_owned(),
        /* 14 */ "F,Begin,2024-03-05,,Desk,some day,,".to_owned(),
        /* 15 */ format!("F,Begin,2024-03-06,,{long},,,"),
        /* 16 */ format!("F,{long},2024-03-06,,Desk,,,"),
    ];
    let text = format!("case,step,time,who,unit,start,end,due\n{}\n", rows.join("\n"));
    let first = log.import(&text);
    counts(&first, [("rows", 15), ("cases", 6), ("steps", 8), ("rejected", 7), ("refused", 2)]);
    // Receipts of A, B, D, E and F, eight steps, the close of A.
    counts(&first, [("appended", 14), ("repeated", 0), ("deadline_before_start", 1), ("close_refused", 1)]);
    // Four rows with a flag or more, and the two cases.
    counts(&first, [("flagged", 6), ("case_differs", 0)]);
    let flags = [("unit_empty", 1), ("before_start", 1), ("after_end", 1), ("official_renamed", 2)];
    counts(&first["flags"], flags);
    counts(&first["flags"], [("attribute_unreadable", 1)]);
    let expected = [
        (5, "case_missing"),
        (6, "time_unreadable"),
        (7, "field_count"),
        (10, "OCCURRED_IN_FUTURE"),
        (11, "OCCURRED_IN_FUTURE"),
        (15, "unit_invalid"),
        (16, "activity_invalid"),
    ];
    assert_eq!(log.rejected(), expected.map(|(line, reason)| (line, reason.to_owned())).into());
    let rejects = fs::read_to_string(log.rejects()).unwrap();

    // The rest went in, and is found by a code with whatever it has.
    let case = "case:A/1 b:c é";
    let life = [
        (RECEIVED, "2024-03-04T01:00:00Z"),
        ("Check", "2024-03-03T01:00:00Z"),
        ("Begin", "2024-03-04T01:00:00Z"),
        (DECIDED, "2024-03-08T01:00:00Z"),
        ("File", "2024-03-09T01:00:00Z"),
    ];
    assert_eq!(log.trail(case), pairs(&life));
    let lines = log.server.json(&["trail", case, "--oldest-first"]);
    assert_eq!(
        (&lines[1]["data"]["before_receipt"], &lines[4]["data"]["after_close"]),
        (&true.into(), &true.into())
    );
    let official = lines[1]["on_behalf_of"].as_str().unwrap();
    assert!(official.starts_with("o-") && lines[4]["on_behalf_of"] == official, "{official}");
    assert!(!log.server.liem(&["log", "read", "--json", "--limit", "0"]).out.contains("Nguyễn"));
    assert_eq!(log.trail("B").len(), 3, "two rows that are alike are two steps");
    let names = ["received", "closed", "closed_on_time", "open", "open_late", "steps"];
    assert_eq!(log.figures("agency", "DIRT", &names), [5, 1, 1, 4, 0, 8]);
    assert_eq!(log.figures("unit", "EMPTY", &["steps"]), [1]);
    log.adds_nothing(&text, &first);

    // The file of rejected rows, put right, is imported with the same mapping.
    let header = rejects.lines().next().unwrap();
    let row = rejects
        .lines()
        .find(|line| line.starts_with("6,"))
        .unwrap()
        .replace("04/03/2024,,Desk", "2024-03-05,,Desk");
    let repaired = log.import(&format!("{header}\n{row}\n"));
    counts(&repaired, [("rows", 1), ("appended", 1), ("repeated", 2), ("rejected", 0)]);
    assert_eq!(log.trail(case).len(), 6);
}
