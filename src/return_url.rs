//! Where to send the browser after a sign-in, without becoming an open redirect.

use std::fmt;

use axum::extract::OriginalUri;
use http::{Method, Request};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// A path on this site that it is safe to redirect to.
///
/// A `return_url` parameter is written by whoever wrote the link, so parse it before you redirect to it; anything
/// that could leave the site becomes your default page.
///
/// # Rules
///
/// 1. It begins with one `/`, and neither `/` nor `\` follows: browsers take `//host` and `/\host` for another site
///    (URL Standard, "path-relative-scheme-less-URL" and special schemes).
/// 2. It holds no control character and no backslash, neither as it stands nor percent-decoded once.
/// 3. Percent-decoded once, rule 1 still holds.
/// 4. It is visible ASCII, as a `Location` header carries it, and at most 2048 bytes.
///
/// It may hold `"`, `<` and `>`: escape it where it stands in HTML, as any other text.
///
/// ```
/// use axum_user_session::return_url::ReturnUrl;
///
/// assert_eq!(ReturnUrl::or_default(Some("/orders?page=2"), "/").as_str(), "/orders?page=2");
/// assert_eq!(ReturnUrl::or_default(Some("//evil.example"), "/").as_str(), "/");
/// assert_eq!(ReturnUrl::or_default(None, "/").as_str(), "/");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReturnUrl(String);

impl ReturnUrl {
    const MAX_LEN: usize = 2048;

    /// Takes a path that satisfies the rules, or nothing.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > Self::MAX_LEN || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return None;
        }
        let decoded: Vec<u8> = percent_decode_str(text).collect();
        (is_local(text.as_bytes()) && is_local(&decoded)).then(|| Self(text.to_owned()))
    }

    /// The given path if it satisfies the rules, else `default`, which is the host's own and not checked.
    pub fn or_default(text: Option<&str>, default: &str) -> Self {
        text.and_then(Self::parse)
            .unwrap_or_else(|| Self(default.to_owned()))
    }

    /// The path that a request asked for, to come back to after a sign-in: only for `GET`, because a redirect repeats
    /// nothing else, and from the original URI, because nested routers cut their prefix off.
    pub fn of_request<B>(request: &Request<B>) -> Option<Self> {
        if request.method() != Method::GET {
            return None;
        }
        let uri = match request.extensions().get::<OriginalUri>() {
            Some(OriginalUri(uri)) => uri,
            None => request.uri(),
        };
        Self::parse(uri.path_and_query()?.as_str())
    }

    /// The path with its query.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The path percent-encoded, to stand as the value of a query parameter.
    pub fn to_query_value(&self) -> String {
        utf8_percent_encode(&self.0, QUERY_VALUE).to_string()
    }
}

impl fmt::Display for ReturnUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for ReturnUrl {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

fn is_local(path: &[u8]) -> bool {
    let one_slash = path.first() == Some(&b'/') && !matches!(path.get(1), Some(b'/' | b'\\'));
    one_slash
        && !path
            .iter()
            .any(|&byte| byte == b'\\' || byte.is_ascii_control())
}

/// The unreserved characters of RFC 3986 section 2.3, and the slash for the reader's sake (section 3.4 allows it).
const QUERY_VALUE: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'/');

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r1_return_url_table() {
        for (name, text, accepted) in [
            ("root", "/", true),
            ("path", "/a/b", true),
            ("query", "/a?b=c&d=/e", true),
            ("fragment", "/a#b", true),
            ("encoded space", "/a%20b", true),
            ("encoded slash inside", "/a%2Fb", true),
            ("two slashes inside", "/a//b", true),
            ("an address in the query", "/a?u=https://evil.example", true),
            ("empty", "", false),
            ("relative", "a", false),
            ("dot", "./a", false),
            ("absolute", "https://evil.example", false),
            ("absolute in capitals", "HTTPS://evil.example", false),
            ("script", "javascript:alert(1)", false),
            ("data", "data:text/html,x", false),
            ("two slashes", "//evil.example", false),
            ("three slashes", "///evil.example", false),
            ("slash and backslash", "/\\evil.example", false),
            ("backslash and slash", "\\/evil.example", false),
            ("two backslashes", "\\\\evil.example", false),
            ("backslash later", "/a\\b", false),
            ("encoded slash second", "/%2Fevil.example", false),
            ("encoded slash second, small", "/%2fevil.example", false),
            ("encoded backslash second", "/%5Cevil.example", false),
            ("encoded backslash later", "/a%5cb", false),
            ("encoded first slash", "%2Fa", false),
            ("tab between the slashes", "/\t/evil.example", false),
            ("line feed between the slashes", "/\n/evil.example", false),
            ("carriage return", "/a\rb", false),
            ("NUL", "/a\0b", false),
            ("delete", "/a\x7fb", false),
            ("encoded tab", "/%09/evil.example", false),
            (
                "encoded line break (header injection)",
                "/a%0d%0aSet-Cookie:x=y",
                false,
            ),
            ("encoded NUL", "/a%00", false),
            ("leading space", " /a", false),
            ("leading space before slashes", " //evil.example", false),
            ("space inside", "/a b", false),
            ("no-break space", "\u{a0}//evil.example", false),
            ("fullwidth solidus", "/\u{ff0f}evil.example", false),
            ("user info", "@evil.example", false),
            ("port trick", ":80//evil.example", false),
            ("too long", &*format!("/{}", "a".repeat(2048)), false),
        ] {
            assert_eq!(ReturnUrl::parse(text).is_some(), accepted, "{name}");
        }
    }

    #[test]
    fn r1_query_value_round_trips() {
        let url = ReturnUrl::parse("/a?b=c&d=%20+e").unwrap();
        let encoded = url.to_query_value();
        assert_eq!(encoded, "/a%3Fb%3Dc%26d%3D%2520%2Be");
        assert_eq!(
            percent_decode_str(&encoded).decode_utf8_lossy(),
            url.as_str()
        );
    }
}
