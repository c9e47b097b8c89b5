//! A key ring in the middle of its life: an old key, the one that seals, and one that is to take over tomorrow.

use std::time::Duration;

use axum_user_session::KeyRing;

use crate::{
    fixtures::{KEYS, Version},
    support::{HOUR, start},
};

pub(super) fn write(version: &Version) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.json");
    let ring = KeyRing::open_file(&path).unwrap();
    let next = ring.add().unwrap();
    let long_before = start() - Duration::from_secs(30 * 24 * 3600);
    ring.promote_at(next, long_before).unwrap();
    ring.rotate_at(100 * HOUR, start()).unwrap();
    version.write(KEYS, &std::fs::read_to_string(path).unwrap());
}
