//! What the processes share: the key ring, and the cookies that the browser of each session has now.

use std::{
    env, fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use axum_user_session::{KeyRing, testing::Browser};
use tempfile::TempDir;

use crate::site::Site;

/// A folder.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    path: PathBuf,
    /// Of the process that made it, which takes it away again.
    _folder: Option<Arc<TempDir>>,
}

impl Place {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self {
            path: folder.path().to_owned(),
            _folder: Some(Arc::new(folder)),
        }
    }

    pub(crate) fn of_another_process(variable: &str) -> Self {
        Self {
            path: env::var_os(variable).unwrap().into(),
            _folder: None,
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn keys(&self) -> KeyRing {
        KeyRing::open_file(self.path.join("keys")).unwrap()
    }

    /// The `Cookie` header that the browser of a session sends now.
    pub(crate) fn cookies(&self, session: usize) -> String {
        fs::read_to_string(self.jar(session)).unwrap()
    }

    /// Signs in with the browser of a session, whether or not it is signed in already.
    pub(crate) async fn sign_in(&self, site: &Site, session: usize) {
        let mut browser = Browser::new(site.router.clone());
        let cookies = fs::read_to_string(self.jar(session)).unwrap_or_default();
        for cookie in cookies.split("; ").filter(|cookie| !cookie.is_empty()) {
            let (name, value) = cookie.split_once('=').unwrap();
            browser.plant(name, value);
        }
        let page = browser.post(&format!("/sign-in/{session}"), "").await;
        assert!(page.status.is_success(), "{page:?}");
        // Nobody may see half of it.
        let new = self.path.join(format!("new-{session}"));
        fs::write(&new, browser.cookie_header("/")).unwrap();
        fs::rename(&new, self.jar(session)).unwrap();
    }

    fn jar(&self, session: usize) -> PathBuf {
        self.path.join(format!("cookies-{session}"))
    }
}
