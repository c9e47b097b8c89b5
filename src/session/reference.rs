//! What the authentication cookie holds when the session is in a store: a secret that only the browser has, and what is needed before the store answers.
//!
//! ```text
//! flags     1 byte: 1 if the session may be extended
//! secret   32 bytes, random; the record's key is their SHA-256
//! bucket    2 bytes
//! absolute  8 bytes: when the session ends in any case
//! window    8 bytes: for how long a sign of life extends it
//! ```
//!
//! Numbers are little-endian, times in milliseconds. All of it stays as it is for as long as the record lives, so the cookie need not be set again.

use std::time::Duration;

use crate::{
    clock::Timestamp,
    config::Settings,
    id::IdGenerator,
    protector::OpenError,
    store::{RecordKey, Touch, bucket_of},
    ticket::{Reader, Ticket},
};

const EXTENDS: u8 = 1;

/// A reference to a record.
#[derive(Clone)]
pub(super) struct Reference {
    secret: [u8; 32],
    bucket: u16,
    extends: bool,
    absolute: Timestamp,
    window_ms: u64,
}

impl Reference {
    const LEN: usize = 1 + 32 + 2 + 8 + 8;

    /// A new one for the session of a ticket; none if that has no times.
    pub(super) fn generate(ticket: &Ticket, random: &dyn IdGenerator) -> Option<Self> {
        let times = ticket.properties.times?;
        let mut secret = [0; 32];
        random.fill(&mut secret);
        Some(Self {
            secret,
            bucket: bucket_of(ticket.principal.subject()),
            extends: ticket.properties.allow_refresh != Some(false),
            absolute: times.absolute,
            window_ms: times.window_ms,
        })
    }

    pub(super) fn key(&self) -> RecordKey {
        RecordKey::of_secret(&self.secret, self.bucket)
    }

    /// What a sign of life is to do; the expiry stays where sliding is off.
    pub(super) fn touch(&self, settings: &Settings, every: Duration, now: Timestamp) -> Touch {
        let expires = match settings.lifetimes.sliding && self.extends {
            true => now.plus(Duration::from_millis(self.window_ms)),
            false => now,
        };
        Touch {
            every,
            expires: expires.min(self.absolute).into(),
        }
    }

    pub(super) fn seal(&self, settings: &Settings, now: Timestamp) -> Option<String> {
        settings.protector.seal(now, Self::LEN, |out| {
            out.push(if self.extends { EXTENDS } else { 0 });
            out.extend_from_slice(&self.secret);
            out.extend_from_slice(&self.bucket.to_le_bytes());
            out.extend_from_slice(&self.absolute.0.to_le_bytes());
            out.extend_from_slice(&self.window_ms.to_le_bytes());
        })
    }

    pub(super) fn open(
        settings: &Settings,
        sealed: &[u8],
        now: Timestamp,
    ) -> Result<Self, OpenError> {
        let opened = settings.protector.open(now, sealed)?;
        // Bytes that were sealed for this are a reference, unless a later version has sealed them.
        Self::read(&opened).ok_or(OpenError::Unknown)
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        let flags = reader.byte().filter(|flags| *flags <= EXTENDS)?;
        let reference = Self {
            extends: flags == EXTENDS,
            secret: reader.array()?,
            bucket: u16::from_le_bytes(reader.array()?),
            absolute: Timestamp(u64::from_le_bytes(reader.array()?)),
            window_ms: u64::from_le_bytes(reader.array()?),
        };
        (reader.len() == 0).then_some(reference)
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::{
        id::SystemRandom, key_ring::KeyRing, lifetimes::Lifetimes,
        ticket::AuthenticationProperties, ticket::Principal,
    };

    #[test]
    fn s1_a_reference_has_a_constant_size_and_a_secret_of_its_own() {
        let config = crate::SessionConfig::builder(KeyRing::ephemeral())
            .store(crate::store::MemoryStore::new(1))
            .build()
            .unwrap();
        let settings = config.settings();
        let now = settings.now();
        let lifetimes = Lifetimes {
            window: Duration::from_secs(60),
            sliding: true,
            absolute: Duration::from_secs(3600),
        };
        let reference = |subject: &str| {
            let mut properties = AuthenticationProperties::new();
            properties.times = Some(lifetimes.sign_in(now, None, now.plus(lifetimes.absolute)));
            let ticket = Ticket::new(Principal::builder(subject).build(), properties);
            Reference::generate(&ticket, &SystemRandom).unwrap()
        };
        let (one, other) = (reference("a"), reference(&"a".repeat(255)));
        let sealed = [&one, &other].map(|reference| reference.seal(settings, now).unwrap());
        assert_eq!(sealed[0].len(), 118);
        assert_eq!(sealed[1].len(), 118);
        assert_ne!(one.key(), other.key());
        let opened = Reference::open(settings, sealed[0].as_bytes(), now).unwrap();
        assert_eq!(opened.key(), one.key());
        assert_eq!(opened.bucket, bucket_of("a"));
        let touch = opened.touch(settings, Duration::ZERO, now);
        assert_eq!(
            touch.expires,
            SystemTime::from(now),
            "sliding is off in the configuration"
        );
    }
}
