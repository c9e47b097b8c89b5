//! Traits through which the host takes part.

use std::{future::Future, pin::Pin};

use crate::{error::BoxError, ticket::Principal};

/// Changes the incoming principal for [`authenticate`](crate::UserSession::authenticate): adds roles from a
/// directory, renames claims of an upstream provider.
///
/// It runs at most once per request, and only when `authenticate` is called. What it returns is seen by `authenticate` only: it
/// is never written back into the session.
///
/// ```
/// use axum_user_session::{Principal, error::BoxError, hook::ClaimsTransformation};
///
/// struct AddRole;
///
/// impl ClaimsTransformation for AddRole {
///     async fn transform(&self, principal: Principal) -> Result<Principal, BoxError> {
///         let mut claims = principal.claims().clone();
///         claims.insert("role".to_owned(), "reader".into());
///         Ok(Principal::from_claims(claims)?)
///     }
/// }
/// ```
pub trait ClaimsTransformation: Send + Sync + 'static {
    /// Gives the principal that `authenticate` shows in place of the one that arrived.
    ///
    /// # Errors
    ///
    /// Any error of your own; `authenticate` fails with it as the source.
    fn transform(
        &self,
        principal: Principal,
    ) -> impl Future<Output = Result<Principal, BoxError>> + Send;
}

pub(crate) type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The twin of [`ClaimsTransformation`] that can be a trait object.
pub(crate) trait BoxedClaimsTransformation: Send + Sync + 'static {
    fn transform(&self, principal: Principal) -> BoxFuture<'_, Result<Principal, BoxError>>;
}

impl<T: ClaimsTransformation> BoxedClaimsTransformation for T {
    fn transform(&self, principal: Principal) -> BoxFuture<'_, Result<Principal, BoxError>> {
        Box::pin(ClaimsTransformation::transform(self, principal))
    }
}
