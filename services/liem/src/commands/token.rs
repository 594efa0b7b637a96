//! `liem token issue`.

use anyhow::Context as _;
use eventlog::Clock;
use identity::{Caller, Claims};

use crate::{
    cli::{IssueArgs, Role},
    config::Settings,
    server::seconds,
};

pub(super) fn issue(settings: &Settings, args: IssueArgs) -> anyhow::Result<()> {
    let role = match args.role {
        Role::Agency => identity::Role::Agency,
        Role::Official => identity::Role::Official,
        Role::Inspector => identity::Role::Inspector,
        Role::Administrator => identity::Role::Administrator,
        Role::Citizen => identity::Role::Citizen,
        Role::Service => identity::Role::Service,
    };
    if matches!(args.role, Role::Agency | Role::Official) && args.agency.is_none() {
        anyhow::bail!("the role {} acts for an agency: name it with --agency", role.as_str());
    }
    if let Some(agency) = &args.agency {
        proto::agency_from("--agency", agency)?;
    }
    let holder = match (args.role, args.service, args.holder, &args.agency) {
        // A service is known to the ledger by its name.
        (Role::Service, Some(service), None, _) => service.name().to_owned(),
        (Role::Service, _, _, _) => anyhow::bail!("name the service with --service, without --holder"),
        (_, Some(_), _, _) => anyhow::bail!("--service goes with --role service"),
        (_, None, Some(holder), _) => proto::official_from("--holder", &holder)?,
        (_, None, None, Some(agency)) => format!("{}-{agency}", role.as_str()),
        (_, None, None, None) => role.as_str().to_owned(),
    };
    let valid = seconds_of("--valid-for", &args.valid_for)?;
    let key = settings.data.signing_key()?;
    let caller = Caller { id: holder, role, agency: args.agency };
    let token = key.sign(&Claims::new(caller, seconds(&Clock::system()), valid))?;
    if settings.json {
        println!("{}", serde_json::json!({ "token": token }));
    } else {
        println!("{token}");
    }
    Ok(())
}

/// Seconds in a text such as `30d`, given for a flag.
pub(super) fn seconds_of(flag: &str, text: &str) -> anyhow::Result<u64> {
    let parsed = || {
        let unit = text.chars().last()?;
        let number: u64 = text.strip_suffix(unit)?.parse().ok()?;
        let seconds = match unit {
            's' => 1,
            'm' => 60,
            'h' => 3_600,
            'd' => 86_400,
            _ => return None,
        };
        number.checked_mul(seconds).filter(|s| (1..=100 * 366 * 86_400).contains(s))
    };
    parsed().with_context(|| format!("{flag} `{text}`: give a number with s, m, h or d, such as 30d"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        assert_eq!(seconds_of("--valid-for", "30d").unwrap(), 30 * 86_400);
        assert_eq!(seconds_of("--valid-for", "1s").unwrap(), 1);
        for bad in ["", "d", "30", "0s", "-1d", "1w", "99999999999999999999d", "1é"] {
            assert!(seconds_of("--valid-for", bad).is_err(), "{bad}");
        }
    }
}
