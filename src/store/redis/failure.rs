use std::{error::Error as StdError, fmt, io};

use redis::RedisError;

use crate::error::StoreError;

/// Why Redis did not answer, in words that are fit for a log.
///
/// A server's complaint may quote what it was sent, keys and tickets included, so only its code is kept, and where in a script it arose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// The server refused; its code, such as `OOM` or `READONLY`.
    Refused(String),
    /// The connection failed, or gave no answer in time; in the words of the system.
    Connection(String),
    /// The answer makes no sense.
    Nonsense(&'static str),
}

impl Failure {
    /// Whether the server has no memory for it. It says so before it begins, so nothing has changed.
    pub(super) fn is_full(&self) -> bool {
        matches!(self, Self::Refused(code) if code == "OOM")
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(code) => write!(f, "Redis refused: {code}"),
            Self::Connection(text) => write!(f, "no connection to Redis: {text}"),
            Self::Nonsense(what) => write!(f, "Redis holds or answers what makes no sense: {what}"),
        }
    }
}

impl StdError for Failure {}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        Self::new(failure)
    }
}

impl From<RedisError> for Failure {
    fn from(error: RedisError) -> Self {
        // A transaction fails for what one of its commands was refused for.
        if let Some(refused) = error.clone().into_server_errors()
            && let Some((_, first)) = refused.first()
        {
            return Self::Refused(refusal(first.code(), first.details()));
        }
        if error.kind() == redis::ErrorKind::AuthenticationFailed {
            return Self::Refused("authentication failed".to_owned());
        }
        if let Some(error) = error.source().and_then(|it| it.downcast_ref::<io::Error>()) {
            return Self::Connection(error.to_string());
        }
        match error.kind() {
            redis::ErrorKind::Parse => Self::Nonsense("not the protocol of Redis"),
            _ => Self::Connection(error.category().to_owned()),
        }
    }
}

fn refusal(code: &str, details: Option<&str>) -> String {
    let plain = |code: &str| code.len() <= 32 && code.bytes().all(|it| it.is_ascii_alphanumeric());
    let code = if plain(code) { code } else { "ERR" };
    // "... script: SHA1, on @user_script:12."
    let line = details
        .and_then(|it| it.rsplit_once("@user_script:"))
        .map(|(_, line)| line.bytes().take_while(u8::is_ascii_digit).count())
        .zip(details.and_then(|it| it.rsplit_once("@user_script:")))
        .map(|(digits, (_, line))| &line[..digits]);
    match line {
        Some(line) => format!("{code} (in line {line} of a script)"),
        None => code.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s14_a_refusal_quotes_nothing_that_was_sent() {
        for (name, reply, expected) in [
            ("a code", "-OOM command not allowed\r\n", "OOM"),
            (
                "an unknown command, with its arguments",
                "-ERR unknown command 'EVALSHA', with args beginning with: 'secret'\r\n",
                "ERR",
            ),
            (
                "a line of a script",
                "-ERR attempt to index 'secret' script: 0a50, on @user_script:12.\r\n",
                "ERR (in line 12 of a script)",
            ),
            ("no code at all", "-'secret' is odd\r\n", "ERR"),
        ] {
            let value = redis::parse_redis_value(reply.as_bytes()).unwrap();
            let error = value.extract_error().unwrap_err();
            let failure = Failure::from(error);
            assert_eq!(failure, Failure::Refused(expected.to_owned()), "{name}");
            assert!(!format!("{failure:?}").contains("secret"), "{name}");
        }
    }
}
