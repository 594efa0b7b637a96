//! Working days, clocks that pause, and the law as versioned data.
//!
//! This crate guarantees that the same calendar, dates and pauses give the same deadline on any machine, for ever: it
//! has no clock, no I/O, no randomness and no floating point. It refuses to know what "today" is, which case or official
//! a deadline belongs to, and which day selects the rule; those come in with the command.
//!
//! Dates are civil dates in the ledger's time zone. Turning an instant into a date is the caller's work, since the time
//! zone stands in the ledger's first entry.
//!
//! # How days are counted
//!
//! - The day on which something is received, or happens, is day 0; the next working day is day 1. Source: Civil Code
//!   2015, art. 147 (2) and (3), read in secondary sources, not in the gazette. That it governs the time limits of
//!   administrative procedures, where no special rule stands, is *unverified*.
//! - Saturdays, Sundays and public holidays with their observed days are not worked; a Saturday swapped for another day
//!   off is. Source of the holidays: Labour Code 2019, art. 112, and its predecessors, as the library followed by
//!   `data/vietnam.csv` reads them; *unverified* against the gazette (see `data/README.md`).
//! - A limit in all days, and not working ones, that ends on a day off ends on the next working day: Civil Code 2015,
//!   art. 148 (5), read and *unverified* as the first.
//! - What a pause does to a day is fixed in [`clock`]; it is this project's reading of the law, *unverified*.
//!
//! ```
//! use rulebook::{Calendar, Clock, Pause};
//! # use chrono::NaiveDate;
//! # let day = |m, d| NaiveDate::from_ymd_opt(2026, m, d).unwrap();
//!
//! let calendar = Calendar::vietnam();
//! // Received on the Friday before Tết: the week from 16 to 20 February is off.
//! let mut clock = Clock::new(day(2, 13), 3);
//! assert_eq!(clock.due(&calendar), Ok(Some(day(2, 25))));
//!
//! // Papers were missing from the 24th, when two of the three days were used, and came on the 27th.
//! clock.pauses.push(Pause::closed(day(2, 24), day(2, 27)));
//! assert_eq!(clock.due(&calendar), Ok(Some(day(3, 2))));
//! ```

pub mod calendar;
pub mod clock;
pub mod law;
pub mod table;

pub use calendar::{Calendar, CalendarError, CalendarVersion, DayKind};
pub use clock::{Clock, ClockError, Pause};
