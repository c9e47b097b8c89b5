//! Connections of the store's own.

use std::{
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use sqlx::{ConnectOptions, Connection, PgConnection, postgres::PgConnectOptions};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

/// A bounded number of connections, which are kept open for the next operation.
///
/// Not the driver's pool: that makes a round trip whenever a connection comes back (and by default another when one is taken), waits
/// without a limit for one that hangs, and goes on asking a server that refuses connections. Here a connection that has just answered
/// is ready for the next operation, and a server that is down is an error at once.
pub(super) struct Lanes {
    options: PgConnectOptions,
    permits: Arc<Semaphore>,
    idle: Mutex<Idle>,
}

#[derive(Default)]
struct Idle {
    /// The one that was used last is taken first, so that those that are too many grow old.
    links: Vec<Link>,
    /// What has been silent since before this has to prove itself.
    doubted: Option<Instant>,
    /// What was opened before this is not kept.
    broken: Option<Instant>,
}

struct Link {
    connection: PgConnection,
    opened: Instant,
    /// When it was last known to work.
    used: Instant,
}

/// A connection that is in use. Dropped, it is closed.
pub(super) struct Lane {
    link: Link,
    lanes: Arc<Lanes>,
    permit: OwnedSemaphorePermit,
}

impl Lanes {
    pub(super) fn new(options: PgConnectOptions, max: u32) -> Arc<Self> {
        let max = usize::try_from(max).unwrap_or(usize::MAX);
        let permits = Semaphore::new(max.clamp(1, Semaphore::MAX_PERMITS));
        Arc::new(Self {
            options,
            permits: Arc::new(permits),
            idle: Mutex::default(),
        })
    }

    /// Gives a connection, as soon as fewer than the most are in use.
    pub(super) async fn acquire(self: &Arc<Self>) -> Result<Lane, sqlx::Error> {
        let permit = Arc::clone(&self.permits).acquire_owned().await;
        let mut permit = permit.expect("the semaphore is never closed");
        while let Some((link, is_doubted)) = self.take_idle() {
            let mut lane = self.lane(link, permit);
            if !is_doubted || answers(lane.connection(), PROOF).await {
                return Ok(lane);
            }
            self.note_broken();
            permit = lane.permit;
        }
        let opened = timeout(OPENING, self.options.connect()).await;
        let connection = opened.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
        let now = Instant::now();
        let link = Link {
            connection,
            opened: now,
            used: now,
        };
        Ok(self.lane(link, permit))
    }

    /// A connection has failed. Those that are idle have most likely failed with it and are closed, and those in use are not kept.
    pub(super) fn note_broken(&self) {
        let mut idle = self.idle();
        idle.broken = Some(Instant::now());
        idle.links.clear();
    }

    /// An operation was given up, and nobody knows why it took so long.
    pub(super) fn note_doubt(&self) {
        self.idle().doubted = Some(Instant::now());
    }

    fn lane(self: &Arc<Self>, link: Link, permit: OwnedSemaphorePermit) -> Lane {
        Lane {
            link,
            permit,
            lanes: Arc::clone(self),
        }
    }

    fn take_idle(&self) -> Option<(Link, bool)> {
        let mut idle = self.idle();
        let link = idle.links.pop()?;
        let is_doubted = idle.doubted.is_some_and(|doubted| link.used <= doubted);
        Some((link, is_doubted))
    }

    fn keep(&self, mut link: Link) {
        let now = Instant::now();
        link.used = now;
        let mut idle = self.idle();
        let is_old = now - link.opened > LIFETIME;
        let is_broken = idle.broken.is_some_and(|broken| link.opened <= broken);
        if !is_old && !is_broken {
            idle.links.push(link);
        }
        // The first has waited longest. One at a time is enough: it is done after every operation.
        if idle
            .links
            .first()
            .is_some_and(|first| now - first.used > IDLE)
        {
            idle.links.remove(0);
        }
    }

    /// Nothing panics between two changes that belong together.
    fn idle(&self) -> MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lane {
    pub(super) fn connection(&mut self) -> &mut PgConnection {
        &mut self.link.connection
    }

    pub(super) fn lanes(&self) -> &Lanes {
        &self.lanes
    }

    /// Keeps it open for the next operation. It has just answered all that it was asked.
    pub(super) fn put_back(self) {
        // The next one to use it may be waiting for the permit, which is given back last.
        self.lanes.keep(self.link);
    }
}

/// Whether a connection still works, by a round trip that takes no longer than a limit.
pub(super) async fn answers(connection: &mut PgConnection, limit: Duration) -> bool {
    matches!(timeout(limit, connection.ping()).await, Ok(Ok(())))
}

/// Opening a connection takes no longer, the handshake and the server's own work included.
const OPENING: Duration = Duration::from_secs(5);

/// A connection that is doubted answers sooner, or is closed: less than the usual limit of an operation, so that there is time left for
/// another one.
pub(super) const PROOF: Duration = Duration::from_millis(300);

/// After this a connection is replaced, so that a server that has moved is found again, and what the old one has gathered is freed.
const LIFETIME: Duration = Duration::from_secs(30 * 60);

/// A connection that nobody has needed for so long is closed.
const IDLE: Duration = Duration::from_secs(10 * 60);
