use std::error::Error as _;

#[cfg(feature = "metrics")]
use metrics::{Key, Label, Level, Metadata};
#[cfg(feature = "metrics")]
use tokio::time::Instant;

#[cfg(feature = "metrics")]
use super::count::STORE_DURATION;
use super::event::Event;
use crate::error::StoreError;

/// An operation of a store: its name, and where its durations are counted.
///
/// Recorders are asked for a key each time: that is a look-up, and a recorder that comes late is not missed. The keys are made by the compiler.
pub(crate) struct Operation {
    pub(crate) name: &'static str,
    #[cfg(feature = "metrics")]
    pub(crate) durations: [Key; 3],
}

/// How an operation has come out.
#[derive(Clone, Copy)]
enum Outcome {
    Ok,
    Error,
    Abandoned,
}

impl Outcome {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Error => "error",
            Self::Abandoned => "abandoned",
        }
    }
}

impl Operation {
    /// What its durations are told apart by.
    #[cfg(feature = "metrics")]
    pub(crate) const fn labels(name: &'static str) -> [[Label; 2]; 3] {
        [
            labels(name, Outcome::Ok),
            labels(name, Outcome::Error),
            labels(name, Outcome::Abandoned),
        ]
    }

    /// The key for each outcome.
    #[cfg(feature = "metrics")]
    pub(crate) const fn durations(labels: &'static [[Label; 2]; 3]) -> [Key; 3] {
        let [ok, error, abandoned] = labels;
        [
            Key::from_static_parts(STORE_DURATION, ok),
            Key::from_static_parts(STORE_DURATION, error),
            Key::from_static_parts(STORE_DURATION, abandoned),
        ]
    }
}

/// Makes an [`Operation`] of a name, for a `static`.
macro_rules! operation {
    ($name:expr) => {
        $crate::events::Operation {
            name: $name,
            #[cfg(feature = "metrics")]
            durations: {
                static LABELS: [[::metrics::Label; 2]; 3] =
                    $crate::events::Operation::labels($name);
                $crate::events::Operation::durations(&LABELS)
            },
        }
    };
}

pub(crate) use operation;

/// An operation that is under way. Dropped without an answer, it was abandoned.
pub(crate) struct StoreCall {
    operation: &'static Operation,
    #[cfg(feature = "metrics")]
    began: Instant,
    answered: bool,
}

impl StoreCall {
    pub(crate) fn begin(operation: &'static Operation) -> Self {
        Self {
            operation,
            #[cfg(feature = "metrics")]
            began: Instant::now(),
            answered: false,
        }
    }

    /// The store has answered.
    pub(crate) fn end<T>(mut self, answer: &Result<T, StoreError>) {
        self.answered = true;
        match answer {
            Ok(_) => self.count(Outcome::Ok),
            Err(error) => self.fail(Outcome::Error, error),
        }
    }

    #[cold]
    fn fail(&self, outcome: Outcome, error: &StoreError) {
        self.count(outcome);
        let event = Event::StoreFailed {
            operation: self.operation.name,
            outcome: outcome.as_str(),
            // The error itself only says that there is one.
            error: error.source().unwrap_or(error),
        };
        event.emit();
    }

    #[cfg(feature = "metrics")]
    fn count(&self, outcome: Outcome) {
        static METADATA: Metadata<'static> =
            Metadata::new(module_path!(), Level::INFO, Some(module_path!()));
        let key = &self.operation.durations[outcome as usize];
        let durations =
            metrics::with_recorder(|recorder| recorder.register_histogram(key, &METADATA));
        durations.record(self.began.elapsed());
    }

    #[cfg(not(feature = "metrics"))]
    fn count(&self, _: Outcome) {}
}

impl Drop for StoreCall {
    fn drop(&mut self) {
        if !self.answered {
            self.fail(Outcome::Abandoned, &StoreError::new(NO_ANSWER));
        }
    }
}

#[cfg(feature = "metrics")]
const fn labels(operation: &'static str, outcome: Outcome) -> [Label; 2] {
    [
        Label::from_static_parts("operation", operation),
        Label::from_static_parts("outcome", outcome.as_str()),
    ]
}

const NO_ANSWER: &str = "nobody waits for its answer any longer";
