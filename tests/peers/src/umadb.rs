//! UmaDB: its server as it comes, its own client.

use std::{
    net::TcpListener,
    path::{Path, PathBuf},
    process::Stdio,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use tokio::process::{Child, Command};
use umadb_client::{AsyncUmaDbClient, UmaDbClient};
use umadb_dcb::{DcbAppendCondition, DcbEvent, DcbEventStoreAsync as _, DcbQuery, DcbQueryItem};
use uuid::Uuid;

use crate::{
    contents::{Contents, EVENT_TYPE, Size},
    load::{Append, Measured, per_second},
};

/// Events in an append while a store is filled.
const FILL_EVENTS: usize = 500;

/// A running server, stopped when this is dropped.
pub(crate) struct Server {
    child: Child,
    address: String,
}

impl Server {
    /// Starts one on a folder, which may have been used before.
    pub(crate) fn start(binary: &Path, folder: &Path) -> Result<Self> {
        std::fs::create_dir_all(folder)?;
        // Taken and let go: a port that is free now.
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string();
        let log = std::fs::File::create(folder.join("server.log"))?;
        let child = Command::new(binary)
            .args(["--listen", &address, "--db-path"])
            .arg(folder.join("uma.db"))
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("{} doesn't start", binary.display()))?;
        Ok(Self { child, address })
    }

    /// Connects, once it answers.
    pub(crate) async fn client(&mut self) -> Result<AsyncUmaDbClient> {
        let started = Instant::now();
        loop {
            let connected = UmaDbClient::new(format!("http://{}", self.address)).connect_async().await;
            match connected {
                Ok(client) => return Ok(client),
                Err(error) if started.elapsed() > Duration::from_secs(20) => bail!("no connection: {error}"),
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
            if let Some(status) = self.child.try_wait()? {
                bail!("the server ended: {status}");
            }
        }
    }

    /// The most memory it had so far.
    pub(crate) fn peak_mib(&self) -> Option<f64> {
        let status = PathBuf::from(format!("/proc/{}/status", self.child.id()?));
        let text = std::fs::read_to_string(status).ok()?;
        let line = text.lines().find_map(|l| l.strip_prefix("VmHWM:"))?;
        let kib: f64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
        Some(kib / 1_024.0)
    }

    /// Ends it.
    pub(crate) async fn stop(mut self) -> Result<()> {
        Ok(self.child.kill().await?)
    }
}

/// Appends by one client, which has one HTTP/2 connection.
pub(crate) struct Appends {
    pub(crate) client: AsyncUmaDbClient,
    pub(crate) contents: Arc<Contents>,
    pub(crate) size: Size,
    /// Whether an append is refused where its stream has events already.
    pub(crate) condition: bool,
    /// Whether each event of an append has a stream of its own.
    pub(crate) spread: bool,
}

impl Append for Appends {
    async fn append(&self, events: usize) -> Result<()> {
        let new_stream = || format!("bench/{}", Uuid::now_v7().simple());
        let stream = new_stream();
        let beside = EVENT_TYPE.len() + stream.len() + size_of::<Uuid>();
        let event = |_| {
            DcbEvent::new()
                .event_type(EVENT_TYPE)
                .tags([if self.spread { new_stream() } else { stream.clone() }])
                .uuid(Uuid::now_v7())
                .data(self.contents.payload(self.size, beside))
        };
        let condition = self.condition.then(|| {
            DcbAppendCondition::new(DcbQuery::new().item(DcbQueryItem::new().tags([stream.as_str()])))
        });
        self.client.append((0..events).map(event).collect(), condition, None).await?;
        Ok(())
    }
}

/// Fills the store up to so many events, then reads them all once.
pub(crate) async fn read(appends: &Appends, events: usize) -> Result<Measured> {
    let client = &appends.client;
    let have = usize::try_from(client.head().await?.unwrap_or(0))?;
    for first in (have..events).step_by(FILL_EVENTS) {
        appends.append(FILL_EVENTS.min(events - first)).await?;
    }
    let started = Instant::now();
    let mut reading = client.read(None, None, false, None).await?;
    let mut read = 0;
    loop {
        let batch = reading.next_batch().await?;
        if batch.is_empty() {
            break;
        }
        read += std::hint::black_box(batch).len();
    }
    let took = started.elapsed();
    ensure!(read == events, "read {read} of {events} events");
    Ok(Measured { per_second: per_second(read, took), ..Measured::default() })
}

/// A call with nothing in it: the health service's, which looks at no event.
pub(crate) struct EmptyCalls(pub(crate) AsyncUmaDbClient);

impl Append for EmptyCalls {
    async fn append(&self, _: usize) -> Result<()> {
        self.0.check_health("").await?;
        Ok(())
    }
}
