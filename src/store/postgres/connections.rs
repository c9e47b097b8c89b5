//! Where an operation gets its connection from, and what becomes of the connection.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use sqlx::{
    Execute, PgConnection, PgPool, Postgres,
    pool::PoolConnection,
    postgres::{PgArguments, PgRow},
    query::Query,
};
use tokio::{runtime::Handle, time::timeout};

use super::{
    error::{is_broken, is_undone, store_error},
    lanes::{Lane, Lanes, PROOF, answers},
};
use crate::error::StoreError;

/// The store's own connections, or the pool of the host.
#[derive(Clone)]
pub(super) enum Connections {
    Own(Arc<Lanes>),
    Hosts(Arc<HostsPool>),
}

pub(super) struct HostsPool {
    pool: PgPool,
    /// How many connections, of those that are taken next, have to prove themselves. The pool gives out first what came back first, so
    /// that all that were idle when one failed are among them.
    doubted: AtomicU32,
}

/// A connection for one operation. One that is dropped before its operation is over is not lost, if it can be saved.
pub(super) struct Lease(Option<Held>);

enum Held {
    Own(Lane),
    Hosts(PoolConnection<Postgres>, Arc<HostsPool>),
}

impl Connections {
    pub(super) fn own(lanes: Arc<Lanes>) -> Self {
        Self::Own(lanes)
    }

    pub(super) fn hosts(pool: PgPool) -> Self {
        Self::Hosts(Arc::new(HostsPool {
            pool,
            doubted: AtomicU32::new(0),
        }))
    }

    pub(super) async fn acquire(&self) -> Result<Lease, sqlx::Error> {
        match self {
            Self::Own(lanes) => Ok(Lease(Some(Held::Own(lanes.acquire().await?)))),
            Self::Hosts(pool) => pool.acquire().await,
        }
    }

    /// Runs a prepared statement, which is a transaction of its own, and gives its rows.
    ///
    /// What the server has undone because two were in each other's way is tried again.
    pub(super) async fn rows(
        &self,
        mut query: Query<'_, Postgres, PgArguments>,
    ) -> Result<Vec<PgRow>, StoreError> {
        let arguments = query
            .take_arguments()
            .map_err(|_| StoreError::new("a value is too large for PostgreSQL"))?
            .unwrap_or_default();
        let sql = query.sql();
        let mut attempts = 1..ATTEMPTS;
        loop {
            let query = sqlx::query_with(sql.clone(), arguments.clone());
            match self.attempt(query).await {
                Err(error) if is_undone(&error) && attempts.next().is_some() => {}
                answer => return answer.map_err(store_error),
            }
        }
    }

    async fn attempt(
        &self,
        query: Query<'_, Postgres, PgArguments>,
    ) -> Result<Vec<PgRow>, sqlx::Error> {
        let mut lease = self.acquire().await?;
        let answer = timeout(LONGEST, query.fetch_all(lease.connection())).await;
        let answer = answer.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?;
        match &answer {
            Err(error) if is_broken(error) => lease.close_as_broken(),
            _ => lease.put_back(),
        }
        answer
    }
}

impl HostsPool {
    async fn acquire(self: &Arc<Self>) -> Result<Lease, sqlx::Error> {
        loop {
            let held = Held::Hosts(self.pool.acquire().await?, Arc::clone(self));
            let mut lease = Lease(Some(held));
            let one_less = |doubted: u32| doubted.checked_sub(1);
            let is_doubted = self
                .doubted
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less)
                .is_ok();
            if !is_doubted || answers(lease.connection(), PROOF).await {
                return Ok(lease);
            }
            lease.close();
        }
    }

    fn note_doubt(&self) {
        self.doubted.store(self.pool.size(), Ordering::Relaxed);
    }
}

impl Lease {
    pub(super) fn connection(&mut self) -> &mut PgConnection {
        let held = self.0.as_mut();
        held.expect("it is taken out only at the end").connection()
    }

    /// Its operation is over.
    pub(super) fn put_back(mut self) {
        if let Some(held) = self.0.take() {
            held.put_back();
        }
    }

    /// It does not work any more, and those that were opened before it may not either.
    pub(super) fn close_as_broken(self) {
        match &self.0 {
            Some(Held::Own(lane)) => lane.lanes().note_broken(),
            Some(Held::Hosts(_, pool)) => pool.note_doubt(),
            None => {}
        }
        self.close();
    }

    pub(super) fn close(mut self) {
        if let Some(held) = self.0.take() {
            held.close();
        }
    }
}

impl Held {
    fn connection(&mut self) -> &mut PgConnection {
        match self {
            Self::Own(lane) => lane.connection(),
            Self::Hosts(connection, _) => connection,
        }
    }

    fn put_back(self) {
        match self {
            Self::Own(lane) => lane.put_back(),
            Self::Hosts(connection, _) => drop(connection),
        }
    }

    fn close(self) {
        match self {
            Self::Own(lane) => drop(lane),
            // Dropped as it is, the pool would first wait for its answer, without a limit.
            Self::Hosts(connection, _) => drop(connection.detach()),
        }
    }

    fn note_doubt(&self) {
        match self {
            Self::Own(lane) => lane.lanes().note_doubt(),
            Self::Hosts(_, pool) => pool.note_doubt(),
        }
    }
}

/// Its operation was given up while it was under way, and may go on in the server. The connection counts as one in use until the answer
/// is there, and is kept then; if that takes too long it is closed.
impl Drop for Lease {
    fn drop(&mut self) {
        let Some(mut held) = self.0.take() else {
            return;
        };
        held.note_doubt();
        let Ok(runtime) = Handle::try_current() else {
            held.close();
            return;
        };
        runtime.spawn(async move {
            match answers(held.connection(), SETTLING).await {
                true => held.put_back(),
                false => held.close(),
            }
        });
    }
}

/// How often an operation that is undone by the server is tried, in all.
const ATTEMPTS: u32 = 4;

/// No operation takes longer, whatever limit its caller has: a connection may hang for good, which nobody else would notice.
const LONGEST: Duration = Duration::from_secs(30);

/// How long an operation that was given up may still keep its connection.
const SETTLING: Duration = Duration::from_secs(5);
