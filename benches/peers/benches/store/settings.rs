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
}

impl Settings {
    pub(crate) fn from_environment() -> Result<Self, String> {
        let places = match env::var("STORES") {
            Err(_) => Place::ALL.to_vec(),
            Ok(names) => names.split(',').map(place).collect::<Result<_, _>>()?,
        };
        let is_quick = env::var_os("QUICK").is_some_and(|value| value != "0");
        Ok(match is_quick {
            true => Self {
                places,
                sessions: 100,
                rounds: 3,
                turn: Duration::from_millis(25),
            },
            false => Self {
                places,
                sessions: 1000,
                rounds: 15,
                turn: Duration::from_millis(200),
            },
        })
    }
}

fn place(name: &str) -> Result<Place, String> {
    let names = || Place::ALL.map(Place::name).join(", ");
    Place::ALL
        .into_iter()
        .find(|place| place.name() == name)
        .ok_or_else(|| format!("no store is called {name:?}; there are {}", names()))
}
