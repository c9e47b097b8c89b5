//! All the cases, in one list, and what is made of it.

/// Makes a test of each case of the [conformance suite](crate::testing::conformance), in the module where it is called.
///
/// It takes an expression for a future that makes a fresh, empty store; each test makes its own. Attributes before it go to each test. The tests are
/// `#[tokio::test]`s on several threads, so the calling crate needs tokio with the features `macros` and `rt-multi-thread`.
///
/// ```
/// use axum_user_session::{store::MemoryStore, store_conformance};
///
/// store_conformance! {
///     #[ignore = "takes a second"]
///     async { MemoryStore::new(10_000) }
/// }
/// ```
#[macro_export]
macro_rules! store_conformance {
    ($($attributes_and_make:tt)*) => {
        $crate::__conformance! { attributes [] $($attributes_and_make)* }
    };
}

/// The list: every case, under the module that it is in.
#[doc(hidden)]
#[macro_export]
macro_rules! __each_conformance_case {
    ($kind:ident $($more:tt)*) => {
        $crate::__conformance! { $kind $($more)*
            create {
                s3_create_puts_a_record_in
                s3_create_refuses_a_key_that_has_a_record
                s3_create_refuses_the_key_of_an_expired_record
                s6_create_refuses_the_key_of_a_record_that_is_over
                s3_one_of_many_creates_of_a_key_succeeds
                s3_many_creates_at_once_all_stick
            }
            round_trip {
                s2_a_record_comes_back_in_all_its_fields
                s2_hostile_text_comes_back_as_it_was
                s2_hostile_text_survives_changes
                s2_the_largest_values_are_kept_whole
                s2_a_thousand_clients_keep_their_order
                s2_times_are_kept_to_the_millisecond
                s2_a_store_goes_by_the_callers_clock
            }
            load {
                s7_an_unknown_key_is_missing
                s7_a_plain_load_changes_nothing
                s7_a_load_shows_its_touch
                s6_an_expired_record_is_loaded_and_not_touched
                s6_a_record_that_is_over_is_gone
                s7_a_load_that_meets_an_end_is_never_missing
                s7_a_load_that_meets_a_replacement_is_never_missing
            }
            touch {
                s3_a_touch_is_due_when_the_last_is_old_enough
                s3_a_touch_never_shortens
                s3_a_touch_leaves_all_else_alone
                s13_a_touched_session_expires_later
                s6_a_touch_brings_nothing_back
                s3_a_clock_that_steps_back_makes_no_touch_due
                s3_a_touch_may_be_due_always_or_never
                s3_one_of_many_touches_counts
                s13_a_touch_meets_the_end_of_its_record
            }
            update {
                s3_an_update_changes_ticket_and_name
                s3_an_update_of_another_version_is_a_conflict
                s10_an_updated_name_is_what_is_searched
                s6_an_update_brings_nothing_back
                s3_one_of_many_updates_of_a_version_succeeds
                s3_updates_touches_and_clients_do_not_disturb_each_other
            }
            clients {
                s4_clients_stand_in_the_order_added_each_once
                s4_a_client_is_taken_out
                s6_clients_bring_nothing_back
                s4_clients_added_at_once_all_stick
                s4_clients_come_and_go_at_once
                s4_a_client_meets_the_end_of_its_session
                s4_clients_meet_sign_ins
            }
            replace {
                s5_a_session_goes_on_in_another_record
                s5_what_the_store_has_counts
                s5_no_session_goes_on_from_nothing
                s12_a_session_that_goes_on_meets_no_limit
                promise_6_a_repeated_replace_answers_as_the_first
                s6_a_late_replace_brings_nothing_back
            }
            replace_races {
                promise_6_a_replace_may_overtake_itself
                s5_many_sign_ins_of_one_session_leave_one_record
                s6_an_update_meets_a_sign_in
            }
            successors {
                s6_clients_follow_to_the_newest_successor
                s6_a_sign_out_follows_to_the_newest_successor
                s5_a_sign_in_follows_to_the_newest_successor
                s5_another_session_ends_the_newest_successor
                s6_the_way_to_a_successor_is_remembered_for_60_seconds
                s6_an_expired_successor_is_followed_as_one_that_is_there
            }
            replace_anew {
                s5_another_session_takes_over_nothing
                s5_another_session_begins_without_one_before
                s12_another_session_is_under_the_limit
                s5_many_other_sessions_end_the_one_before_once
                promise_6_another_session_may_overtake_itself
                s6_a_sign_out_meets_another_session
                s6_another_session_needs_a_key_of_its_own
            }
            delete {
                s3_a_session_ends_once
                s14_a_session_ends_for_its_reason
                s13_only_an_expired_session_ends_if_expired
                s13_an_expired_session_can_be_ended
                s6_an_end_is_remembered_for_60_seconds
                s3_one_of_many_hears_of_an_end
                s6_a_sign_out_meets_a_sign_in
                s6_late_requests_meet_a_sign_out
            }
            over {
                s6_ended_means_ended
                s14_every_end_is_told_once
                s6_every_end_meets_a_sign_in
            }
            memories {
                s6_tidying_away_leaves_what_is_of_use
                s14_the_log_outlives_the_memory_of_a_record
            }
            limit {
                s12_a_newcomer_is_refused
                s12_the_session_that_was_created_first_ends
                s12_a_lowered_limit_ends_several
                s12_only_live_sessions_count
                s12_sign_ins_at_once_do_not_exceed_the_limit
                s12_sign_ins_at_once_end_the_oldest
            }
            subjects {
                s10_a_subject_is_its_exact_text
                s10_a_session_id_is_its_exact_text
                s3_nothing_of_one_subject_touches_another
            }
            filter {
                s10_every_criterion_of_a_filter_is_met
                s10_a_revocation_ends_what_its_filter_means
                s10_a_text_longer_than_any_finds_nothing
                s10_expired_sessions_are_not_found
            }
            names {
                s10_a_name_is_found_by_its_beginning
                s10_a_long_name_is_found_by_its_whole
                s10_a_part_of_a_name_is_found_or_refused
                s10_a_session_without_a_name_is_not_found_by_one
            }
            order {
                s10_a_list_is_ordered_by_beginning_and_then_by_id
                s10_a_session_keeps_its_place
                s10_parts_of_a_list_are_told_by_a_place
                s10_a_page_is_full_though_others_lie_between
            }
            paging {
                s10_pages_make_up_the_list
                s10_no_session_is_left_out_or_repeated
                s10_a_session_that_signs_in_again_is_found_once
            }
            revoke {
                s10_a_revocation_goes_on_until_none_are_left
                s10_everyone_is_everyone
                s10_many_revocations_at_once_end_each_session_once
                s10_a_revocation_meets_sign_ins
            }
            expiry {
                s13_only_the_expired_are_taken
                s13_the_expired_are_taken_in_batches
                s13_many_takers_take_each_once
                s13_sessions_that_expire_together_are_all_taken
                s13_used_sessions_do_not_hide_the_expired
            }
            end_log {
                s14_what_was_taken_is_hidden_for_its_lease
                s14_a_lease_may_last_for_ever
                s14_takers_share_nothing
                s14_takers_at_once_share_nothing
                s14_what_was_acknowledged_is_gone
                s14_an_end_is_acknowledged_once
                s14_no_end_is_lost_between_enders_and_takers
                s14_an_end_is_there_when_its_session_is_gone
                s14_ends_at_once_are_all_logged
                s14_unheard_ends_are_tidied_away
            }
            cancelled {
                promise_6_a_caller_that_gave_up_may_ask_again
                s14_what_nobody_got_comes_again
            }
            one_order {
                promise_1_operations_at_once_have_one_order
            }
            history {
                promise_1_a_history_is_answered_as_by_a_plain_store
            }
        }
    };
}

/// What is made of the list.
#[doc(hidden)]
#[macro_export]
macro_rules! __conformance {
    (attributes [$($before:tt)*] #[$next:meta] $($more:tt)*) => {
        $crate::__conformance! { attributes [$($before)* #[$next]] $($more)* }
    };
    (attributes [$($all:tt)*] $make:expr $(,)?) => {
        $crate::__each_conformance_case! { tests [$($all)*] [$make] }
    };
    (tests $attributes:tt $make:tt $($module:ident { $($case:ident)* })*) => {
        $($($crate::__conformance! { test $attributes $make $module $case })*)*
    };
    (test [$($attribute:tt)*] [$make:expr] $module:ident $case:ident) => {
        #[::tokio::test(flavor = "multi_thread", worker_threads = 4)]
        $($attribute)*
        async fn $case() {
            $crate::testing::conformance::$module::$case($make.await).await;
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
