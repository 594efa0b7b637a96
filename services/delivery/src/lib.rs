//! The delivery service: records what happens to a case, from its receipt to its rating.
//!
//! `domain` decides and knows neither gRPC nor a database nor a clock; `handlers` decode, look up what the
//! domain needs to know of the directory, and encode.

mod domain;
mod handlers;

pub use handlers::DeliveryHandlers;
