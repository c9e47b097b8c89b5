use std::{fmt, sync::Arc, time::Duration};

use super::{
    hearing::tell,
    plan::{Established, Plan, Rules},
    shared::Shared,
    state::State,
};
use crate::{
    clock::Timestamp,
    config::Settings,
    ended::Ended,
    error::{Error, ErrorKind},
    id::{ClientId, SessionId},
    lifetimes::CLOCK_SKEW,
    ticket::{AuthenticationProperties, Principal, Ticket},
};

/// The session of the request: who is signed in, in which session, with which clients.
///
/// Extract it in a handler; it is a cheap handle, and all clones of it within a request are one session: a sign-in
/// shows in every one of them at once, although the cookie reaches the browser only with the response.
///
/// Reading methods are synchronous and can't fail. Changing methods are `async`, and what they report as done is done: the cookies go
/// out whatever status the handler then returns. When the response head has been sent, a change that needs a cookie fails with
/// [`ErrorKind::ResponseSent`].
///
/// ```
/// use axum_user_session::{Error, Principal, UserSession};
///
/// async fn sign_in(session: UserSession) -> Result<String, Error> {
///     let alice = Principal::builder("alice").claim("name", "Alice Smith").build();
///     session.sign_in(alice).await?;
///     let user = session.user().expect("just signed in");
///     Ok(format!("Hello {}", user.subject()))
/// }
/// ```
#[derive(Clone)]
pub struct UserSession {
    pub(super) shared: Arc<Shared>,
}

/// What [`UserSession::sign_in`] has made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedIn {
    session_id: SessionId,
    ended: Option<Ended>,
}

impl SignedIn {
    /// The session's id: that of the session before, if the same user goes on.
    pub fn session_id(&self) -> SessionId {
        self.session_id
    }

    /// The session that this sign-in put an end to, as when another user was signed in. Its clients are to be told.
    pub fn ended(&self) -> Option<&Ended> {
        self.ended.as_ref()
    }
}

impl UserSession {
    /// The current user, or none: of the incoming cookie, or of a sign-in in this request. Claims transformation never runs here.
    pub fn user(&self) -> Option<Principal> {
        if self.shared.phase.is_clean() {
            return self.shared.arrived.clone();
        }
        let session = self.shared.lock();
        let current = session.state.session();
        current.map(|ticket| ticket.principal.clone())
    }

    /// The current session's id.
    pub fn session_id(&self) -> Option<SessionId> {
        self.shared.lock().state.session_id()
    }

    /// The current session as a whole: its user and its properties, as they are at one moment.
    pub fn ticket(&self) -> Option<Ticket> {
        self.shared.lock().state.session().cloned()
    }

    /// The properties of the current session.
    pub fn properties(&self) -> Option<AuthenticationProperties> {
        let session = self.shared.lock();
        session
            .state
            .session()
            .map(|ticket| ticket.properties.clone())
    }

    /// The clients that take part in the session, in the order first added; empty when nobody is signed in.
    pub fn client_list(&self) -> Vec<ClientId> {
        let session = self.shared.lock();
        let clients = session
            .state
            .session()
            .map(|ticket| ticket.properties.clients.clone());
        drop(session);
        clients.map(|clients| clients.to_vec()).unwrap_or_default()
    }

    /// The ticket that came with the request, whatever sign-ins have happened since, with the
    /// [claims transformation](crate::config::SessionConfigBuilder::claims_transformation) applied to a copy.
    ///
    /// The transformation runs at most once per request, and its outcome is never written back.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::ClaimsTransformation`] when the transformation failed.
    pub async fn authenticate(&self) -> Result<Option<Ticket>, Error> {
        let Some(incoming) = self.shared.lock().state.incoming().cloned() else {
            return Ok(None);
        };
        let Some(transformed) = &self.shared.transformed else {
            return Ok(Some(incoming));
        };
        let principal = incoming.principal.clone();
        let mut transformed = transformed.lock().await;
        let principal = transformed.run(&self.shared.settings, principal).await?;
        Ok(Some(Ticket::new(principal, incoming.properties)))
    }

    /// Whether the user has to authenticate again before something sensitive: nobody is signed in, or `auth_time` is older than `max_age`, missing or
    /// in the future (OpenID Connect Core 1.0 section 3.1.2.1, `max_age`; OWASP ASVS 5.0, 7.5.1).
    ///
    /// `auth_time` counts whole seconds; clocks of other nodes may be a minute ahead.
    pub fn requires_reauthentication(&self, max_age: Duration) -> bool {
        // `auth_time` has lost its fraction of a second, so the time now must lose it too.
        let now = self.shared.settings.now().unix_seconds();
        let auth_time = self.user().and_then(|user| user.auth_seconds());
        auth_time.is_none_or(|at| {
            at > now + CLOCK_SKEW.as_secs() || now.saturating_sub(at) > max_age.as_secs()
        })
    }

    /// Signs a user in for the configured time; the cookie ends with the browser.
    ///
    /// Claims that every sign-in must have are filled in where they are missing: `idp` ("local"), `amr` (["pwd"] for the local
    /// provider, else ["external"]) and `auth_time` (now). If the same user is signed in already, session id and clients carry over; whether the
    /// cookie outlives the browser does not, and is to be asked for again.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::MissingSubject`], [`ErrorKind::InvalidSubject`], [`ErrorKind::TooLarge`], [`ErrorKind::ConflictingCookies`],
    /// [`ErrorKind::ResponseSent`]; with a store also [`ErrorKind::LimitReached`], [`ErrorKind::StoreFull`], [`ErrorKind::SessionEnded`] and
    /// [`ErrorKind::Unavailable`]. The session is then as it was before, but for these:
    ///
    /// - After `Unavailable` nobody knows what the store has done. If it took the new session in the place of the one before, that is over, and the user signs in once
    ///   more; the new one is ended, as nobody has its cookie.
    /// - After `ResponseSent` the same is sure, if the response went out while the store was asked.
    /// - After `SessionEnded` nobody is signed in.
    pub async fn sign_in(&self, principal: Principal) -> Result<SignedIn, Error> {
        self.sign_in_with(principal, AuthenticationProperties::new())
            .await
    }

    /// Signs a user in with properties: a cookie that outlives the browser, another expiry, items of your own.
    ///
    /// Properties that hold the current session's id and are used for the same user mean the same session. One that the host gave
    /// to [`set_session_id`](AuthenticationProperties::set_session_id) is taken when nobody is signed in.
    ///
    /// # Errors
    ///
    /// As [`sign_in`](Self::sign_in), and [`ErrorKind::InvalidExpiry`].
    ///
    /// ```
    /// # use axum_user_session::{AuthenticationProperties, Error, Principal, UserSession};
    /// async fn remember_me(session: UserSession, alice: Principal) -> Result<(), Error> {
    ///     let properties = AuthenticationProperties::new().with_persistent(true);
    ///     session.sign_in_with(alice, properties).await?;
    ///     Ok(())
    /// }
    /// ```
    pub async fn sign_in_with(
        &self,
        principal: Principal,
        properties: AuthenticationProperties,
    ) -> Result<SignedIn, Error> {
        let settings = &*self.shared.settings;
        let now = settings.now();
        let principal = principal.with_authentication_claims(now);
        let established = match self.shared.is_in_store() {
            true => {
                let sign_in = |shared: Arc<Shared>| shared.sign_in_to_store(principal, properties);
                self.shared.in_turn(sign_in).await
            }
            false => {
                let fresh = || SessionId::generate(&*settings.ids);
                let established = self.shared.change(now, |state| {
                    let rules = Rules::of(settings);
                    let plan = state.sign_in(principal, properties, now, rules, fresh)?;
                    Ok(Some(plan))
                });
                established.map(|established| {
                    let established = established.expect("a sign-in always has a plan");
                    established.tell();
                    established
                })
            }
        };
        let established = established.inspect_err(|_| self.shared.lock().state.drop_pending())?;
        let Established {
            session_id, ended, ..
        } = established;
        tell(settings, ended.as_ref()).await;
        Ok(SignedIn { session_id, ended })
    }

    /// Ends the session: the user is gone at once, and the cookies with the response. Gives what has ended, once; the cookies are
    /// cleared even if nobody was signed in.
    ///
    /// In cookie-only mode a copy of the cookie made before stays valid until it expires.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::ResponseSent`] if there was nothing to end but the cookies. With a store also [`ErrorKind::CookieNotSent`], when the session has ended and only its
    /// cookie stays, and [`ErrorKind::Unavailable`]: the user is still signed in for this request, and the session may have ended all the same. Asking again does no
    /// harm.
    pub async fn sign_out(&self) -> Result<Option<Ended>, Error> {
        if self.shared.is_in_store() {
            return self.shared.in_turn(Shared::sign_out_of_store).await;
        }
        let settings = &*self.shared.settings;
        let now = settings.now();
        let sign_out = |state: &State| Ok(Some(state.sign_out(now, Rules::of(settings))));
        let ended = self.shared.change(now, sign_out)?.flatten();
        tell(settings, ended.as_ref()).await;
        Ok(ended)
    }

    /// Changes the claims of the signed-in user, say after a change of name. Session, clients and expiries stay, and `idp`, `amr` and
    /// `auth_time` too where the new claims don't hold them.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotSignedIn`], [`ErrorKind::SignInPending`], [`ErrorKind::SubjectChanged`],
    /// [`ErrorKind::TooLarge`]. Without a store [`ErrorKind::ResponseSent`]; with one, where no cookie is needed, [`ErrorKind::SessionEnded`] and
    /// [`ErrorKind::Unavailable`].
    pub async fn refresh(&self, principal: Principal) -> Result<(), Error> {
        self.change(move |state, now| Ok(Some(state.refresh(principal.clone(), now)?)))
            .await
    }

    /// Records that a client takes part in the session, and says whether it is new. The session's lifetime stays.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotSignedIn`], [`ErrorKind::SignInPending`], [`ErrorKind::InvalidClientId`],
    /// and without a store [`ErrorKind::TooLarge`], [`ErrorKind::ResponseSent`]. With one, where no cookie is needed, [`ErrorKind::SessionEnded`] and
    /// [`ErrorKind::Unavailable`].
    pub async fn add_client_id(&self, client_id: impl AsRef<str>) -> Result<bool, Error> {
        let client_id = ClientId::parse(client_id.as_ref())?;
        if self.shared.is_in_store() {
            let add = |shared: Arc<Shared>| shared.add_client_in_store(client_id);
            return self.shared.in_turn(add).await;
        }
        let now = self.shared.settings.now();
        let add = |state: &State| state.add_client(&client_id, now);
        Ok(self.shared.change(now, add)?.is_some())
    }

    /// Sets an item of your own in the session's properties.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidItem`] for an empty or reserved name, else as [`refresh`](Self::refresh), but for `SubjectChanged`.
    pub async fn set_item(&self, name: &str, value: &str) -> Result<(), Error> {
        self.change_item(name, Some(value)).await
    }

    /// Removes an item of your own from the session's properties.
    ///
    /// # Errors
    ///
    /// As [`set_item`](Self::set_item).
    pub async fn remove_item(&self, name: &str) -> Result<(), Error> {
        self.change_item(name, None).await
    }

    /// Gives a sign-in its session id before it happens, and puts that into `properties`, for a host that needs the id in between. Principal and
    /// properties show as current; a [`sign_in_with`](Self::sign_in_with) of the same principal and properties must follow in this request, or all of it is dropped
    /// with a warning.
    ///
    /// # Errors
    ///
    /// As [`sign_in_with`](Self::sign_in_with), but for `TooLarge` and those of a store, which is not asked yet.
    pub async fn create_session_id(
        &self,
        principal: &Principal,
        properties: &mut AuthenticationProperties,
    ) -> Result<SessionId, Error> {
        let settings = &*self.shared.settings;
        let now = settings.now();
        let fresh = || SessionId::generate(&*settings.ids);
        let asked = (properties.asked_expires, properties.asked_absolute);
        let _turn = self.shared.turn().await;
        let created = self.shared.change(now, |state| {
            let (principal, properties) = (principal.clone(), properties.clone());
            let rules = Rules::of(settings);
            let plan = state.create_session_id(principal, properties, now, rules, fresh)?;
            Ok(Some(plan))
        })?;
        *properties = created.expect("a creation always has a plan");
        (properties.asked_expires, properties.asked_absolute) = asked;
        Ok(properties.session_id.expect("it was just created"))
    }

    /// Issues the session id cookie if the request's does not show the current id, or removes it if nobody is signed in. The layer
    /// does so at the end of every request; call it only to have it done after a [removal](Self::remove_session_id_cookie).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::ResponseSent`].
    pub async fn ensure_session_id_cookie(&self) -> Result<(), Error> {
        let now = self.shared.settings.now();
        let _turn = self.shared.turn().await;
        self.shared
            .change(now, |state| Ok(state.ensure_session_id_cookie()))?;
        Ok(())
    }

    /// Removes the session id cookie with this response, if the request carried it or this response has issued it. While a user is
    /// signed in, the next request issues it again.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::ResponseSent`].
    pub async fn remove_session_id_cookie(&self) -> Result<(), Error> {
        let now = self.shared.settings.now();
        let _turn = self.shared.turn().await;
        self.shared
            .change(now, |state| Ok(state.remove_session_id_cookie()))?;
        Ok(())
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.shared.settings
    }

    /// Whether nobody is signed in because the request carries valid cookies of different sessions.
    #[cfg(feature = "oidc")]
    pub(crate) fn is_in_conflict(&self) -> bool {
        self.shared.lock().state.is_in_conflict()
    }

    /// Whether nobody is signed in because the session has ended a moment ago, or goes on under a cookie that the browser is about to get.
    #[cfg(feature = "oidc")]
    pub(crate) fn may_go_on_elsewhere(&self) -> bool {
        let session = self.shared.lock();
        let is_nobody = session.state.session().is_none() && !session.state.is_in_conflict();
        session.gone.is_some() && is_nobody
    }

    /// Where the session [may go on elsewhere](Self::may_go_on_elsewhere) and is there under this id, a sign-out is of that one from now on. Says whether it is.
    #[cfg(feature = "oidc")]
    pub(crate) async fn turn_to(&self, id: SessionId) -> Result<bool, Error> {
        match self.may_go_on_elsewhere() {
            true => self.shared.turn_to(id).await,
            false => Ok(false),
        }
    }

    /// The session, unless its sign-in is yet to come.
    pub(crate) fn signed_in_ticket(&self) -> Result<Ticket, ErrorKind> {
        self.shared.lock().state.changeable().cloned()
    }

    pub(crate) fn shared_settings(&self) -> &Arc<Settings> {
        &self.shared.settings
    }

    async fn change_item(&self, name: &str, value: Option<&str>) -> Result<(), Error> {
        let reserved = [
            "",
            AuthenticationProperties::SESSION_ID_ITEM,
            AuthenticationProperties::CLIENT_LIST_ITEM,
        ];
        if reserved.contains(&name) {
            return Err(ErrorKind::InvalidItem.into());
        }
        let (name, value) = (name.to_owned(), value.map(str::to_owned));
        self.change(move |state, now| state.set_item(&name, value.as_deref(), now))
            .await
    }

    /// Changes the ticket of the session that there is.
    async fn change(
        &self,
        plan: impl Fn(&State, Timestamp) -> Result<Option<Plan<()>>, ErrorKind> + Send + 'static,
    ) -> Result<(), Error> {
        if self.shared.is_in_store() {
            let change = |shared: Arc<Shared>| shared.change_in_store(plan);
            return self.shared.in_turn(change).await;
        }
        let now = self.shared.settings.now();
        self.shared.change(now, |state| plan(state, now))?;
        Ok(())
    }
}

impl fmt::Debug for UserSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserSession")
            .field("signed_in", &self.user().is_some())
            .finish_non_exhaustive()
    }
}
