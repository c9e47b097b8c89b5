//! What the log shows of deliveries (o6): each outcome, and nothing that is secret.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
    time::Duration,
};

use tracing_subscriber::{EnvFilter, fmt::MakeWriter};

use crate::{fixtures::Provider, receivers::Reply};

/// What was logged, as text.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn o6_the_log_shows_outcomes_and_no_secret() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new("axum_user_session=trace"))
        .with_ansi(false)
        .with_writer(log.clone())
        .finish();
    let _here = tracing::subscriber::set_default(subscriber);

    let provider = Provider::with(|builder| builder.time_limit(Duration::from_millis(300)));
    for client in ["good", "bad", "mute", "gone", "wrong"] {
        provider.register_at(
            client,
            &provider.receivers.uri(&format!("{client}?key=hunter2")),
        );
    }
    let wrong = provider.receivers.uri_at("127.0.0.2", "wrong?key=hunter2");
    provider.register_at("wrong", &wrong);
    provider
        .receivers
        .behave("bad?key=hunter2", [Reply::Status(500)]);
    provider.receivers.behave("mute?key=hunter2", [Reply::Hang]);
    provider
        .end(7, &["good", "bad", "mute", "gone", "wrong"])
        .await;
    provider.registry.remove("gone");
    provider.task().run_once().await.unwrap();

    let text = log.text();
    let lines = |part: &str| text.lines().filter(|line| line.contains(part)).count();
    assert_eq!(lines("clients are to be told"), 1, "{text}");
    assert_eq!(lines("a client was told"), 1, "{text}");
    assert_eq!(lines("could not be told"), 4, "{text}");
    assert_eq!(lines("WARN"), 0, "{text}");
    // After a day they are given up.
    provider.clock.advance(Duration::from_secs(25 * 3600));
    provider.task().run_once().await.unwrap();
    let text = log.text();
    let lines = |part: &str| text.lines().filter(|line| line.contains(part)).count();
    assert_eq!(lines("a client was told"), 1, "{text}");
    assert_eq!(lines("WARN"), 4, "{text}");
    assert_eq!(lines("was not told"), 4, "{text}");
    let token = provider.receivers.heard_by("good?key=hunter2")[0]
        .token()
        .to_owned();
    let signature = token.rsplit('.').next().unwrap();
    for secret in ["hunter2", "00000007", "alice", "eyJ", "https:", signature] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
}
