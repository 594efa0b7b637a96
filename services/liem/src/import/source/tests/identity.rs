//! A row keeps its id wherever it stands.

use std::collections::{BTreeMap, BTreeSet};

use super::*;

#[test]
fn ids_come_from_content_not_from_place() {
    let ids = |rows: &[String]| -> BTreeMap<Uuid, (String, Option<String>)> {
        let cases = cases_of(&file(rows), MAPPING);
        let rows = cases
            .iter()
            .flat_map(|case| case.rows.iter().map(|row| (row.id, (case.key.clone(), row.activity.clone()))));
        rows.collect()
    };
    let receipts = |rows: &[String]| -> BTreeMap<String, Uuid> {
        cases_of(&file(rows), MAPPING).into_iter().map(|case| (case.key, case.receive_id)).collect()
    };
    let rows = scattered(20, 6);
    let first = ids(&rows);
    assert_eq!(first.len(), rows.len(), "the row that comes twice has two ids");
    let mut sorted = rows.clone();
    sorted.sort();
    assert_eq!(ids(&sorted), first);
    assert_eq!(receipts(&sorted), receipts(&rows));

    let mut extended = rows.clone();
    extended.insert(0, "c1,late,2020-06-01,o1,u1".to_owned());
    extended.push(rows[5].clone());
    let more = ids(&extended);
    assert!(first.iter().all(|(id, row)| more.get(id) == Some(row)));
    assert_eq!(more.len(), first.len() + 2);
    assert_eq!(receipts(&extended), receipts(&rows));
}

#[test]
fn ids_stay_what_they_are() {
    // Changing these breaks every import that is run a second time.
    let case = case_of(
        "case,activity,time,official,unit,end\n1,x,2020-01-01T08:00Z,Trần Văn A,u,2020-01-02\n",
        &with("end = 'end'"),
    );
    assert_eq!(case.receive_id.to_string(), "00000000-0000-810e-9a64-be3cebbb0a11");
    assert_eq!(case.rows[0].id.to_string(), "016f601e-5c00-86b3-ba24-0a057e94a4fc");
    assert_eq!(case.close_id.unwrap().to_string(), "016f620c-be80-8f86-93f7-6ac5640147fa");
    assert_eq!(case.rows[0].official.as_deref(), Some("o-6b6e3b0221dba7c0"));
}

#[test]
fn a_better_mapping_leaves_the_ids() {
    let csv = "case,activity,time,official,unit\n1,x,2020-01-01T08:00Z,o,u\n";
    let plain = case_of(csv, MAPPING);
    let better = MAPPING.replace("\"activity\"", "{ column = \"activity\", values = { x = \"received\" } }");
    let better = case_of(csv, &better);
    assert_eq!(better.rows[0].activity.as_deref(), Some("received"));
    assert_eq!((better.receive_id, better.rows[0].id), (plain.receive_id, plain.rows[0].id));
    let other = case_of(csv, &MAPPING.replace("\"test\"", "\"other\""));
    assert_ne!(other.receive_id, plain.receive_id);
    assert_ne!(other.rows[0].id, plain.rows[0].id);
}

#[test]
fn without_a_case_column_each_row_is_a_case() {
    let mapping = "source = 'test'\n[columns]\nactivity = 'what'\ntime = 'time'";
    let csv = "what,time\nx,2020-01-01\ny,2020-01-01\nx,2020-01-01\n";
    let read = cases_of(csv, mapping);
    assert_eq!(read.iter().map(|case| case.rows.len()).collect::<Vec<_>>(), [1, 1, 1]);
    let keys: BTreeSet<_> = read.iter().map(|case| &case.key).collect();
    let ids: BTreeSet<_> = read.iter().flat_map(|case| [case.receive_id, case.rows[0].id]).collect();
    assert_eq!((keys.len(), ids.len()), (3, 6));
    assert!(keys.iter().all(|key| key.starts_with("row-")), "{keys:?}");

    let resorted = cases_of("what,time\nx,2020-01-01\nx,2020-01-01\ny,2020-01-01\n", mapping);
    let again: BTreeSet<_> = resorted.iter().flat_map(|case| [case.receive_id, case.rows[0].id]).collect();
    assert_eq!(ids, again);
}
