//! Putting notifications in.

use super::{fixtures::*, probe::Probe};
use crate::store::{Delivery, DeliveryState, LogoutOutbox, Outcome};

/// What is put in stands in the list, waits for its first attempt, and is taken with all that is known of it.
pub async fn o6_what_is_put_in_is_due_at_once(outbox: impl LogoutOutbox) {
    let outbox = Probe::new(outbox);
    let ended = ended("alice", 1);
    let told = clients(["client1", "client2", "client3"]);
    assert_eq!(outbox.put_in(&ended, &told, at(SECOND)).await, 3);
    let expected = told.iter().map(|client| {
        let client = client.clone();
        Delivery::new(
            ended.event_id,
            client,
            "alice",
            ended.session_id,
            at(SECOND),
        )
    });
    assert_eq!(outbox.everything().await, Vec::from_iter(expected));

    let mut taken = outbox.take(MINUTE, 10, at(SECOND)).await;
    taken.sort_by(|one, other| one.client.cmp(&other.client));
    let seen: Vec<_> = taken.iter().map(|taken| taken.client.clone()).collect();
    assert_eq!(seen, told);
    for taken in taken {
        assert_eq!(taken.event_id, ended.event_id);
        assert_eq!(taken.subject, "alice");
        assert!(taken.session_id == ended.session_id, "another session");
        assert_eq!((taken.created, taken.attempt), (at(SECOND), 1));
    }
}

/// A delivery that is there already is not new, and only those that are not there yet are put in.
pub async fn o6_a_delivery_is_put_in_once(outbox: impl LogoutOutbox) {
    let outbox = Probe::new(outbox);
    let ended = ended("alice", 1);
    for (told, new) in [
        (vec!["client1", "client1"], 1),
        (vec!["client1"], 0),
        (vec!["client2", "client1", "client3", "client2"], 2),
        (vec!["client3", "client2", "client1"], 0),
    ] {
        let told: Vec<_> = told.into_iter().map(client).collect();
        assert_eq!(
            outbox.put_in(&ended, &told, at(MINUTE)).await,
            new,
            "{told:?}"
        );
    }
    assert_eq!(outbox.everything().await.len(), 3);
    assert_eq!(outbox.counts().await.pending, 3);
    assert_eq!(outbox.take_all(at(MINUTE)).await.len(), 3);
}

/// Whatever has become of a delivery meanwhile, it stays as it is when the news of its end comes again.
pub async fn o6_a_delivery_stays_as_it_is_when_its_news_comes_again(outbox: impl LogoutOutbox) {
    let outbox = Probe::new(outbox);
    let steps = [
        ("waiting", None),
        ("put back", Some(Outcome::PutBack)),
        ("failed", Some(failed("refused", at(10 * MINUTE)))),
        ("delivered", Some(Outcome::Delivered)),
        ("given up", Some(given_up("refused"))),
    ];
    for (number, (name, outcome)) in (1..).zip(steps) {
        let ended = ended("alice", number);
        let told = clients(["client1"]);
        outbox.put_in(&ended, &told, at(SECOND)).await;
        let taken = outbox.take_all(at(2 * SECOND)).await;
        if let Some(outcome) = outcome {
            let taken = taken.iter().find(|taken| taken.event_id == ended.event_id);
            let taken = taken.unwrap_or_else(|| panic!("{name}: nobody could take it"));
            let counted = outbox
                .settle(&[taken.settled(outcome)], at(3 * SECOND))
                .await;
            assert_eq!(counted, 1, "{name}");
        }
        let before = outbox.one(ended.event_id, &told[0]).await;
        for now in [at(SECOND), at(HOUR)] {
            assert_eq!(outbox.put_in(&ended, &told, now).await, 0, "{name}");
            assert_eq!(outbox.one(ended.event_id, &told[0]).await, before, "{name}");
        }
    }
}

/// An end that concerns no client puts nothing in.
pub async fn o6_nobody_to_be_told_is_nothing_to_do(outbox: impl LogoutOutbox) {
    let outbox = Probe::new(outbox);
    assert_eq!(outbox.put_in(&ended("alice", 1), &[], at(SECOND)).await, 0);
    assert!(outbox.everything().await.is_empty());
    assert!(outbox.take_all(at(HOUR)).await.is_empty());
}

/// A session may have had very many clients; each is told, once.
pub async fn o6_a_thousand_clients_are_told(outbox: impl LogoutOutbox) {
    let outbox = Probe::new(outbox);
    let ended = ended("alice", 1);
    let mut told = numbered_clients("client", 1000);
    assert_eq!(outbox.put_in(&ended, &told, at(SECOND)).await, 1000);
    assert_eq!(outbox.put_in(&ended, &told, at(SECOND)).await, 0);
    let taken = outbox.settle_all(&Outcome::Delivered, at(MINUTE)).await;
    told.sort();
    let names = names(&taken).into_iter().map(|(_, client)| client);
    assert_eq!(Vec::from_iter(names), told);
    assert_eq!(outbox.counts().await.delivered, 1000);
    let listed = outbox.everything().await;
    let listed: Vec<_> = listed.into_iter().map(|delivery| delivery.client).collect();
    assert_eq!(listed, told, "in the order of their ids");
}

/// One client may have to hear of several ends, and one end goes to several clients; each is a delivery of its own.
pub async fn o6_ends_are_told_apart(outbox: impl LogoutOutbox) {
    let outbox = Probe::new(outbox);
    let told = clients(["client1", "client2"]);
    for number in 1..=3 {
        let new = outbox
            .put_in(&ended("alice", number), &told, at(SECOND))
            .await;
        assert_eq!(new, 2);
    }
    let taken = outbox.take_all(at(SECOND)).await;
    assert_eq!(taken.len(), 6);
    let one = |number, client| {
        let of = |taken: &&crate::store::TakenDelivery| {
            taken.event_id == event(number) && taken.client == client
        };
        taken.iter().find(of).expect("all are there")
    };
    let settled = [
        one(1, "client1").settled(Outcome::Delivered),
        one(2, "client2").settled(given_up("refused")),
    ];
    assert_eq!(outbox.settle(&settled, at(MINUTE)).await, 2);
    for (number, states) in [
        (1, [DeliveryState::Delivered, DeliveryState::Pending]),
        (2, [DeliveryState::Pending, DeliveryState::GivenUp]),
        (3, [DeliveryState::Pending, DeliveryState::Pending]),
    ] {
        for (client, state) in told.iter().zip(states) {
            let delivery = outbox.one(event(number), client).await;
            assert_eq!(delivery.state, state, "{number} {client}");
        }
    }
}
