//! What runs beside the requests, where sessions are in a database.

use axum_user_session::{
    Error, SessionConfig,
    cleanup::{CleanupTask, EndedTask, TaskHandle},
};

/// The running tasks. Every node runs them: the database hands each session, and each end, to one of them.
pub(crate) struct Upkeep {
    cleanup: TaskHandle,
    news: TaskHandle,
}

impl Upkeep {
    pub(crate) fn start(sessions: &SessionConfig) -> Result<Self, Error> {
        Ok(Self {
            cleanup: CleanupTask::new(sessions)?.spawn(),
            news: EndedTask::new(sessions)?.spawn(),
        })
    }

    /// Lets them finish what they have begun.
    pub(crate) async fn stop(self) {
        self.cleanup.stop().await;
        self.news.stop().await;
    }
}
