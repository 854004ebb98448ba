//! Bugs planted on purpose: the suite finds each of them, in the group that it belongs to.
//!
//! Each test is a process of its own, for what hangs stays behind, and what leaks is not looked
//! for.
#![allow(unsafe_code, reason = "the support for scenarios has some")]

use std::time::Duration;

use ringbahn_conformance::{Differences, Group, Outcome, Subject, Suite, Takes};
use ringbahn_core::Drive;

#[path = "support/bare.rs"]
mod bare;
#[path = "support/flawed.rs"]
mod flawed;
#[path = "../../ringbahn-drivers/tests/support/scene.rs"]
mod scene;
#[path = "../../ringbahn-drivers/tests/support/skip.rs"]
mod skip;

use bare::Omission;
use flawed::Flaw;

/// How long a case may take that a bug makes hang.
const PATIENCE: Duration = Duration::from_secs(2);

/// The suite's `group` finds out about `subject`, with one of `cases`.
fn finds<T: Subject>(test: &str, subject: T, group: Group, cases: &[&str])
where
    <T::Driver as Drive>::Sharing: Takes<T::Driver>,
{
    scene::in_child(test, || {
        let results = Suite::new().groups([group]).patience(PATIENCE).run(subject);
        let failures = results.failures();
        let is_one_of_them = |name: &str| {
            let name = name.split_once('/').map_or(name, |(_, name)| name);
            cases.iter().any(|case| *case == "*" || *case == name)
        };
        let found = failures.iter().any(|(name, _)| is_one_of_them(name));
        assert!(found, "{cases:?} do not find it; what fails is {failures:#?}");
    });
}

/// Makes a test of each line: the bug, and the case that finds it, or several of which the
/// kernel decides which one comes first; `*` are all of the group.
macro_rules! bugs {
    ($($test:ident: $subject:expr, $group:ident, $($case:literal)|+;)*) => {
        $(#[test]
        fn $test() {
            finds(stringify!($test), $subject, Group::$group, &[$($case),+]);
        })*
    };
}

bugs! {
    a_driver_that_forgets_to_submit:
        Flaw::ForgetsToSubmit, Data, "a_file_is_read_as_it_was_written";
    a_driver_that_never_reaps:
        Omission::NeverReaps, Data, "a_file_is_read_as_it_was_written";
    a_driver_that_reaps_only_when_it_is_called:
        Omission::ReapsOnlyWhenCalled, Data, "*";
    a_driver_that_loses_resubmissions:
        Omission::LosesResubmissions, Repeats, "an_operation_goes_round_as_often_as_it_wants";
    a_driver_that_submits_at_the_next_poll_only:
        Flaw::SubmitsAtTheNextPoll, Backpressure, "what_is_polled_once_reaches_the_kernel";
    a_driver_that_waits_without_being_woken:
        Flaw::WaitsWithoutBeingWoken, Backpressure,
        "a_thousand_operations_go_through_a_queue_of_one";
    a_driver_that_loses_those_who_wait:
        Flaw::LosesWaiters, Backpressure, "a_thousand_operations_go_through_a_queue_of_one";
    a_driver_that_blocks_when_it_is_full:
        Flaw::BlocksWhenFull, Backpressure, "far_more_are_in_flight_than_the_queues_hold";
    a_driver_that_refuses_when_it_is_full:
        Flaw::RefusesWhenFull, Backpressure, "far_more_are_in_flight_than_the_queues_hold";
    a_driver_that_blocks_in_cancel:
        Flaw::BlocksInCancel, Backpressure, "cancels_find_room_where_there_is_none";
    a_driver_that_drops_cancels:
        Flaw::DropsCancels, Cancel, "a_dropped_read_lets_go_of_its_file";
    a_driver_that_forgets_some_cancels:
        Flaw::ForgetsSomeCancels, Cancel,
        "a_cancelled_read_gives_its_buffer_back_and_takes_nothing";
    a_driver_that_lies_in_its_report:
        Flaw::LiesInItsReport, Teardown, "the_report_tells_what_was_stopped";
    a_driver_that_does_not_shut_down:
        Flaw::DoesNotShutDown, Teardown, "a_shutdown_stops_whatever_is_pending";
    a_driver_that_waits_for_its_deadline:
        Flaw::WaitsForItsDeadline, Teardown,
        "a_shutdown_with_nothing_in_flight_does_not_wait_for_its_deadline";
    a_driver_whose_clones_are_drivers_of_their_own:
        Flaw::ClonesAreDrivers, Teardown, "the_report_tells_what_was_stopped";
    a_driver_that_reserves_too_few_places:
        Flaw::ReservesTooFew, Links, "both_parts_run_and_in_their_order";
    a_driver_that_reserves_too_few_places_for_an_event_of_two:
        Flaw::ReservesTooFew, Lifecycle, "Link/completed";
    a_driver_that_wakes_under_a_lock:
        Flaw::WakesUnderALock, Wakers,
        "a_waker_may_submit_another_operation"
            | "a_waker_that_waits_for_room_may_submit_another_operation";
    a_driver_that_keeps_wakers:
        Flaw::KeepsWakers, Leaks, "wakers_are_let_go";
    a_driver_that_leaks_a_descriptor:
        Flaw::LeaksADescriptor, Leaks, "a_driver_that_was_shut_down_leaves_nothing_open";
    a_driver_that_leaves_its_ring_open:
        Flaw::LeavesItsRingOpen, Leaks, "a_driver_that_was_dropped_leaves_nothing_open";
    a_driver_that_miscounts:
        Flaw::Miscounts, Leaks, "the_count_of_what_is_in_flight_is_exact";
    a_driver_that_belongs_to_one_thread:
        Flaw::BelongsToOneThread, Threads, "many_threads_share_a_queue_of_one";
}

/// The list of the project's own drivers, of which one is without bugs here.
const DIFFERENCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/differences.txt");

/// What the bugs are planted in passes, so it is the bugs that are found. The list of differences
/// names a case that there is not.
#[test]
fn the_driver_without_a_bug_conforms() {
    scene::in_child("the_driver_without_a_bug_conforms", || {
        let list = std::fs::read_to_string(DIFFERENCES).expect("the list is there");
        let lines = list.lines().filter_map(|line| {
            let rest = line.strip_prefix("shared by its ring: ").or(line.strip_prefix("*: "))?;
            Some(format!("None: {rest}\n"))
        });
        let one_too_many = "None: data/a_case_that_there_is_not: it was removed";
        let list = differences(&(lines.collect::<String>() + one_too_many));
        let results = Suite::new().differences(list).run(Flaw::None);
        assert_eq!(results.failures(), []);
        let [wrong] = &results.wrong_differences[..] else {
            panic!("{:?}", results.wrong_differences);
        };
        assert!(wrong.contains("names no case"), "{wrong}");
        assert!(!results.conforms());
    });
}

fn differences(text: &str) -> Differences {
    Differences::parse(text).expect("it is well-formed")
}

const COUNT: &str = "leaks/the_count_of_what_is_in_flight_is_exact";

/// The outcome of one case of a driver that miscounts, or of one that does not, where the list says
/// that it differs.
fn outcome_with(list: &str, flaw: Flaw) -> (Outcome, Vec<String>) {
    let suite = Suite::new().only(COUNT).differences(differences(list));
    let results = suite.run(flaw);
    let [case] = &results.cases[..] else { panic!("one case was asked for: {results:?}") };
    (case.outcome.clone(), results.wrong_differences)
}

#[test]
fn a_difference_that_is_expected_is_no_failure() {
    scene::in_child("a_difference_that_is_expected_is_no_failure", || {
        for case in [COUNT, "leaks/*"] {
            let list = format!("Miscounts: {case}: it counts to two");
            let expected = Outcome::ExpectedDifference("it counts to two".into());
            assert_eq!(outcome_with(&list, Flaw::Miscounts), (expected, Vec::new()));
        }
    });
}

#[test]
fn a_difference_of_another_driver_is_a_failure() {
    scene::in_child("a_difference_of_another_driver_is_a_failure", || {
        let list = format!("None: {COUNT}: it counts to two");
        let (outcome, _) = outcome_with(&list, Flaw::Miscounts);
        assert!(matches!(outcome, Outcome::Failed(_)), "{outcome:?}");
    });
}

#[test]
fn an_expected_difference_that_does_not_happen_is_a_failure() {
    scene::in_child("an_expected_difference_that_does_not_happen_is_a_failure", || {
        let (outcome, _) = outcome_with(&format!("None: {COUNT}: it counts to two"), Flaw::None);
        let Outcome::Failed(message) = outcome else { panic!("{outcome:?}") };
        assert!(message.contains("line 1"), "{message}");
        let (outcome, wrong) = outcome_with("None: leaks/*: it counts to two", Flaw::None);
        assert_eq!(outcome, Outcome::Passed);
        assert!(wrong[0].contains("none of these cases differs"), "{wrong:?}");
    });
}

#[test]
fn a_refusal_needs_a_line_that_says_so_and_covers_nothing_else() {
    scene::in_child("a_refusal_needs_a_line_that_says_so_and_covers_nothing_else", || {
        let outcome = |list: &str| {
            let suite = Suite::new().only("lifecycle/Drained/timed_out");
            let results = suite.differences(differences(list)).run(Flaw::None);
            results.cases[0].outcome.clone()
        };
        let Outcome::Failed(message) = outcome("") else { panic!("nobody knows of it") };
        assert!(message.contains("the list says nothing"), "{message}");
        let refused = Outcome::Unsupported("it would stand still".into());
        for driver in ["None", "*"] {
            let line = format!("{driver}: lifecycle/Drained/*: unsupported: it would stand still");
            assert_eq!(outcome(&line), refused);
        }
        // What counts wrongly refuses nothing.
        let list = format!("Miscounts: {COUNT}: unsupported: it does not count");
        let (failed, _) = outcome_with(&list, Flaw::Miscounts);
        assert!(matches!(failed, Outcome::Failed(_)), "{failed:?}");
    });
}

#[test]
fn a_case_that_hangs_is_named_with_what_it_was_at() {
    scene::in_child("a_case_that_hangs_is_named_with_what_it_was_at", || {
        let suite = Suite::new().groups([Group::Backpressure]).patience(PATIENCE);
        let results = suite.run(Flaw::LosesWaiters);
        let failures = results.failures();
        let hanging = failures.iter().find(|(_, message)| message.contains("has not ended within"));
        let (_, message) = hanging.expect("one hangs");
        assert!(message.contains("each polled only when it was woken"), "{message}");
        let last = results.cases.last().map(|case| &case.outcome);
        assert!(matches!(last, Some(Outcome::Skipped(_))), "{last:?}");
    });
}
