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
    // `open_file` would make the file, and a mistyped path would rotate nothing.
    let path = path
        .filter(|path| path.exists())
        .ok_or("usage: key_rotation KEY_FILE, with the file of a server")?;
    let ring = KeyRing::open_file(path)?;
    println!("Before:");
    show(&ring);

    // From now on every server opens what this key seals, at the latest when it first meets it.
    let new = ring.add()?;
    // Sign-ins and renewals are sealed with it as soon as a server has looked at the file, within five seconds.
    ring.promote(new)?;
    println!("Now {new} seals:");
    show(&ring);

    println!("The other keys:");
    for key in ring.keys().iter().filter(|key| !key.is_primary()) {
        match ring.retire(key.id()) {
            Ok(()) => println!("  {} is gone: nothing alive was sealed with it", key.id()),
            Err(KeyRingError::TooEarly { wait }) => println!(
                "  {} stays: a session sealed with it may be alive for another {} h",
                key.id(),
                wait.as_secs().div_ceil(3600)
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
