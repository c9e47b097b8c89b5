//! Finding, counting and revoking by filter.

use super::{
    compare::{same_records, same_set_of_ends},
    fixtures::*,
    probe::Probe,
};
use crate::{
    ended::EndReason,
    error::Error,
    store::{Filter, Record, Selection, SessionStore},
};

/// Each criterion of a filter counts, and all of them must be met; what has expired is not in a list.
pub async fn s10_every_criterion_of_a_filter_is_met(store: impl SessionStore) {
    let store = Probe::new(store);
    let sessions = sessions(0);
    store.put_all(&sessions).await;
    for (name, filter, expected) in filters().expect("all criteria are legal") {
        let found = store.find(&filter, 100, at(MINUTE)).await;
        let live = expected.into_iter().filter(|number| *number != EXPIRED);
        let expected: Vec<_> = live.map(|number| &sessions[number]).collect();
        same_records(&found, expected.iter().copied(), name);
        let listed = store.query(&newest(filter.clone(), 100), at(MINUTE)).await;
        same_records(&listed, expected.iter().copied(), name);
        let counted = store.count(&filter.into(), at(MINUTE)).await;
        assert_eq!(counted, expected.len() as u64, "{name}");
    }
    let everyone = Selection::Everyone;
    let listed = store.everyone(at(MINUTE)).await;
    same_records(&listed, &sessions[..EXPIRED], "everyone");
    assert_eq!(store.count(&everyone, at(MINUTE)).await, 6);
}

/// A revocation ends exactly the sessions that a filter lets through, the expired included, and no others.
pub async fn s10_a_revocation_ends_what_its_filter_means(store: impl SessionStore) {
    let store = Probe::new(store);
    let filters = filters().expect("all criteria are legal");
    for (round, (name, filter, expected)) in filters.into_iter().enumerate() {
        let sessions = sessions(round);
        store.put_all(&sessions).await;
        let now = at(MINUTE);
        let selection = filter.into();
        let ended = store
            .delete_matching(&selection, EndReason::Revoked, 100, now)
            .await;
        assert_eq!(ended, expected.len() as u64, "{name}");
        let over: Vec<_> = expected.iter().map(|number| &sessions[*number]).collect();
        let log = store.drain_log(now).await;
        let told = ends(over, EndReason::Revoked, now);
        same_set_of_ends(&log, &told, name);
        let rest: Vec<_> = (0..EXPIRED)
            .filter(|number| !expected.contains(number))
            .collect();
        let rest: Vec<_> = rest.into_iter().map(|number| &sessions[number]).collect();
        let left = store.everyone(now).await;
        same_records(&left, rest, name);

        let everyone = Selection::Everyone;
        store
            .delete_matching(&everyone, EndReason::Revoked, 100, now)
            .await;
        store.drain_log(now).await;
    }
}

/// An expired session is not found and not counted, from the very moment on at which it expires.
pub async fn s10_expired_sessions_are_not_found(store: impl SessionStore) {
    let store = Probe::new(store);
    let record = record("alice", 1);
    store.put(&record).await;
    let by_id = Filter::session_id(record.session_id);
    for (now, expected) in [(at(HOUR - MS), 1), (at(HOUR), 0), (at(9 * HOUR), 0)] {
        for filter in [of_subject("alice"), named("alice"), by_id.clone()] {
            let found = store.find(&filter, 10, now).await;
            assert_eq!(found.len(), expected, "{filter:?} at {now:?}");
            let listed = store.query(&newest(filter.clone(), 10), now).await;
            assert_eq!(listed.len(), expected, "{filter:?} at {now:?}");
            let counted = store.count(&filter.clone().into(), now).await;
            assert_eq!(counted, expected as u64, "{filter:?} at {now:?}");
        }
        assert_eq!(store.everyone(now).await.len(), expected);
        let counted = store.count(&Selection::Everyone, now).await;
        assert_eq!(counted, expected as u64);
    }
}

/// Newest first; the last one expires within a second, and all others later.
fn sessions(round: usize) -> [Record; 7] {
    let session = |number: usize, subject: &str, id: &str, name: Option<&str>| Record {
        session_id: sid(id),
        display_name: name.map(str::to_owned),
        ..record_created(
            subject,
            10 * round + number,
            at((10 - number as u32) * SECOND),
        )
    };
    [
        session(0, "alice", "s0", Some("Alice Smith")),
        session(1, "bob", "s1", Some("Alice Miller")),
        session(2, "alice", "s2", Some("alice")),
        session(3, "bob", "s3", None),
        session(4, "alice", "s4", None),
        session(5, "carol", "s5", Some("Malice")),
        Record {
            expires: at(SECOND),
            ..session(6, "alice", "s6", Some("Alice Smith"))
        },
    ]
}

const EXPIRED: usize = 6;

type Case = (&'static str, Filter, Vec<usize>);

/// Which of the sessions each filter lets through.
fn filters() -> Result<Vec<Case>, Error> {
    let alices = || Filter::subject("alice");
    let id = |id| Filter::session_id(sid(id));
    Ok(vec![
        ("subject", alices()?, vec![0, 2, 4, EXPIRED]),
        (
            "subject but for one",
            alices()?.except(sid("s2")),
            vec![0, 4, EXPIRED],
        ),
        (
            "subject but for another's",
            alices()?.except(sid("s1")),
            vec![0, 2, 4, EXPIRED],
        ),
        ("session", id("s1"), vec![1]),
        (
            "session of a subject",
            id("s2").and_subject("alice")?,
            vec![2],
        ),
        (
            "session of another subject",
            id("s1").and_subject("alice")?,
            vec![],
        ),
        ("session but for itself", id("s2").except(sid("s2")), vec![]),
        (
            "session but for another",
            id("s2").except(sid("s4")),
            vec![2],
        ),
        (
            "beginning of a name",
            Filter::name_begins_with("ALICE")?,
            vec![0, 1, 2, EXPIRED],
        ),
        (
            "whole name",
            Filter::name_begins_with("alice miller")?,
            vec![1],
        ),
        (
            "beginning, of a subject",
            Filter::name_begins_with("alice")?.and_subject("bob")?,
            vec![1],
        ),
        (
            "beginning, of a session",
            id("s0").and_name_begins_with("alice s")?,
            vec![0],
        ),
        (
            "another beginning, of a session",
            id("s0").and_name_begins_with("alice m")?,
            vec![],
        ),
        (
            "beginning but for one",
            Filter::name_begins_with("alice m")?.except(sid("s1")),
            vec![],
        ),
        (
            "all at once",
            id("s2")
                .and_subject("alice")?
                .and_name_begins_with("a")?
                .except(sid("s0")),
            vec![2],
        ),
        ("unknown subject", Filter::subject("dave")?, vec![]),
        ("unknown session", id("s7"), vec![]),
        ("unknown name", Filter::name_begins_with("bob")?, vec![]),
    ])
}
