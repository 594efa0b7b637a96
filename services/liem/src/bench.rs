//! `liem bench`: measures the code on a history that follows from a seed, in this process and without a server.

mod history;
mod replay;

pub(crate) use replay::replay;
