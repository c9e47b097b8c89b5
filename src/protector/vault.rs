use std::sync::Arc;

use super::{
    cipher::{self, OpenError},
    context::{Purpose, associated_data, complete},
    text,
};
use crate::{clock::Timestamp, key_ring::KeyRing, ticket::Slice};

/// Seals and opens what belongs to an owner that is another one from call to call, such as a record of a store.
#[derive(Clone, Debug)]
pub(crate) struct Vault {
    ring: KeyRing,
    application_id: String,
}

impl Vault {
    pub(crate) fn new(ring: KeyRing, application_id: String) -> Self {
        Self {
            ring,
            application_id,
        }
    }

    /// Seals what `write` appends, some `len` bytes.
    pub(crate) fn seal(
        &self,
        now: Timestamp,
        purpose: Purpose,
        belongs_to: &[&[u8]],
        len: usize,
        write: impl FnOnce(&mut Vec<u8>),
    ) -> Option<Vec<u8>> {
        let mut data = associated_data(&self.application_id, purpose, belongs_to);
        let data = |key| {
            complete(&mut data, key);
            data
        };
        cipher::seal(&self.ring, now, data, len, write)
    }

    /// Opens sealed bytes, copied into one shared buffer.
    pub(crate) fn open(
        &self,
        now: Timestamp,
        purpose: Purpose,
        belongs_to: &[&[u8]],
        sealed: &[u8],
    ) -> Result<Slice, OpenError> {
        self.open_shared(now, purpose, belongs_to, sealed.into())
    }

    /// [`seal`](Self::seal) as text.
    pub(crate) fn seal_text(
        &self,
        now: Timestamp,
        purpose: Purpose,
        belongs_to: &[&[u8]],
        bytes: &[u8],
    ) -> Option<String> {
        let write = |out: &mut Vec<u8>| out.extend_from_slice(bytes);
        let sealed = self.seal(now, purpose, belongs_to, bytes.len(), write)?;
        Some(text::encode(&sealed))
    }

    /// Opens what [`seal_text`](Self::seal_text) has sealed.
    pub(crate) fn open_text(
        &self,
        now: Timestamp,
        purpose: Purpose,
        belongs_to: &[&[u8]],
        sealed: &[u8],
    ) -> Result<Slice, OpenError> {
        let shared = text::decode(sealed).ok_or(OpenError::Forged)?;
        self.open_shared(now, purpose, belongs_to, shared)
    }

    /// Whether sealed bytes need not be sealed anew: they are under the key that seals now.
    pub(crate) fn is_current(&self, now: Timestamp, sealed: &[u8]) -> bool {
        cipher::is_under_the_primary(&self.ring, now, sealed)
    }

    fn open_shared(
        &self,
        now: Timestamp,
        purpose: Purpose,
        belongs_to: &[&[u8]],
        mut shared: Arc<[u8]>,
    ) -> Result<Slice, OpenError> {
        let mut data = associated_data(&self.application_id, purpose, belongs_to);
        let data = |key| {
            complete(&mut data, key);
            data
        };
        let sealed = Arc::get_mut(&mut shared).expect("nobody else has the new buffer yet");
        let opened = cipher::open(&self.ring, now, data, sealed)?;
        Ok(Slice::new(shared, opened.start, opened.end))
    }
}
