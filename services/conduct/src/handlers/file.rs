//! Filing: what is personal is sealed first, the report appended second, and the follow-up code given last.

use aggregate::{Outcome, Request};
use chrono::NaiveDate;
use eventlog::{Actor, Context};
use events::{
    conduct::{AboutWhom, Class, Classed, ReportEvent, Source},
    vault::Sealed,
};
use identity::{Caller, Role};
use proto::{
    Failure, agency_from, code_from,
    conduct::{self as pb, ErrorReason},
    date_from, non_empty, official_from, uuid_from,
};
use uuid::Uuid;

use super::{ConductHandlers, SERVICE, convert, report_stream, subject_of};
use crate::domain::{Command, ImportedAllegation, NewReport, Refusal};

/// Characters of a free text, at most.
const TEXT_MAX: usize = 10_000;
/// Characters of a name or a contact, at most.
const NAME_MAX: usize = 500;
/// Officials that a report is about, and allegations of an imported one, at most.
const OFFICIALS_MAX: usize = 50;
const ALLEGATIONS_MAX: usize = 300;

/// What append ids of reporters are derived under: a request id of the usual form says when it was made.
const REPORTERS: Uuid = Uuid::from_u128(0x6c69_656d_2e72_6570_6f72_7465_7200_0001);

/// What a reporter says, before it is sealed.
pub(super) struct Said {
    pub(super) field: &'static str,
    pub(super) text: String,
}

/// A reporter's command on its way to the log.
pub(super) struct Told {
    pub(super) id: Uuid,
    pub(super) context: Context,
    pub(super) seals: Vec<Sealed>,
}

/// A text that a person says: not empty, and not endless.
pub(super) fn text_from(field: &str, text: &str) -> Result<String, Failure> {
    if text.trim().is_empty() || text.chars().count() > TEXT_MAX {
        return Err(Failure::field(field, "give 1 to 10,000 characters"));
    }
    Ok(text.to_owned())
}

/// The id of a report, which only its filing decides: nobody can guess it who doesn't know the request id.
fn report_id(request: Uuid) -> String {
    const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
    let hash = sha2::Sha256::digest_of(request);
    let mut id = String::from("r-");
    let bits = u128::from_be_bytes(hash);
    for place in 0..26 {
        let five = (bits >> (5 * place)) & 31;
        id.push(char::from(ALPHABET[usize::try_from(five).unwrap_or(0)]));
    }
    id
}

/// The first half of SHA-256 over what a report's id is made from.
trait DigestOf {
    fn digest_of(request: Uuid) -> [u8; 16];
}

impl DigestOf for sha2::Sha256 {
    fn digest_of(request: Uuid) -> [u8; 16] {
        use sha2::Digest as _;
        let hash = Self::new().chain_update(b"liem report id").chain_update(request.as_bytes()).finalize();
        std::array::from_fn(|n| hash[n])
    }
}

impl ConductHandlers {
    /// Seals what a reporter says, and makes the context of the command: without who they are, and dated to the
    /// day. `message` is the request without its request id, its code and its texts.
    pub(super) async fn tell(
        &self,
        caller: &Caller,
        request_id: &str,
        (method, message): (&str, &impl prost::Message),
        report: &str,
        said: Vec<Said>,
    ) -> Result<Told, Failure> {
        let request = uuid_from("request_id", request_id)?;
        let id = Uuid::new_v5(&REPORTERS, request.as_bytes());
        let subject = subject_of(report);
        let said = said.into_iter().map(|Said { field, text }| (field, text));
        let seals = self.disclosure.seal(id, &subject, said).await?;
        // Not of the texts themselves: those could be guessed from a digest. The commitments are salted.
        let mut digested = message.encode_to_vec();
        for seal in &seals {
            digested.extend_from_slice(seal.commitment.as_bytes());
        }
        let reporter = Caller { id: "reporter".to_owned(), role: Role::Citizen, agency: None };
        let actor = match caller.role {
            // An institution that registers what came on paper, or reports itself.
            Role::Agency | Role::Administrator => caller,
            _ => &reporter,
        };
        let mut context = aggregate::context(actor, SERVICE, method, &digested);
        context.actor = Actor {
            id: actor.id.clone(),
            role: actor.role.as_str().to_owned(),
            agency: actor.agency.clone(),
        };
        context.day_start = Some(self.day_start());
        Ok(Told { id, context, seals })
    }

    /// Files a report: its id, what was recorded, and the follow-up code.
    pub(super) async fn file(
        &self,
        caller: Caller,
        message: pb::FileReportRequest,
    ) -> Result<(String, Outcome<ReportEvent>, Option<String>), Failure> {
        let pb::FileReportRequest { request_id, report } = message;
        let mut new = report.ok_or_else(|| Failure::field("report", "give it"))?;
        let source = source_of(&caller, &new)?;
        let on = self.day_of_receipt(&caller, &new.receive_date)?;
        if source == Source::SelfReport && caller.role == Role::Agency {
            new.about_agency = caller.agency.clone().unwrap_or_default();
        }
        let mut filed = self.new_report(&new, source).await?;
        let id = report_id(uuid_from("request_id", &request_id)?);
        filed.retaliation_for = self.earlier_report(&caller, &new.retaliation_for).await?;

        let (name, contact, text) =
            (std::mem::take(&mut new.name), std::mem::take(&mut new.contact), std::mem::take(&mut new.text));
        new.retaliation_for = filed.retaliation_for.clone().unwrap_or_default();
        let name = if source == Source::Official && name.is_empty() { caller.id.clone() } else { name };
        let said = [("name", name), ("contact", contact), ("text", text)];
        let said = said.into_iter().filter(|(_, text)| !text.is_empty());
        let said: Vec<_> = said.map(|(field, text)| Said { field, text }).collect();
        let fields: Vec<_> = said.iter().map(|said| said.field).collect();
        let mut told = self.tell(&caller, &request_id, ("FileReport", &new), &id, said).await?;
        if source == Source::SelfReport {
            // An agency has no need of a day's shelter, and is credited with what it did.
            told.context.day_start = None;
        }
        for (field, seal) in fields.into_iter().zip(told.seals) {
            let place = match field {
                "name" => &mut filed.name,
                "contact" => &mut filed.contact,
                _ => &mut filed.text,
            };
            *place = Some(seal);
        }
        let (jurisdiction, retaliation_for) = (filed.jurisdiction.clone(), filed.retaliation_for.clone());
        let command = Command::File(filed);
        let context = told.context.clone();
        let outcome = self.execute(&id, &jurisdiction, (told.id, context), (on, None, None), command).await?;
        self.disclosure.confirm(told.id).await;
        if let Some(earlier) = retaliation_for {
            self.mark_retaliation(&earlier, &id, &told.id, told.context, on).await?;
        }
        // Whoever repeats a filing, and so knows its request id, never saw the code: they get a new one.
        let code = match source {
            Source::SelfReport => None,
            _ => Some(self.new_code(&id, outcome.repeated).await?),
        };
        Ok((id, outcome, code))
    }

    /// The follow-up code of a report; what an earlier one of a repeated filing was is forgotten. One at a time, so that
    /// only the last one given counts.
    async fn new_code(&self, report: &str, repeated: bool) -> Result<String, Failure> {
        let failed = |error: &vault::VaultError| {
            tracing::error!(%error, "the vault");
            let text = "the report is recorded, and its code could not be made: send the same request again";
            Failure::new(proto::ledger::ErrorReason::VaultUnavailable, text)
        };
        let vault = self.disclosure.vault();
        let _one = self.coding.lock().await;
        if repeated {
            vault.erase_code(report).await.map_err(|error| failed(&error))?;
        }
        let code = vault.issue_code(report).await.map_err(|error| failed(&error))?;
        Ok(code.reveal().to_owned())
    }

    /// The report that a new one says was answered with retaliation: by its id, or by the code of its reporter,
    /// who knows no id.
    async fn earlier_report(&self, caller: &Caller, given: &str) -> Result<Option<String>, Failure> {
        if given.is_empty() {
            return Ok(None);
        }
        if given.starts_with("r-") || given.contains(':') {
            // An id alone is no right to write into a report.
            let (state, _) = self.existing(given).await?;
            if caller.role != Role::Administrator {
                self.check_standing(caller, &state).await?;
            }
            return Ok(Some(state.id));
        }
        self.report_of_code(given).await.map(Some)
    }

    /// Marks the earlier report. A retry of the filing does this again if it was cut off before.
    async fn mark_retaliation(
        &self,
        earlier: &str,
        by_report: &str,
        cause: &Uuid,
        context: Context,
        on: NaiveDate,
    ) -> Result<(), Failure> {
        let (state, _) = self.existing(earlier).await?;
        let id = Uuid::new_v5(cause, b"retaliation");
        let context = Context { causation: Some(*cause), ..context };
        let command = Command::ReportRetaliation { by_report: by_report.to_owned() };
        let at = (on, None, None);
        self.execute(earlier, &state.jurisdiction, (id, context), at, command).await?;
        Ok(())
    }

    /// The day a report came in: today, or another one where somebody registers what came on paper.
    fn day_of_receipt(&self, caller: &Caller, given: &str) -> Result<NaiveDate, Failure> {
        if given.is_empty() {
            return Ok(self.today());
        }
        if caller.role == Role::Citizen {
            let problem = "the day is that of the filing: leave it empty";
            return Err(Failure::field("report.receive_date", problem));
        }
        self.check_day(date_from("report.receive_date", given)?)
    }

    /// Decodes and looks up what is filed; its texts are not sealed yet.
    async fn new_report(&self, new: &pb::NewReport, source: Source) -> Result<NewReport, Failure> {
        let handler = agency_from("report.agency", &new.agency)?;
        self.check_agency(&handler).await?;
        let about_agency = match non_empty(new.about_agency.clone()) {
            Some(agency) => {
                let agency = agency_from("report.about_agency", &agency)?;
                self.check_agency(&agency).await?;
                agency
            }
            None => handler.clone(),
        };
        let unit = match non_empty(new.about_unit.clone()) {
            Some(unit) => {
                let unit = code_from("report.about_unit", &unit)?;
                self.check_unit(&about_agency, &unit).await?;
                Some(unit)
            }
            None => None,
        };
        if new.about_officials.len() > OFFICIALS_MAX {
            return Err(Failure::field("report.about_officials", "give 50 at most"));
        }
        let officials = new.about_officials.iter().map(|id| official_from("report.about_officials", id));
        for (field, text, most) in [
            ("report.name", &new.name, NAME_MAX),
            ("report.contact", &new.contact, NAME_MAX),
            ("report.text", &new.text, TEXT_MAX),
        ] {
            if text.chars().count() > most {
                return Err(Failure::field(field, format!("give at most {most} characters")));
            }
        }
        let jurisdiction = non_empty(new.jurisdiction.clone()).unwrap_or_else(|| self.jurisdiction.clone());
        Ok(NewReport {
            source,
            kind: convert::kind(new.kind()).ok_or_else(|| Failure::field("report.kind", "say what it is"))?,
            classed: classed("report", convert::class(new.class()), &new.source_class)?,
            about: AboutWhom { agency: about_agency, unit, officials: officials.collect::<Result<_, _>>()? },
            handler,
            jurisdiction: code_from("report.jurisdiction", &jurisdiction)?,
            remote: new.remote,
            name: None,
            contact: None,
            text: None,
            retaliation_for: None,
        })
    }

    /// Records a report as another register has it.
    pub(super) async fn import(
        &self,
        caller: Caller,
        mut message: pb::ImportReportRequest,
    ) -> Result<Outcome<ReportEvent>, Failure> {
        let command = message.command.as_mut().ok_or_else(|| Failure::field("command", "give it"))?;
        let request_id = std::mem::take(&mut command.request_id);
        let id = uuid_from("command.request_id", &request_id)?;
        let report = command.report.clone();
        if !report.contains(':') {
            let problem = "give the source's id, with the source's name and a colon before it";
            return Err(Failure::field("command.report", problem));
        }
        report_stream(&report)?;
        let context = aggregate::context(&caller, SERVICE, "ImportReport", &message);
        let new = message.report.as_ref().ok_or_else(|| Failure::field("report", "give it"))?;
        if [&new.name, &new.contact, &new.text, &new.retaliation_for].iter().any(|text| !text.is_empty()) {
            return Err(Failure::field(
                "report",
                "an import takes no names, contacts and texts: leave them out",
            ));
        }
        let source =
            convert::source(new.source()).ok_or_else(|| Failure::field("report.source", "give it"))?;
        let on = self.check_day(date_from("report.receive_date", &new.receive_date)?)?;
        let day = |field: &str, text: &str| match text {
            "" => Ok(None),
            text => self.check_day(date_from(field, text)?).map(Some),
        };
        let (opened, closed) =
            (day("open_date", &message.open_date)?, day("close_date", &message.close_date)?);
        if message.allegations.len() > ALLEGATIONS_MAX {
            return Err(Failure::field("allegations", "give 300 at most"));
        }
        let new = self.new_report(new, source).await?;
        let allegations = message.allegations.iter().map(|allegation| {
            Ok(ImportedAllegation {
                person: match non_empty(allegation.person.clone()) {
                    Some(person) => Some(official_from("allegations.person", &person)?),
                    None => None,
                },
                classed: classed(
                    "allegations",
                    convert::class(allegation.class()),
                    &allegation.source_class,
                )?,
                recommended: convert::finding(allegation.recommended()),
                last: convert::finding(allegation.r#final()),
            })
        });
        let allegations = allegations.collect::<Result<_, Failure>>()?;
        let jurisdiction = new.jurisdiction.clone();
        let command = Command::Import { report: new, allegations, opened, closed };
        self.execute(&report, &jurisdiction, (id, context), (on, None, None), command).await
    }

    /// What a request recorded the first time, if it is a repeat, else the failure.
    pub(super) async fn or_first_answer(
        &self,
        (id, context): (Uuid, Context),
        outcome: Result<Outcome<ReportEvent>, Failure>,
    ) -> Result<Outcome<ReportEvent>, Failure> {
        match outcome {
            Ok(outcome) => Ok(outcome),
            Err(failure) => {
                let request = Request { id, stream: report_stream("any")?, context };
                let repeat = aggregate::repeat::<ReportEvent, Refusal>(&*self.log, &request).await?;
                repeat.ok_or(failure)
            }
        }
    }
}

/// A class, with the source's word for it.
pub(super) fn classed(field: &str, class: Option<Class>, word: &str) -> Result<Classed, Failure> {
    let class = class.ok_or_else(|| Failure::field(&format!("{field}.class"), "say what it is about"))?;
    let source_class = match word {
        "" => None,
        word => Some(code_from(&format!("{field}.source_class"), word)?),
    };
    Ok(Classed { class, source_class })
}

/// Who files, by what the token is and what is said.
fn source_of(caller: &Caller, new: &pb::NewReport) -> Result<Source, Failure> {
    let usual = match caller.role {
        Role::Agency => Source::SelfReport,
        Role::Official => Source::Official,
        _ if new.name.is_empty() => Source::Anonymous,
        _ => Source::Named,
    };
    let source = convert::source(new.source()).unwrap_or(usual);
    let may = match source {
        Source::Named | Source::Confidential | Source::Anonymous => true,
        Source::Official => matches!(caller.role, Role::Official | Role::Administrator | Role::Inspector),
        Source::SelfReport => matches!(caller.role, Role::Agency | Role::Administrator),
    };
    if !may {
        let text = format!(
            "the role {} can't file a report of this source: leave `source` to the token",
            caller.role.as_str()
        );
        return Err(Failure::new(ErrorReason::SourceNotAllowed, text));
    }
    match source {
        Source::Named | Source::Confidential if new.name.is_empty() => {
            let text = "a named or confidential report needs the reporter's name: it is sealed";
            Err(Failure::new(ErrorReason::NameMissing, text))
        }
        Source::Anonymous if !new.name.is_empty() => {
            let text = "an anonymous report takes no name: leave it out, or file it confidentially";
            Err(Failure::new(ErrorReason::NameGiven, text))
        }
        source => Ok(source),
    }
}
