//! A provider with some clients, and what is asked of it again and again.

use serde_json::Value;
use url::Url;

use crate::{
    curl::{Answer, Curl},
    journey::{onward, parameter},
    request::{CALLBACK, Request, VERIFIER},
    server::{Disk, Server},
};

/// A provider. Its clients are nowhere: nobody follows redirects to them.
pub(crate) struct Place {
    pub(crate) server: Server,
    disk: Disk,
}

/// How a client shows who it is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shown<'a> {
    /// In the `Authorization` header, as it stands there.
    Basic(&'a str),
    /// As fields of the form.
    Post(&'a str, Option<&'a str>),
}

/// As the client of most tests does.
pub(crate) const WEB: Shown<'_> = Shown::Post("web", Some("secret of web"));

impl Place {
    pub(crate) fn new() -> Self {
        let disk = Disk::new();
        let database = disk.database();
        Self::run(disk, &database)
    }

    pub(crate) fn with_database(database: &str) -> Self {
        Self::run(Disk::new(), database)
    }

    fn run(disk: Disk, database: &str) -> Self {
        let server = Server::with_clients(&disk, database, CLIENTS, &[]);
        Self { server, disk }
    }

    /// Somebody with no cookies yet.
    pub(crate) fn nobody(&self) -> Curl {
        Curl::new(self.disk.path(), "nobody")
    }

    /// Somebody who has signed in, before any client asked for it.
    pub(crate) fn signed_in(&self, user: &str) -> Curl {
        Curl::signed_in(&self.disk, &self.server, user, user)
    }

    /// The same in another browser.
    pub(crate) fn signed_in_elsewhere(&self, user: &str) -> Curl {
        Curl::signed_in(&self.disk, &self.server, "elsewhere", user)
    }

    /// What the authorization endpoint answers.
    pub(crate) fn ask(&self, user: &Curl, request: &Request) -> Answer {
        user.get(&self.server.url(&request.path()))
    }

    /// Where it sends the browser.
    pub(crate) fn sent(&self, user: &Curl, request: &Request) -> Url {
        let answer = self.ask(user, request);
        assert_eq!(answer.status, 303, "{}: {}", request.path(), answer.body);
        self.location(&answer)
    }

    pub(crate) fn location(&self, answer: &Answer) -> Url {
        let location = onward(answer).unwrap_or_else(|| panic!("no way on: {}", answer.body));
        let here = Url::parse(self.server.origin()).expect("an origin is a URL");
        here.join(location).expect("a redirect leads somewhere")
    }

    /// The clients in somebody's session.
    pub(crate) fn clients(&self, user: &Curl) -> Vec<String> {
        let session = user.get(&self.server.url("/session")).json();
        let clients = session["clients"].as_array().expect("a list").iter();
        let text = |id: &Value| id.as_str().unwrap_or_default().to_owned();
        clients.map(text).collect()
    }

    /// A code for a client, of somebody who is signed in.
    pub(crate) fn code(&self, user: &Curl, request: &Request) -> String {
        let url = self.sent(user, request);
        parameter(&url, "code").unwrap_or_else(|| panic!("no code: {url}"))
    }

    /// What the token endpoint answers.
    pub(crate) fn token(&self, client: Shown<'_>, fields: &[(&str, &str)]) -> Answer {
        let mut fields = fields.to_vec();
        let mut header = String::new();
        match client {
            Shown::Basic(shown) => header = format!("Authorization: {shown}"),
            Shown::Post(id, secret) => {
                fields.push(("client_id", id));
                fields.extend(secret.map(|secret| ("client_secret", secret)));
            }
        }
        let more = ["--header", &*header];
        let more = if header.is_empty() { &[][..] } else { &more };
        let url = self.server.url("/connect/token");
        // A client has no cookies.
        self.nobody().post_with(&url, &fields, more)
    }

    /// What it answers to a code.
    pub(crate) fn redeem(&self, client: Shown<'_>, code: &str) -> Answer {
        self.token(client, &code_fields(code))
    }

    /// The tokens for somebody who is signed in.
    pub(crate) fn tokens(&self, user: &Curl) -> Value {
        let answer = self.redeem(WEB, &self.code(user, &Request::new("web")));
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()
    }

    pub(crate) fn refresh(&self, client: Shown<'_>, tokens: &Value) -> Answer {
        let token = text(tokens, "refresh_token");
        let fields = [("grant_type", "refresh_token"), ("refresh_token", token)];
        self.token(client, &fields)
    }

    pub(crate) fn userinfo(&self, tokens: &Value) -> Answer {
        let header = format!("Authorization: Bearer {}", text(tokens, "access_token"));
        let url = self.server.url("/connect/userinfo");
        self.nobody().run(&[&url, "--header", &header])
    }
}

/// What redeems a code of a request that nothing was changed in.
pub(crate) fn code_fields(code: &str) -> [(&str, &str); 4] {
    [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ]
}

/// The OAuth error of an answer.
pub(crate) fn error(answer: &Answer) -> String {
    text(&answer.json(), "error").to_owned()
}

pub(crate) fn text<'a>(json: &'a Value, member: &str) -> &'a str {
    let found = json[member].as_str();
    found.unwrap_or_else(|| panic!("no {member}: {json}"))
}

// The secrets are `secret of NAME`.
const CLIENTS: &str = r#"
[[client]]
id = "web"
secret_sha256 = "17e027d09cdaf70e87754f3346469a70bfbc19a9268cb5f933953821bd546f0d"
redirect_uris = ["https://client.example/callback", "https://client.example/own?query=1"]
post_logout_redirect_uris = ["https://client.example/signed-out"]
refresh_tokens = true

[[client]]
id = "other"
secret_sha256 = "dbb740605926b5eeb7335a7fce03f6d0a5102d7e5b01a1c776f7a11e1e37c63b"
redirect_uris = ["https://client.example/callback", "https://other.example/callback"]
refresh_tokens = true

[[client]]
id = "page"
redirect_uris = ["https://client.example/callback"]
refresh_tokens = true
"#;
