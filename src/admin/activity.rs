use tokio::time::Instant;

use super::{info::SessionInfo, session_admin::SessionAdmin};
use crate::{
    clock::Timestamp,
    error::Error,
    id::{ClientId, SessionId},
    lifetimes::Times,
    session::open_record,
    store::{ClientRemoved, Filter, Record, Touch, Touched, ask},
    ticket::Ticket,
};

/// Whether what a client does keeps the user's session alive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Extension {
    /// It does not: the session expires when its user does nothing here.
    Leave,
    /// It does, as if the user had been here, where [sliding](crate::config::SessionConfigBuilder::sliding) is on. Never past the absolute expiry.
    Extend,
}

/// How often a session is looked up again that was replaced in between.
const ATTEMPTS: usize = 2;

impl SessionAdmin {
    /// Says whether a session is alive that a client takes part in, for what that client does elsewhere: when it uses a refresh token, or calls the userinfo
    /// endpoint. None if there is no such session, or the client was never recorded in it: the token is to be refused then.
    ///
    /// Choose per client whether that extends the session. Call it from code of the host's own only: whoever can call it can keep a session alive.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unavailable`](crate::error::ErrorKind::Unavailable), and [`ErrorKind::InvalidFilter`](crate::error::ErrorKind::InvalidFilter) for a subject that nobody can
    /// have: an empty one, or one with a control character.
    ///
    /// ```
    /// use axum_user_session::{Error, admin::{Extension, SessionAdmin}, id::SessionId};
    ///
    /// async fn may_refresh(admin: &SessionAdmin, sub: &str, sid: &str, client: &str) -> Result<bool, Error> {
    ///     let session = admin.validate(sub, SessionId::parse(sid)?, client, Extension::Extend).await?;
    ///     Ok(session.is_some())
    /// }
    /// ```
    pub async fn validate(
        &self,
        subject: &str,
        session_id: SessionId,
        client_id: &str,
        extension: Extension,
    ) -> Result<Option<SessionInfo>, Error> {
        let filter = Filter::subject(subject)?.and_session_id(session_id);
        let deadline = self.settings.load_deadline();
        for _ in 0..ATTEMPTS {
            let Some((record, ticket)) = self.sound(&filter, deadline).await? else {
                return Ok(None);
            };
            if !record.clients.iter().any(|known| known == client_id) {
                return Ok(None);
            }
            if extension == Extension::Leave {
                return Ok(Some(record.into()));
            }
            if let Some(record) = self.extend(record, &ticket, deadline).await? {
                return Ok(Some(record.into()));
            }
        }
        Ok(None)
    }

    /// Takes a client out of a session, and says whether it was in: it has been told to forget the user, or its grant is gone. It will not hear of the
    /// session's end.
    ///
    /// # Errors
    ///
    /// As [`validate`](Self::validate), and [`ErrorKind::InvalidClientId`](crate::error::ErrorKind::InvalidClientId).
    pub async fn remove_client(
        &self,
        subject: &str,
        session_id: SessionId,
        client_id: &str,
    ) -> Result<bool, Error> {
        let client_id = ClientId::parse(client_id)?;
        let store = self.store()?;
        let now = self.settings.now().into();
        let filter = Filter::subject(subject)?.and_session_id(session_id);
        let deadline = self.settings.write_deadline();
        let find = || store.store.find(&filter, 1, now);
        let Some(record) = ask(deadline, find).await?.value.pop() else {
            return Ok(false);
        };
        let remove = || store.store.remove_client(&record.key, &client_id, now);
        let answer = ask(deadline, remove).await?;
        Ok(match answer.value {
            ClientRemoved::Removed => true,
            // It may be the first attempt that has removed it.
            ClientRemoved::Unknown => answer.repeated,
            ClientRemoved::Missing => false,
        })
    }

    /// The session of a filter, if it is as it was sealed.
    async fn sound(
        &self,
        filter: &Filter,
        deadline: Instant,
    ) -> Result<Option<(Record, Ticket)>, Error> {
        let store = self.store()?;
        let now = self.settings.now();
        let find = || store.store.find(filter, 1, now.into());
        let mut found = ask(deadline, find).await?.value;
        let session = found.pop().and_then(|record| {
            let ticket = open_record(&self.settings, &record, now).ok()?;
            ticket.expires_after(now).then_some((record, ticket))
        });
        Ok(session)
    }

    /// Notes a sign of life; none if the record is not there any more.
    async fn extend(
        &self,
        mut record: Record,
        ticket: &Ticket,
        deadline: Instant,
    ) -> Result<Option<Record>, Error> {
        let store = self.store()?;
        let now = self.settings.now();
        let touch = Touch {
            every: store.activity_interval,
            expires: self.extended(ticket, now).into(),
        };
        let note = || store.store.touch(&record.key, touch, now.into());
        match ask(deadline, note).await?.value {
            Touched::Missing => return Ok(None),
            Touched::NotDue => {}
            Touched::Touched => {
                store.recent.note(&record.key, now);
                record.renewed = now.into();
                record.expires = record.expires.max(touch.expires);
            }
        }
        Ok(Some(record))
    }

    /// Until when a sign of life extends a session.
    fn extended(&self, ticket: &Ticket, now: Timestamp) -> Timestamp {
        let slides =
            self.settings.lifetimes.sliding && ticket.properties.allow_refresh != Some(false);
        let extended = |times: Times| {
            let window = std::time::Duration::from_millis(times.window_ms);
            now.plus(window).min(times.absolute)
        };
        let times = ticket.properties.times.filter(|_| slides);
        times.map_or(now, extended)
    }
}
