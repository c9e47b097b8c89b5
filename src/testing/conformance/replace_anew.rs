//! Signing in to another session: the one before ends.

use super::{
    at_once::{at_once, both_at_once},
    compare::{same_record, same_records, same_set_of_ends},
    fixtures::*,
    probe::Probe,
};
use crate::{
    ended::{EndReason, Ended},
    store::{Continuity, Created, End, Loaded, Record, Replaced, SessionStore},
};

const ANEW: Continuity = Continuity::NewSession;

/// The session before ends, and is told of; the new one is as it was given, with nothing taken over.
pub async fn s5_another_session_takes_over_nothing(store: impl SessionStore) {
    let store = Probe::new(store);
    let old = Record {
        clients: clients(["client1", "client2"]),
        ..record("alice", 1)
    };
    store.put(&old).await;
    let new = Record {
        clients: clients(["client3"]),
        created: at(SECOND),
        renewed: at(SECOND),
        ..record("alice", 2)
    };
    let answer = store.replace(&old.key, &new, ANEW, None, at(SECOND)).await;
    let ended = vec![old.ended(EndReason::Replaced, at(SECOND))];
    signed_in(&answer, &new, &ended, "in the first place");
    let there = store.found(&new.key, at(SECOND)).await;
    same_record(&there, &new, "the new session");
    let gone = store.load(&old.key, None, at(SECOND)).await;
    assert_eq!(gone, Loaded::Gone);
    let live = store.find(&of_subject("alice"), 10, at(SECOND)).await;
    same_records(&live, [&new], "the sessions that are there");

    let again = store.replace(&old.key, &new, ANEW, None, at(SECOND)).await;
    signed_in(&again, &new, &[], "the second attempt ends nothing");
    let log = store.drain_log(at(SECOND)).await;
    same_set_of_ends(&log, &ended, "the log");
}

/// Without a session before that is there and the same subject's, the new one is created all the same, and nothing ends.
pub async fn s5_another_session_begins_without_one_before(store: impl SessionStore) {
    let store = Probe::new(store);
    let now = at(HOUR);
    let expired = record("alice", 1);
    let of_another = Record {
        expires: at(9 * HOUR),
        ..record(&neighbour_of("alice"), 2)
    };
    let ended = record("alice", 3);
    store
        .put_all(&[expired.clone(), of_another.clone(), ended.clone()])
        .await;
    let end = End::because(EndReason::SignOut);
    store.delete(&ended.key, end, now).await;
    assert_eq!(store.drain_log(now).await.len(), 1);

    for (number, (name, old)) in (10..).zip([
        ("unknown", key("alice", 4)),
        ("just expired", expired.key),
        ("another subject's", of_another.key),
        ("ended", ended.key),
    ]) {
        let new = Record {
            expires: at(9 * HOUR),
            ..record("alice", number)
        };
        let answer = store.replace(&old, &new, ANEW, None, now).await;
        signed_in(&answer, &new, &[], name);
        let there = store.found(&new.key, now).await;
        same_record(&there, &new, name);
    }
    let there = store.found(&of_another.key, now).await;
    same_record(&there, &of_another, "the other subject's session");
    assert!(store.drain_log(now).await.is_empty());
    // The expired one is left to those who take such.
    let taken = store.take_expired(10, now).await;
    let expected = [expired.ended(EndReason::Expired, now)];
    same_set_of_ends(&taken, &expected, "the expired session");
}

/// The limit is kept: the session before does not count, as it ends. A refusal ends nothing.
pub async fn s12_another_session_is_under_the_limit(store: impl SessionStore) {
    let store = Probe::new(store);
    let old: Vec<_> = (0..3)
        .map(|number| record_created("alice", number, at(number as u32 * SECOND)))
        .collect();
    store.put_all(&old).await;
    let now = at(10 * SECOND);
    let refused = record_created("alice", 10, now);
    for (name, before) in [
        ("one of three", old[1].key),
        ("none of them", key("alice", 99)),
    ] {
        let limit = if before == old[1].key {
            deny(2)
        } else {
            deny(3)
        };
        let answer = store.replace(&before, &refused, ANEW, limit, now).await;
        assert_eq!(answer, Replaced::Denied, "{name}");
        let loaded = store.load(&refused.key, None, now).await;
        assert_eq!(loaded, Loaded::Missing, "{name}");
    }
    let live = store.find(&of_subject("alice"), 10, now).await;
    same_records(&live, old.iter().rev(), "after refusals");
    assert!(store.drain_log(now).await.is_empty());

    let new = record_created("alice", 11, now);
    let answer = store.replace(&old[1].key, &new, ANEW, deny(3), now).await;
    let mut ended = ends([&old[1]], EndReason::Replaced, now);
    signed_in(&answer, &new, &ended, "three, one of which ends");

    // Of the first, the third and the new one, the new one ends as it is replaced, and the oldest because of the limit.
    let newest = record_created("alice", 12, now);
    let answer = store
        .replace(&new.key, &newest, ANEW, end_oldest(2), now)
        .await;
    let mut more = ends([&new], EndReason::Replaced, now);
    more.extend(ends([&old[0]], EndReason::LimitReached, now));
    signed_in(&answer, &newest, &more, "one replaced, then one too many");
    let live = store.find(&of_subject("alice"), 10, now).await;
    same_records(&live, [&newest, &old[2]], "who is left");
    ended.extend(more);
    let log = store.drain_log(now).await;
    same_set_of_ends(&log, &ended, "the log");
}

/// When many sign in to other sessions from one browser at once, the session before ends once, and is told of to one of them.
pub async fn s5_many_other_sessions_end_the_one_before_once(store: impl SessionStore) {
    let store = Probe::new(store);
    for round in 0..12 {
        let subject = format!("subject {round}");
        let old = record(&subject, 0);
        store.put(&old).await;
        let sign_in = |number: usize| {
            let (store, old) = (store.clone(), old.key);
            let new = record(&subject, number);
            async move {
                let answer = store.replace(&old, &new, ANEW, None, at(SECOND)).await;
                let Replaced::Replaced {
                    created,
                    clients,
                    ended,
                } = answer
                else {
                    panic!("every one of them signs in: {answer:?}");
                };
                assert_eq!((created, clients), (new.created, new.clients));
                ended
            }
        };
        let answers = at_once((1..=4).map(sign_in).collect()).await;
        let ended: Vec<_> = answers.into_iter().flatten().collect();
        let expected = [old.ended(EndReason::Replaced, at(SECOND))];
        same_set_of_ends(&ended, &expected, "what the callers heard");
        let live = store.count(&of_subject(&subject).into(), at(SECOND)).await;
        assert_eq!(live, 4);
        let log = store.drain_log(at(SECOND)).await;
        same_set_of_ends(&log, &expected, "the log");
    }
}

/// The same request twice at once puts one session in, and ends the one before once.
pub async fn promise_6_another_session_may_overtake_itself(store: impl SessionStore) {
    let store = Probe::new(store);
    for round in 0..15 {
        let subject = format!("subject {round}");
        let (old, new) = (record(&subject, 1), record(&subject, 2));
        store.put(&old).await;
        let attempt = |_| {
            let (store, old, new) = (store.clone(), old.key, new.clone());
            // Three sessions would be one too many, and a caller who met itself would be refused.
            async move { store.replace(&old, &new, ANEW, deny(1), at(SECOND)).await }
        };
        let answers = at_once((0..3).map(attempt).collect()).await;
        let mut ended = Vec::new();
        for answer in answers {
            let Replaced::Replaced { ended: by_this, .. } = answer else {
                panic!("each attempt succeeds: {answer:?}");
            };
            ended.extend(by_this);
        }
        let expected = [old.ended(EndReason::Replaced, at(SECOND))];
        same_set_of_ends(&ended, &expected, "what the callers heard");
        let live = store.find(&of_subject(&subject), 10, at(SECOND)).await;
        same_records(&live, [&new], "who is there");
        let log = store.drain_log(at(SECOND)).await;
        same_set_of_ends(&log, &expected, "the log");
    }
}

/// A sign-out that meets a sign-in to another session: the session before ends once, for one reason, and the other one is there.
pub async fn s6_a_sign_out_meets_another_session(store: impl SessionStore) {
    let store = Probe::new(store);
    for round in 0..25 {
        let subject = format!("subject {round}");
        let (old, new) = (record(&subject, 1), record(&subject, 2));
        store.put(&old).await;
        let (ender, key) = (store.clone(), old.key);
        let ending = async move {
            let end = End::because(EndReason::SignOut);
            ender.delete(&key, end, at(SECOND)).await
        };
        let (signer, to_come) = (store.clone(), new.clone());
        let signing_in =
            async move { signer.replace(&key, &to_come, ANEW, None, at(SECOND)).await };
        let (signed_out, answer) = both_at_once(ending, signing_in).await;
        let Replaced::Replaced { ended, .. } = answer else {
            panic!("the other session begins in any case: {answer:?}");
        };
        let reason = match signed_out {
            Some(_) => EndReason::SignOut,
            None => EndReason::Replaced,
        };
        let heard: Vec<Ended> = signed_out.into_iter().chain(ended).collect();
        let expected = [old.ended(reason, at(SECOND))];
        same_set_of_ends(&heard, &expected, "what the two heard");
        let log = store.drain_log(at(SECOND)).await;
        same_set_of_ends(&log, &expected, "the log");
        let live = store.find(&of_subject(&subject), 10, at(SECOND)).await;
        same_records(&live, [&new], "who is there");
    }
}

/// A new key that another caller has created a session under is taken, as is one that is remembered.
pub async fn s6_another_session_needs_a_key_of_its_own(store: impl SessionStore) {
    let store = Probe::new(store);
    let (old, over) = (record("alice", 1), record("alice", 2));
    store.put_all(&[old.clone(), over.clone()]).await;
    let end = End::because(EndReason::SignOut);
    store.delete(&over.key, end, start()).await;
    let answer = store.replace(&old.key, &over, ANEW, None, at(SECOND)).await;
    assert_eq!(answer, Replaced::Missing);
    let answer = store.create(&over, None, at(SECOND)).await;
    assert_eq!(answer, Created::Exists);
    let gone = store.load(&over.key, None, at(SECOND)).await;
    assert_eq!(gone, Loaded::Gone);
    let there = store.found(&old.key, at(SECOND)).await;
    same_record(&there, &old, "nothing has ended for it");
}

#[track_caller]
fn signed_in(answer: &Replaced, new: &Record, expected: &[Ended], what: &str) {
    let Replaced::Replaced {
        created,
        clients,
        ended,
    } = answer
    else {
        panic!("{what}: {answer:?}, and it should sign in");
    };
    assert_eq!((*created, clients), (new.created, &new.clients), "{what}");
    super::compare::same_ends(ended, expected, what);
}
