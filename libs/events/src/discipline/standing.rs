//! Whose a proceeding is: who may read it.

use serde::{Deserialize, Serialize};

use super::ProceedingEvent;

/// What of a proceeding says who may read it: a fold of its events.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// The agency that has it, or whose duty it is to open it.
    pub handler: String,
    /// The agency whose matter it is.
    pub agency: String,
    /// Whom it is against.
    pub person: Option<String>,
}

impl Standing {
    /// Brings an event into it.
    pub fn apply(&mut self, event: &ProceedingEvent) {
        let (handler, matter) = match event {
            ProceedingEvent::Due { duty_of, matter, .. } => (duty_of, matter),
            ProceedingEvent::NotOpened { by, matter, .. } | ProceedingEvent::Opened { by, matter, .. } => {
                (&by.agency, matter)
            }
            _ => return,
        };
        self.handler.clone_from(handler);
        self.agency.clone_from(&matter.agency);
        self.person.clone_from(&matter.person);
    }

    /// Whether it is against this official.
    pub fn is_person(&self, official: &str) -> bool {
        self.person.as_deref() == Some(official)
    }
}
