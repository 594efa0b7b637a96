//! Settings: a flag counts over `LIEM_*` in the environment, and that over the TOML file.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use eventlog::LogPlace;
use serde::Deserialize;
use vault::MasterKey;

use crate::{
    cli::{Common, GenesisArgs, LogArgs, LogFormat, SnapshotArgs, VaultArgs},
    data::Data,
};

/// The settings file; every setting can be left out.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    data: Option<PathBuf>,
    address: Option<String>,
    token: Option<String>,
    log_format: Option<LogFormat>,
    listen: Option<SocketAddr>,
    log: Option<String>,
    ledger: Option<String>,
    public_key: Option<PathBuf>,
    origin: Option<String>,
    jurisdiction: Option<String>,
    time_zone: Option<String>,
    snapshot_every: Option<u64>,
    vault_key: Option<PathBuf>,
}

/// What a command runs with.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) data: Data,
    /// Whether a data folder was named, so that it is not the usual one.
    pub(crate) is_data_named: bool,
    pub(crate) address: Option<String>,
    pub(crate) token: Option<String>,
    pub(crate) json: bool,
    pub(crate) log_format: LogFormat,
    file: File,
}

impl Settings {
    pub(crate) fn load(common: Common) -> anyhow::Result<Self> {
        let usual = common.data.clone().unwrap_or_else(|| DEFAULT_DATA.into()).join("liem.toml");
        let path = common.config.clone().or_else(|| usual.exists().then_some(usual));
        let file = path.as_deref().map(read).transpose()?.unwrap_or_default();
        let data = common.data.or_else(|| file.data.clone());
        Ok(Self {
            is_data_named: data.is_some(),
            data: Data::new(data.unwrap_or_else(|| DEFAULT_DATA.into())),
            address: common.address.or_else(|| file.address.clone()),
            token: common.token.or_else(|| file.token.clone()),
            json: common.json,
            log_format: common.log_format.or(file.log_format).unwrap_or(LogFormat::Text),
            file,
        })
    }

    /// The same settings for a ledger in another folder.
    pub(crate) fn in_folder(&self, folder: &Path) -> Self {
        Self {
            data: Data::new(folder.to_owned()),
            is_data_named: true,
            address: None,
            token: None,
            json: self.json,
            log_format: self.log_format,
            file: File::default(),
        }
    }

    /// The address to listen on.
    pub(crate) fn listen(&self, flag: Option<SocketAddr>, usual_port: u16) -> SocketAddr {
        flag.or(self.file.listen).unwrap_or_else(|| ([127, 0, 0, 1], usual_port).into())
    }

    /// Where the log is kept.
    pub(crate) fn log(&self, args: &LogArgs) -> anyhow::Result<LogPlace> {
        match args.log.as_ref().or(self.file.log.as_ref()) {
            Some(place) => Ok(place.parse()?),
            None => Ok(LogPlace::File(self.data.log())),
        }
    }

    /// The address of the ledger, for a service that runs apart from it.
    pub(crate) fn ledger(&self, flag: Option<String>) -> anyhow::Result<String> {
        flag.or_else(|| self.file.ledger.clone()).or_else(|| self.data.address("ledger")).context(
            "where is the ledger? give its address with --ledger, or start it with this data folder first",
        )
    }

    /// The key that tokens are checked with.
    pub(crate) fn public_key(&self, flag: Option<PathBuf>) -> PathBuf {
        flag.or_else(|| self.file.public_key.clone()).unwrap_or_else(|| self.data.public_key())
    }

    /// Positions between two snapshots of a view.
    pub(crate) fn snapshot_every(&self, args: SnapshotArgs) -> u64 {
        args.snapshot_every.or(self.file.snapshot_every).unwrap_or(projection::SNAPSHOT_EVERY)
    }

    /// The key that wraps the vaults' keys: from the environment, a file that is named, or the data folder's,
    /// where it is made if there is none.
    pub(crate) fn vault_key(&self, args: &VaultArgs) -> anyhow::Result<MasterKey> {
        match self.given_vault_key(args)? {
            Some((key, _)) => Ok(key),
            None => Ok(MasterKey::open_or_make(&self.data.vault_key())?),
        }
    }

    /// The key that wraps the keys of vaults that are there, and the file it lies in.
    pub(crate) fn present_vault_key(&self, args: &VaultArgs) -> anyhow::Result<(MasterKey, Option<PathBuf>)> {
        if let Some(given) = self.given_vault_key(args)? {
            return Ok(given);
        }
        let file = self.data.vault_key();
        if !file.exists() {
            anyhow::bail!("{} is not there: name the file with the key with --vault-key", file.display());
        }
        Ok((MasterKey::open(&file)?, Some(file)))
    }

    fn given_vault_key(&self, args: &VaultArgs) -> anyhow::Result<Option<(MasterKey, Option<PathBuf>)>> {
        if let Ok(digits) = std::env::var("LIEM_VAULT_KEY") {
            let key = MasterKey::from_hex(digits.trim());
            let key = key.context("LIEM_VAULT_KEY in the environment is not 64 hexadecimal digits")?;
            return Ok(Some((key, None)));
        }
        let Some(file) = args.vault_key.as_ref().or(self.file.vault_key.as_ref()) else { return Ok(None) };
        Ok(Some((MasterKey::open(file)?, Some(file.clone()))))
    }

    /// The jurisdiction: of a new log, or of the rules to show.
    pub(crate) fn jurisdiction(&self, flag: Option<String>) -> String {
        flag.or_else(|| self.file.jurisdiction.clone()).unwrap_or_else(|| "VN".to_owned())
    }

    /// What a new log's first entry says.
    pub(crate) fn genesis(&self, args: &GenesisArgs) -> anyhow::Result<eventlog::Genesis> {
        let or = |flag: &Option<String>, file: &Option<String>, usual: &str| {
            flag.clone().or_else(|| file.clone()).unwrap_or_else(|| usual.to_owned())
        };
        let time_zone = or(&args.time_zone, &self.file.time_zone, "+07:00");
        Ok(eventlog::Genesis {
            origin: or(&args.origin, &self.file.origin, "liem.local"),
            jurisdiction: self.jurisdiction(args.jurisdiction.clone()),
            time_zone: events::parse_offset(&time_zone)
                .with_context(|| format!("`{time_zone}` is not an offset from UTC such as +07:00"))?,
        })
    }
}

/// The data folder where none is named.
const DEFAULT_DATA: &str = "liem-data";

fn read(path: &Path) -> anyhow::Result<File> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("can't read the settings file {}", path.display()))?;
    toml::from_str(&text).with_context(|| format!("in the settings file {}", path.display()))
}
