//! The data folder: where the log, the views, the keys and the tokens are.

use std::{
    fs,
    io::Write as _,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use identity::{Caller, Claims, Role, SigningKey};

/// How long the folder's own tokens are good; each start of a server that has the key makes new ones.
const OWN_TOKEN_SECONDS: u64 = 400 * 24 * 3600;

/// The data folder.
#[derive(Debug, Clone)]
pub(crate) struct Data {
    folder: PathBuf,
}

impl Data {
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.folder.join("log.db")
    }

    pub(crate) fn views(&self) -> PathBuf {
        self.folder.join("views")
    }

    pub(crate) fn public_key(&self) -> PathBuf {
        self.folder.join("keys/public.pem")
    }

    /// The folder of a service's vault.
    pub(crate) fn vault(&self, service: &str) -> PathBuf {
        self.folder.join("vault").join(service)
    }

    /// The key that wraps the vaults' keys, where none is named.
    pub(crate) fn vault_key(&self) -> PathBuf {
        self.folder.join("keys/vault.key")
    }

    /// The key that wrapped the vaults' keys before the last change.
    pub(crate) fn old_vault_key(&self) -> PathBuf {
        self.folder.join("keys/vault.key.old")
    }

    fn private_key(&self) -> PathBuf {
        self.folder.join("keys/private.pem")
    }

    /// Makes the folders that aren't there.
    pub(crate) fn prepare(&self) -> anyhow::Result<()> {
        for name in ["views", "keys", "tokens", "addresses", "vault"] {
            let folder = self.folder.join(name);
            fs::create_dir_all(&folder)
                .with_context(|| format!("can't make the folder {}", folder.display()))?;
        }
        Ok(())
    }

    /// The key that signs tokens; made where there is none.
    pub(crate) fn make_key(&self) -> anyhow::Result<SigningKey> {
        Ok(SigningKey::open_or_make(&self.private_key(), &self.public_key())?)
    }

    /// The key that signs tokens, of a server that was started before.
    pub(crate) fn signing_key(&self) -> anyhow::Result<SigningKey> {
        let advice = || {
            format!(
                "{} has no key yet: start `liem up` with this data folder once, or name the right one with --data",
                self.folder.display()
            )
        };
        if self.private_key().exists() {
            Ok(SigningKey::open(&self.private_key())?)
        } else {
            Err(anyhow::anyhow!(advice()))
        }
    }

    /// The token with which this machine's own commands call: `inspector` to read, `administrator` to write.
    pub(crate) fn token(&self, role: Role) -> Option<String> {
        fs::read_to_string(self.token_file(role)).ok()
    }

    fn token_file(&self, role: Role) -> PathBuf {
        self.folder.join("tokens").join(role.as_str())
    }

    /// Makes the tokens of this machine's own commands.
    pub(crate) fn write_tokens(&self, key: &SigningKey, now: u64) -> anyhow::Result<()> {
        for role in [Role::Inspector, Role::Administrator] {
            let caller = Caller { id: format!("local-{}", role.as_str()), role, agency: None };
            let token = key.sign(&Claims::new(caller, now, OWN_TOKEN_SECONDS))?;
            write_private(&self.token_file(role), &token)?;
        }
        Ok(())
    }

    /// Where a service of this data folder listens.
    pub(crate) fn address(&self, service: &str) -> Option<String> {
        fs::read_to_string(self.address_file(service)).ok()
    }

    fn address_file(&self, service: &str) -> PathBuf {
        self.folder.join("addresses").join(service)
    }

    /// Tells where a service listens, until the guard is dropped.
    pub(crate) fn publish(&self, services: &[&str], address: SocketAddr) -> anyhow::Result<Published> {
        // A server that listens everywhere is called on this machine.
        let address = if address.ip().is_unspecified() {
            SocketAddr::new(std::net::Ipv4Addr::LOCALHOST.into(), address.port())
        } else {
            address
        };
        let files: Vec<_> = services.iter().map(|service| self.address_file(service)).collect();
        for file in &files {
            write_private(file, &address.to_string())?;
        }
        Ok(Published { files })
    }
}

/// Addresses that are told as long as this lives.
pub(crate) struct Published {
    files: Vec<PathBuf>,
}

impl Drop for Published {
    fn drop(&mut self) {
        for file in &self.files {
            // Gone already is as good.
            drop(fs::remove_file(file));
        }
    }
}

/// Writes a file that only its owner reads, at once or not at all.
fn write_private(path: &Path, text: &str) -> anyhow::Result<()> {
    let written = || -> std::io::Result<()> {
        let folder = path.parent().unwrap_or(Path::new("."));
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(text.as_bytes())?;
        file.persist(path)?;
        Ok(())
    };
    written().with_context(|| format!("can't write {}", path.display()))
}
