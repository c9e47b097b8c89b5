use super::{info::SessionInfo, session_admin::SessionAdmin};
use crate::{
    error::{Error, ErrorKind},
    id::SessionId,
    session::UserSession,
    store::Filter,
};

/// A session in the list that its own user sees.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MySession {
    /// The session.
    pub session: SessionInfo,
    /// Whether it is the one that the request belongs to.
    pub is_this_one: bool,
}

/// What users see and do about their own sessions (OWASP ASVS 5.0, 7.5.2).
impl UserSession {
    /// The user's own sessions, on all devices, newest first, at most 1000.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotSignedIn`], [`ErrorKind::SignInPending`], [`ErrorKind::NoStore`], [`ErrorKind::Unavailable`].
    ///
    /// ```
    /// use axum_user_session::{Error, UserSession};
    ///
    /// async fn devices(session: UserSession) -> Result<String, Error> {
    ///     let mut page = String::new();
    ///     for mine in session.sessions().await? {
    ///         page += mine.session.device.user_agent().unwrap_or("an unknown device");
    ///         page += if mine.is_this_one { " (this one)\n" } else { "\n" };
    ///     }
    ///     Ok(page)
    /// }
    /// ```
    pub async fn sessions(&self) -> Result<Vec<MySession>, Error> {
        let (admin, own, id) = self.own()?;
        let sessions = admin.find(&own).await?;
        let mark = |session: SessionInfo| MySession {
            is_this_one: session.session_id == id,
            session,
        };
        Ok(sessions.into_iter().map(mark).collect())
    }

    /// Ends one of the user's own sessions, and says whether there was one. A session of somebody else is never ended, whoever asks. For the session of the request it is a
    /// [`sign_out`](Self::sign_out).
    ///
    /// # Errors
    ///
    /// As [`sessions`](Self::sessions), and those of `sign_out`.
    pub async fn revoke_session(&self, session_id: SessionId) -> Result<bool, Error> {
        let (admin, own, this) = self.own()?;
        if session_id == this {
            return Ok(self.sign_out().await?.is_some());
        }
        let revoked = admin.revoke(&own.and_session_id(session_id)).await?;
        Ok(revoked > 0)
    }

    /// Ends all of the user's own sessions but this one, and gives their number. Offer it when a password or another factor has changed (OWASP ASVS 5.0,
    /// 7.4.3).
    ///
    /// # Errors
    ///
    /// As [`sessions`](Self::sessions).
    pub async fn revoke_other_sessions(&self) -> Result<u64, Error> {
        let (admin, own, this) = self.own()?;
        admin.revoke(&own.except(this)).await
    }

    fn own(&self) -> Result<(SessionAdmin, Filter, SessionId), Error> {
        let admin = SessionAdmin::of(self.shared_settings())?;
        // Not one whose sign-in is yet to come.
        let ticket = self.signed_in_ticket()?;
        let id = ticket.properties().session_id();
        let own = Filter::subject(ticket.principal().subject())?;
        Ok((admin, own, id.ok_or(ErrorKind::NotSignedIn)?))
    }
}
