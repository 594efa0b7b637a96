//! Pages of the log, from bundles as far as they reach and from rows past that: the same for every form.

use async_trait::async_trait;
use bytes::Bytes;
use futures::{TryStreamExt as _, stream::BoxStream};

use crate::{
    Direction, Entry, Filter, Page, ReadError,
    bundle::{self, BUNDLE_ENTRIES},
    outline::Outline,
};

/// Positions that one page with a filter looks through, at most, so that no statement runs long.
const WINDOW: u64 = 65_536;

/// Rows in one page, at most: each can be 64 KiB.
const ROWS_MAX: usize = 1_024;

/// Once a page holds so many bytes no further bundle is taken into it.
const PAGE_BYTES: usize = 8 << 20;

/// A page that takes fewer entries of a bundle than one in so many gets copies, or it would keep the whole
/// bundle in memory.
const SPARSE: usize = 8;

/// Bundles as they are stored, with their numbers.
pub(crate) type Stored<'a> = BoxStream<'a, Result<(u64, Vec<u8>), sqlx::Error>>;

/// What a form of the log reads pages with.
#[async_trait]
pub(crate) trait Source: Send + Sync + 'static {
    /// Entries of (low, high] from the rows, in the order asked for.
    async fn rows(
        &self,
        low: u64,
        high: u64,
        direction: Direction,
        filter: &Filter,
        limit: usize,
    ) -> Result<Vec<Entry>, ReadError>;

    /// How far bundles reach.
    fn reach(&self) -> u64;

    /// Bundles from one number to another, in order, each read while those before are looked through.
    fn stored(&self, first: u64, last: u64) -> Stored<'_>;
}

/// A page past a position, of a log that ends at `head`.
pub(crate) async fn page(
    source: &dyn Source,
    head: u64,
    past: u64,
    direction: Direction,
    filter: &Filter,
    limit: usize,
) -> Result<Page, ReadError> {
    let backwards = direction == Direction::Backwards;
    // The stretch is (low, high]; entries past the head are not acknowledged yet and stay unseen.
    let (low, high) = if backwards {
        let high = if past == 0 { head } else { head.min(past - 1) };
        (high.saturating_sub(WINDOW), high)
    } else {
        (past, head.min(past.saturating_add(WINDOW)))
    };
    let mut entries = Vec::new();
    let bundled = if backwards { low } else { take(source, low, high, filter, limit, &mut entries).await };
    // The rows go on where the bundles end, unless the page is long enough.
    let asked = match limit.min(ROWS_MAX) {
        asked if bundled == low => asked,
        _ if bundled >= high => 0,
        asked => asked.saturating_sub(entries.len()),
    };
    let mut through = bundled;
    if asked > 0 || bundled == low {
        let rows = source.rows(bundled, high, direction, filter, asked).await?;
        through = match (rows.last(), backwards) {
            (last, _) if rows.len() == asked => last.map_or(past, |last| last.position),
            (_, false) => high.max(past),
            (_, true) => low + 1,
        };
        entries.extend(rows);
    }
    let ended = if backwards { through <= 1 } else { through >= head };
    Ok(Page { entries, through, head, ended })
}

/// Takes entries of a stretch, past `low` and up to `high`, oldest first, as far as bundles can say. Returns
/// how far that was; the rest is for the rows.
async fn take(
    source: &dyn Source,
    low: u64,
    high: u64,
    filter: &Filter,
    limit: usize,
    entries: &mut Vec<Entry>,
) -> u64 {
    let mut high = high.min(source.reach());
    if takes_all(filter) {
        high = high.min(low.saturating_add(limit as u64));
        entries.reserve(usize::try_from(high.saturating_sub(low)).unwrap_or(0));
    }
    let mut through = low;
    if low >= high || limit == 0 {
        return through;
    }
    let mut bytes = 0;
    let mut bundles = source.stored(low / BUNDLE_ENTRIES, (high - 1) / BUNDLE_ENTRIES);
    while through < high && entries.len() < limit && bytes < PAGE_BYTES {
        let number = through / BUNDLE_ENTRIES;
        let bundle = match bundles.try_next().await {
            Ok(Some((found, stored))) if found == number => open(number, &stored),
            Ok(_) => None,
            Err(error) => {
                tracing::warn!(%error, "the bundles can't be read");
                None
            }
        };
        let before = entries.len();
        let taken = bundle.and_then(|bundle| take_of(number, bundle, through, high, filter, limit, entries));
        let Some(last) = taken else {
            // Nothing of it: the rows say it all.
            entries.truncate(before);
            tracing::warn!(number, "a bundle is damaged: the log's rows are read in its place");
            break;
        };
        through = last;
        bytes += entries[before..].iter().map(|e| e.bytes.len()).sum::<usize>();
    }
    through
}

/// The entries of a stored bundle; none if it's damaged, or another than it's said to be.
fn open(number: u64, stored: &[u8]) -> Option<Vec<Bytes>> {
    let entries = bundle::decode(&bundle::decompress(stored)?)?;
    let first = Outline::of(entries.first()?).ok()?;
    (first.position == number * BUNDLE_ENTRIES + 1).then_some(entries)
}

fn takes_all(filter: &Filter) -> bool {
    filter.types.is_empty() && filter.categories.is_empty()
}

/// Takes what is wanted of one bundle, and returns how far it was looked through; none if it can't be said
/// what is wanted.
fn take_of(
    number: u64,
    bundle: Vec<Bytes>,
    low: u64,
    high: u64,
    filter: &Filter,
    limit: usize,
    entries: &mut Vec<Entry>,
) -> Option<u64> {
    let before = entries.len();
    let takes_all = takes_all(filter);
    let mut through = low;
    for (position, bytes) in (number * BUNDLE_ENTRIES + 1..=high).zip(bundle) {
        if position <= low {
            continue;
        }
        through = position;
        if takes_all || filter.takes(&Outline::of(&bytes).ok()?) {
            entries.push(Entry { position, bytes });
            if entries.len() == limit {
                break;
            }
        }
    }
    let taken = &mut entries[before..];
    if taken.len() * SPARSE < 256 {
        for entry in taken {
            entry.bytes = Bytes::copy_from_slice(&entry.bytes);
        }
    }
    Some(through)
}

impl Filter {
    fn takes(&self, outline: &Outline<'_>) -> bool {
        let holds = |list: &[String], name: &str| list.is_empty() || list.iter().any(|n| n == name);
        holds(&self.types, &outline.event_type) && holds(&self.categories, outline.category())
    }
}
