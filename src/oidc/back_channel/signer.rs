use std::{future::Future, sync::Arc, time::Duration};

use tokio::time::timeout;

use super::logout_token::LogoutToken;
use crate::{error::BoxError, hook::BoxFuture};

/// Signs logout tokens with a key of the host's, as its ID tokens are signed (OpenID Connect Back-Channel Logout 1.0 section 2.4).
///
/// [`JwtSigner`](super::JwtSigner) does it with a key in memory. Implement it for a key elsewhere, or for keys that change: each token is signed when it is sent. A
/// signature that takes longer than five seconds counts as none, and the token is sent later.
///
/// ```
/// use axum_user_session::{error::BoxError, oidc::back_channel::{LogoutToken, LogoutTokenSigner}};
/// # struct Kms;
/// # impl Kms { async fn sign(&self, _: &[u8]) -> Result<String, BoxError> { Ok("c2ln".to_owned()) } }
///
/// /// A key that never leaves its service.
/// struct Remote { kms: Kms }
///
/// impl LogoutTokenSigner for Remote {
///     async fn sign(&self, token: &LogoutToken) -> Result<String, BoxError> {
///         let input = token.signing_input("ES256", "2027-01");
///         let signature = self.kms.sign(input.as_bytes()).await?; // in base64url
///         Ok(format!("{input}.{signature}"))
///     }
/// }
/// ```
pub trait LogoutTokenSigner: Send + Sync + 'static {
    /// Gives the token as a JWT in the compact form: see [`LogoutToken::signing_input`].
    ///
    /// # Errors
    ///
    /// Any error of your own: the token is sent later then. Its text may get into the log.
    fn sign(&self, token: &LogoutToken) -> impl Future<Output = Result<String, BoxError>> + Send;
}

impl<T: LogoutTokenSigner> LogoutTokenSigner for Arc<T> {
    async fn sign(&self, token: &LogoutToken) -> Result<String, BoxError> {
        T::sign(self, token).await
    }
}

/// The host's signer, as the parts of this module hold it.
#[derive(Clone)]
pub(super) struct Signer(Arc<dyn BoxedSigner>);

impl Signer {
    pub(super) fn new(signer: impl LogoutTokenSigner) -> Self {
        Self(Arc::new(signer))
    }

    /// A signed token, within the time that there is for it.
    pub(super) async fn sign(&self, token: &LogoutToken) -> Result<String, BoxError> {
        let token = timeout(PATIENCE, self.0.sign(token)).await??;
        // It becomes the value of a form field as it is.
        match token.split('.').count() == 3 && token.bytes().all(is_of_a_jwt) {
            true => Ok(token),
            false => Err("the signer gave no JWT in the compact form".into()),
        }
    }
}

/// The twin of [`LogoutTokenSigner`] that can be a trait object.
trait BoxedSigner: Send + Sync {
    fn sign<'a>(&'a self, token: &'a LogoutToken) -> BoxFuture<'a, Result<String, BoxError>>;
}

impl<T: LogoutTokenSigner> BoxedSigner for T {
    fn sign<'a>(&'a self, token: &'a LogoutToken) -> BoxFuture<'a, Result<String, BoxError>> {
        Box::pin(LogoutTokenSigner::sign(self, token))
    }
}

fn is_of_a_jwt(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')
}

/// How long a signature may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);
