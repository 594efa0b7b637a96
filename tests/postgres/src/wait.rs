//! Waiting for what comes.

use std::{
    thread,
    time::{Duration, Instant},
};

/// Longer than anything takes, but for an import, on a machine that is busy with other tests.
const PATIENCE: Duration = Duration::from_mins(1);

/// Waits until a condition holds, and fails the test if it doesn't come to hold. `what` says which one.
pub fn wait_until(what: &str, holds: impl FnMut() -> bool) {
    wait_within(PATIENCE, what, holds);
}

/// [`wait_until`] with a patience of its own.
pub fn wait_within(patience: Duration, what: &str, mut holds: impl FnMut() -> bool) {
    let since = Instant::now();
    while !holds() {
        assert!(since.elapsed() < patience, "waited {patience:?} until {what}");
        thread::sleep(Duration::from_millis(10));
    }
}
