use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Semaphore;

use super::{failure::Failure, job::Job};

/// Where jobs wait for a thread, in the order in which they came. It holds a bounded number, and more wait until there is room.
pub(super) struct Queue {
    state: Mutex<State>,
    arrived: Condvar,
    room: Semaphore,
}

struct State {
    jobs: VecDeque<Box<dyn Job>>,
    /// Threads that wait for a job, so that nobody is woken for nothing: that would be a system call for every job.
    idle: usize,
    closed: bool,
}

impl Queue {
    pub(super) fn new() -> Self {
        Self {
            state: Mutex::new(State {
                jobs: VecDeque::new(),
                idle: 0,
                closed: false,
            }),
            arrived: Condvar::new(),
            room: Semaphore::new(MOST_WAITING),
        }
    }

    /// Hands in a job, as soon as there is room for it.
    pub(super) async fn push(&self, job: Box<dyn Job>) -> Result<(), Failure> {
        let room = self.room.acquire().await;
        let room = room.map_err(|_| Failure::ThreadEnded)?;
        let mut state = self.lock();
        // What is left behind when the last thread has gone would never be answered.
        if state.closed {
            return Err(Failure::ThreadEnded);
        }
        state.jobs.push_back(job);
        let wake = state.idle > 0;
        drop(state);
        // It is given back when a thread takes the job.
        room.forget();
        if wake {
            self.arrived.notify_one();
        }
        Ok(())
    }

    /// Waits for jobs, and takes at most `most` of them; none when the queue is closed and empty.
    pub(super) fn take(&self, most: usize) -> Option<Vec<Box<dyn Job>>> {
        let mut state = self.lock();
        while state.jobs.is_empty() {
            if state.closed {
                return None;
            }
            state.idle += 1;
            state = self
                .arrived
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
            state.idle -= 1;
        }
        let taken = most.min(state.jobs.len());
        let jobs: Vec<_> = state.jobs.drain(..taken).collect();
        drop(state);
        self.room.add_permits(jobs.len());
        Some(jobs)
    }

    /// Takes no more jobs. Threads end when those that wait are done.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.room.close();
        self.arrived.notify_all();
    }

    /// Takes no more jobs, and drops those that wait: whoever asked for them is told that nobody will do them.
    pub(super) fn abandon(&self) {
        self.close();
        let abandoned = std::mem::take(&mut self.lock().jobs);
        drop(abandoned);
    }

    /// A panic can't leave it half changed: each change is one step.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// More than these can hardly be answered within anybody's time limit.
const MOST_WAITING: usize = 1024;

#[cfg(test)]
mod tests {
    use std::{pin::pin, task::Poll};

    use super::*;
    use crate::store::sqlite::job::asked;

    #[tokio::test]
    async fn it_is_full_until_a_job_is_taken() {
        let queue = Queue::new();
        let job = || asked(|_| Ok(())).0;
        for _ in 0..MOST_WAITING {
            queue.push(job()).await.unwrap();
        }
        let mut one_more = pin!(queue.push(job()));
        let waits = std::future::poll_fn(|cx| Poll::Ready(one_more.as_mut().poll(cx).is_pending()));
        assert!(waits.await);
        assert_eq!(queue.take(1).unwrap().len(), 1);
        one_more.await.unwrap();
        assert_eq!(queue.take(usize::MAX).unwrap().len(), MOST_WAITING);
        queue.close();
        assert!(queue.take(1).is_none());
        assert!(queue.push(job()).await.is_err());
    }
}
