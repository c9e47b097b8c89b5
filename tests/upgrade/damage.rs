//! The tests here can fail: what is damaged is found.

use std::future::Future;

use tokio::task::{LocalSet, spawn_local};

use crate::{
    cookies::Case,
    fixtures::{Cookies, Sessions, Version},
    stores::{Opened, Place, checks, outbox_checks},
    support::{AUTH, SID},
};

#[tokio::test]
async fn damaged_cookies_fail() {
    type Damage = fn(&mut Cookies);
    let table: [(&str, Damage); 6] = [
        ("a character of the ticket", |fixture| {
            let ticket = fixture.cookies.get_mut(AUTH).unwrap();
            let other = if ticket[40..].starts_with('A') {
                "B"
            } else {
                "A"
            };
            ticket.replace_range(40..41, other);
        }),
        ("the end of the ticket", |fixture| {
            fixture.cookies.get_mut(AUTH).unwrap().pop();
        }),
        ("the session id's cookie", |fixture| {
            fixture.cookies.insert(SID.to_owned(), "0".repeat(32));
        }),
        ("another user is expected", |fixture| {
            let seen = fixture.seen.as_mut().unwrap();
            seen.claims.insert("sub".to_owned(), "mallory".into());
        }),
        ("another client is expected", |fixture| {
            fixture
                .seen
                .as_mut()
                .unwrap()
                .clients
                .push("other".to_owned());
        }),
        ("another expiry is expected", |fixture| {
            fixture.seen.as_mut().unwrap().expires_ms += 1;
        }),
    ];
    let mut cases = Case::all();
    cases.retain(|case| case.fixture.seen.is_some());
    for case in cases {
        for (name, damage) in table {
            let mut damaged = case.clone();
            damage(&mut damaged.fixture);
            let read = async move { damaged.is_read().await };
            assert!(fails(read).await, "{}: {name}", case.name);
        }
    }
}

/// Somebody is signed in with what is left.
#[tokio::test]
async fn without_the_mark_the_session_has_not_ended() {
    let mut cases = Case::all();
    cases.retain(|case| case.fixture.seen.is_none());
    assert!(!cases.is_empty());
    for mut case in cases {
        case.fixture
            .cookies
            .retain(|name, _| !name.starts_with("__Host-idsrv.e"));
        assert!(fails(async move { case.is_read().await }).await);
    }
}

/// The content of a store, and what is expected of it.
pub(crate) async fn of_content<P: Place + 'static>() {
    type Damage = fn(&mut String, &mut Sessions);
    let table: [(&str, Damage); 7] = [
        ("another subject", |content, _| {
            *content = content.replace("dora", "dara");
        }),
        ("another client", |content, _| {
            *content = content.replace("portal", "partal");
        }),
        ("another reason", |content, _| {
            *content = content.replace("user_switch", "sign_out");
        }),
        ("another failure to deliver", |content, _| {
            *content = content.replace("no answer", "an answer");
        }),
        ("another list is expected", |_, expected| {
            expected.listed.swap(0, 1);
        }),
        ("another user is expected", |_, expected| {
            expected.browsers.get_mut("laptop").unwrap().seen = None;
        }),
        ("another end is expected", |_, expected| {
            expected.ends.pop();
        }),
    ];
    for version in Version::all() {
        for (name, damage) in table {
            let mut content = version.text(&P::content_path());
            let mut expected = version.json(&P::sessions_path());
            damage(&mut content, &mut expected);
            if name.starts_with("another failure") && expected.deliveries.is_empty() {
                // This version had no outbox.
                continue;
            }
            let version = version.clone();
            let read = async move {
                let mut opened = Opened::<P>::with(&version, &content, expected).await;
                checks::lists_are_read(&mut opened).await;
                outbox_checks::o6_deliveries_are_read(&mut opened).await;
                checks::s14_ends_are_heard(&mut opened).await;
                checks::sessions_are_read(&mut opened).await;
            };
            assert!(fails(read).await, "{name}");
        }
    }
}

async fn fails(check: impl Future<Output = ()> + 'static) -> bool {
    let local = LocalSet::new();
    let outcome = local.run_until(async { spawn_local(check).await });
    outcome.await.is_err()
}
