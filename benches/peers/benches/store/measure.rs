//! Lets the contestants take turns, and keeps what they take.

use std::sync::Arc;

use crate::{
    contestant::{Contestant, Place, Who},
    drive::{Turn, drive, verify},
    operation::Operation,
    places::Servers,
    settings::Settings,
    visitors::Visitors,
};

/// How many requests are under way at once: as many as keep everybody busy, and one, which shows what a request waits for.
const AT_ONCE: [usize; 2] = [32, 1];

/// The contestants at every place, and their turns so far.
pub(crate) struct Bench {
    pairs: Vec<Pair>,
    cells: Vec<Cell>,
}

/// Two contestants at one place.
struct Pair {
    place: Place,
    ours: Arc<Contestant>,
    theirs: Arc<Contestant>,
}

/// What both take at one place for one kind of request.
pub(crate) struct Cell {
    pub(crate) place: Place,
    pub(crate) operation: Operation,
    pub(crate) at_once: usize,
    pub(crate) ours: Turns,
    pub(crate) theirs: Turns,
}

#[derive(Default)]
pub(crate) struct Turns {
    /// Requests a second, one number for each turn.
    rates: Vec<f64>,
    /// Of all requests of all turns, in nanoseconds.
    latencies: Vec<u32>,
}

impl Bench {
    /// Sets everybody up, with their sessions.
    pub(crate) async fn prepare(servers: &Servers, settings: &Settings) -> Self {
        let mut pairs = Vec::new();
        for place in settings.places.iter().copied() {
            let contestant = async |who| {
                let contestant = Arc::new(Contestant {
                    router: servers.application(place, who).await,
                    visitors: Visitors::new(settings.sessions),
                });
                // Nobody has a session yet, and a first client goes with it.
                for operation in [Operation::SignInAgain, Operation::AddClient] {
                    drive(&contestant, operation, 32, FOR_AS_LONG_AS_IT_TAKES).await;
                }
                verify(&contestant).await;
                contestant
            };
            pairs.push(Pair {
                place,
                ours: contestant(Who::Ours).await,
                theirs: contestant(Who::Theirs).await,
            });
        }
        let cells = pairs.iter().flat_map(|pair| {
            Operation::ALL.into_iter().flat_map(|operation| {
                AT_ONCE.map(|at_once| Cell {
                    place: pair.place,
                    operation,
                    at_once,
                    ours: Turns::default(),
                    theirs: Turns::default(),
                })
            })
        });
        let cells = cells.collect();
        Self { pairs, cells }
    }

    /// Every round has a turn of each contestant at each place for each kind of request. Who is first changes with every round.
    pub(crate) async fn run(&mut self, settings: &Settings) {
        for round in 0..settings.rounds {
            for cell in &mut self.cells {
                let pair = self.pairs.iter().find(|pair| pair.place == cell.place);
                let pair = pair.expect("every place has a pair");
                let turn =
                    |contestant| drive(contestant, cell.operation, cell.at_once, settings.turn);
                if round % 2 == 0 {
                    cell.ours.add(turn(&pair.ours).await);
                    cell.theirs.add(turn(&pair.theirs).await);
                } else {
                    cell.theirs.add(turn(&pair.theirs).await);
                    cell.ours.add(turn(&pair.ours).await);
                }
            }
        }
        for pair in &self.pairs {
            verify(&pair.ours).await;
            verify(&pair.theirs).await;
        }
    }

    pub(crate) fn finish(self) -> Vec<Cell> {
        let mut cells = self.cells;
        for cell in &mut cells {
            cell.ours.latencies.sort_unstable();
            cell.theirs.latencies.sort_unstable();
        }
        cells
    }
}

impl Cell {
    /// How many times the peer's rate ours is: the median of the rounds, in each of which the two were neighbours.
    pub(crate) fn ratio(&self) -> f64 {
        let pairs = self.ours.rates.iter().zip(&self.theirs.rates);
        median(pairs.map(|(ours, theirs)| ours / theirs).collect())
    }
}

impl Turns {
    /// Requests a second: the median of the turns.
    pub(crate) fn rate(&self) -> f64 {
        median(self.rates.clone())
    }

    /// In microseconds, once they are sorted.
    pub(crate) fn latency(&self, part: f64) -> f64 {
        let at = (self.latencies.len() - 1) as f64 * part;
        f64::from(self.latencies[at.round() as usize]) / 1000.0
    }

    fn add(&mut self, turn: Turn) {
        let rate = turn.latencies.len() as f64 / turn.elapsed.as_secs_f64();
        self.rates.push(rate);
        self.latencies.extend(turn.latencies);
    }
}

fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}

const FOR_AS_LONG_AS_IT_TAKES: std::time::Duration = std::time::Duration::from_secs(60);
