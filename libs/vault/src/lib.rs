//! Personal data, sealed; erased by destroying its keys.
//!
//! What an event must not say stands here, and the event refers to it by the id of a seal and a commitment
//! to the text. The vault knows no service, no log and no clock.
//!
//! # What is kept where
//!
//! - `sealed.db` holds ciphertexts, padded to multiples of 256 bytes, and the names of their fields.
//! - `keys.db` holds what opens them: for each seal a data key, wrapped with the [`MasterKey`], and the salt of
//!   its commitment; besides, hashes of follow-up codes. It can be backed up apart, and for a shorter time.
//! - The master key is in neither.
//!
//! There is no time in the files, except until which minute a code is locked, and no order of requests: ids
//! are random, rows have no numbers, and of a request that is confirmed a keyed hash is left.
//!
//! # What erasing means
//!
//! The data key and the salt are deleted, then the ciphertext, and both files are written anew, so that no
//! bytes of them are left there. The seal's id, subject and commitment stay; without its salt a commitment tells
//! nothing. What the disk or a copy of the file keeps underneath is out of reach: an older backup of *both* files
//! together with the master key opens what was erased since. After restoring one, erase again what the log
//! says was erased.

mod codes;
mod crypto;
mod erase;
mod error;
mod files;
mod master;
mod pending;
mod rekey;
mod seals;
mod tries;

use std::{path::Path, sync::Arc};

use tokio::sync::{MappedMutexGuard, Mutex, MutexGuard, Semaphore};

pub use codes::{CODE_SECRET_BITS, FollowUpCode};
use crypto::Key;
pub use error::{CodeError, VaultError};
use files::Files;
pub use master::MasterKey;
pub use rekey::change_master_key;
pub use seals::{Opened, Seal, State, ToSeal};

/// Items in one request, at most.
pub const MAX_ITEMS: usize = 256;

/// Bytes of a text, at most.
pub const MAX_TEXT_BYTES: usize = 65_536;

/// A vault that is open. Clones are the same one.
#[derive(Clone)]
pub struct Vault(Arc<Inner>);

struct Inner {
    /// One connection, and one user of it at a time: when something was erased, nobody reads what was.
    files: Mutex<Option<Files>>,
    master: MasterKey,
    own_key: Key,
    /// Who may hash a code: it takes 19 MiB each.
    hashing: Arc<Semaphore>,
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Vault(..)")
    }
}

impl Vault {
    /// Opens the vault in a folder, and makes it where there is none.
    pub async fn open(folder: &Path, master: &MasterKey) -> Result<Self, VaultError> {
        let (files, own_key) = Files::open(folder, master).await?;
        Ok(Self(Arc::new(Inner {
            files: Mutex::new(Some(files)),
            master: master.clone(),
            own_key,
            hashing: Arc::new(Semaphore::new(codes::AT_A_TIME)),
        })))
    }

    /// Writes a copy of each database to a new file. Both are from the same moment.
    pub async fn backup(&self, sealed_to: &Path, keys_to: &Path) -> Result<(), VaultError> {
        self.files().await?.copy(sealed_to, keys_to).await
    }

    /// Waits for what is being done, and closes the vault for all clones.
    pub async fn close(self) -> Result<(), VaultError> {
        match self.0.files.lock().await.take() {
            Some(files) => files.close().await,
            None => Ok(()),
        }
    }

    async fn files(&self) -> Result<MappedMutexGuard<'_, Files>, VaultError> {
        MutexGuard::try_map(self.0.files.lock().await, Option::as_mut).map_err(|_none| VaultError::Closed)
    }

    fn master(&self) -> &[u8; 32] {
        self.0.master.bytes()
    }

    /// The name that a request has in the files.
    fn tag(&self, request: uuid::Uuid) -> [u8; 32] {
        crypto::tag(&self.0.own_key, request)
    }
}

/// Ids as SQLite's `json_each` takes them.
fn listed(ids: &[String]) -> Result<String, VaultError> {
    serde_json::to_string(ids).map_err(VaultError::system)
}
