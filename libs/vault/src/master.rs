//! The key that all others are wrapped with.

use std::{
    fmt, fs,
    io::{self, Write as _},
    path::Path,
    sync::Arc,
};

use zeroize::Zeroizing;

use crate::{
    VaultError,
    crypto::{self, Key},
};

/// The key that all others are wrapped with. Its bytes are wiped from memory with the last clone.
#[derive(Clone, PartialEq, Eq)]
pub struct MasterKey(Arc<Key>);

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(..)")
    }
}

impl MasterKey {
    /// The key that 64 hexadecimal digits say.
    pub fn from_hex(digits: &str) -> Result<Self, VaultError> {
        let digits = digits.as_bytes();
        let mut key = Key::default();
        if digits.len() != 2 * key.len() {
            return Err(VaultError::NotAMasterKey);
        }
        for (byte, pair) in key.iter_mut().zip(digits.chunks_exact(2)) {
            let [high, low] = [pair[0], pair[1]].map(|digit| char::from(digit).to_digit(16));
            let value = high.zip(low).and_then(|(high, low)| u8::try_from(16 * high + low).ok());
            *byte = value.ok_or(VaultError::NotAMasterKey)?;
        }
        Ok(Self(Arc::new(key)))
    }

    /// Reads the key in a file; makes one where there is none, for its owner only.
    pub fn open_or_make(path: &Path) -> Result<Self, VaultError> {
        if !path.exists() {
            make(path)?;
        }
        Self::open(path)
    }

    /// Reads the key in a file of 64 hexadecimal digits.
    pub fn open(path: &Path) -> Result<Self, VaultError> {
        let digits = Zeroizing::new(fs::read_to_string(path).map_err(|e| file_error(path, e))?);
        Self::from_hex(digits.trim_ascii_end())
    }

    /// Writes the key to a file for its owner only, in place of what was there.
    pub fn put(&self, path: &Path) -> Result<(), VaultError> {
        let mut digits = Zeroizing::new([0_u8; 64]);
        for (pair, byte) in digits.chunks_exact_mut(2).zip(self.bytes()) {
            pair[0] = b"0123456789abcdef"[usize::from(byte >> 4)];
            pair[1] = b"0123456789abcdef"[usize::from(byte & 15)];
        }
        // Whole or not at all: half a key would block every later start.
        let unfinished = path.with_extension("unfinished");
        let mut file = private()
            .create(true)
            .truncate(true)
            .open(&unfinished)
            .map_err(|e| file_error(&unfinished, e))?;
        file.write_all(digits.as_slice())
            .and_then(|()| file.sync_all())
            .and_then(|()| fs::rename(&unfinished, path))
            .map_err(|e| file_error(path, e))?;
        // What is sealed with a key that a power cut takes away is lost.
        sync_folder_of(path)
    }

    pub(crate) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

pub(crate) fn file_error(path: &Path, source: io::Error) -> VaultError {
    VaultError::File { path: path.display().to_string(), source }
}

/// Options for a file that only its owner may read.
pub(crate) fn private() -> fs::OpenOptions {
    let mut options = fs::OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Brings a folder's list of files to the disk.
pub(crate) fn sync_folder_of(path: &Path) -> Result<(), VaultError> {
    let folder = folder_of(path);
    fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(|e| file_error(folder, e))
}

/// Makes a key in a file, unless another process is first: the services of a data folder start together.
fn make(path: &Path) -> Result<(), VaultError> {
    let folder = folder_of(path);
    let lock = fs::File::open(folder).map_err(|e| file_error(folder, e))?;
    lock.lock().map_err(|e| file_error(folder, e))?;
    if path.exists() { Ok(()) } else { MasterKey(Arc::new(crypto::random_key()?)).put(path) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("master.key");
        let made = MasterKey::open_or_make(&path).unwrap();
        assert_eq!(MasterKey::open_or_make(&path).unwrap().bytes(), made.bytes());
        assert_eq!(MasterKey::open(&path).unwrap().bytes(), made.bytes());
        assert_eq!(fs::read(&path).unwrap().len(), 64);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing unfinished is left");
        assert!(matches!(MasterKey::open(&folder.path().join("none")), Err(VaultError::File { .. })));
        assert_eq!(format!("{made:?}"), "MasterKey(..)");
    }

    #[test]
    fn services_that_start_together_make_one_key() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("master.key");
        let keys: Vec<_> = std::thread::scope(|scope| {
            let makers = [(); 8].map(|()| scope.spawn(|| MasterKey::open_or_make(&path).unwrap()));
            makers.into_iter().map(|maker| maker.join().unwrap()).collect()
        });
        assert!(keys.iter().all(|key| *key == keys[0]));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_key_takes_the_place_of_another() {
        let folder = tempfile::tempdir().unwrap();
        let [one, other] = ["one", "other"].map(|name| folder.path().join(name));
        let [first, second] = [&one, &other].map(|path| MasterKey::open_or_make(path).unwrap());
        assert!(first != second);
        second.put(&one).unwrap();
        assert!(MasterKey::open(&one).unwrap() == second);
    }

    #[cfg(unix)]
    #[test]
    fn the_key_is_for_its_owner_only() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("master.key");
        MasterKey::open_or_make(&path).unwrap();
        assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_key_is_64_hexadecimal_digits() {
        let digits = "00ffA5".to_owned() + &"1".repeat(58);
        assert_eq!(MasterKey::from_hex(&digits).unwrap().bytes()[..3], [0, 0xff, 0xa5]);
        for wrong in
            ["", "00", &digits[..63], &format!("{digits}0"), &digits.replace('f', "g"), &"+1".repeat(32)]
        {
            assert!(matches!(MasterKey::from_hex(wrong), Err(VaultError::NotAMasterKey)), "{wrong}");
        }
    }
}
