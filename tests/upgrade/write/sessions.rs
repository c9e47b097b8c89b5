//! A quarter of an hour of a site with a store.

use std::{collections::BTreeMap, time::SystemTime};

use axum_user_session::{
    AuthenticationProperties, Principal,
    admin::SessionQuery,
    config::SessionConfigBuilder,
    id::ClientId,
    store::{DeliveryFilter, Device, Filter, LogoutOutbox, Outcome},
};
use serde_json::json;

use super::scene::{scene, scene_before_the_rotation};
use crate::{
    fixtures::{Cookies, List, Page, Sessions, Version, millis},
    seen::{Listed, ToldEnd},
    site::{LEASE, Site},
    stores::{Place, admin, outbox_checks::listed_deliveries, page_query},
    support::{HOUR, MINUTE, start},
};

pub(super) async fn write<P: Place>(version: &Version) {
    let place = P::empty().await;
    let with_store = |builder: SessionConfigBuilder| builder.store(place.store());

    let mut site = scene_before_the_rotation(version, "before the rotation", with_store);
    sign_in(&mut site, "dora", properties(), &["portal"]).await;
    let dora = site.cookies("sealed under the key of before");

    let mut story = Story {
        site: scene(version, "after the rotation", with_store),
        browsers: BTreeMap::new(),
        ends: Vec::new(),
    };
    story.keep("old_key", dora);
    story.sessions_begin().await;
    story.sessions_end().await;
    story.notifications(&place.store()).await;
    story.last_minute(&place.store()).await;
    version.write(&P::content_path(), &place.text().await);
    version.write_json(&P::sessions_path(), &story.told(&place.store()).await);
}

struct Story {
    site: Site,
    browsers: BTreeMap<String, Cookies>,
    ends: Vec<ToldEnd>,
}

impl Story {
    async fn sessions_begin(&mut self) {
        self.site.lab.clock.advance(MINUTE);
        let device = Device::new()
            .with_user_agent("Mozilla/5.0 (X11; Linux) \"Example\"/1.0")
            .with_address("2001:db8::1");
        let laptop = properties().with_device(device).with_item("tenant", "blue");
        self.begin(
            "laptop",
            "of every day",
            "alice",
            laptop,
            &["portal", "mail", "a b"],
        )
        .await;
        let phone = properties()
            .with_persistent(true)
            .with_device(Device::new().with_address("192.0.2.7"));
        self.begin(
            "phone",
            "the cookie outlives the browser",
            "alice",
            phone,
            &["mail"],
        )
        .await;
        self.begin(
            "tablet",
            "signs in again",
            "alice",
            properties(),
            &["portal"],
        )
        .await;
        self.begin(
            "expired",
            "for ten minutes, which are over",
            "dave",
            properties().with_expires(start() + 10 * MINUTE),
            &["portal"],
        )
        .await;
        self.begin(
            "unicode",
            "signs of every kind",
            STRANGE,
            properties().with_item("ö", "ü\n"),
            &["https://client.example/métadata?a='b'"],
        )
        .await;
        let forbidden = properties().with_allow_refresh(false);
        self.begin(
            "refresh_forbidden",
            "sliding must not extend it",
            "grace",
            forbidden,
            &[],
        )
        .await;
        let short = properties()
            .with_expires(start() + HOUR)
            .with_absolute_expires(start() + 3 * HOUR);
        self.begin(
            "expiry_asked_for",
            "an hour, and three in any case",
            "ivan",
            short,
            &["portal"],
        )
        .await;

        self.fresh_browser();
        let nameless = Principal::builder("judy")
            .claim("amr", json!(["pwd", "otp"]))
            .build();
        self.site.sign_in(nameless, properties()).await;
        self.keep_browser("no_name", "a user without a name, and no clients");
    }

    async fn sessions_end(&mut self) {
        self.begin(
            "signed_out",
            "signed out",
            "bob",
            properties(),
            &["portal", "mail"],
        )
        .await;
        self.site.sign_out().await;
        for browser in ["revoked", "revoked_too"] {
            self.begin(browser, "revoked", "carol", properties(), &["wiki"])
                .await;
        }
        let carol = Filter::subject("carol").unwrap();
        assert_eq!(admin(&self.site).revoke(&carol).await.unwrap(), 2);
        self.begin(
            "eve",
            "another user has signed in after her",
            "eve",
            properties(),
            &["wiki"],
        )
        .await;
        sign_in(&mut self.site, "frank", properties(), &["mail"]).await;
        self.keep_browser("frank", "after another user, without a sign-out");

        // It is used again, and the store notes that.
        self.come_as("laptop");
        self.site.lab.clock.advance(MINUTE);
        self.site.seen("laptop").await;
        self.keep_browser("laptop", "of every day");

        // Somebody takes the ends, and fails.
        *self.site.hearing.fails.lock().unwrap() = true;
        let leased_until = millis(self.site.lab.now() + LEASE);
        for mut end in self.site.hear().await {
            end.leased_until_ms = Some(leased_until);
            self.ends.push(end);
        }
        assert_eq!(self.ends.len(), 4);
    }

    /// One delivery in each state there is: delivered, failed, given up, put back, and taken by somebody who has said nothing yet.
    async fn notifications(&mut self, outbox: &impl LogoutOutbox) {
        self.site.lab.clock.advance(MINUTE / 60);
        let now = self.site.lab.now();
        let end_of = |subject: &str| self.ends.iter().find(|end| end.subject == subject).unwrap();
        put_in(outbox, end_of("bob"), &["portal", "mail"], now).await;
        put_in(outbox, end_of("carol"), &["wiki", STRANGE], now).await;
        put_in(outbox, end_of("eve"), &["wiki"], now).await;
        let taken = outbox.take_due(LEASE, 100, &[], now).await.unwrap();
        assert_eq!(taken.len(), 5);
        let attempts = taken.iter().filter_map(|taken| {
            let why = "no answer".to_owned();
            let outcome = match (&*taken.subject, taken.client.as_str()) {
                ("bob", "portal") => Outcome::Delivered,
                ("bob", _) => Outcome::Failed {
                    why,
                    again: now + 5 * MINUTE,
                },
                ("carol", "wiki") => Outcome::GivenUp { why },
                ("carol", _) => Outcome::PutBack,
                _ => return None,
            };
            Some(taken.settled(outcome))
        });
        let attempts: Vec<_> = attempts.collect();
        assert_eq!(outbox.settle(&attempts, now).await.unwrap(), 4);
    }

    async fn last_minute(&mut self, outbox: &impl LogoutOutbox) {
        self.site.lab.clock.advance(MINUTE / 2);
        self.fresh_browser();
        sign_in(&mut self.site, "heidi", properties(), &["portal"]).await;
        self.keep_browser("signed_out_just_now", "signed out just now");
        let end = self.site.sign_out().await;
        put_in(outbox, &end, &["portal"], self.site.lab.now()).await;
        self.ends.push(end);
        self.come_as("tablet");
        let about = "its reference was replaced just now";
        let before = self.site.cookies(about);
        self.keep("tablet_before", before);
        sign_in(&mut self.site, "alice", properties(), &["wiki"]).await;
        self.keep_browser("tablet", "has signed in again");
        self.site.lab.clock.advance(MINUTE / 6);
    }

    /// What there is to see now. Looking changes the store, so its content was taken before.
    async fn told(mut self, outbox: &impl LogoutOutbox) -> Sessions {
        let admin = admin(&self.site);
        let listed = admin.query(&SessionQuery::everyone()).await.unwrap();
        let listed: Vec<_> = listed.sessions.iter().map(Listed::from).collect();
        let mut pages = Vec::new();
        for (list, size) in [
            (List::Everyone, 3),
            (List::Subject("alice".to_owned()), 1),
            (List::NameBeginsWith("alice".to_owned()), 2),
        ] {
            pages.extend(self.pages(list, size).await);
        }
        let at_ms = millis(self.site.lab.now());
        for (name, cookies) in &mut self.browsers {
            cookies.at_ms = at_ms;
            // Whoever looks at one that has expired ends it.
            if name != "expired" {
                self.site.come_with(cookies);
                cookies.seen = self.site.look().await.0;
            }
        }
        let nobody = self
            .browsers
            .iter()
            .filter(|(_, cookies)| cookies.seen.is_none());
        let nobody: Vec<_> = nobody.map(|(name, _)| &**name).collect();
        assert_eq!(nobody, NOBODY);
        self.ends
            .sort_by(|one, other| one.event_id.cmp(&other.event_id));
        Sessions {
            at_ms,
            browsers: self.browsers,
            listed,
            pages,
            ends: self.ends,
            deliveries: listed_deliveries(outbox, &DeliveryFilter::default()).await,
        }
    }

    /// The second page of a list, and the way back to the first.
    async fn pages(&self, list: List, size: usize) -> [Page; 2] {
        let admin = admin(&self.site);
        let page = |token: &str, sessions: &[_]| Page {
            list: list.clone(),
            size,
            token: token.to_owned(),
            sessions: sessions.to_vec(),
        };
        let first = admin.query(&page_query(&page("", &[]))).await.unwrap();
        let next = first.next.unwrap();
        let second = admin
            .query(&page_query(&page("", &[])).page(&next))
            .await
            .unwrap();
        let ids = |sessions: &[axum_user_session::admin::SessionInfo]| -> Vec<_> {
            let ids = sessions.iter().map(|session| session.session_id);
            ids.map(|id| id.as_str().to_owned()).collect()
        };
        let previous = second.previous.unwrap();
        [
            page(&next, &ids(&second.sessions)),
            page(&previous, &ids(&first.sessions)),
        ]
    }

    /// A session in a browser of its own, a minute after what was before.
    async fn begin(
        &mut self,
        browser: &str,
        about: &str,
        subject: &str,
        properties: AuthenticationProperties,
        clients: &[&'static str],
    ) {
        self.fresh_browser();
        sign_in(&mut self.site, subject, properties, clients).await;
        self.keep_browser(browser, about);
        self.site.lab.clock.advance(MINUTE);
    }

    fn fresh_browser(&mut self) {
        self.site.lab.browser = self.site.lab.other_browser();
    }

    fn come_as(&mut self, browser: &str) {
        self.site.come_with(&self.browsers[browser]);
    }

    fn keep_browser(&mut self, name: &str, about: &str) {
        let cookies = self.site.cookies(about);
        self.keep(name, cookies);
    }

    fn keep(&mut self, name: &str, cookies: Cookies) {
        self.browsers.insert(name.to_owned(), cookies);
    }
}

async fn sign_in(
    site: &mut Site,
    subject: &str,
    properties: AuthenticationProperties,
    clients: &[&'static str],
) {
    let name = match subject {
        STRANGE => "Zoë O'Hara \"\\ 雪".to_owned(),
        "alice" => "Alice Smith".to_owned(),
        other => format!("{other} Smith"),
    };
    let user = Principal::builder(subject)
        .claim("name", name)
        .claim("email", format!("{subject}@example.com"));
    site.sign_in(user.build(), properties).await;
    for client in clients {
        site.lab.add_client(client).await;
    }
}

async fn put_in(outbox: &impl LogoutOutbox, end: &ToldEnd, clients: &[&str], now: SystemTime) {
    let clients = clients
        .iter()
        .map(|client| ClientId::parse(client).unwrap());
    let clients: Vec<_> = clients.collect();
    let new = outbox.put_in(&end.ended(), &clients, now).await.unwrap();
    assert_eq!(new, clients.len() as u64);
}

fn properties() -> AuthenticationProperties {
    AuthenticationProperties::new()
}

const STRANGE: &str = "größe/{1} 'x' \\ 😀";
/// The browsers in which nobody is signed in at the end.
const NOBODY: [&str; 7] = [
    "eve",
    "expired",
    "revoked",
    "revoked_too",
    "signed_out",
    "signed_out_just_now",
    "tablet_before",
];
