//! The survey against the kernel it is taken on, and the tables against each other.

use super::*;
use crate::sys::uapi::{SETUP_R_DISABLED, SETUP_SINGLE_ISSUER};
use crate::testing;

/// A survey, unless this machine has no io_uring at all.
fn survey(test: &str) -> Option<Survey> {
    drop(testing::build(test, Setup::new(8))?);
    Some(Survey::take().unwrap())
}

fn find<'a>(table: &'a [Capability], name: &str) -> &'a Capability {
    table.iter().find(|capability| capability.listing.name == name).unwrap()
}

#[test]
fn the_tables_are_in_order_and_without_gaps() {
    for (table, first) in [
        (SYSTEM_CALLS, 425),
        (SETUP_FLAGS, 0),
        (FEATURES, 0),
        (OPCODES, 0),
        (REGISTER_OPERATIONS, 0),
    ] {
        for (listing, number) in table.iter().zip(first..) {
            assert_eq!(listing.number, number, "{}", listing.name);
            assert!(!listing.purpose.is_empty() && listing.since.is_some());
        }
    }
}

#[test]
fn what_the_kernel_accepts_in_a_ring_is_what_the_survey_says() {
    let test = "what_the_kernel_accepts_in_a_ring_is_what_the_survey_says";
    let Some(survey) = survey(test) else { return };
    for flags in [SETUP_SINGLE_ISSUER, SETUP_R_DISABLED, 1 << 19, 1 << 20 | 1 << 16] {
        let made = setup(2, &mut Params { flags, ..Params::default() }).is_ok();
        let number = if flags & 1 << 20 != 0 { 20 } else { flags.trailing_zeros() };
        let flag = &survey.setup_flags[number as usize];
        assert_eq!(flag.standing == Standing::Works, made, "{flag:?}");
    }
}

#[test]
fn what_the_driver_relies_on_is_there() {
    let test = "what_the_driver_relies_on_is_there";
    let Some(survey) = survey(test) else { return };
    let tables = [&survey.features, &survey.system_calls, &survey.opcodes];
    for capability in tables.into_iter().flatten() {
        if capability.listing.usage == Usage::Required {
            assert!(capability.is_available(), "{capability:?}");
        }
    }
    assert!(survey.advice().iter().all(|advice| advice.weight != Weight::Fatal));
}

#[test]
fn an_operation_whose_trial_goes_through_works() {
    let test = "an_operation_whose_trial_goes_through_works";
    let Some(survey) = survey(test) else { return };
    // On every kernel that has a ring for ringbahn at all.
    for name in ["REGISTER_FILES", "UNREGISTER_FILES", "REGISTER_EVENTFD", "REGISTER_PROBE"] {
        let operation = find(&survey.register_operations, name);
        assert_eq!(operation.standing, Standing::Works, "{name}");
    }
}

#[test]
fn no_operation_that_is_needed_to_undo_another_is_refused() {
    let test = "no_operation_that_is_needed_to_undo_another_is_refused";
    let Some(survey) = survey(test) else { return };
    for pair in ["BUFFERS", "FILES", "EVENTFD", "PERSONALITY", "IOWQ_AFF", "RING_FDS", "NAPI"] {
        let made = find(&survey.register_operations, &format!("REGISTER_{pair}"));
        let undone = find(&survey.register_operations, &format!("UNREGISTER_{pair}"));
        if made.standing == Standing::Works {
            assert_eq!(undone.standing, Standing::Works, "{pair}");
        }
    }
}

#[test]
fn the_same_is_found_out_without_the_query_that_only_new_kernels_have() {
    let test = "the_same_is_found_out_without_the_query_that_only_new_kernels_have";
    let Some(survey) = survey(test) else { return };
    let base = setup(4, &mut Params::default()).unwrap();
    let standings = |table: &[Capability]| {
        let known = table.iter().filter(|capability| capability.listing.since.is_some());
        known.map(|capability| capability.standing).collect::<Vec<_>>()
    };
    let flags = setup_flags::survey(base.as_fd(), None);
    assert_eq!(standings(&flags), standings(&survey.setup_flags));
    let operations = thread::spawn(|| register_operations::survey(None)).join().unwrap();
    let but_the_query = |table: &[Capability]| {
        let mut standings = standings(table);
        standings.remove(35);
        standings
    };
    assert_eq!(but_the_query(&operations), but_the_query(&survey.register_operations));
}
