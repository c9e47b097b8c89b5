use std::{
    fmt,
    time::{Duration, SystemTime},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value, json};

use crate::{
    clock::Timestamp,
    id::{IdGenerator, SessionId, SystemRandom},
    oidc::client::Client,
};

/// What a client is told of a session that has ended: the claims of a logout token (OpenID Connect Back-Channel Logout 1.0 section 2.4).
///
/// It is made anew for each attempt to deliver it, because some clients refuse a `jti` that they have seen before. A [`LogoutTokenSigner`](super::LogoutTokenSigner)
/// makes it a JWT.
///
/// - `iss`, `aud` (one client), `iat`, `exp` two minutes later, and a `jti` of 128 random bits.
/// - `events` with exactly one member, an empty object.
/// - `sid`. `sub` only if the [client wants it](Client::wants_subject), or there is no `sid`: some clients take a token with both for "all sessions of this user".
/// - Never `nonce`.
///
/// ```
/// use std::time::SystemTime;
/// use axum_user_session::{id::SessionId, oidc::{Client, back_channel::LogoutToken}};
///
/// let client = Client::builder("client1").build()?;
/// let session = SessionId::parse("0123456789ABCDEF0123456789ABCDEF")?;
/// let token = LogoutToken::new("https://idp.example", &client, "alice", Some(session), SystemTime::now());
/// let claims = token.claims();
/// assert_eq!(claims["aud"], "client1");
/// assert_eq!(claims["sid"], "0123456789ABCDEF0123456789ABCDEF");
/// assert!(!claims.contains_key("sub") && !claims.contains_key("nonce"));
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct LogoutToken {
    claims: Map<String, Value>,
}

impl LogoutToken {
    /// A token for a client, about one session of a user, or about all of them if no session is given.
    pub fn new(
        issuer: &str,
        client: &Client,
        subject: &str,
        session_id: Option<SessionId>,
        now: SystemTime,
    ) -> Self {
        Self::with(&SystemRandom, issuer, client, subject, session_id, now)
    }

    pub(super) fn with(
        random: &dyn IdGenerator,
        issuer: &str,
        client: &Client,
        subject: &str,
        session_id: Option<SessionId>,
        now: SystemTime,
    ) -> Self {
        let issued = Timestamp::from(now);
        let mut id = [0; 16];
        random.fill(&mut id);
        let mut claims = Map::new();
        let mut claim = |name: &str, value: Value| claims.insert(name.to_owned(), value);
        claim("iss", issuer.into());
        claim("aud", client.id().as_str().into());
        claim("iat", issued.unix_seconds().into());
        claim("exp", issued.plus(LIFETIME).unix_seconds().into());
        claim("jti", URL_SAFE_NO_PAD.encode(id).into());
        claim("events", json!({ EVENT: {} }));
        if client.wants_subject() || session_id.is_none() {
            claim("sub", subject.into());
        }
        if let Some(session_id) = session_id {
            claim("sid", session_id.as_str().into());
        }
        Self { claims }
    }

    /// The claims, for a signer that wants them as they are.
    pub fn claims(&self) -> &Map<String, Value> {
        &self.claims
    }

    /// What a signature is made over, header and claims in base64url with a dot between them (RFC 7515 section 5.1), for a signer that gets bytes: a key management
    /// service, say. The JWT is this, a dot, and the signature in base64url.
    ///
    /// The header's type is `logout+jwt`, so that the token can't be taken for one of another kind (section 2.4, and RFC 8725 section 3.11). `algorithm` is a name such as
    /// `ES256`.
    pub fn signing_input(&self, algorithm: &str, key_id: &str) -> String {
        let header = json!({ "typ": TYPE, "alg": algorithm, "kid": key_id });
        let encoded = |json: String| URL_SAFE_NO_PAD.encode(json);
        let claims = Value::Object(self.claims.clone());
        format!(
            "{}.{}",
            encoded(header.to_string()),
            encoded(claims.to_string())
        )
    }
}

impl fmt::Debug for LogoutToken {
    /// Shows for whom it is, and no more.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogoutToken")
            .field("aud", &self.claims["aud"])
            .finish_non_exhaustive()
    }
}

/// How long a token is accepted: as short as clocks and networks let it be (section 2.4).
const LIFETIME: Duration = Duration::from_secs(120);
const TYPE: &str = "logout+jwt";
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

#[cfg(test)]
mod tests {
    use super::*;

    struct Counting;

    impl IdGenerator for Counting {
        fn fill(&self, bytes: &mut [u8]) {
            for (byte, count) in bytes.iter_mut().zip(0..) {
                *byte = count;
            }
        }
    }

    fn sid() -> SessionId {
        SessionId::parse("0123456789ABCDEF0123456789ABCDEF").unwrap()
    }

    fn now() -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_millis(1_800_000_000_999)
    }

    #[test]
    fn o5_a_token_has_these_claims_and_no_others() {
        let always = json!({
            "iss": "https://idp.example", "aud": "c", "iat": 1_800_000_000_u64, "exp": 1_800_000_120_u64,
            "jti": "AAECAwQFBgcICQoLDA0ODw", "events": { EVENT: {} },
        });
        let sid_claim = json!({ "sid": "0123456789ABCDEF0123456789ABCDEF" });
        let sub_claim = json!({ "sub": "alice" });
        for (name, wants_subject, session, expected) in [
            ("a session", false, Some(sid()), vec![&sid_claim]),
            (
                "subject asked for",
                true,
                Some(sid()),
                vec![&sid_claim, &sub_claim],
            ),
            ("no session", false, None, vec![&sub_claim]),
            (
                "no session, subject asked for",
                true,
                None,
                vec![&sub_claim],
            ),
        ] {
            let client = Client::builder("c")
                .wants_subject(wants_subject)
                .build()
                .unwrap();
            let token = LogoutToken::with(
                &Counting,
                "https://idp.example",
                &client,
                "alice",
                session,
                now(),
            );
            let mut claims = always.as_object().unwrap().clone();
            for more in expected {
                claims.extend(more.as_object().unwrap().clone());
            }
            assert_eq!(token.claims(), &claims, "{name}");
        }
    }

    #[test]
    fn o5_each_token_has_a_jti_of_its_own() {
        let client = Client::builder("c").build().unwrap();
        let jti = || {
            let token =
                LogoutToken::new("https://idp.example", &client, "alice", Some(sid()), now());
            token.claims()["jti"].clone()
        };
        assert_ne!(jti(), jti());
    }

    #[test]
    fn o5_the_header_says_that_it_is_a_logout_token() {
        let client = Client::builder("c").build().unwrap();
        let token = LogoutToken::new("https://idp.example", &client, "alice", Some(sid()), now());
        let input = token.signing_input("ES256", "key 1\"");
        let (header, claims) = input.split_once('.').unwrap();
        let json = |part: &str| -> Value {
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
        };
        let expected = json!({ "typ": "logout+jwt", "alg": "ES256", "kid": "key 1\"" });
        assert_eq!(json(header), expected);
        assert_eq!(&json(claims), &Value::Object(token.claims().clone()));
        assert!(!format!("{token:?}").contains("0123456789ABCDEF"));
    }
}
