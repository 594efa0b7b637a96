//! The obligations view: what has to be done, by whom and until when.
//!
//! A row a case, report or proceeding keeps the stretches of its clocks: which duty ran, whose it was, since when and
//! until when. Nobody records that a duty was missed: a query judges that, at a moment it is given.

mod handlers;
mod proceedings;
mod query;
mod stretch;
mod view;

pub use handlers::ObligationsHandlers;
pub use view::ObligationsView;
