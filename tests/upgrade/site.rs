//! The application of after the upgrade, with the keys of before.

use std::{
    fs,
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum_user_session::{
    KeyRing, cleanup::EndedTask, config::SessionConfigBuilder, ended::Ended, error::BoxError,
    hook::EndedHook, testing::Page,
};
use tempfile::TempDir;

use crate::{
    fixtures::{Cookies, KEYS, Version, time},
    seen::{Seen, ToldEnd},
    support::Lab,
};

pub(crate) struct Site {
    pub(crate) lab: Lab,
    pub(crate) hearing: Hearing,
    _keys: TempDir,
}

impl Site {
    /// With the keys of a version, at a time.
    pub(crate) fn of(
        version: &Version,
        at_ms: u64,
        configure: impl FnOnce(SessionConfigBuilder) -> SessionConfigBuilder,
    ) -> Self {
        let keys = tempfile::tempdir().unwrap();
        let ring = key_ring(version, keys.path());
        let hearing = Hearing::default();
        let hook = hearing.clone();
        let lab = Lab::with_ring(ring, |builder| {
            configure(settings(builder).ended_hook(hook))
        });
        lab.clock.set(time(at_ms));
        Self {
            lab,
            hearing,
            _keys: keys,
        }
    }

    /// Goes on in a browser that has these cookies, and no others.
    pub(crate) fn come_with(&mut self, cookies: &Cookies) {
        self.lab.browser = self.lab.other_browser();
        for (name, value) in &cookies.cookies {
            self.lab.browser.plant(name, value);
        }
    }

    pub(crate) async fn look(&mut self) -> (Option<Seen>, Page) {
        let look = self
            .lab
            .visit(|session| async move { serde_json::to_string(&Seen::by(&session)).unwrap() });
        let page = look.await;
        (serde_json::from_str(&page.body).unwrap(), page)
    }

    /// Who is signed in.
    ///
    /// # Panics
    ///
    /// If nobody is.
    pub(crate) async fn seen(&mut self, name: &str) -> Seen {
        let (seen, _) = self.look().await;
        seen.unwrap_or_else(|| panic!("{name}: nobody is signed in"))
    }

    /// Signs out, and says what has ended.
    pub(crate) async fn sign_out(&mut self) -> ToldEnd {
        let page = self.lab.visit(|session| async move {
            let ended = session.sign_out().await.unwrap();
            serde_json::to_string(&ToldEnd::from(&ended.unwrap())).unwrap()
        });
        serde_json::from_str(&page.await.body).unwrap()
    }

    /// Takes all keys away but the one that seals now.
    pub(crate) fn retire_old_keys(&self) {
        let now = self.lab.now();
        for key in self.lab.ring.keys_at(now) {
            if !key.is_primary() {
                let retire = KeyRing::retire_and_sign_out_its_sessions_at;
                retire(&self.lab.ring, key.id(), now).unwrap();
            }
        }
    }

    /// The ends that are handed out now, in the order of their events.
    pub(crate) async fn hear(&self) -> Vec<ToldEnd> {
        self.hearing.heard.lock().unwrap().clear();
        let task = EndedTask::new(&self.lab.config).unwrap().lease(LEASE);
        task.run_once().await.unwrap();
        let mut heard = self.hearing.heard.lock().unwrap().clone();
        heard.sort_by(|one, other| one.event_id.cmp(&other.event_id));
        heard
    }
}

/// Writes down what it hears, and deals with it or not.
#[derive(Clone, Default)]
pub(crate) struct Hearing {
    heard: Arc<Mutex<Vec<ToldEnd>>>,
    pub(crate) fails: Arc<Mutex<bool>>,
}

impl EndedHook for Hearing {
    async fn ended(&self, ended: &Ended) -> Result<(), BoxError> {
        self.heard.lock().unwrap().push(ended.into());
        match *self.fails.lock().unwrap() {
            true => Err("not now".into()),
            false => Ok(()),
        }
    }
}

/// What is configured wherever fixtures are written and read. All else is left to its default, so that a default that signs users out when it changes is found
/// here.
fn settings(builder: SessionConfigBuilder) -> SessionConfigBuilder {
    // A ticket in several cookies, and many clients beside it, need room.
    builder.sliding(true).cookie_budget(16 * 1024)
}

/// A copy, since a key file belongs to its owner alone, and tests change it.
pub(crate) fn key_ring(version: &Version, folder: &Path) -> KeyRing {
    let path = folder.join("keys.json");
    let mut options = fs::OpenOptions::new();
    let mut copy = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path)
        .unwrap();
    copy.write_all(version.text(KEYS).as_bytes()).unwrap();
    KeyRing::open_existing_file(path).unwrap()
}

/// For how long nobody else is handed an end.
pub(crate) const LEASE: Duration = Duration::from_secs(60);
