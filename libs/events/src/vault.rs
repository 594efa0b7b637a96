//! What the log holds of sealed personal data.

use serde::{Deserialize, Serialize};

/// A name, a contact or a free text that lies sealed in the vault: what an event says in its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sealed {
    /// The seal's id in the vault.
    pub seal: String,
    /// The salted commitment to what is sealed: it proves that this very text was recorded, as long as the salt
    /// is kept, and tells nothing after the erasure.
    pub commitment: String,
}
