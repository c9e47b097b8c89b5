//! Asking a store: within a time limit, and once more when the first answer was lost.

use tokio::time::{Instant, timeout_at};

use crate::{
    error::{Error, ErrorKind, StoreError},
    hook::BoxFuture,
};

/// What a store has answered.
pub(crate) struct Answer<T> {
    pub(crate) value: T,
    /// It was asked twice: the first time may have taken effect, and its answer was lost.
    pub(crate) repeated: bool,
}

/// Asks, and asks again after an error, as long as there is time. Every operation of a store bears that.
pub(crate) async fn ask<'a, T>(
    deadline: Instant,
    mut operation: impl FnMut() -> BoxFuture<'a, Result<T, StoreError>>,
) -> Result<Answer<T>, Error> {
    let too_late = |_| Error::with_source(ErrorKind::Unavailable, StoreError::new(TOO_LATE));
    if let Ok(value) = timeout_at(deadline, operation()).await.map_err(too_late)? {
        return Ok(Answer {
            value,
            repeated: false,
        });
    }
    let answer = timeout_at(deadline, operation()).await.map_err(too_late)?;
    let value = answer.map_err(|error| Error::with_source(ErrorKind::Unavailable, error))?;
    Ok(Answer {
        value,
        repeated: true,
    })
}

const TOO_LATE: &str = "no answer within the time limit";
