//! What an administrator sees of the outbox.

use sqlx::{AssertSqlSafe, Postgres, postgres::PgArguments, query::Query};

use super::{
    rows::{Columns, as_limit, from_millis},
    schema::Schema,
};
use crate::{
    ended::EventId,
    id::{ClientId, SessionId},
    store::delivery::{Delivery, DeliveryFilter},
};

/// A statement for the deliveries that meet a filter.
pub(super) fn list(
    schema: &Schema,
    filter: &DeliveryFilter,
    limit: usize,
) -> Query<'static, Postgres, PgArguments> {
    let text = text_of(filter, limit);
    let mut statement = sqlx::query(AssertSqlSafe(schema.sql(&text)));
    if let Some(id) = filter.event_id {
        statement = statement.bind(id.as_bytes().to_vec());
    }
    if let Some(id) = filter.session_id {
        statement = statement.bind(id.as_str().to_owned());
    }
    if let Some(subject) = &filter.subject {
        statement = statement.bind(subject.clone());
    }
    if let Some(client) = &filter.client {
        statement = statement.bind(client.as_str().to_owned());
    }
    if let Some(state) = filter.state {
        statement = statement.bind(state.as_str());
    }
    statement
}

/// The text, in which the values stand in the order of the filter's fields.
fn text_of(filter: &DeliveryFilter, limit: usize) -> String {
    let criteria = [
        ("event_id", filter.event_id.is_some()),
        ("session_id", filter.session_id.is_some()),
        ("subject", filter.subject.is_some()),
        ("client", filter.client.is_some()),
        ("state", filter.state.is_some()),
    ];
    let wanted = criteria.iter().filter(|(_, wanted)| *wanted);
    let mut terms: Vec<_> = (1..)
        .zip(wanted)
        .map(|(place, (column, _))| format!("{column} = ${place}"))
        .collect();
    // Of one end, session or subject there are few. With this offset these are planned by themselves, and so by their index; without, the
    // planner may go through the list of all until it has met enough of them.
    let are_few = criteria[..3].iter().any(|(_, wanted)| *wanted);
    let from = match are_few {
        true => {
            let first = terms.remove(0);
            format!("(select * from {{schema}}.deliveries where {first} offset 0) as few")
        }
        false => "{schema}.deliveries".to_owned(),
    };
    let rest = match terms.is_empty() {
        true => String::new(),
        false => format!("where {}", terms.join(" and ")),
    };
    let limit = as_limit(limit);
    format!(
        "select {DELIVERY} from {from} {rest} order by created_ms desc, event_id, client limit {limit}"
    )
}

/// Reads a row of these columns; none if somebody has written to the table what no delivery can be.
pub(super) fn delivery(mut row: Columns<'_>) -> Result<Option<Delivery>, sqlx::Error> {
    let event_id: &[u8] = row.next()?;
    let client: &str = row.next()?;
    let subject: &str = row.next()?;
    let session_id: &str = row.next()?;
    let created = row.time()?;
    let state: &str = row.next()?;
    let attempts: i32 = row.next()?;
    let due: Option<i64> = row.next()?;
    let settled: Option<i64> = row.next()?;
    let failure: Option<String> = row.next()?;
    let delivery = || {
        let mut delivery = Delivery::new(
            EventId::new(event_id.try_into().ok()?),
            ClientId::parse(client).ok()?,
            subject,
            SessionId::parse(session_id).ok()?,
            created,
        );
        delivery.state = state.parse().ok()?;
        delivery.attempts = attempts.try_into().ok()?;
        delivery.due = due.map(from_millis);
        delivery.settled = settled.map(from_millis);
        delivery.failure = failure;
        Some(delivery)
    };
    Ok(delivery())
}

const DELIVERY: &str = "event_id, client, subject, session_id, created_ms, state, attempts, free_from_ms, settled_ms, failure";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::delivery::DeliveryState;

    #[test]
    fn o6_values_stand_in_the_order_of_the_fields() {
        let everything = DeliveryFilter::default();
        let some = DeliveryFilter {
            subject: Some("alice".to_owned()),
            state: Some(DeliveryState::GivenUp),
            ..everything.clone()
        };
        let state = DeliveryFilter {
            state: Some(DeliveryState::GivenUp),
            ..everything.clone()
        };
        for (name, filter, expected) in [
            ("everything", everything, "from {schema}.deliveries  order"),
            (
                "a state",
                state,
                "from {schema}.deliveries where state = $1 order",
            ),
            (
                "a subject and a state",
                some,
                "where subject = $1 offset 0) as few where state = $2 order",
            ),
        ] {
            let text = text_of(&filter, 25);
            assert!(text.contains(expected), "{name}: {text}");
        }
    }
}
