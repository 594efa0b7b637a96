//! `liem vault`, and where the key of the vaults is.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// The key that wraps the keys of sealed personal data.
#[derive(Debug, Clone, Args)]
pub(crate) struct VaultArgs {
    /// File with the vault's master key, 64 hexadecimal digits; `LIEM_VAULT_KEY` in the environment can hold the
    /// digits themselves [default: keys/vault.key in the data folder, made where there is none]
    #[arg(long, env = "LIEM_VAULT_KEY_FILE", value_name = "FILE")]
    pub(crate) vault_key: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum VaultCommand {
    /// Wrap the keys of all vaults in the data folder with another master key; stop the services first
    ChangeKey {
        /// File with the new master key, made where there is none
        #[arg(long, value_name = "FILE")]
        new_key_file: PathBuf,
        #[command(flatten)]
        old: VaultArgs,
    },
    /// Copy all vaults in the data folder, their keys apart from what they open; stop the services first
    Backup {
        /// Folder for what is sealed
        #[arg(long, value_name = "DIR")]
        sealed_to: PathBuf,
        /// Folder for the keys: another one, kept elsewhere, and only for as long as erased data may come back
        #[arg(long, value_name = "DIR")]
        keys_to: PathBuf,
        #[command(flatten)]
        key: VaultArgs,
    },
}
