//! Drives the cases and takes the samples.

use std::time::{Duration, Instant};

use axum::body::Body;
use axum_user_session_peers::{
    alloc::allocations,
    case::Case,
    contestant::{Role, Row},
    ours::{SECOND_USER, SecondUser},
    rows,
};
use http::Request;
use tokio::{runtime::Runtime, task::unconstrained};

/// Requests that are timed together: enough that reading the clock does not count, few enough to stay in the cache.
pub(crate) const BATCH: usize = 32;

// Requests before each batch, not timed: the case before has filled the caches with its own.
const WARM_UP: usize = 8;

// Batches after which a case whose store grows begins with a new one, so that memory stays bounded.
const BATCHES_PER_STORE: usize = 64;

// Requests whose allocations are counted one by one; what most of them need is what a request needs.
const COUNTED: usize = 65;

/// All cases and their samples so far.
pub(crate) struct Bench {
    runtime: Runtime,
    entries: Vec<Entry>,
}

/// All that the report is made of.
pub(crate) struct Measured {
    pub(crate) figures: Vec<Figures>,
    pub(crate) second_user: SecondUser,
}

/// What one case costs per request.
pub(crate) struct Figures {
    pub(crate) label: String,
    pub(crate) role: Role,
    pub(crate) row: Row,
    pub(crate) median: f64,
    pub(crate) p10: f64,
    pub(crate) allocations: u64,
}

struct Entry {
    case: Case,
    /// Nanoseconds per request, one for each batch.
    samples: Vec<f64>,
}

impl Bench {
    pub(crate) fn new(runtime: Runtime) -> Self {
        let entries = rows()
            .map(|(contestant, row)| Entry {
                case: runtime.block_on(Case::new(contestant, row)),
                samples: Vec::new(),
            })
            .collect();
        Self { runtime, entries }
    }

    /// Looks at one whole answer of every case.
    pub(crate) fn verify(&mut self) -> Result<(), String> {
        let wrong: Vec<String> = self
            .entries
            .iter_mut()
            .filter_map(|entry| self.runtime.block_on(entry.case.verify()).err())
            .collect();
        if wrong.is_empty() {
            Ok(())
        } else {
            Err(wrong.join("\n"))
        }
    }

    /// Takes samples for that long and returns the number of rounds.
    pub(crate) fn run(&mut self, duration: Duration) -> usize {
        let mut requests = Vec::with_capacity(BATCH);
        let begun = Instant::now();
        let mut round = 0;
        while begun.elapsed() < duration {
            for turn in 0..self.entries.len() {
                let at = (round + turn) % self.entries.len();
                self.entries[at].sample(&self.runtime, &mut requests);
            }
            round += 1;
        }
        round
    }

    /// Counts allocations and sums up.
    pub(crate) fn finish(self) -> Measured {
        let Self {
            runtime,
            mut entries,
        } = self;
        let twice = entries
            .iter_mut()
            .find(|entry| entry.case.row == Row::ReadTwice)
            .expect("this crate has that row");
        let second_user = second_user(&mut twice.case, &runtime);
        let figures = entries
            .into_iter()
            .map(|entry| entry.figures(&runtime))
            .collect();
        Measured {
            figures,
            second_user,
        }
    }
}

impl Entry {
    fn sample(&mut self, runtime: &Runtime, requests: &mut Vec<Request<Body>>) {
        if self.case.row.may_grow()
            && self.samples.len() % BATCHES_PER_STORE == BATCHES_PER_STORE - 1
        {
            self.case = runtime.block_on(Case::new(self.case.contestant, self.case.row));
        }
        drive(&mut self.case, runtime, requests, WARM_UP);
        let elapsed = drive(&mut self.case, runtime, requests, BATCH);
        self.samples.push(elapsed.as_nanos() as f64 / BATCH as f64);
    }

    fn figures(mut self, runtime: &Runtime) -> Figures {
        self.samples.sort_by(f64::total_cmp);
        Figures {
            label: self.case.label(),
            role: self.case.contestant.role,
            row: self.case.row,
            median: quantile(&self.samples, 0.5),
            p10: quantile(&self.samples, 0.1),
            allocations: allocations_per_request(&mut self.case, runtime),
        }
    }
}

/// Times `count` requests, for all cases alike.
///
/// The requests are made before the clock runs, as a server's parser has made them before the router sees them. The
/// drop of each request and of each answer is inside: what they hold is part of the price.
fn drive(
    case: &mut Case,
    runtime: &Runtime,
    requests: &mut Vec<Request<Body>>,
    count: usize,
) -> Duration {
    requests.extend((0..count).map(|_| case.request()));
    // A server gives every connection a task with a budget of its own; here all requests would share one.
    runtime.block_on(unconstrained(async {
        let begun = Instant::now();
        for request in requests.drain(..) {
            case.drive(request).await;
        }
        begun.elapsed()
    }))
}

/// The median of single requests: a store that grows its table now and then does not count as a part of each.
fn allocations_per_request(case: &mut Case, runtime: &Runtime) -> u64 {
    let mut counts: Vec<u64> = (0..COUNTED)
        .map(|_| {
            let request = case.request();
            runtime.block_on(unconstrained(async {
                let before = allocations();
                case.drive(request).await;
                allocations() - before
            }))
        })
        .collect();
    counts.sort_unstable();
    counts[counts.len() / 2]
}

/// The median of some answers, each of which has timed many calls in its handler.
fn second_user(case: &mut Case, runtime: &Runtime) -> SecondUser {
    let mut costs: Vec<SecondUser> = (0..31)
        .map(|_| {
            let body = runtime.block_on(case.ask(SECOND_USER));
            SecondUser::parse(&body).unwrap_or_else(|| panic!("two numbers, not {body:?}"))
        })
        .collect();
    costs.sort_by(|a, b| a.nanoseconds.total_cmp(&b.nanoseconds));
    costs[costs.len() / 2]
}

fn quantile(sorted: &[f64], part: f64) -> f64 {
    sorted[((sorted.len() - 1) as f64 * part).round() as usize]
}
