//! What happens once and then stays: a step is defined.

use std::marker::PhantomData;

use esrs::Aggregate;
use events::{Event, Fact, directory::Step};

use super::Refusal;

/// Something that is defined once and then stays.
pub(crate) struct Once<E>(PhantomData<E>);

/// An event that happens to a thing once.
pub(crate) trait Opening: Event {
    /// The refusal of a second one.
    fn taken(&self) -> Refusal;
}

impl Opening for Step {
    fn taken(&self) -> Refusal {
        let Self::Defined { step } = self;
        Refusal::StepExists(step.clone())
    }
}

impl<E: Opening> Aggregate for Once<E> {
    const NAME: &'static str = E::CATEGORY;
    /// Whether it is there.
    type State = bool;
    type Command = Fact<E>;
    type Event = Fact<E>;
    type Error = Refusal;

    fn handle_command(is_there: &bool, command: Self::Command) -> Result<Vec<Self::Event>, Refusal> {
        if *is_there { Err(command.data.taken()) } else { Ok(vec![command]) }
    }

    fn apply_event(_: bool, _: Self::Event) -> bool {
        true
    }
}
