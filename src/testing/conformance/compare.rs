//! Comparisons that show what differs, which the `Debug` of records and ends keeps to itself.

use std::{fmt::Write, time::SystemTime};

use super::fixtures::start;
use crate::{
    ended::Ended,
    store::{Loaded, Record},
};

/// Asserts that a record is another, in all of its fields.
#[track_caller]
pub(super) fn same_record(got: &Record, expected: &Record, what: &str) {
    same(&[show(got)], &[show(expected)], what);
}

/// Asserts that a record was found, and is another in all of its fields.
#[track_caller]
pub(super) fn same_loaded(got: &Loaded, expected: &Record, what: &str) {
    match got {
        Loaded::Found(record) => same_record(record, expected, what),
        other => panic!("{what}: {other:?}, and it should be found"),
    }
}

/// Asserts that records are others, in the same order.
#[track_caller]
pub(super) fn same_records<'a>(
    got: &[Record],
    expected: impl IntoIterator<Item = &'a Record>,
    what: &str,
) {
    let got: Vec<_> = got.iter().map(show).collect();
    let expected: Vec<_> = expected.into_iter().map(show).collect();
    same(&got, &expected, what);
}

/// Asserts that ends are others, in the same order.
#[track_caller]
pub(super) fn same_ends(got: &[Ended], expected: &[Ended], what: &str) {
    let got: Vec<_> = got.iter().map(show_end).collect();
    let expected: Vec<_> = expected.iter().map(show_end).collect();
    same(&got, &expected, what);
}

/// Asserts that ends are others, in any order.
#[track_caller]
pub(super) fn same_set_of_ends(got: &[Ended], expected: &[Ended], what: &str) {
    let sorted = |ends: &[Ended]| {
        let mut ends = ends.to_vec();
        ends.sort_by_key(|ended| ended.event_id);
        ends
    };
    same_ends(&sorted(got), &sorted(expected), what);
}

#[track_caller]
fn same(got: &[String], expected: &[String], what: &str) {
    assert!(
        got == expected,
        "{what}\n got:\n  {}\n expected:\n  {}\n",
        got.join("\n  "),
        expected.join("\n  ")
    );
}

pub(super) fn show(record: &Record) -> String {
    let Record {
        key,
        subject,
        session_id,
        display_name,
        created,
        renewed,
        expires,
        clients,
        ticket,
        version,
        device,
    } = record;
    format!(
        "{} bucket {} subject {subject:?} session {} name {display_name:?} created {} renewed {} expires {} clients {clients:?} ticket {} \
         version {version} device {device:?}",
        hex(key.as_bytes()),
        key.bucket(),
        session_id.as_str(),
        time(*created),
        time(*renewed),
        time(*expires),
        hex(ticket),
    )
}

pub(super) fn show_end(ended: &Ended) -> String {
    let Ended {
        event_id,
        subject,
        session_id,
        display_name,
        clients,
        issuer,
        reason,
        at,
    } = ended;
    format!(
        "{event_id} subject {subject:?} session {} name {display_name:?} clients {clients:?} issuer {issuer:?} reason {reason} at {}",
        session_id.as_str(),
        time(*at),
    )
}

/// As cases count it: from when they begin.
fn time(time: SystemTime) -> String {
    match time.duration_since(start()) {
        Ok(after) => format!("+{after:?}"),
        Err(before) => format!("-{:?}", before.duration()),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
