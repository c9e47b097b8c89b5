//! No fixture is lost, changed or forgotten.

use std::fmt::Write;

use aws_lc_rs::digest::{SHA256, digest};

use crate::fixtures::{DIGESTS, Kind, Version};

#[test]
fn every_fixture_is_read_by_a_test() {
    for version in Version::all() {
        for path in version.paths() {
            let name = version.name();
            assert!(Kind::of(&path).is_some(), "nobody reads {name}/{path}");
        }
    }
}

#[test]
fn a_file_of_no_kind_is_read_by_nobody() {
    for path in [
        "cookies/a.txt",
        "cookies.json",
        "sqlite.sql.orig",
        "mysql.sql",
    ] {
        assert_eq!(Kind::of(path), None, "{path}");
    }
}

#[test]
fn every_version_has_every_kind() {
    for version in Version::all() {
        for (kind, least) in [
            (Kind::About, 1),
            (Kind::Digests, 1),
            (Kind::Keys, 1),
            (Kind::Items, 1),
            (Kind::Cookies, 15),
            (Kind::Content, 3),
            (Kind::Sessions, 3),
        ] {
            let there = version.paths_of(kind).len();
            assert!(there >= least, "{}: {kind:?}", version.name());
        }
    }
}

/// What a release has written is what it has written: a test that fails is mended in the crate.
#[test]
fn no_fixture_was_lost_or_changed() {
    for version in Version::all() {
        assert_eq!(
            digests(&version),
            version.text(DIGESTS),
            "{}",
            version.name()
        );
    }
}

/// As `sha256sum` writes them and checks them.
pub(crate) fn digests(version: &Version) -> String {
    let mut lines = String::new();
    for path in version.paths() {
        if Kind::of(&path) != Some(Kind::Digests) {
            let digest = sha256(version.text(&path).as_bytes());
            writeln!(lines, "{digest}  {path}").unwrap();
        }
    }
    lines
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    hex(digest(&SHA256, bytes).as_ref())
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
