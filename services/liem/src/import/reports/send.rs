//! Sending what was read: what reports name is registered first, then many reports are in flight, each with what
//! came of its findings.

mod proceedings;

use std::collections::{BTreeSet, HashMap};
use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use chrono::{DateTime, NaiveDate};
use csv::ByteRecord;
use futures::{TryStreamExt as _, stream};
use indicatif::ProgressBar;
use proto::{
    conduct as pb, directory as dir,
    ledger::{Occurred, Recorded, occurred::When},
};

use super::held::{Allegation, Classed, Place, Report};
use super::{REPORT_DIFFERS, Register, unit};
use crate::cli::report::{Class, Finding, Kind, Source};
use crate::client::Connection;
use crate::import::call::{self, Refused, retried, run};
use crate::import::source::{Rejects, ids, request_id};

/// Units of one page of the directory.
const PAGE: i32 = 1_000;

/// What became of what was sent.
pub(crate) struct Sent {
    /// Reports that were recorded now.
    pub(crate) appended: u64,
    /// Reports that had been recorded before.
    pub(crate) repeated: u64,
    /// Agencies and units that were registered now.
    pub(crate) registered: u64,
    /// Reports that a later row, or an earlier import, tells otherwise.
    pub(crate) report_differs: u64,
    pub(crate) proceedings: Proceedings<u64>,
    pub(crate) rejects: Rejects,
    /// The newest position that an answer named.
    pub(crate) position: u64,
}

/// What became of proceedings.
#[derive(Default)]
pub(crate) struct Proceedings<N> {
    /// Those that were recorded now.
    pub(crate) new: N,
    /// Those that had been recorded before.
    pub(crate) repeated: N,
    /// Those that stand otherwise.
    pub(crate) differing: N,
}

struct Sender<'r> {
    connection: &'r Connection,
    register: &'r Register,
    /// What units are called, by agency and code.
    units: HashMap<(&'r str, &'r str), String>,
    appended: AtomicU64,
    repeated: AtomicU64,
    registered: AtomicU64,
    report_differs: AtomicU64,
    proceedings: Proceedings<AtomicU64>,
    position: AtomicU64,
    rejects: Mutex<Rejects>,
}

/// Registers what the reports name, then sends the reports.
pub(crate) async fn send(
    connection: &Connection,
    register: &Register,
    rejects: Rejects,
    in_flight: usize,
    bar: &ProgressBar,
) -> anyhow::Result<Sent> {
    let mut sender = Sender {
        connection,
        register,
        units: HashMap::new(),
        appended: AtomicU64::new(0),
        repeated: AtomicU64::new(0),
        registered: AtomicU64::new(0),
        report_differs: AtomicU64::new(0),
        proceedings: Proceedings::default(),
        position: AtomicU64::new(0),
        rejects: Mutex::new(rejects),
    };
    sender.register(in_flight).await?;
    let reports = stream::iter(register.reports().map(Ok::<_, anyhow::Error>));
    let sender_of_all = &sender;
    reports
        .try_for_each_concurrent(in_flight, |(report, allegations)| async move {
            sender_of_all.report(report, allegations).await?;
            bar.inc(1);
            Ok(())
        })
        .await?;
    let mut rejects = sender.rejects.into_inner().unwrap_or_else(PoisonError::into_inner);
    rejects.flush()?;
    let Proceedings { new, repeated, differing } = sender.proceedings;
    Ok(Sent {
        appended: sender.appended.into_inner(),
        repeated: sender.repeated.into_inner(),
        registered: sender.registered.into_inner(),
        report_differs: sender.report_differs.into_inner(),
        proceedings: Proceedings {
            new: new.into_inner(),
            repeated: repeated.into_inner(),
            differing: differing.into_inner(),
        },
        rejects,
        position: sender.position.into_inner(),
    })
}

impl Sender<'_> {
    /// Registers the agencies and units that the reports name.
    async fn register(&mut self, in_flight: usize) -> anyhow::Result<()> {
        let register = self.register;
        let mut agencies = BTreeSet::new();
        let mut wanted = BTreeSet::new();
        for report in &register.reports {
            let agency = register.agency(report);
            agencies.extend([agency, register.handler(report)]);
            if report.said.unit.is_some() {
                wanted.insert((agency, register.text(report.said.unit)));
            }
        }
        let id = |parts: &[&str]| request_id(DateTime::UNIX_EPOCH, parts).to_string();
        let this = &*self;
        // Units name their agency, so agencies come first.
        let calls = agencies.into_iter().map(|code| {
            let id = id(&["register", "agency", code]);
            async move { this.registered(call::open_agency(this.connection, id, code).await) }
        });
        run(calls, in_flight).await?;
        let taken = this.units_of_the_directory().await?;
        let units = unit::names(&wanted, taken.clone());
        let new = units.iter().filter(|(_, name)| !taken.contains_key(*name));
        let calls = new.map(|((agency, _), name)| {
            let id = id(&["register", "unit", agency, name]);
            async move { this.registered(call::open_unit(this.connection, id, (name, agency)).await) }
        });
        run(calls, in_flight).await?;
        self.units = units;
        Ok(())
    }

    /// The agency of each unit.
    async fn units_of_the_directory(&self) -> anyhow::Result<HashMap<String, String>> {
        let mut client = self.connection.directory();
        let mut taken = HashMap::new();
        let mut page_token = String::new();
        loop {
            let request = dir::ListUnitsRequest { page_size: PAGE, page_token, ..Default::default() };
            let page = client.list_units(request).await?.into_inner();
            taken.extend(page.units.into_iter().map(|unit| (unit.code, unit.agency)));
            page_token = page.next_page_token;
            if page_token.is_empty() {
                return Ok(taken);
            }
        }
    }

    fn registered(&self, answer: Result<Recorded, Refused>) -> anyhow::Result<()> {
        if let Some(recorded) = call::registered(answer)? {
            self.position.fetch_max(recorded.position, Relaxed);
            if !recorded.repeated {
                self.registered.fetch_add(1, Relaxed);
            }
        }
        Ok(())
    }

    async fn report(&self, report: &Report, allegations: &[Allegation]) -> anyhow::Result<()> {
        let request = self.request(report, allegations);
        let mut client = self.connection.conduct();
        let answer =
            retried(async || client.import_report(request.clone()).await.map(|a| a.into_inner().recorded))
                .await;
        let mut differs = report.differs;
        match answer {
            Ok(recorded) => {
                self.position.fetch_max(recorded.position, Relaxed);
                let counter = if recorded.repeated { &self.repeated } else { &self.appended };
                counter.fetch_add(1, Relaxed);
                self.proceedings(report, allegations).await?;
            }
            Err(Refused::Refusal { reason, .. }) if reason == "REQUEST_ID_REUSED" => {
                differs = true;
                let text = "an earlier import recorded this report otherwise: that stays";
                self.reject(rows(report, allegations), REPORT_DIFFERS, text)?;
            }
            Err(Refused::Refusal { reason, message }) => {
                self.reject(rows(report, allegations), &reason, &message)?;
            }
            Err(Refused::Unreachable(status)) => return Err(status.into()),
        }
        self.report_differs.fetch_add(differs.into(), Relaxed);
        Ok(())
    }

    /// The same report gives the same request, in whatever order its rows stand.
    fn request(&self, report: &Report, allegations: &[Allegation]) -> pb::ImportReportRequest {
        let register = self.register;
        let said = &report.said;
        let agency = register.agency(report);
        let unit = said.unit.map(|unit| register.text(Some(unit)));
        let unit = unit.and_then(|unit| self.units.get(&(agency, unit)).cloned());
        let (class, source_class) = self.class(said.classed.unwrap_or((Class::Other, None)));
        let official = |name: &str| ids::official(&register.source, name).into_owned();
        let date = |date: Option<NaiveDate>| date.map(|date| date.to_string()).unwrap_or_default();
        let finding = |finding: Option<Finding>| finding.map_or(0, i32::from);
        let new = pb::NewReport {
            agency: register.handler(report).to_owned(),
            source: said.source.unwrap_or(Source::Named).into(),
            kind: said.kind.unwrap_or(Kind::Complaint).into(),
            class,
            source_class,
            about_agency: agency.to_owned(),
            about_unit: unit.unwrap_or_default(),
            about_officials: said.official.iter().map(|name| official(name)).collect(),
            jurisdiction: register.text(said.jurisdiction).to_owned(),
            receive_date: date(said.received),
            ..pb::NewReport::default()
        };
        let allegations = allegations.iter().map(|allegation| {
            let (class, source_class) = self.class(allegation.classed);
            pb::ImportedAllegation {
                person: allegation.person.as_deref().map(official).unwrap_or_default(),
                class,
                source_class,
                recommended: finding(allegation.recommended),
                r#final: finding(allegation.last),
            }
        });
        // Not by what it says: an import that says it otherwise means the same report, and has to meet it.
        let parts = ["import report", register.source.as_str(), &report.id];
        pb::ImportReportRequest {
            command: Some(pb::Command {
                request_id: request_id(DateTime::UNIX_EPOCH, &parts).to_string(),
                report: format!("{}:{}", register.source, report.id),
                occurred: Some(Occurred { when: Some(When::On(date(said.received))) }),
                ..pb::Command::default()
            }),
            report: Some(new),
            allegations: allegations.collect(),
            open_date: date(said.opened),
            close_date: date(said.closed),
        }
    }

    fn class(&self, (class, word): Classed) -> (i32, String) {
        (class.into(), self.register.text(word).to_owned())
    }

    fn reject(
        &self,
        places: impl IntoIterator<Item = Place>,
        reason: &str,
        message: &str,
    ) -> anyhow::Result<()> {
        let mut rejects = self.rejects.lock().unwrap_or_else(PoisonError::into_inner);
        for place in places {
            let file = self.register.files.get(usize::from(place.file)).map_or("", String::as_str);
            rejects.add(place.line.into(), reason, message, &ByteRecord::from(vec![file]))?;
        }
        Ok(())
    }
}

/// All rows of a report, but for those that were rejected before for what they say of discipline. One that has a report
/// and an allegation is one.
fn rows(report: &Report, allegations: &[Allegation]) -> BTreeSet<Place> {
    let places = allegations.iter().map(|allegation| allegation.place).chain([report.place]);
    let mut places: BTreeSet<_> = places.collect();
    for allegation in allegations.iter().filter(|allegation| allegation.is_rejected) {
        places.remove(&allegation.place);
    }
    places
}
