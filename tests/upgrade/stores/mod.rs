//! Sessions in stores.

pub(crate) mod checks;
mod opened;
pub(crate) mod outbox_checks;
mod place;
mod postgres;
mod redis;
mod redis_text;
mod sqlite;

pub(crate) use self::{
    opened::{Opened, admin, page_query},
    place::Place,
    postgres::PostgresPlace,
    redis::RedisPlace,
    sqlite::SqlitePlace,
};

/// A test for each check, in a store of one kind.
macro_rules! upgrade_tests {
    ($place:ty $(, #[$ignored:meta])?) => {
        $crate::stores::upgrade_tests! {
            @each $place, [$(#[$ignored])?],
            lists_are_read
            sessions_are_read
            s10_pages_go_on
            s7_sessions_are_extended_to_their_limit
            s4_clients_are_added
            s5_signing_in_again_goes_on_with_the_session
            k9_records_are_sealed_anew
            s8_records_of_a_later_release_are_left_alone
            c22_items_are_set
            s15_clients_keep_sessions_alive
            s6_replaced_references_follow
            s14_ends_are_heard
            s14_sessions_end_and_their_clients_hear_of_it
            s13_expired_sessions_are_taken_away
            s12_old_sessions_count
            s10_everyone_is_revoked
        }
    };
    (@each $place:ty, $ignored:tt, $($check:ident)*) => {
        $($crate::stores::upgrade_tests! { @one $place, $ignored, checks, $check })*
        $crate::stores::upgrade_tests! { @one $place, $ignored, outbox_checks, o6_deliveries_are_read }
        $crate::stores::upgrade_tests! { @one $place, $ignored, outbox_checks, o6_deliveries_go_on }
        $crate::stores::upgrade_tests! { @one $place, $ignored, outbox_checks, o6_ends_of_before_are_put_in }

        $crate::stores::upgrade_tests! { @damage $place, $ignored }
    };
    (@one $place:ty, [$($ignored:tt)*], $checks:ident, $check:ident) => {
        #[tokio::test]
        $($ignored)*
        async fn $check() {
            $crate::stores::Opened::<$place>::each($crate::stores::$checks::$check).await;
        }
    };
    (@damage $place:ty, [$($ignored:tt)*]) => {
        #[tokio::test]
        $($ignored)*
        async fn a_damaged_content_fails() {
            $crate::damage::of_content::<$place>().await;
        }
    };
}
pub(crate) use upgrade_tests;
