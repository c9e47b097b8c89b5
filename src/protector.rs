//! Bytes to sealed text and back: AES-256-GCM-SIV (RFC 8452) under the key ring, as unpadded base64url.
//!
//! ```text
//! version  1 byte
//! key id   8 bytes
//! nonce   12 bytes, random
//! ciphertext, tag of 16 bytes
//! ```
//!
//! Authenticated with it, each with its length in front: application id, purpose, what the sealed thing belongs to, version, key id. So nothing that was sealed for one use can be passed off in another.

use std::sync::{Arc, LazyLock};

use aws_lc_rs::aead::{Aad, NONCE_LEN, Nonce};
use base64::engine::{Engine, GeneralPurposeConfig, general_purpose::NO_PAD};
use rand::Rng;

use crate::{
    clock::Timestamp,
    key_ring::{Key, KeyId, KeyRing},
    ticket::Slice,
};

const VERSION: u8 = 1;
const TAG_LEN: usize = 16;
const NONCE_AT: usize = 1 + KeyId::LEN;
const CIPHERTEXT_AT: usize = NONCE_AT + NONCE_LEN;
/// What sealing adds to the bytes, before base64.
const OVERHEAD: usize = CIPHERTEXT_AT + TAG_LEN;

/// What something was sealed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    Ticket,
}

impl Purpose {
    fn name(self) -> &'static [u8] {
        match self {
            Self::Ticket => b"ticket",
        }
    }
}

/// Why sealed text gives nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OpenError {
    /// Another node's key or a later release's format: not ours to judge.
    Unknown,
    /// Forged, truncated, changed, or sealed for another use.
    Forged,
}

/// Seals and opens what belongs to one purpose and one owner, such as the cookie of a name.
#[derive(Clone, Debug)]
pub(crate) struct Protector {
    ring: KeyRing,
    context: Context,
}

/// The associated data, with room for the key id at its end. On the stack, because it is completed for every ticket.
#[derive(Clone, Copy, Debug)]
struct Context {
    bytes: [u8; Self::CAPACITY],
    len: usize,
}

impl Protector {
    /// Application id and owner have at most 64 bytes each.
    pub(crate) fn new(
        ring: KeyRing,
        application_id: &str,
        purpose: Purpose,
        belongs_to: &[u8],
    ) -> Self {
        let fields = [
            application_id.as_bytes(),
            purpose.name(),
            belongs_to,
            &[VERSION],
            &[0; KeyId::LEN],
        ];
        Self {
            ring,
            context: Context::new(&fields),
        }
    }

    /// Seals what `write` appends to the buffer, some `len` bytes. None when there is no key, or the bytes are too many for the cipher.
    pub(crate) fn seal(
        &self,
        now: Timestamp,
        len: usize,
        write: impl FnOnce(&mut Vec<u8>),
    ) -> Option<String> {
        let keys = self.ring.current(now);
        let key = keys.primary()?;
        let mut nonce = [0; NONCE_LEN];
        rand::rng().fill_bytes(&mut nonce);
        let mut sealed = Vec::with_capacity(OVERHEAD + len);
        sealed.push(VERSION);
        sealed.extend_from_slice(&key.id.0);
        sealed.extend_from_slice(&nonce);
        write(&mut sealed);
        let tag = key
            .aead
            .seal_in_place_separate_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(self.context.with(key.id)),
                &mut sealed[CIPHERTEXT_AT..],
            )
            .ok()?;
        sealed.extend_from_slice(tag.as_ref());
        Some(BASE64.encode(&sealed))
    }

    /// Opens sealed text into one shared buffer.
    pub(crate) fn open(&self, now: Timestamp, text: &[u8]) -> Result<Slice, OpenError> {
        let len = text.len() / 4 * 3 + text.len() % 4 * 3 / 4;
        if len < 1 {
            return Err(OpenError::Forged);
        }
        // One allocation: an iterator of known length is collected into the `Arc` in place.
        let mut shared: Arc<[u8]> = std::iter::repeat_n(0, len).collect();
        let sealed = Arc::get_mut(&mut shared).expect("nobody else has the new buffer yet");
        if BASE64.decode_slice(text, sealed) != Ok(len) {
            return Err(OpenError::Forged);
        }
        if sealed[0] != VERSION {
            return Err(OpenError::Unknown);
        }
        if len < OVERHEAD {
            return Err(OpenError::Forged);
        }
        let (head, ciphertext) = sealed.split_at_mut(CIPHERTEXT_AT);
        let (id, nonce) = head[1..].split_at(KeyId::LEN);
        let id = KeyId(id.try_into().expect("split at its length"));
        let nonce: [u8; NONCE_LEN] = nonce.try_into().expect("the rest of the head");
        let open = |key: &Key| {
            let nonce = Nonce::assume_unique_for_key(nonce);
            let data = Aad::from(self.context.with(key.id));
            key.aead.open_in_place(nonce, data, ciphertext).is_ok()
        };
        match self.ring.with_key(id, now, open) {
            Some(true) => Ok(Slice::new(shared, CIPHERTEXT_AT, len - TAG_LEN)),
            Some(false) => Err(OpenError::Forged),
            None => Err(OpenError::Unknown),
        }
    }
}

impl Context {
    const CAPACITY: usize = 192;

    fn new(fields: &[&[u8]]) -> Self {
        let mut context = Self {
            bytes: [0; Self::CAPACITY],
            len: 0,
        };
        for field in fields {
            context.push(&(field.len() as u32).to_be_bytes());
            context.push(field);
        }
        context
    }

    fn push(&mut self, bytes: &[u8]) {
        let end = self.len + bytes.len();
        self.bytes[self.len..end].copy_from_slice(bytes);
        self.len = end;
    }

    fn with(mut self, KeyId(id): KeyId) -> Self {
        self.bytes[self.len - KeyId::LEN..self.len].copy_from_slice(&id);
        self
    }
}

impl AsRef<[u8]> for Context {
    fn as_ref(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

/// Refuses padding and stray bits, so that sealed bytes have one text.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
static BASE64: LazyLock<base64::engine::Simd> =
    LazyLock::new(|| base64::engine::Simd::url_safe(CONFIG));
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
static BASE64: LazyLock<base64::engine::GeneralPurpose> =
    LazyLock::new(|| base64::engine::GeneralPurpose::new(&base64::alphabet::URL_SAFE, CONFIG));

const CONFIG: GeneralPurposeConfig = NO_PAD;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: Timestamp = Timestamp(1);

    fn protector(ring: &KeyRing, application_id: &str, name: &str) -> Protector {
        Protector::new(
            ring.clone(),
            application_id,
            Purpose::Ticket,
            name.as_bytes(),
        )
    }

    fn seal(protector: &Protector, bytes: &[u8]) -> String {
        protector
            .seal(NOW, bytes.len(), |out| out.extend_from_slice(bytes))
            .unwrap()
    }

    #[test]
    fn k8_only_the_same_application_and_name_open() {
        let ring = KeyRing::ephemeral();
        let sealed = seal(&protector(&ring, "app", "cookie"), b"secret");
        for (name, application_id, cookie, expected) in [
            ("the same", "app", "cookie", Ok(())),
            (
                "another application",
                "other",
                "cookie",
                Err(OpenError::Forged),
            ),
            ("another name", "app", "other", Err(OpenError::Forged)),
            (
                "a byte moved between the fields",
                "appc",
                "ookie",
                Err(OpenError::Forged),
            ),
        ] {
            let opened = protector(&ring, application_id, cookie).open(NOW, sealed.as_bytes());
            assert_eq!(
                opened.map(|bytes| assert_eq!(&*bytes, b"secret")),
                expected,
                "{name}"
            );
        }
    }

    #[test]
    fn k8_unknown_key_or_version_is_not_forged() {
        let sealed = seal(
            &protector(&KeyRing::ephemeral(), "app", "cookie"),
            b"secret",
        );
        let other = protector(&KeyRing::ephemeral(), "app", "cookie");
        assert_eq!(other.open(NOW, sealed.as_bytes()), Err(OpenError::Unknown));
        // A later release may write anything after its version.
        assert_eq!(other.open(NOW, b"Ag"), Err(OpenError::Unknown));
        assert_eq!(other.open(NOW, b"AQ"), Err(OpenError::Forged));
    }

    proptest! {
        #[test]
        fn any_bytes_round_trip(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
            let protector = protector(&KeyRing::ephemeral(), "app", "cookie");
            let opened = protector.open(NOW, seal(&protector, &bytes).as_bytes()).unwrap();
            prop_assert_eq!(&*opened, &bytes[..]);
        }

        #[test]
        fn any_text_opens_to_nothing(text in prop::collection::vec(any::<u8>(), 0..200)) {
            let protector = protector(&KeyRing::ephemeral(), "app", "cookie");
            prop_assert!(protector.open(NOW, &text).is_err());
        }
    }

    #[test]
    fn any_single_bit_flipped_opens_to_nothing() {
        let protector = protector(&KeyRing::ephemeral(), "app", "cookie");
        // One length for each remainder, so that the last character's stray bits are flipped too.
        for len in 20..23 {
            let sealed = seal(&protector, &vec![7; len]).into_bytes();
            for bit in 0..sealed.len() * 8 {
                let mut flipped = sealed.clone();
                flipped[bit / 8] ^= 1 << (bit % 8);
                assert!(protector.open(NOW, &flipped).is_err(), "bit {bit}");
            }
        }
    }
}
