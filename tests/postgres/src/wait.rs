//! Waiting for what comes.

use std::{
    thread,
    time::{Duration, Instant},
};

/// Longer than anything takes here, on a machine that is busy with other tests.
const PATIENCE: Duration = Duration::from_mins(1);

/// Waits until a condition holds, and fails the test if it doesn't come to hold. `what` says which one.
pub fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let since = Instant::now();
    while !holds() {
        assert!(since.elapsed() < PATIENCE, "waited {PATIENCE:?} until {what}");
        thread::sleep(Duration::from_millis(10));
    }
}
