//! The suite on SQLite and on PostgreSQL.

use std::sync::Arc;

use async_trait::async_trait;
use eventlog::{
    EventLog, Genesis, PostgresLog, SqliteLog, check_file, check_postgres,
    conformance::{self, Rig},
};
use test_postgres::Role;

use crate::{
    postgres::Place,
    store::{Store, genesis},
};

struct SqliteRig {
    store: Store,
    log: Option<Arc<SqliteLog>>,
}

#[async_trait]
impl Rig for SqliteRig {
    fn log(&self, _service: &str) -> Arc<dyn EventLog> {
        self.log.clone().unwrap()
    }

    fn genesis(&self) -> Genesis {
        genesis()
    }

    async fn reopen(&mut self) {
        self.log.take().unwrap().close().await;
        self.log = Some(self.store.open().await);
    }

    async fn close(mut self: Box<Self>) {
        self.log.take().unwrap().close().await;
        let checked = check_file(&self.store.path(), |_| {}).await.unwrap();
        assert_eq!(checked.faults, []);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sqlite_is_a_log() {
    conformance::run(|| async {
        let store = Store::new();
        let log = Some(store.open().await);
        Box::new(SqliteRig { store, log }) as Box<dyn Rig>
    })
    .await;
}

struct PostgresRig {
    place: Place,
    log: Option<Arc<PostgresLog>>,
}

#[async_trait]
impl Rig for PostgresRig {
    fn log(&self, _service: &str) -> Arc<dyn EventLog> {
        self.log.clone().unwrap()
    }

    fn genesis(&self) -> Genesis {
        genesis()
    }

    async fn reopen(&mut self) {
        self.log.take().unwrap().close().await;
        self.log = Some(self.place.open().await);
    }

    async fn close(mut self: Box<Self>) {
        self.log.take().unwrap().close().await;
        let checked = check_postgres(&self.place.of(Role::Service), |_| {}).await.unwrap();
        assert_eq!(checked.faults, []);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn postgres_is_a_log() {
    conformance::run(|| async {
        let place = Place::new().await;
        let log = Some(place.open().await);
        Box::new(PostgresRig { place, log }) as Box<dyn Rig>
    })
    .await;
}
