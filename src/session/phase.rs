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

    /// Marks a change that needs nothing of the response, so that it can't come too late.
    pub(super) fn mark(&self) {
        self.0.fetch_or(TOUCHED, Ordering::AcqRel);
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A change and a response, each as the steps that others can come between.
    #[derive(Clone, Debug, Default)]
    struct World {
        phase: u8,
        locked: bool,
        changed: bool,
        change: u8,
        close: u8,
        refused: bool,
        sent: Option<bool>,
    }

    const DONE: u8 = 5;

    impl World {
        fn with_phase<T>(&mut self, act: impl FnOnce(&Phase) -> T) -> T {
            let phase = Phase(AtomicU8::new(self.phase));
            let outcome = act(&phase);
            self.phase = phase.0.into_inner();
            outcome
        }

        /// One step of a change: lock, mark, commit, unlock. False if it has to wait or is done.
        fn step_change(&mut self) -> bool {
            match self.change {
                0 if self.locked => return false,
                0 => self.locked = true,
                1 => self.refused = !self.with_phase(Phase::touch),
                2 => self.changed = !self.refused,
                3 => self.locked = false,
                _ => return false,
            }
            self.change += 1;
            true
        }

        /// One step of a response: close if clean, else lock, close, read, unlock.
        fn step_close(&mut self) -> bool {
            match self.close {
                0 => {
                    if self.with_phase(Phase::close_if_clean) {
                        self.sent = Some(false);
                        self.close = DONE;
                        return true;
                    }
                }
                1 if self.locked => return false,
                1 => self.locked = true,
                2 => assert!(self.with_phase(Phase::close), "nobody else closes"),
                3 => self.sent = Some(self.changed),
                4 => self.locked = false,
                _ => return false,
            }
            self.close += 1;
            true
        }

        fn explore(self, ends: &mut Vec<Self>) {
            let (mut changed, mut closed) = (self.clone(), self.clone());
            let steps = (changed.step_change(), closed.step_close());
            if steps.0 {
                changed.explore(ends);
            }
            if steps.1 {
                closed.explore(ends);
            }
            if steps == (false, false) {
                ends.push(self);
            }
        }
    }

    /// In every interleaving, a change is in the response or was refused, and never both or neither.
    #[test]
    fn a_change_and_a_response_in_every_order() {
        let mut ends = Vec::new();
        World::default().explore(&mut ends);
        assert_eq!(
            ends.len(),
            5,
            "one for each step of the change that the response can come before"
        );
        for end in &ends {
            assert!(end.change == 4 && end.sent.is_some(), "stuck: {end:?}");
            assert_eq!(end.sent, Some(!end.refused), "{end:?}");
        }
        assert!(ends.iter().any(|end| end.refused) && ends.iter().any(|end| !end.refused));
    }
}
