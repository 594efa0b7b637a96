//! Sealing and unsealing.

use std::fmt;

use secrecy::{ExposeSecret as _, SecretString};
use sqlx::{Connection as _, Row as _, SqliteConnection};
use uuid::Uuid;

use crate::{
    MAX_ITEMS, MAX_TEXT_BYTES, Vault, VaultError,
    crypto::{self, Key},
    listed,
};

/// Sizes of ciphertexts are multiples of it, but for what every one has.
const BLOCK: usize = 256;

/// A text to seal.
pub struct ToSeal {
    /// Whom it's about, by the id that it is erased under.
    pub subject: String,
    /// What it is.
    pub field: String,
    /// The text.
    pub text: SecretString,
}

impl fmt::Debug for ToSeal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ToSeal(..)")
    }
}

/// What an event says of a sealed text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seal {
    /// Its id: `s-` and 26 letters and digits, at random.
    pub id: String,
    /// A commitment to subject, field and text, in hexadecimal digits. It tells nothing once the seal is erased.
    pub commitment: String,
}

/// What unsealing gives.
#[derive(Debug, Clone)]
pub enum Opened {
    /// The text.
    Text(SecretString),
    /// It was erased.
    Erased,
    /// No seal has this id.
    Unknown,
}

/// How a seal stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It has its key.
    Sealed,
    /// It was erased.
    Erased,
    /// No seal has this id.
    Unknown,
}

/// A seal as `keys.db` has it.
struct Stored {
    seal: Seal,
    /// None once it's erased.
    key: Option<StoredKey>,
    has_text: bool,
}

struct StoredKey {
    wrapped: Vec<u8>,
    salt: [u8; 32],
}

impl Stored {
    /// Whether this is what the item was sealed as. What was erased can't be compared.
    fn is_of(&self, item: &ToSeal) -> bool {
        self.key.as_ref().is_some_and(|key| item.commitment(&key.salt) == self.seal.commitment)
    }
}

impl ToSeal {
    fn commitment(&self, salt: &[u8; 32]) -> String {
        crypto::commitment(salt, &self.subject, &self.field, self.text.expose_secret()).to_hex().to_string()
    }

    fn encrypt(&self, data_key: &Key, id: &str) -> Result<Vec<u8>, VaultError> {
        let padded = crypto::pad(self.text.expose_secret(), BLOCK);
        crypto::encrypt(data_key, &padded, &about_text(id, &self.subject, &self.field))
    }
}

/// What a data key is about.
pub(crate) fn about_key<'a>(id: &'a str, subject: &'a str) -> [&'a [u8]; 3] {
    [b"liem-vault/data-key", id.as_bytes(), subject.as_bytes()]
}

fn about_text<'a>(id: &'a str, subject: &'a str, field: &'a str) -> [&'a [u8]; 3] {
    [id.as_bytes(), subject.as_bytes(), field.as_bytes()]
}

/// What the id of a pending request is about.
pub(crate) fn about_request(tag: &[u8]) -> [&[u8]; 2] {
    [b"liem-vault/request", tag]
}

impl Vault {
    /// Seals each text under a key of its own.
    ///
    /// The same request with the same items gives the same seals. Once one of them is erased nothing can be
    /// compared any more, and the seals are given without.
    pub async fn seal(&self, request: Uuid, items: Vec<ToSeal>) -> Result<Vec<Seal>, VaultError> {
        if items.len() > MAX_ITEMS {
            return Err(VaultError::TooManyItems { count: items.len() });
        }
        let size = |item: &ToSeal| item.text.expose_secret().len();
        if let Some(place) = items.iter().position(|item| size(item) > MAX_TEXT_BYTES) {
            return Err(VaultError::TooLong { place, size: size(&items[place]) });
        }
        let tag = self.tag(request);
        let mut files = self.files().await?;
        let stored = stored(&mut files.connection, &tag).await?;
        if stored.is_empty() {
            return self.seal_anew(&mut files.connection, request, &tag, &items).await;
        }
        let is_whole = stored.iter().all(|stored| stored.key.is_some());
        let is_same =
            || stored.len() == items.len() && stored.iter().zip(&items).all(|(s, item)| s.is_of(item));
        if is_whole && !is_same() {
            return Err(VaultError::RequestReused { request });
        }
        self.seal_again(&mut files.connection, &tag, &stored, &items).await?;
        Ok(stored.into_iter().map(|stored| stored.seal).collect())
    }

    async fn seal_anew(
        &self,
        connection: &mut SqliteConnection,
        request: Uuid,
        tag: &[u8; 32],
        items: &[ToSeal],
    ) -> Result<Vec<Seal>, VaultError> {
        if items.is_empty() {
            return Ok(Vec::new());
        }
        let mut seals = Vec::with_capacity(items.len());
        let mut ciphertexts = Vec::with_capacity(items.len());
        // Keys first: a crash in between leaves keys of nothing, and no ciphertext that nobody can read.
        let mut tx = connection.begin_with("BEGIN IMMEDIATE").await?;
        let wrapped = crypto::encrypt(self.master(), request.as_bytes(), &about_request(tag))?;
        sqlx::query("INSERT INTO pending VALUES (?, ?, 0)")
            .bind(tag.as_slice())
            .bind(wrapped)
            .execute(&mut *tx)
            .await?;
        for (place, item) in items.iter().enumerate() {
            let (id, data_key, salt) = (crypto::random_id()?, crypto::random_key()?, crypto::random()?);
            let commitment = crypto::commitment(&salt, &item.subject, &item.field, item.text.expose_secret());
            sqlx::query("INSERT INTO seal VALUES (?, ?, ?, ?, ?)")
                .bind(&id)
                .bind(tag.as_slice())
                .bind(i64::try_from(place).unwrap_or(i64::MAX))
                .bind(&item.subject)
                .bind(commitment.as_bytes().as_slice())
                .execute(&mut *tx)
                .await?;
            sqlx::query("INSERT INTO data_key VALUES (?, ?, ?)")
                .bind(&id)
                .bind(crypto::encrypt(self.master(), &*data_key, &about_key(&id, &item.subject))?)
                .bind(salt.as_slice())
                .execute(&mut *tx)
                .await?;
            ciphertexts.push((id.clone(), item.field.as_str(), item.encrypt(&data_key, &id)?));
            seals.push(Seal { id, commitment: commitment.to_hex().to_string() });
        }
        tx.commit().await?;
        write_texts(connection, ciphertexts).await?;
        Ok(seals)
    }

    /// What a repeated request leaves to do: what a crash kept from being written, and the count of sweeps, as
    /// the request's event may be on its way anew.
    async fn seal_again(
        &self,
        connection: &mut SqliteConnection,
        tag: &[u8; 32],
        stored: &[Stored],
        items: &[ToSeal],
    ) -> Result<(), VaultError> {
        sqlx::query("UPDATE pending SET sweeps = 0 WHERE request = ?")
            .bind(tag.as_slice())
            .execute(&mut *connection)
            .await?;
        let mut missing = Vec::new();
        for (stored, item) in stored.iter().zip(items).filter(|(s, item)| !s.has_text && s.is_of(item)) {
            let Some(key) = &stored.key else { continue };
            let id = &stored.seal.id;
            let data_key = self.unwrap_key(id, &item.subject, &key.wrapped)?;
            missing.push((id.clone(), item.field.as_str(), item.encrypt(&data_key, id)?));
        }
        if missing.is_empty() { Ok(()) } else { write_texts(connection, missing).await }
    }

    fn unwrap_key(&self, id: &str, subject: &str, wrapped: &[u8]) -> Result<Key, VaultError> {
        crypto::decrypt_key(self.master(), wrapped, &about_key(id, subject))
            .ok_or_else(|| VaultError::damaged(id))
    }

    /// The texts, in the order asked for.
    pub async fn unseal(&self, ids: &[String]) -> Result<Vec<Opened>, VaultError> {
        let rows = sqlx::query(
            "SELECT s.id, s.subject, s.commitment, k.wrapped, k.salt, c.field, c.bytes \
             FROM json_each(?) AS asked LEFT JOIN seal AS s ON s.id = asked.value \
             LEFT JOIN data_key AS k ON k.id = s.id LEFT JOIN sealed.ciphertext AS c ON c.id = s.id \
             ORDER BY asked.key",
        )
        .bind(listed(ids)?)
        .fetch_all(&mut self.files().await?.connection)
        .await?;
        rows.iter()
            .map(|row| {
                let Some(id) = row.get::<Option<&str>, _>(0) else { return Ok(Opened::Unknown) };
                let Some(wrapped) = row.get::<Option<&[u8]>, _>(3) else { return Ok(Opened::Erased) };
                let text = self.unseal_row(row, id, wrapped)?;
                Ok(Opened::Text(text.ok_or_else(|| VaultError::damaged(id))?))
            })
            .collect()
    }

    /// The text of a row; none if it's not what was sealed.
    fn unseal_row(
        &self,
        row: &sqlx::sqlite::SqliteRow,
        id: &str,
        wrapped: &[u8],
    ) -> Result<Option<SecretString>, VaultError> {
        let subject = row.get::<&str, _>(1);
        let data_key = self.unwrap_key(id, subject, wrapped)?;
        let (Some(field), Some(bytes)) = (row.get::<Option<&str>, _>(5), row.get::<Option<&[u8]>, _>(6))
        else {
            return Ok(None);
        };
        let Ok(salt) = row.get::<&[u8], _>(4).try_into() else { return Ok(None) };
        let Some(padded) = crypto::decrypt(&data_key, bytes, &about_text(id, subject, field)) else {
            return Ok(None);
        };
        let text = crypto::unpad(&padded).filter(|text| {
            crypto::commitment(salt, subject, field, text).as_bytes().as_slice() == row.get::<&[u8], _>(2)
        });
        Ok(text.map(SecretString::from))
    }

    /// How the seals stand, in the order asked for. Nothing is decrypted.
    pub async fn state(&self, ids: &[String]) -> Result<Vec<State>, VaultError> {
        let rows: Vec<(bool, bool)> = sqlx::query_as(
            "SELECT s.id IS NOT NULL, k.id IS NOT NULL FROM json_each(?) AS asked \
             LEFT JOIN seal AS s ON s.id = asked.value LEFT JOIN data_key AS k ON k.id = s.id ORDER BY asked.key",
        )
        .bind(listed(ids)?)
        .fetch_all(&mut self.files().await?.connection)
        .await?;
        let state = |row| match row {
            (true, true) => State::Sealed,
            (true, false) => State::Erased,
            (false, _) => State::Unknown,
        };
        Ok(rows.into_iter().map(state).collect())
    }

    /// The ids of all seals of a subject, with those that were erased.
    pub async fn seals_of(&self, subject: &str) -> Result<Vec<String>, VaultError> {
        let seals = sqlx::query_scalar("SELECT id FROM seal WHERE subject = ? ORDER BY id").bind(subject);
        Ok(seals.fetch_all(&mut self.files().await?.connection).await?)
    }
}

/// What a request was sealed as, in the order of its items.
async fn stored(connection: &mut SqliteConnection, tag: &[u8; 32]) -> Result<Vec<Stored>, VaultError> {
    let rows = sqlx::query(
        "SELECT s.id, s.commitment, k.wrapped, k.salt, c.id IS NOT NULL FROM seal AS s \
         LEFT JOIN data_key AS k ON k.id = s.id LEFT JOIN sealed.ciphertext AS c ON c.id = s.id \
         WHERE s.request = ? ORDER BY s.place",
    )
    .bind(tag.as_slice())
    .fetch_all(connection)
    .await?;
    rows.iter()
        .map(|row| {
            let id: String = row.get(0);
            let damaged = || VaultError::damaged(&id);
            let bytes = |at: usize| row.get::<Option<&[u8]>, _>(at).map(TryInto::try_into).transpose();
            let (Ok(Some(commitment)), Ok(salt)) = (bytes(1), bytes(3)) else { return Err(damaged()) };
            let commitment = blake3::Hash::from_bytes(commitment).to_hex().to_string();
            let wrapped: Option<Vec<u8>> = row.get(2);
            let key = wrapped.zip(salt).map(|(wrapped, salt)| StoredKey { wrapped, salt });
            Ok(Stored { seal: Seal { id, commitment }, key, has_text: row.get(4) })
        })
        .collect()
}

async fn write_texts(
    connection: &mut SqliteConnection,
    ciphertexts: Vec<(String, &str, Vec<u8>)>,
) -> Result<(), VaultError> {
    let mut tx = connection.begin_with("BEGIN IMMEDIATE").await?;
    for (id, field, bytes) in ciphertexts {
        sqlx::query("INSERT INTO sealed.ciphertext VALUES (?, ?, ?)")
            .bind(id)
            .bind(field)
            .bind(bytes)
            .execute(&mut *tx)
            .await?;
    }
    tx.commit().await?;
    Ok(())
}
