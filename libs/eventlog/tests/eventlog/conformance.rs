//! The suite on SQLite.

use std::sync::Arc;

use async_trait::async_trait;
use eventlog::{
    EventLog, Genesis, SqliteLog, check_file,
    conformance::{self, Rig},
};

use crate::store::{Store, genesis};

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
