//! Changes the key that seals sessions, in a key file that servers may be using: nobody is signed out.
//!
//! ```text
//! cargo run --example key_rotation -- target/identity_provider/keys.json
//! ```
//!
//! The new key takes over in a minute, or in as many as a second argument says. Run it from time to time, say monthly. It is no help
//! against a key that has leaked: promote another one, and drop the leaked one with `retire_and_sign_out_its_sessions`.

use std::{
    env,
    error::Error,
    path::PathBuf,
    time::{Duration, SystemTime},
};

use axum_user_session::{
    KeyRing,
    key_ring::{KeyInfo, KeyRingError},
};

const USAGE: &str = "usage: key_rotation KEY_FILE [MINUTES], with the file of a server";

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args_os().skip(1);
    let path = PathBuf::from(arguments.next().ok_or(USAGE)?);
    // Servers that share this file have the key within seconds. Where keys get to the servers in any other way, the lead must be
    // longer than that takes.
    let lead = match arguments.next() {
        Some(minutes) => minutes_long(minutes.to_str().ok_or(USAGE)?)?,
        None => KeyRing::SHORTEST_LEAD,
    };
    // `open_file` would make a file where the path is mistyped, and rotate nothing.
    let ring = KeyRing::open_existing_file(path)?;
    println!("Before:");
    show(&ring);

    let new = ring.rotate(lead)?;
    println!("Now {new} is there, and will seal:");
    show(&ring);

    println!("Keys that sealed before:");
    // One that is scheduled is about to be used again.
    let used = |key: &&KeyInfo| key.primary_until().is_some() && key.active_from().is_none();
    for key in ring.keys().iter().filter(used) {
        match ring.retire(key.id()) {
            Ok(()) => println!("  {} is gone: nothing alive was sealed with it", key.id()),
            Err(KeyRingError::TooEarly { wait }) => println!(
                "  {} stays: a session sealed with it may be alive for another {} h or so",
                key.id(),
                wait.as_secs() / 3600
            ),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

fn minutes_long(minutes: &str) -> Result<Duration, Box<dyn Error>> {
    let minutes: u32 = minutes.parse().map_err(|_| USAGE)?;
    Ok(Duration::from_secs(60 * u64::from(minutes)))
}

fn show(ring: &KeyRing) {
    let now = SystemTime::now();
    for key in ring.keys_at(now) {
        let age = now.duration_since(key.created()).unwrap_or_default();
        let starts_in = key.active_from().map(|from| from.duration_since(now));
        let use_now = match starts_in {
            _ if key.is_primary() => "seals and opens".to_owned(),
            Some(Ok(wait)) => format!("opens, and seals in {} s", wait.as_secs()),
            _ => "opens".to_owned(),
        };
        println!("  {}  {use_now}, {} days old", key.id(), days(age));
    }
}

fn days(age: Duration) -> u64 {
    age.as_secs() / (24 * 60 * 60)
}
