use std::{
    future::{Future, ready},
    sync::Arc,
    time::{Duration, SystemTime},
};

use super::operation::Operation;
use crate::{
    ended::{EndReason, Ended, EventId},
    error::StoreError,
    id::ClientId,
    store::{
        ClientAdded, ClientRemoved, Continuity, Created, End, Filter, Limit, Loaded, Purged, Query,
        Record, RecordKey, Replaced, Selection, SessionStore, TakenEnd, Touch, Touched, Update,
        Updated, every_operation,
    },
};

/// Is told of every operation of a store, right before it and right after it, and may wait or make it fail.
///
/// Ready ones count ([`Counter`](super::Counter)) and inject faults ([`Faults`](super::Faults)). Write one of your own to see an
/// operation at a moment that you choose:
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// use std::{sync::{Arc, Mutex}, time::SystemTime};
/// use axum_user_session::{
///     error::StoreError,
///     store::{Filter, MemoryStore, SessionStore},
///     testing::{Intercepted, Interceptor, Operation},
/// };
///
/// #[derive(Default)]
/// struct Order(Mutex<Vec<Operation>>);
///
/// impl Interceptor for Order {
///     async fn before(&self, operation: Operation) -> Result<(), StoreError> {
///         self.0.lock().unwrap().push(operation);
///         Ok(())
///     }
/// }
///
/// let order = Arc::new(Order::default());
/// let store = Intercepted::new(MemoryStore::new(10), order.clone());
/// store.find(&Filter::subject("alice").unwrap(), 1, SystemTime::now()).await.unwrap();
/// assert_eq!(*order.0.lock().unwrap(), [Operation::Find]);
/// # });
/// ```
pub trait Interceptor: Send + Sync + 'static {
    /// Runs before an operation. Default: nothing.
    ///
    /// # Errors
    ///
    /// With an error the operation does not happen, and the caller gets the error.
    fn before(&self, operation: Operation) -> impl Future<Output = Result<(), StoreError>> + Send {
        let _ = operation;
        ready(Ok(()))
    }

    /// Runs after an operation that has succeeded. Default: nothing.
    ///
    /// # Errors
    ///
    /// With an error the operation has happened, and the caller gets the error all the same: the reply was lost.
    fn after(&self, operation: Operation) -> impl Future<Output = Result<(), StoreError>> + Send {
        let _ = operation;
        ready(Ok(()))
    }
}

/// So that a test can keep the interceptor that it gives away.
impl<I: Interceptor> Interceptor for Arc<I> {
    async fn before(&self, operation: Operation) -> Result<(), StoreError> {
        I::before(self, operation).await
    }

    async fn after(&self, operation: Operation) -> Result<(), StoreError> {
        I::after(self, operation).await
    }
}

/// A store with an [`Interceptor`] in front.
///
/// It answers as the store does; that store's own way of finding is used, not the default one.
#[derive(Clone, Debug)]
pub struct Intercepted<S, I> {
    store: S,
    interceptor: I,
}

impl<S: SessionStore, I: Interceptor> Intercepted<S, I> {
    /// Puts an interceptor in front of a store.
    pub fn new(store: S, interceptor: I) -> Self {
        Self { store, interceptor }
    }

    /// The store behind, to be asked without the interceptor.
    pub fn inner(&self) -> &S {
        &self.store
    }
}

macro_rules! intercept {
    ($($operation:ident: $name:ident($($borrowed:ident: $place:ty),*; $($value:ident: $kind:ty),*) -> $answer:ty;)*) => {
        impl<S: SessionStore, I: Interceptor> SessionStore for Intercepted<S, I> {
            $(async fn $name(
                &self,
                $($borrowed: &$place,)*
                $($value: $kind,)*
            ) -> Result<$answer, StoreError> {
                self.interceptor.before(Operation::$operation).await?;
                let answer = self.store.$name($($borrowed,)* $($value,)*).await?;
                self.interceptor.after(Operation::$operation).await?;
                Ok(answer)
            })*

            fn searches_within_names(&self) -> bool {
                self.store.searches_within_names()
            }
        }
    };
}

every_operation!(intercept);
