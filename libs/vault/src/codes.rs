//! Follow-up codes: with one, whoever reported something finds the report again, and nobody learns who did.

use std::{fmt, num::NonZeroUsize};

use argon2::{
    Algorithm, Argon2, Params, PasswordHash, PasswordHasher as _, PasswordVerifier as _, Version,
    password_hash::{self, SaltString},
};
use chrono::{DateTime, Utc};
use lru::LruCache;
use sqlx::SqliteConnection;
use zeroize::Zeroizing;

use crate::{
    CodeError, MasterKey, Vault, VaultError, crypto, erase,
    files::Files,
    tries::{Bucket, Tries},
};

/// How many random bits the secret of a code has.
pub const CODE_SECRET_BITS: u32 = 100;

/// Codes that are hashed at the same time, at most.
pub(crate) const AT_A_TIME: usize = 2;

/// Digits and letters that are not taken for one another.
const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

const LOCATOR: usize = 8;
const SECRET: usize = CODE_SECRET_BITS as usize / 5;

/// Sizes of sealed report ids are multiples of it, but for what every one has.
const BLOCK: usize = 64;

/// Unknown locators whose tries are kept in memory.
const STRANGERS: NonZeroUsize = NonZeroUsize::new(4_096).expect("not zero");

/// The locator of the row that unknown ones are checked with.
const DECOY: &str = "";

/// A code, to be shown once. It's wiped from memory when it goes.
pub struct FollowUpCode(Zeroizing<String>);

impl FollowUpCode {
    /// The code as it's shown: `LOCATOR-SSSSS-SSSSS-SSSSS-SSSSS`.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for FollowUpCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FollowUpCode(..)")
    }
}

/// A code as it's stored.
pub(crate) struct Row {
    locator: String,
    report: Vec<u8>,
    hash: String,
}

/// What is kept of unknown locators, in memory only: they are locked as others are, so that a lock doesn't
/// tell which there are.
pub(crate) struct Strangers {
    tries: LruCache<String, Tries>,
    bucket: Bucket,
}

impl Default for Strangers {
    fn default() -> Self {
        Self { tries: LruCache::new(STRANGERS), bucket: Bucket::default() }
    }
}

/// A row that no code belongs to.
pub(crate) async fn decoy(master: &MasterKey) -> Result<Row, VaultError> {
    let report = seal_report(master.bytes(), DECOY, "")?;
    let secret = random_letters::<SECRET>()?;
    let hash = tokio::task::spawn_blocking(move || hash(&secret)).await.map_err(VaultError::system)??;
    Ok(Row { locator: DECOY.to_owned(), report, hash })
}

/// Writes a row; false if its locator is there already.
pub(crate) async fn insert(connection: &mut SqliteConnection, row: &Row) -> Result<bool, VaultError> {
    let inserted = sqlx::query("INSERT OR IGNORE INTO code (locator, report, hash) VALUES (?, ?, ?)")
        .bind(&row.locator)
        .bind(&row.report)
        .bind(&row.hash)
        .execute(connection)
        .await?;
    Ok(inserted.rows_affected() == 1)
}

/// What the report id of a code is about.
pub(crate) fn about_report(locator: &str) -> [&[u8]; 2] {
    [b"liem-vault/report", locator.as_bytes()]
}

fn seal_report(master: &[u8; 32], locator: &str, report: &str) -> Result<Vec<u8>, VaultError> {
    crypto::encrypt(master, &crypto::pad(report, BLOCK), &about_report(locator))
}

fn open_report(master: &[u8; 32], locator: &str, sealed: &[u8]) -> Result<String, VaultError> {
    let padded = crypto::decrypt(master, sealed, &about_report(locator));
    let report = padded.as_ref().and_then(|padded| crypto::unpad(padded)).map(str::to_owned);
    report.ok_or_else(|| VaultError::damaged("a follow-up code's report"))
}

impl Vault {
    /// Makes a code for a report. Its secret is kept nowhere.
    pub async fn issue_code(&self, report: &str) -> Result<FollowUpCode, VaultError> {
        let secret = random_letters::<SECRET>()?;
        let hashed = secret.clone();
        let hash = self.hashing(move || hash(&hashed)).await?;
        let mut files = self.files().await?;
        loop {
            let locator = random_letters::<LOCATOR>()?.as_str().to_owned();
            let report = seal_report(self.master(), &locator, report)?;
            let row = Row { locator, report, hash: hash.clone() };
            if insert(&mut files.connection, &row).await? {
                return Ok(FollowUpCode(shown(&row.locator, &secret)));
            }
        }
    }

    /// The id of the report that a code is for.
    ///
    /// Case, spaces and dashes don't matter, nor whether `0` was read as `O`, or `1` as `I` or `L`. A try
    /// counts as wrong from its start until it's found right, so that many at once are counted too.
    pub async fn check_code(&self, text: &str, now: DateTime<Utc>) -> Result<String, CodeError> {
        let (locator, secret) = parse(text).ok_or(CodeError::Malformed)?;
        let (is_known, hash) = admit(&mut *self.files().await?, &locator, now).await?;
        let is_right = self.hashing(move || verify(&secret, &hash)).await?;
        if !(is_known && is_right) {
            return Err(CodeError::Unknown);
        }
        let report: Option<Vec<u8>> = sqlx::query_scalar(
            "UPDATE code SET wrong = 0, locked_until = NULL WHERE locator = ? RETURNING report",
        )
        .bind(&locator)
        .fetch_optional(&mut self.files().await?.connection)
        .await?;
        // It may have been erased meanwhile.
        let report = report.ok_or(CodeError::Unknown)?;
        Ok(open_report(self.master(), &locator, &report)?)
    }

    /// Takes away the codes of a report. Gives how many there were.
    pub async fn erase_code(&self, report: &str) -> Result<u64, VaultError> {
        let mut files = self.files().await?;
        // Nothing in the file says which codes are of which report: all are opened.
        let rows: Vec<(String, Vec<u8>)> =
            sqlx::query_as("SELECT locator, report FROM code WHERE locator <> ''")
                .fetch_all(&mut files.connection)
                .await?;
        let mut erased = 0;
        for (locator, sealed) in rows {
            if open_report(self.master(), &locator, &sealed)? != report {
                continue;
            }
            erase::mark_unclean(&mut files.connection).await?;
            erased += sqlx::query("DELETE FROM code WHERE locator = ?")
                .bind(locator)
                .execute(&mut files.connection)
                .await?
                .rows_affected();
        }
        if files.is_unclean().await? {
            files.clean().await?;
        }
        Ok(erased)
    }

    /// Hashes on a thread of its own, once there is room. The permit goes with the work and not with who waits
    /// for it.
    async fn hashing<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, VaultError> + Send + 'static,
    ) -> Result<T, VaultError> {
        let permit = self.0.hashing.clone().acquire_owned().await.map_err(VaultError::system)?;
        let work = move || {
            let done = work();
            drop(permit);
            done
        };
        tokio::task::spawn_blocking(work).await.map_err(VaultError::system)?
    }
}

/// Lets a try begin, or says how long to wait. Gives whether the locator is known, and the hash to check with.
///
/// The same is read and written whether it's known or not.
async fn admit(files: &mut Files, locator: &str, now: DateTime<Utc>) -> Result<(bool, String), CodeError> {
    let (found, hash, wrong, locked_until): (String, String, i64, Option<i64>) = sqlx::query_as(
        "SELECT locator, hash, wrong, locked_until FROM code WHERE locator IN (?, '') \
         ORDER BY locator DESC LIMIT 1",
    )
    .bind(locator)
    .fetch_optional(&mut files.connection)
    .await?
    .ok_or_else(|| VaultError::damaged("the table of follow-up codes"))?;
    let is_known = found != DECOY;
    let strangers = &mut files.strangers;
    let tries = if is_known {
        Tries { wrong, locked_until }
    } else {
        strangers.tries.get(locator).copied().unwrap_or_default()
    };
    if let Some(wait_seconds) = tries.wait(now) {
        return Err(CodeError::TooManyAttempts { wait_seconds });
    }
    let more = tries.one_more(now);
    let stored = if is_known {
        more
    } else {
        strangers.bucket.take(now).map_err(|wait_seconds| CodeError::TooManyAttempts { wait_seconds })?;
        strangers.tries.put(locator.to_owned(), more);
        // Another value than before, or SQLite would write nothing.
        Tries { wrong: 1 - wrong.clamp(0, 1), locked_until: None }
    };
    sqlx::query("UPDATE code SET wrong = ?, locked_until = ? WHERE locator = ?")
        .bind(stored.wrong)
        .bind(stored.locked_until)
        .bind(found)
        .execute(&mut files.connection)
        .await?;
    Ok((is_known, hash))
}

fn argon2() -> Result<Argon2<'static>, VaultError> {
    let params = Params::new(19_456, 2, 1, None).map_err(|error| VaultError::system(error.to_string()))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn hash_error(error: &password_hash::Error) -> VaultError {
    VaultError::system(error.to_string())
}

fn hash(secret: &str) -> Result<String, VaultError> {
    let salt = SaltString::encode_b64(&crypto::random::<16>()?).map_err(|error| hash_error(&error))?;
    let hash = argon2()?.hash_password(secret.as_bytes(), &salt).map_err(|error| hash_error(&error))?;
    Ok(hash.to_string())
}

fn verify(secret: &str, hash: &str) -> Result<bool, VaultError> {
    let hash = PasswordHash::new(hash).map_err(|error| hash_error(&error))?;
    match argon2()?.verify_password(secret.as_bytes(), &hash) {
        Ok(()) => Ok(true),
        Err(password_hash::Error::Password) => Ok(false),
        Err(error) => Err(hash_error(&error)),
    }
}

fn random_letters<const N: usize>() -> Result<Zeroizing<String>, VaultError> {
    let bytes = Zeroizing::new(crypto::random::<N>()?);
    let mut letters = Zeroizing::new(String::with_capacity(N));
    letters.extend(bytes.iter().map(|byte| char::from(LETTERS[usize::from(byte & 31)])));
    Ok(letters)
}

fn shown(locator: &str, secret: &str) -> Zeroizing<String> {
    let mut shown = Zeroizing::new(String::with_capacity(LOCATOR + SECRET + SECRET / 5));
    shown.push_str(locator);
    for (place, letter) in secret.chars().enumerate() {
        if place % 5 == 0 {
            shown.push('-');
        }
        shown.push(letter);
    }
    shown
}

/// The locator and the secret of a code as somebody wrote it.
fn parse(text: &str) -> Option<(String, Zeroizing<String>)> {
    let (mut locator, mut secret) =
        (String::with_capacity(LOCATOR), Zeroizing::new(String::with_capacity(SECRET)));
    for written in text.chars() {
        // Spaces, and dashes of all kinds.
        if written.is_whitespace() || matches!(written, '-' | '\u{2010}'..='\u{2015}' | '\u{2212}') {
            continue;
        }
        let letter = match written.to_ascii_uppercase() {
            'O' => '0',
            'I' | 'L' => '1',
            other => other,
        };
        if !letter.is_ascii() || !LETTERS.contains(&u8::try_from(letter).ok()?) {
            return None;
        }
        match (locator.len(), secret.len()) {
            (..LOCATOR, _) => locator.push(letter),
            (_, ..SECRET) => secret.push(letter),
            _ => return None,
        }
    }
    (secret.len() == SECRET).then_some((locator, secret))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_as_it_was_shown_or_nearly_so() {
        let code = shown("01ABCDEF", "0123456789ABCDEFGHJK");
        assert_eq!(code.as_str(), "01ABCDEF-01234-56789-ABCDE-FGHJK");
        assert_eq!(code.capacity(), code.len(), "it was not moved while it grew");
        for written in [
            code.as_str(),
            "01abcdef-01234-56789-abcde-fghjk",
            "  O1ABCDEF O1234 56789 ABCDE FGHJK\n",
            "oLabcdef0i23456789abcdefghjk",
            "01ABCDEF–01234—56789‐ABCDE−FGHJK",
            "0 1 A B C D E F 0 1 2 3 4 5 6 7 8 9 A B C D E F G H J K",
        ] {
            let (locator, secret) = parse(written).unwrap();
            assert_eq!(
                (locator.as_str(), secret.as_str()),
                ("01ABCDEF", "0123456789ABCDEFGHJK"),
                "{written}"
            );
        }
    }

    #[test]
    fn what_is_no_code_is_malformed() {
        let long = "0".repeat(29);
        for written in [
            "",
            "-",
            "01ABCDEF",
            &long,
            &long[2..],
            "U1ABCDEF-01234-56789-ABCDE-FGHJK",
            "é".repeat(28).as_str(),
        ] {
            assert!(parse(written).is_none(), "{written}");
        }
    }

    #[test]
    fn secrets_have_all_their_bits() {
        assert_eq!(SECRET * 5, CODE_SECRET_BITS as usize);
        let secrets: Vec<_> = (0..200).map(|_| random_letters::<SECRET>().unwrap()).collect();
        for place in 0..SECRET {
            let letters: std::collections::BTreeSet<_> =
                secrets.iter().map(|s| s.as_bytes()[place]).collect();
            assert!(letters.len() >= 24, "place {place}: {letters:?}");
        }
    }
}
