//! The suite on the remote form, with all that lies between it and the file; and where every append is a call of its
//! own, as other clients have it.

use std::sync::Arc;

use async_trait::async_trait;
use eventlog::{
    EventLog, Genesis, check_file,
    conformance::{self, Rig},
};

use crate::{
    running::{Ledger, genesis},
    unary::UnaryLog,
};

struct RemoteRig {
    ledger: Ledger,
    unary: bool,
}

#[async_trait]
impl Rig for RemoteRig {
    fn log(&self, service: &str) -> Arc<dyn EventLog> {
        if self.unary {
            Arc::new(UnaryLog::of(&self.ledger, service))
        } else {
            Arc::new(self.ledger.remote(service))
        }
    }

    fn genesis(&self) -> Genesis {
        genesis()
    }

    async fn reopen(&mut self) {
        self.ledger.restart().await;
    }

    async fn close(mut self: Box<Self>) {
        self.ledger.stop().await;
        let checked = check_file(&self.ledger.path(), |_| {}).await.unwrap();
        assert_eq!(checked.faults, []);
    }
}

async fn run(unary: bool) {
    let rig = || async move {
        let ledger = Ledger::start().await;
        Box::new(RemoteRig { ledger, unary }) as Box<dyn Rig>
    };
    conformance::run(rig).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn remote_is_a_log() {
    run(false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_append_a_call_is_a_log() {
    run(true).await;
}
