//! The end-session endpoint: a client sends the user here to sign out ([RP-Initiated Logout 1.0](https://openid.net/specs/openid-connect-rpinitiated-1_0.html)).
//!
//! [`EndSession`] is the endpoint's settings, part of the router's state. [`EndSessionRequest`] is the extractor: it has read and checked the request,
//! and says what is to be done. The pages are the host's.
//!
//! ```
//! use axum::{Router, extract::State, response::{Html, IntoResponse, Response}, routing::get};
//! use axum_user_session::{
//!     Error, KeyRing, SessionConfig, UserSessionLayer,
//!     guard::SameOriginLayer,
//!     oidc::{Client, FixedClients, end_session::{EndSession, EndSessionRequest, SignedOut}},
//! };
//!
//! async fn end_session(request: EndSessionRequest) -> Result<Response, Error> {
//!     Ok(match request {
//!         EndSessionRequest::Resend(resend) => resend.into_response(),
//!         // Escape what you put into a page; a token needs none.
//!         EndSessionRequest::Ask(question) => Html(format!(
//!             "<form method=post><input type=hidden name=confirmation value={}>
//!              <button>Sign out</button><button name=decline value=1>Stay</button></form>",
//!             question.token(),
//!         )).into_response(),
//!         EndSessionRequest::GoAhead(logout) => goodbye(logout.sign_out().await?),
//!         EndSessionRequest::Declined(_) => Html("You are still signed in").into_response(),
//!         EndSessionRequest::NobodySignedIn(request) => match request.redirect() {
//!             Some(redirect) => redirect.clone().into_response(),
//!             None => Html("You are signed out").into_response(),
//!         },
//!     })
//! }
//!
//! /// Clients that hear of it in the browser need a page here: see `oidc::front_channel`.
//! fn goodbye(signed_out: SignedOut) -> Response {
//!     match signed_out.request().redirect() {
//!         Some(redirect) => redirect.clone().into_response(),
//!         None => Html("You are signed out").into_response(),
//!     }
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let clients: FixedClients = [Client::builder("client1")
//!     .post_logout_redirect_uri("https://client1.example/goodbye")
//!     .build()?].into_iter().collect();
//! let config = SessionConfig::builder(KeyRing::ephemeral()).build()?;
//! let endpoint = EndSession::new(&config, clients);
//! let app: Router = Router::new()
//!     // Your other routes
//!     .layer(SameOriginLayer::new())
//!     // Clients post here from their own sites, so this route stands outside of that layer.
//!     .route("/connect/endsession", get(end_session).post(end_session).with_state(endpoint))
//!     .layer(UserSessionLayer::new(config));
//! # Ok(())
//! # }
//! ```
//!
//! # Rules
//!
//! 1. **The user is asked**, unless a verified `id_token_hint` is for the current session: its `sid` and its `sub` are the session's own (section 2). A hint that can't
//!    be verified, or whose client is not registered any more, is as good as none (section 4).
//! 2. **A redirect goes to a registered place only.** `post_logout_redirect_uri` must be equal, character by character, to one registered for the client that the hint or `client_id` names
//!    (section 3); anything else is refused. Without a client there is no redirect. A [`LogoutRedirect`] can be made in no other way.
//! 3. **A client that contradicts itself is refused**: `client_id` must be the hint's client.
//! 4. **A client's post is sent on** as a `GET` of the same path, because a browser sends no `Lax` cookie with a post from another site. What was verified of it
//!    travels sealed in the query, and is good for ten minutes. A `GET` with the cookie of a session in a store that ended a moment ago comes again too, once and as it is:
//!    the user may have signed in again, and the session go on under another cookie.
//! 5. **A confirmation counts for the session that was asked**, and from this origin only. One that comes too late, or for another session, makes the question come again.
//!    One that comes after the session has ended does no harm. It counts although the client, or the registry, is away: then there is no redirect, and nobody is asked again.
//! 6. Parameters that nobody knows are ignored; one that is there twice is refused, as is what is no UTF-8. An empty one is as good as none (RFC 6749 section 3.1).
//! 7. What is refused is answered with a short text and never with a redirect.
//! 8. A request with valid cookies of different sessions is refused: somebody may be tossing cookies, and nobody knows whom to sign out.
//! 9. A page that a browser fetches in advance ends nothing: such a request is refused, and comes again when the user follows the link.
//!
//! # Caveats
//!
//! - The page that asks must not have `Referrer-Policy: no-referrer`: browsers then send `Origin: null` with its form.
//! - In its `Content-Security-Policy`, `form-action` must let the place through that the user goes on to: some browsers hold a redirect after a form to it.
//! - The authentication cookie must not be [`SameSite::Strict`](crate::config::SameSite::Strict): a browser that comes from a client sends none then, so nobody looks signed in, and the client would be told
//!   that the user is signed out.
//! - Ids of users in ID tokens may be pairwise (OpenID Connect Core 1.0 section 8). Then give an [`IdTokenHintVerifier`] of your own that gives the subject as the session has it.
//! - Have retired signing keys among those of the verifier for as long as their ID tokens may come back.

mod decision;
mod endpoint;
mod hint;
mod hint_key;
mod jwt_hint;
mod kept;
mod outcome;
mod parameters;
mod redirect;
mod rejection;
mod request;

pub use self::endpoint::EndSession;
pub use self::hint::{IdTokenHint, IdTokenHintVerifier};
pub use self::hint_key::{HintAlgorithm, HintKey, InvalidHintKey};
pub use self::jwt_hint::JwtHintVerifier;
pub use self::outcome::{Confirmation, GoAhead, LogoutRequest, Resend, SignedOut};
pub use self::redirect::LogoutRedirect;
pub use self::rejection::{EndSessionRejection, InvalidLogoutRequest};
pub use self::request::EndSessionRequest;
