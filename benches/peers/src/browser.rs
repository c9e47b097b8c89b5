//! The requests of a browser: realistic headers, and the cookies that it got.

use axum::body::Body;
use http::{HeaderMap, HeaderValue, Method, Request, header};

/// A browser with three cookies from elsewhere and those that the contestant has set.
#[derive(Clone, Debug, Default)]
pub struct Browser {
    cookies: Vec<(String, String)>,
}

impl Browser {
    /// Keeps the cookies of an answer and drops those that it expires.
    ///
    /// # Panics
    ///
    /// When a `Set-Cookie` line is not text or holds no pair: a contestant that sends one has a bug.
    pub fn receive(&mut self, headers: &HeaderMap) {
        for line in headers.get_all(header::SET_COOKIE) {
            let line = line.to_str().expect("Set-Cookie is text");
            let (pair, attributes) = line.split_once(';').unwrap_or((line, ""));
            let (name, value) = pair.split_once('=').expect("Set-Cookie holds name=value");
            self.cookies.retain(|(kept, _)| kept != name);
            if !attributes
                .split(';')
                .any(|attribute| attribute.trim().eq_ignore_ascii_case("max-age=0"))
            {
                self.cookies.push((name.to_owned(), value.to_owned()));
            }
        }
    }

    /// The `Cookie` header: two unrelated cookies, the contestant's, one more unrelated.
    pub fn cookie_header(&self) -> HeaderValue {
        let own = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"));
        let all: Vec<String> = UNRELATED_BEFORE
            .iter()
            .map(|c| c.to_string())
            .chain(own)
            .chain([UNRELATED_AFTER.to_owned()])
            .collect();
        HeaderValue::try_from(all.join("; ")).expect("cookies that were received can be sent back")
    }
}

/// A request as it comes from a browser.
///
/// A header value's clone is a counted reference, whatever its length, as it is for a server that slices its buffer.
pub fn request(method: &Method, path: &'static str, cookies: &HeaderValue) -> Request<Body> {
    let mut request = Request::new(Body::empty());
    *request.method_mut() = method.clone();
    *request.uri_mut() = http::Uri::from_static(path);
    let headers = request.headers_mut();
    headers.insert(
        header::HOST,
        HeaderValue::from_static("accounts.example.com"),
    );
    headers.insert(header::USER_AGENT, HeaderValue::from_static(USER_AGENT));
    headers.insert(
        header::ACCEPT,
        HeaderValue::from_static("text/html,application/xhtml+xml,*/*;q=0.8"),
    );
    headers.insert(header::COOKIE, cookies.clone());
    request
}

const USER_AGENT: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
const UNRELATED_BEFORE: [&str; 2] = ["_ga=GA1.2.1470021743.1767225600", "theme=dark"];
const UNRELATED_AFTER: &str = "lang=en-GB";
