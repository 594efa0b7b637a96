//! `liem bench`: measures the code on a history that follows from a seed.

mod history;
mod queries;
mod replay;

pub(crate) use replay::replay;
