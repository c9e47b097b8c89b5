//! Random values that others keep, and what is kept of them here: their SHA-256, which opens nothing.

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

/// What is left of a secret.
pub(crate) type Hash = [u8; 32];

/// 256 random bits as text, for somebody else to keep.
pub(crate) fn fresh() -> String {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>())
}

/// The SHA-256 of a text.
pub(crate) fn hash(text: &str) -> Hash {
    let digest = digest(&SHA256, text.as_bytes());
    digest.as_ref().try_into().expect("SHA-256 has 32 bytes")
}

/// The left half of the SHA-256 of a text (OpenID Connect Core 1.0 section 3.1.3.6, `at_hash`).
pub(crate) fn left_half(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(&hash(text)[..16])
}
