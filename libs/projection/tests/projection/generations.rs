//! Rebuilding beside the live generation, comparing, switching, going back: on record, and never backwards.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use eventlog::EventLog as _;
use events::{Event as _, view::ViewEvent};
use futures::StreamExt as _;
use identity::{Caller, Role};
use projection::{ViewAdminHandlers, ViewError};
use proto::{
    reason_of,
    view::{self as pb, compare_generations_response::Part, view_admin_server::ViewAdmin as _},
};
use tonic::{Request, Status};
use uuid::Uuid;

use crate::{
    store::{Running, Store, content, eventually, raw},
    tally::{POISON, Tally},
};

const VIEW: &str = "tally";

/// The administration of one replica, called as an administrator.
struct Admin(ViewAdminHandlers);

fn by_administrator<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.extensions_mut().insert(Caller { id: "admin-1".into(), role: Role::Administrator, agency: None });
    request
}

fn id() -> String {
    Uuid::now_v7().to_string()
}

fn reason<T>(answer: Result<T, Status>) -> String {
    reason_of(&answer.map(|_| ()).unwrap_err()).unwrap()
}

impl Admin {
    fn of(view: &Running) -> Self {
        Self(ViewAdminHandlers::new(eventlog::Clock::system()).with(&view.follower))
    }

    async fn generations(&self) -> Vec<pb::Generation> {
        let request = by_administrator(pb::ListViewsRequest { view: VIEW.into() });
        let views = self.0.list_views(request).await.unwrap().into_inner().views;
        assert_eq!((views.len(), views[0].name.as_str(), views[0].version), (1, VIEW, 3));
        views.into_iter().next().unwrap().generations
    }

    async fn states(&self) -> Vec<(u32, pb::GenerationState)> {
        self.generations().await.iter().map(|g| (g.number, g.state())).collect()
    }

    async fn start(&self, reason: &str) -> Result<u32, Status> {
        let request = pb::StartReplayRequest {
            request_id: id(),
            view: VIEW.into(),
            reason: reason.into(),
            ..Default::default()
        };
        Ok(self.0.start_replay(by_administrator(request)).await?.into_inner().generation)
    }

    async fn switch(&self, generation: u32) -> Result<u32, Status> {
        let (request_id, view, reason) = (id(), VIEW.to_owned(), "ticket 2".to_owned());
        let request = pb::SwitchGenerationRequest { request_id, view, generation, reason };
        Ok(self.0.switch_generation(by_administrator(request)).await?.into_inner().kept_generation)
    }

    async fn roll_back(&self) -> Result<u32, Status> {
        let request =
            pb::RollBackGenerationRequest { request_id: id(), view: VIEW.into(), reason: "ticket 3".into() };
        Ok(self.0.roll_back_generation(by_administrator(request)).await?.into_inner().live_generation)
    }

    async fn drop(&self, generation: u32) -> Result<(), Status> {
        let (request_id, view, reason) = (id(), VIEW.to_owned(), "ticket 4".to_owned());
        let request = pb::DropGenerationRequest { request_id, view, generation, reason };
        self.0.drop_generation(by_administrator(request)).await.map(|_| ())
    }

    async fn stop(&self, generation: u32) -> Result<(), Status> {
        let (request_id, view, reason) = (id(), VIEW.to_owned(), "ticket 5".to_owned());
        let request = pb::StopReplayRequest { request_id, view, generation, reason };
        self.0.stop_replay(by_administrator(request)).await.map(|_| ())
    }

    async fn resume(&self, generation: u32) -> Result<(), Status> {
        let (request_id, view, reason) = (id(), VIEW.to_owned(), "ticket 6".to_owned());
        let request = pb::ResumeReplayRequest { request_id, view, generation, reason };
        self.0.resume_replay(by_administrator(request)).await.map(|_| ())
    }

    async fn digest(&self, generation: u32, position: u64) -> String {
        let request = pb::GetDigestRequest { view: VIEW.into(), generation, at_position: position };
        self.0.get_digest(by_administrator(request)).await.unwrap().into_inner().digest
    }

    async fn compare(
        &self,
        generation: u32,
        position: u64,
    ) -> Result<(Vec<pb::RowDifference>, pb::ComparisonSummary), Status> {
        let request = pb::CompareGenerationsRequest {
            view: VIEW.into(),
            generation,
            at_position: position,
            ..Default::default()
        };
        let mut parts = self.0.compare_generations(by_administrator(request)).await?.into_inner();
        let mut rows = Vec::new();
        while let Some(part) = parts.next().await {
            match part?.part.unwrap() {
                Part::Difference(row) => rows.push(row),
                Part::Summary(summary) => return Ok((rows, summary)),
            }
        }
        panic!("the last part is the summary");
    }

    async fn caught_up(&self, generation: u32, head: u64) {
        for _ in 0..10_000 {
            if self.generations().await.iter().any(|g| g.number == generation && g.position >= head) {
                return;
            }
            tokio::task::yield_now().await;
        }
        panic!("generation {generation} has caught up in time");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_generation_is_built_compared_switched_to_and_rolled_back() {
    use pb::GenerationState::{Building, Kept, Live};
    let store = Store::new().await;
    let folder = store.folder("view");
    let view = store.view(&folder).await;
    let admin = Admin::of(&view);
    for n in 0..30 {
        store.steps(&format!("case-{}", n % 7), &format!("unit-{}", n % 3), &["T01", "T02"]).await;
    }
    let generation = admin.start("ticket 1").await.unwrap();
    assert_eq!(generation, 2);
    let head = store.head().await;
    admin.caught_up(2, head).await;
    assert_eq!(admin.states().await, [(1, Live), (2, Building)]);
    assert!(folder.join("tally-v3-g2.db").exists());
    let (rows, summary) = admin.compare(2, 0).await.unwrap();
    assert!(rows.is_empty());
    assert_eq!((summary.digest.as_str(), summary.position), (summary.other_digest.as_str(), head));
    assert_eq!(summary.digest, admin.digest(1, head).await);
    assert_eq!(summary.tables.iter().map(|t| t.equal_count).collect::<Vec<_>>(), [3, 7, 1]);

    assert_eq!(admin.switch(2).await.unwrap(), 1);
    assert_eq!(view.follower.path(), folder.join("tally-v3-g2.db"));
    // The kept one follows on.
    let head = store.steps("case-0", "unit-0", &["T03"]).await;
    admin.caught_up(1, head).await;
    assert_eq!(admin.states().await, [(1, Kept), (2, Live)]);
    assert_eq!(view.follower.at_least(head).await.unwrap().position, head);

    assert_eq!(admin.roll_back().await.unwrap(), 1);
    assert_eq!(view.follower.path(), folder.join("tally-v3-g1.db"));
    // A restart finds it as it is on record.
    view.stop().await;
    let view = store.view(&folder).await;
    let admin = Admin::of(&view);
    assert_eq!(view.follower.path(), folder.join("tally-v3-g1.db"));
    assert_eq!(admin.states().await, [(1, Live), (2, Kept)]);
    admin.drop(2).await.unwrap();
    eventually("the file is deleted", || (!folder.join("tally-v3-g2.db").exists()).then_some(())).await;
    assert_eq!(admin.states().await, [(1, Live)]);
    // Numbers are not given twice.
    assert_eq!(admin.start("ticket 7").await.unwrap(), 3);
    view.stop().await;

    // Who did what, and why, stands in the log.
    let stream = eventlog::StreamName::new(ViewEvent::CATEGORY, VIEW).unwrap();
    let entries = store.log.read_stream(&stream, 0, 100).await.unwrap();
    let said: Vec<_> = entries
        .iter()
        .map(|entry| {
            let header = entry.header().unwrap();
            assert_eq!((header.actor.id.as_str(), header.subjects[0].id.as_str()), ("admin-1", VIEW));
            (
                header.event_type,
                serde_json::from_str::<serde_json::Value>(entry.data().unwrap().get()).unwrap(),
            )
        })
        .map(|(name, data)| {
            format!("{} {}", name.split('.').nth(1).unwrap(), data["reason"].as_str().unwrap())
        })
        .collect();
    assert_eq!(
        said,
        [
            "ReplayStarted ticket 1",
            "GenerationSwitched ticket 2",
            "GenerationRolledBack ticket 3",
            "GenerationDropped ticket 4",
            "ReplayStarted ticket 7",
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_differs_is_told_row_by_row() {
    let store = Store::new().await;
    let view = store.view(&store.folder("view")).await;
    let admin = Admin::of(&view);
    store.steps("case-1", "unit-1", &["T01"]).await;
    store.steps("case-2", "unit-2", &["T01"]).await;
    let generation = admin.start("ticket 1").await.unwrap();
    let head = store.head().await;
    admin.caught_up(generation, head).await;
    // Somebody writes into the live file.
    let mut raw = raw(&view.follower.path()).await;
    for change in [
        "UPDATE last_step SET step = 'T09' WHERE case_code = 'case-1'",
        "DELETE FROM unit WHERE unit = 'unit-2'",
        "INSERT INTO standing VALUES ('T05', 4, 0)",
    ] {
        sqlx::query(change).execute(&mut raw).await.unwrap();
    }
    let (rows, summary) = admin.compare(generation, head).await.unwrap();
    assert_ne!(summary.digest, summary.other_digest);
    let counts: Vec<_> = summary
        .tables
        .iter()
        .map(|t| (t.table.as_str(), t.equal_count, t.changed_count, t.only_here_count, t.only_other_count))
        .collect();
    assert_eq!(counts, [("unit", 1, 0, 1, 0), ("last_step", 1, 1, 0, 0), ("standing", 1, 0, 0, 1)]);
    let rows: Vec<_> =
        rows.iter().map(|r| (r.key.as_str(), r.row.is_empty(), r.other_row.is_empty())).collect();
    assert_eq!(
        rows,
        [
            (r#"["H57.18","unit-2"]"#, false, true),
            (r#"["case-1"]"#, false, false),
            (r#"["T05"]"#, true, false),
        ]
    );
    view.stop().await;
}

/// Queries at full speed while generations change and the log grows: none fails, and none is older than the
/// one before.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn positions_in_answers_never_fall_across_a_switch() {
    let store = Arc::new(Store::new().await);
    let view = Arc::new(store.view(&store.folder("view")).await);
    let admin = Admin::of(&view);
    for n in 0..200 {
        store.steps(&format!("case-{}", n % 40), "unit", &["T01"]).await;
    }
    let done = Arc::new(AtomicBool::new(false));
    let writer = tokio::spawn({
        let (store, done) = (store.clone(), done.clone());
        async move {
            let mut n = 0;
            while !done.load(Ordering::Acquire) {
                store.steps(&format!("case-{}", n % 40), "unit", &["T02", "T03"]).await;
                n += 1;
            }
        }
    });
    let readers: Vec<_> = (0..3)
        .map(|_| {
            let (view, done) = (view.clone(), done.clone());
            tokio::spawn(async move {
                let (mut last, mut count) = (0, 0_u64);
                while !done.load(Ordering::Acquire) {
                    let snapshot = view.follower.at_least(0).await.expect("no query fails");
                    assert!(snapshot.position >= last, "{} after {last}", snapshot.position);
                    last = snapshot.position;
                    count += 1;
                }
                count
            })
        })
        .collect();
    for round in 0..6 {
        let generation = admin.start("a rebuild under load").await.unwrap();
        loop {
            match admin.switch(generation).await {
                Ok(_) => break,
                Err(status) => assert_eq!(reason_of(&status).as_deref(), Some("GENERATION_BEHIND")),
            }
            tokio::task::yield_now().await;
        }
        if round % 2 == 0 {
            let back = admin.roll_back().await.unwrap();
            assert_ne!(back, generation);
            admin.drop(generation).await.unwrap();
        } else {
            let live = generation;
            for kept in admin.states().await.iter().map(|(number, _)| *number).filter(|n| *n != live) {
                admin.drop(kept).await.unwrap();
            }
        }
    }
    done.store(true, Ordering::Release);
    writer.await.unwrap();
    for reader in readers {
        assert!(reader.await.unwrap() > 100);
    }
    let head = store.head().await;
    let digest = view.digest_at(head).await;
    assert_eq!(store.rebuilt().await, digest);
    Arc::into_inner(view).unwrap().stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_build_stays_where_it_is_until_it_is_resumed_also_over_a_restart() {
    let store = Store::new().await;
    let folder = store.folder("view");
    let view = store.view(&folder).await;
    let admin = Admin::of(&view);
    let first = store.steps("case", "unit", &["T01"]).await;
    let generation = admin.start("ticket 1").await.unwrap();
    admin.caught_up(generation, first).await;
    admin.stop(generation).await.unwrap();
    assert_eq!(reason(admin.stop(generation).await), "REPLAY_STOPPED");
    assert_eq!(reason(admin.switch(generation).await), "REPLAY_STOPPED");
    let head = store.steps("case", "unit", &["T02", "T03"]).await;
    // It may still have come to the record that stops it, and no further.
    let stop = head - 2;
    assert!(stop > first);
    view.digest_at(head).await;
    view.stop().await;
    let view = store.view(&folder).await;
    let admin = Admin::of(&view);
    view.digest_at(head).await;
    let stopped = &admin.generations().await[1];
    assert!(stopped.halted && stopped.position <= stop, "{stopped:?}");
    admin.resume(generation).await.unwrap();
    assert_eq!(reason(admin.resume(generation).await), "REPLAY_RUNNING");
    admin.caught_up(generation, head).await;
    assert_eq!(admin.digest(generation, head).await, admin.digest(1, head).await);
    view.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_t_be_done_is_refused_and_a_retry_gets_its_first_answer() {
    let store = Store::new().await;
    let view = store.view(&store.folder("view")).await;
    let admin = Admin::of(&view);
    assert_eq!(reason(admin.switch(7).await), "GENERATION_UNKNOWN");
    assert_eq!(reason(admin.switch(1).await), "GENERATION_LIVE");
    assert_eq!(reason(admin.drop(1).await), "GENERATION_LIVE");
    assert_eq!(reason(admin.stop(1).await), "GENERATION_LIVE");
    assert_eq!(reason(admin.roll_back().await), "NOTHING_TO_ROLL_BACK");
    assert_eq!(reason(admin.resume(1).await), "REPLAY_RUNNING");
    let over_long = "x".repeat(201);
    for bad in ["", " ", " x", "a\nb", over_long.as_str()] {
        assert_eq!(reason(admin.start(bad).await), "FIELD_INVALID", "{bad:?}");
    }
    let mut request = pb::StartReplayRequest {
        request_id: id(),
        view: VIEW.into(),
        reason: "ticket 1".into(),
        ..Default::default()
    };
    let first = admin.0.start_replay(by_administrator(request.clone())).await.unwrap().into_inner();
    let again = admin.0.start_replay(by_administrator(request.clone())).await.unwrap().into_inner();
    assert_eq!((again.generation, again.recorded.unwrap().repeated), (first.generation, true));
    request.reason = "another".into();
    let reused = admin.0.start_replay(by_administrator(request.clone())).await;
    assert_eq!(reason(reused), "REQUEST_ID_REUSED");
    let what_if = pb::StartReplayRequest {
        request_id: id(),
        calendar_name: "fewer".into(),
        other_days: vec![pb::OtherDay { date: "2026-09-02".into(), worked: false }],
        ..request.clone()
    };
    let answer = admin.0.start_replay(by_administrator(what_if.clone())).await;
    assert_eq!(reason(answer), "CALENDAR_UNUSED");
    let nameless = pb::StartReplayRequest { calendar_name: String::new(), ..what_if };
    assert_eq!(reason(admin.0.start_replay(by_administrator(nameless)).await), "FIELD_INVALID");
    let unknown = pb::StartReplayRequest { view: "other".into(), ..request };
    assert_eq!(reason(admin.0.start_replay(by_administrator(unknown)).await), "VIEW_UNKNOWN");
    for _ in 0..3 {
        admin.start("ticket 2").await.unwrap();
    }
    assert_eq!(reason(admin.start("ticket 3").await), "TOO_MANY_GENERATIONS");
    view.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_replica_follows_what_is_on_record_and_they_agree() {
    let store = Store::new().await;
    let (one, other) = (store.view(&store.folder("one")).await, store.view(&store.folder("other")).await);
    let admins = [Admin::of(&one), Admin::of(&other)];
    for n in 0..20 {
        store.steps(&format!("case-{}", n % 6), "unit", &["T01"]).await;
    }
    let generation = admins[0].start("ticket 1").await.unwrap();
    let head = store.head().await;
    for admin in &admins {
        admin.caught_up(generation, head).await;
    }
    admins[1].switch(generation).await.unwrap();
    eventually("the first has switched too", || {
        one.follower.path().ends_with("tally-v3-g2.db").then_some(())
    })
    .await;
    let head = store.head().await;
    assert_eq!(one.digest_at(head).await, other.digest_at(head).await);
    let digests = [admins[0].digest(1, head).await, admins[1].digest(generation, head).await];
    assert_eq!(digests[0], digests[1]);
    // One that comes later builds what is on record.
    let third = store.view(&store.folder("third")).await;
    assert_eq!(third.digest_at(head).await, one.digest_at(head).await);
    assert!(third.follower.path().ends_with("tally-v3-g2.db"));
    for view in [one, other, third] {
        view.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_generation_that_can_t_fold_is_not_switched_to() {
    let store = Store::new().await;
    let folder = store.folder("view");
    // The live one was built by a mended fold; the new one meets the poison.
    let mended = Tally { is_mended: true, ..Tally::NEW };
    let view = Running::start(mended, store.log.clone(), &folder).await.unwrap();
    let head = store.steps("case", "unit", &["T01", POISON, "T02"]).await;
    view.digest_at(head).await;
    view.stop().await;
    let view = store.view(&folder).await;
    let admin = Admin::of(&view);
    let generation = admin.start("ticket 1").await.unwrap();
    let mut stopped = String::new();
    for _ in 0..10_000 {
        stopped = admin.generations().await[1].stopped_because.clone();
        if !stopped.is_empty() {
            break;
        }
        tokio::task::yield_now().await;
    }
    assert!(stopped.contains("at position 3: this step is poison"), "{stopped}");
    assert_eq!(reason(admin.switch(generation).await), "VIEW_STOPPED");
    // The live one is none the worse.
    assert_eq!(view.follower.at_least(head).await.unwrap().position, view.follower.status().position);
    view.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_another_version_is_made_again_and_a_changed_fold_is_told() {
    let store = Store::new().await;
    let folder = store.folder("view");
    let head = store.steps("case", "unit", &["T01", "T02"]).await;
    let view = store.view(&folder).await;
    let digest = view.digest_at(head).await;
    let file = view.follower.path();
    view.stop().await;
    for other in ["UPDATE view SET version = 2", "DROP TABLE view", "UPDATE view SET name = 'audit'"] {
        let mut raw = raw(&file).await;
        sqlx::query("UPDATE unit SET steps = 77").execute(&mut raw).await.unwrap();
        sqlx::query(other).execute(&mut raw).await.unwrap();
        drop(raw);
        let view = store.view(&folder).await;
        assert_eq!(view.digest_at(head).await, digest, "{other}");
        assert_eq!(content(&file).await.0, [("unit".to_owned(), 2)]);
        view.stop().await;
    }
    // The same version, and a fold that makes something else of the history that never changes.
    let mut raw = raw(&file).await;
    sqlx::query("UPDATE view SET fixture_digest = 'of another fold'").execute(&mut raw).await.unwrap();
    drop(raw);
    let refused = Running::start(Tally::NEW, store.log.clone(), &folder).await.map(|_| ());
    let Err(ViewError::FoldChanged { name, version }) = refused else { panic!("{refused:?}") };
    assert_eq!((name, version), (VIEW, 3));
}
