//! Sends a province and its cases to a running ledger: many cases in flight, each case's commands in order.
//!
//! Request ids derive from the seed, so that a second run finds everything recorded and adds nothing.

mod command;
mod directory;
pub(crate) mod matters;

use std::{collections::HashMap, time::Duration};

use futures::{StreamExt as _, channel::oneshot, stream};
use proto::{ledger::Recorded, reason_of};
use tonic::{Code, Status};

use super::{cases::CasePlan, province::Province};
use crate::client::Connection;

/// How often a call is tried that the server could not take at the moment.
const ATTEMPTS: u32 = 8;

/// How long the first wait is before another try; each next one is twice as long.
const FIRST_WAIT: Duration = Duration::from_millis(50);

/// What was sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Sent {
    /// Cases, without those that reopen another one.
    pub(crate) cases: u64,
    /// Events that were recorded.
    pub(crate) events: u64,
    /// Commands that had been recorded before.
    pub(crate) repeated: u64,
    /// The newest position that an answer named.
    pub(crate) position: u64,
}

/// A call that failed for good.
#[derive(Debug, thiserror::Error)]
#[error("{what} failed")]
pub(crate) struct SendError {
    /// Which call, about what.
    pub(crate) what: String,
    /// What the server said.
    #[source]
    pub(crate) status: Status,
}

impl Sent {
    /// Counts the answer to a command of so many events.
    fn count(&mut self, recorded: Option<Recorded>, events: u64) {
        let Recorded { position, repeated } = recorded.unwrap_or_default();
        if repeated {
            self.repeated += 1;
        } else {
            self.events += events;
        }
        self.position = self.position.max(position);
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.cases += other.cases;
        self.events += other.events;
        self.repeated += other.repeated;
        self.position = self.position.max(other.position);
    }
}

/// Registers the province, then sends the cases. `progress` is told how many cases are done.
pub(crate) async fn send<'p>(
    connection: &Connection,
    province: &'p Province,
    plans: impl Iterator<Item = CasePlan<'p>>,
    in_flight: usize,
    progress: impl Fn(u64),
) -> Result<Sent, SendError> {
    let mut sent = directory::register(connection, province, in_flight).await?;
    // Cases come in at an agency one after the other, so that each gets the same code in every run. Whoever
    // waits here was started after the one it waits for, which is under way.
    let mut turns: HashMap<&str, oneshot::Receiver<()>> = HashMap::new();
    let cases = plans.map(|plan| {
        let (received, next) = oneshot::channel();
        let agency = plan.planned.first().map_or("", |receipt| receipt.agency);
        let turn = turns.insert(agency, next);
        command::send_case(connection.delivery(), province.seed, plan, turn, received)
    });
    let mut cases = stream::iter(cases).buffer_unordered(in_flight.max(1));
    while let Some(case) = cases.next().await {
        sent.add(case?);
        progress(sent.cases);
    }
    Ok(sent)
}

/// Calls until the server has taken the call, or has refused it for good.
async fn retried<T, F: Future<Output = Result<T, Status>>>(
    what: impl Fn() -> String,
    mut call: impl FnMut() -> F,
) -> Result<T, SendError> {
    let mut wait = FIRST_WAIT;
    for _ in 1..ATTEMPTS {
        match call().await {
            Err(status) if may_pass(&status) => tokio::time::sleep(wait).await,
            done => return done.map_err(|status| SendError { what: what(), status }),
        }
        wait *= 2;
    }
    call().await.map_err(|status| SendError { what: what(), status })
}

/// Whether the same call may be taken a little later.
fn may_pass(status: &Status) -> bool {
    match status.code() {
        Code::Unavailable | Code::Aborted => true,
        Code::ResourceExhausted => reason_of(status).as_deref() == Some("QUEUE_FULL"),
        _ => false,
    }
}
