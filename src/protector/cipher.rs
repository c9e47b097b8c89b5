use aws_lc_rs::aead::{Aad, NONCE_LEN, Nonce};
use rand::Rng;

use crate::{
    clock::Timestamp,
    events::{Event, SealFailure},
    key_ring::{Key, KeyId, KeyRing},
};

pub(super) const VERSION: u8 = 1;
const TAG_LEN: usize = 16;
const NONCE_AT: usize = 1 + KeyId::LEN;
const CIPHERTEXT_AT: usize = NONCE_AT + NONCE_LEN;
/// What sealing adds to the bytes.
const OVERHEAD: usize = CIPHERTEXT_AT + TAG_LEN;

/// Why sealed bytes give nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OpenError {
    /// Another node's key or a later release's format: not ours to judge.
    Unknown,
    /// Forged, truncated, changed, or sealed for another use.
    Forged,
}

/// Seals what `write` appends to the buffer, some `len` bytes, with the associated data for a key. None when there is no key, or the bytes are too many
/// for the cipher.
pub(super) fn seal<A: AsRef<[u8]>>(
    ring: &KeyRing,
    now: Timestamp,
    associated_data: impl FnOnce(KeyId) -> A,
    len: usize,
    write: impl FnOnce(&mut Vec<u8>),
) -> Option<Vec<u8>> {
    let keys = ring.current(now);
    let Some(key) = keys.primary(now) else {
        Event::SealFailed(SealFailure::NoKey).emit();
        return None;
    };
    let mut nonce = [0; NONCE_LEN];
    rand::rng().fill_bytes(&mut nonce);
    let mut sealed = Vec::with_capacity(OVERHEAD + len);
    sealed.push(VERSION);
    sealed.extend_from_slice(&key.id.0);
    sealed.extend_from_slice(&nonce);
    write(&mut sealed);
    let tag = key.aead.seal_in_place_separate_tag(
        Nonce::assume_unique_for_key(nonce),
        Aad::from(associated_data(key.id)),
        &mut sealed[CIPHERTEXT_AT..],
    );
    let Ok(tag) = tag else {
        Event::SealFailed(SealFailure::TooLarge).emit();
        return None;
    };
    sealed.extend_from_slice(tag.as_ref());
    Some(sealed)
}

/// Opens sealed bytes in their place, and says where in them the opened ones are.
pub(super) fn open<A: AsRef<[u8]>>(
    ring: &KeyRing,
    now: Timestamp,
    associated_data: impl FnOnce(KeyId) -> A,
    sealed: &mut [u8],
) -> Result<std::ops::Range<usize>, OpenError> {
    let len = sealed.len();
    match sealed.first() {
        None => return Err(OpenError::Forged),
        Some(&version) if version != VERSION => return Err(OpenError::Unknown),
        Some(_) if len < OVERHEAD => return Err(OpenError::Forged),
        Some(_) => {}
    }
    let (head, ciphertext) = sealed.split_at_mut(CIPHERTEXT_AT);
    let (id, nonce) = head[1..].split_at(KeyId::LEN);
    let id = KeyId(id.try_into().expect("split at its length"));
    let nonce: [u8; NONCE_LEN] = nonce.try_into().expect("the rest of the head");
    let data = associated_data(id);
    let open = |key: &Key| {
        let nonce = Nonce::assume_unique_for_key(nonce);
        let data = Aad::from(data.as_ref());
        key.aead.open_in_place(nonce, data, ciphertext).is_ok()
    };
    match ring.with_key(id, now, open) {
        Some(true) => Ok(CIPHERTEXT_AT..len - TAG_LEN),
        Some(false) => Err(OpenError::Forged),
        None => Err(OpenError::Unknown),
    }
}

/// Whether sealed bytes name the key that seals now.
pub(super) fn is_under_the_primary(ring: &KeyRing, now: Timestamp, sealed: &[u8]) -> bool {
    let keys = ring.current(now);
    let named = sealed.get(1..NONCE_AT);
    keys.primary(now)
        .is_some_and(|key| named == Some(key.id.0.as_slice()))
}
