//! curl with a cookie jar. A test binary takes this in as its module `curl`, beside `server`.
#![allow(dead_code, reason = "each test binary uses its own part")]

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::Value;

use crate::server::{Disk, Server};

/// Arguments for those who want JSON and no page.
pub(crate) const JSON: [&str; 2] = ["--header", "Accept: application/json"];

/// Somebody at a terminal.
pub(crate) struct Curl {
    jar: PathBuf,
}

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: String,
}

/// A cookie in the jar.
pub(crate) struct Kept {
    pub(crate) value: String,
    /// Whether it outlives the browser.
    pub(crate) persistent: bool,
}

impl Curl {
    /// With a jar of this name, which may have cookies already.
    pub(crate) fn new(folder: &Path, jar: &str) -> Self {
        Self {
            jar: folder.join(jar),
        }
    }

    /// Somebody with a new jar who has signed in. Each user's name is the password too.
    pub(crate) fn signed_in(disk: &Disk, server: &Server, jar: &str, user: &str) -> Self {
        let curl = Self::new(disk.path(), jar);
        let fields = [("username", user), ("password", user)];
        let answer = curl.post(&server.url("/login"), &fields);
        assert_eq!(answer.status, 303, "{user} signs in");
        curl
    }

    /// The session that the server sees with this jar, if there is one.
    pub(crate) fn session_id(&self, server: &Server) -> Option<String> {
        let session = self.get(&server.url("/session")).json();
        session["session_id"].as_str().map(str::to_owned)
    }

    pub(crate) fn get(&self, url: &str) -> Answer {
        self.run(&[url])
    }

    pub(crate) fn post(&self, url: &str, fields: &[(&str, &str)]) -> Answer {
        self.post_with(url, fields, &[])
    }

    pub(crate) fn post_with(&self, url: &str, fields: &[(&str, &str)], more: &[&str]) -> Answer {
        let fields: Vec<_> = fields
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let mut arguments = vec![url, "--request", "POST"];
        for field in &fields {
            arguments.extend(["--data-urlencode", field]);
        }
        arguments.extend(more);
        self.run(&arguments)
    }

    /// With arguments of your own. Redirects are not followed.
    pub(crate) fn run(&self, arguments: &[&str]) -> Answer {
        // Standard input, because curl 7.88 reads a file once more before it writes the jar, and so brings back what the response
        // has removed (curl's issue 10677).
        let cookies = match File::open(&self.jar) {
            Ok(jar) => Stdio::from(jar),
            Err(_) => Stdio::null(),
        };
        let output = Command::new("curl")
            // First, so that nobody's own settings count.
            .arg("--disable")
            .args(["--silent", "--show-error", "--include"])
            .args(["--noproxy", "*", "--max-time", "30"])
            .args(["--cookie", "-", "--cookie-jar"])
            .arg(&self.jar)
            .args(arguments)
            .stdin(cookies)
            .output()
            .expect("curl is installed: `bash tests/run.sh` sees to that");
        let problem = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {problem}");
        let text = String::from_utf8(output.stdout).expect("the site speaks UTF-8");
        let (head, body) = text.split_once("\r\n\r\n").expect("a head and a body");
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
        Answer {
            status: status.expect("a status line"),
            head: head.to_owned(),
            body: body.to_owned(),
        }
    }

    /// The same cookies in another jar, as if somebody had copied them.
    pub(crate) fn copied(&self, jar: &str) -> Self {
        let copy = self.jar.with_file_name(jar);
        fs::copy(&self.jar, &copy).expect("the jar is there after a request");
        Self { jar: copy }
    }

    pub(crate) fn cookie(&self, name: &str) -> Option<Kept> {
        let jar = fs::read_to_string(&self.jar).unwrap_or_default();
        // Netscape's form: domain, subdomains, path, secure, expires, name, value.
        jar.lines().find_map(|line| {
            let columns: Vec<_> = line.split('\t').collect();
            (columns.len() == 7 && columns[5] == name).then(|| Kept {
                value: columns[6].to_owned(),
                persistent: columns[4] != "0",
            })
        })
    }

    /// Puts a cookie for 127.0.0.1 into the jar, which must be new.
    pub(crate) fn plant(&self, name: &str, value: &str) {
        let line = format!("127.0.0.1\tFALSE\t/\tFALSE\t0\t{name}\t{value}\n");
        fs::write(&self.jar, line).expect("the temporary folder can be written to");
    }
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers(name).next()
    }

    pub(crate) fn headers(&self, name: &str) -> impl Iterator<Item = &str> {
        let lines = self.head.lines().skip(1);
        let headers = lines.filter_map(|line| line.split_once(": "));
        headers
            .filter(move |(found, _)| found.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("JSON")
    }
}
