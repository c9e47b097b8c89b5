//! The other session crates, each set up as its documentation shows.

mod axum_extra;
mod axum_login;
mod axum_session;
mod tower_cookies;
mod tower_sessions;

pub use self::{
    axum_extra::AXUM_EXTRA, axum_login::AXUM_LOGIN, axum_session::AXUM_SESSION,
    tower_cookies::TOWER_COOKIES, tower_sessions::TOWER_SESSIONS,
};
