use std::time::SystemTime;

use super::{fixtures::*, probe::Probe};
use crate::{
    ended::{EndReason, Ended},
    store::{Continuity, Created, End, Filter, Record, Replaced, Selection, SessionStore},
};

/// Everything that ends a session.
#[derive(Clone, Copy, Debug)]
pub(super) enum Way {
    SignOut,
    SignOutThroughAnOldKey,
    FoundExpired,
    TakenExpired,
    AnotherSession,
    LimitOfCreate,
    LimitOfReplace,
    RevokedBySubject,
    RevokedBySession,
    RevokedWithEveryone,
}

impl Way {
    pub(super) const ALL: [Self; 10] = [
        Self::SignOut,
        Self::SignOutThroughAnOldKey,
        Self::FoundExpired,
        Self::TakenExpired,
        Self::AnotherSession,
        Self::LimitOfCreate,
        Self::LimitOfReplace,
        Self::RevokedBySubject,
        Self::RevokedBySession,
        Self::RevokedWithEveryone,
    ];

    /// Ends a session, the only one of its subject, in this way, and gives what there is to tell.
    ///
    /// The session may be followed by another one of the same subject, which is asked for by the number after its own.
    pub(super) async fn end<S: SessionStore>(
        self,
        store: &Probe<S>,
        record: &Record,
        number: usize,
    ) -> Ended {
        let (key, now) = (&record.key, self.time());
        let subject = of_subject(&record.subject);
        let follower = Record {
            expires: at(9 * HOUR),
            ..record_created(&record.subject, number + 1, at(SECOND))
        };
        match self {
            Self::SignOut => {
                let end = End::because(EndReason::SignOut);
                store.delete(key, end, now).await.expect("it is there")
            }
            Self::SignOutThroughAnOldKey => {
                let next = next_of(record, number + 1);
                let same = Continuity::SameSession;
                store.replace(key, &next, same, None, now).await;
                let end = End::because(EndReason::SignOut);
                store.delete(key, end, now).await.expect("it is there")
            }
            Self::FoundExpired => {
                let ended = store.delete(key, End::if_expired(), now).await;
                ended.expect("it has expired")
            }
            Self::TakenExpired => {
                let ended = store.take_expired(10, now).await;
                only(ended, self)
            }
            Self::AnotherSession => {
                let anew = Continuity::NewSession;
                let answer = store.replace(key, &follower, anew, None, now).await;
                let Replaced::Replaced { ended, .. } = answer else {
                    panic!("{self:?}: {answer:?}");
                };
                only(ended, self)
            }
            Self::LimitOfCreate => {
                let answer = store.create(&follower, end_oldest(1), now).await;
                let Created::Created { evicted } = answer else {
                    panic!("{self:?}: {answer:?}");
                };
                only(evicted, self)
            }
            Self::LimitOfReplace => {
                let none = super::fixtures::key(&record.subject, number + 2);
                let anew = Continuity::NewSession;
                let limit = end_oldest(1);
                let answer = store.replace(&none, &follower, anew, limit, now).await;
                let Replaced::Replaced { ended, .. } = answer else {
                    panic!("{self:?}: {answer:?}");
                };
                only(ended, self)
            }
            Self::RevokedBySubject => revoke(store, record, subject.into(), now).await,
            Self::RevokedBySession => {
                let one = Filter::session_id(record.session_id);
                revoke(store, record, one.into(), now).await
            }
            Self::RevokedWithEveryone => revoke(store, record, Selection::Everyone, now).await,
        }
    }

    /// When it is done to a record of the fixtures.
    pub(super) fn time(self) -> SystemTime {
        match self {
            Self::FoundExpired | Self::TakenExpired => at(HOUR),
            _ => at(MINUTE),
        }
    }

    pub(super) fn reason(self) -> EndReason {
        match self {
            Self::SignOut | Self::SignOutThroughAnOldKey => EndReason::SignOut,
            Self::FoundExpired | Self::TakenExpired => EndReason::Expired,
            Self::AnotherSession => EndReason::Replaced,
            Self::LimitOfCreate | Self::LimitOfReplace => EndReason::LimitReached,
            Self::RevokedBySubject | Self::RevokedBySession | Self::RevokedWithEveryone => {
                EndReason::Revoked
            }
        }
    }

    /// Whether another session of the subject is there afterwards.
    pub(super) fn is_followed(self) -> bool {
        matches!(
            self,
            Self::AnotherSession | Self::LimitOfCreate | Self::LimitOfReplace
        )
    }
}

async fn revoke<S: SessionStore>(
    store: &Probe<S>,
    record: &Record,
    selection: Selection,
    now: SystemTime,
) -> Ended {
    let there = store.found(&record.key, now).await;
    let reason = EndReason::Revoked;
    let ended = store.delete_matching(&selection, reason, 10, now).await;
    assert_eq!(ended, 1, "{selection:?}");
    there.ended(reason, now)
}

fn only(mut ended: Vec<Ended>, way: Way) -> Ended {
    assert_eq!(ended.len(), 1, "{way:?} ends one session");
    ended.remove(0)
}
