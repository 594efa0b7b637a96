//! Posts, and the officials who hold them.

use chrono::NaiveDate;
use esrs::Aggregate;
use events::{
    Fact,
    directory::{Official, Post},
};

use super::Refusal;

/// A post: defined once, and in the end closed.
pub(crate) struct PostAggregate;

/// What the directory knows of a post.
#[derive(Debug, Default)]
pub(crate) struct PostState {
    is_defined: bool,
    closed: Option<NaiveDate>,
}

impl Aggregate for PostAggregate {
    const NAME: &'static str = "directory.post";
    type State = PostState;
    type Command = Fact<Post>;
    type Event = Fact<Post>;
    type Error = Refusal;

    fn handle_command(state: &PostState, command: Self::Command) -> Result<Vec<Self::Event>, Refusal> {
        match &command.data {
            Post::Defined { post, .. } if state.is_defined => Err(Refusal::PostExists(post.clone())),
            Post::Closed { post, .. } if !state.is_defined => Err(Refusal::PostUnknown(post.clone())),
            Post::Closed { post, .. } => match state.closed {
                Some(date) => Err(Refusal::PostClosed { post: post.clone(), date }),
                None => Ok(vec![command]),
            },
            Post::Defined { .. } => Ok(vec![command]),
        }
    }

    fn apply_event(mut state: PostState, fact: Self::Event) -> PostState {
        match fact.data {
            Post::Defined { .. } => state.is_defined = true,
            Post::Closed { effective_date, .. } => state.closed = Some(effective_date),
        }
        state
    }
}

/// An official: registered once, then appointed and moved, one day after the other, until they leave.
pub(crate) struct OfficialAggregate;

/// What the directory knows of an official.
#[derive(Debug, Default)]
pub(crate) struct OfficialState {
    is_registered: bool,
    is_party_member: bool,
    /// The first day of the last appointment.
    appointed: Option<NaiveDate>,
    /// The day of the last move.
    moved: Option<NaiveDate>,
    /// The day of the last change of membership.
    membership_changed: Option<NaiveDate>,
    left: Option<NaiveDate>,
}

impl Aggregate for OfficialAggregate {
    const NAME: &'static str = "directory.official";
    type State = OfficialState;
    type Command = Fact<Official>;
    type Event = Fact<Official>;
    type Error = Refusal;

    fn handle_command(state: &OfficialState, command: Self::Command) -> Result<Vec<Self::Event>, Refusal> {
        if let Official::Registered { official, .. } = &command.data {
            return if state.is_registered {
                Err(Refusal::OfficialExists(official.clone()))
            } else {
                Ok(vec![command])
            };
        }
        let official = official_of(&command.data);
        if !state.is_registered {
            return Err(Refusal::OfficialUnknown(official.to_owned()));
        }
        if let Some(date) = state.left {
            return Err(Refusal::OfficialLeft { official: official.to_owned(), date });
        }
        match command.data {
            Official::Registered { .. } => {}
            Official::Appointed { from_date, .. } => {
                after(from_date, state.appointed)?;
                // Who moves can be appointed on their first day.
                not_before(from_date, state.moved)?;
            }
            Official::Moved { from_date, .. } => {
                after(from_date, state.appointed)?;
                after(from_date, state.moved)?;
            }
            Official::Left { effective_date, .. } => {
                after(effective_date, state.appointed)?;
                after(effective_date, state.moved)?;
            }
            Official::PartyMembershipChanged { party_member, effective_date, .. } => {
                if party_member == state.is_party_member {
                    return Err(Refusal::PartyMembershipUnchanged);
                }
                after(effective_date, state.membership_changed)?;
            }
        }
        Ok(vec![command])
    }

    fn apply_event(mut state: OfficialState, fact: Self::Event) -> OfficialState {
        match fact.data {
            Official::Registered { party_member, .. } => {
                (state.is_registered, state.is_party_member) = (true, party_member);
            }
            Official::Appointed { from_date, .. } => state.appointed = Some(from_date),
            Official::Moved { from_date, .. } => state.moved = Some(from_date),
            Official::Left { effective_date, .. } => state.left = Some(effective_date),
            Official::PartyMembershipChanged { party_member, effective_date, .. } => {
                state.is_party_member = party_member;
                state.membership_changed = Some(effective_date);
            }
        }
        state
    }
}

fn official_of(event: &Official) -> &str {
    match event {
        Official::Registered { official, .. }
        | Official::Appointed { official, .. }
        | Official::Moved { official, .. }
        | Official::Left { official, .. }
        | Official::PartyMembershipChanged { official, .. } => official,
    }
}

/// Refuses a date that is not after an earlier one.
pub(super) fn after(date: NaiveDate, earlier: Option<NaiveDate>) -> Result<(), Refusal> {
    match earlier {
        Some(follows) if date <= follows => Err(Refusal::DatesOutOfOrder { date, follows }),
        _ => Ok(()),
    }
}

/// Refuses a date that is before an earlier one.
pub(super) fn not_before(date: NaiveDate, earlier: Option<NaiveDate>) -> Result<(), Refusal> {
    match earlier {
        Some(follows) if date < follows => Err(Refusal::DatesOutOfOrder { date, follows }),
        _ => Ok(()),
    }
}
