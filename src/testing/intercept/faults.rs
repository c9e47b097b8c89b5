use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::{
    intercepted::{Intercepted, Interceptor},
    operation::Operation,
};
use crate::{error::StoreError, store::SessionStore};

/// Something that goes wrong at a store; give it to [`Faults::inject`].
///
/// It befalls every operation until it is cleared, unless it is told [which](Self::on) and [how often](Self::times).
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a fault does nothing until it is injected"]
pub struct Fault {
    what: What,
    operation: Option<Operation>,
    left: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Refuse,
    LoseReply,
    Delay(Duration),
    DelayReply(Duration),
}

impl Fault {
    /// The operation does not happen, and the caller gets an error.
    pub fn refuse() -> Self {
        Self::new(What::Refuse)
    }

    /// The operation happens, and the caller gets an error.
    pub fn lose_reply() -> Self {
        Self::new(What::LoseReply)
    }

    /// The operation begins later. A caller that gives up before has done nothing.
    ///
    /// It waits by tokio's clock, which a test can [pause](https://docs.rs/tokio/1/tokio/time/fn.pause.html).
    pub fn delay(by: Duration) -> Self {
        Self::new(What::Delay(by))
    }

    /// The operation happens at once, and its reply comes later. A caller that gives up before does not know what it has done.
    pub fn delay_reply(by: Duration) -> Self {
        Self::new(What::DelayReply(by))
    }

    /// Only to this operation.
    pub fn on(mut self, operation: Operation) -> Self {
        self.operation = Some(operation);
        self
    }

    /// Only so often.
    pub fn times(mut self, times: usize) -> Self {
        self.left = Some(times);
        self
    }

    /// Only the next time.
    pub fn once(self) -> Self {
        self.times(1)
    }

    fn new(what: What) -> Self {
        Self {
            what,
            operation: None,
            left: None,
        }
    }
}

/// Makes a store fail as networks and servers do; clones are one.
///
/// Of several faults that befall an operation each takes its turn: first those that delay it, then one that fails it.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// use std::time::SystemTime;
/// use axum_user_session::{
///     store::{Filter, MemoryStore, SessionStore},
///     testing::{Fault, Faults, Operation},
/// };
///
/// let faults = Faults::new();
/// let store = faults.around(MemoryStore::new(10));
/// faults.inject(Fault::refuse().on(Operation::Find).once());
///
/// let (filter, now) = (Filter::subject("alice").unwrap(), SystemTime::now());
/// assert!(store.find(&filter, 1, now).await.is_err());
/// assert!(store.find(&filter, 1, now).await.is_ok());
/// assert_eq!(faults.hits(), 1);
/// # });
/// ```
#[derive(Clone, Debug, Default)]
pub struct Faults {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug, Default)]
struct Inner {
    faults: Vec<Fault>,
    hits: u64,
}

impl Faults {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The store, with these faults in front.
    pub fn around<S: SessionStore>(&self, store: S) -> Intercepted<S, Self> {
        Intercepted::new(store, self.clone())
    }

    /// Adds a fault to those that are there.
    pub fn inject(&self, fault: Fault) {
        self.lock().faults.push(fault);
    }

    /// Takes all faults away. Operations that are being delayed stay delayed.
    pub fn clear(&self) {
        self.lock().faults.clear();
    }

    /// How often a fault has befallen an operation, so that a test can be sure that one did.
    pub fn hits(&self) -> u64 {
        self.lock().hits
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn befall(&self, operation: Operation, moment: Moment) -> Result<(), StoreError> {
        let Happens { delay, failure } = self.lock().take_turns(operation, moment);
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        match failure {
            Some(text) => Err(StoreError::new(text)),
            None => Ok(()),
        }
    }
}

impl Interceptor for Faults {
    async fn before(&self, operation: Operation) -> Result<(), StoreError> {
        self.befall(operation, Moment::Before).await
    }

    async fn after(&self, operation: Operation) -> Result<(), StoreError> {
        self.befall(operation, Moment::After).await
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Moment {
    Before,
    After,
}

#[derive(Default)]
struct Happens {
    delay: Duration,
    failure: Option<&'static str>,
}

impl Inner {
    fn take_turns(&mut self, operation: Operation, moment: Moment) -> Happens {
        let mut happens = Happens::default();
        for fault in &mut self.faults {
            let befalls = fault.operation.is_none_or(|only| only == operation)
                && fault.what.moment() == moment
                && fault.left != Some(0);
            // A second failure waits for an operation that it can fail.
            if !befalls || (happens.failure.is_some() && fault.what.failure().is_some()) {
                continue;
            }
            fault.left = fault.left.map(|left| left - 1);
            happens.delay = happens.delay.saturating_add(fault.what.delay());
            happens.failure = happens.failure.or(fault.what.failure());
            self.hits += 1;
        }
        self.faults.retain(|fault| fault.left != Some(0));
        happens
    }
}

impl What {
    fn moment(self) -> Moment {
        match self {
            Self::Refuse | Self::Delay(_) => Moment::Before,
            Self::LoseReply | Self::DelayReply(_) => Moment::After,
        }
    }

    fn delay(self) -> Duration {
        match self {
            Self::Delay(by) | Self::DelayReply(by) => by,
            Self::Refuse | Self::LoseReply => Duration::ZERO,
        }
    }

    fn failure(self) -> Option<&'static str> {
        match self {
            Self::Refuse => Some("a test refused the operation"),
            Self::LoseReply => Some("a test lost the reply"),
            Self::Delay(_) | Self::DelayReply(_) => None,
        }
    }
}
