//! What a view's fold makes of a history that never changes: how a fold that does something else, under the
//! same version, is told.

use eventlog::{Entry, Page};

use crate::{
    View, ViewError, digest,
    file::File,
    fold::{self, Fold},
};

/// The digest of a view's fold over the history of all event types.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fixture {
    /// Entries of the history: it only ever grows, and a file remembers how long it was.
    pub(crate) entries: u32,
    /// The digest over them.
    pub(crate) digest: String,
}

impl Fixture {
    /// Folds the history in memory, all of it or its first so many entries; none if it isn't that long.
    pub(crate) async fn of<V: View>(view: &V, first: Option<u32>) -> Result<Option<Self>, ViewError> {
        let lines: Vec<&str> = events::HISTORY.lines().collect();
        let length = first.map_or(lines.len(), |first| usize::try_from(first).unwrap_or(usize::MAX));
        let Some(lines) = lines.get(..length) else { return Ok(None) };
        let filter = view.filter();
        let mut entries = Vec::new();
        for (position, line) in (1..).zip(lines) {
            let entry = Entry { position, bytes: line.as_bytes().into() };
            let header = entry.header().map_err(|e| ViewError::Log(e.to_string()))?;
            let is_in = |list: &[String], word: &str| list.is_empty() || list.iter().any(|item| item == word);
            if is_in(&filter.types, &header.event_type) && is_in(&filter.categories, header.category()) {
                entries.push(entry);
            }
        }
        let position = lines.len() as u64;
        let mut fold = Fold::resume::<V>(File::in_memory(V::TABLES).await?).await?;
        let page = Page { entries, through: position, head: position, ended: true };
        fold.page(view, fold::take(view, &page)?).await?;
        let digest = digest::of::<V>(fold.file.connection(), position).await?;
        Ok(Some(Self { entries: u32::try_from(length).unwrap_or(u32::MAX), digest }))
    }
}
