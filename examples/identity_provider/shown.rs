//! Sessions and users as pages show them.

use std::time::{Duration, UNIX_EPOCH};

use axum_user_session::{
    Principal, UserSession,
    id::{ClientId, SessionId},
};
use serde_json::Value;

use crate::moment::Moment;

/// A session.
pub(crate) struct ShownSession {
    pub(crate) user: ShownUser,
    pub(crate) session_id: SessionId,
    pub(crate) clients: Vec<ClientId>,
    pub(crate) since: Moment,
    pub(crate) expires: Moment,
    pub(crate) at_the_latest: Moment,
    pub(crate) persistent: bool,
}

impl ShownSession {
    /// The current one, if somebody is signed in.
    pub(crate) fn of(session: &UserSession) -> Option<Self> {
        let properties = session.properties()?;
        Some(Self {
            user: ShownUser(session.user()?),
            session_id: properties.session_id()?,
            clients: properties.client_list(),
            since: properties.issued()?.into(),
            expires: properties.expires()?.into(),
            at_the_latest: properties.absolute_expires()?.into(),
            persistent: properties.is_persistent(),
        })
    }
}

/// A user.
pub(crate) struct ShownUser(pub(crate) Principal);

impl ShownUser {
    pub(crate) fn subject(&self) -> &str {
        self.0.subject()
    }

    pub(crate) fn name(&self) -> &str {
        self.0.claim_str("name").unwrap_or(self.subject())
    }

    /// Stands in for a picture.
    pub(crate) fn initial(&self) -> String {
        self.name()
            .chars()
            .take(1)
            .flat_map(char::to_uppercase)
            .collect()
    }

    /// A claim as text, empty without one.
    pub(crate) fn claim(&self, name: &str) -> String {
        self.0.claim(name).map(plain).unwrap_or_default()
    }

    /// All claims, as text.
    pub(crate) fn claims(&self) -> impl Iterator<Item = (&str, String)> {
        let claims = self.0.claims().iter();
        claims.map(|(name, value)| (&**name, claim_text(name, value)))
    }
}

/// Of the claims that every sign-in has, only this one is no text (OpenID Connect Core 1.0 section 2).
fn claim_text(name: &str, value: &Value) -> String {
    match (name, value.as_u64()) {
        ("auth_time", Some(seconds)) => {
            Moment::from(UNIX_EPOCH + Duration::from_secs(seconds)).to_string()
        }
        _ => plain(value),
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(values) => values.iter().map(plain).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}
