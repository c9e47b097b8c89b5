use aws_lc_rs::digest::{SHA256, digest};
use axum::body::Bytes;
use base64::{Engine, prelude::BASE64_STANDARD};
use http::HeaderValue;

use crate::cookie::CookiePolicy;

/// The page in the frame. It is the same for every user, client and request.
#[derive(Clone)]
pub(super) struct Page {
    pub(super) html: Bytes,
    pub(super) etag: HeaderValue,
    pub(super) security_policy: HeaderValue,
}

impl Page {
    /// The page that reads a session id cookie.
    pub(super) fn new(cookie: &CookiePolicy) -> Self {
        let html = format!(
            include_str!("page.html"),
            cookie = escape(&cookie.name),
            attributes = escape(cookie.rendered()),
            script = SCRIPT,
        );
        let etag = format!("\"{}\"", hash(&html));
        // Nothing but this one script, which may ask its own server, and write into no page. Pages of all clients may have it in a frame, whatever an
        // `X-Frame-Options` of the host says (CSP Level 3, section 6.4.2).
        let security_policy = format!(
            "default-src 'none'; script-src 'sha256-{}'; connect-src 'self'; base-uri 'none'; form-action 'none'; \
             frame-ancestors *; require-trusted-types-for 'script'; trusted-types 'none'",
            hash(SCRIPT)
        );
        Self {
            html: html.into(),
            etag: visible(&etag),
            security_policy: visible(&security_policy),
        }
    }
}

const SCRIPT: &str = include_str!("page.js");

fn hash(text: &str) -> String {
    BASE64_STANDARD.encode(digest(&SHA256, text.as_bytes()))
}

fn visible(text: &str) -> HeaderValue {
    HeaderValue::try_from(text).expect("base64 and our own text are visible ASCII")
}

/// A cookie's name may have an ampersand in it, its path a quotation mark.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('"', "&quot;")
        .replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An end tag or a comment would end the script early, and then the hash would be another's.
    #[test]
    fn o2_the_script_can_stand_in_a_page() {
        for text in ["</script", "<script", "<!--", "\r"] {
            assert!(!SCRIPT.to_lowercase().contains(text), "{text:?}");
        }
    }
}
