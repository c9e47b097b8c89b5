//! Sessions without a store.

use axum_user_session::{AuthenticationProperties, Principal};

use crate::{
    fixtures::{Cookies, Kind, Version, time},
    seen::Seen,
    site::Site,
    support::{AUTH, HOUR, MINUTE, is_expired, value_set},
};

/// A browser that comes with cookies of before.
#[derive(Clone)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) fixture: Cookies,
    version: Version,
}

impl Case {
    pub(crate) fn all() -> Vec<Self> {
        let mut all = Vec::new();
        for version in Version::all() {
            for path in version.paths_of(Kind::Cookies) {
                all.push(Self {
                    name: format!("{}, {path}", version.name()),
                    fixture: version.json(&path),
                    version: version.clone(),
                });
            }
        }
        all
    }

    fn signed_in() -> Vec<(Self, Seen)> {
        let mut all = Self::all();
        all.retain(|case| case.fixture.seen.is_some());
        let with_seen = |case: Self| (case.clone(), case.fixture.seen.unwrap());
        all.into_iter().map(with_seen).collect()
    }

    fn arrive(&self) -> Site {
        let mut site = Site::of(&self.version, self.fixture.at_ms, |builder| builder);
        site.come_with(&self.fixture);
        site
    }

    pub(crate) async fn is_read(&self) {
        let (seen, page) = self.arrive().look().await;
        assert_eq!(seen, self.fixture.seen, "{}", self.name);
        if seen.is_some() {
            // The session id cookie too is as it should be.
            assert!(page.set_cookies().is_empty(), "{}: {page:?}", self.name);
        }
    }
}

#[tokio::test]
async fn cookies_are_read() {
    for case in Case::all() {
        case.is_read().await;
    }
}

#[tokio::test]
async fn k4_sessions_are_renewed_under_the_key_of_today() {
    for (case, before) in Case::signed_in() {
        let mut site = case.arrive();
        site.lab.clock.set(time(before.expires_ms - 1));
        let (after, page) = site.look().await;
        let after = after.unwrap_or_else(|| panic!("{}: nobody is signed in", case.name));
        assert_eq!(after.expiring(before.expires_ms), before, "{}", case.name);
        let renewed = value_set(&page, AUTH).is_some();
        assert_eq!(renewed, before.slides(), "{}", case.name);
        assert_eq!(
            after.expires_ms > before.expires_ms,
            renewed,
            "{}",
            case.name
        );
        if renewed {
            site.retire_old_keys();
            assert_eq!(site.seen(&case.name).await, after, "{}", case.name);
        }
    }
}

/// Or the fixtures would not show that keys of before are still used.
#[tokio::test]
async fn k9_a_fixture_of_each_version_needs_an_old_key() {
    for version in Version::all() {
        let mut needs_one = 0;
        let cases = Case::signed_in().into_iter();
        for (case, _) in cases.filter(|(case, _)| case.version.name() == version.name()) {
            let mut site = case.arrive();
            site.retire_old_keys();
            needs_one += usize::from(site.look().await.0.is_none());
        }
        assert!(needs_one > 0, "{}", version.name());
    }
}

#[tokio::test]
async fn c17_clients_are_added() {
    for (case, before) in Case::signed_in() {
        let mut site = case.arrive();
        site.lab.add_client("one-more").await;
        let after = site.seen(&case.name).await;
        let clients = [&*before.clients, &["one-more".to_owned()]].concat();
        assert_eq!(after.clients, clients, "{}", case.name);
        assert_eq!(after.expires_ms, before.expires_ms, "{}", case.name);
    }
}

/// Properties that were in a form while the server was upgraded mean the same session too.
#[tokio::test]
async fn c6_signing_in_again_goes_on_with_the_session() {
    for (case, before) in Case::signed_in() {
        for items in [None, Some(before.items.clone())] {
            let mut site = case.arrive();
            site.lab.clock.advance(MINUTE);
            let user = Principal::builder(before.subject()).build();
            let properties = items.map(AuthenticationProperties::from_items);
            let sign_in = site.lab.visit(|session| async move {
                let properties = properties.unwrap_or_default();
                session.sign_in_with(user, properties).await.unwrap();
            });
            sign_in.await;
            let after = site.seen(&case.name).await;
            assert_eq!(after.session_id, before.session_id, "{}", case.name);
            assert_eq!(after.clients, before.clients, "{}", case.name);
        }
    }
}

#[tokio::test]
async fn c22_items_are_set() {
    for (case, before) in Case::signed_in() {
        let mut site = case.arrive();
        let set = site.lab.visit(|session| async move {
            session.set_item("after", "the upgrade").await.unwrap();
        });
        set.await;
        let mut expected = before.clone();
        let item = ("after".to_owned(), "the upgrade".to_owned());
        expected.items.extend([item]);
        assert_eq!(site.seen(&case.name).await, expected, "{}", case.name);
    }
}

#[tokio::test]
async fn c16_signing_out_tells_who_and_which_clients() {
    for (case, before) in Case::signed_in() {
        let mut site = case.arrive();
        let ended = site.sign_out().await;
        assert_eq!(ended.subject, before.subject(), "{}", case.name);
        assert_eq!(ended.session_id, before.session_id, "{}", case.name);
        assert_eq!(ended.clients, before.clients, "{}", case.name);
        assert_eq!(site.look().await.0, None, "{}", case.name);
        // With all its cookies, but for the one that says that the session has ended.
        let left = site.lab.browser.cookie_names();
        let ours = left
            .iter()
            .filter(|name| !name.starts_with("__Host-idsrv.e"));
        assert_eq!(ours.count(), 0, "{}: {left:?}", case.name);
    }
}

#[tokio::test]
async fn k3_sessions_are_over_when_they_were_to_be() {
    for (case, before) in Case::signed_in() {
        let mut site = case.arrive();
        site.lab.clock.set(time(before.expires_ms));
        assert_eq!(site.look().await.0, None, "{}", case.name);
        // No response can be under way any more that brings another ticket.
        site.lab.clock.advance(HOUR);
        let (_, page) = site.look().await;
        assert!(is_expired(&page, AUTH), "{}: {page:?}", case.name);
    }
}
