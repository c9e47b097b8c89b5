//! Replays what the fuzzers have found, see `fuzz/run.sh`.

#![cfg(feature = "testing")]

#[path = "support/fuzz_targets.rs"]
mod fuzz_targets;

use std::{collections::BTreeMap, fs, path::Path};

use fuzz_targets::{cookie_header, ticket_codec};

#[test]
fn cookie_header_corpus() {
    let subjects = replay("cookie_header", cookie_header);
    assert_eq!(subjects["alice"].as_deref(), Some("alice"), "{OUTDATED}");
}

#[test]
fn ticket_codec_corpus() {
    let decoded = replay("ticket_codec", ticket_codec);
    assert!(decoded["signed_in"], "{OUTDATED}");
}

const OUTDATED: &str =
    "the corpus is of an earlier format: see CONTRIBUTING.md on writing the seeds again";

/// What the target gave for every file of its corpus. Each name is printed before its turn, so that the one that panics is known.
fn replay<T>(target: &str, run: impl Fn(&[u8]) -> T) -> BTreeMap<String, T> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz/corpus")
        .join(target);
    let files =
        fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let outcomes: BTreeMap<_, _> = files
        .map(|file| {
            let file = file.expect("the folder can be read");
            println!("{}", file.path().display());
            let input = fs::read(file.path()).expect("the file can be read");
            (file.file_name().to_string_lossy().into_owned(), run(&input))
        })
        .collect();
    assert!(!outcomes.is_empty(), "{} is empty", folder.display());
    outcomes
}
