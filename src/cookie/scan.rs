//! Finding our cookies in a request, by their exact raw names.
//!
//! Names are compared byte by byte: nothing is percent-decoded, and only space and tab are trimmed before a name (RFC 6265bis section 5.7),
//! so that neither `%5F%5FHost-sid` nor a name after a no-break space is taken for ours. Bytes of other cookies are not looked at, whatever they are.

use http::{HeaderMap, header::COOKIE};
use memchr::memchr;

use super::{
    chunk::Chunks,
    mark::{Marks, Suffix},
};

/// How many cookies of one name are tried: more than one comes from another path or domain.
const MAX_CANDIDATES: usize = 4;
/// How many session id cookies are looked at.
const MAX_SESSION_IDS: usize = 4;

/// Our cookies of one request.
#[derive(Default)]
pub(crate) struct Candidates<'a> {
    /// Values of the authentication cookie, each once.
    pub(crate) authentication: Values<'a, MAX_CANDIDATES>,
    pub(crate) chunks: Chunks<'a>,
    /// Small cookies that belong to the session.
    pub(crate) marks: Marks<'a>,
    /// Values of the session id cookie.
    pub(crate) session_id: Values<'a, MAX_SESSION_IDS>,
}

/// The first few values of a cookie; further ones are not looked at.
pub(crate) struct Values<'a, const N: usize> {
    values: [&'a [u8]; N],
    len: usize,
    /// There were more than are looked at.
    more: bool,
}

impl<'a, const N: usize> Values<'a, N> {
    pub(crate) fn as_slice(&self) -> &[&'a [u8]] {
        &self.values[..self.len]
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(crate) fn has_more(&self) -> bool {
        self.more
    }

    fn take(&mut self, value: &'a [u8]) {
        if self.as_slice().contains(&value) {
            return;
        }
        match self.values.get_mut(self.len) {
            Some(room) => {
                *room = value;
                self.len += 1;
            }
            None => self.more = true,
        }
    }
}

impl<const N: usize> Default for Values<'_, N> {
    fn default() -> Self {
        Self {
            values: [&[]; N],
            len: 0,
            more: false,
        }
    }
}

/// Reads every `Cookie` line: HTTP/2 splits them (RFC 9113 section 8.2.3).
pub(crate) fn scan<'a>(
    headers: &'a HeaderMap,
    authentication: &str,
    session_id: Option<&str>,
) -> Candidates<'a> {
    let mut found = Candidates::default();
    for line in headers.get_all(COOKIE) {
        let mut rest = line.as_bytes();
        while !rest.is_empty() {
            let end = memchr(b';', rest).unwrap_or(rest.len());
            let pair = &rest[..end];
            // One space is the rule, and any other white space the exception.
            let pair = trim_start(pair.strip_prefix(b" ").unwrap_or(pair));
            rest = rest.get(end + 1..).unwrap_or_default();
            match tail_of(pair, authentication) {
                Some([b'=', value @ ..]) => found.authentication.take(trim_end(value)),
                Some([b'.', digit @ b'1'..=b'9', b'=', value @ ..]) => {
                    let index = usize::from(digit - b'0');
                    found.chunks.take(index, trim_end(value));
                }
                Some([b'.', rest @ ..]) if rest.get(Suffix::LEN) == Some(&b'=') => {
                    if let Some(suffix) = Suffix::read(&rest[..Suffix::LEN]) {
                        found.marks.take(suffix, trim_end(&rest[Suffix::LEN + 1..]));
                    } else {
                        take_session_id(&mut found, pair, session_id);
                    }
                }
                _ => take_session_id(&mut found, pair, session_id),
            }
        }
    }
    found
}

impl Candidates<'_> {
    pub(crate) fn is_empty(&self) -> bool {
        self.authentication.is_empty()
            && self.chunks.is_empty()
            && self.session_id.is_empty()
            && self.marks.is_empty()
    }
}

fn take_session_id<'a>(found: &mut Candidates<'a>, pair: &'a [u8], name: Option<&str>) {
    if let Some([b'=', value @ ..]) = name.and_then(|name| tail_of(pair, name)) {
        found.session_id.take(trim_end(value));
    }
}

/// What follows a name, from the character on that ends it: `=`, or the `.` of a chunk. That character is looked at first, because it tells most
/// pairs apart.
fn tail_of<'a>(pair: &'a [u8], name: &str) -> Option<&'a [u8]> {
    match pair.get(name.len()) {
        Some(b'=' | b'.') => pair.strip_prefix(name.as_bytes()),
        _ => None,
    }
}

fn trim_start(mut bytes: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = bytes {
        bytes = rest;
    }
    bytes
}

fn trim_end(mut bytes: &[u8]) -> &[u8] {
    while let [rest @ .., b' ' | b'\t'] = bytes {
        bytes = rest;
    }
    bytes
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(lines: &[&[u8]]) -> HeaderMap {
        let value = |line: &&[u8]| (COOKIE, HeaderValue::from_bytes(line).unwrap());
        lines.iter().map(value).collect()
    }

    #[test]
    fn k8_scan_table() {
        for (name, lines, expected) in [
            ("nothing", &[&b"a=1"[..]][..], &[][..]),
            ("alone", &[b"__Host-sid=v"], &["v"]),
            ("among others", &[b"a=1; __Host-sid=v; b=2"], &["v"]),
            (
                "no space after the semicolon",
                &[b"a=1;__Host-sid=v"],
                &["v"],
            ),
            ("tab before the name", &[b"a=1;\t__Host-sid=v"], &["v"]),
            ("space after the value", &[b"__Host-sid=v ; a=1"], &["v"]),
            (
                "split over lines (HTTP/2)",
                &[b"a=1", b"__Host-sid=v", b"b=2"],
                &["v"],
            ),
            (
                "the same value twice",
                &[b"__Host-sid=v; __Host-sid=v"],
                &["v"],
            ),
            ("two values", &[b"__Host-sid=v; __Host-sid=w"], &["v", "w"]),
            (
                "at most four",
                &[b"__Host-sid=1; __Host-sid=2; __Host-sid=3; __Host-sid=4; __Host-sid=5"],
                &["1", "2", "3", "4"],
            ),
            (
                "a byte that is not UTF-8 elsewhere",
                &[b"a=\xFF; __Host-sid=v"],
                &["v"],
            ),
            ("percent-encoded name", &[b"%5F%5FHost-sid=v"], &[]),
            (
                "after a no-break space (Latin-1)",
                &[b"\xA0__Host-sid=v"],
                &[],
            ),
            (
                "after a no-break space (UTF-8)",
                &[b"\xC2\xA0__Host-sid=v"],
                &[],
            ),
            ("other case", &[b"__host-sid=v"], &[]),
            ("longer name", &[b"__Host-sid2=v"], &[]),
            ("shorter name", &[b"__Host-si=v"], &[]),
            ("space before the equals sign", &[b"__Host-sid =v"], &[]),
            ("no equals sign", &[b"__Host-sid"], &[]),
            ("inside another value", &[b"a=__Host-sid=v"], &[]),
            ("an empty value", &[b"__Host-sid="], &[""]),
            ("empty pairs", &[b";;; ;__Host-sid=v;"], &["v"]),
        ] {
            let headers = headers(lines);
            let found = scan(&headers, "__Host-sid", None);
            let expected: Vec<_> = expected.iter().map(|value| value.as_bytes()).collect();
            assert_eq!(found.authentication.as_slice(), expected, "{name}");
        }
    }

    #[test]
    fn k7_only_the_digits_one_to_nine_name_a_chunk() {
        let headers = headers(&[b"a.1=x; a.0=x; a.10=x; a.01=x; a.=x; a.b=x; a.9=y; a.1 =x"]);
        let found = scan(&headers, "a", Some("a.b"));
        assert_eq!(found.chunks.carried(), 1 << 1 | 1 << 9);
        assert_eq!(found.session_id.as_slice(), [b"x"]);
    }

    #[test]
    fn c21_a_mark_is_a_letter_and_sixteen_digits() {
        let marked = [
            "a.c0123456789abcdef=x",
            "a.e0123456789abcdef=y",
            "a.c0123456789abcde=z",
            "a.c0123456789ABCDEF=z",
            "a.d0123456789abcdef=z",
            "a.c0123456789abcdef0=z",
            "a.c0123456789abcdef",
        ];
        let line = marked.join("; ");
        let headers = headers(&[line.as_bytes()]);
        let found = scan(&headers, "a", None);
        let found: Vec<_> = found.marks.iter().collect();
        assert_eq!(
            found,
            [
                (Suffix::read(b"c0123456789abcdef").unwrap(), &b"x"[..]),
                (Suffix::read(b"e0123456789abcdef").unwrap(), b"y")
            ]
        );
    }
}
