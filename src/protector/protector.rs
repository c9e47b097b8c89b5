use std::sync::Arc;

use super::{
    cipher::{self, OpenError},
    context::{Context, Purpose},
    text,
};
use crate::{clock::Timestamp, key_ring::KeyRing, ticket::Slice};

/// Seals and opens what belongs to one purpose and one owner that stays, such as the cookie of a name.
#[derive(Clone, Debug)]
pub(crate) struct Protector {
    ring: KeyRing,
    context: Context,
}

impl Protector {
    /// Application id and owner have at most 64 bytes each.
    pub(crate) fn new(
        ring: KeyRing,
        application_id: &str,
        purpose: Purpose,
        belongs_to: &[u8],
    ) -> Self {
        Self {
            ring,
            context: Context::new(application_id, purpose, belongs_to),
        }
    }

    /// Seals what `write` appends to the buffer, some `len` bytes. None when there is no key, or the bytes are too many for the cipher.
    pub(crate) fn seal(
        &self,
        now: Timestamp,
        len: usize,
        write: impl FnOnce(&mut Vec<u8>),
    ) -> Option<String> {
        let data = |key| self.context.with(key);
        let sealed = cipher::seal(&self.ring, now, data, len, write)?;
        Some(text::encode(&sealed))
    }

    /// Opens sealed text into one shared buffer.
    pub(crate) fn open(&self, now: Timestamp, sealed: &[u8]) -> Result<Slice, OpenError> {
        let mut shared = text::decode(sealed).ok_or(OpenError::Forged)?;
        let sealed = Arc::get_mut(&mut shared).expect("nobody else has the new buffer yet");
        let opened = cipher::open(&self.ring, now, |key| self.context.with(key), sealed)?;
        Ok(Slice::new(shared, opened.start, opened.end))
    }
}

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
