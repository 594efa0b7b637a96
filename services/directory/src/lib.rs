//! The directory service: which agencies, units, procedures and steps there are, and which days are worked.
//! All of it is events; other services follow them and keep the directory in memory.

mod domain;
mod handlers;

pub use handlers::DirectoryHandlers;
