//! What runs beside the requests.

use axum_user_session::{
    Error, SessionConfig,
    cleanup::{CleanupTask, EndedTask, TaskHandle},
    error::ErrorKind,
    oidc::back_channel::{BackChannelLogout, DeliveryTask},
};

/// The running tasks. Every node runs them: the database hands each session, each end, and each notification to one of them.
pub(crate) struct Upkeep(Vec<TaskHandle>);

impl Upkeep {
    /// Starts them. Those that are for sessions in a database are left out without one.
    pub(crate) fn start(
        sessions: &SessionConfig,
        back_channel: &BackChannelLogout,
    ) -> Result<Self, Error> {
        let cleanup = CleanupTask::new(sessions).map(CleanupTask::spawn);
        let news = EndedTask::new(sessions).map(EndedTask::spawn);
        let mut tasks = vec![DeliveryTask::new(back_channel).spawn()];
        for task in [news, cleanup] {
            match task {
                Ok(task) => tasks.push(task),
                Err(error) if error.kind() == ErrorKind::NoStore => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Self(tasks))
    }

    /// Lets them finish what they have begun; each before what it brings work to: ends come from the cleanup, deliveries from ends.
    pub(crate) async fn stop(self) {
        for task in self.0.into_iter().rev() {
            task.stop().await;
        }
    }
}
