use std::{fmt, sync::Arc};

use super::{
    info::SessionInfo,
    page_token,
    query::{SessionPage, SessionQuery},
};
use crate::{
    config::{SessionConfig, Settings, StoreSettings},
    ended::EndReason,
    error::{Error, ErrorKind},
    events::Event,
    store::{Filter, NameMatch, Part, Position, Query, Record, Selection, ask},
};

/// Sessions that are ended in one operation of the store.
const BATCH: usize = 500;
/// The most sessions that are given without pages.
const MOST: usize = 1000;

/// Finds and ends sessions, outside of a request as well as in one. A cheap handle.
///
/// It is for administrators and for the host itself: whoever can call it can see and end every session. What users may do to their own is on
/// [`UserSession`](crate::UserSession): [`sessions`](crate::UserSession::sessions), [`revoke_session`](crate::UserSession::revoke_session) and
/// [`revoke_other_sessions`](crate::UserSession::revoke_other_sessions).
///
/// A session that is revoked ends for every request that comes after, on every node, and its clients are told as after a sign-out. A request that is under way keeps what
/// it has, and can't bring the session back. The browser's session id cookie goes with the next page that it opens here, so clients that watch the session see the end from then
/// on; the other cookies go a minute later.
#[derive(Clone)]
pub struct SessionAdmin {
    pub(super) settings: Arc<Settings>,
}

impl SessionAdmin {
    /// The administration of a configuration's sessions.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NoStore`] if they are in cookies alone.
    pub fn new(config: &SessionConfig) -> Result<Self, Error> {
        Self::of(config.settings())
    }

    /// The sessions that a filter lets through, newest first, at most 1000. To go through more of them, [`query`](Self::query).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unavailable`], and [`ErrorKind::SearchNotOffered`] for
    /// [`name_contains`](Filter::name_contains) with a store that does not offer it.
    pub async fn find(&self, filter: &Filter) -> Result<Vec<SessionInfo>, Error> {
        self.check(Some(filter))?;
        let store = self.store()?;
        let now = self.settings.now().into();
        let find = || store.store.find(filter, MOST, now);
        let records = ask(self.settings.write_deadline(), find).await?.value;
        Ok(records.into_iter().map(SessionInfo::from).collect())
    }

    /// A page of a list of sessions.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidPageToken`] for a token that was changed, or is one of another list, and as [`find`](Self::find).
    pub async fn query(&self, query: &SessionQuery) -> Result<SessionPage, Error> {
        self.check(query.selection.filter())?;
        let store = self.store()?;
        let (settings, now) = (&self.settings, self.settings.now());
        let part = match &query.token {
            None => Part::Newest,
            Some(token) => page_token::open(settings, &query.selection, token, now)?,
        };
        let query = Query {
            selection: query.selection.clone(),
            part,
            // One more tells whether there is another page.
            limit: query.page_size + 1,
        };
        let list = || store.store.query(&query, now.into());
        let mut records = ask(self.settings.write_deadline(), list).await?.value;
        let more = records.len() == query.limit;
        let (newer, older) = match part {
            Part::NewerThan(_) => (more, true),
            Part::OlderThan(_) => (true, more),
            Part::Newest => (false, more),
        };
        if more {
            match part {
                Part::NewerThan(_) => drop(records.remove(0)),
                _ => drop(records.pop()),
            }
        }
        let token = |part| page_token::seal(settings, &query.selection, part, now);
        let edge =
            |record: Option<&Record>, there: bool| record.filter(|_| there).map(Position::of);
        let next = edge(records.last(), older).map(|last| token(Part::OlderThan(last)));
        let previous = edge(records.first(), newer).map(|first| token(Part::NewerThan(first)));
        Ok(SessionPage {
            next: next.transpose()?,
            previous: previous.transpose()?,
            sessions: records.into_iter().map(SessionInfo::from).collect(),
        })
    }

    /// How many sessions a filter lets through, or there are of [everyone](Selection::Everyone). It may take as long as there are sessions.
    ///
    /// # Errors
    ///
    /// As [`find`](Self::find).
    ///
    /// ```
    /// use axum_user_session::{Error, admin::SessionAdmin, store::{Filter, Selection}};
    ///
    /// async fn share(admin: &SessionAdmin, sub: &str) -> Result<(u64, u64), Error> {
    ///     let theirs = admin.count(&Filter::subject(sub)?).await?;
    ///     let all = admin.count(Selection::Everyone).await?;
    ///     Ok((theirs, all))
    /// }
    /// ```
    pub async fn count(&self, selection: impl Into<Selection>) -> Result<u64, Error> {
        let selection = selection.into();
        self.check(selection.filter())?;
        let store = self.store()?;
        let now = self.settings.now().into();
        let count = || store.store.count(&selection, now);
        Ok(ask(self.settings.write_deadline(), count).await?.value)
    }

    /// Ends the sessions that a filter lets through, and gives their number.
    ///
    /// Many are ended in batches, each in one step; should the store fail in between, those before have ended.
    ///
    /// # Errors
    ///
    /// As [`find`](Self::find).
    ///
    /// ```
    /// use axum_user_session::{Error, admin::SessionAdmin, store::Filter};
    ///
    /// /// The account was closed: its user is out, everywhere.
    /// async fn closed(admin: &SessionAdmin, sub: &str) -> Result<u64, Error> {
    ///     admin.revoke(&Filter::subject(sub)?).await
    /// }
    /// ```
    pub async fn revoke(&self, filter: &Filter) -> Result<u64, Error> {
        self.check(Some(filter))?;
        self.revoke_selected(&filter.into()).await
    }

    /// Ends every session of every user, and gives their number: after a break-in, say (OWASP ASVS 5.0, 7.4.5).
    ///
    /// # Errors
    ///
    /// As [`revoke`](Self::revoke).
    pub async fn revoke_the_sessions_of_everyone(&self) -> Result<u64, Error> {
        self.revoke_selected(&Selection::Everyone).await
    }

    pub(super) fn of(settings: &Arc<Settings>) -> Result<Self, Error> {
        settings.store()?;
        Ok(Self {
            settings: Arc::clone(settings),
        })
    }

    pub(super) fn store(&self) -> Result<&StoreSettings, Error> {
        self.settings.store()
    }

    async fn revoke_selected(&self, selection: &Selection) -> Result<u64, Error> {
        let store = self.store()?;
        let mut revoked = 0;
        loop {
            let now = self.settings.now().into();
            let delete = || {
                let reason = EndReason::Revoked;
                store.store.delete_matching(selection, reason, BATCH, now)
            };
            let answer = ask(self.settings.write_deadline(), delete).await?;
            revoked += answer.value;
            if answer.value > 0 {
                Event::SessionsRevoked(answer.value).emit();
            }
            store.ended.notify_one();
            // What the first attempt has ended is not among these.
            if answer.value < BATCH as u64 && !answer.repeated {
                return Ok(revoked);
            }
        }
    }

    fn check(&self, filter: Option<&Filter>) -> Result<(), Error> {
        let store = self.store()?;
        let within = |name: &NameMatch| matches!(name, NameMatch::Contains(_));
        let asked = filter.and_then(Filter::wanted_name).is_some_and(within);
        match asked && !store.store.searches_within_names() {
            true => Err(ErrorKind::SearchNotOffered.into()),
            false => Ok(()),
        }
    }
}

impl fmt::Debug for SessionAdmin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionAdmin").finish_non_exhaustive()
    }
}
