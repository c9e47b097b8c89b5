//! What an administrator sees.

use super::{fixtures::*, probe::Probe};
use crate::store::{Deliveries, Delivery, DeliveryFilter, DeliveryState, LogoutOutbox, Outcome};

/// A fresh outbox is empty in every way of asking.
pub async fn o6_an_empty_outbox_has_nothing(outbox: impl LogoutOutbox) {
    let outbox = Probe::new(outbox);
    assert_eq!(outbox.counts().await, Deliveries::default());
    assert!(outbox.everything().await.is_empty());
    assert!(outbox.take_all(at(HOUR)).await.is_empty());
    assert_eq!(outbox.forget(at(HOUR)).await, 0);
}

/// Every combination of criteria finds what meets all of them, in the order of the list, and no more than was asked for.
pub async fn o6_every_filter_finds_what_it_means(outbox: impl LogoutOutbox) {
    let outbox = Probe::new(outbox);
    let everything = fill(&outbox).await;
    let some_of = |value: usize, bit: usize| value >> bit & 1 == 1;
    for pick in [0, 7, everything.len() - 1] {
        let like = &everything[pick];
        let other = &everything[(pick + 5) % everything.len()];
        for criteria in 0..32 {
            // Of the same delivery, so that something is found, and of two, so that perhaps nothing is.
            for state in [like.state, other.state] {
                let filter = DeliveryFilter {
                    event_id: some_of(criteria, 0).then_some(like.event_id),
                    session_id: some_of(criteria, 1).then_some(like.session_id),
                    subject: some_of(criteria, 2).then(|| like.subject.clone()),
                    client: some_of(criteria, 3).then(|| like.client.clone()),
                    state: some_of(criteria, 4).then_some(state),
                };
                let expected = everything
                    .iter()
                    .filter(|delivery| filter.matches(delivery));
                let expected: Vec<_> = expected.cloned().collect();
                assert_eq!(outbox.list(&filter, 100).await, expected, "{filter:?}");
                let first = outbox.list(&filter, 2).await;
                assert_eq!(first, expected[..expected.len().min(2)], "{filter:?}");
            }
        }
    }
    for filter in [
        DeliveryFilter {
            event_id: Some(event(99)),
            ..DeliveryFilter::default()
        },
        DeliveryFilter {
            session_id: Some(sid("another")),
            ..DeliveryFilter::default()
        },
        DeliveryFilter {
            subject: Some("x".repeat(255)),
            ..DeliveryFilter::default()
        },
        DeliveryFilter {
            subject: Some(String::new()),
            ..DeliveryFilter::default()
        },
        DeliveryFilter {
            client: Some(client("client")),
            ..DeliveryFilter::default()
        },
    ] {
        assert!(outbox.list(&filter, 100).await.is_empty(), "{filter:?}");
    }
}

/// The list is in the order in which deliveries were put in, the newest first; at one moment by end and then by client; and it ends at its limit.
pub async fn o6_the_newest_come_first(outbox: impl LogoutOutbox) {
    let outbox = Probe::new(outbox);
    let told = clients(["b", "a", "B", "\u{e9}", "c"]);
    for (number, now) in [(3, 20), (1, 10), (2, 10), (4, 30), (0, 20)] {
        let now = at(now * SECOND);
        outbox.put_in(&ended("alice", number), &told, now).await;
    }
    // A client that was forgotten at first is among the newest.
    outbox
        .put_in(&ended("alice", 1), &clients(["d"]), at(15 * SECOND))
        .await;
    let of = |number| ["B", "a", "b", "c", "\u{e9}"].map(|text| (event(number), client(text)));
    let mut expected = [4, 0, 3].map(of).concat();
    expected.push((event(1), client("d")));
    expected.extend([1, 2].map(of).concat());
    for limit in [1, 4, 5, 6, 17, 26, 27, usize::MAX] {
        let list = outbox.list(&DeliveryFilter::default(), limit).await;
        let list = list
            .into_iter()
            .map(|delivery| (delivery.event_id, delivery.client));
        let list: Vec<_> = list.collect();
        assert_eq!(list, expected[..limit.min(expected.len())], "{limit}");
    }
}

/// Each delivery is counted in the state that it is in, after every step.
pub async fn o6_counts_follow_every_step(outbox: impl LogoutOutbox) {
    let outbox = Probe::new(outbox);
    let told = clients(["client1"]);
    let counts = |pending, failed, delivered, given_up| Deliveries {
        pending,
        failed,
        delivered,
        given_up,
    };
    for number in 1..=4 {
        outbox
            .put_in(&ended("alice", number), &told, at(SECOND))
            .await;
    }
    assert_eq!(outbox.counts().await, counts(4, 0, 0, 0));
    let taken = outbox.take_all(at(SECOND)).await;
    assert_eq!(outbox.counts().await, counts(4, 0, 0, 0));
    let outcomes = [
        (Outcome::Delivered, counts(3, 0, 1, 0)),
        (given_up("refused"), counts(2, 0, 1, 1)),
        (failed("refused", at(MINUTE)), counts(1, 1, 1, 1)),
        (Outcome::PutBack, counts(1, 1, 1, 1)),
    ];
    for (taken, (outcome, expected)) in taken.iter().zip(outcomes) {
        let attempt = taken.settled(outcome);
        outbox
            .settle(std::slice::from_ref(&attempt), at(SECOND))
            .await;
        assert_eq!(outbox.counts().await, expected);
        outbox.settle(&[attempt], at(SECOND)).await;
        assert_eq!(outbox.counts().await, expected, "said again");
    }
    outbox.put_in(&ended("alice", 1), &told, at(HOUR)).await;
    assert_eq!(outbox.counts().await, counts(1, 1, 1, 1));
    let taken = outbox.take_all(at(HOUR)).await;
    assert_eq!(outbox.counts().await, counts(1, 1, 1, 1));
    outbox
        .settle(&all(&taken, &Outcome::Delivered), at(HOUR))
        .await;
    assert_eq!(outbox.counts().await, counts(0, 0, 3, 1));
    assert_eq!(outbox.forget(at(MINUTE)).await, 2);
    assert_eq!(outbox.counts().await, counts(0, 0, 2, 0));
}

/// Hosts may bring session ids of their own, so two subjects' sessions can have the same one.
pub async fn o6_two_sessions_may_have_one_id(outbox: impl LogoutOutbox) {
    let outbox = Probe::new(outbox);
    let (id, told) = (sid("the-same"), clients(["client1"]));
    for (number, subject) in [(1, "alice"), (2, "bob")] {
        let ended = ended_as(subject, number, id);
        assert_eq!(outbox.put_in(&ended, &told, at(SECOND)).await, 1);
    }
    let by_session = DeliveryFilter {
        session_id: Some(id),
        ..DeliveryFilter::default()
    };
    assert_eq!(outbox.list(&by_session, 10).await.len(), 2);
    let taken = outbox.take_all(at(SECOND)).await;
    let alices = taken.iter().find(|taken| taken.subject == "alice");
    let alices = alices.expect("she is among them");
    assert_eq!(
        outbox
            .settle(&[alices.settled(Outcome::Delivered)], at(SECOND))
            .await,
        1
    );
    for (subject, state) in [
        ("alice", DeliveryState::Delivered),
        ("bob", DeliveryState::Pending),
    ] {
        let filter = DeliveryFilter {
            subject: Some(subject.to_owned()),
            ..by_session.clone()
        };
        let found = outbox.list(&filter, 10).await;
        assert_eq!(found.len(), 1, "{subject}");
        assert_eq!(found[0].state, state, "{subject}");
    }
}

/// Deliveries of two users' sessions for some clients, in all states; and the list of them.
async fn fill(outbox: &Probe<impl LogoutOutbox>) -> Vec<Delivery> {
    let mut expected = Vec::new();
    for number in 0..8 {
        let subject = ["alice", "bob"][number as usize % 2];
        let session = ["one", "two", "shared"][number as usize % 3];
        let ended = ended_as(subject, number, sid(session));
        let told = clients(["client1", "client2", "client3"]);
        let now = at(SECOND * (1 + number as u32 / 2));
        outbox.put_in(&ended, &told, now).await;
        let (why, again) = ("refused", at(HOUR * (number as u32 + 1)));
        let taken = outbox.take_all(now).await;
        assert_eq!(taken.len(), 3);
        for taken in taken {
            let outcome = match (number as usize
                + taken.client.as_str().len() * 3
                + usize::from(taken.client.as_str().as_bytes()[6]))
                % 4
            {
                0 => Outcome::Delivered,
                1 => failed(why, again),
                2 => given_up(why),
                _ => continue,
            };
            assert_eq!(outbox.settle(&[taken.settled(outcome)], now).await, 1);
        }
        for client in told {
            let one = outbox.one(ended.event_id, &client).await;
            assert_eq!((one.attempts, one.created), (1, now));
            expected.push(one);
        }
    }
    expected.sort_by(|one, other| {
        let place = |of: &Delivery| (of.event_id, of.client.clone());
        other
            .created
            .cmp(&one.created)
            .then_with(|| place(one).cmp(&place(other)))
    });
    let states = DeliveryState::ALL.map(|state| expected.iter().any(|one| one.state == state));
    assert_eq!(states, [true; 4], "the case is to have all states");
    expected
}
