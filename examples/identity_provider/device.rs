//! What a device is called, and where a user signs in from.

use std::net::SocketAddr;

use axum::http::{HeaderMap, header::USER_AGENT};
use axum_user_session::store::Device;

/// What the session is to remember of the device.
///
/// The address is that of whoever is connected: behind a proxy, the proxy's. A real site takes it from the header that its own proxy sets.
pub(crate) fn of_request(headers: &HeaderMap, peer: SocketAddr) -> Device {
    let device = Device::new().with_address(&peer.ip().to_string());
    match headers.get(USER_AGENT).map(|value| value.to_str()) {
        Some(Ok(user_agent)) => device.with_user_agent(user_agent),
        _ => device,
    }
}

/// A name that a person recognises, from what a browser calls itself. It may say anything, so this is a guess, and only for the eye.
pub(crate) fn name(user_agent: &str) -> String {
    let first_of = |known: &[(&str, &'static str)]| {
        let found = known.iter().find(|(mark, _)| user_agent.contains(mark));
        found.map(|(_, name)| *name)
    };
    match (first_of(&BROWSERS), first_of(&SYSTEMS)) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(name), None) | (None, Some(name)) => name.to_owned(),
        (None, None) => "Unknown device".to_owned(),
    }
}

/// Many call themselves by the names of others too, so the order counts.
const BROWSERS: [(&str, &str); 6] = [
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
    ("curl/", "curl"),
];

const SYSTEMS: [(&str, &str); 7] = [
    ("Windows", "Windows"),
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
];
