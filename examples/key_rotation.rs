//! Changes the key that seals sessions, in a key file that servers may be using: nobody is signed out.
//!
//! ```text
//! cargo run --example key_rotation -- target/identity_provider/keys.json
//! ```
//!
//! Run it from time to time, say monthly. It is no help against a key that has leaked: drop that one with
//! `retire_and_sign_out_its_sessions`.

use std::{env, error::Error, path::PathBuf, time::SystemTime};

use axum_user_session::{
    KeyRing,
    key_ring::{KeyInfo, KeyRingError},
};

fn main() -> Result<(), Box<dyn Error>> {
    let path = env::args_os().nth(1).map(PathBuf::from);
    let path = path.ok_or("usage: key_rotation KEY_FILE, with the file of a server")?;
    // `open_file` would make a file where the path is mistyped, and rotate nothing.
    let ring = KeyRing::open_existing_file(path)?;
    println!("Before:");
    show(&ring);

    let new = ring.add()?;
    // Servers that share this file look for a key that they don't know when they meet it, once a second at most. Where keys
    // get to the servers in any other way, wait here until the last one has it.
    ring.promote(new)?;
    println!("Now {new} seals:");
    show(&ring);

    println!("The other keys:");
    // A key that was never the primary may be another operator's, who is about to promote it.
    let used = |key: &&KeyInfo| key.primary_until().is_some();
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

fn show(ring: &KeyRing) {
    for key in ring.keys() {
        let use_now = if key.is_primary() {
            "seals and opens"
        } else {
            "opens"
        };
        println!("  {}  {use_now}, {} days old", key.id(), days(&key));
    }
}

fn days(key: &KeyInfo) -> u64 {
    let age = SystemTime::now().duration_since(key.created());
    age.unwrap_or_default().as_secs() / (24 * 60 * 60)
}
