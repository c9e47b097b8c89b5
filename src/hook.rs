//! Traits through which the host takes part.

use std::{
    future::{Future, poll_fn},
    pin::{Pin, pin},
    sync::Arc,
    task::Poll,
};

use crate::{
    ended::Ended,
    error::BoxError,
    ticket::{Principal, Ticket},
};

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

/// Says whether a session still stands: whether the account is disabled, its password was changed, its rights are others now (OWASP ASVS 5.0, 7.4.2).
///
/// Give one to [`validation`](crate::config::SessionConfigBuilder::validation), with the interval at which a session is looked at again. It runs before the handler, at most once per
/// request, and counts a sign-in as the first look. The request waits for it, together with the loading of the session, for no longer than the
/// [`load_limit`](crate::config::SessionConfigBuilder::load_limit); an answer that takes longer is none.
///
/// ```
/// use axum_user_session::{error::BoxError, hook::{Validation, Validator}, ticket::Ticket};
///
/// struct Accounts;
/// # impl Accounts { async fn is_active(&self, _: &str) -> Result<bool, std::io::Error> { Ok(true) } }
///
/// impl Validator for Accounts {
///     async fn validate(&self, ticket: &Ticket) -> Result<Validation, BoxError> {
///         match self.is_active(ticket.principal().subject()).await? {
///             true => Ok(Validation::Valid),
///             false => Ok(Validation::Refused),
///         }
///     }
/// }
/// ```
pub trait Validator: Send + Sync + 'static {
    /// Looks at a session.
    ///
    /// # Errors
    ///
    /// Any error of your own, when nobody can tell. The request is then answered, as after an answer that comes too late, as if the store was away (503): taking the
    /// session for valid would be unsafe, and taking it for refused would sign everybody out.
    fn validate(
        &self,
        ticket: &Ticket,
    ) -> impl Future<Output = Result<Validation, BoxError>> + Send;
}

/// What a [`Validator`] makes of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Validation {
    /// It stands.
    Valid,
    /// It stands, with these claims from now on. Another subject's are [`Refused`](Self::Refused).
    Replaced(Principal),
    /// It ends.
    Refused,
}

/// Hears of every session that ends, to notify its clients.
///
/// Give one to [`ended_hook`](crate::config::SessionConfigBuilder::ended_hook).
///
/// - **With a store**, every end is kept there until the hook has dealt with it: it hears of each *at least once*, on one node at a time, from an
///   [`EndedTask`](crate::cleanup::EndedTask). Tell one end from another by its [`event_id`](Ended::event_id).
/// - **Without one**, it is called in the request that ends the session, once, and what it fails to do, or has not done within the
///   [`write_limit`](crate::config::SessionConfigBuilder::write_limit), is lost. It does not hear of sessions that
///   just expire: nobody is there to notice.
///
/// ```
/// use axum_user_session::{ended::Ended, error::BoxError, hook::EndedHook};
///
/// struct Notifier;
///
/// impl EndedHook for Notifier {
///     async fn ended(&self, ended: &Ended) -> Result<(), BoxError> {
///         for client in &ended.clients {
///             println!("{client} is to be told: {}", ended.reason);
///         }
///         Ok(())
///     }
/// }
/// ```
///
/// # Several
///
/// A pair of hooks is one, and so is a triple: both hear of each end, side by side, so that none waits for another. If one of them fails, all hear of that end again,
/// for as long as that one fails; the first error is the one that is logged. All of them together have the time that one hook has.
///
/// ```
/// # use axum_user_session::{ended::Ended, error::BoxError, hook::EndedHook};
/// # struct Notifier;
/// # impl EndedHook for Notifier { async fn ended(&self, _: &Ended) -> Result<(), BoxError> { Ok(()) } }
/// # struct Audit;
/// # impl EndedHook for Audit { async fn ended(&self, _: &Ended) -> Result<(), BoxError> { Ok(()) } }
/// use axum_user_session::{KeyRing, SessionConfig};
///
/// let config = SessionConfig::builder(KeyRing::ephemeral()).ended_hook((Notifier, Audit)).build()?;
/// # Ok::<_, axum_user_session::error::ConfigError>(())
/// ```
pub trait EndedHook: Send + Sync + 'static {
    /// Deals with the end of a session.
    ///
    /// # Errors
    ///
    /// Any error of your own: with a store, the end is handed out again later.
    fn ended(&self, ended: &Ended) -> impl Future<Output = Result<(), BoxError>> + Send;
}

impl<T: EndedHook> EndedHook for Arc<T> {
    async fn ended(&self, ended: &Ended) -> Result<(), BoxError> {
        T::ended(self, ended).await
    }
}

impl<A: EndedHook, B: EndedHook> EndedHook for (A, B) {
    async fn ended(&self, ended: &Ended) -> Result<(), BoxError> {
        both(self.0.ended(ended), self.1.ended(ended)).await
    }
}

impl<A: EndedHook, B: EndedHook, C: EndedHook> EndedHook for (A, B, C) {
    async fn ended(&self, ended: &Ended) -> Result<(), BoxError> {
        let others = both(self.1.ended(ended), self.2.ended(ended));
        both(self.0.ended(ended), others).await
    }
}

/// Waits for both of two, and gives the first error.
async fn both<E>(
    one: impl Future<Output = Result<(), E>>,
    other: impl Future<Output = Result<(), E>>,
) -> Result<(), E> {
    let (mut one, mut other) = (pin!(one), pin!(other));
    let (mut first, mut second) = (None, None);
    poll_fn(|cx| {
        if first.is_none() {
            first = ready(one.as_mut().poll(cx));
        }
        if second.is_none() {
            second = ready(other.as_mut().poll(cx));
        }
        match (first.take(), second.take()) {
            (Some(one), Some(other)) => Poll::Ready(one.and(other)),
            (one, other) => {
                (first, second) = (one, other);
                Poll::Pending
            }
        }
    })
    .await
}

fn ready<T>(poll: Poll<T>) -> Option<T> {
    match poll {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
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

/// The twin of [`Validator`] that can be a trait object.
pub(crate) trait BoxedValidator: Send + Sync + 'static {
    fn validate<'a>(&'a self, ticket: &'a Ticket) -> BoxFuture<'a, Result<Validation, BoxError>>;
}

impl<T: Validator> BoxedValidator for T {
    fn validate<'a>(&'a self, ticket: &'a Ticket) -> BoxFuture<'a, Result<Validation, BoxError>> {
        Box::pin(Validator::validate(self, ticket))
    }
}

/// The twin of [`EndedHook`] that can be a trait object.
pub(crate) trait BoxedEndedHook: Send + Sync + 'static {
    fn ended<'a>(&'a self, ended: &'a Ended) -> BoxFuture<'a, Result<(), BoxError>>;
}

impl<T: EndedHook> BoxedEndedHook for T {
    fn ended<'a>(&'a self, ended: &'a Ended) -> BoxFuture<'a, Result<(), BoxError>> {
        Box::pin(EndedHook::ended(self, ended))
    }
}
