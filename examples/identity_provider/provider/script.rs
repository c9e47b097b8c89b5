//! Scripts of pages, and how a policy lets just them run.

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, engine::general_purpose::STANDARD};

/// The source expression for a script between tags (Content Security Policy Level 3 section 2.3.1), without its quotes.
pub(crate) fn hash(script: &str) -> String {
    format!(
        "sha256-{}",
        STANDARD.encode(digest(&SHA256, script.as_bytes()))
    )
}
