use std::{fmt, time::SystemTime};

use crate::{
    id::{ClientId, SessionId},
    store::{Device, Record},
};

/// What a list of sessions shows of one.
///
/// It is what the store has in the clear. The session itself is sealed there, and checked when it is used, so whoever can write to the store can make a list
/// say what is not so, but signs nobody in.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SessionInfo {
    /// The user.
    pub subject: String,
    /// The session.
    pub session_id: SessionId,
    /// The claim `name`, cut to 200 characters.
    pub display_name: Option<String>,
    /// When the session began. Signing in again does not change it.
    pub created: SystemTime,
    /// When it was last used, to the minute or whatever the
    /// [interval](crate::config::SessionConfigBuilder::activity_interval) is.
    pub last_active: SystemTime,
    /// When it ends unless it is used before.
    pub expires: SystemTime,
    /// The clients that take part, in the order first added.
    pub clients: Vec<ClientId>,
    /// Where the user signed in from, if the host has said so.
    pub device: Device,
}

impl From<Record> for SessionInfo {
    fn from(record: Record) -> Self {
        Self {
            subject: record.subject,
            session_id: record.session_id,
            display_name: record.display_name,
            created: record.created,
            last_active: record.renewed,
            expires: record.expires,
            clients: record.clients,
            device: record.device,
        }
    }
}

/// A list gets into a log easily, and neither session ids nor names belong there.
impl fmt::Debug for SessionInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionInfo")
            .field("created", &self.created)
            .field("expires", &self.expires)
            .field("clients", &self.clients.len())
            .finish_non_exhaustive()
    }
}
