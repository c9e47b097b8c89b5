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

/// Pages of text, forms and one stylesheet, in nobody's frame.
const POLICY: &str = "default-src 'none'; style-src 'self'; form-action 'self'; \
    frame-ancestors 'none'; base-uri 'none'";
