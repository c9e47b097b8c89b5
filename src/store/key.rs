use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};

/// What a store finds a record by: the SHA-256 of the secret that only the browser's cookie holds. A copy of the store opens no session.
///
/// With it goes the bucket that the record is in, for stores that are spread over several machines: all records of one subject are in one
/// bucket, so that what must happen to them in one step can. Stores on one machine need not look at it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordKey {
    digest: [u8; Self::LEN],
    bucket: u16,
}

impl RecordKey {
    /// Its length in bytes, without the bucket.
    pub const LEN: usize = 32;
    /// How many buckets there are. The number is part of every reference, so it is fixed; a store that uses buckets keeps it with its data, and refuses data of
    /// another number.
    pub const BUCKETS: u16 = 1024;

    /// The key of a record that a store has found, by its bytes and the bucket that it was in.
    ///
    /// A bucket past the last one wraps around, so that it can be used as an index.
    pub fn new(digest: [u8; Self::LEN], bucket: u16) -> Self {
        Self {
            digest,
            bucket: bucket % Self::BUCKETS,
        }
    }

    /// The key of a record that a store has found, by its bytes and its subject.
    pub fn of_subject(digest: [u8; Self::LEN], subject: &str) -> Self {
        Self::new(digest, bucket_of(subject))
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8; Self::LEN] {
        &self.digest
    }

    /// The bucket, below [`BUCKETS`](Self::BUCKETS).
    pub fn bucket(&self) -> u16 {
        self.bucket
    }

    /// The key of the record that a secret opens.
    pub(crate) fn of_secret(secret: &[u8], bucket: u16) -> Self {
        Self::new(sha256(secret), bucket)
    }
}

/// Enough to tell two records apart in a log, and not enough to ask a store with.
impl fmt::Debug for RecordKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [first, second, ..] = self.digest;
        write!(f, "RecordKey({first:02x}{second:02x}..)")
    }
}

/// The bucket that all records of a subject are in, below [`RecordKey::BUCKETS`].
pub fn bucket_of(subject: &str) -> u16 {
    let [first, second, ..] = sha256(subject.as_bytes());
    u16::from_be_bytes([first, second]) % RecordKey::BUCKETS
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    let digest = digest(&SHA256, bytes);
    digest.as_ref().try_into().expect("SHA-256 has 32 bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s1_the_key_is_sha256_of_the_secret() {
        let key = RecordKey::of_secret(b"abc", 7);
        assert_eq!(key.as_bytes()[..4], [0xBA, 0x78, 0x16, 0xBF]);
        assert_eq!(key.bucket(), 7);
        let shown = format!("RecordKey({:02x}{:02x}..)", 0xBA, 0x78);
        assert_eq!(format!("{key:?}"), shown);
    }

    /// The bucket is in every reference that a browser holds, so this must never change.
    #[test]
    fn s16_the_bucket_of_a_subject_is_fixed() {
        for (subject, bucket) in [("alice", 0x2BD8 % 1024), ("", 0xE3B0 % 1024)] {
            assert_eq!(bucket_of(subject), bucket, "{subject:?}");
        }
    }
}
