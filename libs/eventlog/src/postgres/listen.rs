//! Hearing of what other processes append: one notification a batch, and a poll behind it.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use sqlx::{PgPool, postgres::PgListener};
use tokio::{sync::watch, time::Instant};

use super::{raise, read};
use crate::judge::Last;

/// The channel of `liem.append`.
const CHANNEL: &str = "liem_entry";

/// The end of the log is asked for this often: a notification may get lost with its connection.
const POLL: Duration = Duration::from_secs(1);

/// Between two tries to reach a database that is away.
const REST: Duration = Duration::from_millis(200);

pub(super) struct Listener {
    pub(super) pool: PgPool,
    pub(super) head: watch::Sender<Last>,
    pub(super) is_reached: watch::Sender<bool>,
    /// The number of the server's process that commits for this one.
    pub(super) own: Arc<AtomicU32>,
    /// Closed when it shall stop.
    pub(super) stop: watch::Receiver<()>,
}

impl Listener {
    pub(super) async fn run(mut self) {
        let mut stop = self.stop.clone();
        tokio::select! {
            biased;
            _ = stop.changed() => {}
            () = self.listen() => {}
        }
    }

    async fn listen(&mut self) {
        loop {
            match self.start().await {
                Ok(listener) => {
                    let Err(error) = self.hear(listener).await;
                    // It may be that one connection only: whether the database is away shows when it's reached for.
                    tracing::debug!(%error, "the database is no longer listened to");
                }
                Err(error) => {
                    if self.is_reached.send_if_modified(|is| std::mem::replace(is, false)) {
                        tracing::warn!(%error, "the database can't be reached");
                    }
                }
            }
            tokio::time::sleep(REST).await;
        }
    }

    /// Begins to listen. Whatever was appended before is found by asking.
    async fn start(&mut self) -> Result<PgListener, sqlx::Error> {
        let mut listener = PgListener::connect_with(&self.pool).await?;
        // A lost connection is an error here, so that it's polled after the next one is there.
        listener.eager_reconnect(false);
        listener.listen(CHANNEL).await?;
        self.poll().await?;
        if self.is_reached.send_if_modified(|is| !std::mem::replace(is, true)) {
            tracing::info!("the database is reached again");
        }
        Ok(listener)
    }

    async fn poll(&self) -> Result<(), sqlx::Error> {
        let last = read::last(&self.pool).await;
        let last = last.map_err(|error| sqlx::Error::Io(std::io::Error::other(error)))?;
        raise(&self.head, last);
        Ok(())
    }

    /// Listens until the connection is lost.
    async fn hear(&mut self, mut listener: PgListener) -> Result<Infallible, sqlx::Error> {
        loop {
            let until = Instant::now() + POLL;
            while let Ok(heard) = tokio::time::timeout_at(until, listener.try_recv()).await {
                let Some(notification) = heard? else {
                    return Err(sqlx::Error::Io(std::io::ErrorKind::ConnectionReset.into()));
                };
                // What this process appends it knows. What others say is asked for: whoever may connect can notify.
                if notification.process_id() != self.own.load(Ordering::Relaxed) {
                    self.poll().await?;
                }
            }
            self.poll().await?;
        }
    }
}
