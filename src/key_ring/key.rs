use std::{fmt, str::FromStr, time::SystemTime};

use aws_lc_rs::{
    aead::{AES_256_GCM_SIV, LessSafeKey, UnboundKey},
    hkdf::{HKDF_SHA256, KeyType, Salt},
};
use zeroize::Zeroizing;

use crate::{clock::Timestamp, key_ring::error::KeyRingError};

/// Names a key: it stands in front of everything the key has sealed. Not secret.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId(pub(crate) [u8; KeyId::LEN]);

impl KeyId {
    pub(crate) const LEN: usize = 8;
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

impl FromStr for KeyId {
    type Err = KeyRingError;

    /// Reads what `Display` writes: 16 hexadecimal digits.
    fn from_str(text: &str) -> Result<Self, KeyRingError> {
        if text.len() != 2 * Self::LEN || !text.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(KeyRingError::UnknownKey);
        }
        u64::from_str_radix(text, 16)
            .map(|id| Self(id.to_be_bytes()))
            .map_err(|_| KeyRingError::UnknownKey)
    }
}

/// What an operator may know of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyInfo {
    pub(super) id: KeyId,
    pub(super) primary: bool,
    pub(super) created: Timestamp,
    pub(super) active_from: Option<Timestamp>,
    pub(super) primary_until: Option<Timestamp>,
}

impl KeyInfo {
    /// Its id.
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// Whether it is the key that seals.
    pub fn is_primary(&self) -> bool {
        self.primary
    }

    /// When it came into the ring.
    pub fn created(&self) -> SystemTime {
        self.created.into()
    }

    /// When it becomes the primary, if it is [scheduled](crate::KeyRing::schedule), or became it, if it is the primary. None for a key that
    /// only opens, and for the first key of a ring, which has sealed from the beginning.
    pub fn active_from(&self) -> Option<SystemTime> {
        self.active_from.map(Into::into)
    }

    /// When it stopped being the primary, if it ever was: the moment that the next one became it.
    pub fn primary_until(&self) -> Option<SystemTime> {
        self.primary_until.map(Into::into)
    }
}

/// One AES-256-GCM-SIV key (RFC 8452), expanded once.
pub(crate) struct Key {
    pub(crate) id: KeyId,
    pub(crate) aead: LessSafeKey,
    /// Kept because a key file has to be written again; zeroised on drop, as the expanded key is by its own library.
    pub(super) secret: Zeroizing<[u8; 32]>,
    pub(super) created: Timestamp,
    /// When it becomes the primary, or became it; none when it only opens, and for the first of a ring.
    pub(super) active_from: Option<Timestamp>,
    pub(super) primary_until: Option<Timestamp>,
}

impl Key {
    pub(super) fn new(id: KeyId, secret: Zeroizing<[u8; 32]>, created: Timestamp) -> Self {
        let unbound = UnboundKey::new(&AES_256_GCM_SIV, secret.as_ref())
            .expect("AES-256-GCM-SIV takes any 32 bytes as a key");
        Self {
            id,
            aead: LessSafeKey::new(unbound),
            secret,
            created,
            active_from: None,
            primary_until: None,
        }
    }

    /// A new random key.
    pub(super) fn generate(created: Timestamp) -> Self {
        let mut id = [0; KeyId::LEN];
        let mut secret = Zeroizing::new([0; 32]);
        aws_lc_rs::rand::fill(&mut id).expect("the operating system has randomness");
        aws_lc_rs::rand::fill(secret.as_mut()).expect("the operating system has randomness");
        Self::new(KeyId(id), secret, created)
    }

    /// The key that belongs to a secret of the host's: id and key are derived (HKDF, RFC 5869), so every node that has the secret
    /// has the same key under the same id, and the secret may serve other purposes of the host too.
    pub(super) fn derive(secret: &[u8], created: Timestamp) -> Result<Self, KeyRingError> {
        if secret.len() < 32 {
            return Err(KeyRingError::ShortSecret);
        }
        let mut id = [0; KeyId::LEN];
        let mut key = Zeroizing::new([0; 32]);
        let extracted = Salt::new(HKDF_SHA256, b"axum-user-session v1").extract(secret);
        for (info, out) in [(b"key id", &mut id[..]), (b"sealer", key.as_mut())] {
            extracted
                .expand(&[info], Length(out.len()))
                .and_then(|okm| okm.fill(out))
                .expect("HKDF-SHA256 yields up to 8160 bytes");
        }
        Ok(Self::new(KeyId(id), key, created))
    }
}

impl Key {
    /// A key that came from elsewhere may have been the primary there until now.
    pub(super) fn perhaps_used_until(self, now: Timestamp) -> Self {
        Self {
            primary_until: Some(now),
            ..self
        }
    }

    /// The same key at another point of its life.
    pub(super) fn with_times(
        &self,
        active_from: Option<Timestamp>,
        primary_until: Option<Timestamp>,
    ) -> Self {
        Self {
            active_from,
            primary_until,
            ..Self::new(self.id, self.secret.clone(), self.created)
        }
    }
}

struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_debug_shows_no_secret() {
        let key = Key::new(KeyId([1; 8]), Zeroizing::new([0xAB; 32]), Timestamp(0));
        let shown = format!("{key:?}");
        assert_eq!(shown, "Key { id: KeyId(0101010101010101), .. }");
    }

    #[test]
    fn key_id_round_trips_as_text() {
        let id = KeyId([0, 1, 2, 0xFF, 4, 5, 6, 7]);
        assert_eq!(id.to_string().parse::<KeyId>().unwrap(), id);
        assert!("+001020304050607".parse::<KeyId>().is_err());
        assert!("00".parse::<KeyId>().is_err());
    }

    #[test]
    fn k9_one_secret_gives_one_key_everywhere() {
        let secret = [7; 40];
        let here = Key::derive(&secret, Timestamp(0)).unwrap();
        let there = Key::derive(&secret, Timestamp(9)).unwrap();
        assert_eq!((here.id, &here.secret), (there.id, &there.secret));
        assert_ne!(here.secret.as_ref(), &secret[..32]);
        assert!(Key::derive(&secret[..31], Timestamp(0)).is_err());
    }
}
