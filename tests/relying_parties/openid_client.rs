//! openid-client, with sessions in cookies alone.

use serde_json::{Value, json};

use crate::{
    application::{Address, Application},
    curl::Curl,
    journey::Page,
    server::{Disk, Server},
};

/// A provider, an application, and somebody at a browser.
struct Place {
    provider: Server,
    application: Application,
    user: Curl,
    disk: Disk,
}

impl Place {
    fn new() -> Self {
        let disk = Disk::new();
        let address = Address::reserve();
        let clients = format!(
            r#"
            [[client]]
            id = "web"
            redirect_uris = ["{}"]
            post_logout_redirect_uris = ["{}"]
            refresh_tokens = true
            "#,
            address.url("/callback"),
            address.url("/signed-out"),
        );
        let provider = Server::with_clients(&disk, "none", &clients, &[]);
        let settings = [("CLIENT_ID", "web")];
        let application = Application::start("openid_client.mjs", address, &provider, &settings);
        Self {
            user: Curl::new(disk.path(), "jar"),
            provider,
            application,
            disk,
        }
    }

    /// With alice signed in, by way of the application.
    fn signed_in() -> (Self, Value) {
        let place = Self::new();
        let login = place.visit("/login");
        let page = place.user.sign_in_at(&login, "alice");
        let claims = place.claims(&page);
        (place, claims)
    }

    fn visit(&self, path: &str) -> Page {
        self.user.visit(&self.application.url(path))
    }

    /// What the application answers, which must be that all went well.
    fn ask(&self, path: &str) -> Value {
        self.said(&self.visit(path))
    }

    /// The error that the application was given.
    fn error(&self, path: &str) -> Value {
        let page = self.visit(path);
        assert_eq!(page.answer.status, 400, "{path}: {}", page.answer.body);
        page.answer.json()["error"].clone()
    }

    /// The claims of the ID token that an application shows at the end of a sign-in.
    fn claims(&self, page: &Page) -> Value {
        assert_eq!(page.url.path(), "/callback", "{}", page.url);
        self.said(page)["claims"].clone()
    }

    fn said(&self, page: &Page) -> Value {
        assert_eq!(
            page.answer.status,
            200,
            "{}: {}\n{}\n{}",
            page.url,
            page.answer.body,
            self.application.log(),
            self.disk.log()
        );
        page.answer.json()
    }
}

#[test]
#[ignore = "needs Node.js: bash tests/run.sh"]
fn openid_client_signs_in_and_learns_who_it_is() {
    let (place, claims) = Place::signed_in();
    assert_eq!(claims["sub"], "alice");
    assert_eq!(claims["aud"], "web");
    assert_eq!(claims["iss"], place.provider.origin());
    assert_eq!(claims["amr"], json!(["pwd"]));
    assert_eq!(claims["acr"], "1");
    assert!(claims["auth_time"].is_u64(), "{claims}");
    assert!(claims["nonce"].is_string(), "{claims}");

    let session = place.user.get(&place.provider.url("/session")).json();
    assert_eq!(claims["sid"], session["session_id"]);
    assert_eq!(session["clients"], json!(["web"]));

    let known = place.ask("/userinfo");
    assert_eq!(known["sub"], "alice");
    assert_eq!(known["name"], "Alice Smith");
    assert_eq!(known["email"], "alice@example.com");
}

#[test]
#[ignore = "needs Node.js: bash tests/run.sh"]
fn openid_client_refreshes_and_a_token_used_twice_voids_all() {
    let (place, claims) = Place::signed_in();
    for _ in 0..2 {
        let refreshed = place.ask("/refresh");
        assert_eq!(refreshed["rotated"], true);
        for claim in ["sub", "sid", "auth_time"] {
            assert_eq!(refreshed["claims"][claim], claims[claim], "{claim}");
        }
        assert_eq!(refreshed["claims"]["nonce"], Value::Null);
    }
    assert_eq!(place.ask("/userinfo")["sub"], "alice");

    assert_eq!(place.error("/refresh-with-the-one-before"), "invalid_grant");
    assert_eq!(place.error("/refresh"), "invalid_grant");
    place.error("/userinfo");
}

#[test]
#[ignore = "needs Node.js: bash tests/run.sh"]
fn openid_client_asks_without_showing_anything() {
    let place = Place::new();
    assert_eq!(place.error("/login?prompt=none"), "login_required");

    let login = place.visit("/login");
    let first = place.claims(&place.user.sign_in_at(&login, "alice"));
    let again = place.claims(&place.visit("/login?prompt=none"));
    for claim in ["sub", "sid", "auth_time"] {
        assert_eq!(again[claim], first[claim], "{claim}");
    }
    assert_ne!(again["nonce"], first["nonce"]);
}

#[test]
#[ignore = "needs Node.js: bash tests/run.sh"]
fn openid_client_wants_a_sign_in_that_is_not_too_old() {
    let (place, first) = Place::signed_in();
    let recent = place.claims(&place.visit("/login?max_age=3600"));
    assert_eq!(recent["auth_time"], first["auth_time"]);

    assert_eq!(
        place.error("/login?max_age=0&prompt=none"),
        "login_required"
    );
    for parameters in ["max_age=0", "prompt=login"] {
        let login = place.visit(&format!("/login?{parameters}"));
        let again = place.claims(&place.user.sign_in_at(&login, "alice"));
        let [before, after] = [&first, &again].map(|claims| claims["auth_time"].as_u64());
        assert!(after >= before, "{parameters}: {again}");
        assert_eq!(again["sid"], first["sid"], "c6: the session goes on");
    }

    // Somebody else may sit there by now.
    let login = place.visit("/login?prompt=login");
    let other = place.claims(&place.user.sign_in_at(&login, "bob"));
    assert_eq!(other["sub"], "bob");
    assert_ne!(other["sid"], first["sid"]);
}

#[test]
#[ignore = "needs Node.js: bash tests/run.sh"]
fn o3_openid_client_signs_out_at_the_provider_and_comes_back() {
    let (place, _) = Place::signed_in();
    let page = place.user.leave(&place.visit("/logout"));
    assert_eq!(page.url.path(), "/signed-out", "{}", page.answer.body);
    assert_eq!(place.said(&page)["same_state"], true);

    assert_eq!(place.user.session_id(&place.provider), None);
    assert_eq!(place.error("/login?prompt=none"), "login_required");
    assert_eq!(place.error("/refresh"), "invalid_grant");
}
