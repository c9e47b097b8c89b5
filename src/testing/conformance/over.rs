//! Ended means ended: what can be asked of a session that is over, however it ended.

use super::{
    at_once::both_at_once, compare::same_set_of_ends, fixtures::*, probe::Probe, ways_to_end::Way,
};
use crate::{
    ended::EndReason,
    store::{
        ClientAdded, ClientRemoved, Continuity, Created, End, Filter, Loaded, Record, Replaced,
        Selection, SessionStore, Touched, Update, Updated,
    },
};

/// However a session ended, no operation on its key brings it back, shows it or ends it again.
pub async fn s6_ended_means_ended(store: impl SessionStore) {
    let store = Probe::new(store);
    for (round, way) in Way::ALL.into_iter().enumerate() {
        let number = 10 * round;
        let record = record(&format!("subject {round}"), number);
        store.put(&record).await;
        way.end(&store, &record, number).await;
        let now = way.time();
        let update = Update {
            ticket: b"late".to_vec(),
            display_name: None,
        };

        for touch in [None, Some(touch(now))] {
            let loaded = store.load(&record.key, touch, now).await;
            assert_eq!(loaded, Loaded::Gone, "{way:?}");
        }
        let touched = store.touch(&record.key, touch(now), now).await;
        assert_eq!(touched, Touched::Missing, "{way:?}");
        for version in 0..3 {
            let updated = store.update(&record.key, &update, version, now).await;
            assert_eq!(updated, Updated::Missing, "{way:?}");
        }
        let added = store.add_client(&record.key, &client("late"), now).await;
        assert_eq!(added, ClientAdded::Missing, "{way:?}");
        let removed = store.remove_client(&record.key, &client("late"), now).await;
        assert_eq!(removed, ClientRemoved::Missing, "{way:?}");
        let next = next_of(&record, number + 5);
        let same = Continuity::SameSession;
        let answer = store.replace(&record.key, &next, same, None, now).await;
        assert_eq!(answer, Replaced::Missing, "{way:?}");
        let answer = store.create(&record, None, now).await;
        assert_eq!(answer, Created::Exists, "{way:?}");
        for end in [End::because(EndReason::SignOut), End::if_expired()] {
            let ended = store.delete(&record.key, end, now).await;
            assert_eq!(ended, None, "{way:?}");
        }

        let one = Filter::session_id(record.session_id);
        assert!(store.find(&one, 10, now).await.is_empty(), "{way:?}");
        assert_eq!(store.count(&one.clone().into(), now).await, 0, "{way:?}");
        let revoked = store
            .delete_matching(&one.into(), EndReason::Revoked, 10, now)
            .await;
        assert_eq!(revoked, 0, "{way:?}");
        let live = store.count(&of_subject(&record.subject).into(), now).await;
        assert_eq!(live, u64::from(way.is_followed()), "{way:?}");
        let expired = store.take_expired(10, now).await;
        assert!(expired.is_empty(), "{way:?}");

        // After all of that it is still remembered from when it ended.
        let loaded = store.load(&record.key, None, now + MINUTE - MS).await;
        assert_eq!(loaded, Loaded::Gone, "{way:?}");
        let loaded = store.load(&record.key, None, now + MINUTE + MS).await;
        assert_eq!(loaded, Loaded::Missing, "{way:?}");
        let selection = of_subject(&record.subject).into();
        store
            .delete_matching(&selection, EndReason::Revoked, 10, now)
            .await;
    }
}

/// However a session ends, one entry tells of it: who, which session, its name and clients at the end, why, when, and the name of the event.
pub async fn s14_every_end_is_told_once(store: impl SessionStore) {
    let store = Probe::new(store);
    for (round, way) in Way::ALL.into_iter().enumerate() {
        let number = 10 * round;
        let subject = format!("subject {round}");
        let mut record = Record {
            clients: clients(["zebra", "alpha"]),
            ..record(&subject, number)
        };
        store.put(&record).await;
        // What changed since it was created counts.
        store
            .add_client(&record.key, &client("late"), start())
            .await;
        store
            .remove_client(&record.key, &client("alpha"), start())
            .await;
        record.clients = clients(["zebra", "late"]);
        if !matches!(way, Way::SignOutThroughAnOldKey) {
            let update = Update {
                ticket: vec![],
                display_name: Some("Another Name".to_owned()),
            };
            store.update(&record.key, &update, 1, start()).await;
            record.display_name = update.display_name;
        }
        let told = way.end(&store, &record, number).await;
        let ended = match way {
            Way::SignOutThroughAnOldKey => Record {
                clients: record.clients,
                ..next_of(&self::record(&subject, number), number + 1)
            },
            _ => record,
        };
        let expected = [ended.ended(way.reason(), way.time())];
        let what = format!("{way:?}");
        same_set_of_ends(&[told], &expected, &what);
        same_set_of_ends(&store.drain_log(way.time()).await, &expected, &what);
        let selection = of_subject(&subject).into();
        store
            .delete_matching(&selection, EndReason::Revoked, 10, way.time())
            .await;
        store.drain_log(way.time()).await;
    }
}

/// However a session ends, a sign-in at the same moment goes on with it before, and the end is that of the new record, or finds it missing.
/// In the end there is no record of the session.
pub async fn s6_every_end_meets_a_sign_in(store: impl SessionStore) {
    let store = Probe::new(store);
    let ways = [
        Way::SignOut,
        Way::RevokedBySubject,
        Way::RevokedBySession,
        Way::RevokedWithEveryone,
    ];
    let mut number = 0;
    for way in ways.into_iter().cycle().take(40) {
        number += 10;
        let subject = format!("subject {number}");
        let old = record(&subject, number);
        store.put(&old).await;
        let new = next_of(&old, number + 1);
        let (signer, key, to_come) = (store.clone(), old.key, new.clone());
        let now = at(SECOND);
        let signing_in = async move {
            let same = Continuity::SameSession;
            signer.replace(&key, &to_come, same, None, now).await
        };
        let (ender, to_end) = (store.clone(), old.clone());
        let ending = async move {
            let reason = EndReason::Revoked;
            let selection = match way {
                Way::RevokedBySubject => of_subject(&to_end.subject).into(),
                Way::RevokedBySession => Filter::session_id(to_end.session_id).into(),
                Way::RevokedWithEveryone => Selection::Everyone,
                _ => {
                    let ended = ender.delete(&key, End::because(reason), now).await;
                    return ended.into_iter().count() as u64;
                }
            };
            ender.delete_matching(&selection, reason, 10, now).await
        };
        let (answer, ended) = both_at_once(signing_in, ending).await;
        let outcomes = [Replaced::Missing, replaced(start(), &[])];
        assert!(outcomes.contains(&answer), "{way:?}: {answer:?}");
        let there = store.find(&of_subject(&subject), 10, now).await;
        assert!(
            there.is_empty(),
            "{way:?} left a session that signed in again meanwhile"
        );
        assert_eq!(ended, 1, "{way:?} ended the session");
        assert_eq!(
            store.load(&old.key, None, now).await,
            Loaded::Gone,
            "{way:?}"
        );
        let expected = if answer == Replaced::Missing {
            old
        } else {
            new
        };
        let expected = [expected.ended(EndReason::Revoked, now)];
        same_set_of_ends(&store.drain_log(now).await, &expected, &format!("{way:?}"));
    }
}
