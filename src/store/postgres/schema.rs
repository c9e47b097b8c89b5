//! The name of the schema that the tables are in, and SQL that uses it.

use crate::error::StoreError;

/// The name of a PostgreSQL schema, quoted.
#[derive(Clone, Debug)]
pub(super) struct Schema {
    name: String,
    /// As it is written in SQL (PostgreSQL documentation, 4.1.1 "Identifiers and Key Words").
    quoted: String,
}

impl Schema {
    /// Takes any name that PostgreSQL would take, but for a few characters that nobody needs.
    pub(super) fn parse(name: &str) -> Result<Self, StoreError> {
        if name.is_empty() || name.len() > MAX_BYTES {
            return Err(StoreError::new("a schema's name has 1 to 63 bytes"));
        }
        // A control character would only hide something. `$` could end the text of a function, and braces are ours.
        let strange = |c: char| c.is_control() || matches!(c, '$' | '{' | '}');
        if name.contains(strange) {
            return Err(StoreError::new(
                "a schema's name here has no control character, no dollar sign and no brace",
            ));
        }
        if name.starts_with("pg_") || name == "information_schema" {
            return Err(StoreError::new("this schema is PostgreSQL's own"));
        }
        Ok(Self {
            name: name.to_owned(),
            quoted: format!("\"{}\"", name.replace('"', "\"\"")),
        })
    }

    /// The name as it is, to be compared with what the database's catalogue says.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// SQL with the name wherever it says `{schema}`.
    pub(super) fn sql(&self, template: &str) -> String {
        template.replace("{schema}", &self.quoted)
    }
}

impl Default for Schema {
    fn default() -> Self {
        Self::parse("axum_user_session").expect("this name needs no quotes")
    }
}

/// PostgreSQL cuts off what is longer, which would make two names one.
const MAX_BYTES: usize = 63;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_is_quoted_wherever_it_stands() {
        for (name, schema, expected) in [
            ("plain", "sessions", r#"select 1 from "sessions".t"#),
            ("capitals and a space", "My S", r#"select 1 from "My S".t"#),
            ("a quote", r#"a"; --"#, r#"select 1 from "a""; --".t"#),
            ("an apostrophe", "o'hara", r#"select 1 from "o'hara".t"#),
            (
                "letters outside ASCII",
                "größe",
                r#"select 1 from "größe".t"#,
            ),
        ] {
            let schema = Schema::parse(schema).unwrap();
            assert_eq!(schema.sql("select 1 from {schema}.t"), expected, "{name}");
        }
    }

    #[test]
    fn names_that_would_surprise_are_refused() {
        for (name, schema) in [
            ("empty", String::new()),
            ("64 bytes", "x".repeat(64)),
            ("32 characters, 64 bytes", "ä".repeat(32)),
            ("a NUL", "a\0b".to_owned()),
            ("a line feed", "a\nb".to_owned()),
            ("the end of a function", "a$function$".to_owned()),
            ("our own placeholder", "{schema}".to_owned()),
            ("PostgreSQL's own", "pg_catalog".to_owned()),
            ("the standard's own", "information_schema".to_owned()),
        ] {
            assert!(Schema::parse(&schema).is_err(), "{name}");
        }
        assert!(Schema::parse(&"x".repeat(63)).is_ok());
    }
}
