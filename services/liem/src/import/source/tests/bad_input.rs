//! What can't be used is told, with line and reason, and the rest goes in.

use std::fmt::Write as _;

use super::*;

#[test]
fn a_temporary_file_that_cannot_be_made_is_an_error_with_its_folder() {
    let fixture = Fixture::new(file(&scattered(5, 2)), MAPPING);
    let limits = Limits { folder: fixture.path("absent"), ..fixture.limits(1) };
    let error = fixture.read_within(&limits).err().unwrap();
    assert!(error.to_string().contains("absent"), "{error}");
}

#[test]
fn byte_order_mark_crlf_quoted_breaks_and_blank_lines_are_read() {
    let fixture = Fixture::new(
        b"\xef\xbb\xbfcase,activity,time,note\r\n\
          1,\"say \"\"x\"\", y\",2020-01-01,\"two\r\nlines\"\r\n\
          \r\n\
          2,z,2020-01-02,\xff\xfe\r\n",
        "source = 'test'\n[columns]\ncase = 'case'\nactivity = 'activity'\ntime = 'time'",
    );
    let cases = cases(&fixture.read());
    let read: Vec<_> =
        cases.iter().map(|case| (case.rows[0].line, case.rows[0].activity.as_deref())).collect();
    assert_eq!(read, [(2, Some("say \"x\", y")), (5, Some("z"))]);
    assert_eq!(fixture.rejects(), "", "bytes of a column that is not mapped don't matter");
}

#[test]
fn rows_that_cannot_be_used_are_rejected_with_line_and_reason() {
    let long = "x".repeat(101);
    let mut csv = b"case,activity,time,official,unit,agency,start\n".to_vec();
    csv.extend_from_slice(
        format!(
            "1,x,2020-01-01,o,u,A,\n\
             ,x,2020-01-01,o,u,A,\n\
             1,x,01/02/2020,o,u,A,\n\
             1,x,,o,u,A,\n\
             1,x,2020-01-01,o,u,A\n\
             {long},x,2020-01-01,o,u,A,\n\
             1,\"x\ny\",2020-01-01,o,u,A,\n\
             1,x,2020-01-01,o,{long},A,\n\
             1,x,2020-01-01,o,u,the town,\n\
             1,x,,o,u,A,2020-01-05\n"
        )
        .as_bytes(),
    );
    csv.extend_from_slice(b"1,x\xe9,2020-01-01,o,u,A,\n1,x,,o,u,A,soon\n");
    let fixture = Fixture::new(csv, &with("agency = 'agency'\nstart = 'start'"));
    let source = fixture.read();
    assert_eq!((source.survey().rows, source.survey().rejected, source.survey().cases), (12, 10, 1));
    assert_eq!(cases(&source)[0].rows.iter().map(|row| row.line).collect::<Vec<_>>(), [2, 12]);

    let rejects = std::fs::read(fixture.path("rejects.csv")).unwrap();
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(rejects.as_slice());
    assert_eq!(
        reader.byte_headers().unwrap(),
        "line,reason,detail,case,activity,time,official,unit,agency,start".split(',').collect::<Vec<_>>()
    );
    let rows: Vec<_> = reader.byte_records().map(Result::unwrap).collect();
    let reasons: Vec<_> = rows
        .iter()
        .map(|row| (std::str::from_utf8(&row[0]).unwrap(), std::str::from_utf8(&row[1]).unwrap()))
        .collect();
    let expected = [
        ("3", "case_missing"),
        ("4", "time_unreadable"),
        ("5", "time_missing"),
        ("6", "field_count"),
        ("7", "case_invalid"),
        ("8", "activity_invalid"),
        ("10", "unit_invalid"),
        ("11", "agency_invalid"),
        ("13", "not_utf8"),
        ("14", "time_unreadable"),
    ];
    assert_eq!(reasons, expected);
    assert!(String::from_utf8_lossy(&rows[1][2]).contains("expected ISO 8601"));
    assert_eq!(rows[8][4], *b"x\xe9", "the bytes are kept");
}

#[test]
fn a_quote_left_open_is_told() {
    let fixture =
        Fixture::new("case,activity,time,official,unit\n1,\"x,2020-01-01,o,u\n2,x,2020-01-01,o,u\n", MAPPING);
    assert_eq!(fixture.read().survey().rejected, 1);
    assert!(
        fixture.rejects().contains(
            "2,field_count,\"2 cells where the header has 5, over 3 lines: is a quote left open?\""
        )
    );
}

#[test]
fn rejected_rows_put_right_can_be_imported_as_they_are() {
    let fixture = Fixture::new(
        "case;activity;time;official;unit\n1;x;soon;o;u\n2;x;2020-01-01;o;u\n",
        &format!("delimiter = ';'\n{MAPPING}"),
    );
    assert_eq!(fixture.read().survey().rejected, 1);
    let repaired = fixture.rejects().replace(";soon;", ";2020-01-01;");
    let whole = case_of("case,activity,time,official,unit\n1,x,2020-01-01,o,u\n", MAPPING);
    let again = case_of(&repaired, &format!("delimiter = ';'\n{MAPPING}"));
    assert_eq!((again.receive_id, again.rows[0].id), (whole.receive_id, whole.rows[0].id));
}

#[test]
fn rejected_rows_do_not_overwrite_what_is_read() {
    let fixture = Fixture::new(file(&scattered(2, 3)), MAPPING);
    let mut rejects = Rejects::new(&fixture.path("in.csv"));
    let read = Source::read(
        &fixture.path("in.csv"),
        &fixture.mapping,
        &fixture.limits(1),
        &mut rejects,
        &mut |_| {},
    );
    assert!(matches!(read.err().unwrap(), SourceError::RejectsIsInput { .. }));
}

#[test]
fn a_mapping_that_does_not_fit_is_refused_with_what_there_is() {
    let refusal = |csv: &str| {
        let fixture = Fixture::new(csv, MAPPING);
        fixture.read_within(&fixture.limits(1 << 20)).err().unwrap().to_string()
    };
    let message = refusal("case; activity;time\n");
    assert!(message.contains("`case` (case), `activity` (activity)"), "{message}");
    assert!(message.contains("it has `case; activity;time`"), "{message}");
    let message = refusal("case,activity,time,official,unit,time\n");
    assert!(message.contains("`time` twice"), "{message}");
    // Spaces around a name don't count, nor does the order.
    assert_eq!(cases_of(" unit,official ,time,activity,case\nu,o,2020-01-01,a,1\n", MAPPING).len(), 1);
}

#[test]
fn a_column_of_countless_units_is_refused() {
    let mut csv = String::from("case,activity,time,official,unit\n");
    for number in 0..=survey::DISTINCT_MAX {
        writeln!(csv, "{number},x,2020-01-01,o,{number}").unwrap();
    }
    let fixture = Fixture::new(csv, MAPPING);
    let error = fixture.read_within(&fixture.limits(1 << 30)).err().unwrap();
    assert!(matches!(error, SourceError::TooManyDistinct { what: "units" }), "{error}");
}

#[test]
fn a_case_of_countless_rows_is_refused() {
    let mut csv = String::from("case,activity,time,official,unit\n");
    for _ in 0..=store::CASE_ROWS_MAX {
        csv.push_str("1,x,2020-01-01,o,u\n");
    }
    let fixture = Fixture::new(csv, MAPPING);
    let error = fixture.read_within(&fixture.limits(1 << 30)).err().unwrap();
    assert_eq!(
        error.to_string(),
        "case `1` has 100001 rows, more than 100000: does the mapping name the right column?"
    );
}
