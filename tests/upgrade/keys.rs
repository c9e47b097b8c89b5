//! The key ring's file.

use std::{fs, time::Duration};

use axum_user_session::KeyRing;
use serde_json::Value;

use crate::{
    fixtures::{KEYS, Version, millis, time},
    site::key_ring,
    support::start,
};

#[test]
fn k9_key_files_are_read() {
    for version in Version::all() {
        let folder = tempfile::tempdir().unwrap();
        let ring = key_ring(&version, folder.path());
        let written: Value = version.json(KEYS);
        let written = written["keys"].as_array().unwrap();
        let infos = ring.keys_at(start());
        assert_eq!(infos.len(), written.len(), "{}", version.name());
        for (index, (info, key)) in infos.iter().zip(written).enumerate() {
            let name = format!("{}, key {index}", version.name());
            assert_eq!(info.id().to_string(), key["id"], "{name}");
            assert_eq!(info.is_primary(), index == 0, "{name}");
            assert_eq!(millis(info.created()), key["created_ms"], "{name}");
            let from = info.active_from().map(millis);
            assert_eq!(from, key["active_from_ms"].as_u64(), "{name}");
            let until = info.primary_until().map(millis);
            let written = key["primary_until_ms"].as_u64();
            assert_eq!(until, written.filter(|_| index != 0), "{name}");
        }
    }
}

/// A rotation that was planned before the upgrade happens after it.
#[test]
fn k10_a_scheduled_key_takes_over_at_its_moment() {
    for version in Version::all() {
        let folder = tempfile::tempdir().unwrap();
        let ring = key_ring(&version, folder.path());
        let written: Value = version.json(KEYS);
        let keys = written["keys"].as_array().unwrap();
        let planned = keys
            .iter()
            .skip(1)
            .find(|key| !key["active_from_ms"].is_null());
        let planned = planned.expect("a key that is yet to take over");
        let moment = time(planned["active_from_ms"].as_u64().unwrap());
        let primary = |now| ring.keys_at(now)[0].id().to_string();
        assert_ne!(primary(moment - Duration::from_millis(1)), planned["id"]);
        assert_eq!(primary(moment), planned["id"]);
    }
}

/// What this release writes into a file of before is a whole file again.
#[test]
fn k9_a_key_file_is_changed() {
    for version in Version::all() {
        let folder = tempfile::tempdir().unwrap();
        let ring = key_ring(&version, folder.path());
        let before = ring.keys_at(start());
        let added = ring.rotate_at(Duration::from_secs(3600), start()).unwrap();
        let path = folder.path().join("keys.json");
        assert_ne!(fs::read_to_string(&path).unwrap(), version.text(KEYS));
        let again = KeyRing::open_existing_file(path).unwrap().keys_at(start());
        let ids = |keys: &[axum_user_session::key_ring::KeyInfo]| -> Vec<_> {
            keys.iter().map(|key| key.id()).collect()
        };
        assert_eq!(ids(&again), [ids(&before), vec![added]].concat());
    }
}
