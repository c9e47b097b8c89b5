//! A recorder that keeps everything that it is told, and what is logged beside it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    future::Future,
    sync::{Arc, Mutex},
};

use metrics::{
    Counter, CounterFn, Gauge, GaugeFn, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder,
    SharedString, Unit, with_local_recorder,
};
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
    span,
};

const PREFIX: &str = "axum_user_session_";

#[derive(Clone, Default)]
pub(crate) struct Meter(Arc<Mutex<Kept>>);

#[derive(Default)]
struct Kept {
    numbers: BTreeMap<String, f64>,
    samples: BTreeMap<String, Vec<f64>>,
    described: BTreeSet<String>,
    labels: BTreeSet<(String, String)>,
    log: Vec<String>,
}

impl Meter {
    /// What comes of a scenario. All of it, tasks included, runs on this thread, where the recorder is; and by a clock that turns by itself.
    pub(crate) fn of(scenario: impl Future<Output = ()>) -> Self {
        let meter = Self::default();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        let run = || with_local_recorder(&meter, || runtime.block_on(scenario));
        tracing::subscriber::with_default(meter.clone(), run);
        meter
    }

    /// Counters and gauges, such as `sessions_ended_total{reason=sign_out} 1`, in alphabetical order.
    pub(crate) fn numbers(&self) -> Vec<String> {
        let kept = self.0.lock().unwrap();
        let numbers = kept.numbers.iter();
        numbers
            .map(|(name, value)| format!("{name} {value}"))
            .collect()
    }

    /// The durations of the store's operations, in seconds, such as `load ok [0.25]`.
    pub(crate) fn durations(&self) -> Vec<String> {
        let kept = self.0.lock().unwrap();
        let samples = kept.samples.iter();
        let durations = samples.map(|(name, samples)| {
            let labels = name
                .strip_prefix("store_duration_seconds{operation=")
                .unwrap();
            let labels = labels.strip_suffix('}').unwrap().replace(",outcome=", " ");
            format!("{labels} {samples:?}")
        });
        durations.collect()
    }

    /// The names of all metrics that were described, without their common beginning.
    pub(crate) fn described(&self) -> BTreeSet<String> {
        self.0.lock().unwrap().described.clone()
    }

    /// How many time series there are.
    pub(crate) fn series(&self) -> usize {
        let kept = self.0.lock().unwrap();
        kept.numbers.len() + kept.samples.len()
    }

    /// Names and values of all labels.
    pub(crate) fn labels(&self) -> BTreeSet<(String, String)> {
        self.0.lock().unwrap().labels.clone()
    }

    /// All fields of all events, in text.
    pub(crate) fn log(&self) -> String {
        self.0.lock().unwrap().log.concat()
    }

    fn series_of(&self, key: &Key) -> Series {
        let mut kept = self.0.lock().unwrap();
        let labels = key.labels().map(|label| {
            let label = (label.key().to_owned(), label.value().to_owned());
            kept.labels.insert(label.clone());
            format!("{}={}", label.0, label.1)
        });
        let labels: Vec<_> = labels.collect();
        let name = short(key.name());
        let name = match labels.is_empty() {
            true => name.to_owned(),
            false => format!("{name}{{{}}}", labels.join(",")),
        };
        drop(kept);
        Series {
            name,
            kept: Arc::clone(&self.0),
        }
    }

    fn describe(&self, name: &KeyName) {
        let name = short(name.as_str()).to_owned();
        self.0.lock().unwrap().described.insert(name);
    }
}

fn short(name: &str) -> &str {
    name.strip_prefix(PREFIX).expect("one of ours")
}

impl Recorder for Meter {
    fn describe_counter(&self, name: KeyName, _: Option<Unit>, _: SharedString) {
        self.describe(&name);
    }

    fn describe_gauge(&self, name: KeyName, _: Option<Unit>, _: SharedString) {
        self.describe(&name);
    }

    fn describe_histogram(&self, name: KeyName, _: Option<Unit>, _: SharedString) {
        self.describe(&name);
    }

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(Arc::new(self.series_of(key)))
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(Arc::new(self.series_of(key)))
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::from_arc(Arc::new(self.series_of(key)))
    }
}

struct Series {
    name: String,
    kept: Arc<Mutex<Kept>>,
}

impl Series {
    fn change(&self, change: impl FnOnce(&mut f64)) {
        let mut kept = self.kept.lock().unwrap();
        change(kept.numbers.entry(self.name.clone()).or_default());
    }
}

impl CounterFn for Series {
    fn increment(&self, by: u64) {
        self.change(|value| *value += by as f64);
    }

    fn absolute(&self, _: u64) {
        panic!("no counter is set");
    }
}

impl GaugeFn for Series {
    fn increment(&self, by: f64) {
        self.change(|value| *value += by);
    }

    fn decrement(&self, by: f64) {
        self.change(|value| *value -= by);
    }

    fn set(&self, to: f64) {
        self.change(|value| *value = to);
    }
}

impl HistogramFn for Series {
    fn record(&self, sample: f64) {
        let mut kept = self.kept.lock().unwrap();
        kept.samples
            .entry(self.name.clone())
            .or_default()
            .push(sample);
    }
}

impl Subscriber for Meter {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        event.record(&mut Fields(&mut self.0.lock().unwrap().log));
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

struct Fields<'a>(&'a mut Vec<String>);

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.push(format!("{field}={value:?}\n"));
    }
}
