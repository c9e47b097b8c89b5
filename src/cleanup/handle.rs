use std::{
    future::{Future, poll_fn},
    pin::Pin,
    task::Poll,
};

use tokio::{sync::oneshot, task::JoinHandle};

/// A task that runs until it is stopped. Dropped, it lets the task go on.
#[derive(Debug)]
#[must_use = "without it the task can't be stopped"]
pub struct TaskHandle {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl TaskHandle {
    /// Asks the task to stop, and waits until it has finished what it has begun.
    pub async fn stop(self) {
        // If nobody listens, it has ended already.
        let _ = self.stop.send(());
        if let Err(error) = self.task.await {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "a task did not end in its own way"
            );
        }
    }

    /// Spawns a task, which gets what tells it to stop.
    pub(crate) fn spawn<F>(task: impl FnOnce(Stop) -> F) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (stop, stopped) = oneshot::channel();
        Self {
            stop,
            task: tokio::spawn(task(Stop(stopped))),
        }
    }
}

/// Tells a task to stop.
pub(crate) struct Stop(oneshot::Receiver<()>);

impl Stop {
    /// Waits until the task is to stop: never, if its handle was dropped.
    pub(crate) async fn wait(self) {
        if self.0.await.is_err() {
            std::future::pending().await
        }
    }
}

/// Which of two was ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum First {
    Left,
    Right,
}

/// Waits for the first of two; the left one, if both are ready.
pub(super) async fn first_of(
    mut left: Pin<&mut impl Future<Output = ()>>,
    mut right: Pin<&mut impl Future<Output = ()>>,
) -> First {
    poll_fn(|cx| {
        if left.as_mut().poll(cx).is_ready() {
            return Poll::Ready(First::Left);
        }
        right.as_mut().poll(cx).map(|()| First::Right)
    })
    .await
}
