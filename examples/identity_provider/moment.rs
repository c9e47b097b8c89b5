//! Points in time, for people and for programs.

use std::{fmt, time::SystemTime};

use time::{UtcDateTime, format_description::well_known::Rfc3339, macros::format_description};

/// A second in UTC. `Display` is for people.
pub(crate) struct Moment(UtcDateTime);

impl Moment {
    /// As RFC 3339 has it, for programs and for the `datetime` attribute of HTML.
    pub(crate) fn rfc3339(&self) -> String {
        self.0.format(&Rfc3339).expect(FOUR_DIGITS)
    }
}

impl From<SystemTime> for Moment {
    fn from(time: SystemTime) -> Self {
        Self(UtcDateTime::from(time).truncate_to_second())
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let form =
            format_description!("[day padding:none] [month repr:long] [year], [hour]:[minute] UTC");
        f.write_str(&self.0.format(&form).expect(FOUR_DIGITS))
    }
}

const FOUR_DIGITS: &str = "a session's times are near today, so their year has four digits";
