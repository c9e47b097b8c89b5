//! The table in the documentation is what is emitted.

use std::{
    collections::BTreeSet,
    fmt,
    sync::{Arc, Mutex},
    time::SystemTime,
};

use metrics::{
    Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit,
    with_local_recorder,
};
use tracing::{
    Subscriber,
    field::{Field, Visit},
    span,
    subscriber::with_default,
};

use super::*;
use crate::{
    ended::{EndReason, Ended, EventId},
    error::StoreError,
    id::{ClientId, SessionId, SystemRandom},
};

const TABLE: &str = include_str!("table.md");
static OPERATION: Operation = operation!("load");

/// A row of the table, or what takes its place.
#[derive(Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Row {
    event: String,
    level: String,
    fields: BTreeSet<String>,
    metrics: BTreeSet<String>,
}

#[test]
fn the_table_shows_every_event_as_it_is_emitted() {
    fn words(cell: &str) -> impl Iterator<Item = String> {
        let words = cell.split_whitespace();
        words.map(|word| word.trim_matches('`').to_owned())
    }
    let rows = TABLE.lines().skip(2).map(|line| {
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        let [_, event, level, fields, metrics, when, _] = cells[..] else {
            panic!("not five cells: {line}");
        };
        assert!(!when.is_empty(), "{line}");
        Row {
            event: event.trim_matches('`').to_owned(),
            level: level.to_owned(),
            fields: words(fields).collect(),
            metrics: words(metrics)
                .map(|name| format!("axum_user_session_{name}"))
                .collect(),
        }
    });
    let mut shown: Vec<_> = rows.collect();
    let mut emitted = everything();
    shown.sort();
    emitted.sort();
    assert_eq!(shown, emitted);
}

#[test]
fn every_metric_is_described_with_its_unit() {
    let seen = Seen::default();
    with_local_recorder(&seen, describe);
    let described = seen.0.lock().unwrap();
    let of_rows = everything().into_iter().flat_map(|row| row.metrics);
    let used = of_rows.map(|metric| metric.split('{').next().unwrap().to_owned());
    assert_eq!(described.metrics, used.collect());
}

/// Emits every event once.
fn everything() -> Vec<Row> {
    let ended = Ended::new(
        EventId::new([1; 16]),
        "alice",
        SessionId::generate(&SystemRandom),
        EndReason::SignOut,
        SystemTime::UNIX_EPOCH,
    );
    let client = ClientId::parse("client1").unwrap();
    let (event_id, client) = (ended.event_id, &client);
    let error = StoreError::new("away");
    let events = [
        Event::SessionStarted,
        Event::SessionContinued,
        Event::SessionEnded(&ended),
        Event::SessionsRevoked(2),
        Event::CookieRefused(Refusal::Forged),
        Event::CookieLeftAlone {
            kind: Refusal::UnknownKey,
            left_out: Some(1),
        },
        Event::SealFailed(SealFailure::NoKey),
        Event::SessionNotLoaded {
            error: &error,
            left_out: Some(1),
        },
        Event::CleanupDone {
            expired: 1,
            unheard_ends: 1,
            sessions: Some(1),
        },
        Event::CleanupFailed(&error),
        Event::EndsDropped(1),
        Event::EndedHookFailed {
            event_id,
            attempts: 1,
            again: true,
            error: &error,
        },
        Event::LogoutQueued {
            event_id,
            clients: 1,
        },
        Event::LogoutDelivered {
            event_id,
            client,
            attempt: 1,
        },
        Event::LogoutFailed {
            event_id,
            client,
            attempt: 1,
            why: "no answer",
        },
        Event::LogoutGivenUp {
            event_id,
            client,
            attempt: 1,
            why: "no answer",
        },
        Event::LogoutsWaiting(1),
    ];
    let mut rows: Vec<_> = events
        .into_iter()
        .map(|event| {
            let row = watched(|| event.emit());
            assert_eq!(row.event, name(event));
            row
        })
        .collect();
    rows.push(watched(|| {
        StoreCall::begin(&OPERATION).end::<()>(&Err(StoreError::new("away")))
    }));
    rows.push(watched(|| StoreCall::begin(&OPERATION).end(&Ok(()))));
    assert_eq!(
        watched(|| drop(StoreCall::begin(&OPERATION))),
        rows[rows.len() - 2]
    );
    rows
}

/// A variant that is missing here is missing above and in the table.
fn name(event: Event<'_>) -> &'static str {
    match event {
        Event::SessionStarted => "session_started",
        Event::SessionContinued => "session_continued",
        Event::SessionEnded(_) => "session_ended",
        Event::SessionsRevoked(_) => "sessions_revoked",
        Event::CookieRefused(_) => "cookie_refused",
        Event::CookieLeftAlone { .. } => "cookie_left_alone",
        Event::SealFailed(_) => "seal_failed",
        Event::StoreFailed { .. } => "store_failed",
        Event::SessionNotLoaded { .. } => "session_not_loaded",
        Event::CleanupDone { .. } => "cleanup_done",
        Event::CleanupFailed(_) => "cleanup_failed",
        Event::EndsDropped(_) => "ends_dropped",
        Event::EndedHookFailed { .. } => "ended_hook_failed",
        Event::LogoutQueued { .. } => "logout_queued",
        Event::LogoutDelivered { .. } => "logout_delivered",
        Event::LogoutFailed { .. } => "logout_failed",
        Event::LogoutGivenUp { .. } => "logout_given_up",
        Event::LogoutsWaiting(_) => "-",
    }
}

fn watched(emit: impl FnOnce()) -> Row {
    let seen = Seen::default();
    with_default(seen.clone(), || with_local_recorder(&seen, emit));
    let mut row = std::mem::take(&mut *seen.0.lock().unwrap());
    if row.event.is_empty() {
        row.event = "-".to_owned();
    }
    row
}

/// Notes what is logged and what is counted.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Row>>);

impl Seen {
    fn note(&self, key: &Key) {
        let labels: Vec<_> = key.labels().map(metrics::Label::key).collect();
        let name = match labels.is_empty() {
            true => key.name().to_owned(),
            false => format!("{}{{{}}}", key.name(), labels.join(",")),
        };
        self.0.lock().unwrap().metrics.insert(name);
    }

    fn described(&self, name: &KeyName, unit: Option<Unit>, expected: Unit, text: &str) {
        assert_eq!(unit, Some(expected), "{name:?}");
        assert!(text.ends_with('.'), "{name:?}");
        let mut row = self.0.lock().unwrap();
        row.metrics.insert(name.as_str().to_owned());
    }
}

impl Visit for Row {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "event" => self.event = value.to_owned(),
            name => drop(self.fields.insert(name.to_owned())),
        }
    }

    fn record_debug(&mut self, field: &Field, _: &dyn fmt::Debug) {
        if field.name() != "message" {
            self.fields.insert(field.name().to_owned());
        }
    }
}

impl Subscriber for Seen {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        assert_eq!(event.metadata().target(), TARGET);
        let mut row = self.0.lock().unwrap();
        assert_eq!(row.event, "", "one event at a time");
        row.level = event.metadata().level().to_string();
        let fields = event.metadata().fields().iter().map(|field| field.name());
        let ours = fields.filter(|name| !["event", "message"].contains(name));
        row.fields.extend(ours.map(str::to_owned));
        event.record(&mut *row);
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

impl Recorder for Seen {
    fn describe_counter(&self, name: KeyName, unit: Option<Unit>, text: SharedString) {
        assert!(name.as_str().ends_with("_total"), "{name:?}");
        self.described(&name, unit, Unit::Count, &text);
    }

    fn describe_gauge(&self, name: KeyName, unit: Option<Unit>, text: SharedString) {
        self.described(&name, unit, Unit::Count, &text);
    }

    fn describe_histogram(&self, name: KeyName, unit: Option<Unit>, text: SharedString) {
        assert!(name.as_str().ends_with("_seconds"), "{name:?}");
        self.described(&name, unit, Unit::Seconds, &text);
    }

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        self.note(key);
        Counter::noop()
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        self.note(key);
        Gauge::noop()
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        self.note(key);
        Histogram::noop()
    }
}
