//! The key file: a small JSON document, mode 0600, replaced atomically under a lock file.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

use super::{
    error::KeyRingError,
    key::{Key, KeyId},
    keys::Keys,
};
use crate::clock::{Timestamp, millis};

/// Readers refuse any other number, so a later format can't be half understood.
const FORMAT: u32 = 1;
/// No key ring is larger; a file that is must not be read into memory.
const MAX_BYTES: u64 = 1 << 20;

#[derive(Debug)]
pub(super) struct KeyFile {
    path: PathBuf,
}

/// What tells one state of the file from another without reading it. A replacement is a new file, so the length and time
/// decide almost always, and the inode where two replacements fall into one tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    modified: Option<SystemTime>,
    len: u64,
    inode: u64,
}

impl KeyFile {
    /// A link is followed once, so that it is the file itself that is locked and replaced, by whatever name it is opened.
    pub(super) fn new(path: PathBuf) -> Self {
        let path = fs::canonicalize(&path).unwrap_or(path);
        Self { path }
    }

    pub(super) fn stamp(&self) -> Result<Stamp, KeyRingError> {
        fs::metadata(&self.path)
            .map(|found| Stamp::of(&found))
            .map_err(|error| self.io(error))
    }

    /// The keys in the file, or none if there is no file.
    pub(super) fn read(&self) -> Result<Option<(Keys, Stamp)>, KeyRingError> {
        let file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.io(error)),
        };
        let found = file.metadata().map_err(|error| self.io(error))?;
        if found.len() > MAX_BYTES {
            return Err(self.format("it is larger than a mebibyte"));
        }
        self.warn_if_others_can_read(&found);
        let mut bytes = Zeroizing::new(Vec::with_capacity(found.len() as usize));
        io::Read::read_to_end(&mut io::Read::take(file, MAX_BYTES), &mut bytes)
            .map_err(|error| self.io(error))?;
        let document: Document = serde_json::from_slice(&bytes).map_err(|error| {
            self.format(format!("line {}: not the expected JSON", error.line()))
        })?;
        Ok(Some((self.keys(&document)?, Stamp::of(&found))))
    }

    /// Runs `change` while no other process changes the file.
    pub(super) fn locked<T>(
        &self,
        change: impl FnOnce() -> Result<T, KeyRingError>,
    ) -> Result<T, KeyRingError> {
        if let Some(folder) = self.folder() {
            fs::create_dir_all(folder).map_err(|error| self.io(error))?;
        }
        // The lock is a file of its own, because the key file itself is replaced.
        let lock = private(OpenOptions::new().write(true).create(true))
            .open(self.beside(".lock"))
            .map_err(|error| self.io(error))?;
        lock.lock().map_err(|error| self.io(error))?;
        change()
    }

    /// Replaces the file: whoever reads it meanwhile, or after a crash, finds the old keys or the new ones.
    pub(super) fn write(&self, keys: &Keys) -> Result<Stamp, KeyRingError> {
        let text = Zeroizing::new(
            serde_json::to_vec_pretty(&Document::of(keys)).expect("plain strings and numbers"),
        );
        let temporary = self.beside(".new");
        let replace = || {
            // A left-over of a crash may have looser permissions than the ones asked for here.
            match fs::remove_file(&temporary) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            let mut file =
                private(OpenOptions::new().write(true).create_new(true)).open(&temporary)?;
            self.keep_owner(&file)?;
            file.write_all(&text)?;
            file.sync_all()?;
            let written = file.metadata()?;
            fs::rename(&temporary, &self.path)?;
            if let (true, Some(folder)) = (cfg!(unix), self.folder()) {
                File::open(folder)?.sync_all()?;
            }
            Ok(written)
        };
        replace()
            .map(|found| Stamp::of(&found))
            .map_err(|error| self.io(error))
    }

    pub(super) fn missing(&self) -> KeyRingError {
        self.io(io::ErrorKind::NotFound.into())
    }

    /// The server must still be able to read the file after an operator has changed it as another user.
    fn keep_owner(&self, new: &File) -> io::Result<()> {
        #[cfg(unix)]
        {
            use std::os::unix::fs::{MetadataExt, fchown};
            let (Ok(old), new_metadata) = (fs::metadata(&self.path), new.metadata()?) else {
                return Ok(());
            };
            if (old.uid(), old.gid()) != (new_metadata.uid(), new_metadata.gid()) {
                fchown(new, Some(old.uid()), Some(old.gid()))?;
            }
        }
        #[cfg(not(unix))]
        let _ = new;
        Ok(())
    }

    fn keys(&self, document: &Document) -> Result<Keys, KeyRingError> {
        if document.format != FORMAT {
            return Err(self.format(format!("its format is {}, not {FORMAT}", document.format)));
        }
        let retention = Duration::from_millis(document.longest_lifetime_ms);
        let mut keys = Keys::new(Vec::new(), retention);
        for (index, entry) in document.keys.iter().enumerate() {
            let broken = || self.format(format!("key {index} is broken"));
            let id: KeyId = entry.id.parse().map_err(|_| broken())?;
            let mut secret = Zeroizing::new([0; 32]);
            let decoded = BASE64_URL_SAFE_NO_PAD.decode_slice(&entry.secret, secret.as_mut());
            if decoded != Ok(32) {
                return Err(broken());
            }
            let key = Key {
                active_from: entry.active_from_ms.map(Timestamp),
                primary_until: entry.primary_until_ms.map(Timestamp),
                ..Key::new(id, secret, Timestamp(entry.created_ms))
            };
            keys = keys.with(key).map_err(|_| broken())?;
        }
        if keys.all().is_empty() {
            return Err(self.format("it holds no key"));
        }
        Ok(keys)
    }

    fn folder(&self) -> Option<&Path> {
        self.path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty())
    }

    fn beside(&self, suffix: &str) -> PathBuf {
        let mut path = self.path.clone().into_os_string();
        path.push(suffix);
        path.into()
    }

    fn io(&self, source: io::Error) -> KeyRingError {
        KeyRingError::Io {
            path: self.path.clone(),
            source,
        }
    }

    fn format(&self, reason: impl Into<String>) -> KeyRingError {
        KeyRingError::Format {
            path: self.path.clone(),
            reason: reason.into(),
        }
    }

    fn warn_if_others_can_read(&self, found: &fs::Metadata) {
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            if found.permissions().mode() & 0o077 != 0 {
                tracing::warn!(path = %self.path.display(), "the key file is open to other users of this machine; it should have mode 0600");
            }
        }
        #[cfg(not(unix))]
        let _ = found;
    }
}

impl Stamp {
    fn of(found: &fs::Metadata) -> Self {
        #[cfg(unix)]
        let inode = std::os::unix::fs::MetadataExt::ino(found);
        #[cfg(not(unix))]
        let inode = 0;
        Self {
            modified: found.modified().ok(),
            len: found.len(),
            inode,
        }
    }
}

fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

/// The file's form. It alone can be serialised, so that no key is by accident.
#[derive(Serialize, Deserialize)]
struct Document {
    format: u32,
    longest_lifetime_ms: u64,
    /// The first one seals until the moment of another has come.
    keys: Vec<Entry>,
}

#[derive(Serialize, Deserialize)]
struct Entry {
    id: String,
    secret: String,
    created_ms: u64,
    /// Files of before keys could be scheduled don't have it.
    active_from_ms: Option<u64>,
    primary_until_ms: Option<u64>,
}

impl Document {
    fn of(keys: &Keys) -> Self {
        let entry = |key: &Arc<Key>| Entry {
            id: key.id.to_string(),
            secret: BASE64_URL_SAFE_NO_PAD.encode(key.secret.as_ref()),
            created_ms: key.created.0,
            active_from_ms: key.active_from.map(|from| from.0),
            primary_until_ms: key.primary_until.map(|until| until.0),
        };
        Self {
            format: FORMAT,
            longest_lifetime_ms: millis(keys.retention),
            keys: keys.all().iter().map(entry).collect(),
        }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.secret.zeroize();
    }
}
