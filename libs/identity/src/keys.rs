//! The key of a ledger, and the tokens it signs.

use std::{
    fs,
    io::{self, Write as _},
    path::Path,
};

use ed25519_dalek::pkcs8::{EncodePrivateKey as _, EncodePublicKey as _, spki::der::pem::LineEnding};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, errors::ErrorKind};
use serde::{Deserialize, Serialize};

use crate::{Caller, Role};

/// For whom tokens are: any server of a ledger.
const AUDIENCE: &str = "liem";

/// What a token says.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Claims {
    /// The holder.
    pub sub: String,
    /// The role.
    pub role: Role,
    /// The agency, where the token is for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agency: Option<String>,
    /// From when, in seconds since 1970.
    pub iat: u64,
    /// Until when, in seconds since 1970.
    pub exp: u64,
    /// For whom.
    pub aud: String,
}

impl Claims {
    /// A token for a caller from `iat` on, for `seconds`.
    pub fn new(caller: Caller, iat: u64, seconds: u64) -> Self {
        let Caller { id, role, agency } = caller;
        Self { sub: id, role, agency, iat, exp: iat.saturating_add(seconds), aud: AUDIENCE.to_owned() }
    }
}

/// A key that can't be made, read or kept.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// A file can't be read or written.
    #[error("can't read or write the key {path}")]
    File {
        /// The file.
        path: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The system gives no randomness, or the key has no usable form.
    #[error("can't make or use the key {path}: {problem}")]
    Key {
        /// The file.
        path: String,
        /// What is wrong.
        problem: String,
    },
}

/// A token that isn't taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Its time is over.
    #[error("the token has run out: ask for a new one")]
    Expired,
    /// It isn't one of this ledger's.
    #[error("the token is not one of this ledger's: ask its administrator for one")]
    Invalid,
}

/// The private key that signs tokens.
pub struct SigningKey(EncodingKey);

/// The public key that tokens are checked with.
#[derive(Clone)]
pub struct VerifyingKey(DecodingKey);

impl SigningKey {
    /// Reads the key in `private`; makes it, with the public one in `public`, where there is none.
    pub fn open_or_make(private: &Path, public: &Path) -> Result<Self, KeyError> {
        if !private.exists() {
            make(private, public)?;
        }
        Self::open(private)
    }

    /// Reads the key in a PEM file.
    pub fn open(path: &Path) -> Result<Self, KeyError> {
        let pem = read(path)?;
        EncodingKey::from_ed_pem(&pem).map(Self).map_err(|e| key_error(path, &e))
    }

    /// Signs a token.
    pub fn sign(&self, claims: &Claims) -> Result<String, TokenError> {
        jsonwebtoken::encode(&Header::new(Algorithm::EdDSA), claims, &self.0).map_err(|e| token_error(&e))
    }
}

impl VerifyingKey {
    /// Reads the key in a PEM file.
    pub fn open(path: &Path) -> Result<Self, KeyError> {
        let pem = read(path)?;
        DecodingKey::from_ed_pem(&pem).map(Self).map_err(|e| key_error(path, &e))
    }

    /// Who holds the token, and until when it's good, in seconds since 1970.
    pub fn verify(&self, token: &str) -> Result<(Caller, u64), TokenError> {
        // Only EdDSA: a token doesn't choose how it is checked.
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.leeway = 0;
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["exp", "sub", "aud"]);
        let Claims { sub, role, agency, exp, .. } =
            jsonwebtoken::decode::<Claims>(token, &self.0, &validation).map_err(|e| token_error(&e))?.claims;
        Ok((Caller { id: sub, role, agency }, exp))
    }
}

fn token_error(error: &jsonwebtoken::errors::Error) -> TokenError {
    match error.kind() {
        ErrorKind::ExpiredSignature => TokenError::Expired,
        _ => TokenError::Invalid,
    }
}

fn key_error(path: &Path, problem: &dyn std::fmt::Display) -> KeyError {
    KeyError::Key { path: path.display().to_string(), problem: problem.to_string() }
}

fn read(path: &Path) -> Result<Vec<u8>, KeyError> {
    fs::read(path).map_err(|source| KeyError::File { path: path.display().to_string(), source })
}

fn make(private: &Path, public: &Path) -> Result<(), KeyError> {
    let mut seed = [0_u8; 32];
    getrandom::fill(&mut seed).map_err(|e| key_error(private, &e))?;
    let key = ed25519_dalek::SigningKey::from_bytes(&seed);
    let private_pem = key.to_pkcs8_pem(LineEnding::LF).map_err(|e| key_error(private, &e))?;
    let public_pem =
        key.verifying_key().to_public_key_pem(LineEnding::LF).map_err(|e| key_error(public, &e))?;
    // The public key first: a private key that exists is one whose public key exists too.
    write(public, public_pem.as_bytes(), 0o644)?;
    write(private, private_pem.as_bytes(), 0o600)
}

fn write(path: &Path, bytes: &[u8], mode: u32) -> Result<(), KeyError> {
    let failed = |source| KeyError::File { path: path.display().to_string(), source };
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    // Whole or not at all: half a key would block every later start.
    let unfinished = path.with_extension("unfinished");
    let mut file = options.open(&unfinished).map_err(failed)?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(failed)?;
    fs::rename(&unfinished, path).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller() -> Caller {
        Caller { id: "inspector-1".into(), role: Role::Inspector, agency: None }
    }

    fn keys(folder: &Path) -> (SigningKey, VerifyingKey) {
        let (private, public) = (folder.join("private.pem"), folder.join("public.pem"));
        (SigningKey::open_or_make(&private, &public).unwrap(), VerifyingKey::open(&public).unwrap())
    }

    #[expect(clippy::disallowed_methods, reason = "the library checks against the system's clock")]
    fn now() -> u64 {
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs()
    }

    #[test]
    fn a_token_names_its_holder_and_others_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let (signing, verifying) = keys(folder.path());
        let token = signing.sign(&Claims::new(caller(), now(), 60)).unwrap();
        assert_eq!(verifying.verify(&token).unwrap().0, caller());

        let expired = signing.sign(&Claims::new(caller(), now() - 120, 60)).unwrap();
        assert_eq!(verifying.verify(&expired), Err(TokenError::Expired));

        let elsewhere = tempfile::tempdir().unwrap();
        let (forger, _) = keys(elsewhere.path());
        let forged = forger.sign(&Claims::new(caller(), now(), 60)).unwrap();
        assert_eq!(verifying.verify(&forged), Err(TokenError::Invalid));
        assert_eq!(verifying.verify("not.a.token"), Err(TokenError::Invalid));

        // A token that asks for no signature: header {"alg":"none"}.
        let payload = token.split('.').nth(1).unwrap();
        assert_eq!(verifying.verify(&format!("eyJhbGciOiJub25lIn0.{payload}.")), Err(TokenError::Invalid));
    }

    #[cfg(unix)]
    #[test]
    fn the_private_key_is_for_its_owner_only() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        keys(folder.path());
        let mode = fs::metadata(folder.path().join("private.pem")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
