//! Firefox, through its remote protocol Marionette: WebDriver's commands as JSON over TCP, each with its length in front.

use std::{
    ffi::OsString,
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    time::Duration,
};

use serde_json::{Value, json};

use crate::servers::Process;

/// A browser with one window, at first. It is closed at the end of the test, whatever that is.
pub(crate) struct Firefox {
    connection: BufReader<TcpStream>,
    sent: u64,
    // Ends the browser when it is dropped, and removes its profile.
    _process: Process,
}

impl Firefox {
    /// One with preferences of its own.
    pub(crate) fn start(preferences: &[(&str, Value)]) -> Self {
        let mut process = Process::new("firefox", "TERM", None);
        let folder = process.folder().to_owned();
        let common = [
            // A port that is free, which it writes into a file.
            ("marionette.port", json!(0)),
            // Nothing is fetched but our own pages.
            (
                "services.settings.server",
                json!("data:,#remote-settings-dummy/v1"),
            ),
        ];
        let lines = common.iter().chain(preferences);
        let lines = lines.map(|(name, value)| format!("user_pref({}, {value});\n", json!(name)));
        fs::write(folder.join("user.js"), lines.collect::<String>()).expect("the folder is ours");

        let mut command: Vec<OsString> = vec!["env".into()];
        command.push(format!("HOME={}", folder.display()).into());
        // It has either name, by system.
        let either = r#"exec "$(command -v firefox-esr || command -v firefox)" "$@""#;
        command.extend(["sh", "-c", either, "firefox"].map(Into::into));
        command.extend(["--headless", "--no-remote", "--marionette", "--profile"].map(Into::into));
        command.push(folder.clone().into());
        let mut port = None;
        let started = process.start(&command, |_| {
            let text = fs::read_to_string(folder.join("MarionetteActivePort"));
            port = text.ok().and_then(|text| text.trim().parse::<u16>().ok());
            port.is_some()
        });
        if let Err(failure) = started {
            panic!("no Firefox starts; run `bash tests/run.sh`, which installs one: {failure}");
        }
        let port = port.expect("it is ready when it has one");
        let stream = TcpStream::connect(("127.0.0.1", port)).expect("Firefox listens there");
        let limit = Some(Duration::from_secs(60));
        stream
            .set_read_timeout(limit)
            .expect("a minute is a time limit");
        let mut firefox = Self {
            connection: BufReader::new(stream),
            sent: 0,
            _process: process,
        };
        // It begins by saying who it is.
        firefox.receive();
        // Sites of tests have certificates that nobody has signed.
        let wanted = json!({ "acceptInsecureCerts": true });
        firefox.command("WebDriver:NewSession", &wanted);
        firefox
    }

    pub(crate) fn command(&mut self, name: &str, parameters: &Value) -> Value {
        self.sent += 1;
        let message = json!([0, self.sent, name, parameters]).to_string();
        let stream = self.connection.get_mut();
        let framed = format!("{}:{message}", message.len());
        stream
            .write_all(framed.as_bytes())
            .expect("Firefox is there");
        let answer = self.receive();
        assert_eq!(answer[1], self.sent, "answers come in order");
        assert!(answer[2].is_null(), "{name} {parameters}: {}", answer[2]);
        answer[3].clone()
    }

    fn receive(&mut self) -> Value {
        let mut len = Vec::new();
        self.connection
            .read_until(b':', &mut len)
            .expect("Firefox answers");
        let len = String::from_utf8_lossy(&len);
        let len = len.trim_end_matches(':').parse().expect("a length");
        let mut message = vec![0; len];
        self.connection
            .read_exact(&mut message)
            .expect("the whole message");
        serde_json::from_slice(&message).expect("JSON")
    }
}
