//! Cookies as security code: which of them are ours, how a ticket is split over them, and how they are written.

mod chunk;
mod mark;
mod policy;
mod scan;
mod writer;

pub use self::policy::{LegacyScope, SameSite};

pub(crate) use self::chunk::{Pieces, chunk_name};
pub(crate) use self::mark::{MarkKind, Suffix, mark_len, mark_name};
pub(crate) use self::policy::{Attributes, CookiePolicy, Lifespan, Scope};
pub(crate) use self::scan::{Candidates, scan};
pub(crate) use self::writer::Writer;
