//! Lists of records, and what is done with many of them.

use std::time::SystemTime;

use rusqlite::{Connection, params, params_from_iter, types::Value};

use super::{
    records::{end, select},
    row::{Time, columns, readable, record, row_limit},
};
use crate::{
    ended::{EndReason, Ended},
    store::{
        query::{Filter, NameMatch, Part, Position, Query, Selection, end_of_prefix},
        record::Record,
    },
};

/// What a statement asks for, with the values that are bound to it.
struct Search {
    index: Option<&'static str>,
    terms: Vec<&'static str>,
    values: Vec<Value>,
}

impl Search {
    fn new(selection: &Selection) -> Self {
        let mut search = Self {
            index: None,
            terms: Vec::new(),
            values: Vec::new(),
        };
        if let Some(filter) = selection.filter() {
            search.narrow(filter);
        }
        search
    }

    fn narrow(&mut self, filter: &Filter) {
        // The first that is asked for is what the rows are found by: it has the fewest.
        if let Some(id) = filter.wanted_session_id() {
            self.find_by("sessions_by_session_id");
            self.term("session_id = ?", id.as_str().to_owned());
        }
        if let Some(subject) = filter.wanted_subject() {
            self.find_by("sessions_by_subject");
            self.term("subject = ?", subject.to_owned());
        }
        match filter.wanted_name() {
            None => {}
            Some(NameMatch::BeginsWith(text)) => {
                self.find_by("sessions_by_name");
                self.term("folded_name >= ?", text.clone());
                if let Some(end) = end_of_prefix(text) {
                    self.term("folded_name < ?", end);
                }
            }
            Some(NameMatch::Contains(text)) => self.term("instr(folded_name, ?) > 0", text.clone()),
        }
        if let Some(id) = filter.excepted() {
            self.term("session_id <> ?", id.as_str().to_owned());
        }
    }

    fn find_by(&mut self, index: &'static str) {
        self.index.get_or_insert(index);
    }

    fn term(&mut self, term: &'static str, value: impl Into<Value>) {
        self.terms.push(term);
        self.values.push(value.into());
    }

    fn position(&mut self, term: &'static str, place: &Position) {
        self.term(term, Time(place.created).millis());
        self.values
            .push(place.session_id.as_str().to_owned().into());
    }

    /// A statement for what has been gathered. The index is named, because without statistics SQLite may take another one.
    fn statement(&self, columns: &str, then: &str) -> String {
        let mut sql = format!("SELECT {columns} FROM sessions");
        if let Some(index) = self.index {
            sql.push_str(" INDEXED BY ");
            sql.push_str(index);
        }
        for (index, term) in self.terms.iter().enumerate() {
            sql.push_str(if index == 0 { " WHERE " } else { " AND " });
            sql.push_str(term);
        }
        sql.push_str(then);
        sql
    }
}

pub(super) fn query(
    connection: &Connection,
    query: &Query,
    now: SystemTime,
) -> rusqlite::Result<Vec<Record>> {
    let (search, order) = search_for(query, now);
    let mut statement = connection.prepare_cached(&search.statement(columns!(), order))?;
    let mut rows = statement.query(params_from_iter(&search.values))?;
    let mut records = Vec::new();
    while let Some(row) = rows.next()? {
        records.extend(readable(record(row)));
    }
    if let Part::NewerThan(_) = query.part {
        records.reverse();
    }
    Ok(records)
}

/// What a part of a list is searched by, and in which order.
fn search_for(query: &Query, now: SystemTime) -> (Search, &'static str) {
    let mut search = Search::new(&query.selection);
    search.find_by("sessions_by_creation");
    search.term("expires > ?", Time(now).millis());
    let newest_first = " ORDER BY created DESC, session_id DESC LIMIT ?";
    let order = match &query.part {
        Part::Newest => newest_first,
        Part::OlderThan(place) => {
            search.position("(created, session_id) < (?, ?)", place);
            newest_first
        }
        Part::NewerThan(place) => {
            search.position("(created, session_id) > (?, ?)", place);
            " ORDER BY created, session_id LIMIT ?"
        }
    };
    search.values.push(row_limit(query.limit).into());
    (search, order)
}

pub(super) fn count(
    connection: &Connection,
    selection: &Selection,
    now: SystemTime,
) -> rusqlite::Result<u64> {
    let mut search = Search::new(selection);
    if *selection == Selection::Everyone {
        search.find_by("sessions_by_expiry");
    }
    search.term("expires > ?", Time(now).millis());
    let mut statement = connection.prepare_cached(&search.statement("count(*)", ""))?;
    let count =
        statement.query_row(params_from_iter(&search.values), |row| row.get::<_, i64>(0))?;
    Ok(count.cast_unsigned())
}

/// Ends records of a selection, expired or not, at most `max`, and gives how many.
pub(super) fn end_matching(
    connection: &Connection,
    selection: &Selection,
    reason: EndReason,
    max: usize,
    now: SystemTime,
) -> rusqlite::Result<u64> {
    let mut search = Search::new(selection);
    let sql = search.statement(columns!(), " LIMIT ?");
    let mut left = max;
    while left > 0 {
        let chunk = left.min(CHUNK);
        search.values.push(row_limit(chunk).into());
        let selected = select(connection, &sql, params_from_iter(&search.values))?;
        search.values.pop();
        let gone = selected.records.len() + selected.senseless;
        for stored in selected.records {
            end(connection, stored, reason, now)?;
        }
        left -= gone;
        if gone < chunk {
            break;
        }
    }
    Ok((max - left) as u64)
}

/// Ends records that have expired, at most `max`, the first of them first.
pub(super) fn end_expired(
    connection: &Connection,
    max: usize,
    now: SystemTime,
) -> rusqlite::Result<Vec<Ended>> {
    let sql = concat!(
        "SELECT ",
        columns!(),
        " FROM sessions INDEXED BY sessions_by_expiry WHERE expires <= ?1 ORDER BY expires LIMIT ?2"
    );
    let expired = select(connection, sql, params![Time(now), row_limit(max)])?;
    let expired = expired.records.into_iter();
    expired
        .map(|stored| end(connection, stored, EndReason::Expired, now))
        .collect()
}

/// The most records that are held in memory to be ended.
const CHUNK: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{id::SessionId, store::sqlite::schema};

    /// The plan that SQLite makes for a statement.
    fn plan(sql: &str, search: &Search) -> String {
        let connection = Connection::open_in_memory().unwrap();
        schema::migrate(&connection).unwrap();
        let sql = format!("EXPLAIN QUERY PLAN {sql}");
        let mut statement = connection.prepare(&sql).unwrap();
        let steps = statement.query_map(params_from_iter(&search.values), |row| row.get(3));
        let steps: Vec<String> = steps.unwrap().map(Result::unwrap).collect();
        steps.join("; ")
    }

    #[test]
    fn s10_every_list_is_found_by_an_index() {
        let id = SessionId::parse("s").unwrap();
        let subject = Filter::subject("alice").unwrap();
        let place = Position {
            created: std::time::UNIX_EPOCH,
            session_id: id,
        };
        let by_name =
            "sessions_by_name (folded_name>? AND folded_name<?); USE TEMP B-TREE FOR ORDER BY";
        for (name, selection, newest, older) in [
            (
                "everyone",
                Selection::Everyone,
                "SCAN sessions USING INDEX sessions_by_creation",
                "sessions_by_creation ((created,session_id)<(?,?))",
            ),
            (
                "subject",
                subject.clone().into(),
                "sessions_by_subject (subject=?)",
                "sessions_by_subject (subject=? AND (created,session_id)<(?,?))",
            ),
            (
                "subject and name",
                subject.clone().and_name_begins_with("a").unwrap().into(),
                "sessions_by_subject (subject=?)",
                "sessions_by_subject (subject=? AND (created,session_id)<(?,?))",
            ),
            (
                "session id and subject",
                subject.and_session_id(id).into(),
                "sessions_by_session_id (session_id=?); USE TEMP B-TREE FOR ORDER BY",
                "sessions_by_session_id (session_id=?); USE TEMP B-TREE FOR ORDER BY",
            ),
            (
                "beginning of a name",
                Filter::name_begins_with("a").unwrap().into(),
                by_name,
                by_name,
            ),
            (
                "part of a name",
                Filter::name_contains("a").unwrap().into(),
                "SCAN sessions USING INDEX sessions_by_creation",
                "sessions_by_creation ((created,session_id)<(?,?))",
            ),
        ] {
            for (part, expected) in [(Part::Newest, newest), (Part::OlderThan(place), older)] {
                let query = Query {
                    selection: selection.clone(),
                    part,
                    limit: 25,
                };
                let (search, order) = search_for(&query, std::time::UNIX_EPOCH);
                let plan = plan(&search.statement(columns!(), order), &search);
                assert!(plan.ends_with(expected), "{name}: {plan}");
            }
        }
    }
}
