//! The vault on real files: what is sealed, what is erased, and what is found in the files.

#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

#[path = "vault/backup.rs"]
mod backup;
#[path = "vault/codes.rs"]
mod codes;
#[path = "vault/damage.rs"]
mod damage;
#[path = "vault/erase.rs"]
mod erase;
#[path = "vault/open.rs"]
mod open;
#[path = "vault/pending.rs"]
mod pending;
#[path = "vault/rekey.rs"]
mod rekey;
#[path = "vault/seal.rs"]
mod seal;
#[path = "vault/store.rs"]
mod store;
