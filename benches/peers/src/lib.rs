//! `axum-user-session` beside other session crates for axum: the cases that the benchmark `request` times and that
//! `instructions.sh` counts.
//!
//! Every contestant keeps the same principal (see [`principal`]) and answers a read with its subject; all are driven
//! in process, without a socket, through a router that axum has finished.

pub mod alloc;
pub mod bare;
pub mod browser;
pub mod case;
pub mod contestant;
pub mod ours;
pub mod peers;
pub mod principal;

use crate::contestant::{Contestant, Row};

/// Everyone, in the order of the table.
pub const CONTESTANTS: &[Contestant] = &[
    bare::BARE,
    bare::EXTENSION,
    ours::OURS,
    ours::OURS_CLIENTS_BESIDE,
    peers::TOWER_COOKIES,
    peers::AXUM_EXTRA,
    peers::TOWER_SESSIONS,
    peers::AXUM_LOGIN,
    peers::AXUM_SESSION,
];

/// Everything that is measured, in the order of the table.
pub fn rows() -> impl Iterator<Item = (Contestant, Row)> {
    CONTESTANTS
        .iter()
        .flat_map(|contestant| contestant.rows.iter().map(move |row| (*contestant, *row)))
}

/// The runtime that drives the cases: one thread, as one core of a server.
///
/// # Panics
///
/// When the system refuses it.
pub fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime on this thread")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::Case;

    #[test]
    fn every_case_answers_right_and_again() {
        let runtime = runtime();
        for (contestant, row) in rows() {
            let mut case = runtime.block_on(Case::new(contestant, row));
            for _ in 0..3 {
                assert_eq!(runtime.block_on(case.verify()), Ok(()));
            }
        }
    }

    #[test]
    fn a_session_of_this_crate_holds_every_client() {
        let runtime = runtime();
        for ours in [ours::OURS, ours::OURS_CLIENTS_BESIDE] {
            let mut case = runtime.block_on(Case::new(ours, Row::Read));
            let clients = runtime.block_on(case.ask("/clients"));
            assert_eq!(clients, principal::CLIENTS.join(" "));
        }
    }
}
