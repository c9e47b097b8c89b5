//! What can be seen of sessions and of their ends, in a form that files keep.
//!
//! A release that shows more adds an optional field, so that the files of those before need not change.

use std::{collections::BTreeMap, time::SystemTime};

use axum_user_session::{
    UserSession,
    admin::SessionInfo,
    ended::Ended,
    id::{ClientId, SessionId},
    store::Delivery,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::fixtures::{millis, time};

/// A session, as its own requests see it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Seen {
    pub(crate) session_id: String,
    pub(crate) clients: Vec<String>,
    pub(crate) claims: Map<String, Value>,
    pub(crate) items: BTreeMap<String, String>,
    pub(crate) issued_ms: u64,
    pub(crate) expires_ms: u64,
    pub(crate) absolute_expires_ms: u64,
    pub(crate) persistent: bool,
    pub(crate) allow_refresh: Option<bool>,
}

impl Seen {
    pub(crate) fn by(session: &UserSession) -> Option<Self> {
        let ticket = session.ticket()?;
        let properties = ticket.properties();
        let at = |time: Option<SystemTime>| millis(time.expect("a session has its times"));
        Some(Self {
            session_id: session.session_id()?.as_str().to_owned(),
            clients: texts(&session.client_list()),
            claims: ticket.principal().claims().clone(),
            items: properties.items(),
            issued_ms: at(properties.issued()),
            expires_ms: at(properties.expires()),
            absolute_expires_ms: at(properties.absolute_expires()),
            persistent: properties.is_persistent(),
            allow_refresh: properties.allow_refresh(),
        })
    }

    pub(crate) fn subject(&self) -> &str {
        self.claims["sub"].as_str().unwrap()
    }

    /// Whether sliding moves its expiry.
    pub(crate) fn slides(&self) -> bool {
        self.allow_refresh != Some(false) && self.expires_ms < self.absolute_expires_ms
    }

    /// The same session with another expiry.
    pub(crate) fn expiring(&self, expires_ms: u64) -> Self {
        Self {
            expires_ms,
            ..self.clone()
        }
    }
}

/// A session, as an administrator sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Listed {
    pub(crate) subject: String,
    pub(crate) session_id: String,
    pub(crate) display_name: Option<String>,
    pub(crate) created_ms: u64,
    pub(crate) last_active_ms: u64,
    pub(crate) expires_ms: u64,
    pub(crate) clients: Vec<String>,
    pub(crate) user_agent: Option<String>,
    pub(crate) address: Option<String>,
}

impl From<&SessionInfo> for Listed {
    fn from(info: &SessionInfo) -> Self {
        Self {
            subject: info.subject.clone(),
            session_id: info.session_id.as_str().to_owned(),
            display_name: info.display_name.clone(),
            created_ms: millis(info.created),
            last_active_ms: millis(info.last_active),
            expires_ms: millis(info.expires),
            clients: texts(&info.clients),
            user_agent: info.device.user_agent().map(str::to_owned),
            address: info.device.address().map(str::to_owned),
        }
    }
}

/// The end of a session, as the host's hook is told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ToldEnd {
    pub(crate) event_id: String,
    pub(crate) subject: String,
    pub(crate) session_id: String,
    pub(crate) display_name: Option<String>,
    pub(crate) clients: Vec<String>,
    pub(crate) reason: String,
    pub(crate) at_ms: u64,
    /// When its lease is over, if somebody has taken it.
    pub(crate) leased_until_ms: Option<u64>,
}

impl From<&Ended> for ToldEnd {
    fn from(ended: &Ended) -> Self {
        Self {
            event_id: ended.event_id.to_string(),
            subject: ended.subject.clone(),
            session_id: ended.session_id.as_str().to_owned(),
            display_name: ended.display_name.clone(),
            clients: texts(&ended.clients),
            reason: ended.reason.as_str().to_owned(),
            at_ms: millis(ended.at),
            leased_until_ms: None,
        }
    }
}

impl ToldEnd {
    /// As it was told.
    pub(crate) fn ended(&self) -> Ended {
        Ended::new(
            self.event_id.parse().unwrap(),
            &self.subject,
            SessionId::parse(&self.session_id).unwrap(),
            self.reason.parse().unwrap(),
            time(self.at_ms),
        )
    }
}

/// What a client is to be told, as an administrator sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ListedDelivery {
    pub(crate) event_id: String,
    pub(crate) client: String,
    pub(crate) subject: String,
    pub(crate) session_id: String,
    pub(crate) state: String,
    pub(crate) attempts: u32,
    pub(crate) created_ms: u64,
    pub(crate) due_ms: Option<u64>,
    pub(crate) settled_ms: Option<u64>,
    pub(crate) failure: Option<String>,
}

impl From<&Delivery> for ListedDelivery {
    fn from(delivery: &Delivery) -> Self {
        Self {
            event_id: delivery.event_id.to_string(),
            client: delivery.client.to_string(),
            subject: delivery.subject.clone(),
            session_id: delivery.session_id.as_str().to_owned(),
            state: delivery.state.as_str().to_owned(),
            attempts: delivery.attempts,
            created_ms: millis(delivery.created),
            due_ms: delivery.due.map(millis),
            settled_ms: delivery.settled.map(millis),
            failure: delivery.failure.clone(),
        }
    }
}

pub(crate) fn texts(clients: &[ClientId]) -> Vec<String> {
    clients.iter().map(ToString::to_string).collect()
}
