//! What every command service does with a request before its aggregate decides: take the request id out, tell
//! who acts, and find the law it is decided under.

mod law;

use identity::{Caller, Role};
use proto::{Failure, ledger::ErrorReason};

pub use law::{DateOutOfRange, Law, Laws};

/// Says which requests carry the `Command` of their context, each with its RPC's name: makes the trait `Commanded`, and
/// `open`, which takes such a request apart.
#[macro_export]
macro_rules! commanded {
    ($module:ident: $($request:ident $method:literal)*) => {
        /// A request with the part that all commands carry.
        pub(crate) trait Commanded: ::prost::Message + Sized {
            /// The RPC's name.
            const METHOD: &'static str;

            fn command_mut(&mut self) -> &mut Option<$module::Command>;
        }

        $(impl Commanded for $module::$request {
            const METHOD: &'static str = $method;

            fn command_mut(&mut self) -> &mut Option<$module::Command> {
                &mut self.command
            }
        })*

        /// Takes a request apart.
        pub(crate) fn open<M: Commanded>(
            request: ::tonic::Request<M>,
        ) -> Result<$crate::Opened<$module::Command, M>, ::proto::Failure> {
            let caller = ::identity::Caller::of(&request)?;
            let mut message = request.into_inner();
            let command = message.command_mut().as_mut();
            let command = command.ok_or_else(|| ::proto::Failure::field("command", "give it"))?;
            let request_id = ::std::mem::take(&mut command.request_id);
            let command = command.clone();
            Ok($crate::Opened { method: M::METHOD, caller, request_id, command, message })
        }
    };
}

/// A request taken apart.
#[derive(Debug, Clone)]
pub struct Opened<C, M> {
    /// The RPC's name.
    pub method: &'static str,
    /// Who asks.
    pub caller: Caller,
    /// The request id, not yet looked at.
    pub request_id: String,
    /// What every command says, without the request id.
    pub command: C,
    /// The whole request, without the request id: what tells a retry from a reused one.
    pub message: M,
}

/// The official in whose name a caller acts: an official in their own only, a citizen in nobody's.
pub fn acting_official(caller: &Caller, named: Option<String>) -> Result<Option<String>, Failure> {
    let may = match caller.role {
        Role::Official => named.as_ref().is_none_or(|named| *named == caller.id),
        Role::Citizen => named.is_none(),
        Role::Agency | Role::Inspector | Role::Administrator | Role::Service => true,
    };
    if !may {
        let text = "the token can't act in another official's name: leave `official` empty";
        return Err(Failure::new(ErrorReason::NoStanding, text));
    }
    Ok(named.or_else(|| (caller.role == Role::Official).then(|| caller.id.clone())))
}
