//! Statements that are composed for what is selected: pages, counts, and the end of many.
//!
//! Prepared statements are planned without their values after a few executions. So each statement is written such that one index fits
//! best, whatever the values are, and a `limit` is written out.

use std::time::SystemTime;

use sqlx::{Arguments, AssertSqlSafe, Encode, Postgres, Type, postgres::PgArguments, query};

use super::{
    rows::{RECORD, as_limit, to_millis},
    schema::Schema,
};
use crate::{
    error::StoreError,
    store::query::{Filter, NameMatch, Part, Query, Selection, end_of_prefix},
};

type Statement = query::Query<'static, Postgres, PgArguments>;

/// A part of the list of sessions: in the list's order, but from its end if the part is [newer](Part::NewerThan) than a place.
pub(super) fn page(
    schema: &Schema,
    query: &Query,
    now: SystemTime,
) -> Result<Statement, StoreError> {
    let mut values = Values::default();
    let now = values.place(to_millis(now))?;
    let Criteria { lead, first, rest } = Criteria::of(&mut values, query.selection.filter())?;
    let (beyond, order) = part(&mut values, &query.part)?;
    let live = format!("gone_until_ms is null and expires_ms > {now}{rest}{beyond}");
    let limit = as_limit(query.limit);
    let text = match lead {
        Lead::Name { looked_at } => include_str!("sql/page_by_name.sql")
            .replace("{few}", &FEW.to_string())
            .replace("{record}", RECORD)
            .replace("{first}", &first)
            .replace("{looked_at}", &looked_at)
            .replace("{live}", &live)
            .replace("{order}", order)
            .replace("{limit}", &limit.to_string()),
        _ => format!(
            "select {RECORD} from {{schema}}.sessions where {first} and {live} \
             order by {order} limit {limit}"
        ),
    };
    Ok(values.statement(schema, &text))
}

/// The number of sessions.
pub(super) fn count(
    schema: &Schema,
    selection: &Selection,
    now: SystemTime,
) -> Result<Statement, StoreError> {
    let mut values = Values::default();
    let now = values.place(to_millis(now))?;
    let Criteria { first, rest, .. } = Criteria::of(&mut values, selection.filter())?;
    let text = format!(
        "select count(*) from {{schema}}.sessions \
         where {first} and gone_until_ms is null and expires_ms > {now}{rest}"
    );
    Ok(values.statement(schema, &text))
}

/// The end of at most `max` sessions that need not be one subject's; `now`, until when they are remembered and `reason` are its first
/// values.
pub(super) fn delete(
    schema: &Schema,
    selection: &Selection,
    (now, gone_until, reason): (i64, i64, &str),
    max: u64,
) -> Result<Statement, StoreError> {
    let mut values = Values::default();
    values.place(now)?;
    values.place(gone_until)?;
    values.place(reason)?;
    let Criteria { lead, first, rest } = Criteria::of(&mut values, selection.filter())?;
    let text = include_str!("sql/delete_matching.sql")
        .replace("{criteria}", &format!("{first}{rest}"))
        .replace("{order}", lead.order())
        .replace("{limit}", &max.to_string());
    Ok(values.statement(schema, &text))
}

/// Values, and the places that they have in a statement.
#[derive(Default)]
struct Values(PgArguments);

impl Values {
    /// What stands for a value in the text.
    fn place<'q>(
        &mut self,
        value: impl Encode<'q, Postgres> + Type<Postgres>,
    ) -> Result<String, StoreError> {
        let added = self.0.add(value);
        added.map_err(|_| StoreError::new("a value is too large for PostgreSQL"))?;
        Ok(format!("${}", self.0.len()))
    }

    /// The text is our own: what came from elsewhere is among the values.
    fn statement(self, schema: &Schema, text: &str) -> Statement {
        sqlx::query_with(AssertSqlSafe(schema.sql(text)), self.0)
    }
}

/// A filter as conditions on a row.
struct Criteria {
    lead: Lead,
    /// What an index finds rows by.
    first: String,
    /// What rows are then looked at for: nothing, or more conditions with ` and ` before each.
    rest: String,
}

/// Which index the rows are found by.
enum Lead {
    SessionId,
    Subject,
    Name {
        /// The same condition, in a form that no index fits.
        looked_at: String,
    },
    Everyone,
}

impl Criteria {
    fn of(values: &mut Values, filter: Option<&Filter>) -> Result<Self, StoreError> {
        let session_id = filter.and_then(Filter::wanted_session_id);
        let session_id = session_id.map(|id| values.place(id.as_str())).transpose()?;
        let session_id = session_id.map(|value| format!("session_id = {value}"));
        let subject = filter.and_then(Filter::wanted_subject);
        let subject = subject.map(|subject| values.place(subject)).transpose()?;
        let subject = subject.map(|value| format!("subject = {value}"));
        let name = filter.and_then(Filter::wanted_name);
        let name = name.map(|name| Prefix::of(values, name)).transpose()?;
        let except = filter.and_then(Filter::excepted);
        let except = except.map(|id| values.place(id.as_str())).transpose()?;
        let except = except.map(|value| format!("session_id <> {value}"));

        let (lead, first, second, third) = match (session_id, subject, name) {
            (Some(session_id), subject, name) => {
                let name = name.map(|name| name.looked_at);
                (Lead::SessionId, session_id, subject, name)
            }
            (None, Some(subject), name) => {
                let name = name.map(|name| name.looked_at);
                (Lead::Subject, subject, None, name)
            }
            (None, None, Some(Prefix { range, looked_at })) => {
                (Lead::Name { looked_at }, range, None, None)
            }
            (None, None, None) => (Lead::Everyone, "true".to_owned(), None, None),
        };
        let rest = [second, third, except].into_iter().flatten();
        let rest = rest.map(|condition| format!(" and {condition}"));
        Ok(Self {
            lead,
            first,
            rest: rest.collect(),
        })
    }
}

impl Lead {
    /// The order in which the index has its rows, so that a few of them are taken from it and nothing else is looked at.
    fn order(&self) -> &'static str {
        match self {
            Self::SessionId => "session_id",
            Self::Name { .. } => "folded_name",
            Self::Subject => "subject, created_ms",
            Self::Everyone => "created_ms, session_id",
        }
    }
}

/// The condition that a folded name begins with a text, in two forms.
struct Prefix {
    /// As a range, for the index; so there is no pattern to escape.
    range: String,
    /// In a form that no index fits, and that the planner expects every other row to meet, so that it never reads all to find some.
    looked_at: String,
}

impl Prefix {
    fn of(values: &mut Values, name: &NameMatch) -> Result<Self, StoreError> {
        let prefix = beginning(name)?;
        let begin = values.place(prefix)?;
        let end = end_of_prefix(prefix).map(|end| values.place(end));
        let end = end
            .transpose()?
            .map(|end| format!(" and folded_name < {end}"));
        Ok(Self {
            range: format!("folded_name >= {begin}{}", end.unwrap_or_default()),
            looked_at: format!(
                "coalesce(left(folded_name, char_length({begin})) = {begin}, false)"
            ),
        })
    }
}

/// What a name is to begin with, which is all that is offered.
pub(super) fn beginning(name: &NameMatch) -> Result<&str, StoreError> {
    match name {
        NameMatch::BeginsWith(beginning) => Ok(beginning),
        NameMatch::Contains(_) => Err(StoreError::new(
            "the PostgreSQL store does not search within names",
        )),
    }
}

/// The condition for a part of the list, and the order from where the part begins.
fn part(values: &mut Values, part: &Part) -> Result<(String, &'static str), StoreError> {
    const NEWEST_FIRST: &str = "created_ms desc, session_id desc";
    let (compared, place, order) = match part {
        Part::Newest => return Ok((String::new(), NEWEST_FIRST)),
        Part::OlderThan(place) => ("<", place, NEWEST_FIRST),
        Part::NewerThan(place) => (">", place, "created_ms, session_id"),
    };
    let created = values.place(to_millis(place.created))?;
    let session_id = values.place(place.session_id.as_str())?;
    let beyond = format!(" and (created_ms, session_id) {compared} ({created}, {session_id})");
    Ok((beyond, order))
}

/// So many rows are sorted about as quickly as a page is met among a million in which there are so many.
const FEW: u32 = 4000;

#[cfg(test)]
mod tests {
    use super::*;

    /// What is put into the text is never what came from elsewhere.
    #[test]
    fn s10_texts_are_values() {
        let hostile = "'; drop table sessions; -- $1 {schema}";
        let filter = Filter::subject(hostile).unwrap();
        let filter = filter.and_name_begins_with(hostile).unwrap();
        let selection = Selection::Matching(filter);
        let schema = Schema::parse("s").unwrap();
        let now = SystemTime::now();
        let query = Query {
            selection: selection.clone(),
            part: Part::Newest,
            limit: 26,
        };
        for statement in [
            page(&schema, &query, now),
            count(&schema, &selection, now),
            delete(&schema, &selection, (0, 0, hostile), 10),
        ] {
            let text = sqlx::Execute::sql(statement.unwrap());
            assert!(!text.as_str().contains("drop"), "{}", text.as_str());
        }
    }
}
