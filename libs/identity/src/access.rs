//! The one table of access: which role may call which RPC. What isn't here is denied.

use crate::Role::{self, Administrator, Agency, Citizen, Inspector, Official, Service};

const EVERYONE: &[Role] = &Role::ALL;
/// Those who read the log's entries as they are.
const LOG_READERS: &[Role] = &[Service, Inspector];
/// Those who record what happens to a case.
const RECORDERS: &[Role] = &[Agency, Official, Administrator];
/// Those who look after views: what stopped one can name a case.
const WATCHERS: &[Role] = &[Inspector, Administrator, Service];
const ADMINISTRATORS: &[Role] = &[Administrator];
/// Those who handle reports; which ones is decided by the report.
const HANDLERS: &[Role] = &[Agency, Official, Inspector, Administrator];
/// Those who can have standing for what a report says, or what an agency is flagged for: that agency, and inspectors.
const STANDING: &[Role] = &[Agency, Official, Inspector];
/// Everyone who can report misconduct: with a follow-up code, whoever holds it.
const REPORTERS: &[Role] = &[Citizen, Agency, Official, Inspector, Administrator];
/// Those who see officials one by one.
const KEEPERS: &[Role] = &[Inspector, Administrator];
/// Those who work for the state, and may know who heads what.
const STATE: &[Role] = &[Agency, Official, Inspector, Administrator];

/// Every RPC of every server, but for health, with the roles that may call it.
pub const TABLE: &[(&str, &[Role])] = &[
    ("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", EVERYONE),
    ("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", EVERYONE),
    ("/liem.audit.v1.AuditService/ListTrail", &[Agency, Official, Inspector, Administrator, Citizen]),
    ("/liem.conduct.v1.ConductService/AcceptReport", HANDLERS),
    ("/liem.conduct.v1.ConductService/AddAllegation", HANDLERS),
    ("/liem.conduct.v1.ConductService/AddPersonConcerned", HANDLERS),
    ("/liem.conduct.v1.ConductService/AddToReport", REPORTERS),
    ("/liem.conduct.v1.ConductService/AnswerQuestion", REPORTERS),
    ("/liem.conduct.v1.ConductService/AppealFindings", HANDLERS),
    ("/liem.conduct.v1.ConductService/AskReporter", HANDLERS),
    ("/liem.conduct.v1.ConductService/ClassifyReport", HANDLERS),
    ("/liem.conduct.v1.ConductService/ConcludeReport", HANDLERS),
    ("/liem.conduct.v1.ConductService/DecideAppeal", HANDLERS),
    ("/liem.conduct.v1.ConductService/DeclineReport", HANDLERS),
    ("/liem.conduct.v1.ConductService/ErasePersonalData", ADMINISTRATORS),
    ("/liem.conduct.v1.ConductService/ExtendLimit", HANDLERS),
    ("/liem.conduct.v1.ConductService/FileReport", REPORTERS),
    ("/liem.conduct.v1.ConductService/GetFilingProof", REPORTERS),
    ("/liem.conduct.v1.ConductService/GetFollowUp", REPORTERS),
    ("/liem.conduct.v1.ConductService/GetReport", STANDING),
    ("/liem.conduct.v1.ConductService/ImportReport", ADMINISTRATORS),
    ("/liem.conduct.v1.ConductService/OpenInquiry", HANDLERS),
    ("/liem.conduct.v1.ConductService/OpenSealedData", STANDING),
    ("/liem.conduct.v1.ConductService/RecordFinding", HANDLERS),
    ("/liem.conduct.v1.ConductService/RecordInquiryStep", HANDLERS),
    ("/liem.conduct.v1.ConductService/ReopenReport", HANDLERS),
    ("/liem.conduct.v1.ConductService/TransferReport", HANDLERS),
    ("/liem.conduct.v1.ConductService/WithdrawReport", REPORTERS),
    ("/liem.delivery.v1.DeliveryService/AcceptCase", RECORDERS),
    ("/liem.delivery.v1.DeliveryService/ApologiseForDelay", RECORDERS),
    ("/liem.delivery.v1.DeliveryService/AssignCase", RECORDERS),
    ("/liem.delivery.v1.DeliveryService/CorrectCase", RECORDERS),
    ("/liem.delivery.v1.DeliveryService/DecideCase", RECORDERS),
    ("/liem.delivery.v1.DeliveryService/GetCase", EVERYONE),
    ("/liem.delivery.v1.DeliveryService/HandOverCase", RECORDERS),
    ("/liem.delivery.v1.DeliveryService/RateCase", &[Citizen, Administrator]),
    ("/liem.delivery.v1.DeliveryService/ReceiveCase", RECORDERS),
    ("/liem.delivery.v1.DeliveryService/ReceiveSupplement", RECORDERS),
    ("/liem.delivery.v1.DeliveryService/RecordStep", RECORDERS),
    ("/liem.delivery.v1.DeliveryService/RefuseCase", RECORDERS),
    ("/liem.delivery.v1.DeliveryService/ReopenCase", RECORDERS),
    ("/liem.delivery.v1.DeliveryService/RequestSupplement", RECORDERS),
    ("/liem.delivery.v1.DeliveryService/ResumeCase", RECORDERS),
    ("/liem.delivery.v1.DeliveryService/ReturnResult", RECORDERS),
    ("/liem.delivery.v1.DeliveryService/SuspendCase", RECORDERS),
    ("/liem.delivery.v1.DeliveryService/TakeUpCase", RECORDERS),
    ("/liem.delivery.v1.DeliveryService/WithdrawCase", RECORDERS),
    ("/liem.directory.v1.DirectoryService/AppointOfficial", ADMINISTRATORS),
    ("/liem.directory.v1.DirectoryService/ChangePartyMembership", ADMINISTRATORS),
    ("/liem.directory.v1.DirectoryService/ChangeTerms", ADMINISTRATORS),
    ("/liem.directory.v1.DirectoryService/CloseAgency", ADMINISTRATORS),
    ("/liem.directory.v1.DirectoryService/ClosePost", ADMINISTRATORS),
    ("/liem.directory.v1.DirectoryService/CloseUnit", ADMINISTRATORS),
    ("/liem.directory.v1.DirectoryService/DeclareDay", ADMINISTRATORS),
    ("/liem.directory.v1.DirectoryService/DefinePost", ADMINISTRATORS),
    ("/liem.directory.v1.DirectoryService/DefineProcedure", ADMINISTRATORS),
    ("/liem.directory.v1.DirectoryService/DefineStep", ADMINISTRATORS),
    ("/liem.directory.v1.DirectoryService/EraseOfficialName", ADMINISTRATORS),
    ("/liem.directory.v1.DirectoryService/GetAgency", EVERYONE),
    ("/liem.directory.v1.DirectoryService/GetOfficial", KEEPERS),
    ("/liem.directory.v1.DirectoryService/GetProcedure", EVERYONE),
    ("/liem.directory.v1.DirectoryService/ListAgencies", EVERYONE),
    ("/liem.directory.v1.DirectoryService/ListDays", EVERYONE),
    ("/liem.directory.v1.DirectoryService/ListHeads", STATE),
    ("/liem.directory.v1.DirectoryService/ListOfficials", KEEPERS),
    ("/liem.directory.v1.DirectoryService/ListPosts", EVERYONE),
    ("/liem.directory.v1.DirectoryService/ListProcedures", EVERYONE),
    ("/liem.directory.v1.DirectoryService/ListUnits", EVERYONE),
    ("/liem.directory.v1.DirectoryService/MergeAgency", ADMINISTRATORS),
    ("/liem.directory.v1.DirectoryService/MergeUnit", ADMINISTRATORS),
    ("/liem.directory.v1.DirectoryService/MoveOfficial", ADMINISTRATORS),
    ("/liem.directory.v1.DirectoryService/OpenAgency", ADMINISTRATORS),
    ("/liem.directory.v1.DirectoryService/OpenOfficialName", KEEPERS),
    ("/liem.directory.v1.DirectoryService/OpenUnit", ADMINISTRATORS),
    ("/liem.directory.v1.DirectoryService/RecordDeparture", ADMINISTRATORS),
    ("/liem.directory.v1.DirectoryService/RegisterOfficial", ADMINISTRATORS),
    ("/liem.directory.v1.DirectoryService/RenameAgency", ADMINISTRATORS),
    ("/liem.directory.v1.DirectoryService/RenameUnit", ADMINISTRATORS),
    ("/liem.directory.v1.DirectoryService/SwapDays", ADMINISTRATORS),
    ("/liem.discipline.v1.DisciplineService/AppealSanction", HANDLERS),
    ("/liem.discipline.v1.DisciplineService/ClearSanction", HANDLERS),
    ("/liem.discipline.v1.DisciplineService/CloseProceeding", HANDLERS),
    ("/liem.discipline.v1.DisciplineService/ConveneCouncil", HANDLERS),
    ("/liem.discipline.v1.DisciplineService/DecideSanction", HANDLERS),
    ("/liem.discipline.v1.DisciplineService/DecideSanctionAppeal", HANDLERS),
    ("/liem.discipline.v1.DisciplineService/DeclineProceeding", HANDLERS),
    ("/liem.discipline.v1.DisciplineService/ExecuteSanction", HANDLERS),
    ("/liem.discipline.v1.DisciplineService/Exonerate", HANDLERS),
    ("/liem.discipline.v1.DisciplineService/ExtendHandling", HANDLERS),
    ("/liem.discipline.v1.DisciplineService/GetProceeding", STANDING),
    ("/liem.discipline.v1.DisciplineService/HoldHeadLiable", HANDLERS),
    ("/liem.discipline.v1.DisciplineService/ImportProceeding", ADMINISTRATORS),
    ("/liem.discipline.v1.DisciplineService/OpenProceeding", HANDLERS),
    ("/liem.discipline.v1.DisciplineService/PauseProceeding", HANDLERS),
    ("/liem.discipline.v1.DisciplineService/RecommendSanction", HANDLERS),
    ("/liem.discipline.v1.DisciplineService/RecordApology", HANDLERS),
    ("/liem.discipline.v1.DisciplineService/RecordCircumstance", HANDLERS),
    ("/liem.discipline.v1.DisciplineService/RecordHearing", HANDLERS),
    ("/liem.discipline.v1.DisciplineService/RecordRestoration", HANDLERS),
    ("/liem.discipline.v1.DisciplineService/ResumeProceeding", HANDLERS),
    ("/liem.leaderboard.v1.LeaderboardService/ExplainFigure", EVERYONE),
    ("/liem.leaderboard.v1.LeaderboardService/GetBoard", EVERYONE),
    ("/liem.leaderboard.v1.LeaderboardService/GetProceedingTotals", EVERYONE),
    ("/liem.leaderboard.v1.LeaderboardService/GetReportTotals", EVERYONE),
    ("/liem.leaderboard.v1.LeaderboardService/ListFlags", STANDING),
    ("/liem.ledger.v1.LedgerService/AppendEvents", &[Service]),
    ("/liem.ledger.v1.LedgerService/AppendStream", &[Service]),
    ("/liem.ledger.v1.LedgerService/BatchGetEntries", LOG_READERS),
    ("/liem.ledger.v1.LedgerService/CheckLog", &[Inspector, Administrator]),
    ("/liem.ledger.v1.LedgerService/FollowEntries", LOG_READERS),
    ("/liem.ledger.v1.LedgerService/GetAppend", LOG_READERS),
    ("/liem.ledger.v1.LedgerService/GetHead", &[Service, Inspector, Administrator]),
    ("/liem.ledger.v1.LedgerService/ListEntries", LOG_READERS),
    ("/liem.ledger.v1.LedgerService/ListStreamEntries", LOG_READERS),
    ("/liem.ledger.v1.LedgerService/ReadAll", LOG_READERS),
    (
        "/liem.obligations.v1.ObligationsService/ListObligations",
        &[Agency, Official, Inspector, Administrator],
    ),
    ("/liem.view.v1.ViewAdmin/CompareGenerations", &[Inspector, Administrator]),
    ("/liem.view.v1.ViewAdmin/DropGeneration", ADMINISTRATORS),
    ("/liem.view.v1.ViewAdmin/GetDigest", WATCHERS),
    ("/liem.view.v1.ViewAdmin/ListViews", WATCHERS),
    ("/liem.view.v1.ViewAdmin/ResumeReplay", ADMINISTRATORS),
    ("/liem.view.v1.ViewAdmin/RollBackGeneration", ADMINISTRATORS),
    ("/liem.view.v1.ViewAdmin/StartReplay", ADMINISTRATORS),
    ("/liem.view.v1.ViewAdmin/StopReplay", ADMINISTRATORS),
    ("/liem.view.v1.ViewAdmin/SwitchGeneration", ADMINISTRATORS),
];

/// Which service owns which stream categories: the ledger takes appends for a category from its owners only.
pub const OWNERS: &[(&str, &[&str])] = &[
    ("ledger", &["ledger.log"]),
    (
        "directory",
        &[
            "directory.agency",
            "directory.unit",
            "directory.post",
            "directory.official",
            "directory.procedure",
            "directory.step",
            "directory.days",
            "vault.record",
        ],
    ),
    ("delivery", &["delivery.case"]),
    // Each service with a vault records what is done with what lies in its own.
    ("conduct", &["conduct.report", "vault.record"]),
    ("discipline", &["discipline.proceeding"]),
    // Each view service records what is done with its own views.
    ("audit", &["view.generations"]),
    ("leaderboard", &["view.generations"]),
    ("obligations", &["view.generations"]),
];

/// RPCs that leave no trace in logs and metrics of when they were called: what a reporter does.
pub const UNTRACED: &[&str] = &[
    "/liem.conduct.v1.ConductService/AddToReport",
    "/liem.conduct.v1.ConductService/AnswerQuestion",
    "/liem.conduct.v1.ConductService/FileReport",
    "/liem.conduct.v1.ConductService/GetFilingProof",
    "/liem.conduct.v1.ConductService/GetFollowUp",
    "/liem.conduct.v1.ConductService/WithdrawReport",
];

/// The roles that may call an RPC, by its path; none for an RPC that isn't in the table.
pub fn roles(path: &str) -> Option<&'static [Role]> {
    TABLE.binary_search_by(|(row, _)| row.cmp(&path)).ok().map(|i| TABLE[i].1)
}

/// Whether a service owns a category.
pub fn owns(service: &str, category: &str) -> bool {
    OWNERS.iter().any(|(name, categories)| *name == service && categories.contains(&category))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use prost::Message as _;
    use prost_types::FileDescriptorSet;

    use super::*;

    #[test]
    fn the_table_is_sorted() {
        assert!(TABLE.is_sorted_by(|a, b| a.0 < b.0));
    }

    #[test]
    fn every_rpc_has_a_row_and_every_row_an_rpc() {
        let files = FileDescriptorSet::decode(proto::DESCRIPTORS).unwrap().file;
        let mut rpcs = BTreeSet::new();
        for file in files {
            for service in &file.service {
                for method in &service.method {
                    rpcs.insert(format!("/{}.{}/{}", file.package(), service.name(), method.name()));
                }
            }
        }
        let reflection = TABLE.iter().filter(|(path, _)| path.starts_with("/grpc.reflection."));
        rpcs.extend(reflection.map(|(path, _)| (*path).to_owned()));
        let rows: BTreeSet<String> = TABLE.iter().map(|(path, _)| (*path).to_owned()).collect();
        assert_eq!(rows, rpcs);
    }

    #[test]
    fn nobody_but_services_appends() {
        for rpc in ["AppendEvents", "AppendStream"] {
            assert_eq!(roles(&format!("/liem.ledger.v1.LedgerService/{rpc}")), Some(&[Service][..]));
        }
        assert!(owns("delivery", "delivery.case"));
        assert!(!owns("delivery", "directory.agency"));
        assert!(!owns("audit", "delivery.case"));
    }
}
