//! What a session costs per request, beside other session crates: `cargo bench --bench request`.
//!
//! Routers are driven in process on one thread, all of them interleaved in one run: every round drives a small batch of
//! every case, each round beginning with another one, so that a slow moment of the machine meets all alike. Times
//! move from machine to machine; the ratios at the end are what counts.
//!
//! `QUICK=1` runs for seconds instead of a minute.

mod measure;
mod report;

use std::{env, process::ExitCode, time::Duration};

use axum_user_session_peers::{alloc::CountingAllocator, runtime};

use crate::{measure::Bench, report::Report};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

fn main() -> ExitCode {
    let mut bench = Bench::new(runtime());
    if let Err(wrong) = bench.verify() {
        eprintln!("not timed, because an answer is wrong:\n{wrong}");
        return ExitCode::FAILURE;
    }
    let rounds = bench.run(duration());
    println!(
        "{rounds} rounds, {} requests of every case in each\n",
        measure::BATCH
    );
    print!("{}", Report::new(bench.finish()));
    ExitCode::SUCCESS
}

fn duration() -> Duration {
    match env::var_os("QUICK").is_some_and(|value| value != "0") {
        true => Duration::from_secs(10),
        false => Duration::from_secs(75),
    }
}
