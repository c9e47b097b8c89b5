//! What must hold in every outbox that an earlier release has left behind, or that this one has added.

use axum_user_session::{
    id::ClientId,
    store::{Attempt, DeliveryFilter, DeliveryState, LogoutOutbox, Outcome, TakenDelivery},
};

use super::{Opened, Place};
use crate::{
    seen::ListedDelivery,
    support::{HOUR, MINUTE},
};

pub(crate) async fn o6_deliveries_are_read<P: Place>(opened: &mut Opened<P>) {
    let (name, outbox) = (&opened.name, opened.place.store());
    let expected = &opened.fixture.deliveries;
    let everything = DeliveryFilter::default();
    assert_eq!(
        &listed_deliveries(&outbox, &everything).await,
        expected,
        "{name}"
    );
    let mut counts = outbox.count_deliveries().await.unwrap();
    for state in DeliveryState::ALL {
        let mut of_state = expected.clone();
        of_state.retain(|delivery| delivery.state == state.as_str());
        assert_eq!(*counts.of(state), of_state.len() as u64, "{name}: {state}");
        let filter = DeliveryFilter {
            state: Some(state),
            ..DeliveryFilter::default()
        };
        assert_eq!(
            listed_deliveries(&outbox, &filter).await,
            of_state,
            "{name}: {state}"
        );
    }
}

/// What was not settled is taken when it is due or its lease is over, told, and forgotten.
pub(crate) async fn o6_deliveries_go_on<P: Place>(opened: &mut Opened<P>) {
    let (name, outbox, clock) = (&opened.name, opened.place.store(), &opened.site.lab.clock);
    let mut waiting = opened.fixture.deliveries.clone();
    waiting.retain(|delivery| delivery.settled_ms.is_none());
    waiting.sort_by_key(|delivery| (delivery.event_id.clone(), delivery.client.clone()));
    let (due, later): (Vec<_>, Vec<_>) = waiting
        .into_iter()
        .partition(|delivery| delivery.due_ms.unwrap() <= opened.fixture.at_ms);
    for expected in [due, later] {
        let now = opened.site.lab.now();
        let mut taken = outbox.take_due(MINUTE, 100, &[], now).await.unwrap();
        taken.sort_by_key(|taken| (taken.event_id.to_string(), taken.client.clone()));
        let names = taken.iter().map(name_of);
        let expected = expected.into_iter().map(|delivery| {
            let attempt = delivery.attempts + 1;
            (
                delivery.event_id,
                delivery.client,
                delivery.subject,
                attempt,
            )
        });
        assert!(names.eq(expected), "{name}: {taken:?}");
        let told = |taken: &TakenDelivery| taken.settled(Outcome::Delivered);
        let told: Vec<Attempt> = taken.iter().map(told).collect();
        let settled = outbox.settle(&told, now).await.unwrap();
        assert_eq!(settled, told.len() as u64, "{name}");
        clock.advance(HOUR);
    }
    let mut counts = outbox.count_deliveries().await.unwrap();
    let waiting = *counts.of(DeliveryState::Pending) + *counts.of(DeliveryState::Failed);
    assert_eq!(waiting, 0, "{name}");
    let forgotten = outbox.forget_settled(opened.site.lab.now()).await.unwrap();
    assert_eq!(forgotten, opened.fixture.deliveries.len() as u64, "{name}");
}

/// An end of before the upgrade that nobody has dealt with reaches its clients, each once.
pub(crate) async fn o6_ends_of_before_are_put_in<P: Place>(opened: &mut Opened<P>) {
    let (name, outbox, now) = (&opened.name, opened.place.store(), opened.site.lab.now());
    let known = &opened.fixture.deliveries;
    for end in &opened.fixture.ends {
        let clients = end
            .clients
            .iter()
            .map(|client| ClientId::parse(client).unwrap());
        let clients: Vec<_> = clients.collect();
        let is_known = |client: &&String| {
            let of_it = |known: &ListedDelivery| known.event_id == end.event_id;
            known
                .iter()
                .any(|known| of_it(known) && known.client == **client)
        };
        let new = end
            .clients
            .iter()
            .filter(|client| !is_known(client))
            .count();
        for expected in [new as u64, 0] {
            let put_in = outbox.put_in(&end.ended(), &clients, now).await.unwrap();
            assert_eq!(put_in, expected, "{name}: {}", end.event_id);
        }
    }
}

fn name_of(taken: &TakenDelivery) -> (String, String, String, u32) {
    (
        taken.event_id.to_string(),
        taken.client.to_string(),
        taken.subject.clone(),
        taken.attempt,
    )
}

pub(crate) async fn listed_deliveries(
    outbox: &impl LogoutOutbox,
    filter: &DeliveryFilter,
) -> Vec<ListedDelivery> {
    let deliveries = outbox.deliveries(filter, 100).await.unwrap();
    deliveries.iter().map(ListedDelivery::from).collect()
}
