//! What an administrator sees of the outbox.

use rusqlite::{Connection, Row, params_from_iter, types::Value};

use super::row::{Client, Sid, Time, other, readable, row_limit};
use crate::{
    ended::EventId,
    store::delivery::{Deliveries, Delivery, DeliveryFilter, DeliveryState},
};

pub(super) fn list(
    connection: &Connection,
    filter: &DeliveryFilter,
    limit: usize,
) -> rusqlite::Result<Vec<Delivery>> {
    let (sql, values) = search_for(filter, limit);
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(params_from_iter(&values))?;
    let mut deliveries = Vec::new();
    while let Some(row) = rows.next()? {
        deliveries.extend(readable(delivery(row)));
    }
    Ok(deliveries)
}

pub(super) fn count(connection: &Connection) -> rusqlite::Result<Deliveries> {
    let sql = "SELECT count(*) FROM deliveries INDEXED BY deliveries_by_state WHERE state = ?1";
    let mut statement = connection.prepare_cached(sql)?;
    let mut counts = Deliveries::default();
    for state in DeliveryState::ALL {
        let count = statement.query_row([state.as_str()], |row| row.get::<_, i64>(0))?;
        *counts.of(state) = count.unsigned_abs();
    }
    Ok(counts)
}

/// Whether an index leads to a few deliveries.
pub(super) fn is_quick(filter: &DeliveryFilter) -> bool {
    filter.event_id.is_some() || filter.session_id.is_some() || filter.subject.is_some()
}

/// A statement, with its values. The index is named, because without statistics SQLite may take another one.
fn search_for(filter: &DeliveryFilter, limit: usize) -> (String, Vec<Value>) {
    let DeliveryFilter {
        event_id,
        session_id,
        subject,
        client,
        state,
    } = filter;
    // The first that is asked for is what the rows are found by: it has the fewest.
    let criteria: [(_, _, Option<Value>); 5] = [
        (
            "deliveries_by_name",
            "event = ?",
            event_id.map(|id| id.as_bytes().to_vec().into()),
        ),
        (
            "deliveries_by_session_id",
            "session_id = ?",
            session_id.map(|id| id.as_str().to_owned().into()),
        ),
        (
            "deliveries_by_subject",
            "subject = ?",
            subject.clone().map(Value::from),
        ),
        (
            "deliveries_by_client",
            "client = ?",
            client
                .as_ref()
                .map(|client| client.as_str().to_owned().into()),
        ),
        (
            "deliveries_by_state",
            "state = ?",
            state.map(|state| state.as_str().to_owned().into()),
        ),
    ];
    let wanted = criteria
        .into_iter()
        .filter_map(|(index, term, value)| Some((index, term, value?)));
    let (mut first, mut terms, mut values) = (None, Vec::new(), Vec::new());
    for (index, term, value) in wanted {
        first.get_or_insert(index);
        terms.push(term);
        values.push(value);
    }
    let index = first.unwrap_or("deliveries_by_creation");
    let mut sql = format!("SELECT {COLUMNS} FROM deliveries INDEXED BY {index}");
    if !terms.is_empty() {
        sql.push_str(" WHERE ");
        sql.push_str(&terms.join(" AND "));
    }
    sql.push_str(" ORDER BY created DESC, event, client LIMIT ?");
    values.push(row_limit(limit).into());
    (sql, values)
}

fn delivery(row: &Row<'_>) -> rusqlite::Result<Delivery> {
    let mut delivery = Delivery::new(
        EventId::new(row.get(0)?),
        row.get::<_, Client>(1)?.0,
        row.get::<_, String>(2)?,
        row.get::<_, Sid>(3)?.0,
        row.get::<_, Time>(4)?.0,
    );
    delivery.state = row.get_ref(5)?.as_str()?.parse().map_err(other)?;
    delivery.attempts = row.get(6)?;
    delivery.due = row.get::<_, Option<Time>>(7)?.map(|time| time.0);
    delivery.settled = row.get::<_, Option<Time>>(8)?.map(|time| time.0);
    delivery.failure = row.get(9)?;
    Ok(delivery)
}

const COLUMNS: &str =
    "event, client, subject, session_id, created, state, attempts, free_from, settled, failure";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        id::{ClientId, SessionId},
        store::sqlite::schema,
    };

    #[test]
    fn o6_every_list_is_found_by_an_index() {
        let connection = Connection::open_in_memory().unwrap();
        schema::migrate(&connection).unwrap();
        let everything = DeliveryFilter::default();
        let all = DeliveryFilter {
            event_id: Some(EventId::new([0; EventId::LEN])),
            session_id: Some(SessionId::parse("s").unwrap()),
            subject: Some("alice".to_owned()),
            client: Some(ClientId::parse("client1").unwrap()),
            state: Some(DeliveryState::GivenUp),
        };
        let sorted = "; USE TEMP B-TREE FOR ORDER BY";
        for (name, filter, expected) in [
            (
                "all of them",
                everything.clone(),
                "SCAN deliveries USING INDEX deliveries_by_creation".to_owned(),
            ),
            (
                "a state",
                DeliveryFilter {
                    state: all.state,
                    ..everything.clone()
                },
                "SEARCH deliveries USING INDEX deliveries_by_state (state=?)".to_owned(),
            ),
            (
                "a client and a state",
                DeliveryFilter {
                    client: all.client.clone(),
                    state: all.state,
                    ..everything.clone()
                },
                "SEARCH deliveries USING INDEX deliveries_by_client (client=?)".to_owned(),
            ),
            (
                "a subject",
                DeliveryFilter {
                    subject: all.subject.clone(),
                    ..everything.clone()
                },
                format!("SEARCH deliveries USING INDEX deliveries_by_subject (subject=?){sorted}"),
            ),
            (
                "a session",
                DeliveryFilter {
                    session_id: all.session_id,
                    ..everything.clone()
                },
                format!(
                    "SEARCH deliveries USING INDEX deliveries_by_session_id (session_id=?){sorted}"
                ),
            ),
            (
                "everything",
                all,
                "SEARCH deliveries USING INDEX deliveries_by_name (event=? AND client=?)"
                    .to_owned(),
            ),
        ] {
            let (sql, values) = search_for(&filter, 25);
            let mut statement = connection
                .prepare(&format!("EXPLAIN QUERY PLAN {sql}"))
                .unwrap();
            let steps = statement.query_map(params_from_iter(&values), |row| row.get(3));
            let steps: Vec<String> = steps.unwrap().map(Result::unwrap).collect();
            assert_eq!(steps.join("; "), expected, "{name}");
        }
    }
}
