//! Bytes to sealed text and back: AES-256-GCM-SIV (RFC 8452) under the key ring, as unpadded base64url where it is text.
//!
//! ```text
//! version  1 byte
//! key id   8 bytes
//! nonce   12 bytes, random
//! ciphertext, tag of 16 bytes
//! ```
//!
//! Authenticated with it, each with its length in front: application id, purpose, what the sealed thing belongs to, version, key id. So nothing
//! that was sealed for one use can be passed off in another.

mod cipher;
mod context;
#[expect(
    clippy::module_inception,
    reason = "the file that holds the type of that name"
)]
mod protector;
mod text;
mod vault;

pub(crate) use self::cipher::OpenError;
pub(crate) use self::context::Purpose;
pub(crate) use self::protector::Protector;
pub(crate) use self::vault::Vault;
