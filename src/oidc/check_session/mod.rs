//! The check-session iframe: its page and script, what the script asks the server, and the route that serves both.

mod page;
mod question;
mod service;

pub use self::service::{CheckSession, CheckSessionFuture};
