use std::{fmt, path::Path, sync::Arc};

use rusqlite::Connection;

use super::{
    connection::Database,
    job::ask,
    open_error::{OpenError, Problem},
    options::SqliteOptions,
    queue::Queue,
    reader, threads,
    wal::WalBound,
    writer,
};
use crate::error::StoreError;

/// Keeps sessions in a SQLite file: for a site on one machine, with nothing to run beside it.
///
/// A cheap handle; clones are one store. Its threads end, and the file is closed, soon after the last of them is dropped.
///
/// ```
/// use axum_user_session::{KeyRing, SessionConfig, store::SqliteStore};
///
/// # let folder = tempfile::tempdir()?;
/// # std::env::set_current_dir(&folder)?;
/// let config = SessionConfig::builder(KeyRing::ephemeral())
///     .store(SqliteStore::open("sessions.db")?)
///     .build()?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
///
/// # The file
///
/// It is made with mode 0600, and holds who is signed in, in the clear, beside the sealed tickets. Beside it are two more while it is in use, with `-wal` and `-shm` at
/// the end of their names: **a copy needs all of them**, so copy it with `sqlite3 sessions.db ".backup copy.db"`, and stop every process that has it open
/// before putting a copy in its place. It must not be on a network file system, where its locks are not reliable.
///
/// The tables are `sessions`, `tombstones`, `ends` and `deliveries` (the outbox of logout notifications, which is there whatever the features are); they are made, and brought up to date, when the file is opened. A file of another application, of a newer
/// release, or that is no database is refused.
///
/// Several processes on one machine may have it open at once: a new one that takes over from an old one, or an administrator's tool. Their changes wait
/// for each other, up to [`busy_timeout`](SqliteOptions::busy_timeout).
///
/// # What it gives
///
/// - **Every operation is one transaction**, or part of one: those that wait at the same moment are written together, and share one wait for the disk. Each
///   fails alone.
/// - **What was answered is on the disk**, unless [`Durability::Crash`](super::Durability::Crash) asks for less. An operation that fails while its transaction is committed has
///   an unknown outcome.
/// - **Reads don't wait for writes**, nor for lists of everyone, which have a thread of their own.
/// - **A full or failing disk** fails the operations that write, while records can still be read; a sign of life that could not be written leaves the record as it was. It
///   goes on by itself when there is room again.
/// - A caller that goes away before its operation has begun leaves it undone. One that goes away later does not stop it.
/// - Searching within names is offered; it looks at every name.
///
/// # The outbox
///
/// With the feature `back-channel` it is an outbox of logout notifications too, with the same promises: what was answered is on the disk, each operation is
/// a transaction, and a crash loses no delivery. One that was taken by a process that died is taken by another when its lease is over. It serves sessions in cookies alone as
/// well, in a file of its own.
///
/// Taking looks at no delivery that is settled, and reads of those that are due and passed by no more than an entry of an index. Lists by end, session, user, client and state
/// have an index each; counting reads one. A process of the release before can go on with a file that a newer one has opened, but can't open it again.
///
/// # Room
///
/// A session of a usual size takes about a kilobyte, and a delivery half of one, for as long as nobody forgets it. What is deleted makes room for others, and the file stays as large as it once was; `VACUUM` makes it smaller,
/// while changes wait. The log of changes (`-wal`) is usually about 4 MiB.
///
/// # Which SQLite
///
/// The one that comes with the crate `rusqlite`, versions 0.32 to 0.43. Only one version can be linked into a program: an application that has a SQLite of its own, by
/// way of `rusqlite` or `sqlx`, decides which.
#[derive(Clone)]
pub struct SqliteStore {
    inner: Arc<Inner>,
}

struct Inner {
    /// The operations that write.
    writes: Arc<Queue>,
    /// Those that read the records of one key, one session or one subject.
    reads: Arc<Queue>,
    /// Those that may have to look at everyone's.
    lists: Arc<Queue>,
}

impl SqliteStore {
    /// Opens a file, or makes it, with the [usual options](SqliteOptions::new).
    ///
    /// It blocks for as long as that takes, usually some milliseconds: call it when the service starts.
    ///
    /// # Errors
    ///
    /// When the file can't be opened or written, is no database, another application's or a newer release's, or is locked for longer than
    /// the busy timeout. The [source](std::error::Error::source) says which, and names the file.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        SqliteOptions::new().open(path)
    }

    pub(super) fn open_with(path: &Path, options: &SqliteOptions) -> Result<Self, StoreError> {
        Self::start(path, options).map_err(StoreError::new)
    }

    fn start(path: &Path, options: &SqliteOptions) -> Result<Self, OpenError> {
        let (database, writer) = Database::open(path, options)?;
        let readers = (0..options.readers).map(|_| database.open_reader());
        let readers = readers.collect::<Result<Vec<_>, _>>()?;
        let lister = database.open_reader()?;
        // From here on a failure drops it, which ends the threads that have started.
        let inner = Inner {
            writes: Arc::new(Queue::new()),
            reads: Arc::new(Queue::new()),
            lists: Arc::new(Queue::new()),
        };
        let failed = |error: std::io::Error| database.error(Problem::Io(error));
        let wal = WalBound::new(database.path(), options.busy_timeout);
        let queue = inner.writes.clone();
        threads::start("sessions-write", move || writer::run(&writer, &queue, wal))
            .map_err(failed)?;
        for reader in readers {
            let queue = inner.reads.clone();
            threads::start("sessions-read", move || reader::run(&reader, &queue))
                .map_err(failed)?;
        }
        let queue = inner.lists.clone();
        threads::start("sessions-list", move || reader::run(&lister, &queue)).map_err(failed)?;
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// Has something done in a transaction, together with others.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        ask(&self.inner.writes, work).await
    }

    /// Reads what takes little time.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        ask(&self.inner.reads, work).await
    }

    /// Reads what may take long.
    pub(super) async fn list<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        ask(&self.inner.lists, work).await
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.writes.close();
        self.reads.close();
        self.lists.close();
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::{error::Error, sync::mpsc, time::SystemTime};

    use super::*;
    use crate::store::{
        key::RecordKey,
        operation::Loaded,
        query::{Part, Query, Selection},
        session_store::SessionStore,
        sqlite::options::Durability,
    };

    const NOW: SystemTime = SystemTime::UNIX_EPOCH;

    async fn load(store: &SqliteStore) -> Loaded {
        let key = RecordKey::new([0; RecordKey::LEN], 0);
        store.load(&key, None, NOW).await.unwrap()
    }

    fn open() -> (tempfile::TempDir, SqliteStore) {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteOptions::new().readers(1);
        let store = store.open(folder.path().join("sessions.db")).unwrap();
        (folder, store)
    }

    /// What was asked of SQLite and can't be seen from outside.
    #[tokio::test]
    async fn connections_are_set_as_the_documentation_says() {
        let folder = tempfile::tempdir().unwrap();
        for (durability, synchronous) in [(Durability::PowerLoss, 2), (Durability::Crash, 1)] {
            let options = SqliteOptions::new().durability(durability);
            let store = options.open(folder.path().join("sessions.db")).unwrap();
            let settings = |connection: &Connection| {
                let setting =
                    |name| connection.query_row(&format!("PRAGMA {name}"), [], |row| row.get(0));
                Ok([
                    setting("synchronous")?,
                    setting("secure_delete")?,
                    setting("busy_timeout")?,
                ])
            };
            let settings: [i64; 3] = store.write(settings).await.unwrap();
            assert_eq!(settings, [synchronous, 2, 5000], "{durability:?}");
            let change = |connection: &Connection| connection.execute("DELETE FROM sessions", []);
            assert!(store.write(change).await.is_ok());
            assert!(store.read(change).await.is_err(), "readers can only read");
            assert!(
                store.list(change).await.is_err(),
                "and so can those that list"
            );
        }
    }

    /// Somebody's list that takes for ever, and a change that does.
    #[tokio::test]
    async fn s9_a_record_is_read_while_others_list_and_write() {
        let (_folder, store) = open();
        let (let_go, held) = mpsc::channel::<()>();
        let (let_go_too, held_too) = mpsc::channel::<()>();
        let hold = |held: mpsc::Receiver<()>| move |_: &Connection| Ok(held.recv().is_err());
        let listing = tokio::spawn({
            let store = store.clone();
            async move { store.list(hold(held)).await }
        });
        let writing = tokio::spawn({
            let store = store.clone();
            async move { store.write(hold(held_too)).await }
        });
        tokio::task::yield_now().await;
        assert_eq!(load(&store).await, Loaded::Missing);
        assert!(!listing.is_finished() && !writing.is_finished());
        drop((let_go, let_go_too));
        assert!(listing.await.unwrap().unwrap());
        assert!(writing.await.unwrap().unwrap());
    }

    #[tokio::test]
    async fn a_panic_is_an_error_and_the_store_goes_on() {
        let (_folder, store) = open();
        for _ in 0..3 {
            let panicked = store.read::<()>(|_| panic!("for the test")).await;
            let cause = panicked.unwrap_err().source().unwrap().to_string();
            assert!(cause.contains("panicked"), "{cause}");
            assert_eq!(load(&store).await, Loaded::Missing);
            assert!(store.write::<()>(|_| panic!("for the test")).await.is_err());
            assert_eq!(store.take_expired(1, NOW).await.unwrap(), []);
            assert!(store.list::<()>(|_| panic!("for the test")).await.is_err());
            let query = Query {
                selection: Selection::Everyone,
                part: Part::Newest,
                limit: 1,
            };
            assert_eq!(store.query(&query, NOW).await.unwrap(), []);
        }
    }

    /// A thread that has ended for whatever reason is an error at once, and nothing that is waited for.
    #[tokio::test]
    async fn nobody_waits_for_a_thread_that_has_ended() {
        let (_folder, store) = open();
        let (let_go, held) = mpsc::channel::<()>();
        let (begin, begun) = mpsc::channel();
        let hold = move |_: &Connection| {
            begin.send(()).unwrap();
            Ok(held.recv().is_err())
        };
        let [first, second] = [store.clone(), store.clone()];
        let first = tokio::spawn(async move { first.read(hold).await });
        tokio::task::yield_now().await;
        begun.recv().unwrap();
        let second = tokio::spawn(async move { second.read(|_| Ok(())).await });
        tokio::task::yield_now().await;
        store.inner.reads.abandon();
        assert!(second.await.unwrap().is_err(), "it was in the queue");
        assert!(store.read(|_| Ok(())).await.is_err(), "it came later");
        drop(let_go);
        assert!(first.await.unwrap().unwrap(), "it was being done");
    }
}
