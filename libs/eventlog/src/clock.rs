//! The clock a server is given.

use std::{fmt, sync::Arc};

use chrono::{DateTime, Utc};

/// Tells the time. Servers get the system's; tests can set their own.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>);

impl Clock {
    /// The system's clock.
    #[expect(clippy::disallowed_methods, reason = "this is where the servers' clock comes from")]
    pub fn system() -> Self {
        Self::from_fn(|| std::time::SystemTime::now().into())
    }

    /// A clock of one's own.
    pub fn from_fn(now: impl Fn() -> DateTime<Utc> + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// The time, cut to the microsecond.
    pub fn now(&self) -> DateTime<Utc> {
        let now = (self.0)();
        DateTime::from_timestamp_micros(now.timestamp_micros()).unwrap_or(now)
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}
