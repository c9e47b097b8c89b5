//! express-openid-connect with back-channel logout, with sessions in PostgreSQL.

use std::{
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{
    application::{Address, Application},
    curl::{Curl, JSON},
    server::{Disk, Server},
    servers::Postgres,
    web_driver::Browser,
};

struct Place {
    provider: Server,
    application: Application,
    disk: Disk,
}

/// Somebody with a browser who has signed in, by way of the application.
struct Visitor<'a> {
    place: &'a Place,
    browser: Curl,
}

impl Place {
    fn new() -> Self {
        Self::on_postgresql("query")
    }

    fn on_postgresql(mode: &str) -> Self {
        Self::on(&Postgres::shared().create_database().url, mode)
    }

    fn on(database: &str, mode: &str) -> Self {
        let disk = Disk::new();
        let address = Address::reserve();
        let clients = format!(
            r#"
            [[client]]
            id = "shop"
            secret_sha256 = "{SECRET_SHA256}"
            redirect_uris = ["{}"]
            post_logout_redirect_uris = ["{}"]
            back_channel_logout_uri = "{}"
            "#,
            address.url("/callback"),
            address.url(""),
            address.url("/backchannel-logout"),
        );
        let provider = Server::with_clients(&disk, database, &clients, &[]);
        let settings = [
            ("CLIENT_ID", "shop"),
            ("CLIENT_SECRET", SECRET),
            ("RESPONSE_MODE", mode),
        ];
        let script = "express_openid_connect.mjs";
        let application = Application::start(script, address, &provider, &settings);
        Self {
            provider,
            application,
            disk,
        }
    }

    fn sign_in(&self, jar: &str, user: &str) -> Visitor<'_> {
        let browser = Curl::new(self.disk.path(), jar);
        let login = browser.visit(&self.application.url("/login"));
        let page = browser.sign_in_at(&login, user);
        assert_eq!(page.url.as_str(), self.application.url("/"));
        let visitor = Visitor {
            place: self,
            browser,
        };
        assert_eq!(visitor.user_of_application()["sub"], user);
        visitor
    }

    /// How many logout tokens the application has taken.
    fn logout_tokens(&self) -> Value {
        let stranger = Curl::new(self.disk.path(), "stranger");
        let answer = stranger.get(&self.application.url("/"));
        answer.json()["logout_tokens"].clone()
    }
}

impl Visitor<'_> {
    /// Who is signed in at the application, as it says itself.
    fn user_of_application(&self) -> Value {
        let answer = self.browser.get(&self.place.application.url("/"));
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()["user"].clone()
    }

    fn session_id(&self) -> Option<String> {
        self.browser.session_id(&self.place.provider)
    }

    /// The logout token takes a moment to arrive.
    fn wait_until_signed_out(&self) {
        let began = Instant::now();
        while self.user_of_application() != Value::Null {
            assert!(
                began.elapsed() < LIMIT,
                "the application has heard of nothing; its log:\n{}\nthe provider's:\n{}",
                self.place.application.log(),
                self.place.disk.log()
            );
            thread::sleep(MOMENT);
        }
    }
}

#[test]
#[ignore = "needs Node.js and PostgreSQL: bash tests/run.sh"]
fn o6_express_openid_connect_hears_of_a_sign_out_at_the_provider() {
    o6_hears_of_a_sign_out(&Place::new());
}

#[test]
#[ignore = "needs Node.js: bash tests/run.sh"]
fn o6_express_openid_connect_hears_of_a_sign_out_with_sessions_in_cookies_alone() {
    o6_hears_of_a_sign_out(&Place::on("none", "query"));
}

fn o6_hears_of_a_sign_out(place: &Place) {
    let alice = place.sign_in("alice", "alice");
    let bob = place.sign_in("bob", "bob");
    assert_eq!(
        alice.user_of_application()["sid"],
        json!(alice.session_id())
    );

    let answer = alice.browser.post(&place.provider.url("/logout"), &[]);
    assert_eq!(answer.status, 303);
    alice.wait_until_signed_out();
    assert_eq!(place.logout_tokens(), 1);
    assert_eq!(bob.user_of_application()["sub"], "bob");
}

#[test]
#[ignore = "needs Node.js and PostgreSQL: bash tests/run.sh"]
fn o6_express_openid_connect_hears_of_an_administrators_revocation() {
    let place = Place::new();
    let alice = place.sign_in("alice", "alice");
    let carol = place.sign_in("carol", "carol");

    let revoke = place.provider.url("/admin/sessions/revoke");
    let fields = [("subject", "alice")];
    let answer = carol.browser.post_with(&revoke, &fields, &JSON);
    assert_eq!(answer.json()["ended"], 1, "{}", answer.body);
    // She does nothing at the provider meanwhile.
    alice.wait_until_signed_out();
    assert_eq!(alice.session_id(), None);
    assert_eq!(carol.user_of_application()["sub"], "carol");
}

#[test]
#[ignore = "needs Node.js and PostgreSQL: bash tests/run.sh"]
fn o5_express_openid_connect_keeps_the_users_other_browser_signed_in() {
    let place = Place::new();
    let laptop = place.sign_in("laptop", "alice");
    let phone = place.sign_in("phone", "alice");
    assert_ne!(laptop.session_id(), phone.session_id());

    let answer = laptop.browser.post(&place.provider.url("/logout"), &[]);
    assert_eq!(answer.status, 303);
    laptop.wait_until_signed_out();
    // This library takes a token with a subject as one for all of the user's sessions, and would count two.
    assert_eq!(place.logout_tokens(), 1);
    assert_eq!(phone.user_of_application()["sub"], "alice");
    assert!(phone.session_id().is_some());

    // And she may come back with the first one.
    let laptop = place.sign_in("laptop", "alice");
    assert_eq!(laptop.user_of_application()["sub"], "alice");
}

#[test]
#[ignore = "needs Node.js and PostgreSQL: bash tests/run.sh"]
fn o3_express_openid_connect_ends_the_providers_session() {
    let place = Place::new();
    let alice = place.sign_in("alice", "alice");
    let page = alice.browser.visit(&place.application.url("/logout"));
    let page = alice.browser.leave(&page);
    assert_eq!(page.url.as_str(), place.application.url("/"));
    assert_eq!(alice.user_of_application(), Value::Null);
    assert_eq!(alice.session_id(), None);
}

#[test]
#[ignore = "needs Node.js, PostgreSQL and Chromium: bash tests/run.sh"]
fn express_openid_connect_gets_the_answer_by_a_form() {
    let place = Place::on_postgresql("form_post");
    // With scripts the form sends itself; without, somebody clicks.
    for (browser, clicks) in [(with_scripts(), false), (Browser::start(), true)] {
        place.open_in(&browser, "/login");
        if clicks {
            wait("no form", || browser.title().starts_with("Back to"));
            browser.button("Go on").follow();
        }
        wait("no application", || browser.path() == "/");
        let body = browser.find("//body").text();
        assert!(body.contains("\"sub\":\"alice\""), "{body}");
    }
}

/// The policies of the provider's pages must not be in the way of an application's redirects.
#[test]
#[ignore = "needs Node.js, PostgreSQL and Chromium: bash tests/run.sh"]
fn express_openid_connect_sends_its_user_to_another_origin() {
    for mode in ["query", "form_post"] {
        let place = Place::on_postgresql(mode);
        let browser = with_scripts();
        place.open_in(&browser, "/login-and-go-elsewhere");
        wait(mode, || {
            browser.run("return location.hostname", &json!([])) == "localhost"
        });
    }
}

impl Place {
    /// Opens a page of the application, and signs alice in.
    fn open_in(&self, browser: &Browser, path: &str) {
        browser.open(&self.application.url(path));
        browser.field("Username").enter("alice");
        browser.field("Password").enter("alice");
        browser.button("Sign in").follow();
    }
}

fn with_scripts() -> Browser {
    Browser::start_with(&[], json!({}))
}

fn wait(else_: &str, is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < LIMIT, "{else_}");
        thread::sleep(MOMENT);
    }
}

/// How long a machine that does other things may take.
const LIMIT: Duration = Duration::from_secs(20);
const MOMENT: Duration = Duration::from_millis(20);
const SECRET: &str = "a secret of 32 characters: +/%&=";
/// `printf %s "$SECRET" | sha256sum`
const SECRET_SHA256: &str = "71c0c42735688142e07f1079e259f48cf0f5c60453762a6b5de7d3056e694869";
