//! The audit view: who did what to a case, an agency, a unit, an official, a procedure, a report or a proceeding.
//!
//! The view keeps posting lists: for each subject, type and actor the positions of its entries, in segments.
//! A trail is an intersection of such lists; the text of its lines is read from the log. The trail of an agency or
//! unit is also that of what was merged into it.

mod handlers;
mod proceeding;
mod query;
mod report;
mod standing;
mod view;

pub use handlers::AuditHandlers;
pub use view::AuditView;
