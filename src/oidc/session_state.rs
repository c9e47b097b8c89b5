use std::fmt;

use aws_lc_rs::digest::{Context, SHA256};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};

use super::origin::Origin;
use crate::{
    id::{ClientId, IdGenerator, SessionId, SystemRandom},
    session::UserSession,
};

/// What a client compares the user's session by: the `session_state` of OpenID Connect Session Management 1.0 section 3.
///
/// It goes to the client with every successful authentication response. The client shows it to the [check-session iframe](super::CheckSession) from time to time, which
/// works it out anew and says whether it is still the same. [`UserSession::session_state`] makes one for a request.
///
/// # How it is made
///
/// The specification leaves that to the provider. This is an interface: whatever serves the iframe must agree.
///
/// ```text
/// session_state = base64url(SHA-256(client_id origin session_id salt)) "." salt
/// ```
///
/// - The four texts stand one after the other in UTF-8, with nothing in between.
/// - The origin is that of the redirect URI, as browsers write it: [`Origin`].
/// - The session id is empty while nobody is signed in.
/// - The base64url is unpadded, and the salt is of the same alphabet, so there is no space in it (the iframe's message has one in front of it) and one dot.
///
/// ```
/// use axum_user_session::{id::{ClientId, SessionId}, oidc::{Origin, Salt, SessionState}};
///
/// let client = ClientId::parse("client1")?;
/// let origin = Origin::of("https://client1/callback")?;
/// let session = SessionId::parse("0123456789ABCDEF0123456789ABCDEF")?;
/// let salt = Salt::parse("00112233445566778899AABBCCDDEEFF")?;
/// assert_eq!(
///     SessionState::with_salt(&client, &origin, Some(session), &salt).as_str(),
///     "P8XshELUpk9rL03Y52Fpeon5TRE03w7hHoJp_ZFPEz4.00112233445566778899AABBCCDDEEFF",
/// );
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SessionState(String);

impl SessionState {
    /// The state of a session for a client, or that of nobody's; each has a salt of its own.
    pub fn new(client: &ClientId, origin: &Origin, session: Option<SessionId>) -> Self {
        Self::with_salt(client, origin, session, &Salt::generate())
    }

    /// The same with a salt that is given, as for tests, or to compare with one that was made before.
    pub fn with_salt(
        client: &ClientId,
        origin: &Origin,
        session: Option<SessionId>,
        salt: &Salt,
    ) -> Self {
        let session = session.as_ref().map_or("", SessionId::as_str);
        let mut hash = Context::new(&SHA256);
        for part in [client.as_str(), origin.as_str(), session, salt.as_str()] {
            hash.update(part.as_bytes());
        }
        let hash = BASE64_URL_SAFE_NO_PAD.encode(hash.finish());
        Self(format!("{hash}.{salt}", salt = salt.as_str()))
    }

    /// It as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SessionState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<SessionState> for String {
    fn from(state: SessionState) -> Self {
        state.0
    }
}

/// What makes the [`SessionState`]s of one session differ, so that clients can't recognise a user by them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Salt(String);

impl Salt {
    /// A fresh one: 16 bytes from the CSPRNG as 32 upper-case hexadecimal digits.
    pub fn generate() -> Self {
        Self::generate_with(&SystemRandom)
    }

    fn generate_with(random: &dyn IdGenerator) -> Self {
        // A session id is made the same way.
        Self(SessionId::generate(random).as_str().to_owned())
    }

    /// Takes one that is there: 1 to 64 characters out of `A-Z`, `a-z`, `0-9`, `-` and `_`.
    ///
    /// # Errors
    ///
    /// [`InvalidSalt`] for anything else.
    pub fn parse(text: &str) -> Result<Self, InvalidSalt> {
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        match (1..=64).contains(&text.len()) && text.bytes().all(legal) {
            true => Ok(Self(text.to_owned())),
            false => Err(InvalidSalt),
        }
    }

    /// It as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Something can be no salt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct InvalidSalt;

impl fmt::Display for InvalidSalt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a salt has 1 to 64 letters, digits, hyphens and underscores")
    }
}

impl std::error::Error for InvalidSalt {}

impl UserSession {
    /// The `session_state` for a client's authentication response: of the current session, or of nobody's (OpenID Connect Session Management 1.0 section 2).
    ///
    /// None where there is nothing to watch the session with, so leave it out of the response then: the configuration has
    /// [no session id cookie](crate::config::SessionConfigBuilder::check_session), or the redirect URI is neither http nor https, such as that of an app.
    ///
    /// The client must be allowed to use the redirect URI; that is for the host to check. After a sign-in in the same request it is that of the new session.
    ///
    /// ```
    /// use axum_user_session::{UserSession, id::ClientId};
    ///
    /// fn location(session: &UserSession, client: &ClientId, uri: &str, code: &str) -> String {
    ///     match session.session_state(client, uri) {
    ///         Some(state) => format!("{uri}?code={code}&session_state={state}"),
    ///         None => format!("{uri}?code={code}"),
    ///     }
    /// }
    /// ```
    pub fn session_state(&self, client: &ClientId, redirect_uri: &str) -> Option<String> {
        self.settings().session_id.as_ref()?;
        let origin = Origin::of(redirect_uri).ok()?;
        let salt = Salt::generate_with(&*self.settings().ids);
        let state = SessionState::with_salt(client, &origin, self.session_id(), &salt);
        Some(state.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn o1_reference_vectors() {
        let salt = "00112233445566778899AABBCCDDEEFF";
        for (name, session, expected) in [
            (
                "signed in",
                Some("0123456789ABCDEF0123456789ABCDEF"),
                "P8XshELUpk9rL03Y52Fpeon5TRE03w7hHoJp_ZFPEz4",
            ),
            (
                "nobody",
                None,
                "F897Bbl9naPY798d011wm44bbp_pK_0Lzxj62YWe248",
            ),
        ] {
            let state = SessionState::with_salt(
                &ClientId::parse("client1").unwrap(),
                &Origin::of("https://client1").unwrap(),
                session.map(|session| SessionId::parse(session).unwrap()),
                &Salt::parse(salt).unwrap(),
            );
            assert_eq!(state.as_str(), format!("{expected}.{salt}"), "{name}");
        }
    }

    #[test]
    fn o1_each_has_a_salt_of_its_own_and_no_space() {
        let client = ClientId::parse("a client").unwrap();
        let origin = Origin::of("https://a.example:8443/cb").unwrap();
        let states = [(); 2].map(|()| SessionState::new(&client, &origin, None).to_string());
        let [(hash, salt), other] = states
            .each_ref()
            .map(|state| state.split_once('.').unwrap());
        assert_ne!(salt, other.1);
        assert_ne!(hash, other.0);
        assert_eq!((hash.len(), salt.len()), (43, 32));
        let digit = |byte: u8| byte.is_ascii_digit() || (b'A'..=b'F').contains(&byte);
        assert!(salt.bytes().all(digit), "{salt}");
        assert!(!states[0].contains(' '), "{}", states[0]);
    }

    #[test]
    fn o1_salt_table() {
        for (name, text, accepted) in [
            ("hexadecimal", "00112233445566778899AABBCCDDEEFF", true),
            ("base64url", "aB3-_", true),
            ("64 characters", &*"a".repeat(64), true),
            ("65 characters", &*"a".repeat(65), false),
            ("nothing", "", false),
            ("a space", "a b", false),
            ("a dot", "a.b", false),
            ("not ASCII", "ä", false),
        ] {
            assert_eq!(Salt::parse(text).is_ok(), accepted, "{name}");
        }
    }
}
