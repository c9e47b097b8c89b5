use std::panic::{AssertUnwindSafe, catch_unwind};

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::{failure::Failure, queue::Queue};
use crate::error::StoreError;

/// What a thread does on its connection for somebody who waits for the answer.
pub(super) trait Job: Send {
    /// Whether somebody still waits. A job whose caller has gone away is left undone: nobody was told anything.
    fn is_awaited(&self) -> bool;

    /// Does it, and keeps the outcome for [`answer`](Self::answer).
    fn run(&mut self, connection: &Connection) -> Result<(), Failure>;

    /// Tells the outcome, or the failure if there was one.
    fn answer(self: Box<Self>, failure: Option<Failure>);
}

/// Has `work` done by a thread of a queue, and waits for its answer.
pub(super) async fn ask<T, W>(queue: &Queue, work: W) -> Result<T, StoreError>
where
    T: Send + 'static,
    W: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
{
    let (job, answer) = asked(work);
    queue.push(job).await.map_err(StoreError::new)?;
    let answer = answer.await.unwrap_or(Err(Failure::ThreadEnded));
    answer.map_err(StoreError::new)
}

/// A job, and where its answer arrives. It is not awaited any more when that is dropped.
pub(super) fn asked<T, W>(work: W) -> (Box<dyn Job>, oneshot::Receiver<Result<T, Failure>>)
where
    T: Send + 'static,
    W: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
{
    let (reply, answer) = oneshot::channel();
    let job = Asked {
        work: Some(work),
        outcome: None,
        reply,
    };
    (Box::new(job), answer)
}

struct Asked<T, W> {
    work: Option<W>,
    outcome: Option<T>,
    reply: oneshot::Sender<Result<T, Failure>>,
}

impl<T, W> Job for Asked<T, W>
where
    T: Send,
    W: FnOnce(&Connection) -> rusqlite::Result<T> + Send,
{
    fn is_awaited(&self) -> bool {
        !self.reply.is_closed()
    }

    fn run(&mut self, connection: &Connection) -> Result<(), Failure> {
        let Some(work) = self.work.take() else {
            return Ok(());
        };
        // A connection holds nothing that a panic leaves half changed: statements are finished when they are dropped, and what they have
        // written is rolled back.
        let worked = catch_unwind(AssertUnwindSafe(|| work(connection)));
        self.outcome = Some(worked.map_err(|_| Failure::Panicked)??);
        Ok(())
    }

    fn answer(self: Box<Self>, failure: Option<Failure>) {
        let answer = match (failure, self.outcome) {
            (None, Some(outcome)) => Ok(outcome),
            (failure, _) => Err(failure.unwrap_or(Failure::ThreadEnded)),
        };
        // Whoever has gone away meanwhile does not want it.
        let _ = self.reply.send(answer);
    }
}
