//! The session on its way through the layer: it is loaded before the handler runs, and closed when the response head is there.

use std::sync::Arc;

use http::HeaderMap;
use tokio::time::timeout_at;

use super::{
    handle::UserSession,
    in_request::Closed,
    loading::{self, Loading},
    records,
    shared::Turn,
};
use crate::{config::Settings, error::Error, hook::BoxFuture};

/// A session, or what it takes to have one.
pub(crate) enum Load {
    Ready(UserSession),
    Waiting(BoxFuture<'static, Result<UserSession, Error>>),
}

/// What a response head must carry, or what it takes to know it.
pub(crate) enum Close {
    Now(Option<Closed>),
    Later(BoxFuture<'static, Option<Closed>>),
}

impl UserSession {
    /// Opens the request's cookies.
    pub(crate) fn load(settings: &Arc<Settings>, headers: &HeaderMap) -> Load {
        match loading::begin(settings, headers) {
            Loading::Ready(shared) => Load::Ready(Self { shared }),
            Loading::Waiting(loading) => Load::Waiting(Box::pin(async {
                let shared = loading.await?;
                Ok(Self { shared })
            })),
        }
    }

    /// Whether the request left something to do, so that it matters what the response may do on its own accord.
    pub(crate) fn is_stale(&self) -> bool {
        !self.shared.phase.is_clean()
    }

    /// The response head is there: gives what it must carry, if anything, at once or when the changes that have begun are done.
    pub(crate) fn close(&self, may_remove: bool) -> Close {
        if !self.shared.is_in_store() {
            return Close::Now(self.close_now(may_remove));
        }
        match self.shared.turn_at_once() {
            Some(_turn) if !self.will_issue() => Close::Now(self.close_now(may_remove)),
            turn => Close::Later(Box::pin(self.clone().close_in_turn(turn, may_remove))),
        }
    }

    /// There will be no response head.
    pub(crate) fn abandon(&self) {
        // After every response, too: then there is nothing left to give up, and nothing to lock.
        if self.shared.phase.is_closed() || self.shared.phase.close_if_clean() {
            return;
        }
        let mut session = self.shared.lock();
        if self.shared.phase.close()
            && let Some(made) = session.abandon()
        {
            self.shared.forget_later(made);
        }
    }

    async fn close_in_turn(self, turn: Option<Turn>, may_remove: bool) -> Option<Closed> {
        let settings = &self.shared.settings;
        let store = settings.store.as_ref()?;
        let _turn = match turn {
            Some(turn) => Some(turn),
            // Each change is limited by itself; a browser does not wait for many of them.
            None => match timeout_at(settings.write_deadline(), self.shared.turn()).await {
                Ok(turn) => turn,
                Err(_) => {
                    tracing::warn!(
                        "a response does not wait any longer for changes of its session"
                    );
                    None
                }
            },
        };
        let kept = self.shared.lock().kept;
        if let Some(kept) = kept.filter(|_| self.will_issue()) {
            // What ended meanwhile must not come back with a cookie. If the store can't tell, what was done stands.
            let there = records::is_there(settings, store, &kept.key).await;
            if there.is_ok_and(|there| !there) {
                self.shared.lock().lose();
            }
        }
        self.close_now(may_remove)
    }

    fn close_now(&self, may_remove: bool) -> Option<Closed> {
        if self.shared.phase.close_if_clean() {
            return None;
        }
        let mut session = self.shared.lock();
        if !self.shared.phase.close() {
            return None;
        }
        Some(session.close(&self.shared.settings, may_remove))
    }

    fn will_issue(&self) -> bool {
        !self.shared.phase.is_clean() && self.shared.lock().state.will_issue()
    }
}
