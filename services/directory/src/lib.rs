//! The directory service: which agencies, units, posts, officials, procedures and steps there are, and which days
//! are worked.
//! All of it is events; other services follow them and keep the directory in memory.

mod domain;
mod handlers;

pub use handlers::DirectoryHandlers;
