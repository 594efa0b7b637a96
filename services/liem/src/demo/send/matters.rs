//! Sends what is reported, found and decided, and at last merges two agencies.

use chrono::{Days, NaiveDate, NaiveTime};
use futures::{StreamExt as _, stream};
use proto::{
    conduct::{self, FindingStage, Source},
    directory as dir,
    discipline::{self, AppealResult, ExonerationGround, Liability, PersonClass},
    ledger::{Occurred, Recorded, occurred::When},
};
use tonic::Status;
use uuid::Uuid;

use super::{
    super::{
        cases::zone,
        matters::{Deed, Matter, is_of_the_party, matters},
        province::Province,
    },
    SendError, Sent, retried,
};
use crate::{client::Connection, import::source::request_id};

/// Matters sent at a time: each report makes a follow-up code, which is meant to be slow.
const IN_FLIGHT: usize = 4;

/// What is sent for a province: ids derive from its seed.
struct Sender<'p> {
    connection: &'p Connection,
    province: &'p Province,
}

/// Registers the officials and who heads what, sends the matters, and merges the last agency into the one before.
pub(crate) async fn send(connection: &Connection, province: &Province) -> Result<Sent, SendError> {
    let sender = Sender { connection, province };
    let mut sent = Sent::default();
    let officials = province.units.iter().flat_map(|unit| {
        let agency = &province.agencies[unit.agency].code;
        unit.officials.iter().map(move |official| (agency.as_str(), official.as_str()))
    });
    let calls = officials.map(|(agency, official)| sender.register(agency, official));
    sender.all(stream::iter(calls), &mut sent).await?;
    let calls =
        province.agencies.iter().map(|agency| sender.head(agency.code.as_str(), province.head(agency)));
    sender.all(stream::iter(calls), &mut sent).await?;
    let matters = matters(province);
    let mut calls =
        stream::iter(matters.iter().map(|matter| sender.matter(matter))).buffer_unordered(IN_FLIGHT);
    while let Some(matter) = calls.next().await {
        sent.add(matter?);
    }
    sent.count(sender.merge().await?, 1);
    Ok(sent)
}

impl Sender<'_> {
    async fn all<F: Future<Output = Result<Vec<Option<Recorded>>, SendError>>>(
        &self,
        calls: impl futures::Stream<Item = F>,
        sent: &mut Sent,
    ) -> Result<(), SendError> {
        let mut calls = std::pin::pin!(calls.buffer_unordered(super::super::IN_FLIGHT));
        while let Some(recorded) = calls.next().await {
            recorded?.into_iter().for_each(|recorded| sent.count(recorded, 1));
        }
        Ok(())
    }

    fn id(&self, day: NaiveDate, parts: &[&str]) -> Uuid {
        let at = (day.and_time(NaiveTime::MIN) - zone()).and_utc();
        let seed = self.province.seed.to_string();
        request_id(at, &[&["demo", &seed], parts].concat())
    }

    async fn register(&self, agency: &str, official: &str) -> Result<Vec<Option<Recorded>>, SendError> {
        let request = dir::RegisterOfficialRequest {
            request_id: self.id(self.province.start, &["RegisterOfficial", official]).to_string(),
            official: Some(dir::Official {
                id: official.to_owned(),
                agency: agency.to_owned(),
                category: dir::OfficialCategory::CivilServant.into(),
                party_member: is_of_the_party(official),
                ..dir::Official::default()
            }),
            name: String::new(),
        };
        let call = || async {
            let mut directory = self.connection.directory();
            Ok(directory.register_official(request.clone()).await?.into_inner().recorded)
        };
        Ok(vec![retried(|| format!("RegisterOfficial of {official}"), call).await?])
    }

    /// Defines the post of an agency's head, and appoints its holder.
    async fn head(&self, agency: &str, official: &str) -> Result<Vec<Option<Recorded>>, SendError> {
        let post = format!("{agency}/head");
        let start = self.province.start;
        let define = dir::DefinePostRequest {
            request_id: self.id(start, &["DefinePost", &post]).to_string(),
            post: Some(dir::Post {
                code: post.clone(),
                agency: agency.to_owned(),
                leadership: dir::Leadership::Head.into(),
                ..dir::Post::default()
            }),
        };
        let appoint = dir::AppointOfficialRequest {
            request_id: self.id(start, &["AppointOfficial", &post]).to_string(),
            official: official.to_owned(),
            post: post.clone(),
            from_date: (start - Days::new(365)).to_string(),
        };
        let call = || async {
            let mut directory = self.connection.directory();
            Ok(directory.define_post(define.clone()).await?.into_inner().recorded)
        };
        let defined = retried(|| format!("DefinePost of {post}"), call).await?;
        let call = || async {
            let mut directory = self.connection.directory();
            Ok(directory.appoint_official(appoint.clone()).await?.into_inner().recorded)
        };
        Ok(vec![defined, retried(|| format!("AppointOfficial to {post}"), call).await?])
    }

    /// The last agency goes into the one before, the day after the province's year.
    async fn merge(&self) -> Result<Option<Recorded>, SendError> {
        let [.., into, agency] = self.province.agencies.as_slice() else { return Ok(None) };
        let day = self.province.end + Days::new(1);
        let request = dir::MergeAgencyRequest {
            request_id: self.id(day, &["MergeAgency", &agency.code]).to_string(),
            agency: agency.code.clone(),
            into: into.code.clone(),
            effective_date: day.to_string(),
        };
        let call = || async {
            let mut directory = self.connection.directory();
            Ok(directory.merge_agency(request.clone()).await?.into_inner().recorded)
        };
        retried(|| format!("MergeAgency of {}", agency.code), call).await
    }

    /// Sends a matter, deed by deed.
    async fn matter(&self, matter: &Matter<'_>) -> Result<Sent, SendError> {
        let mut sent = Sent::default();
        let mut report = String::new();
        for (place, (day, deed)) in matter.deeds.iter().enumerate() {
            let number = matter.number.to_string();
            let id = self.id(*day, &["matter", &number, &place.to_string()]);
            let done = Done { sender: self, matter, report: &report, day: *day, id };
            let what = || format!("{deed:?} in matter {number} of the demo");
            let (recorded, filed) = retried(what, || done.perform(*deed)).await?;
            sent.count(recorded, 1);
            report = filed.unwrap_or(report);
        }
        Ok(sent)
    }
}

/// A deed on its way.
struct Done<'d> {
    sender: &'d Sender<'d>,
    matter: &'d Matter<'d>,
    report: &'d str,
    day: NaiveDate,
    id: Uuid,
}

impl Done<'_> {
    fn occurred(&self) -> Occurred {
        Occurred { when: Some(When::On(self.day.to_string())) }
    }

    /// What the agency that has the report does.
    fn handling(&self) -> conduct::Command {
        conduct::Command {
            request_id: self.id.to_string(),
            report: self.report.to_owned(),
            occurred: Some(self.occurred()),
            agency: self.matter.handler.code.clone(),
            official: String::new(),
        }
    }

    /// What the agency of the person does. An opening names no proceeding.
    fn proceeding(&self, suffix: Option<&str>) -> discipline::Command {
        let proceeding = suffix.map(|suffix| format!("p-{}-1{suffix}", self.report));
        discipline::Command {
            request_id: self.id.to_string(),
            proceeding: proceeding.unwrap_or_default(),
            occurred: Some(self.occurred()),
            agency: self.matter.about.code.clone(),
            official: String::new(),
        }
    }

    /// Does it; the report's id where one is filed.
    async fn perform(&self, deed: Deed) -> Result<(Option<Recorded>, Option<String>), Status> {
        match deed {
            Deed::File => self.file().await,
            Deed::Classify
            | Deed::Accept
            | Deed::Inquire
            | Deed::Allege
            | Deed::Find(_)
            | Deed::Conclude
            | Deed::AppealFindings => Ok((self.handle(deed).await?, None)),
            _ => Ok((self.discipline(deed).await?, None)),
        }
    }

    async fn file(&self) -> Result<(Option<Recorded>, Option<String>), Status> {
        let Matter { about, unit, handler, class, .. } = self.matter;
        let report = conduct::NewReport {
            agency: handler.code.clone(),
            source: Source::Confidential.into(),
            kind: conduct::Kind::Denunciation.into(),
            class: (*class).into(),
            about_agency: about.code.clone(),
            about_unit: unit.code.clone(),
            name: "Người tố cáo".into(),
            text: "Nội dung tố cáo".into(),
            receive_date: self.day.to_string(),
            ..conduct::NewReport::default()
        };
        let request = conduct::FileReportRequest { request_id: self.id.to_string(), report: Some(report) };
        let filed = self.sender.connection.conduct().file_report(request).await?.into_inner();
        Ok((filed.recorded, Some(filed.report)))
    }

    async fn handle(&self, deed: Deed) -> Result<Option<Recorded>, Status> {
        let mut conduct = self.sender.connection.conduct();
        let command = Some(self.handling());
        Ok(match deed {
            Deed::Classify => {
                let request =
                    conduct::ClassifyReportRequest { command, evidence: true, ..Default::default() };
                conduct.classify_report(request).await?.into_inner().recorded
            }
            Deed::Accept => {
                let request = conduct::AcceptReportRequest { command, instance: 1 };
                conduct.accept_report(request).await?.into_inner().recorded
            }
            Deed::Inquire => {
                let request = conduct::OpenInquiryRequest { command };
                conduct.open_inquiry(request).await?.into_inner().recorded
            }
            Deed::Allege => {
                let (person, class) = (self.matter.person.to_owned(), self.matter.class.into());
                let request =
                    conduct::AddAllegationRequest { command, person, class, source_class: String::new() };
                conduct.add_allegation(request).await?.into_inner().recorded
            }
            Deed::Find(finding) => {
                let request = |command, stage: FindingStage| conduct::RecordFindingRequest {
                    command,
                    allegation: 1,
                    finding: finding.into(),
                    stage: stage.into(),
                };
                // Two at once: what was recommended is found.
                let mut first = self.handling();
                first.request_id = Uuid::new_v5(&self.id, b"recommended").to_string();
                conduct.record_finding(request(Some(first), FindingStage::Recommended)).await?;
                conduct.record_finding(request(command, FindingStage::Final)).await?.into_inner().recorded
            }
            Deed::Conclude => {
                let request = conduct::ConcludeReportRequest { command };
                conduct.conclude_report(request).await?.into_inner().recorded
            }
            _ => {
                let appellant = conduct::Appellant::PersonConcerned.into();
                let request = conduct::AppealFindingsRequest { command, appellant };
                conduct.appeal_findings(request).await?.into_inner().recorded
            }
        })
    }

    async fn discipline(&self, deed: Deed) -> Result<Option<Recorded>, Status> {
        let mut discipline = self.sender.connection.discipline();
        let command = Some(self.proceeding(Some("")));
        let members = || {
            let units = &self.sender.province.units;
            let others = self.matter.handler.units.iter().map(|place| units[*place].head().to_owned());
            others.take(3).collect::<Vec<_>>()
        };
        let sanction = |form: Option<&str>| {
            let result = form.map_or(discipline::Result::NotSanctioned, |_| discipline::Result::Sanctioned);
            let form = form.unwrap_or_default().to_owned();
            Some(discipline::Decision { result: result.into(), form, source_outcome: String::new() })
        };
        let origin_stream = format!("conduct.report/{}", self.report);
        Ok(match deed {
            Deed::DeclineToOpen => {
                let request = discipline::DeclineProceedingRequest {
                    command: Some(self.proceeding(None)),
                    origin_stream,
                    allegation: 1,
                    reason: discipline::DeclineReason::Minor.into(),
                    ..Default::default()
                };
                discipline.decline_proceeding(request).await?.into_inner().recorded
            }
            Deed::Open | Deed::OpenInTheParty => {
                let is_party = deed == Deed::OpenInTheParty;
                let (track, class) = if is_party {
                    (discipline::Track::Party, PersonClass::PartyMember)
                } else {
                    (discipline::Track::Administrative, PersonClass::Unspecified)
                };
                let request = discipline::OpenProceedingRequest {
                    command: Some(self.proceeding(None)),
                    origin_stream,
                    allegation: 1,
                    track: track.into(),
                    person_class: class.into(),
                    violation_date: self.matter.violation.to_string(),
                    ..Default::default()
                };
                let recorded = discipline.open_proceeding(request).await?.into_inner().recorded;
                if is_party {
                    let mut command = self.proceeding(Some("-party"));
                    command.request_id = Uuid::new_v5(&self.id, b"hearing").to_string();
                    let request = discipline::RecordHearingRequest { command: Some(command), attended: true };
                    return Ok(discipline.record_hearing(request).await?.into_inner().recorded);
                }
                recorded
            }
            Deed::Convene => {
                let request = discipline::ConveneCouncilRequest { command, members: members() };
                discipline.convene_council(request).await?.into_inner().recorded
            }
            Deed::Hear => {
                let request = discipline::RecordHearingRequest { command, attended: true };
                discipline.record_hearing(request).await?.into_inner().recorded
            }
            Deed::Pause => {
                let request =
                    discipline::PauseProceedingRequest { command, ground: "serious_illness".into() };
                discipline.pause_proceeding(request).await?.into_inner().recorded
            }
            Deed::Resume => {
                let request = discipline::ResumeProceedingRequest { command };
                discipline.resume_proceeding(request).await?.into_inner().recorded
            }
            Deed::Decide(form) => {
                let request = discipline::DecideSanctionRequest { command, decision: sanction(form) };
                discipline.decide_sanction(request).await?.into_inner().recorded
            }
            Deed::DecideInTheParty(form) => {
                let (command, decision) = (Some(self.proceeding(Some("-party"))), sanction(Some(form)));
                let request = discipline::DecideSanctionRequest { command, decision };
                discipline.decide_sanction(request).await?.into_inner().recorded
            }
            Deed::Appeal => {
                let request = discipline::AppealSanctionRequest { command };
                discipline.appeal_sanction(request).await?.into_inner().recorded
            }
            Deed::DecideAppeal(result) => {
                let form = if result == AppealResult::Changed { "reprimand" } else { "" };
                let request = discipline::DecideSanctionAppealRequest {
                    command,
                    result: result.into(),
                    form: form.to_owned(),
                };
                discipline.decide_sanction_appeal(request).await?.into_inner().recorded
            }
            Deed::HoldHeadLiable => {
                let request = discipline::HoldHeadLiableRequest {
                    command,
                    head: self.matter.head.to_owned(),
                    liability: Liability::Joint.into(),
                };
                discipline.hold_head_liable(request).await?.into_inner().recorded
            }
            Deed::Execute => {
                let request = discipline::ExecuteSanctionRequest { command };
                discipline.execute_sanction(request).await?.into_inner().recorded
            }
            Deed::Exonerate => {
                let ground = ExonerationGround::NoViolation.into();
                let request = discipline::ExonerateRequest { command, ground };
                discipline.exonerate(request).await?.into_inner().recorded
            }
            Deed::Apologise => {
                let request = discipline::RecordApologyRequest { command };
                discipline.record_apology(request).await?.into_inner().recorded
            }
            Deed::Restore => {
                let request = discipline::RecordRestorationRequest { command };
                discipline.record_restoration(request).await?.into_inner().recorded
            }
            Deed::File
            | Deed::Classify
            | Deed::Accept
            | Deed::Inquire
            | Deed::Allege
            | Deed::Find(_)
            | Deed::Conclude
            | Deed::AppealFindings => unreachable!("conduct does that"),
        })
    }
}
