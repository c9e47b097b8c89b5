//! Sessions in a list, as pages and as JSON.

use axum_user_session::{
    admin::SessionInfo,
    id::{ClientId, SessionId},
};
use serde::{Serialize, Serializer};

use crate::{device, moment::Moment};

/// A session in a list.
#[derive(Serialize)]
pub(crate) struct ListedSession {
    pub(crate) session_id: SessionId,
    pub(crate) subject: String,
    pub(crate) name: Option<String>,
    /// Whether the request that asks belongs to it.
    pub(crate) this_device: bool,
    #[serde(serialize_with = "rfc3339")]
    pub(crate) created: Moment,
    #[serde(serialize_with = "rfc3339")]
    pub(crate) last_active: Moment,
    #[serde(serialize_with = "rfc3339")]
    pub(crate) expires: Moment,
    pub(crate) clients: Vec<ClientId>,
    pub(crate) user_agent: Option<String>,
    pub(crate) address: Option<String>,
}

impl ListedSession {
    pub(crate) fn new(session: SessionInfo, this_device: bool) -> Self {
        Self {
            this_device,
            session_id: session.session_id,
            subject: session.subject,
            name: session.display_name,
            created: session.created.into(),
            last_active: session.last_active.into(),
            expires: session.expires.into(),
            clients: session.clients,
            user_agent: session.device.user_agent().map(str::to_owned),
            address: session.device.address().map(str::to_owned),
        }
    }

    /// What to call its device.
    pub(crate) fn device(&self) -> String {
        device::name(self.user_agent.as_deref().unwrap_or_default())
    }
}

fn rfc3339<S: Serializer>(moment: &Moment, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&moment.rfc3339())
}
