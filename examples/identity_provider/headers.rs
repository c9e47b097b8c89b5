//! What every response tells the browser about this site.

use axum::{
    http::{
        HeaderValue,
        header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS},
    },
    response::Response,
};

/// Adds the headers.
pub(crate) async fn protect(mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in [
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // Not `no-referrer`: with that one, browsers send forms with `Origin: null`, which the same-origin layer refuses.
        (REFERRER_POLICY, "same-origin"),
        // A page shows who is signed in; it must not come back from a cache after the sign-out.
        (CACHE_CONTROL, "no-store"),
    ] {
        // Some pages need others of their own.
        let value = HeaderValue::from_static(value);
        headers.entry(name).or_insert(value);
    }
    response
}

/// The policy of a page with a form that leads to an application in the end. Browsers ask it for every redirect on the way (Content Security Policy
/// Level 3 section 6.4.1).
pub(crate) fn with_form_to(mut response: Response, destination: Option<&str>) -> Response {
    let policy = destination.map(|origin| {
        let to = format!("form-action 'self' {origin}");
        HeaderValue::try_from(POLICY.replace("form-action 'self'", &to))
    });
    if let Some(Ok(policy)) = policy {
        let headers = response.headers_mut();
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// Pages of text, forms and one stylesheet, in nobody's frame.
const POLICY: &str = "default-src 'none'; style-src 'self'; form-action 'self'; \
    frame-ancestors 'none'; base-uri 'none'";
