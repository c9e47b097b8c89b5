//! The program that `instructions.sh` runs under callgrind.
//!
//! - `instructions list` prints the cases, one a line: number, role, label, separated by tabs.
//! - `instructions NUMBER COUNT` sends that many requests to a case.
//!
//! It runs on the system's allocator, as a server does: the counting one would add its own instructions.

use std::{env, process::ExitCode};

use axum_user_session_peers::{
    case::Case,
    contestant::{Contestant, Role, Row},
    rows, runtime,
};
use tokio::{runtime::Runtime, task::unconstrained};

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match arguments.as_slice() {
        [word] if word == "list" => list(),
        [number, count] => match (number.parse(), count.parse()) {
            (Ok(number), Ok(count)) => run(number, count),
            _ => usage(),
        },
        _ => usage(),
    }
}

/// What is counted: what a request costs that reads a session, and the other requests of this crate.
fn cases() -> impl Iterator<Item = (Contestant, Row)> {
    rows().filter(|(contestant, row)| match row {
        Row::Bare | Row::Extension | Row::Read => true,
        Row::Anonymous | Row::SignIn | Row::AddClient => contestant.role == Role::Ours,
        _ => false,
    })
}

fn list() -> ExitCode {
    for (number, (contestant, row)) in cases().enumerate() {
        let role = match (contestant.role, row) {
            (_, Row::Bare) => "bare",
            (Role::Ours, Row::Read) => "ours",
            _ => "other",
        };
        println!("{number}\t{role}\t{}: {}", contestant.name, row.label());
    }
    ExitCode::SUCCESS
}

fn run(number: usize, count: usize) -> ExitCode {
    let Some((contestant, row)) = cases().nth(number) else {
        return usage();
    };
    let runtime = runtime();
    let mut case = runtime.block_on(Case::new(contestant, row));
    if let Err(wrong) = runtime.block_on(case.verify()) {
        eprintln!("{wrong}");
        return ExitCode::FAILURE;
    }
    send_requests(&runtime, &mut case, count);
    ExitCode::SUCCESS
}

/// `instructions.sh` counts in here alone: seeding the random generator at start-up takes a number of instructions that
/// is itself random, and large enough to show in a difference of two runs.
#[inline(never)]
fn send_requests(runtime: &Runtime, case: &mut Case, count: usize) {
    runtime.block_on(unconstrained(async {
        for _ in 0..count {
            let request = case.request();
            case.drive(request).await;
        }
    }));
}

fn usage() -> ExitCode {
    eprintln!("usage: instructions list | instructions NUMBER COUNT");
    ExitCode::FAILURE
}
