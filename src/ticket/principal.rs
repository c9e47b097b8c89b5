use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use super::{
    claim_names,
    wire::{Reader, Slice, put_bytes},
};
use crate::{
    clock::Timestamp,
    error::{Error, ErrorKind},
};

/// An authenticated user: a set of claims with a subject, as in a JWT claims set (RFC 7519 section 4).
///
/// Cloning is cheap. A principal decodes its claims when one is first asked for; the subject, and text through
/// [`claim_str`](Self::claim_str), need no decoding.
///
/// ```
/// use axum_user_session::Principal;
/// use serde_json::json;
///
/// let alice = Principal::builder("alice")
///     .claim("name", "Alice Smith")
///     .claim("amr", json!(["pwd", "otp"]))
///     .build();
/// assert_eq!(alice.subject(), "alice");
/// assert_eq!(alice.claim_str("name"), Some("Alice Smith"));
/// assert_eq!(alice.claim("amr"), Some(&json!(["pwd", "otp"])));
/// ```
#[derive(Clone)]
pub struct Principal {
    /// The subject, then the claims. Claims are not looked at before they are asked for: only the encoder below writes them, and what
    /// comes back has been authenticated; anything else would end the list of claims, and nothing worse.
    wire: Slice,
    /// Shared by clones made after it is filled.
    claims: OnceLock<Arc<Map<String, Value>>>,
}

impl Principal {
    /// Begins a principal with its subject: an identifier that this site never gives to another user.
    pub fn builder(subject: impl AsRef<str>) -> PrincipalBuilder {
        PrincipalBuilder::new(subject.as_ref())
    }

    /// Takes a whole claims set.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::MissingSubject`] unless `sub` is there, is a string and is not empty.
    pub fn from_claims(claims: Map<String, Value>) -> Result<Self, Error> {
        let subject = claims.get("sub").and_then(Value::as_str);
        let subject = subject
            .filter(|subject| !subject.is_empty())
            .ok_or(ErrorKind::MissingSubject)?;
        let mut builder = PrincipalBuilder::new(subject);
        for (name, value) in &claims {
            if name != "sub" {
                put_claim(&mut builder.wire, name, value);
            }
        }
        Ok(builder.build())
    }

    /// The claim `sub`.
    pub fn subject(&self) -> &str {
        // Checked when the principal was made.
        Reader::new(&self.wire).text().unwrap_or_default()
    }

    /// A claim by its name.
    pub fn claim(&self, name: &str) -> Option<&Value> {
        self.claims().get(name)
    }

    /// A claim that is a string, by its name; none if it is something else. It allocates nothing.
    pub fn claim_str(&self, name: &str) -> Option<&str> {
        if name == "sub" {
            return Some(self.subject());
        }
        match self.raw(name)? {
            Raw::Text(text) => Some(text),
            Raw::Json(_) => None,
        }
    }

    /// All claims, `sub` included.
    pub fn claims(&self) -> &Map<String, Value> {
        self.claims.get_or_init(|| {
            let mut claims = Map::new();
            for (name, value) in self.entries() {
                if let Some(value) = value.to_value() {
                    claims.insert(name.to_owned(), value);
                }
            }
            claims.insert("sub".to_owned(), self.subject().into());
            Arc::new(claims)
        })
    }

    /// When the user authenticated, in Unix seconds (`auth_time`, OpenID Connect Core 1.0 section 2).
    pub(crate) fn auth_time(&self) -> Option<u64> {
        match self.raw("auth_time")? {
            Raw::Text(_) => None,
            Raw::Json(json) => match serde_json::from_slice(json).ok()? {
                Value::Number(number) => number
                    .as_u64()
                    .or_else(|| number.as_f64().map(|seconds| seconds as u64)),
                _ => None,
            },
        }
    }

    /// Fills in what a sign-in must know of an authentication; what is there is never overwritten.
    pub(crate) fn with_authentication_claims(self, now: Timestamp) -> Self {
        let (mut idp, mut amr, mut auth_time) = (None, None, None);
        for (name, value) in self.entries() {
            match name {
                "idp" => idp = Some(value),
                "amr" => amr = Some(value),
                "auth_time" => auth_time = Some(value),
                _ => {}
            }
        }
        let local = match &idp {
            None => true,
            Some(Raw::Text(idp)) => *idp == "local",
            Some(Raw::Json(_)) => false,
        };
        let missing = (idp.is_none(), amr.is_none(), auth_time.is_none());
        if missing == (false, false, false) {
            return self;
        }
        let mut wire = Vec::with_capacity(self.wire.len() + 32);
        wire.extend_from_slice(&self.wire);
        if missing.0 {
            put_claim(&mut wire, "idp", &"local".into());
        }
        if missing.1 {
            let method = if local { "pwd" } else { "external" };
            put_claim(&mut wire, "amr", &vec![method].into());
        }
        if missing.2 {
            put_claim(&mut wire, "auth_time", &now.unix_seconds().into());
        }
        Self::over(wire.into())
    }

    /// Takes over what an earlier principal of the same user says of the authentication, where this one says nothing.
    pub(crate) fn with_authentication_claims_of(self, earlier: &Self) -> Self {
        let mut wire = self.wire.to_vec();
        for (name, value) in earlier.entries() {
            if AUTHENTICATION_CLAIMS.contains(&name) && self.raw(name).is_none() {
                put_raw(&mut wire, name, &value);
            }
        }
        Self::over(wire.into())
    }

    pub(super) fn wire(&self) -> &Slice {
        &self.wire
    }

    /// A principal over the bytes of a ticket.
    pub(super) fn from_wire(wire: Slice) -> Option<Self> {
        let subject = Reader::new(&wire).bytes()?;
        // Most subjects are ASCII, which is told much faster.
        let text = subject.is_ascii() || std::str::from_utf8(subject).is_ok();
        (text && !subject.is_empty()).then(|| Self::over(wire))
    }

    fn over(wire: Slice) -> Self {
        Self {
            wire,
            claims: OnceLock::new(),
        }
    }

    fn entries(&self) -> impl Iterator<Item = (&str, Raw<'_>)> {
        let mut reader = Reader::new(&self.wire);
        let _subject = reader.bytes();
        std::iter::from_fn(move || next_claim(&mut reader))
    }

    fn raw(&self, wanted: &str) -> Option<Raw<'_>> {
        self.entries()
            .find_map(|(name, value)| (name == wanted).then_some(value))
    }
}

impl PartialEq for Principal {
    fn eq(&self, other: &Self) -> bool {
        self.claims() == other.claims()
    }
}

impl Eq for Principal {}

impl fmt::Debug for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Principal")
            .field("subject", &self.subject())
            .finish_non_exhaustive()
    }
}

impl Serialize for Principal {
    /// Writes the claims set.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.claims().serialize(serializer)
    }
}

/// Collects the claims of a [`Principal`].
#[derive(Clone)]
#[must_use]
pub struct PrincipalBuilder {
    wire: Vec<u8>,
}

impl PrincipalBuilder {
    fn new(subject: &str) -> Self {
        let mut wire = Vec::with_capacity(256);
        put_bytes(&mut wire, subject.as_bytes());
        Self { wire }
    }

    /// Sets a claim; an earlier one of the same name is replaced. The subject is given to [`Principal::builder`]: a claim `sub`
    /// set here is ignored.
    pub fn claim(mut self, name: &str, value: impl Into<Value>) -> Self {
        if name == "sub" {
            return self;
        }
        self.remove(name);
        put_claim(&mut self.wire, name, &value.into());
        self
    }

    /// The principal.
    pub fn build(self) -> Principal {
        Principal::over(self.wire.into())
    }

    fn remove(&mut self, wanted: &str) {
        let mut reader = Reader::new(&self.wire);
        let _subject = reader.bytes();
        loop {
            let start = self.wire.len() - reader.len();
            match next_claim(&mut reader) {
                None => return,
                Some((name, _)) if name == wanted => {
                    let end = self.wire.len() - reader.len();
                    self.wire.drain(start..end);
                    return;
                }
                Some(_) => {}
            }
        }
    }
}

impl fmt::Debug for PrincipalBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PrincipalBuilder").finish_non_exhaustive()
    }
}

enum Raw<'a> {
    Text(&'a str),
    Json(&'a [u8]),
}

impl Raw<'_> {
    fn to_value(&self) -> Option<Value> {
        match self {
            Self::Text(text) => Some((*text).into()),
            Self::Json(json) => serde_json::from_slice(json).ok(),
        }
    }
}

/// Set in a claim's first byte when its value is JSON, clear when it is the text of a string.
const JSON: u8 = 0x80;

/// What a sign-in must know of an authentication (OpenID Connect Core 1.0 section 2, RFC 8176).
const AUTHENTICATION_CLAIMS: [&str; 3] = ["idp", "amr", "auth_time"];

fn put_claim(out: &mut Vec<u8>, name: &str, value: &Value) {
    match value {
        Value::String(text) => put_raw(out, name, &Raw::Text(text)),
        other => put_raw(out, name, &Raw::Json(other.to_string().as_bytes())),
    }
}

/// A claim: one byte with the kind and the name's code, the name itself if it has no code, the value.
fn put_raw(out: &mut Vec<u8>, name: &str, value: &Raw<'_>) {
    let (kind, bytes) = match value {
        Raw::Text(text) => (0, text.as_bytes()),
        Raw::Json(json) => (JSON, *json),
    };
    match claim_names::code(name) {
        Some(code) => out.push(kind | code),
        None => {
            out.push(kind);
            put_bytes(out, name.as_bytes());
        }
    }
    put_bytes(out, bytes);
}

fn next_claim<'a>(reader: &mut Reader<'a>) -> Option<(&'a str, Raw<'a>)> {
    let first = reader.byte()?;
    let name = match first & !JSON {
        0 => reader.text()?,
        code => claim_names::name(code)?,
    };
    let value = match first & JSON {
        0 => Raw::Text(reader.text()?),
        _ => Raw::Json(reader.bytes()?),
    };
    Some((name, value))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn now() -> Timestamp {
        Timestamp(1_700_000_000_999)
    }

    #[test]
    fn c10_missing_claims_are_filled_in() {
        let alice = Principal::builder("alice")
            .build()
            .with_authentication_claims(now());
        assert_eq!(alice.claim("idp"), Some(&json!("local")));
        assert_eq!(alice.claim("amr"), Some(&json!(["pwd"])));
        assert_eq!(alice.claim("auth_time"), Some(&json!(1_700_000_000)));
    }

    #[test]
    fn c10_amr_follows_the_idp() {
        for (name, idp, amr) in [
            ("local", "local", "pwd"),
            ("upstream", "google", "external"),
        ] {
            let user = Principal::builder("bob").claim("idp", idp).build();
            let user = user.with_authentication_claims(now());
            assert_eq!(user.claim("amr"), Some(&json!([amr])), "{name}");
        }
    }

    #[test]
    fn c10_claims_that_are_there_stay() {
        let before = Principal::builder("alice")
            .claim("idp", "local")
            .claim("amr", "hwk")
            .claim("auth_time", 5)
            .build();
        assert_eq!(before.clone().with_authentication_claims(now()), before);
    }

    #[test]
    fn a_claim_set_again_is_replaced() {
        let user = Principal::builder("alice")
            .claim("name", "A")
            .claim("own", 1)
            .claim("name", "Alice")
            .claim("own", json!({"a": [1, 2]}))
            .claim("sub", "mallory")
            .build();
        assert_eq!(user.claims().len(), 3);
        assert_eq!(user.subject(), "alice");
        assert_eq!(user.claim_str("name"), Some("Alice"));
        assert_eq!(user.claim("own"), Some(&json!({"a": [1, 2]})));
        assert_eq!(user.claim_str("own"), None);
    }

    #[test]
    fn c10_a_claims_set_needs_a_subject() {
        for (name, claims) in [
            ("missing", json!({"name": "x"})),
            ("empty", json!({"sub": ""})),
            ("a number", json!({"sub": 1})),
        ] {
            let Value::Object(claims) = claims else {
                unreachable!()
            };
            let refused = Principal::from_claims(claims).unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::MissingSubject, "{name}");
        }
    }

    #[test]
    fn auth_time_is_a_number_of_any_form() {
        for (name, value, expected) in [
            ("integer", json!(5), Some(5)),
            ("fraction", json!(5.5), Some(5)),
            ("negative", json!(-5), Some(0)),
            ("text", json!("5"), None),
        ] {
            let user = Principal::builder("a").claim("auth_time", value).build();
            assert_eq!(user.auth_time(), expected, "{name}");
        }
    }
}
