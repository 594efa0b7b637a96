//! esrs in this process: an aggregate manager over its PostgreSQL store, as its examples use it.

use std::sync::Arc;

use anyhow::Result;
use esrs::{
    Aggregate, AggregateState,
    manager::AggregateManager,
    store::postgres::{PgStore, PgStoreBuilder, UuidFormat},
};
use serde::{Deserialize, Serialize};
use sqlx_of_esrs::postgres::{PgConnectOptions, PgPoolOptions, PgSslMode};
use uuid::Uuid;

use crate::{
    contents::{Contents, Size},
    load::Append,
    postgres::{Database, LOOPBACK},
};

/// Connections, at most: more would go past what a PostgreSQL with its default settings takes.
const CONNECTIONS: u32 = 64;

/// Bytes of a row beside its payload: two ids, a time, a sequence number and a version.
const BESIDE: usize = 16 + 16 + 8 + 4 + 4;

/// Bytes of the payload around its content.
const AROUND: usize = r#"{"content":""}"#.len();

struct Thing;

#[derive(Serialize, Deserialize)]
struct Happened {
    content: String,
}

#[derive(Debug, thiserror::Error)]
#[error("never refused")]
struct Never;

impl Aggregate for Thing {
    const NAME: &'static str = "thing";
    type State = ();
    type Command = String;
    type Event = Happened;
    type Error = Never;

    fn handle_command((): &(), content: String) -> Result<Vec<Happened>, Never> {
        Ok(vec![Happened { content }])
    }

    fn apply_event((): (), _: Happened) {}
}

/// Commands, each to a new aggregate, so that none has to be loaded.
pub(crate) struct Commands {
    manager: AggregateManager<PgStore<Thing>>,
    contents: Arc<Contents>,
    size: Size,
}

impl Commands {
    /// Makes the store's tables in a new database.
    pub(crate) async fn new(
        database: &Database,
        callers: usize,
        contents: Arc<Contents>,
        size: Size,
    ) -> Result<Self> {
        let options = PgConnectOptions::new()
            .port(database.address.port)
            .username("postgres")
            .database(&database.name)
            .ssl_mode(PgSslMode::Disable);
        let options = match &database.address.socket_folder {
            Some(folder) => options.socket(folder),
            None => options.host(LOOPBACK),
        };
        let connections = u32::try_from(callers)?.min(CONNECTIONS);
        let pool = PgPoolOptions::new()
            .max_connections(connections)
            .min_connections(connections)
            .connect_with(options)
            .await?;
        let store =
            PgStoreBuilder::<Thing>::new(pool).with_event_id_format(UuidFormat::V7).try_build().await?;
        Ok(Self { manager: AggregateManager::new(store), contents, size })
    }
}

impl Append for Commands {
    async fn append(&self, events: usize) -> Result<()> {
        for _ in 0..events {
            let content = match self.size {
                Size::Payload => self.contents.text(crate::contents::PAYLOAD_BYTES - AROUND),
                Size::Entry => self.contents.payload(Size::Entry, BESIDE + AROUND),
            };
            let new = AggregateState::with_id(Uuid::now_v7());
            self.manager.handle_command(new, content.to_owned()).await??;
        }
        Ok(())
    }
}
