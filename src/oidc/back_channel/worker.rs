use std::{
    collections::HashMap,
    future::{Future, poll_fn},
    pin::{Pin, pin},
    sync::Arc,
    task::Poll,
    time::{Duration, SystemTime},
};

use rand::RngExt;
use tokio::{
    task::{Id, JoinError, JoinSet},
    time::{Instant, sleep_until},
};

use super::{
    attempt::{Sent, send},
    delivery_task::{DeliveryRound, DeliveryTask},
    lanes::Lanes,
    outgoing::Answer,
};
use crate::{
    error::Error,
    store::{Attempt, Outcome, TakenDelivery},
};

/// A delivery task at work.
pub(super) struct Worker<'a> {
    task: &'a DeliveryTask,
    lease: Duration,
    lanes: Lanes,
    sending: JoinSet<Sent>,
    /// What each of them is, should it panic.
    under_way: HashMap<Id, TakenDelivery>,
    /// What the outbox does not know yet.
    unsettled: Vec<Attempt>,
    /// The outbox failed at settling; when to try again.
    settle_again: Instant,
    /// When to look into the outbox.
    look: Instant,
    /// Some clients were left out when it last looked.
    left_out: bool,
    round: DeliveryRound,
}

/// Why a worker goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Woken {
    Stopped,
    Other,
}

impl<'a> Worker<'a> {
    pub(super) fn new(task: &'a DeliveryTask) -> Self {
        let now = Instant::now();
        Self {
            task,
            lease: task.effective_lease(),
            lanes: Lanes::new(task.lanes),
            sending: JoinSet::new(),
            under_way: HashMap::new(),
            unsettled: Vec::new(),
            settle_again: now,
            look: now,
            left_out: false,
            round: DeliveryRound::default(),
        }
    }

    /// Goes on until nothing is due, or the outbox fails.
    pub(super) async fn run_once(mut self) -> Result<DeliveryRound, Error> {
        let mut outcome = Ok(());
        loop {
            if outcome.is_ok() {
                outcome = self.settle().await;
            }
            if outcome.is_ok() && self.has_room() && self.look <= Instant::now() {
                outcome = self.take().await;
            }
            if outcome.is_err() {
                self.put_back_all();
            }
            self.begin();
            match self.sending.join_next_with_id().await {
                Some(sent) => self.note(sent),
                None if outcome.is_err() || self.look > Instant::now() => break,
                None => {}
            }
        }
        match outcome {
            Ok(()) => self.settle().await?,
            Err(error) => {
                // What was sent is not forgotten for one failure.
                let _ = self.settle().await;
                return Err(error);
            }
        }
        Ok(self.round)
    }

    /// Goes on until it is stopped.
    pub(super) async fn run_until(mut self, mut stop: Pin<&mut impl Future<Output = ()>>) {
        let inner = Arc::clone(&self.task.inner);
        let mut tidy = Instant::now() + TIDY.mul_f64(rand::rng().random());
        loop {
            self.collect();
            if self.settle_again <= Instant::now()
                && let Err(error) = self.settle().await
            {
                self.settle_again = Instant::now() + PAUSE;
                warn(&error);
            }
            if self.has_room()
                && self.look <= Instant::now()
                && let Err(error) = self.take().await
            {
                self.look = Instant::now() + self.task.poll.max(PAUSE);
                warn(&error);
            }
            self.begin();
            if tidy <= Instant::now() {
                tidy += self.tidy().await;
            }
            let until = self.wake(tidy);
            let mut rings = pin!(inner.put_in.notified());
            if self.wait(stop.as_mut(), rings.as_mut(), until).await == Woken::Stopped {
                break;
            }
        }
        self.stop().await;
    }

    /// Finishes what is under way, and leaves the rest to others.
    async fn stop(mut self) {
        self.put_back_all();
        loop {
            if let Err(error) = self.settle().await {
                warn(&error);
            }
            match self.sending.join_next_with_id().await {
                Some(sent) => self.note(sent),
                None => break,
            }
            self.collect();
        }
        // The last word, if the outbox was away just now.
        if let Err(error) = self.settle().await {
            warn(&error);
        }
    }

    /// Takes what is due from the outbox, for as much as can be under way.
    async fn take(&mut self) -> Result<(), Error> {
        let inner = &self.task.inner;
        let (now, room) = (Instant::now(), self.task.at_once - self.sending.len());
        let except = self.lanes.full(now);
        let take = inner
            .outbox
            .take_due(self.lease, room, &except, inner.now());
        let taken = take.await?;
        self.left_out = !except.is_empty();
        // After fewer than were asked for there are no more.
        if taken.len() < room {
            self.look = self.next_look(now);
        }
        let until = now + self.lease / 2;
        for taken in taken {
            self.lanes.add(taken, until);
        }
        Ok(())
    }

    fn next_look(&self, now: Instant) -> Instant {
        let poll = now + self.task.poll;
        let trial = self.lanes.next_trial(now);
        trial.map_or(poll, |trial| trial.min(poll))
    }

    fn has_room(&self) -> bool {
        // Whoever can't settle should not take more.
        self.sending.len() < self.task.at_once && self.unsettled.len() < MOST_UNSETTLED
    }

    /// Sends what has a lane.
    fn begin(&mut self) {
        // Whatever came before may have taken its time.
        let overdue = self.lanes.overdue(Instant::now());
        self.put_back(overdue);
        while self.sending.len() < self.task.at_once
            && let Some(taken) = self.lanes.next()
        {
            let sent = send(
                Arc::clone(&self.task.inner),
                self.task.retrying,
                taken.clone(),
            );
            let id = self.sending.spawn(sent).id();
            self.under_way.insert(id, taken);
        }
    }

    fn collect(&mut self) {
        while let Some(sent) = self.sending.try_join_next_with_id() {
            self.note(sent);
        }
    }

    fn note(&mut self, sent: Result<(Id, Sent), JoinError>) {
        let sent = match sent {
            Ok((id, sent)) => {
                self.under_way.remove(&id);
                sent
            }
            Err(panicked) => {
                tracing::error!(
                    error = &panicked as &dyn std::error::Error,
                    "the registry or the signer panicked; the delivery is tried again"
                );
                let Some(taken) = self.under_way.remove(&panicked.id()) else {
                    return;
                };
                let why = "the registry or the signer panicked".to_owned();
                let (now, retrying) = (self.task.inner.now(), self.task.retrying);
                Sent::new(&taken, Answer::Failed(why), retrying, now)
            }
        };
        let now = Instant::now();
        let Sent { attempt, answered } = sent;
        let client = attempt.client.clone();
        match &attempt.outcome {
            Outcome::Delivered => self.round.delivered += 1,
            Outcome::Failed { again, .. } => {
                self.round.failed += 1;
                let pause = again.duration_since(self.task.inner.now());
                self.look = self.look.min(now + pause.unwrap_or_default());
            }
            Outcome::GivenUp { .. } => self.round.given_up += 1,
            Outcome::PutBack => {}
        }
        self.unsettled.push(attempt);
        // Once may be chance. Twice, and it may be gone for good.
        let is_gone = !answered && self.lanes.is_troubled(&client);
        let back = self.lanes.done(&client, answered, now);
        match is_gone {
            true => self.put_back_or_give_up(back),
            false => self.put_back(back),
        }
        if let Some(trial) = self.lanes.next_trial(now) {
            self.look = self.look.min(trial);
        }
        // It may be one of those that were left out.
        if self.left_out && answered {
            self.look = now;
        }
    }

    fn put_back_all(&mut self) {
        let waiting = self.lanes.clear();
        self.put_back(waiting);
    }

    fn put_back(&mut self, waiting: Vec<TakenDelivery>) {
        let put_back = |taken: TakenDelivery| taken.settled(Outcome::PutBack);
        self.unsettled.extend(waiting.into_iter().map(put_back));
    }

    /// A client that is gone is tried with one delivery now and then. The others of its deliveries end with that one when their time is over, or the outbox would grow
    /// for as long as sessions end.
    fn put_back_or_give_up(&mut self, waiting: Vec<TakenDelivery>) {
        let (retrying, now) = (self.task.retrying, self.task.inner.now());
        let is_over = |taken: &TakenDelivery| retrying.is_over(taken, now);
        let (over, others): (Vec<_>, _) = waiting.into_iter().partition(is_over);
        self.put_back(others);
        for taken in over {
            let why = "the client answers no more".to_owned();
            let sent = Sent::given_up(&taken, why);
            self.round.given_up += 1;
            self.unsettled.push(sent.attempt);
        }
    }

    /// Tells the outbox what became of attempts.
    async fn settle(&mut self) -> Result<(), Error> {
        let inner = &self.task.inner;
        while !self.unsettled.is_empty() {
            let some = &self.unsettled[..self.unsettled.len().min(MOST_AT_ONCE)];
            inner.outbox.settle(some, inner.now()).await?;
            let count = some.len();
            self.unsettled.drain(..count);
        }
        Ok(())
    }

    /// Has the outbox forget what was settled long ago; gives the time until the next time.
    async fn tidy(&self) -> Duration {
        let inner = &self.task.inner;
        let before = inner.now().checked_sub(self.task.keep_settled);
        let before = before.unwrap_or(SystemTime::UNIX_EPOCH);
        match inner.outbox.forget_settled(before).await {
            Ok(0) => TIDY,
            // There is more, and between two parts of it there is time for others.
            Ok(_) => Duration::from_millis(100),
            Err(error) => {
                warn(&error);
                TIDY
            }
        }
    }

    /// When there is something to do, if nothing else happens.
    fn wake(&self, tidy: Instant) -> Instant {
        let mut wake = tidy.min(Instant::now() + PAUSE);
        if self.has_room() {
            wake = wake.min(self.look);
        }
        wake
    }

    /// Waits until something is to be done.
    async fn wait(
        &mut self,
        mut stop: Pin<&mut impl Future<Output = ()>>,
        mut rings: Pin<&mut impl Future<Output = ()>>,
        until: Instant,
    ) -> Woken {
        let mut time = pin!(sleep_until(until));
        poll_fn(|cx| {
            if stop.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Woken::Stopped);
            }
            if rings.as_mut().poll(cx).is_ready() {
                self.look = Instant::now();
                return Poll::Ready(Woken::Other);
            }
            if let Poll::Ready(Some(sent)) = self.sending.poll_join_next_with_id(cx) {
                self.note(sent);
                return Poll::Ready(Woken::Other);
            }
            time.as_mut().poll(cx).map(|()| Woken::Other)
        })
        .await
    }
}

fn warn(error: &Error) {
    tracing::warn!(
        error = error as &dyn std::error::Error,
        "the outbox of logout notifications did not answer; it is asked again"
    );
}

/// How long an outbox is left alone that failed; nothing that waits is seen to later than that either.
const PAUSE: Duration = Duration::from_secs(1);
/// How often settled deliveries are looked through for old ones.
const TIDY: Duration = Duration::from_secs(3600);
/// How many attempts are settled in one operation.
const MOST_AT_ONCE: usize = 256;
/// With how many attempts that could not be settled no more is taken.
const MOST_UNSETTLED: usize = 1024;
