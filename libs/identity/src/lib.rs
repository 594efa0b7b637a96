//! Who is calling, and what they may do.
//!
//! Every RPC but health needs a token (JWT, EdDSA) of this ledger; [`access`] is the one table that says
//! which role may call which RPC, and what is not in it is denied. What a role may see *within* an RPC (its
//! own agency, an official's own trail) is decided by the service that knows the data.
//!
//! Mutual TLS and policies will come behind [`Guard`], without a change to the services.

pub mod access;
mod guard;
mod keys;

use proto::{Failure, ledger::ErrorReason};
use serde::{Deserialize, Serialize};

pub use guard::{Guard, GuardLayer};
pub use keys::{Claims, KeyError, SigningKey, TokenError, VerifyingKey};

/// What a token's holder is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// An agency's case system.
    Agency,
    /// A single official.
    Official,
    /// An inspector, who sees everything exactly.
    Inspector,
    /// An administrator, who keeps the directory and runs the ledger.
    Administrator,
    /// A citizen or a business.
    Citizen,
    /// A service of the ledger itself.
    Service,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Agency, Self::Official, Self::Inspector, Self::Administrator, Self::Citizen, Self::Service];

    /// The role's word, as in tokens and entries.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Agency => "agency",
            Self::Official => "official",
            Self::Inspector => "inspector",
            Self::Administrator => "administrator",
            Self::Citizen => "citizen",
            Self::Service => "service",
        }
    }

    /// The role of a word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|r| r.as_str() == word)
    }
}

/// Who is calling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The token's holder; for a service its name.
    pub id: String,
    /// What the holder is.
    pub role: Role,
    /// The agency the token was issued for.
    pub agency: Option<String>,
}

impl Caller {
    /// The caller that [`Guard`] found.
    pub fn of<T>(request: &tonic::Request<T>) -> Result<Self, Failure> {
        request.extensions().get().cloned().ok_or_else(|| {
            Failure::new(
                ErrorReason::TokenMissing,
                "the call came without a token: send one as a bearer token",
            )
        })
    }

    /// Whether the caller sees exact positions and times, and cells of any size.
    pub fn is_inspector(&self) -> bool {
        self.role == Role::Inspector
    }

    /// The agency the caller acts for, where the command names `agency` (empty for none). Agencies and
    /// officials act for their own agency only; administrators for any.
    pub fn acting_for(&self, agency: &str) -> Result<Option<String>, Failure> {
        let named = (!agency.is_empty()).then(|| agency.to_owned());
        match self.role {
            Role::Administrator => Ok(named),
            Role::Agency | Role::Official => match (&self.agency, named) {
                (Some(own), Some(named)) if *own != named => Err(Failure::new(
                    ErrorReason::NoStanding,
                    format!("the token is of agency {own} and can't act for another: leave `agency` empty"),
                )),
                (Some(own), _) => Ok(Some(own.clone())),
                (None, _) => Err(Failure::new(
                    ErrorReason::NoStanding,
                    "the token names no agency: ask for one issued with --agency",
                )),
            },
            Role::Citizen | Role::Inspector | Role::Service => Ok(None),
        }
    }
}
