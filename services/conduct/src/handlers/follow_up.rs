//! What the holder of a follow-up code does and sees.

use aggregate::Outcome;
use events::conduct::ReportEvent;
use identity::Caller;
use proto::{
    Failure,
    conduct::{self as pb, ErrorReason},
};
use secrecy::ExposeSecret as _;
use sha2::Digest as _;
use vault::{CodeError, Opened};

use super::{
    ConductHandlers, convert,
    file::{Said, text_from},
    report_stream,
};
use crate::domain::{Command, Stage};

impl ConductHandlers {
    /// The report of a follow-up code. Guessing is slow, and limited.
    pub(super) async fn report_of_code(&self, code: &str) -> Result<String, Failure> {
        self.disclosure.vault().check_code(code, self.clock.now()).await.map_err(|error| match error {
            CodeError::Malformed | CodeError::Unknown => Failure::new(
                ErrorReason::CodeUnknown,
                "the follow-up code is not right: check its letters and digits",
            ),
            CodeError::TooManyAttempts { wait_seconds } => Failure::new(
                ErrorReason::TooManyAttempts,
                format!("too many wrong codes were tried: try again in {wait_seconds} seconds"),
            ),
            CodeError::Vault(error) => disclosure::failure_of(&error),
        })
    }

    /// Lets a report take what its reporter does. `message` is the request without its id, its code and its text.
    async fn tell_by_code(
        &self,
        caller: &Caller,
        (request_id, code): (&str, &str),
        (method, message): (&str, &impl prost::Message),
        said: Option<Said>,
        command: impl FnOnce(Option<events::vault::Sealed>) -> Option<Command>,
    ) -> Result<Outcome<ReportEvent>, Failure> {
        let report = self.report_of_code(code).await?;
        let (state, _) = self.existing(&report).await?;
        let said = said.into_iter().collect();
        let told = self.tell(caller, request_id, (method, message), &report, said).await?;
        let sealed = told.seals.into_iter().next();
        let at = (self.today(), None, None);
        let command = command(sealed).ok_or_else(|| Failure::field("text", "give 1 to 10,000 characters"))?;
        let outcome =
            self.execute(&report, &state.jurisdiction, (told.id, told.context), at, command).await?;
        self.disclosure.confirm(told.id).await;
        Ok(outcome)
    }

    pub(super) async fn add(
        &self,
        caller: &Caller,
        message: &pb::AddToReportRequest,
    ) -> Result<Outcome<ReportEvent>, Failure> {
        let text = text_from("text", &message.text)?;
        let bare = pb::AddToReportRequest::default();
        let by = (message.request_id.as_str(), message.follow_up_code.as_str());
        let said = Some(Said { field: "addition", text });
        self.tell_by_code(caller, by, ("AddToReport", &bare), said, |text| text.map(Command::Add)).await
    }

    pub(super) async fn answer(
        &self,
        caller: &Caller,
        message: &pb::AnswerQuestionRequest,
    ) -> Result<Outcome<ReportEvent>, Failure> {
        let question = convert::number("question", message.question)?;
        let text = text_from("text", &message.text)?;
        let bare = pb::AnswerQuestionRequest { question: message.question, ..Default::default() };
        let by = (message.request_id.as_str(), message.follow_up_code.as_str());
        let said = Some(Said { field: "answer", text });
        self.tell_by_code(caller, by, ("AnswerQuestion", &bare), said, |text| {
            text.map(|text| Command::Answer { question, text })
        })
        .await
    }

    pub(super) async fn withdraw(
        &self,
        caller: &Caller,
        message: &pb::WithdrawReportRequest,
    ) -> Result<Outcome<ReportEvent>, Failure> {
        let numbers = message.allegations.iter().map(|number| convert::number("allegations", *number));
        let numbers: Vec<u32> = numbers.collect::<Result<_, _>>()?;
        let allegations = message.allegations.clone();
        let bare = pb::WithdrawReportRequest { allegations, ..Default::default() };
        let by = (message.request_id.as_str(), message.follow_up_code.as_str());
        self.tell_by_code(caller, by, ("WithdrawReport", &bare), None, |_| Some(Command::Withdraw(numbers)))
            .await
    }

    /// Where a report stands, for the holder of its code: nothing of what was said before.
    pub(super) async fn follow_up(&self, code: &str) -> Result<pb::GetFollowUpResponse, Failure> {
        let report = self.report_of_code(code).await?;
        let (state, _) = self.existing(&report).await?;
        let open: Vec<_> =
            state.questions.iter().enumerate().filter(|(_, question)| !question.is_answered).collect();
        let seals: Vec<_> = open.iter().map(|(_, question)| question.text.seal.clone()).collect();
        // A question is addressed to whoever holds the code: to read it is no opening of what they said, and a
        // record of it would tell when they looked.
        let opened = self.disclosure.vault().unseal(&seals).await;
        let opened = opened.map_err(|error| disclosure::failure_of(&error))?;
        let questions = open.iter().zip(opened).filter_map(|((place, _), opened)| match opened {
            Opened::Text(text) => Some(pb::Question {
                question: i32::try_from(place + 1).unwrap_or(i32::MAX),
                text: text.expose_secret().to_owned(),
            }),
            Opened::Erased | Opened::Unknown => None,
        });
        let findings =
            if state.stage == Stage::Concluded { convert::finding_counts(&state) } else { Vec::new() };
        Ok(pb::GetFollowUpResponse {
            stage: convert::stage(state.stage).into(),
            handler: state.concern.handler.clone(),
            due_date: state.limit.as_ref().map(|limit| limit.due_date.to_string()).unwrap_or_default(),
            questions: questions.collect(),
            decline_reason: state.decline_reason.clone().unwrap_or_default(),
            findings,
        })
    }

    /// A proof that the report was filed: the leaf hash of the entry that says so.
    pub(super) async fn filing_proof(&self, code: &str) -> Result<pb::GetFilingProofResponse, Failure> {
        let report = self.report_of_code(code).await?;
        let (state, _) = self.existing(&report).await?;
        let entries = self.log.read_stream(&report_stream(&report)?, 0, 1).await?;
        let leaf = entries.first().map(|entry| {
            // RFC 6962, section 2.1: a leaf is hashed with a zero byte before it.
            sha2::Sha256::new().chain_update([0]).chain_update(&entry.bytes).finalize()
        });
        Ok(pb::GetFilingProofResponse {
            origin: self.origin.clone(),
            receive_date: state.concern.received.map(|day| day.to_string()).unwrap_or_default(),
            leaf_hash: leaf.map(|leaf| format!("{leaf:x}")).unwrap_or_default(),
        })
    }
}
