//! What the driver reports, without anything of a row.

use std::fmt;

use crate::error::StoreError;

/// An error of PostgreSQL, or on the way to it.
///
/// The driver's own error shows the server's details, which quote the row that an error is about: its key, its subject and its
/// ticket. So only the code is kept, and the text where it names tables, settings and roles, but no values.
#[derive(Debug)]
struct PostgresError {
    code: Option<String>,
    text: String,
}

pub(super) fn store_error(error: sqlx::Error) -> StoreError {
    let (code, text) = match &error {
        sqlx::Error::Database(error) => {
            let code = error.code().map(|code| code.into_owned());
            let tells = code.as_deref().is_some_and(tells_no_values);
            let text = if tells {
                error.message()
            } else {
                "the server refuses it"
            };
            (code, text.to_owned())
        }
        sqlx::Error::Configuration(_)
        | sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed => (None, error.to_string()),
        sqlx::Error::ColumnDecode { index, .. } | sqlx::Error::ColumnNotFound(index) => {
            (None, format!("column {index} is not as expected"))
        }
        sqlx::Error::ColumnIndexOutOfBounds { .. } => (None, "a column is missing".to_owned()),
        _ => (None, "the driver failed".to_owned()),
    };
    StoreError::new(PostgresError { code, text })
}

/// Whether the connection is of no use any more, and others that were opened before may be none either.
pub(super) fn is_broken(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Database(error) => {
            let code = error.code();
            let code = code.as_deref().unwrap_or_default();
            // Lost; shut down, crashed or starting up; and a primary that has become a standby.
            code.starts_with("08")
                || matches!(code, "57P01" | "57P02" | "57P03" | "57P05" | "25006")
        }
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::WorkerCrashed => true,
        _ => false,
    }
}

/// Whether the server has certainly undone everything, because somebody else was in the way: a serialization failure or a deadlock.
pub(super) fn is_undone(error: &sqlx::Error) -> bool {
    let database = error.as_database_error();
    let code = database.and_then(|error| error.code());
    matches!(code.as_deref(), Some("40001" | "40P01"))
}

/// The classes of codes (PostgreSQL documentation, appendix A) whose texts name what is in the catalogue or in the configuration.
fn tells_no_values(code: &str) -> bool {
    const CLASSES: [&str; 12] = [
        "08", "25", "28", "3D", "3F", "40", "42", "53", "54", "55", "57", "58",
    ];
    CLASSES.iter().any(|class| code.starts_with(class))
}

impl fmt::Display for PostgresError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.code {
            Some(code) => write!(f, "PostgreSQL: {} ({code})", self.text),
            None => write!(f, "PostgreSQL: {}", self.text),
        }
    }
}

impl std::error::Error for PostgresError {}
