//! All the cases, in one list, and what is made of it.

/// Makes a test of each case of the [suite for outboxes](crate::testing::conformance::outbox), in the module where it is called.
///
/// It takes an expression for a future that makes a fresh, empty outbox; each test makes its own. Attributes before it go to each test. The tests are
/// `#[tokio::test]`s on several threads, so the calling crate needs tokio with the features `macros` and `rt-multi-thread`.
///
/// ```
/// use axum_user_session::{outbox_conformance, store::MemoryStore};
///
/// outbox_conformance! {
///     #[ignore = "takes a second"]
///     async { MemoryStore::new(10_000) }
/// }
/// ```
#[macro_export]
macro_rules! outbox_conformance {
    ($($attributes_and_make:tt)*) => {
        $crate::__outbox_conformance! { attributes [] $($attributes_and_make)* }
    };
}

/// The list: every case, under the module that it is in.
#[doc(hidden)]
#[macro_export]
macro_rules! __each_outbox_case {
    ($kind:ident $($more:tt)*) => {
        $crate::__outbox_conformance! { $kind $($more)*
            put_in {
                o6_what_is_put_in_is_due_at_once
                o6_a_delivery_is_put_in_once
                o6_a_delivery_stays_as_it_is_when_its_news_comes_again
                o6_nobody_to_be_told_is_nothing_to_do
                o6_a_thousand_clients_are_told
                o6_ends_are_told_apart
            }
            text {
                o6_odd_text_comes_back_as_it_was
                o6_subjects_and_clients_are_their_exact_texts
                o6_a_failure_is_kept_in_part
                o6_times_are_the_callers_to_the_millisecond
            }
            take {
                o6_what_was_taken_is_hidden_for_its_lease
                o6_a_lease_may_last_for_ever
                o6_takers_share_nothing
                o6_what_is_not_due_is_not_taken
                o6_what_was_due_first_is_taken_first
                o6_a_clock_may_step_back
            }
            except {
                o6_clients_that_have_enough_to_do_are_passed_by
                o6_hundreds_of_clients_can_be_passed_by
                o6_many_deliveries_of_one_client_hide_no_other
            }
            settle {
                o6_what_was_delivered_is_not_taken_again
                o6_what_failed_is_tried_again_when_it_is_due
                o6_what_was_given_up_is_not_tried_again
                o6_what_was_put_back_is_as_before
                o6_what_had_failed_and_was_put_back_is_as_before
                o6_an_attempt_at_nothing_does_not_count
                o6_each_attempt_of_a_batch_counts_for_itself
            }
            turns {
                o6_only_the_last_taker_settles
                o6_a_late_word_counts_if_nobody_has_taken_it_since
                o6_a_word_counts_once
                o6_what_was_put_back_is_the_next_takers
            }
            lists {
                o6_an_empty_outbox_has_nothing
                o6_every_filter_finds_what_it_means
                o6_the_newest_come_first
                o6_counts_follow_every_step
                o6_two_sessions_may_have_one_id
            }
            forget {
                o6_only_what_was_settled_before_is_forgotten
                o6_forgetting_goes_on_until_none_are_left
                o6_what_was_forgotten_can_be_put_in_again
            }
            races {
                o6_takers_at_once_share_nothing
                o6_an_end_that_comes_to_many_at_once_is_put_in_once
                o6_one_of_many_words_counts
                o6_a_late_word_meets_another_taker
                o6_nothing_is_lost_between_all_of_them
            }
            cancelled {
                o6_a_caller_that_gave_up_may_ask_again
            }
            history {
                o6_a_history_is_answered_as_by_the_store_in_memory
            }
        }
    };
}

/// What is made of the list.
#[doc(hidden)]
#[macro_export]
macro_rules! __outbox_conformance {
    (attributes [$($before:tt)*] #[$next:meta] $($more:tt)*) => {
        $crate::__outbox_conformance! { attributes [$($before)* #[$next]] $($more)* }
    };
    (attributes [$($all:tt)*] $make:expr $(,)?) => {
        $crate::__each_outbox_case! { tests [$($all)*] [$make] }
    };
    (tests $attributes:tt $make:tt $($module:ident { $($case:ident)* })*) => {
        $($($crate::__outbox_conformance! { test $attributes $make $module $case })*)*
    };
    (test [$($attribute:tt)*] [$make:expr] $module:ident $case:ident) => {
        #[::tokio::test(flavor = "multi_thread", worker_threads = 4)]
        $($attribute)*
        async fn $case() {
            $crate::testing::conformance::outbox::$module::$case($make.await).await;
        }
    };
    (run $make:ident $failures:ident $($module:ident { $($case:ident)* })*) => {
        $($(
            let running = tokio::spawn(super::$module::$case($make().await));
            if let Err(failed) = running.await {
                $failures.push(describe(stringify!($case), failed.into_panic()));
            }
        )*)*
    };
    (names $($module:ident { $($case:ident)* })*) => {
        &[$((stringify!($module), &[$(stringify!($case)),*])),*]
    };
}
