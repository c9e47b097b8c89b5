//! Whether a session has changed, and whether it still can: one atomic, so that a clean request's response takes no lock.

use std::sync::atomic::{AtomicU8, Ordering};

const CLEAN: u8 = 0;
const TOUCHED: u8 = 1;
/// Set when the response head is sent, on top of either.
const CLOSED: u8 = 2;

/// Clean, then perhaps touched; open, then closed. Never back.
#[derive(Debug)]
pub(super) struct Phase(AtomicU8);

impl Phase {
    pub(super) fn new() -> Self {
        Self(AtomicU8::new(CLEAN))
    }

    /// Marks a change that is about to be made under the session's lock; false if it comes too late.
    pub(super) fn touch(&self) -> bool {
        let touched = |phase| (phase & CLOSED == 0).then_some(TOUCHED);
        self.0
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, touched)
            .is_ok()
    }

    /// Closes a session that nothing has touched; false if the lock must be taken first, and [`close`](Self::close) called under it.
    pub(super) fn close_if_clean(&self) -> bool {
        self.0
            .compare_exchange(CLEAN, CLEAN | CLOSED, Ordering::AcqRel, Ordering::Acquire)
            .is_ok()
    }

    /// Closes the session; false if it was closed already.
    pub(super) fn close(&self) -> bool {
        self.0.fetch_or(CLOSED, Ordering::AcqRel) & CLOSED == 0
    }

    /// Whether the session is as it arrived: nothing has changed it, and nothing is about to in the response.
    pub(super) fn is_clean(&self) -> bool {
        self.0.load(Ordering::Acquire) & TOUCHED == 0
    }

    pub(super) fn is_closed(&self) -> bool {
        self.0.load(Ordering::Acquire) & CLOSED != 0
    }
}
