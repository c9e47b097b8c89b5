use std::{fmt, time::SystemTime};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, IgnoredAny},
};

use super::{
    hint::{IdTokenHint, IdTokenHintVerifier},
    hint_key::HintKey,
};
use crate::{
    clock::Timestamp,
    error::BoxError,
    id::{ClientId, SessionId},
    lifetimes::CLOCK_SKEW,
};

/// Verifies ID tokens that this provider has signed itself.
///
/// # Rules
///
/// 1. At most 16 KiB, three parts of unpadded base64url, no JSON member twice where it matters, no critical header (RFC 7515 sections 4.1.11 and 5.2).
/// 2. Signed by one of the [keys](HintKey), with the algorithm of that key, and none other: no `none`, nothing symmetric (RFC 8725 section 3.1).
/// 3. `typ` is missing or `JWT`, so it is no access token of RFC 9068 and no logout token (RFC 8725 section 3.11, RFC 9068 section 2.1, OpenID Connect Back-Channel Logout 1.0 section 2.4); nor has it `events`.
///    Access tokens of another kind that are signed with the same keys must not have a client as their audience.
/// 4. `iss` is the issuer, `sub` is there, `exp` is a number, which may lie in the past, and `iat` one that does not lie in the future by more than a minute.
/// 5. The client is `azp`, which must be in the audience, or the one that is the audience (OpenID Connect Core 1.0 section 2). The endpoint then looks whether it is registered.
///
/// ```
/// use axum_user_session::oidc::end_session::{HintAlgorithm, HintKey, JwtHintVerifier};
///
/// # fn example(signing: &str, retired: &str) -> Result<(), axum_user_session::oidc::end_session::InvalidHintKey> {
/// let verifier = JwtHintVerifier::new("https://id.example.com")
///     .key(HintKey::from_pem(HintAlgorithm::Es256, signing)?.with_id("2026"))
///     .key(HintKey::from_pem(HintAlgorithm::Rs256, retired)?.with_id("2025"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use]
pub struct JwtHintVerifier {
    issuer: String,
    keys: Vec<HintKey>,
}

impl JwtHintVerifier {
    /// A verifier for the tokens of an issuer (`iss`), without keys yet: nothing is verified.
    pub fn new(issuer: impl Into<String>) -> Self {
        Self {
            issuer: issuer.into(),
            keys: Vec::new(),
        }
    }

    /// One more key.
    pub fn key(mut self, key: HintKey) -> Self {
        self.keys.push(key);
        self
    }

    fn read(&self, token: &str, now: Timestamp) -> Option<IdTokenHint> {
        if token.len() > MAX_LEN {
            return None;
        }
        let (message, signature) = token.rsplit_once('.')?;
        let (header, claims) = message.split_once('.')?;
        let header: Header = json(header)?;
        let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).ok()?;
        if header.critical || !header.is_for_id_tokens() {
            return None;
        }
        let mut meant = self
            .keys
            .iter()
            .filter(|key| key.is_meant(&header.alg, header.kid.as_deref()));
        if !meant.any(|key| key.has_signed(message.as_bytes(), &signature)) {
            return None;
        }
        self.accept(json(claims)?, now)
    }

    /// What claims that this provider has signed say.
    fn accept(&self, claims: Claims, now: Timestamp) -> Option<IdTokenHint> {
        let latest = now.plus(CLOCK_SKEW).unix_seconds() as f64;
        if claims.iss != self.issuer
            || claims.sub.is_empty()
            || claims.iat > latest
            || claims.events
        {
            return None;
        }
        let client = ClientId::parse(claims.client()?).ok()?;
        let mut hint = IdTokenHint::new(&*claims.sub, client);
        if let Some(session_id) = &claims.sid {
            hint = hint.with_session_id(SessionId::parse(session_id).ok()?);
        }
        Some(hint)
    }
}

impl IdTokenHintVerifier for JwtHintVerifier {
    async fn verify(&self, token: &str, now: SystemTime) -> Result<Option<IdTokenHint>, BoxError> {
        Ok(self.read(token, now.into()))
    }
}

impl fmt::Debug for JwtHintVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JwtHintVerifier")
            .field("issuer", &self.issuer)
            .field("keys", &self.keys)
            .finish()
    }
}

/// The longest token that is looked at. With many claims some have several thousand characters.
pub(super) const MAX_LEN: usize = 16 * 1024;

/// What counts of a JOSE header (RFC 7515 section 4.1). A member that is there twice is an error.
#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    typ: Option<String>,
    #[serde(rename = "crit", default, deserialize_with = "is_there")]
    critical: bool,
}

impl Header {
    /// `application/` may be left out, and capitals don't count (RFC 7515 section 4.1.9).
    fn is_for_id_tokens(&self) -> bool {
        let Some(typ) = &self.typ else {
            return true;
        };
        typ.eq_ignore_ascii_case("JWT") || typ.eq_ignore_ascii_case("application/jwt")
    }
}

/// What counts of an ID token's claims (OpenID Connect Core 1.0 section 2).
#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Audience,
    azp: Option<String>,
    sid: Option<String>,
    iat: f64,
    /// It must be there, and may be over.
    #[serde(rename = "exp")]
    _expires: f64,
    #[serde(default, deserialize_with = "is_there")]
    events: bool,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

impl Claims {
    /// Whom the token was issued to.
    fn client(&self) -> Option<&str> {
        let audience = match &self.aud {
            Audience::One(client) => std::slice::from_ref(client),
            Audience::Several(clients) => clients,
        };
        match (&self.azp, audience) {
            (Some(azp), _) if audience.contains(azp) => Some(azp),
            (None, [client]) => Some(client),
            _ => None,
        }
    }
}

fn json<T: DeserializeOwned>(part: &str) -> Option<T> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(part).ok()?;
    serde_json::from_slice(&bytes).ok()
}

/// True for a member of any value, null included.
fn is_there<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(deserializer).map(|_| true)
}
