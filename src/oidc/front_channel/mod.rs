//! Front-channel logout: the page after signing out, which tells clients by loading an address of theirs in a frame
//! ([Front-Channel Logout 1.0](https://openid.net/specs/openid-connect-frontchannel-1_0.html)).
//!
//! ```
//! use axum::{extract::State, response::Response, response::IntoResponse};
//! use axum_user_session::{UserSession, oidc::{end_session::SignedOut, front_channel::FrontChannelLogout}};
//!
//! async fn goodbye(front_channel: FrontChannelLogout, signed_out: SignedOut) -> Response {
//!     let page = front_channel.page(signed_out.ended()).await;
//!     page.then_redirect(signed_out.request().redirect()).into_response()
//! }
//! ```
//!
//! # Rules
//!
//! 1. Each client of the session that has a front-channel URI gets a frame with it, and `iss` and `sid` appended to its query, together or not at all (section 3).
//!    Without an [issuer](crate::config::SessionConfigBuilder::issuer) in the configuration they are not, and a client that requires them gets no frame, with a warning.
//! 2. The page goes on when all frames have loaded, or when the time limit is over, whatever became of them. Without scripts it goes on after the time limit.
//! 3. The page loads frames of the clients' origins only, and runs its own script only (`Content-Security-Policy`). A client's logout page that redirects to another origin is stopped there.
//! 4. Frames are sandboxed: they may run scripts and use their own cookies, but not lead the page away.
//! 5. The page is not stored, sends no `Referer`, and can't be framed itself.
//!
//! 6. Clients that the registry does not answer for in time have no frame: the session is over, and the user is to see that.
//!
//! # Caveats
//!
//! Whether a client has heard of it nobody knows: a browser that blocks third-party cookies loads the frame without the client's session. Where it matters, use the back channel.
//!
//! The list of origins stands in the header while that has at most 2 KiB, because proxies take some 4 to 8 KiB of headers; a longer one stands in the page, and the header lets frames of
//! any https and http origin through. Both count for a browser, so it loads no more than the page's list. A thousand frames are a page of some 300 KiB that loads them all at once, and ends with the time limit.

mod frame;
mod html;
mod logout;
mod page;
mod policy;

pub use self::frame::Frame;
pub use self::logout::FrontChannelLogout;
pub use self::page::FrontChannelPage;
