//! Clients that have enough to do.

use super::{fixtures::*, probe::Probe};
use crate::store::{LogoutOutbox, Outcome};

/// None of the clients that are excepted is taken, all others are, and nothing is noted for those that were passed by.
pub async fn o6_clients_that_have_enough_to_do_are_passed_by(outbox: impl LogoutOutbox) {
    let outbox = Probe::new(outbox);
    for number in 0..4 {
        let told = clients(["client1", "client2", "client3"]);
        outbox
            .put_in(&ended("alice", number), &told, at(SECOND))
            .await;
    }
    let taken = outbox
        .take_but(MINUTE, 100, &clients(["client1", "client3"]), at(SECOND))
        .await;
    assert_eq!(taken.len(), 4);
    assert!(
        taken.iter().all(|taken| taken.client == "client2"),
        "{taken:?}"
    );
    let nobody = numbered_clients("somebody else", 3);
    let taken = outbox.take_but(MINUTE, 100, &nobody, at(SECOND)).await;
    assert_eq!(taken.len(), 8);
    assert!(taken.iter().all(|taken| taken.attempt == 1), "{taken:?}");
}

/// There may be hundreds of them, with a thousand others.
pub async fn o6_hundreds_of_clients_can_be_passed_by(outbox: impl LogoutOutbox) {
    let outbox = Probe::new(outbox);
    let told = numbered_clients("client", 500);
    for number in 0..2 {
        outbox
            .put_in(&ended("alice", number), &told, at(SECOND))
            .await;
    }
    let (wanted, except) = (&told[250], [&told[..250], &told[251..]].concat());
    let taken = outbox.take_but(MINUTE, 100, &except, at(SECOND)).await;
    assert_eq!(taken.len(), 2);
    assert!(
        taken.iter().all(|taken| taken.client == *wanted),
        "{taken:?}"
    );
    assert!(
        outbox
            .take_but(MINUTE, 100, &told, at(SECOND))
            .await
            .is_empty()
    );
    assert_eq!(outbox.take_all(at(SECOND)).await.len(), 998);
}

/// Very many deliveries of a client that is passed by, all due for longer, don't hide one of another.
pub async fn o6_many_deliveries_of_one_client_hide_no_other(outbox: impl LogoutOutbox) {
    let outbox = Probe::new(outbox);
    for number in 0..250 {
        outbox
            .put_in(&ended("alice", number), &clients(["slow"]), at(SECOND))
            .await;
    }
    for number in 0..3 {
        outbox
            .put_in(&ended("alice", number), &clients(["quick"]), at(MINUTE))
            .await;
    }
    let except = clients(["slow"]);
    for _ in 0..3 {
        let taken = outbox.take_but(HOUR, 1, &except, at(MINUTE)).await;
        assert_eq!(taken.len(), 1);
        assert_eq!(taken[0].client, "quick");
        assert_eq!(
            outbox
                .settle(&all(&taken, &Outcome::Delivered), at(MINUTE))
                .await,
            1
        );
    }
    assert!(
        outbox
            .take_but(HOUR, 1, &except, at(MINUTE))
            .await
            .is_empty()
    );
}
