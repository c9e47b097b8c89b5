use std::{io, sync::Arc, thread};

use super::queue::Queue;

/// Starts a thread of the store. It ends when its queue is closed.
pub(super) fn start(name: &str, body: impl FnOnce() + Send + 'static) -> io::Result<()> {
    thread::Builder::new()
        .name(name.to_owned())
        .spawn(body)
        .map(drop)
}

/// Gives up a queue when its thread ends, however it does, so that nobody waits for an answer that can't come.
pub(super) struct AbandonOnExit(pub(super) Arc<Queue>);

impl Drop for AbandonOnExit {
    fn drop(&mut self) {
        self.0.abandon();
    }
}
