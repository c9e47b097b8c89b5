//! A browser, through WebDriver (W3C). Its commands are JSON over HTTP, and curl is there already.
#![allow(dead_code, reason = "each test binary uses its own part")]

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A browser with one window, at first. It is closed at the end of the test, whatever that is.
pub(crate) struct Browser {
    driver: Child,
    /// Of the driver, then of its session.
    address: String,
    profile: TempDir,
    /// Kept open, because the driver may write more.
    _output: BufReader<ChildStdout>,
}

/// Something on the page.
pub(crate) struct Element<'a> {
    browser: &'a Browser,
    id: String,
}

/// How somebody may look at the page.
#[derive(Clone, Copy)]
pub(crate) struct Look {
    pub(crate) name: &'static str,
    pub(crate) width: u32,
    pub(crate) scheme: &'static str,
}

impl Browser {
    /// One whose user has switched scripts off.
    pub(crate) fn start() -> Self {
        let no_scripts = "profile.managed_default_content_settings.javascript";
        Self::start_with(&[], json!({ no_scripts: 2 }))
    }

    /// One with arguments and Chromium's preferences.
    pub(crate) fn start_with(arguments: &[&str], preferences: Value) -> Self {
        let profile = TempDir::new().expect("there is a folder for temporary files");
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("chromedriver is missing: run `bash tests/run.sh`, which installs it");
        let output = driver.stdout.take().expect("standard output is piped");
        let mut output = BufReader::new(output);
        let port = port(&mut output);
        // From here on it is stopped if an assertion fails.
        let mut browser = Self {
            driver,
            address: format!("http://127.0.0.1:{port}"),
            profile,
            _output: output,
        };
        let capabilities = capabilities(browser.profile.path(), arguments, preferences);
        let session = browser.send("POST", "/session", &capabilities);
        let id = session["sessionId"].as_str().unwrap_or_else(|| {
            panic!("no browser starts; run `bash tests/run.sh`, which installs Chromium: {session}")
        });
        browser.address = format!("{}/session/{id}", browser.address);
        browser
    }

    pub(crate) fn open(&self, url: &str) {
        self.command("/url", &json!({ "url": url }));
    }

    /// Runs a script in the page, as the body of a function, and gives what it returns or promises.
    pub(crate) fn run(&self, script: &str, arguments: &Value) -> Value {
        self.command(
            "/execute/sync",
            &json!({ "script": script, "args": arguments }),
        )
    }

    /// The window that commands go to.
    pub(crate) fn window(&self) -> Value {
        self.ask("/window")
    }

    /// Opens another tab; commands go there from now on.
    pub(crate) fn open_tab(&self) {
        let tab = self.command("/window/new", &json!({ "type": "tab" }));
        self.switch_to(&tab["handle"]);
    }

    pub(crate) fn switch_to(&self, window: &Value) {
        self.command("/window", &json!({ "handle": window }));
    }

    pub(crate) fn path(&self) -> String {
        let url = self.ask("/url");
        let url = url.as_str().expect("a page is open");
        url.splitn(4, '/')
            .nth(3)
            .map_or_else(|| url.to_owned(), |path| format!("/{path}"))
    }

    pub(crate) fn title(&self) -> String {
        text(self.ask("/title"))
    }

    /// The field with a label.
    pub(crate) fn field(&self, label: &str) -> Element<'_> {
        self.find(&format!(
            "//input[@id = //label[normalize-space() = '{label}']/@for]"
        ))
    }

    pub(crate) fn button(&self, text: &str) -> Element<'_> {
        self.find(&format!("//button[normalize-space() = '{text}']"))
    }

    pub(crate) fn link(&self, text: &str) -> Element<'_> {
        self.find(&format!("//a[normalize-space() = '{text}']"))
    }

    /// The first of what an XPath names.
    pub(crate) fn find(&self, path: &str) -> Element<'_> {
        let found = self.command("/element", &json!({ "using": "xpath", "value": path }));
        self.element(&found)
    }

    /// The texts of all that an XPath names.
    pub(crate) fn texts(&self, path: &str) -> Vec<String> {
        let found = self.command("/elements", &json!({ "using": "xpath", "value": path }));
        let found = found.as_array().expect("a list").iter();
        found.map(|found| self.element(found).text()).collect()
    }

    /// What the keyboard writes into.
    pub(crate) fn focused(&self) -> Element<'_> {
        self.element(&self.ask("/element/active"))
    }

    /// The browser's cookies for the page.
    pub(crate) fn cookies(&self) -> Vec<Value> {
        let cookies = self.ask("/cookie");
        cookies.as_array().expect("a list").clone()
    }

    pub(crate) fn look(&self, look: Look) {
        let Look { width, scheme, .. } = look;
        self.devtools(
            "Emulation.setDeviceMetricsOverride",
            &json!({ "width": width, "height": 1000, "deviceScaleFactor": 2, "mobile": width < 600 }),
        );
        self.devtools(
            "Emulation.setEmulatedMedia",
            &json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] }),
        );
    }

    /// How wide the page is, which is more than the window where it has to be scrolled sideways.
    pub(crate) fn page_width(&self) -> f64 {
        let metrics = self.devtools("Page.getLayoutMetrics", &json!({}));
        metrics["cssContentSize"]["width"]
            .as_f64()
            .expect("a width")
    }

    pub(crate) fn screenshot(&self, file: &Path) {
        let png = text(self.ask("/screenshot"));
        let png = BASE64_STANDARD.decode(png).expect("base64");
        fs::write(file, png).expect("the folder for screenshots can be written to");
    }

    /// Chromium's own commands, for what WebDriver has none for.
    fn devtools(&self, name: &str, parameters: &Value) -> Value {
        self.command(
            "/goog/cdp/execute",
            &json!({ "cmd": name, "params": parameters }),
        )
    }

    fn element(&self, reference: &Value) -> Element<'_> {
        // The name of this member is WebDriver's own, section 12.1.
        let id = reference["element-6066-11e4-a52e-4f735466cecf"].as_str();
        Element {
            browser: self,
            id: id.expect("a reference to an element").to_owned(),
        }
    }

    fn ask(&self, path: &str) -> Value {
        self.checked("GET", path, &Value::Null)
    }

    fn command(&self, path: &str, parameters: &Value) -> Value {
        self.checked("POST", path, parameters)
    }

    fn checked(&self, method: &str, path: &str, body: &Value) -> Value {
        let value = self.send(method, path, body);
        assert!(
            value.get("error").is_none(),
            "{method} {path} {body}: {value}"
        );
        value
    }

    fn send(&self, method: &str, path: &str, body: &Value) -> Value {
        let mut curl = Command::new("curl")
            .arg("--disable")
            .args([
                "--silent",
                "--show-error",
                "--noproxy",
                "*",
                "--max-time",
                "60",
            ])
            .args(["--request", method])
            .args(["--header", "Content-Type: application/json"])
            .args(if body.is_null() {
                &[][..]
            } else {
                &["--data-binary", "@-"]
            })
            .arg(format!("{}{path}", self.address))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("curl is installed: `bash tests/run.sh` sees to that");
        let mut input = curl.stdin.take().expect("standard input is piped");
        if !body.is_null() {
            let body = body.to_string();
            input.write_all(body.as_bytes()).expect("curl reads it");
        }
        drop(input);
        let output = curl.wait_with_output().expect("curl is our child");
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        answer["value"].clone()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The driver closes the browser, and would leave it behind if it were killed first.
        self.send("DELETE", "", &Value::Null);
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

impl Element<'_> {
    pub(crate) fn click(&self) {
        self.command("click", &json!({}));
    }

    /// Clicks what opens a page, and waits until the old one is gone: the click itself may be over before the browser has begun to leave it.
    pub(crate) fn follow(&self) {
        let old = self.browser.find("/html");
        self.click();
        let began = Instant::now();
        while old.is_there() {
            assert!(
                began.elapsed() < Duration::from_secs(20),
                "the click opens no page"
            );
            thread::sleep(Duration::from_millis(10));
        }
    }

    pub(crate) fn enter(&self, text: &str) {
        self.command("value", &json!({ "text": text }));
    }

    pub(crate) fn text(&self) -> String {
        text(self.ask("text"))
    }

    /// What the page says of it now, such as what was entered into a field.
    pub(crate) fn property(&self, name: &str) -> Value {
        self.ask(&format!("property/{name}"))
    }

    /// What a screen reader calls it.
    pub(crate) fn spoken(&self) -> String {
        text(self.ask("computedlabel"))
    }

    fn is_there(&self) -> bool {
        let name = format!("/element/{}/name", self.id);
        let answer = self.browser.send("GET", &name, &Value::Null);
        answer.get("error").is_none()
    }

    fn ask(&self, what: &str) -> Value {
        self.browser.ask(&format!("/element/{}/{what}", self.id))
    }

    fn command(&self, what: &str, parameters: &Value) {
        let path = format!("/element/{}/{what}", self.id);
        self.browser.command(&path, parameters);
    }
}

/// chromedriver says so itself.
fn port(output: &mut impl BufRead) -> u16 {
    let port = output.lines().map_while(Result::ok).find_map(|line| {
        let (_, port) = line.split_once("started successfully on port ")?;
        port.trim_end_matches('.').parse().ok()
    });
    port.expect("chromedriver says on which port it listens")
}

fn capabilities(profile: &Path, arguments: &[&str], preferences: Value) -> Value {
    let profile = format!("--user-data-dir={}", profile.display());
    let mut all = vec![
        "--headless",
        // Root, as in a container, can't have the sandbox; and only our own pages are opened.
        "--no-sandbox",
        "--disable-dev-shm-usage",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        &profile,
    ];
    all.extend(arguments);
    json!({ "capabilities": { "alwaysMatch": {
        // Sites of tests have certificates that nobody has signed.
        "acceptInsecureCerts": true,
        "goog:chromeOptions": { "args": all, "prefs": preferences },
    } } })
}

fn text(value: Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
