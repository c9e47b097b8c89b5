//! Operations whose caller gives up.

use std::{future::Future, time::Duration};

use tokio::time::{sleep, timeout};

use super::{
    compare::{same_record, same_set_of_ends},
    fixtures::*,
    probe::Probe,
};
use crate::{
    ended::EndReason,
    store::{
        ClientAdded, Continuity, Created, End, Loaded, Record, Replaced, SessionStore, Touched,
        Update, Updated,
    },
};

/// A caller that has given up, at whatever point, may ask again: the operation happened as a whole or not at all, it happens once in the end, and the store goes
/// on working.
pub async fn promise_6_a_caller_that_gave_up_may_ask_again(store: impl SessionStore) {
    let store = Probe::new(store);
    let mut random = Random::of_seed(1);
    for round in 0..15 {
        let mut patience = || Duration::from_micros(random.below(1500) as u64);
        let subject = format!("subject {round}");
        let mut record = record(&subject, 1);
        let (key, now) = (record.key, at(MINUTE));

        give_up(patience(), store.create(&record, None, now)).await;
        let again = store.create(&record, None, now).await;
        assert!([created(), Created::Exists].contains(&again), "{again:?}");

        give_up(patience(), store.add_client(&key, &client("client1"), now)).await;
        let again = store.add_client(&key, &client("client1"), now).await;
        assert_ne!(again, ClientAdded::Missing);

        give_up(patience(), store.touch(&key, touch(now), now)).await;
        let again = store.touch(&key, touch(now), now).await;
        assert_ne!(again, Touched::Missing);

        let update = Update {
            ticket: b"another ticket".to_vec(),
            display_name: None,
        };
        give_up(patience(), store.update(&key, &update, 1, now)).await;
        let again = store.update(&key, &update, 1, now).await;
        let outcomes = [Updated::Updated { version: 2 }, Updated::Conflict];
        assert!(outcomes.contains(&again), "{again:?}");
        record = Record {
            clients: clients(["client1"]),
            ticket: update.ticket,
            display_name: None,
            version: 2,
            renewed: now,
            expires: now + HOUR,
            ..record
        };
        same_record(&store.found(&key, now).await, &record, "after all of that");

        let same = Continuity::SameSession;
        let new = next_of(&record, 2);
        give_up(patience(), store.replace(&key, &new, same, None, now)).await;
        let again = store.replace(&key, &new, same, None, now).await;
        assert_eq!(again, replaced(start(), &record.clients));
        assert_eq!(store.load(&key, None, now).await, Loaded::Gone);
        let next = Record {
            created: start(),
            clients: record.clients,
            ..new
        };
        same_record(&store.found(&next.key, now).await, &next, "signed in again");

        let (anew, other) = (Continuity::NewSession, self::record(&subject, 3));
        let limit = deny(1);
        give_up(patience(), store.replace(&key, &other, anew, limit, now)).await;
        let again = store.replace(&key, &other, anew, limit, now).await;
        assert!(matches!(again, Replaced::Replaced { .. }), "{again:?}");
        let live = store.find(&of_subject(&subject), 10, now).await;
        assert_eq!(live.len(), 1);
        same_record(&live[0], &other, "the other session");

        let end = End::because(EndReason::SignOut);
        give_up(patience(), store.delete(&other.key, end, now)).await;
        store.delete(&other.key, end, now).await;
        assert_eq!(store.load(&other.key, None, now).await, Loaded::Gone);
        assert_eq!(store.count(&of_subject(&subject).into(), now).await, 0);

        let mut expected = ends([&next], EndReason::Replaced, now);
        expected.extend(ends([&other], EndReason::SignOut, now));
        same_set_of_ends(&store.drain_log(now).await, &expected, "the log");
    }
}

/// An end that was taken by a caller that gave up before it had the answer comes again when its lease is over.
pub async fn s14_what_nobody_got_comes_again(store: impl SessionStore) {
    let store = Probe::new(store);
    let mut random = Random::of_seed(2);
    for round in 0..15 {
        let record = record("alice", round);
        store.put(&record).await;
        let end = End::because(EndReason::SignOut);
        store.delete(&record.key, end, start()).await;
        let patience = Duration::from_micros(random.below(1500) as u64);
        give_up(patience, store.take_ended(MINUTE, 10, start())).await;

        let later = at(MINUTE + SECOND);
        // Whoever gave up may have left an operation behind that holds the end until it is done.
        let mut taken = store.take_ended(MINUTE, 10, later).await;
        for _ in 0..100 {
            if taken.is_empty() {
                sleep(Duration::from_millis(20)).await;
                taken = store.take_ended(MINUTE, 10, later).await;
            }
        }
        let [taken] = &taken[..] else {
            panic!("one end is there to be taken: {taken:?}");
        };
        assert!([1, 2].contains(&taken.attempts), "{}", taken.attempts);
        let events = [taken.ended.event_id];
        give_up(patience, store.acknowledge(&events)).await;
        store.acknowledge(&events).await;
        let left = store.take_ended(MINUTE, 10, at(HOUR)).await;
        assert!(left.is_empty(), "{left:?}");
    }
}

/// Lets an operation run for a while, which may be enough.
async fn give_up<F: Future>(patience: Duration, operation: F) {
    let _ = timeout(patience, operation).await;
}
