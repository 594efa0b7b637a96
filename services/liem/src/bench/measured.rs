//! The ledger that is measured: one of the bench's own in another process, or one that runs.

use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

use anyhow::Context as _;
use eventlog::Clock;
use identity::{Caller, Claims, Role};
use proto::ledger as pb;
use tempfile::TempDir;

use super::wire::Connection;
use crate::{cli::MeasuredArgs, config::Settings, data::Data, server::seconds};

/// The name of logs that the bench may write to: what it records can't be taken back.
const ORIGIN: &str = "liem.bench";

/// The service that the bench appends as.
const SERVICE: &str = "delivery";

/// A ledger that runs.
pub(super) struct Measured {
    address: String,
    token: String,
    child: Option<Ended>,
    _temporary: Option<TempDir>,
}

impl Measured {
    /// Starts a ledger, unless the address of one is given.
    pub(super) async fn start(settings: &Settings, args: &MeasuredArgs) -> anyhow::Result<Self> {
        let measured = match &settings.address {
            Some(address) => {
                let token = settings.token.clone();
                let token = token.with_context(|| {
                    format!("give a token for it with --token (liem token issue --role service --service {SERVICE})")
                })?;
                Self { address: address.clone(), token, child: None, _temporary: None }
            }
            None => Self::start_own(settings, args)?,
        };
        let head = measured.connect().await?.head().await?;
        anyhow::ensure!(
            head.origin == ORIGIN,
            "this is the log {}: what is recorded stays, and measuring records much. Start a ledger for it \
             with --origin {ORIGIN}",
            head.origin
        );
        Ok(measured)
    }

    fn start_own(settings: &Settings, args: &MeasuredArgs) -> anyhow::Result<Self> {
        let temporary = (!settings.is_data_named).then(tempfile::tempdir).transpose()?;
        let folder = temporary.as_ref().map_or(settings.data.folder(), TempDir::path);
        let mut command = Command::new(std::env::current_exe()?);
        for (name, _) in std::env::vars_os() {
            // Settings of the bench are not its ledger's.
            if name.as_encoded_bytes().starts_with(b"LIEM_") {
                command.env_remove(name);
            }
        }
        command
            .args(["serve", "ledger", "--listen", "127.0.0.1:0", "--origin", ORIGIN, "--data"])
            .arg(folder);
        if let Some(log) = &args.log {
            command.args(["--log", log]);
        }
        if std::env::var_os("RUST_LOG").is_none() {
            command.env("RUST_LOG", "warn");
        }
        let child =
            command.stdout(Stdio::piped()).spawn().context("the ledger's process can't be started")?;
        let mut child = Ended(child);
        let mut said = String::new();
        if let Some(output) = child.0.stdout.take() {
            BufReader::new(output).read_line(&mut said)?;
        }
        let address = said.trim().rsplit_once(' ').map(|(_, address)| address.to_owned());
        let address = address.context("the ledger did not start: it said why above")?;
        let token = token(folder)?;
        Ok(Self { address, token, child: Some(child), _temporary: temporary })
    }

    /// A connection of its own.
    pub(super) async fn connect(&self) -> anyhow::Result<Connection> {
        Connection::open(&self.address, &self.token).await
    }

    /// The most memory that the ledger has held; none where that's not known.
    pub(super) fn peak_mib(&self) -> Option<u64> {
        let process = self.child.as_ref()?.0.id().to_string();
        super::peak_mib(&process)
    }
}

/// A process that ends with this.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn token(folder: &Path) -> anyhow::Result<String> {
    let key = Data::new(folder.to_owned()).signing_key()?;
    let caller = Caller { id: SERVICE.to_owned(), role: Role::Service, agency: None };
    Ok(key.sign(&Claims::new(caller, seconds(&Clock::system()), 24 * 3600))?)
}

impl Connection {
    /// Where the log ends, and what it is.
    pub(super) async fn head(&self) -> anyhow::Result<pb::GetHeadResponse> {
        self.ask("GetHead", &pb::GetHeadRequest {}).await
    }

    /// Bytes of an entry, on average over the newest hundred.
    pub(super) async fn entry_bytes(&self) -> anyhow::Result<u64> {
        let request = pb::ListEntriesRequest { page_size: 100, ..Default::default() };
        let page: pb::ListEntriesResponse = self.ask("ListEntries", &request).await?;
        let bytes: usize = page.entries.iter().map(|entry| entry.bytes.len()).sum();
        Ok((bytes / page.entries.len().max(1)) as u64)
    }
}
