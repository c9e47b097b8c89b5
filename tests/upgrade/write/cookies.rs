//! Sessions without a store, in every shape.

use axum_user_session::{AuthenticationProperties, Principal, id::SessionId};

use super::{
    claims,
    scene::{scene, scene_before_the_rotation},
};
use crate::{
    fixtures::Version,
    site::Site,
    support::{AUTH, HOUR, MINUTE, start},
};

pub(super) async fn write(version: &Version) {
    let shapes = Shapes { version };
    let plain = AuthenticationProperties::new;

    shapes
        .signed_in("one_cookie", "nothing but a user", alice(), plain())
        .await;
    let user = Principal::from_claims(claims::registered()).unwrap();
    shapes
        .signed_in(
            "registered_claims",
            "every claim that is one byte in a ticket",
            user,
            plain(),
        )
        .await;
    let user = Principal::from_claims(claims::nested()).unwrap();
    shapes
        .signed_in("nested_claims", "JSON of every kind", user, plain())
        .await;
    let user = Principal::builder("größe/雪/😀")
        .claim("name", "Zoë \u{202E}O'Hara \"\\ 雪")
        .claim("ключ", "значение")
        .build();
    let properties = plain()
        .with_item("ö", "ü\n\t\u{1F600}")
        .with_item("empty", "");
    shapes
        .signed_in(
            "unicode",
            "letters, signs and line feeds in subject, claims and items",
            user,
            properties,
        )
        .await;
    let properties = plain()
        .with_item("tenant", "blue")
        .with_item("return_to", "/a?b=c&d");
    shapes
        .signed_in("items", "items of the host", alice(), properties)
        .await;
    shapes
        .signed_in(
            "persistent",
            "the cookie outlives the browser",
            alice(),
            plain().with_persistent(true),
        )
        .await;
    shapes
        .signed_in(
            "refresh_forbidden",
            "sliding must not renew it",
            alice(),
            plain().with_allow_refresh(false),
        )
        .await;
    shapes
        .signed_in(
            "refresh_allowed",
            "sliding may renew it, by name",
            alice(),
            plain().with_allow_refresh(true),
        )
        .await;
    let properties = plain()
        .with_expires(start() + HOUR)
        .with_absolute_expires(start() + 3 * HOUR);
    shapes
        .signed_in(
            "expiry_asked_for",
            "an hour, and three in any case",
            alice(),
            properties,
        )
        .await;
    let mut properties = plain();
    properties.set_session_id(SessionId::parse("Upstream-1.2_3~x").unwrap());
    shapes
        .signed_in(
            "session_id_of_the_host",
            "an id from elsewhere",
            alice(),
            properties,
        )
        .await;
    let user = Principal::builder("alice")
        .claim("groups", groups(120))
        .build();
    shapes
        .signed_in("several_cookies", "a ticket in chunks", user, plain())
        .await;

    shapes
        .of(
            "clients_in_marks",
            "clients that were added just now, each in a cookie of its own",
            async |site| {
                site.sign_in(alice(), AuthenticationProperties::new()).await;
                for client in ["portal", "https://client.example/métadata", "a b"] {
                    site.lab.clock.advance(MINUTE);
                    site.lab.add_client(client).await;
                }
            },
        )
        .await;
    shapes
        .of(
            "clients_in_one_mark",
            "so many clients that their cookies became one",
            async |site| {
                site.sign_in(alice(), AuthenticationProperties::new()).await;
                for client in MANY {
                    site.lab.clock.advance(MINUTE / 60);
                    site.lab.add_client(client).await;
                }
            },
        )
        .await;
    shapes
        .of(
            "clients_in_the_ticket",
            "clients that a renewal took up",
            async |site| {
                site.sign_in(alice(), AuthenticationProperties::new()).await;
                for client in ["portal", "mail"] {
                    site.lab.add_client(client).await;
                }
                for pause in [6 * HOUR, 6 * HOUR] {
                    site.lab.clock.advance(pause);
                    site.look().await;
                }
                site.lab.add_client("wiki").await;
            },
        )
        .await;
    shapes
        .of(
            "changed_since",
            "other claims and items than at the sign-in",
            async |site| {
                site.sign_in(
                    alice(),
                    AuthenticationProperties::new().with_item("gone", "soon"),
                )
                .await;
                site.lab.clock.advance(HOUR);
                let change = site.lab.visit(|session| async move {
                    let user = Principal::builder("alice")
                        .claim("name", "Alice Jones")
                        .build();
                    session.refresh(user).await.unwrap();
                    session.remove_item("gone").await.unwrap();
                    session.set_item("step", "2").await.unwrap();
                });
                change.await;
            },
        )
        .await;
    shapes.old_key().await;
    shapes.ended().await;
}

struct Shapes<'a> {
    version: &'a Version,
}

impl Shapes<'_> {
    async fn signed_in(
        &self,
        name: &str,
        about: &str,
        user: Principal,
        properties: AuthenticationProperties,
    ) {
        self.of(name, about, async |site| {
            site.sign_in(user, properties).await
        })
        .await;
    }

    async fn of(&self, name: &str, about: &str, make: impl AsyncFnOnce(&mut Site)) {
        let mut site = scene(self.version, name, |builder| builder);
        make(&mut site).await;
        self.keep(name, about, site).await;
    }

    async fn old_key(&self) {
        let mut site = scene_before_the_rotation(self.version, "old_key", |builder| builder);
        site.sign_in(alice(), AuthenticationProperties::new()).await;
        site.lab.add_client("portal").await;
        self.keep("old_key", "sealed under the key of before", site)
            .await;
    }

    async fn ended(&self) {
        let mut site = scene(self.version, "ended", |builder| builder);
        site.sign_in(alice(), AuthenticationProperties::new()).await;
        let late = site.lab.browser.cookie(AUTH).unwrap().to_owned();
        site.lab.clock.advance(MINUTE);
        site.lab.sign_out().await;
        site.lab.browser.plant(AUTH, &late);
        let about = "signed out, and then a renewal came late";
        self.version
            .write_json("cookies/ended.json", &site.cookies(about));
    }

    async fn keep(&self, name: &str, about: &str, mut site: Site) {
        let mut cookies = site.cookies(about);
        cookies.seen = site.look().await.0;
        assert!(cookies.seen.is_some(), "{name}");
        self.version
            .write_json(&format!("cookies/{name}.json"), &cookies);
    }
}

pub(super) fn alice() -> Principal {
    Principal::builder("alice")
        .claim("name", "Alice Smith")
        .build()
}

/// Texts that no compression would make small.
fn groups(count: usize) -> Vec<String> {
    (0..count)
        .map(|number| format!("group-{number:04}-of-the-company-with-a-name"))
        .collect()
}

const MANY: [&str; 18] = [
    "client01", "client02", "client03", "client04", "client05", "client06", "client07", "client08",
    "client09", "client10", "client11", "client12", "client13", "client14", "client15", "client16",
    "client17", "client18",
];
