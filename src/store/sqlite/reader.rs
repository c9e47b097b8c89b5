use std::sync::Arc;

use rusqlite::Connection;

use super::{queue::Queue, threads::AbandonOnExit};

/// Does the jobs of a queue that only read, one after the other, until it is closed.
///
/// Each statement reads what is committed when it begins, so it sees every change that was answered before, and none of them lasts: a
/// reader that stays keeps the log of changes from being folded into the file.
pub(super) fn run(connection: &Connection, queue: &Arc<Queue>) {
    let _abandon = AbandonOnExit(queue.clone());
    while let Some(jobs) = queue.take(1) {
        for mut job in jobs {
            if job.is_awaited() {
                let failure = job.run(connection).err();
                job.answer(failure);
            }
        }
    }
}
