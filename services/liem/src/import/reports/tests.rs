use std::error::Error;
use std::fs;

use tempfile::TempDir;

use super::*;
use crate::cli::report::{Class, Kind};
use crate::import::mapping::Mapping;

const MAPPING: &str = "source = 'town'\ntime_zone = '-05:00'\n\
    [reports]\nreport = 'no'\nreceived = 'in'\nopened = 'from'\nclosed = 'to'\nunit = 'where'\nclass = 'what'\n\
    kind = { column = 'kind', values = { C = 'complaint' } }\nhandler = { constant = 'TOWN.IA' }\n\
    [allegations]\nreport = 'no'\nperson = 'who'\nclass = 'act'\n\
    final = { column = 'found', values = { Yes = 'substantiated', No = 'unsubstantiated' } }\n";
const REPORTS: &str = "no,in,from,to,where,what,kind\n";
const ALLEGATIONS: &str = "no,who,act,found\n";

struct Folder {
    folder: TempDir,
    mapping: ReportMapping,
}

impl Folder {
    fn new(mapping: &str) -> Self {
        let Ok(Mapping::Reports(mapping)) = Mapping::parse(mapping) else { panic!("a mapping of reports") };
        Self { folder: tempfile::tempdir().unwrap(), mapping }
    }

    fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    }

    /// The register, and the rejected rows: line, reason, file.
    #[track_caller]
    fn read(&self, files: &[PathBuf]) -> (Register, Vec<(u64, String, String)>) {
        let path = self.folder.path().join("rejects.csv");
        if path.exists() {
            fs::remove_file(&path).unwrap();
        }
        let mut rejects = Rejects::new(&path);
        let register = Register::read(files, &self.mapping, &mut rejects, &mut |_| {}).unwrap();
        assert_eq!(register.rejected, rejects.count());
        if !path.exists() {
            return (register, Vec::new());
        }
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_path(path).unwrap();
        let row = |row: ByteRecord| {
            let row = csv::StringRecord::from_byte_record_lossy(row);
            assert!(row[2].len() > 3, "it says what is wrong: {row:?}");
            (row[0].parse().unwrap(), row[1].to_owned(), row[3].to_owned())
        };
        let rows = reader.byte_records().map(|record| row(record.unwrap())).collect();
        (register, rows)
    }

    fn refusal(&self, files: &[PathBuf]) -> String {
        let mut rejects = Rejects::new(&self.folder.path().join("rejects.csv"));
        let Err(error) = Register::read(files, &self.mapping, &mut rejects, &mut |_| {}) else {
            panic!("it was read");
        };
        let mut message = error.to_string();
        let mut cause = error.source();
        while let Some(source) = cause {
            message = format!("{message}: {source}");
            cause = source.source();
        }
        message
    }
}

/// Every report with its allegations, in words.
fn told(register: &Register) -> Vec<String> {
    let class = |(class, word): held::Classed| {
        let word = word.map(|word| format!("/{}", register.text(Some(word)))).unwrap_or_default();
        format!("{class:?}{word}")
    };
    let reports = register.reports().map(|(report, allegations)| {
        let said = &report.said;
        let dates = [said.received, said.opened, said.closed];
        let dates = dates.map(|date| date.map_or("-".to_owned(), |date| date.to_string())).join(" ");
        let allegations = allegations.iter().map(|a| {
            let person = a.person.as_deref().unwrap_or("-");
            format!("; {person} {} {:?}", class(a.classed), a.last)
        });
        let about = [register.agency(report), register.handler(report), register.text(said.unit)].join(" ");
        let classed = said.classed.map(class).unwrap_or_default();
        format!("{} {dates} {about} {classed}{}", report.id, allegations.collect::<String>())
    });
    reports.collect()
}

fn rejected(rows: &[(u64, &str, &str)]) -> Vec<(u64, String, String)> {
    rows.iter().map(|(line, reason, file)| (*line, (*reason).to_owned(), (*file).to_owned())).collect()
}

#[test]
fn files_in_any_order_and_rows_in_any_order_tell_the_same() {
    let folder = Folder::new(MAPPING);
    let reports = [
        "2,2019-01-03,2019-01-04,2019-02-01,W2,delay,C",
        "1,2019-01-02 00:00:00,,,W1, Rude words,complaint",
        "3,2019-01-03,,,,,",
    ];
    let allegations = [
        "1,p2,Rude words,Yes",
        "2,p1,attitude,No",
        "1,p1,Rude words,pending",
        "1,p1,Blows,",
        "1,p2,Rude words,Yes",
    ];
    let expected = [
        "1 2019-01-02 - - TOWN TOWN.IA W1 Other/Rude words; p1 Other/Blows None; \
         p1 Other/Rude words Some(Pending); p2 Other/Rude words Some(Substantiated); \
         p2 Other/Rude words Some(Substantiated)",
        "2 2019-01-03 2019-01-04 2019-02-01 TOWN TOWN.IA W2 Delay; p1 Attitude Some(Unsubstantiated)",
        "3 2019-01-03 - - TOWN TOWN.IA  ",
    ];
    let lines = |header: &str, rows: &mut dyn Iterator<Item = &&str>| {
        format!("{header}{}\n", rows.copied().collect::<Vec<_>>().join("\n"))
    };
    let a = folder.file("a.csv", lines(REPORTS, &mut reports.iter()));
    let b = folder.file("b.csv", lines(ALLEGATIONS, &mut allegations.iter()));
    let c = folder.file("c.csv", lines(REPORTS, &mut reports.iter().rev()));
    let d = folder.file("d.csv", lines(ALLEGATIONS, &mut allegations.iter().rev()));
    for files in [[&a, &b], [&b, &a], [&d, &c]] {
        let (register, rows) = folder.read(&files.map(Clone::clone));
        assert_eq!(told(&register), expected);
        assert_eq!((register.rows, register.duplicates, rows), (8, 1, Vec::new()));
    }
    let two = folder.file("two.csv", format!("{REPORTS}4,2019-01-01,,,,,\n"));
    let (register, _) = folder.read(&[b, two, a]);
    assert_eq!((register.report_count(), register.allegation_count(), register.rows), (4, 5, 9));
}

#[test]
fn one_file_can_hold_both_tables() {
    let folder = Folder::new(MAPPING);
    let text = "what,no,in,from,to,where,kind,who,act,found,note\n\
                delay,1,2019-01-02,2019-01-02,2019-01-01,W1,C,p1,attitude,Yes,x\n\
                delay,1,2019-01-02,2019-01-02,2019-01-01,W1,C,p2,attitude,No,x\n\
                delay,2,2019-01-03,,,W1,C,,,,x\n\
                delay,1,2019-01-02,2019-01-02,2019-01-01,W2,C,p3,attitude,No,x\n\
                ,1,,,,,,p4,attitude,No,x\n\
                delay,3,2019-01-03,,,W1,C,p1,attitude,Maybe,x\n\
                delay,1,2019-01-02,2019-01-02,2019-01-01,W1,C,p1,attitude,Yes,y\n";
    let (register, rows) = folder.read(&[folder.file("all.csv", text)]);
    let found = "p1 Attitude Some(Substantiated); p1 Attitude Some(Substantiated); \
                 p2 Attitude Some(Unsubstantiated); p4 Attitude Some(Unsubstantiated)";
    let expected = [
        format!("1 2019-01-02 2019-01-02 - TOWN TOWN.IA W1 Delay; {found}"),
        "2 2019-01-03 - - TOWN TOWN.IA W1 Delay".to_owned(),
    ];
    assert_eq!(told(&register), expected);
    // Rows that differ in a column nobody maps are not alike.
    assert_eq!((register.rows, register.duplicates, register.closed_before_opened), (7, 0, 1));
    assert_eq!(rows, rejected(&[(5, "REPORT_DIFFERS", "all.csv"), (7, "final_unknown", "all.csv")]));
    assert!(register.reports[0].differs && !register.reports[1].differs);
}

#[test]
fn what_cannot_be_used_is_rejected_with_line_and_reason() {
    let folder = Folder::new(MAPPING);
    let long = "x".repeat(101);
    let reports = format!(
        "{REPORTS}1,2019-01-02,,,W1,delay,C\n\
         1,2019-01-02,,,W1,delay,complaint\n\
         1,2019-01-02,,,W2,waste,C\n\
         ,2019-01-02,,,,,\n\
         2,,,,,,\n\
         3,2.1.2019,,,,,\n\
         4,2019-01-02,soon,,,,\n\
         5,2019-01-02,,,{long},,\n\
         6,2019-01-02,,,,,rumour\n\
         7,2019-01-02,,,,{long},\n\
         8,2019-01-02\n\
         {long},2019-01-02,,,,,\n"
    );
    let mut reports = reports.into_bytes();
    reports.extend(b"9,2019-01-02,,,\xff,,\n10,2019-01-02,,,,\xff,\n");
    let a = folder.file("a.csv", reports);
    let b =
        folder.file("b.csv", format!("{ALLEGATIONS}1,p,Blows,Yes\n99,p,Blows,Yes\n1,p,Blows,Guilty\n,,,\n"));
    let (register, rows) = folder.read(&[b, a]);
    let of = |file| move |(line, reason): (u64, &str)| (line, reason.to_owned(), String::from(file));
    let reports = [
        (4, "REPORT_DIFFERS"),
        (5, "id_missing"),
        (6, "received_missing"),
        (7, "received_unreadable"),
        (8, "opened_unreadable"),
        (9, "unit_invalid"),
        (10, "kind_unknown"),
        (11, "class_invalid"),
        (12, "field_count"),
        (13, "report_invalid"),
        (14, "not_utf8"),
        (15, "not_utf8"),
    ];
    let allegations = [(3, "REPORT_MISSING"), (4, "final_unknown"), (5, "id_missing")];
    let expected: Vec<_> =
        reports.into_iter().map(of("a.csv")).chain(allegations.into_iter().map(of("b.csv"))).collect();
    assert_eq!(rows, expected);
    assert_eq!((register.report_count(), register.allegation_count(), register.rows), (1, 1, 18));
    assert_eq!(register.reports[0].said.kind, Some(Kind::Complaint));
    assert_eq!(register.reports[0].said.classed, Some((Class::Delay, None)));
    let text = fs::read(folder.folder.path().join("rejects.csv")).unwrap();
    let text = String::from_utf8_lossy(&text);
    assert!(
        text.starts_with("line,reason,detail,file,no,who,act,found,in,from,to,where,what,kind\n"),
        "{text}"
    );
    assert!(text.contains("a.csv,1,,,,2019-01-02,,,W2,waste,C\n"), "{text}");
    assert!(text.contains("with another unit, class"), "{text}");
}

#[test]
fn files_are_read_however_they_are_written() {
    let mapping = MAPPING.replacen('\n', "\ndelimiter = ';'\ndate_format = '%m/%d/%Y'\n", 1);
    let folder = Folder::new(&mapping);
    let a = "\u{feff}no;in;from;to;where;what;kind;\"free; text\"\r\n\
             1;1/31/2019;01/31/2019 11:30:00 PM;02/01/2019; W1 ;\"rude; \"\"words\"\"\";C;\"over\r\nlines\"\r\n\
             \r\n\r\n\
             2;2019-02-01;;;;;;\r\n";
    let a = folder.file("a.csv", a);
    let b = folder.file("b.csv", "\u{feff}no; who ;act;found\r\n1;p;;\r\n");
    let (register, rows) = folder.read(&[a, b]);
    let expected = [
        "1 2019-01-31 2019-01-31 2019-02-01 TOWN TOWN.IA W1 Other/rude; \"words\"; p Other None",
        "2 2019-02-01 - - TOWN TOWN.IA  ",
    ];
    assert_eq!((told(&register).as_slice(), rows), (expected.map(str::to_owned).as_slice(), Vec::new()));
}

#[test]
fn files_that_do_not_fit_are_refused_with_what_is_missing() {
    let folder = Folder::new(MAPPING);
    let a = folder.file("a.csv", format!("{REPORTS}1,2019-01-02,,,,,\n"));
    let b = folder.file("b.csv", ALLEGATIONS);
    let other = folder.file("other.csv", "no,who,found\n");
    let message = folder.refusal(&[a.clone(), other]);
    for part in
        ["other.csv", "[reports] it lacks `in` (received)", "[allegations] it lacks `act` (class)", "`found`"]
    {
        assert!(message.contains(part), "{message}");
    }
    assert!(folder.refusal(std::slice::from_ref(&a)).contains("[allegations] (`no`, `who`, `act`, `found`)"));
    assert!(folder.refusal(std::slice::from_ref(&b)).contains("no file has the columns of [reports]"));
    assert!(folder.refusal(&[a.clone(), b.clone(), a.clone()]).contains("given twice"));
    let twice = folder.file("twice.csv", "no,who,act,found,who\n");
    assert!(folder.refusal(&[a.clone(), twice]).contains("column `who` twice"));
    let empty = folder.file("empty.csv", "");
    assert!(folder.refusal(&[a.clone(), empty]).contains("is empty"));
    let rejects = folder.file("rejects.csv", REPORTS);
    assert!(folder.refusal(&[rejects, b]).contains("which is being read"));
}

#[test]
fn constants_and_defaults_stand_where_rows_say_nothing() {
    let folder = Folder::new(
        "source = 'b-town'\n[reports]\nreport = 'id'\nreceived = { column = 'on', default = '2019-01-01' }\n\
         unit = { column = 'u', default = 'none' }\nclass = { column = 'c', default = 'waste' }\n\
         agency = { column = 'a', values = { 'The Town' = 'T' } }\nofficial = 'who'\n",
    );
    let text = "id,on,u,c,a,who\n1,,,,,Trần A\n2,2019-01-02,U,x,The Town,\n1,,V,,,\n";
    let (register, _) = folder.read(&[folder.file("a.csv", text)]);
    let expected = ["1 2019-01-01 - - B.TOWN B.TOWN V Waste", "2 2019-01-02 - - T T U Waste/x"];
    assert_eq!(told(&register), expected);
    assert_eq!(register.reports[0].said.official.as_deref(), Some("Trần A"));
}

/// Every proceeding: its report, the allegation's number, and what is told.
fn proceedings(register: &Register) -> Vec<String> {
    let mut told = Vec::new();
    for (report, allegations) in register.reports() {
        for (number, allegation) in (1..).zip(allegations) {
            let Some(it) = allegation.discipline.as_ref().and_then(|discipline| discipline.told.as_ref())
            else {
                continue;
            };
            let words = |outcome: &held::Outcome| {
                let (form, word) = (register.text(outcome.form), register.text(outcome.word));
                format!("{:?}/{form}/{word}", outcome.result)
            };
            let recommended = it.recommended.as_ref().map_or_else(|| "-".to_owned(), words);
            let decided = it.decided.map_or_else(|| "-".to_owned(), |date| date.to_string());
            let (id, outcome) = (&report.id, words(&it.outcome));
            told.push(format!("{id}.{number} {:?} {recommended} {outcome} {decided}", it.class));
        }
    }
    told
}

#[test]
fn what_came_of_findings_is_taken_whatever_the_order_of_rows() {
    let outcomes = "outcome = { column = 'end', values = { S = { result = 'sanctioned', form = 'suspension' }, \
                    N = 'not_sanctioned', '-' = '' } }\nrecommended_outcome = 'board'\ndecided = 'day'\n\
                    person_class = { column = 'rank', values = { P = 'police_officer' } }\n";
    let folder = Folder::new(&format!("{MAPPING}{outcomes}"));
    let reports = folder.file("a.csv", format!("{REPORTS}1,2019-01-02,,,,,\n2,2019-01-03,,,,,\n"));
    let rows = [
        // Alike in what the report has of them: the words for the outcomes order them.
        "1,p,Blows,Yes,N,S,,P",
        "1,p,Blows,Yes,,N,2019-03-01,P",
        "1,p,Blows,Yes,S,Fired,,P",
        "1,p,Blows,Yes,,,,P",
        // Not substantiated: not taken, whatever the word.
        "1,q,Blows,No,,Whatever,,P",
        "1,q,Blows,No,,,,",
        "2,,Blows,substantiated,,pending,,P",
        "2,,Theft,Yes,,-,,P",
        "2,r,Blows,Yes,Fired,S,,P",
        "2,s,Blows,Yes,,S,soon,P",
        "2,t,Blows,Yes,,S,,",
        "2,u,Blows,Yes,,S,,Z",
    ];
    let expected = [
        "1.3 PoliceOfficer - NotSanctioned//N 2019-03-01",
        "1.4 PoliceOfficer NotSanctioned//N Sanctioned/suspension/S -",
        "2.1 PoliceOfficer - Pending// -",
    ];
    let header = "no,who,act,found,board,end,day,rank\n";
    let reasons = |rows: Vec<(u64, String, String)>| -> Vec<String> {
        let mut reasons: Vec<_> = rows.into_iter().map(|(_, reason, _)| reason).collect();
        reasons.sort();
        reasons
    };
    let why = [
        "decided_unreadable",
        "outcome_unknown",
        "person_class_missing",
        "person_class_unknown",
        "recommended_outcome_unknown",
    ];
    let mut reversed = rows;
    reversed.reverse();
    for rows in [rows, reversed] {
        let file = folder.file("b.csv", format!("{header}{}\n", rows.join("\n")));
        let (register, rejected) = folder.read(&[file, reports.clone()]);
        assert_eq!(proceedings(&register), expected);
        assert_eq!(reasons(rejected), why);
        // The rejected rows' allegations are in.
        assert_eq!((register.allegation_count(), register.outcomes_not_taken), (12, 1));
    }
    // Once the mapping knows the word, what was taken before has the same numbers.
    let better = Folder::new(&format!("{MAPPING}{}", outcomes.replace("'-' = ''", "Fired = 'sanctioned'")));
    let file = better.file("b.csv", format!("{header}{}\n", rows.join("\n")));
    let (register, _) = better.read(&[file, reports]);
    let told = proceedings(&register);
    assert_eq!(told.len(), 5, "{told:?}");
    assert!(expected.iter().all(|line| told.iter().any(|other| other == line)), "{told:?}");
}
