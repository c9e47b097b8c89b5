//! Identifiers: [`SessionId`], [`ClientId`], and the seam that random bytes come through.

use std::{
    borrow::Borrow,
    cmp::Ordering,
    fmt,
    hash::{Hash, Hasher},
    sync::Arc,
};

use rand::Rng;
use serde::{Serialize, Serializer};

use crate::error::{Error, ErrorKind};

/// Fills bytes with randomness for identifiers.
///
/// The default is [`SystemRandom`]. It is a seam for tests: an implementation of your own must be a
/// cryptographically secure generator, or sessions can be guessed (OWASP ASVS 5.0, 7.2.3).
pub trait IdGenerator: Send + Sync + 'static {
    /// Fills all of `bytes`.
    fn fill(&self, bytes: &mut [u8]);
}

/// The thread's cryptographically secure generator, seeded by the operating system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRandom;

impl IdGenerator for SystemRandom {
    fn fill(&self, bytes: &mut [u8]) {
        rand::rng().fill_bytes(bytes);
    }
}

/// The identifier of one user's session, the `sid` of OpenID Connect.
///
/// Made at sign-in from 16 random bytes, written as 32 upper-case hexadecimal digits. A host that
/// takes over a session from elsewhere may [`parse`](Self::parse) an id of its own.
///
/// The id is readable by scripts through the session id cookie, and it opens no session by itself; still,
/// `Debug` does not show it and there is no `Display`, so that it gets into a log only where somebody writes [`as_str`](Self::as_str).
///
/// ```
/// use axum_user_session::id::SessionId;
///
/// let id = SessionId::parse("0123456789ABCDEF0123456789ABCDEF")?;
/// assert_eq!(id.as_str().len(), 32);
/// assert_eq!(format!("{id:?}"), "SessionId(..)");
/// # Ok::<_, axum_user_session::Error>(())
/// ```
#[derive(Clone, Copy)]
pub struct SessionId {
    len: u8,
    bytes: [u8; Self::MAX_LEN],
}

impl SessionId {
    /// The longest id, in characters.
    pub const MAX_LEN: usize = 64;

    /// Takes an id that was made elsewhere: 1 to 64 characters out of `A-Z`, `a-z`, `0-9`, `-`, `.`, `_` and `~`, all
    /// of which a cookie value and a query parameter carry as they are.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidSessionId`] for anything else.
    pub fn parse(text: &str) -> Result<Self, Error> {
        Self::from_bytes(text.as_bytes()).ok_or_else(|| ErrorKind::InvalidSessionId.into())
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        // Every constructor admits ASCII only.
        std::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }

    /// The id becomes a cookie's value, so it is checked wherever it comes from.
    pub(crate) fn from_bytes(text: &[u8]) -> Option<Self> {
        // Padded with what is legal, so that all bytes can be checked at once.
        let mut bytes = [b'0'; Self::MAX_LEN];
        bytes.get_mut(..text.len())?.copy_from_slice(text);
        let legal = bytes
            .iter()
            .fold(true, |legal, byte| legal & is_legal(*byte));
        (legal && !text.is_empty()).then_some(Self {
            len: text.len() as u8, // at most MAX_LEN
            bytes,
        })
    }

    pub(crate) fn generate(random: &dyn IdGenerator) -> Self {
        const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
        let mut raw = [0; 16];
        random.fill(&mut raw);
        let mut bytes = [0; Self::MAX_LEN];
        for (pair, byte) in bytes.chunks_exact_mut(2).zip(raw) {
            pair[0] = DIGITS[usize::from(byte >> 4)];
            pair[1] = DIGITS[usize::from(byte & 15)];
        }
        Self { len: 32, bytes }
    }
}

/// Without branches, so that the compiler checks many bytes with one instruction.
fn is_legal(byte: u8) -> bool {
    let letter = (byte | 0x20).wrapping_sub(b'a') < 26;
    let digit = byte.wrapping_sub(b'0') < 10;
    let mark = (byte == b'-') | (byte == b'.') | (byte == b'_') | (byte == b'~');
    letter | digit | mark
}

impl PartialEq for SessionId {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for SessionId {}

impl PartialOrd for SessionId {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for SessionId {
    /// Compares the bytes of the text.
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_bytes().cmp(other.as_bytes())
    }
}

impl Hash for SessionId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_bytes().hash(state);
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionId(..)")
    }
}

impl AsRef<str> for SessionId {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl Serialize for SessionId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// The identifier of a client application that takes part in a session (`client_id`, RFC 6749 section 2.2).
///
/// Cheap to clone. The ids of one session are parts of one text, which is freed with the last of them: whoever keeps a single one for long should [`parse`](Self::parse) it anew.
///
/// ```
/// use axum_user_session::id::ClientId;
///
/// let id = ClientId::parse("client1")?;
/// assert_eq!(id, "client1");
/// assert!(ClientId::parse("").is_err());
/// # Ok::<_, axum_user_session::Error>(())
/// ```
#[derive(Clone)]
pub struct ClientId {
    /// Ids that were parsed together are parts of one text.
    text: Arc<str>,
    start: u32,
    end: u32,
}

impl ClientId {
    /// The longest id, in characters.
    pub const MAX_CHARS: usize = 200;

    /// Takes a client id of 1 to 200 characters, none of them a control character (RFC 6749 appendix A.1 allows fewer still).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidClientId`] for anything else.
    pub fn parse(text: &str) -> Result<Self, Error> {
        check_client_id(text)?;
        Ok(Self {
            text: text.into(),
            start: 0,
            end: text.len() as u32, // at most four bytes for each of MAX_CHARS
        })
    }

    /// Takes many ids at once, as a store has to for a session with many clients.
    ///
    /// It is much quicker than [`parse`](Self::parse) for each, as they are parts of one allocation, which is freed with the last of them.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidClientId`] if one of them is none.
    ///
    /// ```
    /// use axum_user_session::id::ClientId;
    ///
    /// let ids = ClientId::parse_all("client1\nclient2".lines())?;
    /// assert_eq!(ids, ["client1", "client2"]);
    /// assert!(ClientId::parse_all(["client1", ""]).is_err());
    /// # Ok::<_, axum_user_session::Error>(())
    /// ```
    pub fn parse_all<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Vec<Self>, Error> {
        let mut all = String::new();
        let mut ends = Vec::new();
        for text in texts {
            check_client_id(text)?;
            all.push_str(text);
            ends.push(u32::try_from(all.len()).map_err(|_| ErrorKind::InvalidClientId)?);
        }
        let text: Arc<str> = all.into();
        let mut start = 0;
        let id = |end| Self {
            text: Arc::clone(&text),
            start: std::mem::replace(&mut start, end),
            end,
        };
        Ok(ends.into_iter().map(id).collect())
    }

    /// Takes the ids that are the lines of a text, of which the last one ends with the text. It is looked through once for all of them.
    #[cfg(feature = "sqlite")]
    pub(crate) fn parse_lines(text: &str) -> Result<Vec<Self>, Error> {
        u32::try_from(text.len()).map_err(|_| ErrorKind::InvalidClientId)?;
        let is_plain = text.bytes().fold(true, |plain, it| {
            plain & (matches!(it, b' '..=b'~') | (it == b'\n'))
        });
        let whole: Arc<str> = text.into();
        let mut start = 0;
        let line = |end| {
            let line = &text[start..end];
            if !(is_plain && (1..=Self::MAX_CHARS).contains(&line.len())) {
                check_client_id(line)?;
            }
            let id = Self {
                text: Arc::clone(&whole),
                start: start as u32,
                end: end as u32,
            };
            start = end + 1;
            Ok(id)
        };
        let ends = memchr::memchr_iter(b'\n', text.as_bytes()).chain([text.len()]);
        ends.map(line).collect()
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.text[self.start as usize..self.end as usize]
    }
}

fn check_client_id(text: &str) -> Result<(), Error> {
    // The byte length bounds the count, so a hostile megabyte is not counted through.
    let is_legal = match text.len() {
        0 => false,
        1..=ClientId::MAX_CHARS if text.is_ascii() => !text.bytes().any(|it| it.is_ascii_control()),
        len if len <= ClientId::MAX_CHARS * 4 => {
            text.chars().count() <= ClientId::MAX_CHARS && !text.chars().any(char::is_control)
        }
        _ => false,
    };
    match is_legal {
        true => Ok(()),
        false => Err(ErrorKind::InvalidClientId.into()),
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ClientId").field(&self.as_str()).finish()
    }
}

impl AsRef<str> for ClientId {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl Borrow<str> for ClientId {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}

impl PartialEq for ClientId {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for ClientId {}

impl PartialOrd for ClientId {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ClientId {
    /// Compares the bytes of the text.
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_str().cmp(other.as_str())
    }
}

impl Hash for ClientId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl PartialEq<str> for ClientId {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for ClientId {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

impl Serialize for ClientId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Counting;

    impl IdGenerator for Counting {
        fn fill(&self, bytes: &mut [u8]) {
            for (index, byte) in bytes.iter_mut().enumerate() {
                *byte = 0xF0 + index as u8;
            }
        }
    }

    #[test]
    fn c4_session_id_is_16_bytes_as_32_upper_case_hex_digits() {
        let id = SessionId::generate(&Counting);
        assert_eq!(id.as_str(), "F0F1F2F3F4F5F6F7F8F9FAFBFCFDFEFF");
    }

    #[test]
    fn c4_session_ids_differ() {
        let ids: std::collections::HashSet<_> = (0..1000)
            .map(|_| SessionId::generate(&SystemRandom))
            .collect();
        assert_eq!(ids.len(), 1000);
    }

    #[test]
    fn session_id_parse_table() {
        for (name, text, accepted) in [
            ("one character", "a", true),
            ("64 characters", &*"a".repeat(64), true),
            ("65 characters", &*"a".repeat(65), false),
            ("empty", "", false),
            ("all legal marks", "-._~", true),
            ("semicolon", "a;b", false),
            ("space", "a b", false),
            ("line feed", "a\nb", false),
            ("not ASCII", "ä", false),
            ("NUL", "a\0b", false),
            ("the characters around the letters", "@", false),
            ("after the letters", "[", false),
            ("before the small letters", "`", false),
            ("after the small letters", "{", false),
        ] {
            assert_eq!(SessionId::parse(text).is_ok(), accepted, "{name}");
        }
    }

    #[test]
    fn c17_client_id_length_is_counted_in_characters() {
        for (name, text, accepted) in [
            ("empty", String::new(), false),
            ("200 characters", "a".repeat(200), true),
            ("201 characters", "a".repeat(201), false),
            ("200 characters of four bytes", "🦀".repeat(200), true),
            ("201 characters of four bytes", "🦀".repeat(201), false),
            ("a NUL", "a\0b".to_owned(), false),
            ("a line feed", "a\nb".to_owned(), false),
            ("a DEL", "a\u{7F}".to_owned(), false),
            (
                "a control character that is not ASCII",
                "a\u{85}".to_owned(),
                false,
            ),
            ("printable ASCII", (' '..='~').collect(), true),
        ] {
            assert_eq!(ClientId::parse(&text).is_ok(), accepted, "{name}");
            #[cfg(feature = "sqlite")]
            {
                let lines = ClientId::parse_lines(&format!("a\n{text}\nü"));
                // A line feed makes two ids of one.
                let accepted = accepted || name == "a line feed";
                assert_eq!(lines.is_ok(), accepted, "{name}");
                let last = lines.ok().and_then(|mut ids| ids.pop());
                assert!(last.is_none_or(|last| last == "ü"), "{name}");
            }
            match ClientId::parse_all(["a", &text, "ü"]) {
                Ok(together) if accepted => assert_eq!(together, ["a", &text, "ü"], "{name}"),
                together => assert_eq!(together.is_ok(), accepted, "{name}"),
            }
        }
        assert!(ClientId::parse_all([]).unwrap().is_empty());
    }
}
