//! Times as the pages show them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::moment::Moment;

#[test]
fn a_time_for_people_and_for_programs() {
    let moment = Moment::from(UNIX_EPOCH + Duration::from_millis(1_790_000_000_999));
    assert_eq!(moment.to_string(), "21 Sep 2026, 14:13 UTC");
    assert_eq!(moment.rfc3339(), "2026-09-21T14:13:20Z");
}

#[test]
fn how_long_ago_it_was() {
    const MINUTE: u64 = 60;
    const HOUR: u64 = 60 * MINUTE;
    const DAY: u64 = 24 * HOUR;
    let now = SystemTime::now();
    for (seconds, expected) in [
        (0, "just now"),
        (MINUTE, "just now"),
        (2 * MINUTE, "2 minutes ago"),
        (HOUR, "60 minutes ago"),
        (2 * HOUR, "2 hours ago"),
        (DAY, "24 hours ago"),
        (2 * DAY, "2 days ago"),
        (400 * DAY, "400 days ago"),
    ] {
        let moment = Moment::from(now - Duration::from_secs(seconds));
        assert_eq!(moment.ago(), expected, "{seconds} s");
    }
    // By the clock of another node.
    assert_eq!(
        Moment::from(now + Duration::from_secs(HOUR)).ago(),
        "just now"
    );
}
