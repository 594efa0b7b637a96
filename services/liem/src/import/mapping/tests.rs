use std::error::Error;

use super::outcome::Outcome;
use super::*;
use crate::cli::report::{Class, Finding};

/// The error with its causes, as a log shows it.
fn refusal(text: &str) -> String {
    let error = CaseMapping::parse(text).unwrap_err();
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
    let mapping = CaseMapping::parse("source = 'wabo-receipt'").unwrap();
    assert_eq!(mapping.form.zone.local_minus_utc(), 7 * 3600);
    assert_eq!(mapping.form.delimiter, b',');
    assert_eq!(mapping.field(Role::Agency), Some(&Field::Constant("WABO.RECEIPT".to_owned())));
    assert_eq!(mapping.fields().count(), 1);
}

#[test]
fn a_string_names_a_column_and_a_table_says_more() {
    let mapping = CaseMapping::parse(
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
    assert_eq!((mapping.form.delimiter, mapping.form.zone.local_minus_utc()), (b'\t', 3600));
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
        CaseMapping::parse("source = 'a'\n[columns]\nunit = { column = 'u', default = 'none' }").unwrap();
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

/// A mapping of reports, with more lines after its first three.
fn reports(more: &str) -> Result<ReportMapping, MappingError> {
    match Mapping::parse(&format!("source = 'a'\n[reports]\nreport = 'id'\nreceived = 'on'\n{more}"))? {
        Mapping::Reports(mapping) => Ok(mapping),
        Mapping::Cases(_) => panic!("a mapping of cases"),
    }
}

#[test]
fn a_mapping_of_reports_has_defaults() {
    let mapping = reports("").unwrap();
    assert_eq!(mapping.reports.absent(ReportRole::Agency), Some("A"));
    assert!(mapping.allegations.is_none() && mapping.reports.field(ReportRole::Handler).is_none());
}

#[test]
fn a_word_is_listed_or_ours_or_the_default() {
    let finding = "final = { column = 'f', values = { Sustained = 'substantiated', '-' = '' }";
    let field = |more: &str| {
        let mapping = reports(&format!("[allegations]\nreport = 'id'\n{finding}{more} }}")).unwrap();
        mapping.allegations.unwrap().field(AllegationRole::Final).unwrap().clone()
    };
    let read = |field: &Field, cell: &str| field.word(cell, word::<Finding>).map_err(str::to_owned);
    let strict = field("");
    assert_eq!(read(&strict, " Sustained "), Ok(Some(Finding::Substantiated)));
    assert_eq!(read(&strict, "pending"), Ok(Some(Finding::Pending)));
    assert_eq!((read(&strict, "-"), read(&strict, " ")), (Ok(None), Ok(None)));
    assert_eq!(read(&strict, "Pending"), Err("Pending".to_owned()));
    let lenient = field(", default = 'false'");
    assert_eq!(read(&lenient, "Unfounded"), Ok(Some(Finding::False)));
    assert_eq!(read(&lenient, "partly"), Ok(Some(Finding::Partly)));
}

#[test]
fn dates_are_read_as_the_mapping_says() {
    let date = |format: &str| Mapping::parse(&format!("source = 'a'\ndate_format = '{format}'"));
    let Ok(Mapping::Cases(mapping)) = date("%m/%d/%Y") else { panic!("a mapping of cases") };
    assert_eq!(mapping.form.when("1/31/2019"), mapping.form.when("2019-01-31"));
    let message = date("%m/%d").unwrap_err().to_string();
    assert!(message.contains("`%m/%d`") && message.contains("%m/%d/%Y"), "{message}");
    let constant = "opened = { constant = '1/31/2019' }";
    let whole = |date| format!("source = 'a'\n{date}[reports]\nreport = 'i'\nreceived = 'r'\n{constant}");
    assert!(Mapping::parse(&whole("date_format = '%m/%d/%Y'\n")).is_ok());
    assert!(refusal(&whole("")).contains("reports.opened can't be used"));
}

#[test]
fn a_wrong_mapping_of_reports_is_refused_before_a_row_is_read() {
    let wrong = |text: &str| refusal(&format!("source = 'a'\n{text}"));
    let table = "[reports]\nreport = 'id'\nreceived = 'on'\n";
    for (text, expected) in [
        ("[reports]\nreport = 'id'".to_owned(), "[reports] needs `received`"),
        ("[reports]\nreceived = 'on'".to_owned(), "[reports] needs `report`"),
        (format!("{table}[allegations]\nperson = 'p'"), "[allegations] needs `report`"),
        ("[allegations]\nreport = 'id'".to_owned(), "stand beside [reports]"),
        (format!("{table}[columns]\ncase = 'c'"), "take one of them out"),
        (format!("closing_activities = ['x']\n{table}"), "are for cases"),
        (format!("{table}delimiter = ';'"), "put it above the line [reports]"),
        (format!("{table}colour = 'c'"), "`jurisdiction`"),
        (format!("{table}kind = {{ constant = 'rumour' }}"), "`complaint`, `denunciation`"),
        (format!("{table}source = {{ column = 's', values = {{ x = 'y' }} }}"), "`self_report`"),
        (format!("{table}class = {{ column = 'c', default = 'y' }}"), "`overbearing`"),
        (format!("{table}[allegations]\nreport = 'r'\nfinal = {{ constant = 'true' }}"), "`unsubstantiated`"),
        (format!("{table}handler = {{ constant = 'the town' }}"), "no code of an agency"),
        (format!("{table}unit = {{ column = 'u', prefix = 'p' }}"), "only `case` takes a `prefix`"),
        ("[reports]\nreport = { constant = 'x' }\nreceived = 'on'".to_owned(), "name its column"),
        (
            "[reports]\nreport = { column = 'x', default = 'y' }\nreceived = 'on'".to_owned(),
            "`report` takes no `default`",
        ),
    ] {
        let message = wrong(&text);
        assert!(message.contains(expected), "{text}: {message}");
    }
}

#[test]
fn a_word_for_an_outcome_is_listed_or_ours_or_otherwise() {
    let outcome = |more: &str| {
        let entry = format!("outcome = {{ column = 'o', {more} }}\nperson_class = {{ constant = 'cadre' }}");
        let mapping = reports(&format!("[allegations]\nreport = 'id'\nrecommended_outcome = 'r'\n{entry}"));
        let mapping = mapping.unwrap().allegations.unwrap();
        // What is recommended is said in the same words.
        let (last, recommended) = (AllegationRole::Outcome, AllegationRole::RecommendedOutcome);
        assert_eq!(mapping.outcomes(last), mapping.outcomes(recommended));
        assert_eq!(mapping.field(last).and_then(Field::column), Some("o"));
        mapping.outcomes(last).unwrap().clone()
    };
    let of = |result, form: &str| {
        let form = (!form.is_empty()).then(|| form.to_owned());
        Ok(Some(Outcome { result, form }))
    };
    let strict = outcome(
        "values = { 10 = { result = 'sanctioned', form = 'suspension' }, None = 'not_sanctioned', '-' = '' }",
    );
    assert_eq!(strict.meaning("10"), of(SanctionResult::Sanctioned, "suspension"));
    assert_eq!(strict.meaning("None"), of(SanctionResult::NotSanctioned, ""));
    assert_eq!(strict.meaning("pending"), of(SanctionResult::Pending, ""));
    assert_eq!((strict.meaning("-"), strict.meaning("none")), (Ok(None), Err("none")));
    let lenient = outcome("otherwise = { result = 'sanctioned' }");
    assert_eq!(lenient.meaning("15"), of(SanctionResult::Sanctioned, ""));
    assert_eq!(lenient.meaning("pending"), of(SanctionResult::Pending, ""));
    assert_eq!(outcome("otherwise = ''").meaning("15"), Ok(None));
}

#[test]
fn a_wrong_mapping_of_discipline_is_refused_before_a_row_is_read() {
    let wrong = |text: &str| {
        refusal(&format!(
            "source = 'a'\n[reports]\nreport = 'id'\nreceived = 'on'\n[allegations]\nreport = 'id'\n{text}"
        ))
    };
    let class = "person_class = { constant = 'police_officer' }\n";
    for (text, expected) in [
        ("outcome = 'o'".to_owned(), "no `person_class`"),
        (class.to_owned(), "`person_class` and no `outcome`"),
        ("decided = 'd'".to_owned(), "`decided` and no `outcome`"),
        ("person_class = { constant = 'sergeant' }\noutcome = 'o'".to_owned(), "`civil_servant`"),
        (format!("{class}outcome = {{ constant = 'pending' }}"), "name its column"),
        (format!("{class}outcome = {{ column = 'o', default = 'pending' }}"), "give an `otherwise`"),
        (format!("{class}outcome = {{ column = 'o', values = {{ a = 'guilty' }} }}"), "`not_sanctioned`"),
        (
            format!("{class}outcome = {{ column = 'o', values = {{ a = {{ form = 'x' }} }} }}"),
            "missing field `result`",
        ),
        (
            format!(
                "{class}outcome = {{ column = 'o', otherwise = {{ result = 'pending', form = 'fine' }} }}"
            ),
            "only what is `sanctioned` has one",
        ),
        ("final = { column = 'f', values = { a = { result = 'pending' } } }".to_owned(), "only an outcome"),
        ("final = { column = 'f', otherwise = 'false' }".to_owned(), "give a `default`"),
    ] {
        let message = wrong(&text);
        assert!(message.contains(expected), "{text}: {message}");
    }
}

#[test]
fn the_mappings_we_ship_are_right() {
    let mapping =
        CaseMapping::parse(include_str!("../../../../../deploy/mappings/wabo-receipt.toml")).unwrap();
    assert_eq!(mapping.form.source, "wabo-receipt");
    assert_eq!(mapping.field(Role::Channel).unwrap().value("e-mail"), Some("online"));
    let text = include_str!("../../../../../deploy/mappings/philadelphia.toml");
    let Ok(Mapping::Reports(mapping)) = Mapping::parse(text) else { panic!("a mapping of reports") };
    assert_eq!(mapping.form.source, "philadelphia");
    let class = mapping.reports.field(ReportRole::Class).unwrap();
    assert_eq!(class.word(" LACK OF SERVICE", word::<Class>), Ok(Some(Class::Delay)));
    let outcomes = mapping.allegations.unwrap().outcomes(AllegationRole::Outcome).unwrap().clone();
    let guilty = Outcome { result: SanctionResult::Sanctioned, form: None };
    assert_eq!(outcomes.meaning("Guilty Finding"), Ok(Some(guilty)));
    assert_eq!(outcomes.meaning("Guilty"), Err("Guilty"));
}
