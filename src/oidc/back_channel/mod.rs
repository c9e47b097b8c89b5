//! Back-channel logout: clients hear from this server that a session has ended ([OpenID Connect Back-Channel Logout 1.0](https://openid.net/specs/openid-connect-backchannel-1_0.html)).
//!
//! ```no_run
//! use axum_user_session::{
//!     KeyRing, SessionConfig,
//!     cleanup::EndedTask,
//!     oidc::{
//!         Client, FixedClients,
//!         back_channel::{BackChannelLogout, DeliveryTask, JwtSigner, SigningAlgorithm},
//!     },
//!     store::MemoryStore,
//! };
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let clients: FixedClients = [Client::builder("client1")
//!     .back_channel_logout_uri("https://client1.example/logout", true)
//!     .build()?]
//! .into_iter()
//! .collect();
//! let signer = JwtSigner::from_pem(SigningAlgorithm::Es256, "2027-01", &std::fs::read("key.pem")?)?;
//! let store = MemoryStore::new(100_000); // in production one that outlasts a restart
//!
//! let back_channel = BackChannelLogout::builder("https://idp.example", store.clone(), clients, signer).build()?;
//! let config = SessionConfig::builder(KeyRing::open_file("keys.json")?)
//!     .store(store)
//!     .ended_hook(back_channel.clone())
//!     .build()?;
//! let news = EndedTask::new(&config)?.spawn();
//! let deliveries = DeliveryTask::new(&back_channel).spawn();
//!
//! // ... serve, and when the server has stopped:
//! news.stop().await;
//! deliveries.stop().await;
//! # Ok(())
//! # }
//! ```
//!
//! # The way of a notification
//!
//! 1. A session ends, in whichever way. In the same step its store appends that to its log of ends.
//! 2. An [`EndedTask`](crate::cleanup::EndedTask) hands the end to [`BackChannelLogout`], which puts a delivery for each client that wants to hear into the
//!    [outbox](crate::store::LogoutOutbox). Then the end is acknowledged.
//! 3. A [`DeliveryTask`] takes the deliveries, signs a token for each attempt, and posts it to the client's address.
//! 4. 200 or 204 settles a delivery. Anything else is tried again, at growing intervals, until it is given up.
//!
//! The user's response waits for none of 2 to 4. A crash at any point loses nothing that the store keeps: at worst a client hears twice, with another `jti`. Run both tasks on every node;
//! they share the work.
//!
//! **Whoever shares an outbox has the same issuer, key and clients.** A delivery says for which client it is and not whose, and a node that does not know the client counts that as a refusal. So an outbox, and the store whose
//! ends lead to it, serve one issuer; and a client that is new is registered with all nodes before a user signs in to it.
//!
//! **With sessions in cookies alone** there is no log of ends: the request that ends the session waits for step 2, and what that fails to put in is lost. Give `BackChannelLogout` an outbox
//! that outlasts a restart, such as one in SQLite, and the rest is the same.
//!
//! # What becomes of an attempt
//!
//! | the client | and then |
//! |---|---|
//! | answers 200 or 204 (section 2.8) | it has heard |
//! | answers 408, 425, 429 or a server error, does not answer in time, can't be reached | it is tried again after 5 seconds at most, then 10, and so on up to an hour; given up after a day |
//! | answers anything else: 400 says that the token was invalid or the logout failed; a redirect is not followed | the same, ten times at most, which is half an hour or so |
//! | has an address that is refused, has none any more, or is not registered with this node | the same |
//!
//! A client that does not answer is left alone for a while, up to a minute, and then tried with one delivery. If that fails as well, what has waited for it for a day is given up untried, so what waits for a
//! client that is gone does not grow for ever.
//!
//! All of that are settings of [`DeliveryTask`]. [`LogoutDeliveries`] shows where deliveries stand.
//!
//! # Where tokens are sent
//!
//! Clients choose their addresses, and this server stands where clients may not look. So only https is spoken; redirects and the proxies of the environment are ignored; little of an answer is
//! read, and only for so long. An address is looked at when it is connected to, whether it came from the name system or stood in the URI: loopback, private, shared and
//! unique local addresses are refused unless [allowed](BackChannelLogoutBuilder::dangerously_allow_network), and link-local ones, cloud metadata and forms that hide another address
//! always.

mod addresses;
mod attempt;
mod back_channel_logout;
mod builder;
mod delivery_task;
mod jwt_signer;
mod lanes;
mod logout_deliveries;
mod logout_token;
mod outbox;
mod outgoing;
mod retrying;
mod signer;
mod worker;

pub use self::back_channel_logout::BackChannelLogout;
pub use self::builder::{BackChannelLogoutBuilder, InvalidBackChannel};
pub use self::delivery_task::{DeliveryRound, DeliveryTask};
pub use self::jwt_signer::{InvalidKey, JwtSigner, SigningAlgorithm};
pub use self::logout_deliveries::LogoutDeliveries;
pub use self::logout_token::LogoutToken;
pub use self::signer::LogoutTokenSigner;
