use std::{
    future::Future,
    time::{Duration, SystemTime},
};

use super::{
    key::RecordKey,
    operation::{
        ClientAdded, ClientRemoved, Continuity, Created, End, Limit, Loaded, Purged, Replaced,
        TakenEnd, Touch, Touched, Update, Updated,
    },
    query::{Filter, Part, Query, Selection},
    record::Record,
};
use crate::{
    ended::{EndReason, Ended, EventId},
    error::StoreError,
    id::ClientId,
};

/// Keeps sessions on a server, or in one: where they can be found, counted and ended.
///
/// Give one to [`store`](crate::config::SessionConfigBuilder::store). The crate has several; write one of your own with native `async fn`s, and run
/// the conformance suite of the feature `testing` over it: `store_conformance!(a_fresh_store())` in a test makes a test of each promise below. The source of
/// [`MemoryStore`](super::MemoryStore) is the place to begin reading, as it has no server to speak to. To look at the operations of a store, or to
/// make them fail, no store needs to be written: that is `testing::Intercepted`.
///
/// # What every store promises
///
/// 1. Each operation is **atomic**: it happens as a whole or not at all, at one moment between its call and its answer, and in one order for all nodes. Where a store
///    over several machines can't, [its documentation](crate::store) says so.
/// 2. **Ended means ended.** A key whose record ended or was replaced never has a record again: nothing but [`create`](Self::create) and
///    [`replace`](Self::replace) puts a record in, and both refuse a key that is known for [`TOMBSTONE`](super::TOMBSTONE) longer. (Keys are never chosen twice.)
/// 3. **An expired record is not there**, whether or not it has been taken away yet: every operation behaves as if it was missing, except
///    [`load`](Self::load), which gives it, and those that end sessions, which end it.
/// 4. **Every end is logged** in the same step that takes the record away: one [`Ended`], as [`Record::ended`] or [`Record::into_ended`] makes it, to be
///    [taken](Self::take_ended) and [acknowledged](Self::acknowledge). A record that is replaced while its session goes on has not ended.
/// 5. **The successor is followed.** A replaced record whose session goes on leaves its successor's key for as long as its memory lasts; [`add_client`](Self::add_client),
///    [`remove_client`](Self::remove_client), [`replace`](Self::replace) and [`delete`](Self::delete) act on the newest successor instead. Nothing else does.
/// 6. **A repeated request does no harm.** A reply may be lost after the operation took effect, and the caller then asks again, once: the second `create`
///    finds its own key taken, the second `replace` answers as the first, the others find their work done.
/// 7. An error means that the outcome is unknown, never that there is no session.
/// 8. **The clients of a record** are in the order first added, each once. They are taken as they come: there may be many, at every request.
///
/// # What every store is promised
///
/// Times come from the caller's clock, in whole milliseconds, and may step back a little between calls. Subjects have 1 to 255 characters, names and devices are bounded, and
/// none of these holds a control character. `limit`s and `max`es are at least 1. Operations may be cancelled at any point, when a time limit is over.
/// Keys are never chosen twice, but session ids may be, by hosts that bring their own: two records of different subjects can have the same.
pub trait SessionStore: Send + Sync + 'static {
    /// Puts a new record in, if its key is free.
    ///
    /// With a limit, the sessions of the subject that have not expired are counted in the same step, so that any number of sign-ins at once
    /// never exceed it.
    ///
    /// # Errors
    ///
    /// When the store can't answer, as in every other operation.
    fn create(
        &self,
        record: &Record,
        limit: Option<Limit>,
        now: SystemTime,
    ) -> impl Future<Output = Result<Created, StoreError>> + Send;

    /// Gives the record of a key, expired or not, and in the same step touches it as [`touch`](Self::touch) does, if asked to.
    ///
    /// One round trip, in the usual case. With no touch asked for it is a plain read.
    ///
    /// # Errors
    ///
    /// When the store can't answer.
    fn load(
        &self,
        key: &RecordKey,
        touch: Option<Touch>,
        now: SystemTime,
    ) -> impl Future<Output = Result<Loaded, StoreError>> + Send;

    /// Gives a record another ticket and name, if it has the version that was expected. It never puts a record in.
    ///
    /// # Errors
    ///
    /// When the store can't answer. After a lost reply, the second attempt finds a conflict with itself.
    fn update(
        &self,
        key: &RecordKey,
        update: &Update,
        expected_version: u64,
        now: SystemTime,
    ) -> impl Future<Output = Result<Updated, StoreError>> + Send;

    /// Notes that a session is alive: `renewed` becomes `now`, if it is `touch.every` or more before that, and the expiry is extended if `touch.expires` is
    /// later. It never puts a record in, and never shortens its life.
    ///
    /// # Errors
    ///
    /// When the store can't answer.
    fn touch(
        &self,
        key: &RecordKey,
        touch: Touch,
        now: SystemTime,
    ) -> impl Future<Output = Result<Touched, StoreError>> + Send;

    /// Appends a client to a record, or to its newest successor, if it is not there. Any number of callers at once lose none.
    ///
    /// # Errors
    ///
    /// When the store can't answer.
    fn add_client(
        &self,
        key: &RecordKey,
        client: &ClientId,
        now: SystemTime,
    ) -> impl Future<Output = Result<ClientAdded, StoreError>> + Send;

    /// Takes a client out of a record, or of its newest successor.
    ///
    /// # Errors
    ///
    /// When the store can't answer.
    fn remove_client(
        &self,
        key: &RecordKey,
        client: &ClientId,
        now: SystemTime,
    ) -> impl Future<Output = Result<ClientRemoved, StoreError>> + Send;

    /// Puts a new record in the place of another: the user has signed in again, and gets a fresh key.
    ///
    /// [`SameSession`](Continuity::SameSession): the session goes on. The old record, or its newest successor, must be there and have the same session id and subject. The
    /// new one takes over `created`, and the clients that the old one has in the store at that moment, followed by those of its own that are not among them; the old
    /// one leaves the new one's key. The count of sessions stays, so the limit does not matter.
    ///
    /// [`NewSession`](Continuity::NewSession): the old session ends as [`Replaced`](EndReason::Replaced), if it is there and the same subject's, and the new one is created
    /// under the limit, whether or not it was. Nothing is taken over. An old one that has expired is left to those who take such.
    ///
    /// If the new key has a record already, this is the second attempt of a caller that lost a reply: it gives that record's clients and
    /// `created`, and nothing else happens. If that record is over by then, and remembered, the new one is [`Missing`](Replaced::Missing), whatever the continuity.
    ///
    /// # Errors
    ///
    /// When the store can't answer.
    fn replace(
        &self,
        old: &RecordKey,
        record: &Record,
        continuity: Continuity,
        limit: Option<Limit>,
        now: SystemTime,
    ) -> impl Future<Output = Result<Replaced, StoreError>> + Send;

    /// Ends the session of a record, or of its newest successor, and gives what ended to exactly one caller. None if it is not there, or is not to end.
    ///
    /// # Errors
    ///
    /// When the store can't answer.
    fn delete(
        &self,
        key: &RecordKey,
        end: End,
        now: SystemTime,
    ) -> impl Future<Output = Result<Option<Ended>, StoreError>> + Send;

    /// Gives the newest records that meet a filter, at most `limit`. For a subject, a session id or both it is asked often, and must be quick.
    ///
    /// Default: the first part of the list that [`query`](Self::query) gives.
    ///
    /// # Errors
    ///
    /// As [`query`](Self::query).
    fn find(
        &self,
        filter: &Filter,
        limit: usize,
        now: SystemTime,
    ) -> impl Future<Output = Result<Vec<Record>, StoreError>> + Send {
        let query = Query {
            selection: Selection::Matching(filter.clone()),
            part: Part::Newest,
            limit,
        };
        async move { self.query(&query, now).await }
    }

    /// Gives a part of a list of records, newest first. Fewer than `limit` means that there are no more in this part.
    ///
    /// A session that is there throughout is neither left out nor repeated while one page after the other is asked for, whatever comes and goes
    /// meanwhile, signing in again included. (Two that share a [place](super::Position) are the exception.)
    ///
    /// # Errors
    ///
    /// When the store can't answer, or is asked to search within names and does not offer it.
    fn query(
        &self,
        query: &Query,
        now: SystemTime,
    ) -> impl Future<Output = Result<Vec<Record>, StoreError>> + Send;

    /// Counts records.
    ///
    /// # Errors
    ///
    /// As [`query`](Self::query).
    fn count(
        &self,
        selection: &Selection,
        now: SystemTime,
    ) -> impl Future<Output = Result<u64, StoreError>> + Send;

    /// Ends some sessions, expired or not, at most `max`, and gives their number. Fewer than `max` means that none are left.
    ///
    /// Whoever revokes calls it until none are left.
    ///
    /// # Errors
    ///
    /// As [`query`](Self::query).
    fn delete_matching(
        &self,
        selection: &Selection,
        reason: EndReason,
        max: usize,
        now: SystemTime,
    ) -> impl Future<Output = Result<u64, StoreError>> + Send;

    /// Ends sessions that have [expired](EndReason::Expired), at most `max`, about in the order in which they expired, and gives what ended
    /// to exactly one caller of any number.
    ///
    /// # Errors
    ///
    /// When the store can't answer.
    fn take_expired(
        &self,
        max: usize,
        now: SystemTime,
    ) -> impl Future<Output = Result<Vec<Ended>, StoreError>> + Send;

    /// Takes entries from the log of ends, at most `max`, about in the order in which they came, and hides them from other takers for the time of
    /// `lease`.
    ///
    /// Whoever took one [acknowledges](Self::acknowledge) it when it is dealt with, or it can be taken again when the lease is over.
    ///
    /// # Errors
    ///
    /// When the store can't answer.
    fn take_ended(
        &self,
        lease: Duration,
        max: usize,
        now: SystemTime,
    ) -> impl Future<Output = Result<Vec<TakenEnd>, StoreError>> + Send;

    /// Removes entries from the log of ends for good, whoever has taken them, and gives how many were there.
    ///
    /// # Errors
    ///
    /// When the store can't answer.
    fn acknowledge(
        &self,
        events: &[EventId],
    ) -> impl Future<Output = Result<u64, StoreError>> + Send;

    /// Tidies away what is of no use any more: memories of records that are over, and entries of the log of ends from before `unheard_before`.
    ///
    /// It may leave some of them to the next call, so that a call does not take long.
    ///
    /// # Errors
    ///
    /// When the store can't answer.
    fn purge(
        &self,
        unheard_before: SystemTime,
        now: SystemTime,
    ) -> impl Future<Output = Result<Purged, StoreError>> + Send;

    /// Whether [`NameMatch::Contains`](super::NameMatch::Contains) is offered. Default: no.
    fn searches_within_names(&self) -> bool {
        false
    }
}
