//! The page in Firefox.

use serde_json::{Value, json};

use crate::{
    journey::Journey,
    marionette::Firefox,
    site::{CLIENT, NEIGHBOUR, PROVIDER, STRANGER, Site},
};

#[test]
#[ignore = "needs Firefox: bash tests/run.sh"]
fn o2_firefox_with_all_cookies() {
    let mut journey = with_cookies(json!(0));
    journey.where_cookies_are_allowed();
    journey.errors();
}

#[test]
#[ignore = "needs Firefox: bash tests/run.sh"]
fn o2_firefox_without_cookies_in_frames() {
    with_cookies(json!(1)).where_cookies_are_blocked();
}

/// Firefox's default: a frame on another site can write and read cookies, but they are not those that the provider has elsewhere.
#[test]
#[ignore = "needs Firefox: bash tests/run.sh"]
fn o2_firefox_with_other_cookies_in_frames() {
    with_cookies(json!(5)).where_cookies_are_blocked();
}

/// A browser with a `network.cookie.cookieBehavior`.
fn with_cookies(behaviour: Value) -> Journey<Firefox> {
    let names = [PROVIDER, CLIENT, NEIGHBOUR, STRANGER].join(",");
    let browser = Firefox::start(&[
        ("network.cookie.cookieBehavior", behaviour),
        ("network.dns.localDomains", json!(names)),
    ]);
    Journey {
        browser,
        site: Site::start(),
    }
}
