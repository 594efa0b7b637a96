use std::error::Error;

use super::*;

/// The error with its causes, as a log shows it.
fn refusal(text: &str) -> String {
    let error = Mapping::parse(text).unwrap_err();
    let mut message = error.to_string();
    let mut cause = error.source();
    while let Some(source) = cause {
        message = format!("{message}: {source}");
        cause = source.source();
    }
    message
}

#[test]
fn the_smallest_mapping_has_defaults() {
    let mapping = Mapping::parse("source = 'wabo-receipt'").unwrap();
    assert_eq!(mapping.zone.local_minus_utc(), 7 * 3600);
    assert_eq!(mapping.delimiter, b',');
    assert_eq!(mapping.field(Role::Agency), Some(&Field::Constant("WABO.RECEIPT".to_owned())));
    assert_eq!(mapping.fields().count(), 1);
}

#[test]
fn a_string_names_a_column_and_a_table_says_more() {
    let mapping = Mapping::parse(
        r#"
        source = "a"
        time_zone = "+01"
        delimiter = "\t"
        closing_activities = ["Done"]
        [columns]
        case = { column = "id", prefix = "bpi-" }
        activity = "what"
        channel = { column = "way", values = { Web = "online", Other = "" }, default = "counter" }
        [columns.procedure]
        constant = "1.001234"
        "#,
    )
    .unwrap();
    assert_eq!((mapping.delimiter, mapping.zone.local_minus_utc()), (b'\t', 3600));
    assert_eq!(mapping.field(Role::Case).unwrap().prefix(), "bpi-");
    assert_eq!(mapping.field(Role::Activity).unwrap().column(), Some("what"));
    let channel = mapping.field(Role::Channel).unwrap();
    assert_eq!(channel.value(" Web "), Some("online"));
    assert_eq!(channel.value("Other"), None);
    assert_eq!(channel.value("pigeon"), Some("counter"));
    assert_eq!((channel.value("  "), channel.absent()), (None, Some("counter")));
    assert_eq!(mapping.field(Role::Procedure).unwrap().absent(), Some("1.001234"));
}

#[test]
fn a_default_alone_stands_for_empty_cells_only() {
    let mapping =
        Mapping::parse("source = 'a'\n[columns]\nunit = { column = 'u', default = 'none' }").unwrap();
    let unit = mapping.field(Role::Unit).unwrap();
    assert_eq!((unit.value("U1"), unit.value(""), unit.absent()), (Some("U1"), None, Some("none")));
}

#[test]
fn an_unknown_key_is_refused_with_the_keys_there_are() {
    let top = refusal("source = 'a'\ncolour = 'red'");
    assert!(
        top.contains("colour") && top.contains("`time_zone`") && top.contains("`closing_activities`"),
        "{top}"
    );
    let role = refusal("source = 'a'\n[columns]\ncas = 'x'");
    assert!(role.contains("`cas`") && role.contains("`case_unit`") && role.contains("`deadline`"), "{role}");
    let table = refusal("source = 'a'\n[columns]\ncase = { col = 'x' }");
    assert!(table.contains("`col`") && table.contains("`constant`") && table.contains("`values`"), "{table}");
    let number = refusal("source = 'a'\n[columns]\ncase = 3");
    assert!(number.contains("the name of a column, or a table"), "{number}");
}

#[test]
fn a_key_below_columns_that_belongs_above_is_told_so() {
    let message = refusal("source = 'a'\n[columns]\nactivity = 'x'\nclosing_activities = ['Done']");
    assert_eq!(message, "`closing_activities` is no key of [columns]: put it above the line [columns]");
}

#[test]
fn wrong_values_are_refused_before_a_row_is_read() {
    let column = |entry: &str| refusal(&format!("source = 'a'\n[columns]\n{entry}"));
    for (entry, expected) in [
        ("agency = { constant = 'the town' }", "no code of an agency"),
        ("agency = { column = 'a', values = { x = 'y z' } }", "no code of an agency"),
        ("channel = { column = 'c', values = { x = 'fax' } }", "`fax` is none of `counter`"),
        ("channel = { constant = 'x' }", "`x` is none of"),
        ("deadline = { constant = 'soon' }", "expected ISO 8601"),
        ("unit = { constant = '' }", "is empty"),
        ("unit = { column = 'u', prefix = 'p' }", "only `case` takes a `prefix`"),
        ("case = { column = 'c', default = 'd' }", "`case` takes no `default`"),
        ("unit = { column = 'u', constant = 'p' }", "either `column` or `constant`"),
        ("unit = {}", "either `column` or `constant`"),
        ("unit = { constant = 'u', default = 'p' }", "stands alone"),
    ] {
        let message = column(entry);
        assert!(message.contains(expected), "{entry}: {message}");
    }
    for (text, expected) in [
        ("", "missing field `source`"),
        ("source = 'a b'", "source `a b`"),
        ("source = 'a'\ntime_zone = 'Asia/Ho_Chi_Minh'", "no offset"),
        ("source = 'a'\ndelimiter = ';;'", "delimiter"),
        ("source = 'a'\ndelimiter = '\"'", "delimiter"),
        ("source = 'a'\nclosing_activities = ['x']", "need columns.activity"),
        (
            "source = 'a'\nclosing_activities = ['x']\n[columns]\nactivity = 'a'\nend = 'e'",
            "for files without an end",
        ),
    ] {
        let message = refusal(text);
        assert!(message.contains(expected), "{text}: {message}");
    }
}

#[test]
fn the_mappings_we_ship_are_right() {
    let mapping = Mapping::parse(include_str!("../../../../../deploy/mappings/wabo-receipt.toml")).unwrap();
    assert_eq!(mapping.source, "wabo-receipt");
    assert_eq!(mapping.field(Role::Channel).unwrap().value("e-mail"), Some("online"));
}
