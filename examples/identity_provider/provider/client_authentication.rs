//! How clients show at the token endpoint who they are (OpenID Connect Core 1.0 section 9).

use std::sync::Arc;

use axum::http::{HeaderMap, header::AUTHORIZATION};
use base64::{Engine, engine::general_purpose::STANDARD};
use percent_encoding::percent_decode_str;

use super::{
    applications::{Application, Applications},
    parameters::Parameters,
};

/// The names of all methods.
pub(super) const METHODS: [&str; 3] = ["client_secret_basic", "client_secret_post", "none"];

/// The client that a request comes from. None if it has not shown that it is the one it says.
pub(super) fn authenticate(
    applications: &Applications,
    headers: &HeaderMap,
    form: &Parameters,
) -> Option<Arc<Application>> {
    let posted = (form.text("client_id"), form.text("client_secret"));
    let in_header = match headers.get(AUTHORIZATION) {
        None => None,
        Some(header) => Some(basic(header.to_str().ok()?)?),
    };
    let (id, secret) = match (&in_header, posted) {
        // One way at a time (RFC 6749 section 2.3); the id may be there twice, if it is the same.
        (Some((id, secret)), (also, None)) if also.is_none_or(|also| also == id) => {
            (&**id, Some(&**secret))
        }
        (None, (Some(id), secret)) => (id, secret),
        _ => return None,
    };
    let application = applications.find(id)?;
    let shown = match secret {
        Some(secret) => application.has_secret(secret),
        // A public client shows nothing; its code is bound to who asked for it by the proof key.
        None => application.is_public(),
    };
    shown.then(|| Arc::clone(application))
}

/// Id and secret, each encoded as a form's value (RFC 6749 section 2.3.1).
fn basic(header: &str) -> Option<(String, String)> {
    let (scheme, encoded) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = decoded.split_once(':')?;
    let plain = |text: &str| {
        let spaces = text.replace('+', " ");
        let decoded = percent_decode_str(&spaces).decode_utf8();
        decoded.ok().map(|text| text.into_owned())
    };
    Some((plain(id)?, plain(secret)?))
}
