//! How the parts fit together: a page for each question, each read in about five minutes.
//!
//! | page | answers |
//! |---|---|
//! | [`life_of_a_session`] | What happens between a sign-in and the end, and which cookies go over the wire? |
//! | [`choosing`] | Cookies alone, or a store, and which? What does going over from one to the other cost? |
//! | [`keys`] | What is sealed under what? How are keys rotated, and what is to be done when one leaks? |
//! | [`several_nodes`] | What must nodes agree on? How is a new release deployed? What does a failover do? |
//! | [`behind_a_proxy`] | What must a proxy, a load balancer or a CDN leave alone, and what must it be told? |
//! | [`logout`] | Session state, end session, front channel, back channel: which of them reaches whom? |
//! | [`threat_model`] | What is protected, from whom, and what is not? OWASP ASVS 5.0, row by row. |
//! | [`from_tower_sessions`] | What stands where for somebody who knows tower-sessions and axum-login? |
//! | [`from_duende`] | What stands where for somebody who knows Duende IdentityServer's `IUserSession`? |
//!
//! The documentation of a type says what it does, and is the last word where a page is short. These pages hold no code; their examples run with the tests.

#[doc = include_str!("life_of_a_session.md")]
pub mod life_of_a_session {}

#[doc = include_str!("choosing.md")]
pub mod choosing {}

#[doc = include_str!("keys.md")]
pub mod keys {}

#[doc = include_str!("several_nodes.md")]
pub mod several_nodes {}

#[doc = include_str!("behind_a_proxy.md")]
pub mod behind_a_proxy {}

#[doc = include_str!("logout.md")]
pub mod logout {}

#[doc = include_str!("threat_model.md")]
pub mod threat_model {}

#[doc = include_str!("from_tower_sessions.md")]
pub mod from_tower_sessions {}

#[doc = include_str!("from_duende.md")]
pub mod from_duende {}
