//! The claims of a principal as bytes: one entry after the other, each looked at only as far as it is asked for.
//!
//! ```text
//! kind and name  1 byte: 0x80 if the value is JSON, clear if it is the text of a string; below that the name's code, or 0
//! name           length, text                             if its code is 0
//! value          length, text or JSON
//! ```

use serde_json::Value;

use super::{
    claim_names,
    wire::{Reader, put_bytes, put_number},
};

const JSON: u8 = 0x80;

/// One claim, not decoded.
#[derive(Clone, Copy)]
pub(super) struct Entry<'a> {
    head: u8,
    /// Empty where the code in `head` says it.
    name: &'a [u8],
    value: &'a [u8],
}

impl<'a> Entry<'a> {
    pub(super) fn read(reader: &mut Reader<'a>) -> Option<Self> {
        let head = reader.byte()?;
        let name = match head & !JSON {
            0 => reader.bytes()?,
            _ => &[],
        };
        let value = reader.bytes()?;
        Some(Self { head, name, value })
    }

    /// None for a name of a later version, or one that is not text.
    pub(super) fn name(&self) -> Option<&'a str> {
        match self.head & !JSON {
            0 => std::str::from_utf8(self.name).ok(),
            code => claim_names::name(code),
        }
    }

    pub(super) fn text(&self) -> Option<&'a str> {
        match self.head & JSON {
            0 => std::str::from_utf8(self.value).ok(),
            _ => None,
        }
    }

    pub(super) fn value(&self) -> Option<Value> {
        match self.head & JSON {
            0 => self.text().map(Value::from),
            _ => serde_json::from_slice(self.value).ok(),
        }
    }

    /// Writes the entry again.
    pub(super) fn put(&self, out: &mut Vec<u8>) {
        out.push(self.head);
        if self.head & !JSON == 0 {
            put_bytes(out, self.name);
        }
        put_bytes(out, self.value);
    }
}

/// A name to look for, with its code looked up once.
#[derive(Clone, Copy)]
pub(super) struct Name<'a> {
    code: u8,
    text: &'a str,
}

impl<'a> Name<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let code = claim_names::code(text).unwrap_or(0);
        Self { code, text }
    }

    /// A number below 128: the name's own, or 0 for all names without a code.
    pub(super) fn kind(&self) -> u8 {
        self.code
    }

    pub(super) fn is_of(&self, entry: &Entry<'_>) -> bool {
        match entry.head & !JSON {
            // Spelled out; perhaps by a version that had no code for it yet.
            0 => entry.name == self.text.as_bytes(),
            code => code == self.code,
        }
    }

    pub(super) fn put_text(&self, out: &mut Vec<u8>, value: &str) {
        self.put_head(out, 0);
        put_bytes(out, value.as_bytes());
    }

    pub(super) fn put_value(&self, out: &mut Vec<u8>, value: &Value) {
        if let Value::String(text) = value {
            return self.put_text(out, text);
        }
        self.put_head(out, JSON);
        let json = value.to_string();
        put_number(out, json.len() as u64);
        out.extend_from_slice(json.as_bytes());
    }

    fn put_head(&self, out: &mut Vec<u8>, kind: u8) {
        out.push(kind | self.code);
        if self.code == 0 {
            put_bytes(out, self.text.as_bytes());
        }
    }
}
