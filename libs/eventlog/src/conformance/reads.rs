//! Reading: streams, the whole log both ways, positions, appends.

use events::directory;
use uuid::Uuid;

use super::{
    Rig,
    sample::{accepted, append, append_as, case, event, step, steps},
    whole::{everything, header},
};
use crate::{Direction, Entry, EventLog, Expected, Filter, MAX_EVENTS, ReadError, StreamName};

pub(super) async fn a_stream_is_read_in_pages(rig: &mut dyn Rig) {
    let log = rig.log("delivery");
    let (long, other) = (case("long"), case("longer"));
    for n in 0..5 {
        log.append(append(&long, Expected::Exact(n * 500), steps(500))).await.expect("one at a time");
        log.append(append(&other, Expected::Any, steps(3))).await.expect("between them another");
    }
    let everything = everything(&*log).await;
    let stored: Vec<Entry> =
        everything.into_iter().filter(|entry| header(entry).stream == long.as_str()).collect();
    assert_eq!(stored.len(), 2_500);

    let read = async |after, limit| log.read_stream(&long, after, limit).await.expect("readable");
    let mut paged = Vec::new();
    loop {
        let page = read(paged.len() as u64, 700).await;
        assert!(page.len() <= 700);
        if page.is_empty() {
            break;
        }
        paged.extend(page);
    }
    assert_eq!(paged, stored);
    assert_eq!(read(0, 10_000).await, stored, "a limit past the end gives all");
    assert_eq!(read(0, 2_200).await, stored[..2_200], "a limit is kept, however many pages it takes");
    assert_eq!(read(1_499, 2).await, stored[1_499..1_501]);
    assert_eq!(read(2_500, 10).await, []);
    assert_eq!(read(u64::MAX, 10).await, []);
    assert_eq!(log.read_stream(&case("none"), 0, 10).await.expect("no stream is no error"), []);
}

/// Entries of several types and categories, in no regular order.
async fn fill(rig: &dyn Rig) -> Vec<Entry> {
    let log = rig.log("delivery");
    let directory = rig.log("directory");
    for n in 0..60_usize {
        let stream = case(&format!("mixed-{}", n % 7));
        let events = match n % 4 {
            0 => vec![accepted()],
            1 => vec![step("T01"), accepted(), step("T02")],
            _ => steps(1 + n % 3),
        };
        log.append(append(&stream, Expected::Any, events)).await.expect("delivery's own");
        if n % 5 == 0 {
            let agency = format!("H57.{n}");
            let stream = StreamName::new("directory.agency", &agency).expect("a stream's name");
            let opened = directory::Agency::Opened {
                agency: agency.clone(),
                name_vi: format!("Cơ quan {n}"),
                name_en: String::new(),
            };
            let opened = append_as("directory", &stream, Expected::NoStream, vec![event(&opened, &agency)]);
            directory.append(opened).await.expect("the directory's own");
        }
    }
    everything(&*log).await
}

fn filters() -> Vec<Filter> {
    let list = |names: &[&str]| names.iter().map(|&n| n.to_owned()).collect::<Vec<_>>();
    let filter =
        |types: &[&str], categories: &[&str]| Filter { types: list(types), categories: list(categories) };
    vec![
        Filter::default(),
        filter(&["delivery.CaseAccepted.v1"], &[]),
        filter(&["delivery.CaseAccepted.v1", "directory.AgencyOpened.v1"], &[]),
        filter(&[], &["directory.agency"]),
        filter(&[], &["directory.agency", "ledger.log"]),
        filter(&["delivery.StepDone.v1", "directory.AgencyOpened.v1"], &["delivery.case"]),
        filter(&["delivery.StepDone.v1"], &["directory.agency"]),
        // Names that only begin alike match nothing, and no name is a pattern or a piece of SQL.
        filter(&["delivery.StepDone"], &[]),
        filter(&[], &["delivery"]),
        filter(&["delivery.%"], &["delivery_case", "') OR 1=1 --"]),
    ]
}

pub(super) async fn all_is_what_a_naive_filter_gives(rig: &mut dyn Rig) {
    let entries = fill(rig).await;
    let log = rig.log("delivery");
    let head = entries.len() as u64;
    for filter in filters() {
        for direction in [Direction::Forwards, Direction::Backwards] {
            for past in [0, 1, head / 2, head, head + 9] {
                let expected = naive(&entries, past, direction, &filter);
                for limit in [9, 1_000] {
                    let read = walk(&*log, past, direction, &filter, limit).await;
                    assert_eq!(
                        positions(&read),
                        positions(&expected),
                        "{filter:?} {direction:?} past {past} by {limit}"
                    );
                    assert_eq!(read, expected);
                }
            }
        }
    }
}

/// What should be read, said as simply as possible.
fn naive(entries: &[Entry], past: u64, direction: Direction, filter: &Filter) -> Vec<Entry> {
    let wanted = |entry: &&Entry| {
        let header = header(entry);
        (filter.types.is_empty() || filter.types.contains(&header.event_type))
            && (filter.categories.is_empty() || filter.categories.iter().any(|c| c == header.category()))
    };
    match direction {
        Direction::Forwards => entries.iter().filter(|e| e.position > past).filter(wanted).cloned().collect(),
        Direction::Backwards => {
            let before = |e: &&Entry| past == 0 || e.position < past;
            entries.iter().rev().filter(before).filter(wanted).cloned().collect()
        }
    }
}

fn positions(entries: &[Entry]) -> Vec<u64> {
    entries.iter().map(|entry| entry.position).collect()
}

/// Reads page by page until the log says that it has ended, and holds each page to the contract.
async fn walk(
    log: &dyn EventLog,
    past: u64,
    direction: Direction,
    filter: &Filter,
    limit: usize,
) -> Vec<Entry> {
    let head = log.head().await.expect("the head").position;
    let mut entries = Vec::new();
    let mut past = past;
    loop {
        let page = log.read_all(past, direction, filter, limit).await.expect("a page");
        assert!(page.entries.len() <= limit, "a page keeps its limit");
        assert_eq!(page.head, head);
        for entry in &page.entries {
            let in_page = match direction {
                Direction::Forwards => past < entry.position && entry.position <= page.through,
                Direction::Backwards => {
                    (past == 0 || entry.position < past) && entry.position >= page.through
                }
            };
            assert!(in_page, "{} lies in the stretch that was read", entry.position);
        }
        entries.extend(page.entries);
        if page.ended {
            return entries;
        }
        let goes_on = match direction {
            Direction::Forwards => page.through > past,
            Direction::Backwards => past == 0 || page.through < past,
        };
        assert!(goes_on, "a page that isn't the last goes on: past {past} through {}", page.through);
        past = page.through;
    }
}

pub(super) async fn a_long_stretch_without_matches_is_passed_over(rig: &mut dyn Rig) {
    let log = rig.log("delivery");
    let ends = case("ends");
    let first = log.append(append(&ends, Expected::NoStream, vec![accepted()])).await.expect("the first");
    // More than any log looks through for one page.
    let many = steps(MAX_EVENTS);
    for n in 0..67 {
        let stream = case(&format!("between-{n}"));
        log.append(append(&stream, Expected::NoStream, many.clone())).await.expect("a stretch");
    }
    let last = log.append(append(&ends, Expected::Exact(1), vec![accepted()])).await.expect("the last");
    let filter = Filter { types: vec!["delivery.CaseAccepted.v1".into()], categories: Vec::new() };
    for direction in [Direction::Forwards, Direction::Backwards] {
        let mut expected = vec![first.first_position, last.first_position];
        if direction == Direction::Backwards {
            expected.reverse();
        }
        assert_eq!(positions(&walk(&*log, 0, direction, &filter, 100).await), expected);
    }
    let none = Filter { types: vec!["delivery.CaseRated.v1".into()], categories: Vec::new() };
    for direction in [Direction::Forwards, Direction::Backwards] {
        assert_eq!(walk(&*log, 0, direction, &none, 100).await, []);
    }
}

pub(super) async fn positions_are_read_in_the_order_asked_for(rig: &mut dyn Rig) {
    let log = rig.log("delivery");
    for n in 0..3 {
        log.append(append(&case(&format!("some-{n}")), Expected::NoStream, steps(1_000)))
            .await
            .expect("some");
    }
    let entries = everything(&*log).await;
    let head = entries.len() as u64;
    let at = |position: &u64| entries[usize::try_from(*position).expect("small") - 1].clone();

    // Backwards, with repetitions, and more than one request's worth.
    let many: Vec<u64> = (1..=head).rev().chain([1, 1, head]).collect();
    for asked in [&[][..], &[head], &[3, 1, 2, 3], &many] {
        let read = log.read_at(asked).await.expect("all are there");
        assert_eq!(read, asked.iter().map(at).collect::<Vec<_>>());
    }
    // The failure names the first that isn't there, also where the others are.
    for (asked, missing) in [
        (&[head + 1][..], head + 1),
        (&[1, head + 7, 2, head + 9], head + 7),
        (&[head + 9, head + 7], head + 9),
        (&[2, 0, 1], 0),
        (&[u64::MAX], u64::MAX),
    ] {
        let answer = log.read_at(asked).await;
        assert!(matches!(answer, Err(ReadError::NotFound { position }) if position == missing), "{answer:?}");
    }
}

pub(super) async fn an_append_is_found_by_its_id(rig: &mut dyn Rig) {
    let log = rig.log("delivery");
    let (one, other) =
        (append(&case("a"), Expected::NoStream, steps(12)), append(&case("a"), Expected::Any, steps(3)));
    let first = log.append(one.clone()).await.expect("taken");
    log.append(other.clone()).await.expect("taken");
    for _ in 0..2 {
        let log = rig.log("delivery");
        let found = log.find_append(one.id).await.expect("readable");
        assert_eq!(positions(&found), (first.first_position..=first.last_position).collect::<Vec<_>>());
        assert!(found.iter().all(|entry| header(entry).append_id == one.id));
        assert_eq!(log.find_append(other.id).await.expect("readable").len(), 3);
        assert_eq!(log.find_append(Uuid::now_v7()).await.expect("none is no error"), []);
        rig.reopen().await;
    }
}
