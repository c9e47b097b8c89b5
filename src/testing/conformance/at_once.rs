use std::{
    future::Future,
    panic::resume_unwind,
    sync::{
        Arc, Barrier,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{
    runtime::Handle,
    task::{JoinHandle, spawn_blocking},
};

/// Runs tasks, each on a thread of its own; all of them begin when the last is ready. Gives their answers in the same order.
pub(super) async fn at_once<F>(tasks: Vec<F>) -> Vec<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    let line = Arc::new(Line::of(tasks.len()));
    let running = tasks.into_iter().map(|task| line.begin_with(task));
    let running: Vec<_> = running.collect();
    let mut answers = Vec::with_capacity(running.len());
    for task in running {
        answers.push(answer(task).await);
    }
    answers
}

/// Two tasks of different kinds, run as [`at_once`] does.
pub(super) async fn both_at_once<A, B>(one: A, other: B) -> (A::Output, B::Output)
where
    A: Future<Output: Send> + Send + 'static,
    B: Future<Output: Send> + Send + 'static,
{
    let line = Arc::new(Line::of(2));
    let (one, other) = (line.begin_with(one), line.begin_with(other));
    (answer(one).await, answer(other).await)
}

/// For a task that goes on for as long as another one runs: that one holds the first until it is done, or has panicked.
pub(super) fn running() -> (Running, Over) {
    let over = Arc::new(AtomicBool::new(false));
    (Running(over.clone()), Over(over))
}

pub(super) struct Running(Arc<AtomicBool>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

pub(super) struct Over(Arc<AtomicBool>);

impl Over {
    pub(super) fn yet(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

async fn answer<T>(task: JoinHandle<T>) -> T {
    let answer = task.await;
    answer.unwrap_or_else(|failed| resume_unwind(failed.into_panic()))
}

/// Where tasks line up.
struct Line {
    barrier: Barrier,
    expected: usize,
    ready: AtomicUsize,
}

impl Line {
    fn of(expected: usize) -> Self {
        Self {
            barrier: Barrier::new(expected),
            expected,
            ready: AtomicUsize::new(0),
        }
    }

    /// On a thread of its own, because tasks that share one wait for each other where a store answers at once.
    fn begin_with<F>(self: &Arc<Self>, task: F) -> JoinHandle<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        let (line, runtime) = (self.clone(), Handle::current());
        spawn_blocking(move || {
            line.wait();
            runtime.block_on(task)
        })
    }

    fn wait(&self) {
        self.barrier.wait();
        // The barrier wakes one after the other, which is late for a store that answers within a microsecond. There may be fewer processors than
        // tasks, so nobody waits for long.
        self.ready.fetch_add(1, Ordering::AcqRel);
        let enough = Instant::now() + Duration::from_micros(100);
        while self.ready.load(Ordering::Acquire) < self.expected && Instant::now() < enough {
            std::hint::spin_loop();
        }
    }
}
