//! Points in time, for people and for programs.

use std::{fmt, time::SystemTime};

use time::{
    Duration, UtcDateTime, format_description::well_known::Rfc3339, macros::format_description,
};

/// A second in UTC. `Display` and `ago` are for people.
pub(crate) struct Moment(UtcDateTime);

impl Moment {
    /// As RFC 3339 has it, for programs and for the `datetime` attribute of HTML.
    pub(crate) fn rfc3339(&self) -> String {
        self.0.format(&Rfc3339).expect(FOUR_DIGITS)
    }

    /// How long ago it was: the server does not know in which time zone somebody reads.
    pub(crate) fn ago(&self) -> String {
        ago(UtcDateTime::now() - self.0)
    }
}

impl From<SystemTime> for Moment {
    fn from(time: SystemTime) -> Self {
        Self(UtcDateTime::from(time).truncate_to_second())
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let form = format_description!(
            "[day padding:none] [month repr:short] [year], [hour]:[minute] UTC"
        );
        f.write_str(&self.0.format(&form).expect(FOUR_DIGITS))
    }
}

fn ago(passed: Duration) -> String {
    let (number, unit) = match passed.whole_minutes() {
        // Also what is still to come by another node's clock.
        ..2 => return "just now".to_owned(),
        minutes @ 2..120 => (minutes, "minutes"),
        _ if passed.whole_hours() < 48 => (passed.whole_hours(), "hours"),
        _ => (passed.whole_days(), "days"),
    };
    format!("{number} {unit} ago")
}

const FOUR_DIGITS: &str = "a session's times are near today, so their year has four digits";
