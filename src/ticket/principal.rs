use std::{
    fmt,
    sync::{Arc, OnceLock},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use super::{
    claims::{Entry, Name},
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
    /// The subject, then the claims. Claims are not looked at before they are asked for: only the encoder writes them, and what
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
        for (name, value) in claims.iter().filter(|(name, _)| *name != "sub") {
            Name::new(name).put_value(&mut builder.wire, value);
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
        match name {
            "sub" => Some(self.subject()),
            _ => self.entry(name)?.text(),
        }
    }

    /// All claims, `sub` included.
    pub fn claims(&self) -> &Map<String, Value> {
        self.claims.get_or_init(|| {
            let mut claims = Map::new();
            for entry in self.entries() {
                if let (Some(name), Some(value)) = (entry.name(), entry.value()) {
                    // As `claim_str` does, should a name ever be there twice.
                    claims.entry(name).or_insert(value);
                }
            }
            claims.insert("sub".to_owned(), self.subject().into());
            Arc::new(claims)
        })
    }

    /// When the user authenticated: the claim `auth_time`, if it is a number (OpenID Connect Core 1.0 section 2).
    pub fn auth_time(&self) -> Option<SystemTime> {
        let seconds = Duration::from_secs(self.auth_seconds()?);
        UNIX_EPOCH.checked_add(seconds)
    }

    /// `auth_time` in Unix seconds.
    pub(crate) fn auth_seconds(&self) -> Option<u64> {
        match self.entry("auth_time")?.value()? {
            Value::Number(number) => number
                .as_u64()
                .or_else(|| number.as_f64().map(|seconds| seconds as u64)),
            _ => None,
        }
    }

    /// Fills in what a sign-in must know of an authentication; what is there is never overwritten.
    pub(crate) fn with_authentication_claims(self, now: Timestamp) -> Self {
        let [idp, amr, auth_time] = self.authentication_claims();
        if idp.is_some() && amr.is_some() && auth_time.is_some() {
            return self;
        }
        let local = idp.is_none_or(|idp| idp.text() == Some("local"));
        let method = if local { "pwd" } else { "external" };
        let mut wire = self.wire.to_vec();
        if idp.is_none() {
            Name::new("idp").put_text(&mut wire, "local");
        }
        if amr.is_none() {
            Name::new("amr").put_value(&mut wire, &vec![method].into());
        }
        if auth_time.is_none() {
            Name::new("auth_time").put_value(&mut wire, &now.unix_seconds().into());
        }
        Self::over(wire.into())
    }

    /// Takes over what an earlier principal of the same user says of the authentication, where this one says nothing.
    pub(crate) fn with_authentication_claims_of(self, earlier: &Self) -> Self {
        let mut wire = self.wire.to_vec();
        let said = self.authentication_claims().into_iter();
        for (said, known) in said.zip(earlier.authentication_claims()) {
            if let (None, Some(known)) = (said, known) {
                known.put(&mut wire);
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

    fn entries(&self) -> impl Iterator<Item = Entry<'_>> {
        let mut reader = Reader::new(&self.wire);
        let _subject = reader.bytes();
        std::iter::from_fn(move || Entry::read(&mut reader))
    }

    fn authentication_claims(&self) -> [Option<Entry<'_>>; 3] {
        let names = AUTHENTICATION_CLAIMS.map(Name::new);
        let mut found = [None; 3];
        for entry in self.entries() {
            if let Some(which) = names.iter().position(|name| name.is_of(&entry)) {
                found[which] = Some(entry);
            }
        }
        found
    }

    fn entry(&self, name: &str) -> Option<Entry<'_>> {
        let name = Name::new(name);
        self.entries().find(|entry| name.is_of(entry))
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
    /// A bit for each kind of name that is there, so that most claims need no look at those before them.
    kinds: u128,
}

impl PrincipalBuilder {
    fn new(subject: &str) -> Self {
        // Room for what most principals hold.
        let mut wire = Vec::with_capacity(512);
        put_bytes(&mut wire, subject.as_bytes());
        Self { wire, kinds: 0 }
    }

    /// Sets a claim; an earlier one of the same name is replaced. The subject is given to [`Principal::builder`]: a claim `sub`
    /// set here is ignored.
    pub fn claim(mut self, name: &str, value: impl Into<Value>) -> Self {
        if let Some(name) = self.vacate(name) {
            name.put_value(&mut self.wire, &value.into());
        }
        self
    }

    /// Sets a claim that is a string, as [`claim`](Self::claim) does, without a copy of it in between.
    pub fn claim_str(mut self, name: &str, value: &str) -> Self {
        if let Some(name) = self.vacate(name) {
            name.put_text(&mut self.wire, value);
        }
        self
    }

    /// The principal.
    pub fn build(self) -> Principal {
        Principal::over(self.wire.into())
    }

    /// Removes a claim of this name; none if the name is not one to be set here.
    fn vacate<'a>(&mut self, name: &'a str) -> Option<Name<'a>> {
        if name == "sub" {
            return None;
        }
        let name = Name::new(name);
        let kind = 1 << name.kind();
        if self.kinds & kind == 0 {
            self.kinds |= kind;
            return Some(name);
        }
        let mut reader = Reader::new(&self.wire);
        let _subject = reader.bytes();
        let mut start = self.wire.len() - reader.len();
        while let Some(entry) = Entry::read(&mut reader) {
            let end = self.wire.len() - reader.len();
            if name.is_of(&entry) {
                self.wire.drain(start..end);
                break;
            }
            start = end;
        }
        Some(name)
    }
}

impl fmt::Debug for PrincipalBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PrincipalBuilder").finish_non_exhaustive()
    }
}

/// What a sign-in must know of an authentication (OpenID Connect Core 1.0 section 2, RFC 8176).
const AUTHENTICATION_CLAIMS: [&str; 3] = ["idp", "amr", "auth_time"];

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
            assert_eq!(user.auth_seconds(), expected, "{name}");
        }
    }
}
