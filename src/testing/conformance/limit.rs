//! Limits of sessions per subject.

use super::{
    at_once::{Over, at_once, both_at_once, running},
    compare::{same_ends, same_records, same_set_of_ends},
    fixtures::*,
    probe::Probe,
};
use crate::{
    ended::{EndReason, Ended},
    store::{Continuity, Created, Limit, Loaded, Record, Replaced, SessionStore},
};

/// Where the newcomer is refused, it is when as many are there as may be, and nothing changes.
pub async fn s12_a_newcomer_is_refused(store: impl SessionStore) {
    let store = Probe::new(store);
    let sessions = [1, 2, 3].map(|number| record("alice", number));
    for (number, record) in (1..).zip(&sessions) {
        let answer = store.create(record, deny(3), start()).await;
        assert_eq!(answer, created(), "session {number} of 3");
    }
    let newcomer = record("alice", 4);
    for limit in [deny(1), deny(2), deny(3)] {
        let answer = store.create(&newcomer, limit, start()).await;
        assert_eq!(answer, Created::Denied, "{limit:?}");
        let loaded = store.load(&newcomer.key, None, start()).await;
        assert_eq!(loaded, Loaded::Missing, "{limit:?}");
    }
    let live = store.count(&of_subject("alice").into(), start()).await;
    assert_eq!(live, 3);
    assert!(store.drain_log(start()).await.is_empty());
    // What was refused can come later, under the same key.
    let answer = store.create(&newcomer, deny(4), start()).await;
    assert_eq!(answer, created());
    let another = store.create(&record("bob", 5), deny(1), start()).await;
    assert_eq!(another, created(), "sessions of others do not count");
}

/// Where the oldest ends for the newcomer, it is the one that was created first; neither use nor another sign-in makes it younger.
pub async fn s12_the_session_that_was_created_first_ends(store: impl SessionStore) {
    let store = Probe::new(store);
    // In an order that is neither that of arrival nor that of keys.
    let created_at = [50, 20, 40, 30].map(|seconds| at(seconds * SECOND));
    let sessions: Vec<_> = created_at
        .into_iter()
        .enumerate()
        .map(|(number, created)| record_created("alice", number, created))
        .collect();
    store.put_all(&sessions).await;
    let now = at(2 * MINUTE);
    // The oldest is the one that is used most.
    store.touch(&sessions[1].key, touch(now), now).await;
    // The second oldest has just signed in again.
    let again = Record {
        clients: clients(["client1"]),
        ..next_of(&sessions[3], 10)
    };
    let same = Continuity::SameSession;
    store
        .replace(&sessions[3].key, &again, same, None, now)
        .await;

    let mut log = Vec::new();
    for (number, oldest) in (20..).zip([&sessions[1], &again, &sessions[2]]) {
        let newcomer = record_created("alice", number, now);
        let answer = store.create(&newcomer, end_oldest(4), now).await;
        let expected = ends([oldest], EndReason::LimitReached, now);
        evicted(&answer, &expected);
        let gone = store.load(&oldest.key, None, now).await;
        assert_eq!(gone, Loaded::Gone);
        log.extend(expected);
    }
    same_set_of_ends(&store.drain_log(now).await, &log, "the log");
}

/// When a limit was lowered, as many end as are too many, the oldest first.
pub async fn s12_a_lowered_limit_ends_several(store: impl SessionStore) {
    let store = Probe::new(store);
    let sessions: Vec<_> = (0..6)
        .map(|number| record_created("alice", number, at(number as u32 * SECOND)))
        .collect();
    store.put_all(&sessions).await;
    let now = at(MINUTE);
    let refused = store.create(&record("alice", 10), deny(2), now).await;
    assert_eq!(refused, Created::Denied);
    let newcomer = record_created("alice", 11, now);
    let answer = store.create(&newcomer, end_oldest(3), now).await;
    let mut log = ends(&sessions[..4], EndReason::LimitReached, now);
    evicted(&answer, &log);
    let live = store.find(&of_subject("alice"), 10, now).await;
    same_records(
        &live,
        [&newcomer, &sessions[5], &sessions[4]],
        "who is left",
    );

    let last = record_created("alice", 12, now);
    let answer = store.create(&last, end_oldest(1), now).await;
    let more = [&sessions[4], &sessions[5], &newcomer];
    let more = ends(more, EndReason::LimitReached, now);
    evicted(&answer, &more);
    log.extend(more);
    same_set_of_ends(&store.drain_log(now).await, &log, "the log");
}

/// Sessions that have expired or ended do not count, and no expired one ends in the place of another.
pub async fn s12_only_live_sessions_count(store: impl SessionStore) {
    let store = Probe::new(store);
    let expired = [1, 2].map(|number| record("alice", number));
    let live = [3, 4].map(|number| Record {
        expires: at(9 * HOUR),
        ..record_created("alice", number, at(number as u32 * SECOND))
    });
    store.put_all(&expired).await;
    store.put_all(&live).await;
    let now = at(HOUR);
    let newcomer = |number| Record {
        expires: at(9 * HOUR),
        ..record_created("alice", number, now)
    };
    let early = store.create(&newcomer(9), deny(4), at(HOUR - MS)).await;
    assert_eq!(early, Created::Denied, "they have not expired yet");
    let answer = store.create(&newcomer(5), deny(3), now).await;
    assert_eq!(answer, created(), "the expired do not count");
    let answer = store.create(&newcomer(6), end_oldest(4), now).await;
    assert_eq!(answer, created(), "nobody ends before the limit is reached");
    let answer = store.create(&newcomer(7), end_oldest(4), now).await;
    let first = ends([&live[0]], EndReason::LimitReached, now);
    evicted(&answer, &first);
    let left = store.take_expired(10, now).await;
    let left_over = ends(&expired, EndReason::Expired, now);
    same_set_of_ends(&left, &left_over, "the expired are left to others");
}

/// Any number of sign-ins at once never exceed the limit, at any moment; as many as may be succeed, and the others are refused.
pub async fn s12_sign_ins_at_once_do_not_exceed_the_limit(store: impl SessionStore) {
    let store = Probe::new(store);
    for round in 0..8 {
        let subject = format!("subject {round}");
        let sign_ins = many_sign_ins(&store, &subject, deny(3));
        let (running, over) = running();
        let signing_in = async move {
            let _running = running;
            at_once(sign_ins).await
        };
        let watching = never_more(store.clone(), subject.clone(), 3, over);
        let (answers, ()) = both_at_once(signing_in, watching).await;
        let refused = answers.iter().filter(|heard| heard.is_none()).count();
        assert_eq!(refused, answers.len() - 3, "three fit in");
        let ended: usize = answers.iter().flatten().map(Vec::len).sum();
        assert_eq!(ended, 0);
        let live = store.count(&of_subject(&subject).into(), at(SECOND)).await;
        assert_eq!(live, 3);
    }
    assert!(store.drain_log(at(SECOND)).await.is_empty());
}

/// Any number of sign-ins at once all succeed where the oldest ends, and never exceed the limit. Each session that had to end is told of to one of them.
pub async fn s12_sign_ins_at_once_end_the_oldest(store: impl SessionStore) {
    let store = Probe::new(store);
    for round in 0..8 {
        let subject = format!("subject {round}");
        let sign_ins = many_sign_ins(&store, &subject, end_oldest(3));
        let count = sign_ins.len();
        let (running, over) = running();
        let signing_in = async move {
            let _running = running;
            at_once(sign_ins).await
        };
        let watching = never_more(store.clone(), subject.clone(), 3, over);
        let (answers, ()) = both_at_once(signing_in, watching).await;
        let heard: Option<Vec<_>> = answers.into_iter().collect();
        let heard: Vec<_> = heard.expect("nobody is refused").concat();
        let live = store.find(&of_subject(&subject), 10, at(SECOND)).await;
        assert_eq!(live.len(), 3);
        let all = (1..=count).map(|number| record(&subject, number));
        let over: Vec<_> = all
            .filter(|one| live.iter().all(|live| live.key != one.key))
            .collect();
        let expected = ends(&over, EndReason::LimitReached, at(SECOND));
        same_set_of_ends(&heard, &expected, "what the callers heard");
        let log = store.drain_log(at(SECOND)).await;
        same_set_of_ends(&log, &expected, "the log");
    }
}

/// Eight sign-ins, of which half replace a session that is not there. Each gives what ended for it, or none if it was refused.
fn many_sign_ins<S: SessionStore>(
    store: &Probe<S>,
    subject: &str,
    limit: Option<Limit>,
) -> Vec<impl Future<Output = Option<Vec<Ended>>> + Send + 'static> {
    let sign_in = |number: usize| {
        let (store, none) = (store.clone(), key(subject, 100 + number));
        let new = record(subject, number);
        async move {
            if number.is_multiple_of(2) {
                match store.create(&new, limit, at(SECOND)).await {
                    Created::Created { evicted } => Some(evicted),
                    Created::Denied => None,
                    other => panic!("{other:?}"),
                }
            } else {
                let anew = Continuity::NewSession;
                match store.replace(&none, &new, anew, limit, at(SECOND)).await {
                    Replaced::Replaced { ended, .. } => Some(ended),
                    Replaced::Denied => None,
                    other => panic!("{other:?}"),
                }
            }
        }
    };
    (1..=8).map(sign_in).collect()
}

/// Counts the sessions of a subject again and again.
async fn never_more<S: SessionStore>(store: Probe<S>, subject: String, most: u64, over: Over) {
    let selection = of_subject(&subject).into();
    loop {
        let last = over.yet();
        let live = store.count(&selection, at(SECOND)).await;
        assert!(live <= most, "{live} sessions at once");
        if last {
            break;
        }
    }
}

#[track_caller]
fn evicted(answer: &Created, expected: &[Ended]) {
    match answer {
        Created::Created { evicted } => same_ends(evicted, expected, "who ended, oldest first"),
        other => panic!("{other:?}, and it should sign in"),
    }
}
