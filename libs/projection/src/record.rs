//! What is on record of a view's generations: a fold of its events, which every replica makes the same.

use std::collections::BTreeMap;

use esrs::Aggregate;
use events::{
    Fact, Occurred,
    view::{OtherCalendar, ViewEvent},
};
use proto::{Failure, view::ErrorReason};

/// Generations of one view at a time, at most: each folds the log and takes its room on disk.
const GENERATIONS_MAX: usize = 5;

/// What a generation is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Building,
    Live,
    Kept,
    WhatIf,
}

/// A generation on record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Recorded {
    pub(crate) state: State,
    pub(crate) is_halted: bool,
    pub(crate) what_if: Option<OtherCalendar>,
    /// Why it was started; empty for the first one.
    pub(crate) reason: String,
}

/// The generations of a view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) live: u32,
    /// The one that was live before.
    pub(crate) previous: Option<u32>,
    pub(crate) generations: BTreeMap<u32, Recorded>,
    /// The highest number that was given.
    last: u32,
}

impl Default for Record {
    fn default() -> Self {
        let first = Recorded { state: State::Live, is_halted: false, what_if: None, reason: String::new() };
        Self { live: 1, previous: None, generations: BTreeMap::from([(1, first)]), last: 1 }
    }
}

impl Record {
    /// Folds an event.
    pub(crate) fn apply(&mut self, event: ViewEvent) {
        match event {
            ViewEvent::ReplayStarted { generation, what_if, reason, .. } => {
                let state = if what_if.is_some() { State::WhatIf } else { State::Building };
                let recorded = Recorded { state, is_halted: false, what_if, reason };
                self.generations.insert(generation, recorded);
                self.last = self.last.max(generation);
            }
            ViewEvent::ReplayStopped { generation, .. } => self.halt(generation, true),
            ViewEvent::ReplayResumed { generation, .. } => self.halt(generation, false),
            ViewEvent::GenerationSwitched { from, to, .. }
            | ViewEvent::GenerationRolledBack { from, to, .. } => {
                if let Some(old) = self.generations.get_mut(&from) {
                    old.state = State::Kept;
                }
                if let Some(new) = self.generations.get_mut(&to) {
                    new.state = State::Live;
                }
                (self.live, self.previous) = (to, Some(from));
            }
            ViewEvent::GenerationDropped { generation, .. } => {
                self.generations.remove(&generation);
                self.previous = self.previous.filter(|previous| *previous != generation);
            }
        }
    }

    fn halt(&mut self, generation: u32, is_halted: bool) {
        if let Some(recorded) = self.generations.get_mut(&generation) {
            recorded.is_halted = is_halted;
        }
    }

    /// The generation on record.
    pub(crate) fn get(&self, generation: u32) -> Result<&Recorded, Refusal> {
        self.generations.get(&generation).ok_or(Refusal::Unknown(generation))
    }

    fn get_other_than_live(&self, generation: u32) -> Result<&Recorded, Refusal> {
        let recorded = self.get(generation)?;
        if recorded.state == State::Live { Err(Refusal::Live(generation)) } else { Ok(recorded) }
    }

    fn decide(&self, act: Act, reason: String) -> Result<ViewEvent, Refusal> {
        match act {
            Act::Start { version, what_if } => {
                if self.generations.len() >= GENERATIONS_MAX {
                    return Err(Refusal::TooMany);
                }
                Ok(ViewEvent::ReplayStarted { generation: self.last + 1, version, what_if, reason })
            }
            Act::Stop { generation } => {
                if self.get_other_than_live(generation)?.is_halted {
                    return Err(Refusal::Stopped(generation));
                }
                Ok(ViewEvent::ReplayStopped { generation, reason })
            }
            Act::Resume { generation } => {
                if !self.get(generation)?.is_halted {
                    return Err(Refusal::Running(generation));
                }
                Ok(ViewEvent::ReplayResumed { generation, reason })
            }
            Act::Switch { generation } => {
                let recorded = self.get_other_than_live(generation)?;
                if recorded.state == State::WhatIf {
                    return Err(Refusal::WhatIf(generation));
                }
                if recorded.is_halted {
                    return Err(Refusal::Stopped(generation));
                }
                Ok(ViewEvent::GenerationSwitched { from: self.live, to: generation, reason })
            }
            Act::RollBack => {
                let to = self.previous.ok_or(Refusal::NothingToRollBack)?;
                if self.get(to)?.is_halted {
                    return Err(Refusal::Stopped(to));
                }
                Ok(ViewEvent::GenerationRolledBack { from: self.live, to, reason })
            }
            Act::Drop { generation } => {
                self.get_other_than_live(generation)?;
                Ok(ViewEvent::GenerationDropped { generation, reason })
            }
        }
    }
}

/// What an administrator asks for.
#[derive(Debug, Clone)]
pub(crate) enum Act {
    Start { version: u32, what_if: Option<OtherCalendar> },
    Stop { generation: u32 },
    Resume { generation: u32 },
    Switch { generation: u32 },
    RollBack,
    Drop { generation: u32 },
}

/// An act, with when and why.
#[derive(Debug, Clone)]
pub(crate) struct Command {
    pub(crate) act: Act,
    pub(crate) reason: String,
    pub(crate) occurred: Occurred,
}

/// Why an act is refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("there is no generation {0}, or it was dropped: `liem replay list` shows those there are")]
    Unknown(u32),
    #[error("generation {0} is live: switch to another one first")]
    Live(u32),
    #[error("there are {GENERATIONS_MAX} generations already: drop one first")]
    TooMany,
    #[error("generation {0} is stopped: resume it first")]
    Stopped(u32),
    #[error("generation {0} is not stopped")]
    Running(u32),
    #[error("generation {0} is a what-if: it can be compared, and never goes live")]
    WhatIf(u32),
    #[error("no generation that was live before is kept")]
    NothingToRollBack,
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        let reason = match &refusal {
            Refusal::Unknown(_) => ErrorReason::GenerationUnknown,
            Refusal::Live(_) => ErrorReason::GenerationLive,
            Refusal::TooMany => ErrorReason::TooManyGenerations,
            Refusal::Stopped(_) => ErrorReason::ReplayStopped,
            Refusal::Running(_) => ErrorReason::ReplayRunning,
            Refusal::WhatIf(_) => ErrorReason::WhatIfNeverLive,
            Refusal::NothingToRollBack => ErrorReason::NothingToRollBack,
        };
        Failure::new(reason, refusal.to_string())
    }
}

impl Aggregate for Record {
    const NAME: &'static str = "view.generations";
    type State = Self;
    type Command = Command;
    type Event = Fact<ViewEvent>;
    type Error = Refusal;

    fn handle_command(state: &Self, command: Command) -> Result<Vec<Fact<ViewEvent>>, Refusal> {
        let data = state.decide(command.act, command.reason)?;
        Ok(vec![Fact { occurred: command.occurred, data }])
    }

    fn apply_event(mut state: Self, event: Fact<ViewEvent>) -> Self {
        state.apply(event.data);
        state
    }
}
