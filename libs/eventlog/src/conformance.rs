//! The suite that every form of the log passes, unchanged: what the contract of [`EventLog`] means.
//!
//! A form gives a [`Rig`] (one log, and how to take it down and up again) to [`run`]; each scenario gets a
//! rig of its own, and after each the whole log is read once more and held to the log's guarantees. The
//! suite knows no form: what only SQLite, PostgreSQL or the network can get wrong is tested beside them.

mod appends;
mod bytes;
mod follow;
mod lost;
mod reads;
mod repeats;
pub mod sample;
pub mod whole;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use futures::{StreamExt as _, future::BoxFuture, stream};

use crate::{EventLog, Genesis};

/// One log under test.
#[async_trait]
pub trait Rig: Send + Sync {
    /// The log as a service sees it: services append to the categories that they own.
    fn log(&self, service: &str) -> Arc<dyn EventLog>;

    /// What the log was opened with.
    fn genesis(&self) -> Genesis;

    /// Closes the log and opens the same one again, as a restart would.
    async fn reopen(&mut self);

    /// Takes the log down for good, and checks what only this form can check.
    async fn close(self: Box<Self>);
}

type Scenario = for<'a> fn(&'a mut dyn Rig) -> BoxFuture<'a, ()>;

macro_rules! scenarios {
    ($($module:ident::$name:ident,)*) => {
        &[$((stringify!($name), |rig| Box::pin($module::$name(rig)))),*]
    };
}

const SCENARIOS: &[(&str, Scenario)] = scenarios![
    appends::positions_are_gapless_under_64_appenders,
    appends::the_expected_revision_decides,
    appends::a_conflict_fails_alone,
    appends::several_events_are_one_append,
    appends::an_oversized_entry_records_nothing,
    appends::an_append_of_many_megabytes_is_taken,
    appends::what_is_acknowledged_is_read_at_once,
    bytes::the_entry_says_what_was_appended,
    bytes::a_sheltered_entry_tells_no_time_of_its_own,
    bytes::data_is_kept_to_the_byte,
    bytes::every_read_gives_the_same_bytes,
    bytes::the_head_is_the_last_entry_and_what_entry_1_says,
    follow::a_follower_catches_up_and_goes_live,
    follow::followers_see_every_entry_once_while_others_append,
    follow::a_filtered_follower_passes_over_the_rest,
    follow::a_silent_log_sends_heartbeats,
    lost::an_append_given_up_half_way_is_recorded_once,
    lost::saved_but_reported_lost_is_found_again,
    reads::a_stream_is_read_in_pages,
    reads::all_is_what_a_naive_filter_gives,
    reads::a_long_stretch_without_matches_is_passed_over,
    reads::positions_are_read_in_the_order_asked_for,
    reads::an_append_is_found_by_its_id,
    repeats::a_repeat_gets_the_first_answer,
    repeats::one_id_32_times_at_once_is_recorded_once,
    repeats::an_id_with_other_content_is_refused,
];

/// Scenarios that run at the same time: they wait for the disk more than for the processor.
const AT_ONCE: usize = 4;

/// Runs every scenario, each on a rig of its own, and panics with the names of those that failed.
///
/// Needs a multi-threaded runtime: the races are real ones.
pub async fn run<F, Made>(make: F)
where
    F: Fn() -> Made,
    Made: Future<Output = Box<dyn Rig>>,
{
    let failed: Vec<&str> = stream::iter(SCENARIOS)
        .map(|(name, scenario)| {
            let making = make();
            async move {
                let rig = making.await;
                // A task of its own, so that one that panics leaves the others running.
                let outcome = tokio::spawn(play(*scenario, rig)).await;
                outcome.is_err().then_some(*name)
            }
        })
        .buffer_unordered(AT_ONCE)
        .filter_map(std::future::ready)
        .collect()
        .await;
    assert!(failed.is_empty(), "scenarios failed (their panics stand above): {failed:#?}");
}

async fn play(scenario: Scenario, mut rig: Box<dyn Rig>) {
    within(async {
        scenario(rig.as_mut()).await;
        whole::everything(&*rig.log("delivery")).await;
        rig.close().await;
    })
    .await;
}

/// What never comes is a failure, not a test that hangs. Nothing here takes a tenth of this.
async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_mins(2), future).await.expect("it ends within two minutes")
}
