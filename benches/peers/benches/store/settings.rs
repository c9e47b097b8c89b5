//! How long and on what, as the environment says.

use std::{env, time::Duration};

use crate::contestant::Place;

pub(crate) struct Settings {
    pub(crate) places: Vec<Place>,
    /// Sessions that each contestant has from the beginning.
    pub(crate) sessions: usize,
    pub(crate) rounds: usize,
    /// How long a contestant has its turn, at most.
    pub(crate) turn: Duration,
    /// How many sessions to compare, instead of all else.
    pub(crate) growth: Option<[u64; 2]>,
}

impl Settings {
    pub(crate) fn from_environment() -> Result<Self, String> {
        let places = match env::var("STORES") {
            Err(_) => Place::ALL.to_vec(),
            Ok(names) => names.split(',').map(place).collect::<Result<_, _>>()?,
        };
        let growth = match env::var("GROWTH") {
            Err(_) => None,
            Ok(value) if value == "1" => Some([10_000, 1_000_000]),
            Ok(value) => {
                Some(sizes(&value).ok_or("GROWTH is 1 or two numbers, such as 3000,6000")?)
            }
        };
        let is_quick = env::var_os("QUICK").is_some_and(|value| value != "0");
        Ok(match is_quick {
            true => Self {
                places,
                growth,
                sessions: 100,
                rounds: 3,
                turn: Duration::from_millis(25),
            },
            false => Self {
                places,
                growth,
                sessions: 1000,
                rounds: 15,
                turn: Duration::from_millis(200),
            },
        })
    }
}

/// The clean-up takes two thousand of them.
fn sizes(value: &str) -> Option<[u64; 2]> {
    let (few, many) = value.split_once(',')?;
    let sizes = [few.parse().ok()?, many.parse().ok()?];
    (2500 < sizes[0] && sizes[0] < sizes[1]).then_some(sizes)
}

fn place(name: &str) -> Result<Place, String> {
    let names = || Place::ALL.map(Place::name).join(", ");
    Place::ALL
        .into_iter()
        .find(|place| place.name() == name)
        .ok_or_else(|| format!("no store is called {name:?}; there are {}", names()))
}
