//! The page's content security policy (CSP Level 3).

use std::{collections::BTreeSet, sync::LazyLock};

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, prelude::BASE64_STANDARD};

use super::frame::Frame;

/// Where the list of origins stands.
pub(super) struct Policy {
    pub(super) header: String,
    /// What stands in the page, when the list is too long for a header.
    pub(super) in_page: Option<String>,
}

impl Policy {
    pub(super) fn of(frames: &[Frame]) -> Self {
        let frame_src = frame_src(frames);
        if frame_src.len() <= LONGEST_LIST {
            let header = format!("{}; {frame_src}", *FIXED);
            return Self {
                header,
                in_page: None,
            };
        }
        Self {
            header: format!("{}; frame-src https: http:", *FIXED),
            in_page: Some(frame_src),
        }
    }
}

/// The directive that lets a browser load these frames, and no others.
pub(super) fn frame_src(frames: &[Frame]) -> String {
    let origins: BTreeSet<_> = frames.iter().map(|frame| frame.origin.as_str()).collect();
    match origins.is_empty() {
        true => "frame-src 'none'".to_owned(),
        false => origins
            .iter()
            .fold("frame-src".to_owned(), |list, origin| list + " " + origin),
    }
}

/// Of the header, in bytes.
const LONGEST_LIST: usize = 2048;

pub(super) const SCRIPT: &str = include_str!("page.js");
pub(super) const STYLE: &str = include_str!("page.css");

static FIXED: LazyLock<String> = LazyLock::new(|| {
    format!(
        "default-src 'none'; script-src {}; style-src {}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        source(SCRIPT),
        source(STYLE),
    )
});

/// What lets a browser run an inline text (CSP Level 3 section 2.3.1, `hash-source`).
fn source(text: &str) -> String {
    let hash = digest(&SHA256, text.as_bytes());
    format!("'sha256-{}'", BASE64_STANDARD.encode(hash))
}
