//! The client applications, from a TOML file. `clients.toml` beside this example says what may be in it.

use std::{collections::HashMap, error::Error, fs, path::Path, sync::Arc};

use aws_lc_rs::constant_time::verify_slices_are_equal;
use axum_user_session::{
    error::BoxError,
    id::ClientId,
    oidc::{Client, ClientRegistry},
};
use serde::Deserialize;

use super::secret::{self, Hash};

/// All applications. A cheap handle.
#[derive(Clone)]
pub(crate) struct Applications(Arc<HashMap<ClientId, Arc<Application>>>);

/// A client application: what the session's library knows of it, and what this provider adds.
pub(crate) struct Application {
    pub(crate) client: Client,
    secret: Option<Hash>,
    pub(crate) refresh_tokens: bool,
}

impl Applications {
    /// Reads a file, or those for demonstration.
    pub(crate) fn load(file: Option<&Path>) -> Result<Self, Box<dyn Error>> {
        match file {
            None => Self::parse(include_str!("../clients.toml")),
            Some(path) => {
                let text = fs::read_to_string(path);
                let text = text.map_err(|error| format!("{}: {error}", path.display()))?;
                Self::parse(&text).map_err(|error| format!("{}: {error}", path.display()).into())
            }
        }
    }

    fn parse(text: &str) -> Result<Self, Box<dyn Error>> {
        let mut applications = HashMap::new();
        let file: File = toml::from_str(text).map_err(|error| explained(text, &error))?;
        for entry in file.client {
            let application = Arc::new(entry.checked()?);
            let id = application.client.id().clone();
            if applications.insert(id.clone(), application).is_some() {
                return Err(format!("{id} is there twice").into());
            }
        }
        Ok(Self(Arc::new(applications)))
    }

    pub(crate) fn find(&self, id: &str) -> Option<&Arc<Application>> {
        self.0.get(id)
    }
}

impl ClientRegistry for Applications {
    async fn client(&self, id: &ClientId) -> Result<Option<Client>, BoxError> {
        Ok(self.find(id.as_str()).map(|found| found.client.clone()))
    }
}

impl Application {
    /// Whether it has no secret, as programs on the user's machine have none (RFC 6749 section 2.1).
    pub(crate) fn is_public(&self) -> bool {
        self.secret.is_none()
    }

    /// Whether this is its secret. How much of it is right does not show in the time that it takes.
    pub(crate) fn has_secret(&self, secret: &str) -> bool {
        let is = |known: &Hash| verify_slices_are_equal(known, &secret::hash(secret)).is_ok();
        self.secret.as_ref().is_some_and(is)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    client: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    id: String,
    name: Option<String>,
    secret_sha256: Option<String>,
    #[serde(default)]
    redirect_uris: Vec<String>,
    #[serde(default)]
    post_logout_redirect_uris: Vec<String>,
    front_channel_logout_uri: Option<String>,
    #[serde(default = "yes")]
    front_channel_session_required: bool,
    back_channel_logout_uri: Option<String>,
    #[serde(default = "yes")]
    back_channel_session_required: bool,
    #[serde(default)]
    wants_subject: bool,
    #[serde(default = "yes")]
    coordinates_lifetime: bool,
    #[serde(default)]
    refresh_tokens: bool,
}

impl Entry {
    fn checked(self) -> Result<Application, Box<dyn Error>> {
        let mut client = Client::builder(&self.id)
            .name(self.name.as_ref().unwrap_or(&self.id))
            .wants_subject(self.wants_subject)
            .coordinates_lifetime(self.coordinates_lifetime);
        for uri in self.redirect_uris {
            client = client.redirect_uri(uri);
        }
        for uri in self.post_logout_redirect_uris {
            client = client.post_logout_redirect_uri(uri);
        }
        if let Some(uri) = self.front_channel_logout_uri {
            client = client.front_channel_logout_uri(uri, self.front_channel_session_required);
        }
        if let Some(uri) = self.back_channel_logout_uri {
            client = client.back_channel_logout_uri(uri, self.back_channel_session_required);
        }
        let client = client
            .build()
            .map_err(|error| format!("{}: {error}", self.id))?;
        let secret = self.secret_sha256.as_deref().map(digits).transpose();
        let secret = secret.map_err(|error| format!("{}: {error}", self.id))?;
        Ok(Application {
            client,
            secret,
            refresh_tokens: self.refresh_tokens,
        })
    }
}

/// What is wrong, and in which line; not the line itself, which may hold a secret that should have been hashed.
fn explained(text: &str, error: &toml::de::Error) -> String {
    let before = error.span().and_then(|span| text.get(..span.start));
    match before {
        Some(before) => format!("line {}: {}", before.split('\n').count(), error.message()),
        None => error.message().to_owned(),
    }
}

fn digits(text: &str) -> Result<Hash, &'static str> {
    const WRONG: &str = "secret_sha256 has 64 hexadecimal digits";
    let mut hash = Hash::default();
    if text.len() != 2 * hash.len() || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(WRONG);
    }
    for (index, byte) in hash.iter_mut().enumerate() {
        let pair = &text[2 * index..2 * index + 2];
        *byte = u8::from_str_radix(pair, 16).map_err(|_| WRONG)?;
    }
    Ok(hash)
}

fn yes() -> bool {
    true
}
