use std::{fmt, future::Future, sync::Arc, time::SystemTime};

use crate::{
    error::BoxError,
    hook::BoxFuture,
    id::{ClientId, SessionId},
};

/// What a verified `id_token_hint` says: which user, in which session, at which client (OpenID Connect RP-Initiated Logout 1.0 section 2).
///
/// Made by an [`IdTokenHintVerifier`].
#[derive(Clone, PartialEq, Eq)]
pub struct IdTokenHint {
    subject: String,
    client: ClientId,
    session_id: Option<SessionId>,
}

impl IdTokenHint {
    /// A hint for a user, as the session names it, from the client that the ID token was issued to.
    pub fn new(subject: impl Into<String>, client: ClientId) -> Self {
        Self {
            subject: subject.into(),
            client,
            session_id: None,
        }
    }

    /// With the session that the ID token was issued in (`sid`). Without one, the user is asked.
    #[must_use]
    pub fn with_session_id(mut self, session_id: SessionId) -> Self {
        self.session_id = Some(session_id);
        self
    }

    /// For another user: the one that the session knows by another name than the ID token (OpenID Connect Core 1.0 section 8).
    #[must_use]
    pub fn with_subject(mut self, subject: impl Into<String>) -> Self {
        self.subject = subject.into();
        self
    }

    /// The user.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// The client.
    pub fn client(&self) -> &ClientId {
        &self.client
    }

    /// The session, if the ID token names it.
    pub fn session_id(&self) -> Option<SessionId> {
        self.session_id
    }
}

impl fmt::Debug for IdTokenHint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdTokenHint")
            .field("client", &self.client)
            .finish_non_exhaustive()
    }
}

/// Verifies the ID token that a client sends along as `id_token_hint`.
///
/// [`JwtHintVerifier`](super::JwtHintVerifier) is for signed tokens and keys that stay. Write one of your own for keys that change while the server runs, encrypted tokens or
/// pairwise subjects; it may ask one of those in turn.
///
/// ```
/// use std::time::SystemTime;
/// use axum_user_session::{error::BoxError, oidc::end_session::{IdTokenHint, IdTokenHintVerifier, JwtHintVerifier}};
///
/// struct Pairwise {
///     signed: JwtHintVerifier,
/// }
/// # impl Pairwise { async fn user_of(&self, _: &IdTokenHint) -> Result<Option<String>, std::io::Error> { Ok(None) } }
///
/// impl IdTokenHintVerifier for Pairwise {
///     async fn verify(&self, token: &str, now: SystemTime) -> Result<Option<IdTokenHint>, BoxError> {
///         let Some(hint) = self.signed.verify(token, now).await? else { return Ok(None) };
///         let user = self.user_of(&hint).await?;
///         // The session id stays: without it the user would be asked.
///         Ok(user.map(|user| hint.with_subject(user)))
///     }
/// }
/// ```
pub trait IdTokenHintVerifier: Send + Sync + 'static {
    /// What a token says, or none if it is not an ID token of this provider. One that has expired is one still; one that is yet to be issued is none.
    ///
    /// # Errors
    ///
    /// Any error of your own: nobody knows then what the token is. The request is answered with 503, as it is after an answer that takes longer than five seconds.
    fn verify(
        &self,
        token: &str,
        now: SystemTime,
    ) -> impl Future<Output = Result<Option<IdTokenHint>, BoxError>> + Send;
}

impl<T: IdTokenHintVerifier> IdTokenHintVerifier for Arc<T> {
    async fn verify(&self, token: &str, now: SystemTime) -> Result<Option<IdTokenHint>, BoxError> {
        T::verify(self, token, now).await
    }
}

/// The twin of [`IdTokenHintVerifier`] that can be a trait object.
pub(super) trait BoxedHintVerifier: Send + Sync {
    fn verify<'a>(
        &'a self,
        token: &'a str,
        now: SystemTime,
    ) -> BoxFuture<'a, Result<Option<IdTokenHint>, BoxError>>;
}

impl<T: IdTokenHintVerifier> BoxedHintVerifier for T {
    fn verify<'a>(
        &'a self,
        token: &'a str,
        now: SystemTime,
    ) -> BoxFuture<'a, Result<Option<IdTokenHint>, BoxError>> {
        Box::pin(IdTokenHintVerifier::verify(self, token, now))
    }
}
