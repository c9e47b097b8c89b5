//! Reads what Redis answers.

use redis::Value;

use super::failure::Failure;

pub(super) fn list(reply: Value) -> Result<Vec<Value>, Failure> {
    match reply {
        Value::Array(values) => Ok(values),
        Value::Nil => Ok(Vec::new()),
        _ => Err(UNEXPECTED),
    }
}

/// As many values as there have to be.
pub(super) fn exactly<const N: usize>(reply: Value) -> Result<[Value; N], Failure> {
    list(reply)?.try_into().map_err(|_| UNEXPECTED)
}

/// Values that come two by two.
pub(super) fn pairs(reply: Value) -> Result<Vec<(Value, Value)>, Failure> {
    let mut values = list(reply)?.into_iter();
    let mut pairs = Vec::with_capacity(values.len() / 2);
    while let Some(first) = values.next() {
        pairs.push((first, values.next().ok_or(UNEXPECTED)?));
    }
    Ok(pairs)
}

pub(super) fn bytes(value: Value) -> Result<Vec<u8>, Failure> {
    match value {
        Value::BulkString(bytes) => Ok(bytes),
        Value::SimpleString(text) => Ok(text.into_bytes()),
        Value::Okay => Ok(b"OK".to_vec()),
        Value::Int(number) => Ok(number.to_string().into_bytes()),
        _ => Err(UNEXPECTED),
    }
}

pub(super) fn text(value: Value) -> Result<String, Failure> {
    String::from_utf8(bytes(value)?).map_err(|_| UNEXPECTED)
}

/// An integer, or the text of a number, which may have become a fraction or a power of ten where it was a score.
pub(super) fn number(value: Value) -> Result<i64, Failure> {
    if let Value::Int(number) = value {
        return Ok(number);
    }
    let text = text(value)?;
    if let Ok(number) = text.parse() {
        return Ok(number);
    }
    let number: f64 = text.parse().map_err(|_| UNEXPECTED)?;
    Ok(number as i64) // saturates
}

pub(super) fn count(value: Value) -> Result<u64, Failure> {
    u64::try_from(number(value)?).map_err(|_| UNEXPECTED)
}

pub(super) const UNEXPECTED: Failure = Failure::Nonsense("an answer of another form");
