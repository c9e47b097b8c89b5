//! The statements that are the same for every call. Those with a selection are composed in [`lists`](super::lists).

use std::sync::Arc;

use sqlx::{AssertSqlSafe, Postgres, postgres::PgArguments, query::Query};

use super::{
    rows::{ENDED, RECORD, as_limit},
    schema::Schema,
};

/// The text of a statement, which every connection prepares once.
#[derive(Clone)]
pub(super) struct Statement(Arc<str>);

impl Statement {
    /// Our own text, with nothing in it that came from elsewhere but the name of the schema, which is quoted.
    pub(super) fn new(schema: &Schema, template: &str) -> Self {
        Self(schema.sql(template).into())
    }

    pub(super) fn query(&self) -> Query<'static, Postgres, PgArguments> {
        sqlx::query(AssertSqlSafe(Arc::clone(&self.0)))
    }
}

pub(super) struct Statements {
    schema: Schema,
    pub(super) load: Statement,
    pub(super) load_and_touch: Statement,
    pub(super) touch: Statement,
    pub(super) create: Statement,
    pub(super) update: Statement,
    pub(super) add_client: Statement,
    pub(super) remove_client: Statement,
    pub(super) replace: Statement,
    pub(super) delete: Statement,
    pub(super) delete_of_subject: Statement,
    pub(super) acknowledge: Statement,
    pub(super) purge: Statement,
    #[cfg(feature = "back-channel")]
    pub(super) put_in: Statement,
    #[cfg(feature = "back-channel")]
    pub(super) take_due: Statement,
    #[cfg(feature = "back-channel")]
    pub(super) settle: Statement,
    #[cfg(feature = "back-channel")]
    pub(super) count_deliveries: Statement,
    #[cfg(feature = "back-channel")]
    pub(super) forget_settled: Statement,
}

impl Statements {
    pub(super) fn new(schema: &Schema) -> Self {
        let statement = |template: &str| Statement::new(schema, template);
        // The function is called only for a row that needs it, so that a plain read stays one.
        let touched = "case when gone_until_ms is null and expires_ms > $2 and renewed_ms <= $3 \
            then {schema}.touch_session(key, $3, $4, $2) end";
        let is_due = "gone_until_ms is null and expires_ms > $2 and renewed_ms <= $3";
        let record = "$1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13";
        let ended = ended_of("ended");
        Self {
            schema: schema.clone(),
            load: statement(&format!(
                "select gone_until_ms, {RECORD} from {{schema}}.sessions where key = $1"
            )),
            load_and_touch: statement(&format!(
                "select {is_due}, {touched}, gone_until_ms, {RECORD} from {{schema}}.sessions where key = $1"
            )),
            touch: statement(&format!(
                "select {is_due}, {touched} from {{schema}}.sessions \
                 where key = $1 and gone_until_ms is null and expires_ms > $2"
            )),
            create: statement(&format!(
                "select outcome, {ended} from {{schema}}.create_session({record}, $14, $15, $16, $17)"
            )),
            update: statement("select {schema}.update_session($1, $2, $3, $4, $5, $6)"),
            add_client: statement("select {schema}.add_client($1, $2, $3)"),
            remove_client: statement("select {schema}.remove_client($1, $2, $3)"),
            replace: statement(&format!(
                "select outcome, created, all_clients, {ended} from {{schema}}.replace_session(\
                 {record}, $14, $15, $16, $17, $18, $19)"
            )),
            delete: statement(&format!(
                "select {ENDED} from {{schema}}.delete_session($1, $2, $3, $4, $5)"
            )),
            delete_of_subject: statement(
                "select {schema}.delete_of_subject($1, $2, $3, $4, $5, $6, $7, $8)",
            ),
            acknowledge: statement(include_str!("sql/acknowledge.sql")),
            purge: statement(include_str!("sql/purge.sql")),
            #[cfg(feature = "back-channel")]
            put_in: statement(include_str!("sql/put_in.sql")),
            #[cfg(feature = "back-channel")]
            take_due: statement(include_str!("sql/take_due.sql")),
            #[cfg(feature = "back-channel")]
            settle: statement("select {schema}.settle_deliveries($1, $2, $3, $4, $5, $6, $7)"),
            #[cfg(feature = "back-channel")]
            count_deliveries: statement(
                "select state, count(*) from {schema}.deliveries group by state",
            ),
            #[cfg(feature = "back-channel")]
            forget_settled: statement(include_str!("sql/forget_settled.sql")),
        }
    }

    pub(super) fn take_expired(&self, limit: usize) -> Query<'static, Postgres, PgArguments> {
        self.batch(include_str!("sql/take_expired.sql"), limit)
    }

    pub(super) fn take_ended(&self, limit: usize) -> Query<'static, Postgres, PgArguments> {
        self.batch(include_str!("sql/take_ended.sql"), limit)
    }

    /// A limit is written out, for the planner to know it.
    fn batch(&self, template: &str, limit: usize) -> Query<'static, Postgres, PgArguments> {
        let template = template.replace("{limit}", &as_limit(limit).to_string());
        let template = template.replace("{ended}", ENDED);
        Statement::new(&self.schema, &template).query()
    }
}

/// The columns of an end that is itself a column.
fn ended_of(column: &str) -> String {
    let columns = ENDED.split(", ");
    let columns: Vec<_> = columns.map(|name| format!("({column}).{name}")).collect();
    columns.join(", ")
}
