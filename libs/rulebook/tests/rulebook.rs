//! Properties of working days and clocks, and examples with real dates.

use std::collections::BTreeMap;

use chrono::{Datelike, Days, NaiveDate, Weekday};
use proptest::prelude::*;
use rulebook::clock::extend;
use rulebook::table::{self, TableError};
use rulebook::{Calendar, CalendarError, Clock, ClockError, DayKind, Pause};

fn day(year: i32, month: u32, day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, month, day).expect("a date written in a test exists")
}

fn later(date: NaiveDate, days: u32) -> NaiveDate {
    date + Days::new(days.into())
}

// ---- The rules said once more, day by day and as simply as possible, to hold the crate against. ----

fn days_after(after: NaiveDate, through: NaiveDate) -> impl Iterator<Item = NaiveDate> {
    after.iter_days().skip(1).take_while(move |day| *day <= through)
}

fn counts(clock: &Clock, calendar: &Calendar, day: NaiveDate) -> bool {
    let paused = |pause: &Pause| pause.from < day && pause.until.is_none_or(|until| day <= until);
    calendar.is_working(day) && !clock.pauses.iter().any(paused)
}

fn elapsed_day_by_day(clock: &Clock, calendar: &Calendar, at: NaiveDate) -> usize {
    days_after(clock.started, at).filter(|day| counts(clock, calendar, *day)).count()
}

// ---- What the properties are tried on: dates inside and beside the table, calendars changed at random. ----

fn dates() -> impl Strategy<Value = NaiveDate> {
    (0..9_000_u32).prop_map(|days| later(day(2008, 1, 1), days))
}

fn kinds() -> impl Strategy<Value = DayKind> {
    prop_oneof![Just(DayKind::Off), Just(DayKind::Worked)]
}

fn declarations() -> impl Strategy<Value = Vec<(NaiveDate, DayKind)>> {
    prop::collection::vec((dates(), kinds()), 0..200)
}

fn calendars() -> impl Strategy<Value = Calendar> {
    (any::<bool>(), declarations()).prop_map(|(from_table, declarations)| {
        let mut calendar = if from_table { Calendar::vietnam() } else { Calendar::weekends_only() };
        for (date, kind) in declarations {
            calendar.declare(date, kind);
        }
        calendar
    })
}

/// A closed pause near `start`: it may begin before it, be empty, end before it begins, or reach beyond any due date of
/// [`clocks`].
fn pauses_near(start: NaiveDate) -> impl Strategy<Value = Pause> {
    (0..80_u32, 0..65_u32).prop_map(move |(from, until)| {
        let from = later(start - Days::new(10), from);
        Pause::closed(from, later(from - Days::new(5), until))
    })
}

fn clocks() -> impl Strategy<Value = Clock> {
    (dates(), 0..40_u32)
        .prop_flat_map(|(started, limit)| {
            (Just(started), Just(limit), prop::collection::vec(pauses_near(started), 0..5))
        })
        .prop_map(|(started, limit_working_days, pauses)| Clock { started, limit_working_days, pauses })
}

fn clocks_and_a_pause() -> impl Strategy<Value = (Clock, Pause)> {
    clocks().prop_flat_map(|clock| {
        let pause = pauses_near(clock.started);
        (Just(clock), pause)
    })
}

fn with(clock: &Clock, pause: Pause) -> Clock {
    let mut paused = clock.clone();
    paused.pauses.push(pause);
    paused
}

fn due(clock: &Clock, calendar: &Calendar) -> NaiveDate {
    clock.due(calendar).expect("in range").expect("no open pause")
}

proptest! {
    #[test]
    fn adding_working_days_ends_on_one_and_counts_back(
        calendar in calendars(), from in dates(), n in 0..300_u32,
    ) {
        let end = calendar.add_working_days(from, n)?;
        prop_assert!(calendar.is_working(end));
        prop_assert!(end >= from);
        if n >= 1 {
            prop_assert_eq!(calendar.working_days_between(from, end), n);
        }
    }

    #[test]
    fn adding_is_monotone(
        calendar in calendars(), from in dates(), n in 0..100_u32, days in 0..40_u32, more in 0..40_u32,
    ) {
        let end = calendar.add_working_days(from, n)?;
        prop_assert!(end <= calendar.add_working_days(from, n + more)?);
        prop_assert!(end <= calendar.add_working_days(later(from, days), n)?);
        prop_assert!(n == 0 || end < calendar.add_working_days(from, n + 1)?);
    }

    #[test]
    fn counting_agrees_with_looking_at_each_day(calendar in calendars(), one in dates(), other in dates()) {
        let each = days_after(one, other).filter(|day| calendar.is_working(*day)).count();
        prop_assert_eq!(calendar.working_days_between(one, other) as usize, each);
    }

    /// The last declaration for a date wins; nothing else about them matters, to the days or to the hash.
    #[test]
    fn only_the_last_declaration_of_each_date_matters(declarations in declarations(), cleared in dates()) {
        let (mut told, mut expected) = (Calendar::weekends_only(), Calendar::weekends_only());
        told.declare_off(cleared);
        told.declare_worked(cleared);
        told.clear(cleared);
        for (date, kind) in &declarations {
            told.declare(*date, *kind);
        }
        let last: BTreeMap<_, _> = declarations.into_iter().collect();
        for (date, kind) in last.iter().rev() {
            expected.declare(*date, *kind);
            prop_assert_eq!(told.is_working(*date), *kind == DayKind::Worked);
        }
        prop_assert_eq!(told.version(), expected.version());
        prop_assert_eq!(told, expected);
    }

    #[test]
    fn the_hash_changes_with_any_day(calendar in calendars(), date in dates()) {
        let mut other = calendar.clone();
        other.declare(date, if calendar.is_working(date) { DayKind::Off } else { DayKind::Worked });
        prop_assert_ne!(calendar.version().hash, other.version().hash);
    }

    #[test]
    fn elapsed_agrees_with_looking_at_each_day_and_never_falls(
        calendar in calendars(), clock in clocks(), before in 0..20_u32, days in 0..200_u32,
    ) {
        let at = later(clock.started - Days::new(before.into()), days);
        let elapsed = clock.elapsed(&calendar, at);
        prop_assert_eq!(elapsed as usize, elapsed_day_by_day(&clock, &calendar, at));
        prop_assert!(elapsed <= clock.elapsed(&calendar, later(at, 1)));
        prop_assert_eq!(clock.remaining(&calendar, at), clock.limit_working_days.saturating_sub(elapsed));
    }

    #[test]
    fn due_is_the_first_date_on_which_the_limit_has_elapsed(calendar in calendars(), clock in clocks()) {
        prop_assume!(clock.limit_working_days > 0);
        let first = clock.started.iter_days()
            .find(|day| elapsed_day_by_day(&clock, &calendar, *day) == clock.limit_working_days as usize);
        prop_assert_eq!(clock.due(&calendar)?, first);
        let first = due(&clock, &calendar);
        prop_assert_eq!(clock.elapsed(&calendar, first), clock.limit_working_days);
        prop_assert_eq!(clock.remaining(&calendar, later(first, 1)), 0);
    }

    #[test]
    fn no_limit_is_due_on_the_first_day_that_counts(calendar in calendars(), mut clock in clocks()) {
        clock.limit_working_days = 0;
        let first = clock.started.iter_days().find(|day| counts(&clock, &calendar, *day));
        prop_assert_eq!(clock.due(&calendar)?, first);
    }

    #[test]
    fn a_pause_never_makes_a_due_date_earlier(
        calendar in calendars(),
        (clock, pause) in clocks_and_a_pause(),
    ) {
        let without = due(&clock, &calendar);
        prop_assert!(due(&with(&clock, pause), &calendar) >= without);
        // An open pause holds the clock, unless the limit was reached before it began.
        let held = with(&clock, Pause::open(pause.from)).due(&calendar)?;
        prop_assert_eq!(held, (without <= pause.from).then_some(without));
    }

    #[test]
    fn splitting_a_pause_changes_nothing(
        calendar in calendars(),
        (clock, pause) in clocks_and_a_pause(),
        cut in 0..60_u32, overlap in 0..10_u32,
    ) {
        let until = pause.until.expect("closed");
        let middle = later(pause.from, cut).min(until);
        let whole = with(&clock, pause);
        for first_until in [middle, later(middle, overlap).min(until)] {
            let second = with(&clock, Pause::closed(middle, until));
            let split = with(&second, Pause::closed(pause.from, first_until));
            prop_assert_eq!(split.due(&calendar)?, whole.due(&calendar)?);
            prop_assert_eq!(split.elapsed(&calendar, until), whole.elapsed(&calendar, until));
        }
    }

    /// Pauses one after the other, each from the start of the clock on: what `extend` asks for.
    #[test]
    fn extending_agrees_with_the_clock(
        calendar in calendars(), started in dates(), limit in 0..40_u32,
        gaps in prop::collection::vec((0..30_u32, 0..40_u32), 0..4),
    ) {
        let mut clock = Clock::new(started, limit);
        let mut extended = due(&clock, &calendar);
        let mut end = started;
        for (gap, length) in gaps {
            let pause = Pause::closed(later(end, gap), later(end, gap + length));
            end = later(end, gap + length);
            clock.pauses.push(pause);
            extended = extend(&calendar, extended, pause)?;
            prop_assert_eq!(extended, due(&clock, &calendar));
        }
    }

    #[test]
    fn dates_at_the_edge_give_errors_and_never_panic(days in 0..20_u64, n in 0..30_u32) {
        let calendar = Calendar::vietnam();
        for from in [NaiveDate::MAX - Days::new(days), NaiveDate::MIN + Days::new(days)] {
            match calendar.add_working_days(from, n) {
                Ok(end) => prop_assert!(n == 0 || calendar.working_days_between(from, end) == n),
                Err(refusal) => prop_assert_eq!(refusal, CalendarError::OutOfRange { from, working_days: n }),
            }
            let since_ever = Pause::closed(NaiveDate::MIN, from);
            let mut clock = Clock { started: from, limit_working_days: n, pauses: vec![since_ever] };
            if let Ok(Some(due)) = clock.due(&calendar) {
                prop_assert!(n == 0 || clock.elapsed(&calendar, due) == n);
            }
            clock.pauses = vec![Pause::closed(from, NaiveDate::MAX), Pause::open(from)];
            prop_assert_eq!(clock.elapsed(&calendar, NaiveDate::MAX), 0);
            let paused = calendar.working_days_between(NaiveDate::MIN, from);
            prop_assert_eq!(extend(&calendar, NaiveDate::MAX, since_ever).is_ok(), paused == 0);
        }
    }
}

// ---- The shipped table. ----

#[test]
fn the_shipped_table_has_each_date_once_and_covers_its_years() {
    let days = table::vietnam();
    assert_eq!(days.len(), 266); // 251 holidays and 13 worked Saturdays from the library, and one swap by hand
    assert!(days.windows(2).all(|pair| pair[0].date < pair[1].date));
    let calendar = Calendar::vietnam();
    for day in &days {
        assert_eq!(calendar.is_working(day.date), day.kind == DayKind::Worked, "{day:?}");
        assert!(table::VIETNAM_YEARS.contains(&day.date.year()), "{day:?}");
    }
    for year in table::VIETNAM_YEARS {
        let named =
            |name: &str| days.iter().filter(|day| day.date.year() == year && day.name == name).count();
        for name in ["Tết Dương lịch", "Tết Nguyên Đán", "Ngày Chiến thắng", "Ngày Quốc tế Lao động"]
        {
            assert_eq!(named(name), 1, "{name} in {year}");
        }
    }
}

/// Each swapped day names its counterpart, which must be in the table: a free day that nobody worked for, or a Saturday
/// worked for nothing, is how a swap that was entered by half shows.
#[test]
fn swaps_are_whole() {
    let days = table::vietnam();
    let worked: Vec<_> = days.iter().filter(|day| day.kind == DayKind::Worked).collect();
    assert_eq!(worked.len(), 14);
    assert!(worked.iter().all(|day| day.date.weekday() == Weekday::Sat));
    let names = |name: &str, date: NaiveDate| name.ends_with(&format!("ngày {})", date.format("%d/%m/%Y")));
    let swapped_off: Vec<_> = days.iter().filter(|day| day.name.contains("thay cho")).collect();
    assert_eq!(swapped_off.len(), worked.len());
    for saturday in worked {
        let paid_for: Vec<_> = swapped_off.iter().filter(|off| names(&off.name, saturday.date)).collect();
        assert_eq!(paid_for.len(), 1, "{saturday:?}");
        assert!(names(&saturday.name, paid_for[0].date), "{saturday:?}");
    }
}

/// Events name the calendar they were decided under: a change of the table or of the canonical form must be meant.
/// The value was made by another BLAKE3 implementation from the form described at `Calendar::version`.
#[test]
fn the_hash_of_the_shipped_calendar_is_pinned() {
    let version = Calendar::vietnam().version();
    assert_eq!(
        (version.name.as_str(), version.hash.as_str()),
        ("vietnam", "587ac5636766c8a7bd97ff6e9b4e5b56")
    );
    assert_ne!(Calendar::weekends_only().version().hash, version.hash);
}

#[test]
fn damaged_tables_are_refused_with_the_line() {
    let read = |rows: &str| table::parse(&format!("date,kind,name\n{rows}"));
    assert_eq!(table::parse(""), Err(TableError::Header));
    assert_eq!(table::parse("2026-01-02,off,x"), Err(TableError::Header));
    assert_eq!(read("2026-01-02,off"), Err(TableError::Columns { line: 2 }));
    assert_eq!(read("2026-01-02,off, \n"), Err(TableError::Columns { line: 2 }));
    assert_eq!(read("2026-01-02,off,x\n\n"), Err(TableError::Columns { line: 3 }));
    assert!(matches!(read("2026-02-30,off,x"), Err(TableError::Date { line: 2, .. })));
    assert_eq!(read("2026-01-02,Off,x"), Err(TableError::Kind { line: 2, kind: "Off".to_owned() }));
    let repeated = TableError::Repeated { line: 3, date: day(2026, 1, 2) };
    assert_eq!(read("2026-01-02,off,x\n2026-01-02,off,x"), Err(repeated));
    assert_eq!(read("2026-01-02,off,a, b").map(|days| days[0].name.clone()), Ok("a, b".to_owned()));
}

// ---- Real dates. ----

#[test]
fn tet_2026_does_not_count() {
    let calendar = Calendar::vietnam();
    for date in days_after(day(2026, 2, 13), day(2026, 2, 22)) {
        assert!(!calendar.is_working(date), "{date}");
    }
    // Received on Friday the 13th: the next working day is Monday the 23rd.
    assert_eq!(calendar.add_working_days(day(2026, 2, 13), 1), Ok(day(2026, 2, 23)));
    assert_eq!(calendar.add_working_days(day(2026, 2, 13), 5), Ok(day(2026, 2, 27)));
    assert_eq!(calendar.working_days_between(day(2026, 2, 13), day(2026, 2, 22)), 0);
    // Received online on the second day of Tết: day 0 need not be worked.
    assert_eq!(calendar.add_working_days(day(2026, 2, 18), 0), Ok(day(2026, 2, 23)));
    assert_eq!(calendar.add_working_days(day(2026, 2, 18), 1), Ok(day(2026, 2, 23)));
}

#[test]
fn the_swap_of_january_2026_and_the_saturday_of_august() {
    let calendar = Calendar::vietnam();
    assert!(!calendar.is_working(day(2026, 1, 2)));
    assert!(calendar.is_working(day(2026, 1, 10)));
    // From New Year's Eve: 5 to 9 January, then Saturday the 10th.
    assert_eq!(calendar.add_working_days(day(2025, 12, 31), 6), Ok(day(2026, 1, 10)));
    assert_eq!(calendar.add_working_days(day(2026, 8, 21), 1), Ok(day(2026, 8, 22)));
    // Paid back by Monday 31 August, before two days of National Day.
    assert_eq!(calendar.add_working_days(day(2026, 8, 28), 1), Ok(day(2026, 9, 3)));

    let mut weekends = Calendar::weekends_only();
    assert_eq!(weekends.add_working_days(day(2025, 12, 31), 6), Ok(day(2026, 1, 8)));
    weekends.swap(day(2026, 1, 2), day(2026, 1, 10));
    assert!(!weekends.is_working(day(2026, 1, 2)) && weekends.is_working(day(2026, 1, 10)));
    weekends.clear(day(2026, 1, 2));
    weekends.clear(day(2026, 1, 10));
    assert_eq!(weekends, Calendar::weekends_only());
}

#[test]
fn tet_and_may_2011() {
    let calendar = Calendar::vietnam();
    // Off: 2 to 4 February, and Monday the 7th for the Sunday.
    assert_eq!(calendar.add_working_days(day(2011, 1, 31), 5), Ok(day(2011, 2, 11)));
    // 30 April and 1 May fell on a weekend: Monday and Tuesday are off for them.
    assert_eq!(calendar.add_working_days(day(2011, 4, 29), 1), Ok(day(2011, 5, 4)));
    // 52 weeks of five days (the year begins and ends on a Saturday), less nine days off during the week.
    assert_eq!(calendar.working_days_between(day(2010, 12, 31), day(2011, 12, 31)), 52 * 5 - 9);
}

#[test]
fn the_days_on_which_a_pause_begins_and_ends() {
    let calendar = Calendar::vietnam();
    // Monday 3 August 2026, ten days: due on Monday the 17th. Stopped on Thursday the 6th (day 3).
    let clock = Clock::new(day(2026, 8, 3), 10);
    assert_eq!(clock.due(&calendar), Ok(Some(day(2026, 8, 17))));
    let open = with(&clock, Pause::open(day(2026, 8, 6)));
    assert_eq!(open.due(&calendar), Ok(None));
    assert_eq!(open.elapsed(&calendar, day(2026, 12, 31)), 3);
    assert_eq!(open.remaining(&calendar, day(2026, 12, 31)), 7);
    // Resumed on Monday the 17th: day 4 is the 18th, day 7 the 21st, day 8 Saturday the 22nd, which is worked.
    let pause = Pause::closed(day(2026, 8, 6), day(2026, 8, 17));
    let covered = [6, 7, 17, 18].map(|date| pause.covers(day(2026, 8, date)));
    assert_eq!(covered, [false, true, true, false]);
    assert_eq!(with(&clock, pause).due(&calendar), Ok(Some(day(2026, 8, 25))));
    assert_eq!(extend(&calendar, day(2026, 8, 17), pause), Ok(day(2026, 8, 25)));
    assert_eq!(
        with(&clock, Pause::closed(day(2026, 8, 6), day(2026, 8, 6))).due(&calendar),
        clock.due(&calendar)
    );
    // On the due date it is too late to pause.
    assert_eq!(with(&clock, Pause::open(day(2026, 8, 17))).due(&calendar), clock.due(&calendar));
}

#[test]
fn extending_an_explicit_date() {
    let calendar = Calendar::vietnam();
    let sunday = day(2026, 8, 16);
    let open = Pause::open(day(2026, 8, 7));
    assert_eq!(extend(&calendar, sunday, open), Err(ClockError::PauseOpen { from: open.from }));
    assert_eq!(extend(&calendar, sunday, Pause::open(sunday)), Ok(sunday));
    // A pause over a weekend takes no working day, and leaves a due date on a Sunday where it is.
    assert_eq!(extend(&calendar, sunday, Pause::closed(day(2026, 8, 7), day(2026, 8, 9))), Ok(sunday));
    // One working day is one working day later.
    assert_eq!(
        extend(&calendar, sunday, Pause::closed(day(2026, 8, 7), day(2026, 8, 10))),
        Ok(day(2026, 8, 17))
    );
    let far = CalendarError::OutOfRange { from: NaiveDate::MAX, working_days: 1 };
    let pause = Pause::closed(day(2026, 8, 7), day(2026, 8, 10));
    assert_eq!(extend(&calendar, NaiveDate::MAX, pause), Err(ClockError::Calendar(far)));
}

#[test]
fn ten_thousand_working_days_are_a_sum_done_by_hand() {
    // 2,000 weeks of five days.
    let monday = day(2030, 1, 7);
    assert_eq!(Calendar::vietnam().add_working_days(monday, 10_000), Ok(later(monday, 14_000)));
}
