//! The suite for outboxes finds what is wrong with one: each of these is a sound outbox that does one thing wrong.

#![cfg(feature = "back-channel")]

use std::{
    collections::HashMap,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use axum_user_session::{
    ended::{Ended, EventId},
    error::StoreError,
    id::ClientId,
    store::{
        Attempt, Deliveries, Delivery, DeliveryFilter, DeliveryState, LogoutOutbox, MemoryStore,
        Outcome, TakenDelivery,
    },
    testing::conformance::outbox,
};

/// Makes a test of each thing that can be wrong.
macro_rules! each_is_found {
    ($($name:ident: $fault:ident,)*) => {
        #[derive(Clone, Copy, PartialEq, Eq)]
        enum Fault {
            None,
            $($fault,)*
        }

        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $name() {
                let found = run(Fault::$fault).await;
                assert!(found.is_some(), "the suite is content");
            }
        )*
    };
}

each_is_found! {
    a_client_too_many_is_not_told: PutsInAtMostFiveHundred,
    the_last_of_many_clients_is_forgotten: ForgetsTheLastOfMany,
    what_is_known_counts_as_new: CountsKnownAsNew,
    two_who_put_in_at_once_both_count: PutsInTwiceAtOnce,
    what_is_put_in_is_half_there_when_its_caller_gives_up: PutsInOneByOne,
    what_is_put_in_is_due_a_moment_later: PutsInForLater,
    times_are_whole_seconds: KeepsSeconds,
    another_clock_decides: GoesByItsOwnClock,
    what_is_not_due_yet_is_taken: TakesTooEarly,
    what_is_due_is_taken_too_late: TakesTooLate,
    more_are_taken_than_were_asked_for: TakesOneTooMany,
    fewer_are_taken_than_were_asked_for: TakesOneTooFew,
    the_newest_are_taken_first: TakesTheNewestFirst,
    nobody_is_passed_by: PassesNobodyBy,
    only_some_are_passed_by: PassesAHundredBy,
    those_behind_one_that_is_passed_by_wait: PassesByTooLate,
    a_lease_is_too_short: LeasesTooShort,
    a_lease_is_too_long: LeasesTooLong,
    a_lease_is_for_ever: LeasesForEver,
    a_long_lease_is_an_error: FailsForLongLeases,
    what_was_taken_is_given_out_once_more: GivesOutAgain,
    two_takers_at_once_get_the_same: SharesAtOnce,
    attempts_are_not_counted: CountsNoAttempts,
    texts_are_cut: CutsSubjects,
    texts_lose_their_case: LowersClients,
    anybody_settles: AnybodySettles,
    the_number_of_an_attempt_is_its_turn: TakesAttemptsForTurns,
    a_late_word_never_counts: RefusesLateWords,
    two_who_settle_at_once_both_count: CountsTwiceAtOnce,
    every_word_counts: CountsEveryWord,
    only_the_first_word_of_a_batch_counts: SettlesTheFirst,
    what_was_delivered_is_given_up: GivesUpInstead,
    what_was_given_up_is_tried_again: TriesAgainInstead,
    what_failed_is_due_at_once: TriesAgainAtOnce,
    what_failed_is_due_a_moment_later: TriesAgainLater,
    what_was_put_back_has_failed: FailsInsteadOfPuttingBack,
    what_was_put_back_stays_taken: PutsNothingBack,
    what_happened_is_not_kept: ForgetsWhy,
    what_happened_is_kept_in_bytes: CutsWhyByBytes,
    the_list_has_its_oldest_first: ListsOldestFirst,
    the_list_has_its_clients_in_another_order: ListsClientsBackwards,
    the_list_has_no_limit: ListsWithoutLimit,
    the_list_is_limited_before_it_is_filtered: FiltersLate,
    ends_are_not_told_apart: IgnoresEnds,
    sessions_are_not_told_apart: IgnoresSessions,
    subjects_are_not_told_apart: IgnoresSubjects,
    clients_are_not_told_apart: IgnoresClients,
    states_are_not_told_apart: IgnoresStates,
    subjects_are_compared_without_case: FoldsSubjects,
    clients_are_compared_without_space: TrimsClients,
    what_is_settled_is_due: ShowsSettledAsDue,
    counts_are_of_the_wrong_state: SwapsCounts,
    counts_are_of_all_there_ever_were: CountsForgotten,
    what_was_settled_just_then_is_forgotten: ForgetsTooMuch,
    what_waits_is_forgotten: ForgetsWaiting,
    nothing_is_forgotten: ForgetsNothing,
    what_is_forgotten_is_not_counted: CountsNothingForgotten,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_sound_one_is_sound() {
    assert_eq!(run(Fault::None).await, None);
}

/// What the suite has found.
async fn run(fault: Fault) -> Option<String> {
    let running = tokio::spawn(outbox::run(move || async move { Broken::new(fault) }));
    let panic = running.await.err()?.into_panic();
    let text = panic
        .downcast_ref::<String>()
        .expect("the suite's own text");
    println!("{text}");
    Some(text.clone())
}

/// An outbox with something wrong.
struct Broken {
    sound: MemoryStore,
    fault: Fault,
    /// How many operations are under way that two must not do at once.
    under_way: AtomicUsize,
    notes: Mutex<Notes>,
}

#[derive(Default)]
struct Notes {
    /// What was taken last.
    last: Vec<TakenDelivery>,
    /// The turn of each delivery, and of each of its attempts, when it was taken last.
    turns: HashMap<(EventId, ClientId), u64>,
    turns_of_attempts: HashMap<(EventId, ClientId, u64), u64>,
    /// When leases are over.
    leases: HashMap<(EventId, ClientId), SystemTime>,
    forgotten: Deliveries,
}

impl Broken {
    fn new(fault: Fault) -> Self {
        Self {
            sound: MemoryStore::new(10_000),
            fault,
            under_way: AtomicUsize::new(0),
            notes: Mutex::default(),
        }
    }

    fn notes(&self) -> std::sync::MutexGuard<'_, Notes> {
        self.notes.lock().unwrap()
    }

    /// Whether somebody else is in here at the same time. Blocks for a moment, so that somebody can be.
    fn is_crowded(&self) -> bool {
        self.under_way.fetch_add(1, Ordering::SeqCst);
        std::thread::sleep(Duration::from_micros(200));
        let crowded = self.under_way.load(Ordering::SeqCst) > 1;
        std::thread::sleep(Duration::from_micros(200));
        self.under_way.fetch_sub(1, Ordering::SeqCst);
        crowded
    }
}

impl LogoutOutbox for Broken {
    async fn put_in(
        &self,
        ended: &Ended,
        clients: &[ClientId],
        now: SystemTime,
    ) -> Result<u64, StoreError> {
        let all = clients.len();
        let (some, now) = match self.fault {
            Fault::PutsInAtMostFiveHundred => (&clients[..all.min(500)], now),
            Fault::ForgetsTheLastOfMany if all > 100 => (&clients[..all - 1], now),
            Fault::PutsInForLater => (clients, now + MS),
            Fault::KeepsSeconds => (clients, whole_seconds(now)),
            Fault::GoesByItsOwnClock => (clients, SystemTime::now()),
            _ => (clients, now),
        };
        if self.fault == Fault::PutsInOneByOne {
            let mut new = 0;
            for client in some {
                new += self
                    .sound
                    .put_in(ended, std::slice::from_ref(client), now)
                    .await?;
                tokio::task::yield_now().await;
                if all > 10 {
                    tokio::time::sleep(MS).await;
                }
            }
            return Ok(new);
        }
        if self.fault == Fault::LowersClients {
            let lower = some.iter().map(|client| client.as_str().to_lowercase());
            let lower: Vec<_> = lower.map(|text| ClientId::parse(&text).unwrap()).collect();
            return self.sound.put_in(ended, &lower, now).await;
        }
        let crowded = self.fault == Fault::PutsInTwiceAtOnce && self.is_crowded();
        let new = self.sound.put_in(ended, some, now).await?;
        Ok(match self.fault {
            Fault::CountsKnownAsNew => all as u64,
            _ if crowded => all as u64,
            _ => new,
        })
    }

    async fn take_due(
        &self,
        lease: Duration,
        max: usize,
        except: &[ClientId],
        now: SystemTime,
    ) -> Result<Vec<TakenDelivery>, StoreError> {
        let sound = &self.sound;
        let mut taken = match self.fault {
            Fault::GoesByItsOwnClock => sound.take_due(lease, max, except, SystemTime::now()).await,
            Fault::TakesTooEarly => sound.take_due(lease, max, except, now + MS).await,
            Fault::TakesTooLate => sound.take_due(lease, max, except, now - MS).await,
            Fault::TakesOneTooMany => {
                sound
                    .take_due(lease, max.saturating_add(1), except, now)
                    .await
            }
            Fault::TakesOneTooFew if max > 1 => sound.take_due(lease, max - 1, except, now).await,
            Fault::PassesNobodyBy => sound.take_due(lease, max, &[], now).await,
            Fault::PassesAHundredBy => {
                let some = &except[..except.len().min(100)];
                sound.take_due(lease, max, some, now).await
            }
            Fault::LeasesTooShort => sound.take_due(lease - MS, max, except, now).await,
            Fault::LeasesTooLong => {
                sound
                    .take_due(lease.saturating_add(MS), max, except, now)
                    .await
            }
            Fault::LeasesForEver => sound.take_due(Duration::MAX, max, except, now).await,
            Fault::FailsForLongLeases if now.checked_add(lease).is_none() => {
                Err(StoreError::new("too long"))
            }
            Fault::TakesTheNewestFirst => {
                let mut all = sound.take_due(lease, usize::MAX, except, now).await?;
                all.sort_by_key(|taken| std::cmp::Reverse(taken.created));
                let rest = all.split_off(all.len().min(max));
                put_back(sound, &rest, now).await?;
                Ok(all)
            }
            Fault::PassesByTooLate => {
                let all = sound.take_due(lease, max, &[], now).await?;
                let (passed_by, taken) = all
                    .into_iter()
                    .partition::<Vec<_>, _>(|taken| except.contains(&taken.client));
                put_back(sound, &passed_by, now).await?;
                Ok(taken)
            }
            _ => sound.take_due(lease, max, except, now).await,
        }?;
        let until = now.checked_add(lease);
        let mut notes = self.notes();
        for taken in &taken {
            let name = (taken.event_id, taken.client.clone());
            notes.turns.insert(name.clone(), taken.turn);
            let attempt = (
                taken.event_id,
                taken.client.clone(),
                u64::from(taken.attempt),
            );
            notes.turns_of_attempts.insert(attempt, taken.turn);
            notes.leases.extend(until.map(|until| (name, until)));
        }
        match self.fault {
            Fault::GivesOutAgain if taken.len() < max => {
                let last = std::mem::replace(&mut notes.last, taken.clone());
                taken.extend(last.into_iter().take(1));
            }
            Fault::SharesAtOnce => {
                notes.last.clone_from(&taken);
                drop(notes);
                if self.is_crowded() {
                    taken.clone_from(&self.notes().last);
                }
            }
            Fault::CountsNoAttempts => taken.iter_mut().for_each(|taken| taken.attempt = 1),
            Fault::CutsSubjects => taken
                .iter_mut()
                .for_each(|taken| taken.subject = taken.subject.chars().take(100).collect()),
            Fault::TakesAttemptsForTurns => taken
                .iter_mut()
                .for_each(|taken| taken.turn = u64::from(taken.attempt)),
            _ => {}
        }
        Ok(taken)
    }

    async fn settle(&self, attempts: &[Attempt], now: SystemTime) -> Result<u64, StoreError> {
        let mut said = attempts.to_vec();
        {
            let notes = self.notes();
            for attempt in &mut said {
                let name = (attempt.event_id, attempt.client.clone());
                let numbered = (attempt.event_id, attempt.client.clone(), attempt.turn);
                match self.fault {
                    Fault::AnybodySettles => {
                        attempt.turn = notes.turns.get(&name).copied().unwrap_or_default();
                    }
                    Fault::TakesAttemptsForTurns => {
                        let turn = notes.turns_of_attempts.get(&numbered);
                        attempt.turn = turn.copied().unwrap_or_default();
                    }
                    Fault::RefusesLateWords
                        if notes.leases.get(&name).is_some_and(|until| *until <= now) =>
                    {
                        attempt.turn = u64::MAX;
                    }
                    _ => {}
                }
                attempt.outcome = self.outcome(attempt.outcome.clone(), now);
            }
        }
        let before = said.len();
        if self.fault == Fault::PutsNothingBack {
            said.retain(|attempt| attempt.outcome != Outcome::PutBack);
        }
        if self.fault == Fault::SettlesTheFirst {
            said.truncate(1);
        }
        let left_out = (before - said.len()) as u64;
        let crowded = self.fault == Fault::CountsTwiceAtOnce && self.is_crowded();
        let counted = self.sound.settle(&said, now).await?;
        Ok(match self.fault {
            Fault::CountsEveryWord => before as u64,
            Fault::PutsNothingBack => counted + left_out,
            _ if crowded => before as u64,
            _ => counted,
        })
    }

    async fn deliveries(
        &self,
        filter: &DeliveryFilter,
        limit: usize,
    ) -> Result<Vec<Delivery>, StoreError> {
        let mut filter = filter.clone();
        let asked = filter.clone();
        match self.fault {
            Fault::IgnoresEnds => filter.event_id = None,
            Fault::IgnoresSessions => filter.session_id = None,
            Fault::IgnoresSubjects | Fault::FoldsSubjects => filter.subject = None,
            Fault::IgnoresClients | Fault::TrimsClients => filter.client = None,
            Fault::IgnoresStates => filter.state = None,
            _ => {}
        }
        let mut list = self.sound.deliveries(&filter, usize::MAX).await?;
        match self.fault {
            Fault::FoldsSubjects => list.retain(|delivery| {
                let wanted = asked.subject.as_ref();
                wanted.is_none_or(|wanted| wanted.to_lowercase() == delivery.subject.to_lowercase())
            }),
            Fault::TrimsClients => list.retain(|delivery| {
                let wanted = asked.client.as_ref();
                wanted
                    .is_none_or(|wanted| wanted.as_str().trim() == delivery.client.as_str().trim())
            }),
            Fault::ListsOldestFirst => list.sort_by_key(|delivery| delivery.created),
            Fault::ListsClientsBackwards => list.sort_by(|one, other| {
                let newest_first = other.created.cmp(&one.created);
                let by_end = newest_first.then(one.event_id.cmp(&other.event_id));
                by_end.then(other.client.cmp(&one.client))
            }),
            Fault::FiltersLate => {
                let everything = DeliveryFilter::default();
                list = self.sound.deliveries(&everything, limit).await?;
                list.retain(|delivery| asked.matches(delivery));
            }
            _ => {}
        }
        if self.fault != Fault::ListsWithoutLimit {
            list.truncate(limit);
        }
        for delivery in &mut list {
            match self.fault {
                Fault::ForgetsWhy => delivery.failure = None,
                Fault::CutsWhyByBytes => {
                    if let Some(why) = &mut delivery.failure {
                        why.truncate(why.floor_char_boundary(200));
                    }
                }
                Fault::ShowsSettledAsDue => delivery.due = delivery.due.or(delivery.settled),
                _ => {}
            }
        }
        Ok(list)
    }

    async fn count_deliveries(&self) -> Result<Deliveries, StoreError> {
        let mut counts = self.sound.count_deliveries().await?;
        match self.fault {
            Fault::SwapsCounts => {
                let Deliveries {
                    pending, failed, ..
                } = &mut counts;
                std::mem::swap(pending, failed);
            }
            Fault::CountsForgotten => counts.delivered += self.notes().forgotten.delivered,
            _ => {}
        }
        Ok(counts)
    }

    async fn forget_settled(&self, before: SystemTime) -> Result<u64, StoreError> {
        let before = match self.fault {
            Fault::ForgetsTooMuch => before + MS,
            Fault::ForgetsWaiting => {
                let waiting = self.sound.take_due(MS, usize::MAX, &[], before).await?;
                let why = String::new();
                let outcome = Outcome::GivenUp { why };
                let attempts = waiting.iter().map(|taken| taken.settled(outcome.clone()));
                let attempts: Vec<_> = attempts.collect();
                self.sound.settle(&attempts, before - MS).await?;
                before
            }
            Fault::ForgetsNothing => return Ok(0),
            _ => before,
        };
        let mut was = self.sound.count_deliveries().await?;
        let forgotten = self.sound.forget_settled(before).await?;
        let mut is = self.sound.count_deliveries().await?;
        let gone = *was.of(DeliveryState::Delivered) - *is.of(DeliveryState::Delivered);
        self.notes().forgotten.delivered += gone;
        Ok(match self.fault {
            Fault::CountsNothingForgotten => 0,
            _ => forgotten,
        })
    }
}

impl Broken {
    /// What becomes of an outcome on the way.
    fn outcome(&self, outcome: Outcome, now: SystemTime) -> Outcome {
        match (self.fault, outcome) {
            (Fault::GivesUpInstead, Outcome::Delivered) => Outcome::GivenUp { why: String::new() },
            (Fault::TriesAgainInstead, Outcome::GivenUp { why }) => {
                Outcome::Failed { why, again: now }
            }
            (Fault::TriesAgainAtOnce, Outcome::Failed { why, .. }) => {
                Outcome::Failed { why, again: now }
            }
            (Fault::TriesAgainLater, Outcome::Failed { why, again }) => Outcome::Failed {
                why,
                again: again + MS,
            },
            (Fault::FailsInsteadOfPuttingBack, Outcome::PutBack) => Outcome::Failed {
                why: String::new(),
                again: now,
            },
            (_, outcome) => outcome,
        }
    }
}

async fn put_back(
    sound: &MemoryStore,
    taken: &[TakenDelivery],
    now: SystemTime,
) -> Result<u64, StoreError> {
    let attempts = taken.iter().map(|taken| taken.settled(Outcome::PutBack));
    sound.settle(&attempts.collect::<Vec<_>>(), now).await
}

fn whole_seconds(time: SystemTime) -> SystemTime {
    let since = time
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    UNIX_EPOCH + Duration::from_secs(since)
}

const MS: Duration = Duration::from_millis(1);
