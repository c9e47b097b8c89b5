//! A session that was ended elsewhere: when the browser's session id cookie goes, by which clients see that it has.

use std::time::Duration;

use axum::Router;
use axum_user_session::{
    admin::SessionAdmin,
    store::Filter,
    testing::{Browser, Fault, ManualClock, Operation, Page},
};

use crate::support::{AUTH, Lab, SID, header, is_expired, names, value_set};

type Window = Browser<Router, ManualClock>;

/// The session's own cookie stays in any case: another response may be about to set the next one.
#[tokio::test]
async fn s6_a_page_that_is_opened_after_the_end_takes_the_session_id_along() {
    for (name, site, destination, goes) in [
        ("an address typed in", Some("none"), Some("document"), true),
        (
            "a link of its own",
            Some("same-origin"),
            Some("document"),
            true,
        ),
        // The authentication cookie has come along, so this is no frame that it is kept from.
        (
            "a client's authorization request",
            Some("cross-site"),
            Some("document"),
            true,
        ),
        (
            "a script's request",
            Some("same-origin"),
            Some("empty"),
            false,
        ),
        ("a frame", Some("same-origin"), Some("iframe"), false),
        (
            "the check-session frame",
            Some("cross-site"),
            Some("iframe"),
            false,
        ),
        ("a browser that does not say", None, None, false),
        ("half of it", Some("none"), None, false),
    ] {
        let (mut lab, _bench) = Lab::in_store();
        lab.sign_in("alice").await;
        revoke(&lab, "alice").await;
        let mut window = lab.browser.clone();
        let page = ask(&lab, &mut window, site, destination).await;
        assert_eq!(page.body, "nobody", "{name}");
        let expected: &[&str] = if goes { &[SID] } else { &[] };
        assert_eq!(names(&page), expected, "{name}");
        assert_eq!(is_expired(&page, SID), goes, "{name}");
        if goes {
            assert!(
                header(&page, SID).ends_with("; Path=/; Secure; SameSite=None"),
                "{name}"
            );
            assert_eq!(page.header("cache-control"), Some("no-store"), "{name}");
        }
        assert!(window.cookie(AUTH).is_some(), "{name}");
        // It goes once.
        let page = ask(&lab, &mut window, site, destination).await;
        assert!(names(&page).is_empty(), "{name}");
    }
}

/// The next page may come long after the end, and by a client's link: most do.
#[tokio::test]
async fn s8_a_page_that_is_opened_long_after_the_end_takes_both_cookies_along() {
    for (name, site, destination, expected) in [
        (
            "an address typed in",
            Some("none"),
            Some("document"),
            &[AUTH, SID][..],
        ),
        (
            "a client's authorization request",
            Some("cross-site"),
            Some("document"),
            &[AUTH, SID],
        ),
        (
            "a script's request",
            Some("same-origin"),
            Some("empty"),
            &[AUTH],
        ),
        (
            "a frame of a client",
            Some("cross-site"),
            Some("iframe"),
            &[AUTH],
        ),
    ] {
        let (mut lab, bench) = Lab::in_store();
        lab.sign_in("alice").await;
        revoke(&lab, "alice").await;
        lab.clock.advance(Duration::from_secs(120));
        let mut window = lab.browser.clone();
        bench.counter.reset();
        let page = ask(&lab, &mut window, site, destination).await;
        assert_eq!(names(&page), expected, "{name}");
        for cookie in expected {
            assert!(is_expired(&page, cookie), "{name}");
        }
        assert_eq!(bench.counter.total(), 1, "{name}");
    }
}

/// The reason why cookies are left alone at all: requests are still on their way when the user signs in again.
#[tokio::test]
async fn s6_a_late_page_leaves_the_session_id_of_a_session_that_goes_on() {
    let (mut lab, _bench) = Lab::in_store();
    lab.sign_in("alice").await;
    let mut late = lab.browser.clone();
    lab.sign_in("alice").await;
    let page = open(&lab, &mut late).await;
    assert_eq!(page.body, "nobody", "its reference was replaced");
    assert!(names(&page).is_empty());
}

/// The one case in which it goes and should not. The browser has it back with its next request.
#[tokio::test]
async fn s6_a_late_page_that_takes_another_users_session_id_does_no_lasting_harm() {
    let (mut lab, _bench) = Lab::in_store();
    lab.sign_in("alice").await;
    let mut late = lab.browser.clone();
    lab.sign_in("bob").await;
    let bobs = lab.browser.cookie(SID).unwrap().to_owned();
    let page = open(&lab, &mut late).await;
    assert_eq!(names(&page), [SID]);
    assert!(is_expired(&page, SID));

    lab.browser.receive("/", &page.headers);
    assert_eq!(lab.browser.cookie(SID), None);
    let (seen, page) = lab.look().await;
    assert_eq!(seen, "bob []");
    assert_eq!(value_set(&page, SID), Some(&*bobs));
}

#[tokio::test]
async fn s6_only_an_id_that_is_known_to_be_over_goes() {
    let (mut lab, bench) = Lab::in_store();
    lab.sign_in("bob").await;
    let bobs = lab.browser.cookie(SID).unwrap().to_owned();
    lab.browser = lab.other_browser();
    lab.sign_in("alice").await;
    revoke(&lab, "alice").await;
    for (name, value, goes) in [
        ("its own", None, true),
        ("of a session that lives", Some(&*bobs), false),
        ("of none", Some("another"), true),
        ("none at all", Some("a%20b"), false),
    ] {
        let mut window = lab.browser.clone();
        if let Some(value) = value {
            window.plant(SID, value);
        }
        assert_eq!(
            !names(&open(&lab, &mut window).await).is_empty(),
            goes,
            "{name}"
        );
    }
    // Somebody tosses cookies.
    let mut window = lab.browser.clone();
    let both = format!("{}; {SID}=another", window.cookie_header("/"));
    window.forget(SID);
    window.forget(AUTH);
    window.set_header("cookie", &both);
    assert!(names(&open(&lab, &mut window).await).is_empty());

    bench.faults.inject(Fault::refuse().on(Operation::Find));
    let page = open(&lab, &mut lab.browser.clone()).await;
    assert_eq!((page.status.as_u16(), &*page.body), (200, "nobody"));
    assert!(names(&page).is_empty(), "the store can't tell");
}

#[tokio::test]
async fn s6_a_sign_in_with_that_request_has_the_last_word() {
    let (mut lab, _bench) = Lab::in_store();
    lab.sign_in("alice").await;
    revoke(&lab, "alice").await;
    lab.browser.set_header("sec-fetch-dest", "document");
    let page = lab.sign_in("alice").await;
    assert_eq!(names(&page), [AUTH, SID]);
    assert!(value_set(&page, SID).is_some());
}

#[tokio::test]
async fn s7_only_a_page_that_is_opened_after_the_end_costs_a_further_question() {
    let (mut lab, bench) = Lab::in_store();
    lab.sign_in("alice").await;
    lab.browser.set_header("sec-fetch-dest", "document");
    bench.counter.reset();
    lab.look().await;
    assert_eq!(bench.counter.total(), 1, "a session that lives");
    revoke(&lab, "alice").await;
    bench.counter.reset();
    lab.look().await;
    assert_eq!(bench.counter.total(), 2, "one that is over");
    bench.counter.reset();
    lab.look().await;
    assert_eq!(bench.counter.total(), 1, "the cookie is gone");
}

async fn open(lab: &Lab, window: &mut Window) -> Page {
    ask(lab, window, Some("none"), Some("document")).await
}

async fn ask(
    lab: &Lab,
    window: &mut Window,
    site: Option<&str>,
    destination: Option<&str>,
) -> Page {
    for (name, value) in [("sec-fetch-site", site), ("sec-fetch-dest", destination)] {
        if let Some(value) = value {
            window.set_header(name, value);
        }
    }
    lab.script
        .set(async |session| crate::support::report(&session));
    window.get("/").await
}

async fn revoke(lab: &Lab, subject: &str) {
    let admin = SessionAdmin::new(&lab.config).unwrap();
    let revoked = admin.revoke(&Filter::subject(subject).unwrap()).await;
    assert_eq!(revoked.unwrap(), 1);
}
