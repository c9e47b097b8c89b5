use std::sync::Arc;

use rusqlite::Connection;

use super::{failure::Failure, job::Job, queue::Queue, threads::AbandonOnExit, wal::WalBound};

/// Does the jobs of a queue that write, until it is closed.
///
/// What waits is done in one transaction, so that all of it shares one wait for the disk: while one batch is being written, the next
/// gathers.
pub(super) fn run(connection: &Connection, queue: &Arc<Queue>, mut wal: WalBound) {
    let _abandon = AbandonOnExit(queue.clone());
    while let Some(jobs) = queue.take(MOST_IN_A_BATCH) {
        run_batch(connection, jobs);
        wal.keep(connection);
    }
}

struct InBatch {
    job: Box<dyn Job>,
    /// Why this one failed, and was rolled back alone.
    failure: Option<Failure>,
}

/// Runs jobs in one transaction, and answers them when it is committed, or could not be.
fn run_batch(connection: &Connection, jobs: Vec<Box<dyn Job>>) {
    let awaited = jobs.into_iter().filter(|job| job.is_awaited());
    let in_batch = |job| InBatch { job, failure: None };
    let mut batch: Vec<_> = awaited.map(in_batch).collect();
    if batch.is_empty() {
        return;
    }
    let failure = run_in_transaction(connection, &mut batch).err();
    if !connection.is_autocommit() {
        // If even this fails, so will the next BEGIN, and whoever is in that batch hears of it.
        let _ = execute(connection, "ROLLBACK");
    }
    for InBatch { job, failure: own } in batch {
        job.answer(own.or_else(|| failure.clone()));
    }
}

/// An error is that of the whole batch: nothing of it has happened.
fn run_in_transaction(connection: &Connection, batch: &mut [InBatch]) -> Result<(), Failure> {
    // With the lock for writing from the start, so that nothing that was read can have changed when it is written.
    execute(connection, "BEGIN IMMEDIATE")?;
    for InBatch { job, failure } in batch {
        execute(connection, "SAVEPOINT operation")?;
        *failure = job.run(connection).err();
        if let Some(failure) = failure {
            // A full disk, among others, may have rolled back everything.
            if connection.is_autocommit() {
                return Err(failure.clone());
            }
            execute(connection, "ROLLBACK TO operation")?;
        }
        execute(connection, "RELEASE operation")?;
    }
    execute(connection, "COMMIT")?;
    Ok(())
}

fn execute(connection: &Connection, sql: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(sql)?.execute([])?;
    Ok(())
}

/// The most operations of one transaction: enough to share the wait for the disk, and not too many to fail together.
const MOST_IN_A_BATCH: usize = 256;

#[cfg(test)]
mod tests {
    use rusqlite::{ErrorCode, params};
    use tokio::sync::oneshot::Receiver;

    use super::*;
    use crate::store::sqlite::job::asked;

    type Work = fn(&Connection) -> rusqlite::Result<()>;

    fn connection() -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        let tables = "PRAGMA foreign_keys = ON;
                      CREATE TABLE done (what INTEGER PRIMARY KEY, room BLOB);
                      CREATE TABLE owed (what REFERENCES done DEFERRABLE INITIALLY DEFERRED);";
        connection.execute_batch(tables).unwrap();
        connection
    }

    fn done(connection: &Connection) -> Vec<i64> {
        let mut statement = connection.prepare("SELECT what FROM done").unwrap();
        let done = statement.query_map([], |row| row.get(0)).unwrap();
        done.map(Result::unwrap).collect()
    }

    /// Does `before`, `middle` and `after` in one batch, and gives what they are answered.
    fn run_with(connection: &Connection, middle: Work) -> [Result<(), Failure>; 3] {
        let before: Work = |connection| insert(connection, 1, 0);
        let after: Work = |connection| insert(connection, 3, 0);
        let jobs = [before, middle, after].map(asked);
        let (jobs, answers): (Vec<_>, Vec<_>) = jobs.into_iter().unzip();
        run_batch(connection, jobs);
        let answer = |mut answer: Receiver<_>| answer.try_recv().expect("everybody is answered");
        let answers: Vec<_> = answers.into_iter().map(answer).collect();
        answers.try_into().unwrap()
    }

    fn insert(connection: &Connection, what: i64, room: i64) -> rusqlite::Result<()> {
        let sql = "INSERT INTO done VALUES (?1, zeroblob(?2))";
        connection.execute(sql, params![what, room]).map(drop)
    }

    fn insert_two_and_fail(connection: &Connection) -> rusqlite::Result<()> {
        insert(connection, 2, 0)?;
        insert(connection, 2, 0)
    }

    fn insert_two_and_panic(connection: &Connection) -> rusqlite::Result<()> {
        insert(connection, 2, 0)?;
        panic!("for the test");
    }

    fn insert_two_and_fill_up(connection: &Connection) -> rusqlite::Result<()> {
        insert(connection, 2, 0)?;
        insert(connection, 4, 1 << 20)
    }

    fn owe(connection: &Connection) -> rusqlite::Result<()> {
        let owe = connection.execute("INSERT INTO owed VALUES (99)", []);
        owe.map(drop)
    }

    fn code(answer: &Result<(), Failure>) -> Option<ErrorCode> {
        match answer {
            Err(Failure::Sqlite(error)) => error.sqlite_error_code(),
            _ => None,
        }
    }

    #[test]
    fn an_operation_that_fails_is_rolled_back_alone() {
        let connection = connection();
        let [before, failed, after] = run_with(&connection, insert_two_and_fail);
        assert!(before.is_ok() && after.is_ok());
        assert_eq!(code(&failed), Some(ErrorCode::ConstraintViolation));
        assert_eq!(done(&connection), [1, 3]);
    }

    #[test]
    fn an_operation_that_panics_is_rolled_back_alone() {
        let connection = connection();
        let [before, panicked, after] = run_with(&connection, insert_two_and_panic);
        assert!(before.is_ok() && after.is_ok());
        assert!(matches!(panicked, Err(Failure::Panicked)));
        assert_eq!(done(&connection), [1, 3]);
    }

    #[test]
    fn an_operation_for_which_there_is_no_room_is_rolled_back() {
        let connection = connection();
        let most: i64 = connection
            .query_row("PRAGMA max_page_count = 20", [], |row| row.get(0))
            .unwrap();
        assert_eq!(most, 20);
        let [_, full, _] = run_with(&connection, insert_two_and_fill_up);
        assert_eq!(code(&full), Some(ErrorCode::DiskFull));
        assert!(!done(&connection).contains(&2));
        let sql = "PRAGMA max_page_count = 2000";
        connection.query_row(sql, [], |_| Ok(())).unwrap();
        connection.execute("DELETE FROM done", []).unwrap();
        assert!(
            run_with(&connection, insert_two_and_fill_up)
                .iter()
                .all(Result::is_ok)
        );
    }

    #[test]
    fn when_the_commit_fails_everybody_is_told_and_nothing_has_happened() {
        let connection = connection();
        for answer in run_with(&connection, owe) {
            assert_eq!(code(&answer), Some(ErrorCode::ConstraintViolation));
        }
        assert_eq!(done(&connection), [0_i64; 0]);
        let works: Work = |connection| insert(connection, 2, 0);
        assert!(run_with(&connection, works).iter().all(Result::is_ok));
    }

    #[test]
    fn what_nobody_waits_for_is_not_done() {
        let connection = connection();
        let (job, answer) = asked(|connection| insert(connection, 1, 0));
        drop(answer);
        run_batch(&connection, vec![job]);
        assert_eq!(done(&connection), [0_i64; 0]);
    }
}
