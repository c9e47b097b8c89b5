//! Signs of life.

use std::time::Duration;

use super::{
    at_once::{at_once, both_at_once},
    compare::same_record,
    fixtures::*,
    probe::Probe,
};
use crate::{
    ended::EndReason,
    store::{Continuity, Created, End, Loaded, Record, SessionStore, Touch, Touched},
};

/// A touch is due from the very moment on at which the last one is old enough, and not before.
pub async fn s3_a_touch_is_due_when_the_last_is_old_enough(store: impl SessionStore) {
    let store = Probe::new(store);
    let record = record("alice", 1);
    store.put(&record).await;
    let steps = [
        ("at once", start(), Touched::NotDue),
        ("just before it is due", at(MINUTE - MS), Touched::NotDue),
        ("when it is due", at(MINUTE), Touched::Touched),
        ("again at once", at(MINUTE), Touched::NotDue),
        (
            "just before it is due again",
            at(2 * MINUTE - MS),
            Touched::NotDue,
        ),
        ("when it is due again", at(2 * MINUTE), Touched::Touched),
        ("much later", at(30 * MINUTE), Touched::Touched),
    ];
    let mut expected = record.clone();
    for (name, now, answer) in steps {
        let touched = store.touch(&record.key, touch(now), now).await;
        assert_eq!(touched, answer, "{name}");
        if answer == Touched::Touched {
            expected.renewed = now;
            expected.expires = now + HOUR;
        }
        let there = store.found(&record.key, now).await;
        same_record(&there, &expected, name);
    }
}

/// A touch never makes a life shorter, and it counts all the same.
pub async fn s3_a_touch_never_shortens(store: impl SessionStore) {
    let store = Probe::new(store);
    let record = record("alice", 1);
    store.put(&record).await;
    let ends = [
        ("a little earlier", at(HOUR - MS)),
        ("the same", at(HOUR)),
        ("long past", at(MS)),
    ];
    let mut expected = record.clone();
    for (number, (name, expires)) in (1..).zip(ends) {
        let now = at(number * MINUTE);
        let touch = Touch {
            every: MINUTE,
            expires,
        };
        let touched = store.touch(&record.key, touch, now).await;
        assert_eq!(touched, Touched::Touched, "{name}");
        expected.renewed = now;
        let there = store.found(&record.key, now).await;
        same_record(&there, &expected, name);
    }
}

/// A touch changes times and nothing else.
pub async fn s3_a_touch_leaves_all_else_alone(store: impl SessionStore) {
    let store = Probe::new(store);
    let mut record = Record {
        clients: clients(["client1", "client2"]),
        version: 5,
        ..record("alice", 1)
    };
    store.put(&record).await;
    store
        .touch(&record.key, touch(at(MINUTE)), at(MINUTE))
        .await;
    record.renewed = at(MINUTE);
    record.expires = at(HOUR + MINUTE);
    let there = store.found(&record.key, at(MINUTE)).await;
    same_record(&there, &record, "touched");
}

/// Who was touched expires later, for all who ask: for lists, for counts, for limits, for those who take the expired.
pub async fn s13_a_touched_session_expires_later(store: impl SessionStore) {
    let store = Probe::new(store);
    let record = record("alice", 1);
    store.put(&record).await;
    let now = at(HOUR - MS);
    let touched = store.touch(&record.key, touch(now), now).await;
    assert_eq!(touched, Touched::Touched);
    let everyone = of_subject("alice").into();
    let last = now + HOUR - MS;
    assert!(store.take_expired(10, last).await.is_empty());
    assert_eq!(store.count(&everyone, last).await, 1);
    assert_eq!(store.find(&of_subject("alice"), 10, last).await.len(), 1);
    let second = self::record("alice", 2);
    let answer = store.create(&second, deny(1), last).await;
    assert_eq!(answer, Created::Denied, "it counts");
    let expired = store.take_expired(10, now + HOUR).await;
    assert_eq!(expired.len(), 1, "it is over at last");
}

/// No touch puts a record in, or brings one back that is over or has expired; and none follows to a successor.
pub async fn s6_a_touch_brings_nothing_back(store: impl SessionStore) {
    let store = Probe::new(store);
    let [ended, replaced, expired] = [1, 2, 3].map(|number| record("alice", number));
    store
        .put_all(&[ended.clone(), replaced.clone(), expired.clone()])
        .await;
    let end = End::because(EndReason::SignOut);
    store.delete(&ended.key, end, start()).await;
    let mut next = next_of(&replaced, 4);
    next.expires = at(9 * HOUR);
    let same = Continuity::SameSession;
    store
        .replace(&replaced.key, &next, same, None, start())
        .await;

    let now = at(HOUR);
    let unknown = key("alice", 5);
    for (name, key) in [
        ("unknown", &unknown),
        ("ended", &ended.key),
        ("replaced", &replaced.key),
        ("just expired", &expired.key),
    ] {
        let touched = store.touch(key, touch(now), now).await;
        assert_eq!(touched, Touched::Missing, "{name}");
    }
    assert_eq!(store.load(&unknown, None, now).await, Loaded::Missing);
    let there = store.found(&expired.key, now).await;
    same_record(&there, &expired, "the expired record");
    let there = store.found(&next.key, now).await;
    assert_eq!(there.renewed, next.renewed, "the successor was touched");
}

/// When the clock has stepped back behind the last sign of life, no touch is due, and nothing breaks.
pub async fn s3_a_clock_that_steps_back_makes_no_touch_due(store: impl SessionStore) {
    let store = Probe::new(store);
    let record = Record {
        renewed: at(10 * SECOND),
        ..record("alice", 1)
    };
    store.put(&record).await;
    for (name, every) in [("at any time", Duration::ZERO), ("once a minute", MINUTE)] {
        let touch = Touch {
            every,
            expires: at(2 * HOUR),
        };
        let touched = store.touch(&record.key, touch, at(9 * SECOND)).await;
        assert_eq!(touched, Touched::NotDue, "{name}");
        let touched = store.load(&record.key, Some(touch), start()).await;
        assert!(matches!(touched, Loaded::Found(_)), "{name}");
    }
    let there = store.found(&record.key, start()).await;
    same_record(&there, &record, "nothing was due");
}

/// The two ends of `every`: a touch that is always due, and one that never is.
pub async fn s3_a_touch_may_be_due_always_or_never(store: impl SessionStore) {
    let store = Probe::new(store);
    let record = record("alice", 1);
    store.put(&record).await;
    let every = |every| Touch {
        every,
        expires: at(2 * HOUR),
    };
    for (name, now) in [
        ("at once", start()),
        ("and again", start()),
        ("later", at(MS)),
    ] {
        let touched = store.touch(&record.key, every(Duration::ZERO), now).await;
        assert_eq!(touched, Touched::Touched, "{name}");
    }
    let never = every(Duration::MAX);
    let touched = store.touch(&record.key, never, at(HOUR)).await;
    assert_eq!(touched, Touched::NotDue);
    let there = store.found(&record.key, at(HOUR)).await;
    assert_eq!((there.renewed, there.expires), (at(MS), at(2 * HOUR)));
}

/// Of many touches at once, by themselves or with a load, one counts.
pub async fn s3_one_of_many_touches_counts(store: impl SessionStore) {
    let store = Probe::new(store);
    for round in 0..15 {
        let record = record("alice", round);
        store.put(&record).await;
        let now = at(MINUTE);
        let key = record.key;
        let attempt = |number: u32| {
            let store = store.clone();
            // Whoever counts can be told by the expiry that it has set.
            let touch = Touch {
                every: MINUTE,
                expires: at(HOUR + number * SECOND),
            };
            async move { store.touch(&key, touch, now).await }
        };
        let answers = at_once((1..=6).map(attempt).collect()).await;
        let counted = answers.iter().position(|a| *a == Touched::Touched);
        let counted = counted.expect("one counts");
        let not_due = answers.iter().filter(|a| **a == Touched::NotDue).count();
        assert_eq!(not_due, 5, "{answers:?}");
        let there = store.found(&key, now).await;
        let expires = at(HOUR + (counted as u32 + 1) * SECOND);
        assert_eq!((there.renewed, there.expires), (now, expires));
    }
}

/// A touch that meets the expiry of its record is in time or too late, never both.
pub async fn s13_a_touch_meets_the_end_of_its_record(store: impl SessionStore) {
    let store = Probe::new(store);
    for round in 0..30 {
        let record = record("alice", round);
        store.put(&record).await;
        let key = record.key;
        let (early, late) = (at(HOUR - MS), at(HOUR));
        let toucher = store.clone();
        let touching = async move { toucher.touch(&key, touch(early), early).await };
        let ender = store.clone();
        let ending = async move {
            match round % 2 {
                0 => ender.delete(&key, End::if_expired(), late).await,
                _ => ender.take_expired(10, late).await.pop(),
            }
        };
        let (touched, ended) = both_at_once(touching, ending).await;
        match (touched, ended) {
            (Touched::Touched, None) => {
                let there = store.found(&key, late).await;
                assert_eq!(there.expires, early + HOUR);
                let end = End::because(EndReason::SignOut);
                store.delete(&key, end, late).await;
            }
            (Touched::Missing, Some(_)) => {
                assert_eq!(store.load(&key, None, late).await, Loaded::Gone);
            }
            other => panic!("it was both in time and too late, or neither: {other:?}"),
        }
    }
    assert_eq!(store.drain_log(at(HOUR)).await.len(), 30);
}
