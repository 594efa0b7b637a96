//! Reading a whole log and proving that it is one.

use std::{collections::HashMap, path::Path};

use bytes::Bytes;
use sqlx::{ConnectOptions as _, Row as _, SqliteConnection, sqlite::SqliteRow};
use uuid::Uuid;

use super::{bundles, connect, from_micros, schema, signed, unsigned};
use crate::{
    OpenError,
    bundle::{self, BUNDLE_ENTRIES},
    entry::Header,
};

/// Entries read at a time.
const PAGE: i64 = 1_000;

/// Faults told, at most; more are only worth knowing of.
const FAULTS_MAX: usize = 100;

/// One thing that is wrong with a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Where; 0 for the database as a whole.
    pub position: u64,
    /// What, in words.
    pub description: String,
}

/// How far a check has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckProgress {
    /// Entries read.
    pub checked: u64,
    /// Entries there are.
    pub total: u64,
    /// What is wrong, at most 100.
    pub faults: Vec<Fault>,
}

/// Reads the log in a database file and proves that positions are gapless, revisions dense, times never
/// go back, every column is equal to its bytes, and the triggers that refuse changes are in place. Where
/// there are bundles, each has what the rows have; that some are missing is no fault.
/// Works beside a running writer. `progress` is told after each page.
///
/// Keeps the last revision of each stream in memory: about 100 bytes a stream.
pub async fn check_file(
    path: &Path,
    mut progress: impl FnMut(&CheckProgress) + Send,
) -> Result<CheckProgress, OpenError> {
    let database = |source| OpenError::Database { path: path.display().to_string(), source };
    let mut connection =
        connect(path).create_if_missing(false).read_only(true).connect().await.map_err(database)?;
    let (bundles, fault) = BundleCheck::open(path).await;
    let total: i64 = sqlx::query_scalar("SELECT coalesce(max(position), 0) FROM entry")
        .fetch_one(&mut connection)
        .await
        .map_err(database)?;
    let mut check = Check {
        progress: CheckProgress { checked: 0, total: unsigned(total), faults: Vec::new() },
        revisions: HashMap::new(),
        next: 1,
        recorded_at: i64::MIN,
        append: None,
        bundles,
    };
    check.progress.faults.extend(fault);
    check.schema(&mut connection).await.map_err(database)?;
    loop {
        let rows = sqlx::query(
            "SELECT position, stream, revision, append_id, k, type, recorded_at, bytes FROM entry \
             WHERE position >= ? AND position <= ? ORDER BY position LIMIT ?",
        )
        .bind(signed(check.next))
        .bind(total)
        .bind(PAGE)
        .fetch_all(&mut connection)
        .await
        .map_err(database)?;
        if rows.is_empty() {
            break;
        }
        for row in &rows {
            check.row(row);
            check.bundled(row).await;
        }
        progress(&check.progress);
    }
    if let Some(bundles) = &check.bundles
        && bundles.reach > check.progress.total
    {
        let text = format!("bundles reach to position {}, past the log's end{REMADE}", bundles.reach);
        check.fault(check.progress.total + 1, text);
    }
    Ok(check.progress)
}

struct Check {
    progress: CheckProgress,
    revisions: HashMap<String, u64>,
    next: u64,
    recorded_at: i64,
    append: Option<(Uuid, i64)>,
    bundles: Option<BundleCheck>,
}

/// What to do about bundles, as an ending of a fault.
const REMADE: &str = ": stop the ledger and delete the bundles file, it comes back";

/// The bundles beside the rows.
struct BundleCheck {
    file: SqliteConnection,
    /// How far they reached before the log was read; a running log makes more.
    reach: u64,
    /// The bundle in hand; none where it's missing or was told of.
    entries: Option<Vec<Bytes>>,
}

impl BundleCheck {
    async fn open(log: &Path) -> (Option<Self>, Option<Fault>) {
        let path = bundles::path_of(log);
        if !path.exists() {
            return (None, None);
        }
        let opened = async {
            let mut file = bundles::for_reading(&path).connect().await?;
            let reach = bundles::reach(&mut file).await?;
            Ok::<_, bundles::Unusable>(Self { file, reach, entries: None })
        };
        match opened.await {
            Ok(bundles) => (Some(bundles), None),
            Err(error) => {
                let description = format!("the bundles can't be read ({error}){REMADE}");
                (None, Some(Fault { position: 0, description }))
            }
        }
    }

    /// What is wrong with the bundle of a position, told at the first position where it is.
    async fn compare(&mut self, position: u64, bytes: &[u8]) -> Option<String> {
        if position > self.reach {
            return None;
        }
        let (number, place) = ((position - 1) / BUNDLE_ENTRIES, (position - 1) % BUNDLE_ENTRIES);
        if place == 0 {
            self.entries = None;
            self.entries = match bundles::stored(&mut self.file, number).await {
                Ok(None) => None,
                Ok(Some(stored)) => {
                    let entries = bundle::decompress(&stored).as_ref().and_then(bundle::decode);
                    if entries.is_none() {
                        return Some(format!("bundle {number} is not a bundle{REMADE}"));
                    }
                    entries
                }
                Err(error) => return Some(format!("bundle {number} can't be read ({error}){REMADE}")),
            };
        }
        let entry = self.entries.as_ref()?.get(usize::try_from(place).ok()?)?;
        if entry == bytes {
            return None;
        }
        self.entries = None;
        Some(format!("bundle {number} has another entry than the log{REMADE}"))
    }
}

impl Check {
    fn fault(&mut self, position: u64, description: impl Into<String>) {
        if self.progress.faults.len() < FAULTS_MAX {
            self.progress.faults.push(Fault { position, description: description.into() });
        }
    }

    /// The triggers are what refuses changes: a database without them could have been changed.
    async fn schema(&mut self, connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
        let found: Vec<String> = sqlx::query_scalar("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL")
            .fetch_all(connection)
            .await?;
        for statement in schema::STATEMENTS {
            if !found.iter().any(|sql| sql == statement) {
                let first = statement.lines().next().unwrap_or_default();
                self.fault(0, format!("the schema lacks `{first}`: rows could have been changed"));
            }
        }
        Ok(())
    }

    async fn bundled(&mut self, row: &SqliteRow) {
        let Some(bundles) = &mut self.bundles else { return };
        let position = unsigned(row.get(0));
        if let Some(text) = bundles.compare(position, row.get(7)).await {
            self.fault(position, text);
        }
    }

    fn row(&mut self, row: &SqliteRow) {
        let position = unsigned(row.get(0));
        if position != self.next {
            self.fault(self.next, format!("gap: position {} is followed by {position}", self.next - 1));
        }
        self.next = position + 1;
        self.progress.checked += 1;

        let stream: &str = row.get(1);
        let revision = unsigned(row.get(2));
        let last = self.revisions.insert(stream.to_owned(), revision).unwrap_or(0);
        if revision != last + 1 {
            let text = format!("stream `{stream}`: revision {last} is followed by {revision}");
            self.fault(position, text);
        }

        let recorded_at: i64 = row.get(6);
        if recorded_at < self.recorded_at {
            let text = format!("recorded at {}, before the entry it follows", from_micros(recorded_at));
            self.fault(position, text);
        }
        self.recorded_at = recorded_at;

        let (append_id, k) = (Uuid::from_slice(row.get(3)).unwrap_or_default(), row.get::<i64, _>(4));
        let follows = match self.append {
            Some((id, last)) if id == append_id => k == last + 1,
            _ => k == 0,
        };
        if !follows {
            self.fault(position, format!("event {k} of append {append_id} does not follow the one before"));
        }
        self.append = Some((append_id, k));
        self.compare(row, position);
    }

    /// Every column is equal to what the bytes say.
    fn compare(&mut self, row: &SqliteRow, position: u64) {
        let header: Header = match serde_json::from_slice(row.get::<&[u8], _>(7)) {
            Ok(header) => header,
            Err(e) => return self.fault(position, format!("the bytes are not an entry: {e}")),
        };
        let columns = [
            ("position", header.position == position),
            ("stream", header.stream == row.get::<&str, _>(1)),
            ("revision", header.revision == unsigned(row.get(2))),
            ("append_id", header.append_id.as_bytes().as_slice() == row.get::<&[u8], _>(3)),
            ("k", i64::from(header.k) == row.get::<i64, _>(4)),
            ("type", header.event_type == row.get::<&str, _>(5)),
            ("recorded_at", header.recorded_at.timestamp_micros() == row.get::<i64, _>(6)),
        ];
        for (column, equal) in columns {
            if !equal {
                self.fault(position, format!("column `{column}` is not what the bytes say"));
            }
        }
    }
}
