//! The suite on the remote form, with all that lies between it and the file.

use std::sync::Arc;

use async_trait::async_trait;
use eventlog::{
    EventLog, Genesis, check_file,
    conformance::{self, Rig},
};

use crate::running::{Ledger, genesis};

struct RemoteRig(Ledger);

#[async_trait]
impl Rig for RemoteRig {
    fn log(&self, service: &str) -> Arc<dyn EventLog> {
        Arc::new(self.0.remote(service))
    }

    fn genesis(&self) -> Genesis {
        genesis()
    }

    async fn reopen(&mut self) {
        self.0.restart().await;
    }

    async fn close(mut self: Box<Self>) {
        self.0.stop().await;
        let checked = check_file(&self.0.path(), |_| {}).await.unwrap();
        assert_eq!(checked.faults, []);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn remote_is_a_log() {
    conformance::run(|| async { Box::new(RemoteRig(Ledger::start().await)) as Box<dyn Rig> }).await;
}
