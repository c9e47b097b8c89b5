//! oidc-client-ts in a browser, with sessions in SQLite. It watches the session by the check-session iframe.
//!
//! Application and provider are two origins of one site, so the session's cookie goes into frames.

use std::{
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{
    application::{Address, Application},
    server::{Disk, Server},
    servers::{Port, Proxy},
    web_driver::Browser,
};

struct Place {
    browser: Browser,
    application: Application,
    /// The way to the provider, on which everything is counted.
    proxy: Proxy,
    _provider: Server,
    _port: Port,
    disk: Disk,
}

impl Place {
    fn new() -> Self {
        let disk = Disk::new();
        let address = Address::reserve();
        let port = Port::reserve();
        let proxy = Proxy::to(port.address());
        let issuer = format!("http://{}", proxy.address());
        let clients = format!(
            r#"
            [[client]]
            id = "spa"
            redirect_uris = ["{}", "{}"]
            post_logout_redirect_uris = ["{}"]
            "#,
            address.url("/"),
            address.url("/silent.html"),
            address.url("/"),
        );
        let settings = [
            ("ISSUER", &*issuer),
            ("LISTEN", &port.address().to_string()),
        ];
        let provider = Server::with_clients(&disk, &disk.database(), &clients, &settings);
        let settings = [("ISSUER", &*issuer), ("CLIENT_ID", "spa")];
        let application = Application::start("oidc_client_ts.mjs", address, &provider, &settings);
        Self {
            // Scripts are on in this one.
            browser: Browser::start_with(&[], json!({})),
            application,
            proxy,
            _provider: provider,
            _port: port,
            disk,
        }
    }

    /// With somebody who has signed in from the application.
    fn signed_in(user: &str) -> Self {
        let place = Self::new();
        place.open_application();
        place.call("signIn()");
        place.sign_in_as(user);
        place.wait_for_application();
        assert_eq!(place.call("user()")["sub"], user);
        place
    }

    fn provider(&self, path: &str) -> String {
        format!("http://{}{path}", self.proxy.address())
    }

    fn open_application(&self) {
        self.browser.open(&self.application.url("/"));
        self.wait_for_application();
    }

    /// Modules and redirects take a moment.
    fn wait_for_application(&self) {
        let ready = "return window.application !== undefined";
        self.wait("the application does not begin", || {
            self.browser.run(ready, &json!([])) == true
        });
    }

    /// Fills in the form when it is there.
    fn sign_in_as(&self, user: &str) {
        let at_login =
            "return location.pathname === '/login' && document.readyState === 'complete'";
        self.wait("no login page", || {
            self.browser.run(at_login, &json!([])) == true
        });
        self.browser.field("Username").enter(user);
        self.browser.field("Password").enter(user);
        self.browser.button("Sign in").follow();
    }

    /// Does something in another tab, as users do, and comes back.
    fn in_another_tab(&self, does: impl FnOnce(&Browser)) {
        let tab = self.browser.window();
        self.browser.open_tab();
        does(&self.browser);
        self.browser.switch_to(&tab);
    }

    /// What a method of the page's gives.
    fn call(&self, method: &str) -> Value {
        self.browser
            .run(&format!("return application.{method}"), &json!([]))
    }

    /// What the library has told the application so far, as soon as it is something. At this pace several questions may be under way, and it tells of every answer.
    fn told(&self) -> Vec<String> {
        self.wait("the library tells nothing", || {
            self.call("told") != json!([])
        });
        let told = self.call("told");
        let told = told.as_array().expect("a list").iter();
        let mut told: Vec<_> = told
            .filter_map(|it| it.as_str().map(str::to_owned))
            .collect();
        told.dedup();
        told
    }

    /// How often the frame has given this answer so far.
    fn answers(&self, answer: &str) -> usize {
        let answers = self.call("answers");
        let answers = answers.as_array().expect("a list").iter();
        answers.filter(|found| *found == answer).count()
    }

    fn wait(&self, else_: &str, mut is_done: impl FnMut() -> bool) {
        let began = Instant::now();
        while !is_done() {
            assert!(
                began.elapsed() < Duration::from_secs(30),
                "{else_}; the provider's log:\n{}",
                self.disk.log()
            );
            thread::sleep(Duration::from_millis(20));
        }
    }
}

#[test]
#[ignore = "needs Node.js and Chromium: bash tests/run.sh"]
fn o2_oidc_client_ts_sees_an_unchanged_session_without_a_request() {
    let place = Place::signed_in("alice");
    // The first question has the frame ask for the client's origins.
    place.wait("the frame does not answer", || {
        place.answers("unchanged") >= 2
    });
    let (before, requested) = (place.answers("unchanged"), place.proxy.requested());
    place.wait("the frame does not answer any more", || {
        place.answers("unchanged") >= before + 20
    });
    assert_eq!(place.proxy.requested(), requested, "bytes to the provider");
    for bad in ["changed", "error"] {
        assert_eq!(place.answers(bad), 0, "{bad}");
    }
    assert_eq!(place.call("told"), json!([]));
}

#[test]
#[ignore = "needs Node.js and Chromium: bash tests/run.sh"]
fn o2_oidc_client_ts_hears_of_a_sign_out_in_another_tab() {
    let place = Place::signed_in("alice");
    place.in_another_tab(|browser| {
        browser.open(&place.provider("/"));
        browser.button("Sign out").follow();
    });
    assert_eq!(place.told(), ["signed out"]);
    assert_eq!(place.answers("error"), 0);
}

#[test]
#[ignore = "needs Node.js and Chromium: bash tests/run.sh"]
fn o2_oidc_client_ts_hears_of_a_user_switch_in_another_tab() {
    let place = Place::signed_in("alice");
    place.in_another_tab(|browser| {
        browser.open(&place.provider("/login"));
        place.sign_in_as("bob");
    });
    // It has asked who is there now, and it is not its user.
    assert_eq!(place.told(), ["signed out"]);
    assert_eq!(place.call("user()")["sub"], "alice", "the tokens are old");
    // So the library calls it when somebody else is there.
    assert_eq!(
        place.call("renew()"),
        json!({ "refused": "login_required" })
    );
}

#[test]
#[ignore = "needs Node.js and Chromium: bash tests/run.sh"]
fn o2_oidc_client_ts_hears_of_another_session_of_the_same_user() {
    let place = Place::signed_in("alice");
    place.wait("the frame does not answer", || {
        place.answers("unchanged") >= 2
    });
    assert_eq!(place.call("told"), json!([]));
    let sid = place.call("user()")["sid"].clone();
    // Elsewhere meanwhile, so that it does not see what is in between.
    place.browser.open(&place.provider("/"));
    place.browser.button("Sign out").follow();
    place.browser.open(&place.provider("/login"));
    place.sign_in_as("alice");

    place.open_application();
    assert_eq!(place.told(), ["session changed"]);
    let renewed = place.call("renew()");
    assert_ne!(renewed["sid"], sid, "{renewed}");
    assert!(renewed["sid"].is_string(), "{renewed}");
}

#[test]
#[ignore = "needs Node.js and Chromium: bash tests/run.sh"]
fn c6_oidc_client_ts_sees_the_same_session_after_another_sign_in_of_its_user() {
    let place = Place::signed_in("alice");
    place.in_another_tab(|browser| {
        browser.open(&place.provider("/login?prompt=login"));
        browser.field("Password").enter("alice");
        browser.button("Sign in").follow();
    });
    let before = place.answers("unchanged");
    place.wait("the frame does not answer any more", || {
        place.answers("unchanged") >= before + 5
    });
    assert_eq!(place.answers("changed"), 0);
    assert_eq!(place.call("told"), json!([]));
}

#[test]
#[ignore = "needs Node.js and Chromium: bash tests/run.sh"]
fn oidc_client_ts_renews_in_a_frame() {
    let place = Place::signed_in("alice");
    let before = place.call("user()");
    assert_eq!(place.call("renew()")["sid"], before["sid"]);
    let after = place.call("user()");
    assert_ne!(after["access_token"], before["access_token"]);
    assert_ne!(
        after["session_state"], before["session_state"],
        "a fresh salt"
    );
    for claim in ["sub", "sid", "auth_time"] {
        assert_eq!(after[claim], before[claim], "{claim}");
    }
}

#[test]
#[ignore = "needs Node.js and Chromium: bash tests/run.sh"]
fn oidc_client_ts_is_told_that_there_is_no_session() {
    let place = Place::new();
    place.open_application();
    assert_eq!(place.call("user()"), Value::Null);
    assert_eq!(
        place.call("renew()"),
        json!({ "refused": "login_required" })
    );
}

#[test]
#[ignore = "needs Node.js and Chromium: bash tests/run.sh"]
fn o3_oidc_client_ts_signs_out_at_the_provider_and_comes_back() {
    let place = Place::signed_in("alice");
    place.call("signOut()");
    place.wait("no way back", || {
        let there = "return location.origin";
        let origin = place.browser.run(there, &json!([]));
        origin == place.application.url("")
    });
    place.wait_for_application();
    assert_eq!(place.call("user()"), Value::Null);
    assert_eq!(
        place.call("renew()"),
        json!({ "refused": "login_required" })
    );
}
