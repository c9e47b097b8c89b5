//! What the same things cost with few sessions and with many.

use std::{
    fmt,
    time::{Duration, Instant},
};

use axum_user_session::{
    ended::EndReason,
    store::{Filter, Loaded, Part, Query, Selection, SessionStore},
};

use crate::stored::{began, fill, stored};

/// What one store takes, at two sizes.
pub(crate) struct Growth {
    name: &'static str,
    /// Of one session, at the greater size.
    bytes: u64,
    /// What was done, and the median microseconds at each size.
    rows: Vec<(&'static str, [f64; 2])>,
}

/// A store of some size.
pub(crate) struct Filled<S> {
    pub(crate) store: S,
    pub(crate) size: u64,
}

/// How many times a thing is done.
pub(crate) const TIMES: u64 = 300;
/// How many sessions one batch of the clean-up ends.
const BATCH: usize = 100;
/// How many batches are timed.
const BATCHES: u64 = 20;
/// How many sessions have expired: those, and one batch more for whoever wants to see how it is done.
const OLDEST: u64 = (BATCHES + 1) * BATCH as u64;
/// Sessions on a page.
const PAGE: usize = 25;

impl Growth {
    /// Fills two stores, and does the same things in both by turns. `bytes` says what all that is kept takes.
    pub(crate) async fn measure<S: SessionStore + Clone>(
        name: &'static str,
        stores: [S; 2],
        sizes: [u64; 2],
        bytes: impl AsyncFn() -> u64,
    ) -> Self {
        let [few, many] = stores;
        fill(&few, sizes[0]).await;
        let before = bytes().await;
        let filling = Instant::now();
        fill(&many, sizes[1]).await;
        let rate = sizes[1] as f64 / filling.elapsed().as_secs_f64();
        eprintln!(
            "{name}: filled with {} sessions, {rate:.0} a second",
            sizes[1]
        );
        let bytes = bytes().await.saturating_sub(before) / sizes[1];
        let stores = [(few, sizes[0]), (many, sizes[1])];
        let stores = stores.map(|(store, size)| Filled { store, size });
        let mut rows = Vec::new();
        for task in Task::ALL {
            rows.push((task.name(), task.by_turns(&stores).await));
        }
        Self { name, bytes, rows }
    }

    /// The greatest ratio.
    pub(crate) fn worst(&self) -> f64 {
        let ratios = self.rows.iter().map(|(_, [few, many])| many / few);
        ratios.fold(0.0, f64::max)
    }

    pub(crate) fn name(&self) -> &'static str {
        self.name
    }
}

/// A line for each thing that was done.
impl fmt::Display for Growth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (what, [few, many]) in &self.rows {
            writeln!(
                f,
                "| {:8} | {what:20} | {few:12.0} | {many:12.0} | {:5.2} | {:14} |",
                self.name,
                many / few,
                self.bytes,
            )?;
        }
        Ok(())
    }
}

/// The head of the table whose lines these are.
pub(crate) fn head(sizes: [u64; 2]) -> String {
    let [few, many] = sizes.map(|size| format!("us at {size}"));
    format!(
        "| store    | what                 | {few:>12} | {many:>12} | ratio | bytes/session |\n\
         |----------|----------------------|-------------:|-------------:|------:|--------------:|"
    )
}

/// What is done.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Task {
    Load,
    NewestPage,
    PageOfSubject,
    PageOfName,
    RevokeSubject,
    CleanUp,
}

impl Task {
    /// The last ones change what is there.
    pub(crate) const ALL: [Self; 6] = [
        Self::Load,
        Self::NewestPage,
        Self::PageOfSubject,
        Self::PageOfName,
        Self::RevokeSubject,
        Self::CleanUp,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Load => "load",
            Self::NewestPage => "one page, the newest",
            Self::PageOfSubject => "one page, by subject",
            Self::PageOfName => "one page, by name",
            Self::RevokeSubject => "revoke by subject",
            Self::CleanUp => "clean-up of 100",
        }
    }

    /// The median microseconds in each of two stores.
    async fn by_turns<S: SessionStore>(self, stores: &[Filled<S>; 2]) -> [f64; 2] {
        let times = match self {
            Self::CleanUp => BATCHES,
            _ => TIMES,
        };
        let mut took = [const { Vec::new() }; 2];
        for time in 0..times {
            for (filled, took) in stores.iter().zip(&mut took) {
                let begun = Instant::now();
                self.run(filled, time).await;
                took.push(begun.elapsed());
            }
        }
        took.map(|mut took: Vec<Duration>| {
            took.sort_unstable();
            took[took.len() / 2].as_secs_f64() * 1e6
        })
    }

    /// Does it once, with another session each time.
    ///
    /// # Panics
    ///
    /// If it does not do what it should.
    pub(crate) async fn run<S: SessionStore>(self, filled: &Filled<S>, time: u64) {
        let store = &filled.store;
        let record = stored(filled.some(time));
        let now = began(filled.size);
        let page = async |selection| {
            let query = Query {
                selection,
                part: Part::Newest,
                limit: PAGE,
            };
            store
                .query(&query, now)
                .await
                .expect("the store works")
                .len()
        };
        let subject = || Filter::subject(&*record.subject).expect("a subject");
        match self {
            Self::Load => {
                let loaded = store.load(&record.key, None, now).await;
                assert!(matches!(loaded, Ok(Loaded::Found(_))), "{loaded:?}");
            }
            Self::NewestPage => assert_eq!(page(Selection::Everyone).await, PAGE),
            Self::PageOfSubject => assert_eq!(page(subject().into()).await, 1),
            Self::PageOfName => {
                let name = record.display_name.as_deref().expect("it has one");
                let filter = Filter::name_begins_with(name).expect("a name");
                assert_eq!(page(filter.into()).await, 1);
            }
            Self::RevokeSubject => {
                let all = subject().into();
                let revoked = store.delete_matching(&all, EndReason::Revoked, 100, now);
                assert_eq!(revoked.await.expect("the store works"), 1);
            }
            Self::CleanUp => {
                let expired = store.take_expired(BATCH, stored(OLDEST).expires).await;
                assert_eq!(expired.expect("the store works").len(), BATCH);
            }
        }
    }
}

impl<S> Filled<S> {
    /// One of the sessions, another one each time, here and there. Those that the clean-up ends are left alone: they are the oldest.
    fn some(&self, time: u64) -> u64 {
        OLDEST + 1 + time * 7919 % (self.size - OLDEST - 1)
    }
}
