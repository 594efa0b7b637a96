//! `liem vault`: what is done with the vaults of a data folder while no service has them open.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use serde_json::json;
use vault::{MasterKey, Vault, VaultError, change_master_key};

use crate::{
    cli::{Service, VaultArgs, VaultCommand},
    config::Settings,
    data::Data,
    output,
};

pub(super) async fn vault(settings: &Settings, command: VaultCommand) -> anyhow::Result<()> {
    match command {
        VaultCommand::ChangeKey { new_key_file, old } => change_key(settings, &new_key_file, &old).await,
        VaultCommand::Backup { sealed_to, keys_to, key } => {
            backup(settings, &sealed_to, &keys_to, &key).await
        }
    }
}

/// A vault in the data folder: its service, and where it is.
struct Found {
    service: &'static str,
    folder: PathBuf,
}

fn found(data: &Data) -> anyhow::Result<Vec<Found>> {
    let all = Service::ALL.map(Service::name).map(|service| Found { service, folder: data.vault(service) });
    let is_there =
        |found: &Found| ["keys.db", "sealed.db"].iter().any(|file| found.folder.join(file).exists());
    let found: Vec<_> = all.into_iter().filter(is_there).collect();
    if found.is_empty() {
        anyhow::bail!(
            "there is no vault in {}: name the right data folder with --data",
            data.folder().display()
        );
    }
    Ok(found)
}

/// Opens a vault whose service is stopped; none if it is another key's.
async fn open(found: &Found, key: &MasterKey) -> anyhow::Result<Option<Vault>> {
    match Vault::open(&found.folder, key).await {
        Ok(vault) => Ok(Some(vault)),
        Err(VaultError::WrongMasterKey) => Ok(None),
        Err(error @ VaultError::Locked { .. }) => Err(error).with_context(|| {
            format!("stop the server first: the vault of {} is locked while it runs", found.service)
        }),
        Err(error) => Err(error).with_context(|| format!("the vault of {}", found.service)),
    }
}

/// Which vaults the old key opens; the others are wrapped with the new one already, by a run that was cut off. All
/// of them are open for a moment: none is changed while a service still has another one.
async fn opened_by_old(
    vaults: Vec<Found>,
    old: &MasterKey,
    new: &MasterKey,
) -> anyhow::Result<Vec<(Found, bool)>> {
    let (mut checked, mut held) = (Vec::new(), Vec::new());
    for found in vaults {
        let with_new = open(&found, new).await?;
        let is_old = with_new.is_none();
        let opened = match with_new {
            Some(vault) => Some(vault),
            None => open(&found, old).await?,
        };
        held.push(opened.with_context(|| {
            format!(
                "neither key opens the vault of {}: give the one that it is wrapped with as --vault-key",
                found.service
            )
        })?);
        checked.push((found, is_old));
    }
    for vault in held {
        vault.close().await?;
    }
    Ok(checked)
}

fn is_same_file(one: &Path, other: &Path) -> bool {
    matches!((fs::canonicalize(one), fs::canonicalize(other)), (Ok(one), Ok(other)) if one == other)
}

async fn change_key(settings: &Settings, new_key_file: &Path, old: &VaultArgs) -> anyhow::Result<()> {
    let data = &settings.data;
    let vaults = found(data)?;
    let (old, old_file) = settings.present_vault_key(old)?;
    let (own, put_by) = (data.vault_key(), data.old_vault_key());
    let is_own = old_file.as_deref().is_some_and(|file| is_same_file(file, &own));
    let taken = [old_file.as_deref(), Some(&own), Some(&put_by)];
    if taken.into_iter().flatten().any(|file| is_same_file(file, new_key_file)) {
        anyhow::bail!("{} holds a key of before: name another file for the new one", new_key_file.display());
    }
    let is_done = new_key_file.exists() && MasterKey::open(new_key_file)? == old;
    if is_own && !is_done && put_by.exists() && MasterKey::open(&put_by)? != old {
        anyhow::bail!(
            "{} is the key of before the last change: move it away, or destroy it if the backups made under it \
             have expired",
            put_by.display()
        );
    }
    let new = MasterKey::open_or_make(new_key_file)?;
    if is_done && !is_own {
        anyhow::bail!("{} holds the old key: name a file for a new one", new_key_file.display());
    }
    let mut changed = Vec::new();
    for (found, is_old) in opened_by_old(vaults, &old, &new).await? {
        let keys = if is_old { Some(change_master_key(&found.folder, &old, &new).await?) } else { None };
        changed.push((found.service, keys));
    }
    if is_own && !is_done {
        old.put(&put_by)?;
        new.put(&own)?;
    }
    let old_file = if is_own { Some(put_by) } else { old_file };

    if settings.json {
        let vaults = changed.iter().map(|(service, keys)| {
            let state = if keys.is_some() { "changed" } else { "changed_before" };
            json!({ "vault": service, "state": state, "keys": keys })
        });
        return output::print_json(&json!({
            "vaults": vaults.collect::<Vec<_>>(),
            "new_key_file": new_key_file.display().to_string(),
            "in_place": is_own,
            "old_key_file": old_file.map(|file| file.display().to_string()),
        }));
    }
    for (service, keys) in changed {
        let told = keys.map_or_else(
            || "is wrapped with the new key already".to_owned(),
            |keys| format!("is wrapped with the new key: {keys} data keys"),
        );
        output::print(&format!("the vault of {service} {told}"))?;
    }
    let new_key_file = new_key_file.display();
    output::print(&if is_own {
        format!("the services find the new key in {}: keep {new_key_file} elsewhere", own.display())
    } else {
        format!("start the services with the new key: --vault-key {new_key_file}")
    })?;
    let old_file = old_file.map_or_else(|| "the old key".to_owned(), |file| file.display().to_string());
    output::print(&format!(
        "backups of the keys made before need {old_file}: destroy it when they have expired"
    ))
}

/// Where a path leads, also where its end is not there yet.
fn whole(path: &Path) -> anyhow::Result<PathBuf> {
    let path = std::path::absolute(path)?;
    let there = path.ancestors().find_map(|parent| Some((parent, fs::canonicalize(parent).ok()?)));
    Ok(match there {
        Some((parent, canonical)) => match path.strip_prefix(parent)? {
            rest if rest.as_os_str().is_empty() => canonical,
            rest => canonical.join(rest),
        },
        None => path,
    })
}

/// Makes a folder for its owner only.
fn make_folder(folder: &Path) -> anyhow::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).with_context(|| format!("can't make the folder {}", folder.display()))
}

async fn backup(
    settings: &Settings,
    sealed_to: &Path,
    keys_to: &Path,
    key: &VaultArgs,
) -> anyhow::Result<()> {
    let vaults = found(&settings.data)?;
    let (sealed_to, keys_to) = (whole(sealed_to)?, whole(keys_to)?);
    if sealed_to.starts_with(&keys_to) || keys_to.starts_with(&sealed_to) {
        anyhow::bail!(
            "what is sealed and its keys belong in two places: name two folders, neither of them in the other"
        );
    }
    let (key, _) = settings.present_vault_key(key)?;
    let mut copies = Vec::new();
    for found in &vaults {
        let sealed = sealed_to.join(found.service).join("sealed.db");
        let keys = keys_to.join(found.service).join("keys.db");
        if let Some(there) = [&sealed, &keys].into_iter().find(|file| file.exists()) {
            anyhow::bail!("{} is there already: name folders for a new backup", there.display());
        }
        let vault = open(found, &key).await?.with_context(|| {
            format!(
                "the key is not the one of the vault of {}: give the one that it is wrapped with as --vault-key",
                found.service
            )
        })?;
        copies.push((found.service, vault, sealed, keys));
    }
    let mut written = Vec::new();
    for (service, vault, sealed, keys) in copies {
        for file in [&sealed, &keys] {
            make_folder(file.parent().unwrap_or(file))?;
        }
        vault.backup(&sealed, &keys).await?;
        vault.close().await?;
        written.push((service, sealed.display().to_string(), keys.display().to_string()));
    }

    if settings.json {
        let vaults = written
            .iter()
            .map(|(service, sealed, keys)| json!({ "vault": service, "sealed": sealed, "keys": keys }));
        return output::print_json(&json!({ "vaults": vaults.collect::<Vec<_>>() }));
    }
    for (service, sealed, keys) in written {
        output::print(&format!("the vault of {service} is copied to {sealed} and {keys}"))?;
    }
    output::print("keep the two apart, and the master key with neither")
}
