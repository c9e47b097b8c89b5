//! Whether somebody wants a page to look at, or JSON.

use std::convert::Infallible;

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, header::ACCEPT, request::Parts},
};

/// The form of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    Page,
    Json,
}

impl Wanted {
    /// By the header `Accept` (RFC 9110 section 12.5.1): JSON is for those who name it, and don't like HTML better.
    pub(crate) fn by(headers: &HeaderMap) -> Self {
        let lines = headers.get_all(ACCEPT).iter();
        let lines = lines.filter_map(|line| line.to_str().ok());
        let (mut json, mut html) = (0.0, 0.0);
        for range in lines.flat_map(|line| line.split(',')) {
            let mut parts = range.split(';').map(str::trim);
            let media_type = parts.next().unwrap_or_default();
            let quality = parts
                .find_map(|part| part.strip_prefix("q=").or(part.strip_prefix("Q=")))
                .map_or(1.0, |quality| quality.parse().unwrap_or(0.0));
            if media_type.eq_ignore_ascii_case("application/json") {
                json = f32::max(json, quality);
            } else if media_type.eq_ignore_ascii_case("text/html") {
                html = f32::max(html, quality);
            }
        }
        match json > 0.0 && json >= html {
            true => Self::Json,
            false => Self::Page,
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Wanted {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::by(&parts.headers))
    }
}
