//! What somebody does with a browser at a provider and its clients, whichever browser that is.

use serde_json::{Value, json};

use crate::{
    marionette::Firefox,
    site::{CLIENT, NEIGHBOUR, PROVIDER, STRANGER, Site},
    web_driver::Browser,
};

/// A browser as these tests use it.
pub(crate) trait Driver {
    fn open(&mut self, url: &str);
    /// Runs a script as the body of a function, and waits for what it promises.
    fn run(&mut self, script: &str, arguments: Value) -> Value;
    fn window(&mut self) -> Value;
    fn open_tab(&mut self);
    fn switch_to(&mut self, window: &Value);
}

impl Driver for Browser {
    fn open(&mut self, url: &str) {
        Self::open(self, url);
    }

    fn run(&mut self, script: &str, arguments: Value) -> Value {
        Self::run(self, script, &arguments)
    }

    fn window(&mut self) -> Value {
        Self::window(self)
    }

    fn open_tab(&mut self) {
        Self::open_tab(self);
    }

    fn switch_to(&mut self, window: &Value) {
        Self::switch_to(self, window);
    }
}

impl Driver for Firefox {
    fn open(&mut self, url: &str) {
        self.command("WebDriver:Navigate", &json!({ "url": url }));
    }

    fn run(&mut self, script: &str, arguments: Value) -> Value {
        let parameters = json!({ "script": script, "args": arguments });
        self.command("WebDriver:ExecuteScript", &parameters)["value"].clone()
    }

    fn window(&mut self) -> Value {
        self.command("WebDriver:GetWindowHandle", &json!({}))["value"].clone()
    }

    fn open_tab(&mut self) {
        let tab = self.command("WebDriver:NewWindow", &json!({ "type": "tab" }));
        self.switch_to(&tab["handle"]);
    }

    fn switch_to(&mut self, window: &Value) {
        self.command("WebDriver:SwitchToWindow", &json!({ "handle": window }));
    }
}

/// A browser at a site.
pub(crate) struct Journey<D> {
    pub(crate) browser: D,
    pub(crate) site: Site,
}

impl<D: Driver> Journey<D> {
    /// Opens a page of the provider, and gives its text.
    pub(crate) fn at_provider(&mut self, path: &str) -> String {
        let url = self.site.url(PROVIDER, path);
        self.browser.open(&url);
        let text = self
            .browser
            .run("return document.body.textContent", json!([]));
        text.as_str().expect("text").to_owned()
    }

    pub(crate) fn sign_in(&mut self) {
        assert_eq!(self.at_provider("/sign-in"), "signed in");
    }

    /// Runs a script in the page that may wait.
    pub(crate) fn run(&mut self, script: &str, arguments: Value) -> Value {
        let script = format!("return (async (...arguments) => {{ {script} }})(...arguments)");
        self.browser.run(&script, arguments)
    }

    /// What `client1` gets as `session_state`, which it may show from pages of a host.
    pub(crate) fn state(&mut self, host: &str) -> String {
        let origin = self.site.origin(host);
        let state = self.at_provider(&format!("/state?client=client1&origin={origin}"));
        assert_eq!(state.len(), 43 + 1 + 32, "{state}");
        state
    }

    pub(crate) fn open_client(&mut self, host: &str) {
        let url = self.site.url(host, "/client");
        self.browser.open(&url);
    }

    /// Sends a message from the client's page.
    pub(crate) fn ask(&mut self, message: Value) -> Value {
        self.browser
            .run("return ask(arguments[0])", json!([message]))
    }

    pub(crate) fn ask_for(&mut self, state: &str) -> Value {
        self.ask(json!(format!("client1 {state}")))
    }

    /// What a browser must do that lets the provider's frame have its cookies.
    pub(crate) fn where_cookies_are_allowed(&mut self) {
        let nobodys = self.state(CLIENT);
        self.open_client(CLIENT);
        assert_eq!(
            self.ask_for(&nobodys),
            "unchanged",
            "nobody was and is signed in"
        );

        self.sign_in();
        let state = self.state(CLIENT);
        self.open_client(CLIENT);
        assert_eq!(self.ask_for(&state), "unchanged");
        assert_eq!(self.ask_for(&nobodys), "changed", "somebody has signed in");

        // The client's page stays open, while the user signs out elsewhere.
        let client = self.browser.window();
        self.browser.open_tab();
        assert_eq!(self.at_provider("/sign-out"), "signed out");
        self.browser.switch_to(&client);
        assert_eq!(self.ask_for(&state), "changed");
        assert_eq!(self.ask_for(&nobodys), "unchanged");
    }

    /// Who is not to be told anything, and what can't be understood.
    pub(crate) fn errors(&mut self) {
        self.sign_in();
        let [client, stranger] = [CLIENT, STRANGER].map(|host| self.state(host));
        self.open_client(STRANGER);
        assert_eq!(self.ask_for(&stranger), "error", "not registered");

        self.open_client(CLIENT);
        let hash = client.split_once('.').expect("a salt").0;
        for (name, message, expected) in [
            (
                "as it should be",
                json!(format!("client1 {client}")),
                "unchanged",
            ),
            (
                "a client with a space",
                json!(format!("other client {client}")),
                "changed",
            ),
            (
                "an unknown client",
                json!(format!("nobody {client}")),
                "error",
            ),
            ("no client", json!(format!(" {client}")), "error"),
            ("no space", json!(client), "error"),
            (
                "a space behind",
                json!(format!("client1 {client} ")),
                "error",
            ),
            ("two spaces", json!(format!("client1  {client}")), "error"),
            ("no salt", json!(format!("client1 {hash}")), "error"),
            ("an empty salt", json!(format!("client1 {hash}.")), "error"),
            ("two dots", json!(format!("client1 {client}.a")), "error"),
            (
                "another hash's length",
                json!(format!("client1 a{client}")),
                "error",
            ),
            ("no text", json!({ "client_id": "client1" }), "error"),
            ("null", Value::Null, "error"),
            ("nothing", json!(""), "error"),
            (
                "a control character",
                json!(format!("client1\n {client}")),
                "error",
            ),
            (
                "half a character",
                json!(format!("client1 {client}\u{1F980}")),
                "error",
            ),
            (
                "huge",
                json!(format!("{} {client}", "a".repeat(1_000_000))),
                "error",
            ),
            ("many spaces", json!(" ".repeat(400)), "error"),
        ] {
            assert_eq!(self.ask(message), expected, "{name}");
        }
        let half = "return ask(`client1\\ud800 ${arguments[0]}`)";
        assert_eq!(self.browser.run(half, json!([client])), "error");
    }

    /// What a browser must do that keeps the cookies of other sites' frames from them, or gives them others.
    pub(crate) fn where_cookies_are_blocked(&mut self) {
        let nobodys = self.state(CLIENT);
        self.sign_in();
        let [far, near] = [CLIENT, NEIGHBOUR].map(|host| self.state(host));
        self.open_client(CLIENT);
        for time in 0..3 {
            assert_eq!(self.ask_for(&far), "error", "time {time}");
            assert_eq!(self.ask_for(&nobodys), "error", "time {time}");
        }
        // Pages of the provider's own site are no third party.
        self.open_client(NEIGHBOUR);
        assert_eq!(self.ask_for(&near), "unchanged");
        assert_eq!(self.at_provider("/sign-out"), "signed out");
        self.open_client(NEIGHBOUR);
        assert_eq!(self.ask_for(&near), "changed");
        self.open_client(CLIENT);
        assert_eq!(self.ask_for(&far), "error");
    }
}
