//! The signal to stop, seen by everything that runs.

use tokio::sync::watch;

/// The signal to stop. Clones see the same signal.
#[derive(Debug, Clone)]
pub struct Shutdown {
    sender: watch::Sender<bool>,
}

impl Default for Shutdown {
    fn default() -> Self {
        Self { sender: watch::channel(false).0 }
    }
}

impl Shutdown {
    /// Gives the signal.
    pub fn start(&self) {
        self.sender.send_replace(true);
    }

    /// Waits for the signal.
    pub async fn wait(&self) {
        let mut receiver = self.sender.subscribe();
        // `self` holds the sender, so the channel can't close meanwhile.
        drop(receiver.wait_for(|stop| *stop).await);
    }

    /// Gives the signal on SIGINT or SIGTERM.
    pub fn on_signals(&self) -> std::io::Result<()> {
        use tokio::signal::unix::{SignalKind, signal};
        let (mut interrupt, mut terminate) =
            (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        let shutdown = self.clone();
        tokio::spawn(async move {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            shutdown.start();
            tracing::info!("stopping");
        });
        Ok(())
    }
}
