//! Who may see which trail.

use events::Role as SubjectRole;
use identity::{Caller, Role};
use proto::{Failure, ledger::ErrorReason};

/// Refuses a trail that the caller has no standing for. Citizens see a case, whose code they hold; agencies
/// and officials besides see procedures, steps, posts, units, their own agency with those merged into it, and an
/// official their own trail; administrators see all but the trails of officials, reports and proceedings; inspectors see
/// all. `own` are the codes that the caller's agency answers for, its own among them.
pub(crate) fn check(caller: &Caller, role: SubjectRole, id: &str, own: &[String]) -> Result<(), Failure> {
    let allowed = match (caller.role, role) {
        (Role::Inspector, _) => true,
        // Who has a report is told by its events.
        (Role::Agency | Role::Official, SubjectRole::Report) => !own.is_empty(),
        // So is who has a proceeding, whom it is against, and who acts in it.
        (Role::Agency, SubjectRole::Proceeding) => !own.is_empty(),
        (Role::Official, SubjectRole::Proceeding) => true,
        (Role::Administrator, role) => {
            !matches!(role, SubjectRole::Official | SubjectRole::Report | SubjectRole::Proceeding)
        }
        (Role::Agency | Role::Official, SubjectRole::Agency) => own.iter().any(|code| code == id),
        (Role::Official, SubjectRole::Official) => caller.id == id,
        (Role::Agency, SubjectRole::Official) => false,
        (Role::Agency | Role::Official, _) => true,
        (Role::Citizen, role) => role == SubjectRole::Case,
        (Role::Service, _) => false,
    };
    if allowed {
        return Ok(());
    }
    let text = format!(
        "the role {} has no standing for this trail of role {}: ask an inspector",
        caller.role.as_str(),
        role.as_str()
    );
    Err(Failure::new(ErrorReason::NoStanding, text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(role: Role, agency: Option<&str>, subject: SubjectRole, id: &str) -> bool {
        let caller = Caller { id: "me".into(), role, agency: agency.map(str::to_owned) };
        let own: Vec<_> =
            agency.iter().flat_map(|agency| [(*agency).to_owned(), format!("{agency}-old")]).collect();
        check(&caller, subject, id, &own).is_ok()
    }

    #[test]
    fn the_trail_of_an_official_is_for_inspectors_and_the_official() {
        assert!(allowed(Role::Inspector, None, SubjectRole::Official, "other"));
        assert!(allowed(Role::Official, Some("H57"), SubjectRole::Official, "me"));
        for role in [Role::Official, Role::Agency, Role::Administrator, Role::Citizen, Role::Service] {
            assert!(!allowed(role, Some("H57"), SubjectRole::Official, "other"), "{role:?}");
        }
    }

    #[test]
    fn the_trail_of_a_proceeding_is_for_those_who_can_have_it_or_be_its_person() {
        for role in [Role::Inspector, Role::Official, Role::Agency] {
            assert!(allowed(role, Some("H57"), SubjectRole::Proceeding, "p-1"), "{role:?}");
        }
        for role in [Role::Administrator, Role::Citizen, Role::Service] {
            assert!(!allowed(role, Some("H57"), SubjectRole::Proceeding, "p-1"), "{role:?}");
        }
        assert!(!allowed(Role::Agency, None, SubjectRole::Proceeding, "p-1"));
    }

    #[test]
    fn an_agency_sees_its_own_trail_only_and_a_citizen_none() {
        assert!(allowed(Role::Agency, Some("H57"), SubjectRole::Agency, "H57"));
        assert!(!allowed(Role::Agency, Some("H57"), SubjectRole::Agency, "H58"));
        // And those of what was merged into it.
        assert!(allowed(Role::Agency, Some("H57"), SubjectRole::Agency, "H57-old"));
        assert!(!allowed(Role::Agency, None, SubjectRole::Agency, "H57"));
        assert!(!allowed(Role::Citizen, None, SubjectRole::Agency, "H57"));
        assert!(allowed(Role::Citizen, None, SubjectRole::Case, "H57-260211-0001"));
    }
}
