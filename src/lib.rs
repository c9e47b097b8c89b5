//! The user's session at an identity provider, as an axum layer and extractor.
//!
//! A site where people sign in once and use many applications must know, in every request, who is signed in, in which session, and which
//! applications take part in it, so that signing out can reach all of them. This crate keeps that in a sealed cookie, or on a server in a store of your choice.
//!
//! ```
//! use axum::{Router, response::Redirect, routing::{get, post}};
//! use axum_user_session::{
//!     Error, KeyRing, Principal, SessionConfig, UserSession, UserSessionLayer, guard::SameOriginLayer,
//! };
//!
//! async fn home(session: UserSession) -> String {
//!     match session.user() {
//!         Some(user) => format!("Hello {}", user.subject()),
//!         None => "Nobody is signed in".to_owned(),
//!     }
//! }
//!
//! async fn login(session: UserSession) -> Result<Redirect, Error> {
//!     // Check a password or a passkey first.
//!     session.sign_in(Principal::builder("alice").claim("name", "Alice Smith").build()).await?;
//!     assert_eq!(session.user().unwrap().subject(), "alice"); // at once, not with the next request
//!     Ok(Redirect::to("/"))
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # std::env::set_current_dir(&folder)?;
//! let config = SessionConfig::builder(KeyRing::open_file("keys.json")?).build()?;
//! let app: Router = Router::new()
//!     .route("/", get(home))
//!     .route("/login", post(login))
//!     .layer(SameOriginLayer::new()) // no other site may sign anybody in
//!     .layer(UserSessionLayer::new(config));
//! # Ok(())
//! # }
//! ```
//!
//! # A guide
//!
//! **A request comes in.** The [`UserSessionLayer`] finds the authentication cookie by its exact name, opens it once, and puts a handle into the
//! request. A cookie that is missing, forged or expired means that nobody is signed in; that is no error. Handlers extract the handle as
//! [`UserSession`].
//!
//! **Who is it?** [`UserSession::user`] gives the [`Principal`]: a subject and claims, as in a JWT. [`UserSession::session_id`] gives the
//! session's id, the `sid` of OpenID Connect. Both are synchronous and can't fail. [`extract::RequireUser`] and the layers in [`guard`] turn away
//! whoever is not signed in.
//!
//! **Signing in** with [`UserSession::sign_in`] shows in every clone of the handle at once. The same user keeps session id and clients; another user
//! gets a new session, and the old one comes back as [`SignedIn::ended`](session::SignedIn::ended), so that its clients can be told.
//! [`AuthenticationProperties`] ask for a cookie that outlives the browser, another expiry, or keep items of your own.
//!
//! **Clients** that ask for tokens are recorded with [`UserSession::add_client_id`]. **Signing out** with [`UserSession::sign_out`] clears the cookies and
//! yields [`Ended`](ended::Ended): who, which session, which clients.
//!
//! **Sensitive actions** ask [`UserSession::requires_reauthentication`], or stand behind
//! [`guard::RequireUserLayer::authenticated_within`].
//!
//! **Keys** live in a [`KeyRing`]. They can be added, promoted and retired while the server runs, on several nodes at one moment, and nobody is signed out; see
//! [`key_ring`].
//!
//! **On the server** sessions are kept if the configuration has a [store](mod@store): they can then be [listed and revoked](admin), limited per user, and end
//! at once for everybody who has a copy of the cookie. [Tasks](cleanup) end what has expired, and tell a hook of yours of every end.
//!
//! **The response goes out.** If something has changed, the layer adds the cookies and `Cache-Control: no-store`, whatever the status is. After the
//! response head is sent, a change that needs a cookie fails with [`ErrorKind::ResponseSent`](error::ErrorKind::ResponseSent) instead of being lost.
//!
//! **To read on**, there is a [page for each question](guide): the life of a session, choosing a store, keys, several nodes, proxies, logout, the threat model,
//! and moving here from elsewhere.
//!
//! # What is set where
//!
//! | cookie | default name | holds | attributes |
//! |---|---|---|---|
//! | authentication | `__Host-idsrv`, further chunks `__Host-idsrv.1` ... | the sealed ticket | HttpOnly, Secure, Path=/, SameSite=Lax |
//! | session id | `idsrv.session` | the session id, for scripts of the check-session iframe | Secure, Path=/, SameSite=None |
//! | marks, without a store | `__Host-idsrv.c` and a hash, `__Host-idsrv.e` and a hash | a client that was just added; a session that has just ended | as authentication, for some minutes |
//!
//! With a [store](mod@store) the authentication cookie holds a sealed reference of constant size, and there are no marks.
//!
//! # What is not promised
//!
//! Without a [store](config::SessionConfigBuilder::store), the session is in the cookie and nowhere else. Signing out clears it in the browser, but a *copy* of
//! the cookie that somebody made before stays valid until it expires: nothing here can revoke it. Keep lifetimes short, or retire the key in an
//! emergency. With a store a session that has ended is over in every copy; what a crash of a server may take back, [its store](mod@store) says.
//!
//! # Features
//!
//! | feature | adds |
//! |---|---|
//! | `sqlite` | sessions in a SQLite file, for one node |
//! | `postgres` | sessions in PostgreSQL, for any number of nodes |
//! | `redis` | sessions in Redis, standalone or a cluster, for any number of nodes |
//! | `metrics` | the [`events`] counted and timed, for any recorder of the facade `metrics` |
//! | `oidc` | module `oidc`: OpenID Connect Session Management, RP-Initiated and Front-Channel Logout, what a discovery document says of them |
//! | `back-channel` | module `oidc::back_channel`: OpenID Connect Back-Channel Logout, with a durable outbox |
//! | `testing` | module `testing`: a manual clock, a cookie-keeping browser for tower services, stores that count and fail, the conformance suite for stores, the ticket codec |

#![warn(clippy::unwrap_used)]

pub mod admin;
pub mod cleanup;
pub mod clock;
pub mod config;
mod cookie;
mod device;
pub mod ended;
pub mod error;
pub mod events;
pub mod extract;
pub mod guard;
pub mod guide;
pub mod hook;
pub mod id;
pub mod key_ring;
mod lifetimes;
pub mod middleware;
#[cfg(feature = "oidc")]
pub mod oidc;
mod protector;
pub mod return_url;
pub mod session;
pub mod store;
#[cfg(feature = "testing")]
pub mod testing;
pub mod ticket;

pub use self::config::SessionConfig;
pub use self::error::Error;
pub use self::key_ring::KeyRing;
pub use self::middleware::UserSessionLayer;
pub use self::session::UserSession;
pub use self::ticket::{AuthenticationProperties, Principal};

/// The README's examples run with the documentation tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
