//! What the processes share beside the store: keys, certificates, and the cookies of browsers.

use std::{
    env, fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use axum_user_session::{
    KeyRing,
    oidc::back_channel::{JwtSigner, SigningAlgorithm},
};
use tempfile::TempDir;

use crate::receivers::{Authority, Receivers};

/// A folder.
#[derive(Clone)]
pub(crate) struct Place {
    path: PathBuf,
    /// Of the process that made it, which takes it away again.
    _folder: Option<Arc<TempDir>>,
}

impl Place {
    pub(crate) fn new(authority: &Authority, receivers: &Receivers) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let place = Self {
            path: folder.path().to_owned(),
            _folder: Some(Arc::new(folder)),
        };
        place.write("authority", &authority.pem());
        let key = rcgen::KeyPair::generate().unwrap();
        place.write("signing-key", &key.serialize_pem());
        place.write("receivers", &receivers.uri(""));
        place
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

    pub(crate) fn signer(&self) -> JwtSigner {
        let pem = self.read("signing-key");
        JwtSigner::from_pem(SigningAlgorithm::Es256, "key1", pem.as_bytes()).unwrap()
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path.join(name)).unwrap()
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.path.join(name), text).unwrap();
    }
}
