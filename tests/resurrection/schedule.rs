//! A deterministic scheduler: several actors on one store, of which one at a time is let through to its next operation, in every order there is.

use std::{
    collections::{HashMap, VecDeque},
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use axum_user_session::{
    error::StoreError,
    store::SessionStore,
    testing::{Intercepted, Interceptor, Operation},
};
use tokio::sync::{mpsc, oneshot};

/// What an actor does.
pub(crate) type Act = Pin<Box<dyn Future<Output = ()> + Send>>;

/// An actor's gate: it waits in front of every operation of the store, and wherever it pauses, until it is let through.
#[derive(Clone)]
pub(crate) struct Gate {
    actor: usize,
    stage: mpsc::UnboundedSender<Event>,
    open: Arc<AtomicBool>,
    trace: Trace,
}

/// What has happened, in order, for the message of a failed assertion.
#[derive(Clone, Default)]
pub(crate) struct Trace(Arc<Mutex<Vec<String>>>);

enum Event {
    Waits {
        actor: usize,
        go: oneshot::Sender<()>,
    },
    Done,
}

impl Gate {
    /// The store, with this gate in front.
    pub(crate) fn around<S: SessionStore>(&self, store: S) -> Intercepted<S, Self> {
        Intercepted::new(store, self.clone())
    }

    /// Lets others go first.
    pub(crate) async fn pause(&self, before: &str) {
        // What is done beside the requests is nobody's turn.
        if !self.open.load(Ordering::Acquire) {
            let (go, gone) = oneshot::channel();
            let actor = self.actor;
            let _ = self.stage.send(Event::Waits { actor, go });
            let _ = gone.await;
        }
        self.trace.note(format!("{}: {before}", self.actor));
    }
}

impl Interceptor for Gate {
    async fn before(&self, operation: Operation) -> Result<(), StoreError> {
        self.pause(&format!("{operation:?}")).await;
        Ok(())
    }
}

impl Trace {
    pub(crate) fn note(&self, what: String) {
        self.0.lock().unwrap().push(what);
    }
}

impl std::fmt::Display for Trace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.lock().unwrap().join(", "))
    }
}

/// One order in which the actors are let through.
pub(crate) struct Run {
    stage: mpsc::UnboundedSender<Event>,
    events: mpsc::UnboundedReceiver<Event>,
    open: Arc<AtomicBool>,
    trace: Trace,
    /// The choices to make first; further ones are the first there is.
    prefix: Vec<usize>,
    /// The choices that were made, each with how many there were.
    made: Vec<(usize, usize)>,
}

impl Run {
    pub(crate) fn trace(&self) -> &Trace {
        &self.trace
    }

    pub(crate) fn gate(&self, actor: usize) -> Gate {
        Gate {
            actor,
            stage: self.stage.clone(),
            open: Arc::clone(&self.open),
            trace: self.trace.clone(),
        }
    }

    /// Plays the actors to their ends.
    pub(crate) async fn play(&mut self, acts: Vec<Act>) {
        let mut playing = acts.len();
        let tasks: Vec<_> = acts.into_iter().map(|act| self.start(act)).collect();
        let mut waiting: HashMap<usize, VecDeque<oneshot::Sender<()>>> = HashMap::new();
        let mut unheard_of = playing;
        loop {
            // Whoever was let through runs on until it waits again, or is done; so at most one is running.
            while unheard_of > 0 {
                match self
                    .events
                    .recv()
                    .await
                    .expect("the run itself holds a sender")
                {
                    Event::Waits { actor, go } => waiting.entry(actor).or_default().push_back(go),
                    Event::Done => playing -= 1,
                }
                unheard_of -= 1;
            }
            if playing == 0 {
                break;
            }
            let mut actors: Vec<_> = waiting.keys().copied().collect();
            actors.sort_unstable();
            let choice = self.prefix.get(self.made.len()).copied().unwrap_or(0);
            self.made.push((choice, actors.len()));
            let actor = actors[choice];
            let queue = waiting.get_mut(&actor).expect("it was listed");
            let go = queue.pop_front().expect("empty queues are removed");
            if queue.is_empty() {
                waiting.remove(&actor);
            }
            let _ = go.send(());
            unheard_of = 1;
        }
        self.open.store(true, Ordering::Release);
        for task in tasks {
            if let Err(error) = task.await {
                panic!("{}: {error}", self.trace);
            }
        }
    }

    fn start(&self, act: Act) -> tokio::task::JoinHandle<()> {
        /// Says that an actor is done, also when it panics.
        struct Done(mpsc::UnboundedSender<Event>);

        impl Drop for Done {
            fn drop(&mut self) {
                let _ = self.0.send(Event::Done);
            }
        }

        let done = Done(self.stage.clone());
        tokio::spawn(async move {
            let _done = done;
            act.await;
        })
    }
}

/// Runs a play in every order there is, and gives their number.
pub(crate) async fn every_order(mut play: impl AsyncFnMut(&mut Run)) -> usize {
    let mut prefix = Vec::new();
    for runs in 1.. {
        let (stage, events) = mpsc::unbounded_channel();
        let mut run = Run {
            stage,
            events,
            open: Arc::default(),
            trace: Trace::default(),
            prefix,
            made: Vec::new(),
        };
        play(&mut run).await;
        // The next in the order of a dictionary: the last choice that has another after it.
        while run.made.pop_if(|(choice, of)| *choice + 1 == *of).is_some() {}
        let Some(last) = run.made.last_mut() else {
            return runs;
        };
        last.0 += 1;
        prefix = run.made.iter().map(|(choice, _)| *choice).collect();
    }
    unreachable!("there is a last order")
}
