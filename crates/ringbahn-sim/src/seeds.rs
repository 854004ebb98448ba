//! [`seeds`]: which seeds a test runs, or the one that it is to run again.

/// The variable that names the one seed to be run.
pub(crate) const SEED_VARIABLE: &str = "RINGBAHN_SIM_SEED";

/// The seeds of `range`, or, where the variable `RINGBAHN_SIM_SEED` names one, that seed alone.
///
/// A failing simulation prints its seed. With that in the variable the test runs the same again,
/// and nothing else.
///
/// # Examples
///
/// ```
/// use ringbahn_core::{Drive, event::Nop};
/// use ringbahn_sim::{Faults, Sim};
///
/// for seed in ringbahn_sim::seeds(0..20) {
///     let sim = Sim::with_faults(seed, Faults::swarm(seed));
///     sim.block_on(sim.driver().submit(Nop))?;
/// }
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Panics
///
/// Where the variable is set, and not to a number.
pub fn seeds(range: std::ops::Range<u64>) -> impl Iterator<Item = u64> {
    choose(std::env::var(SEED_VARIABLE).ok().as_deref(), range)
}

fn choose(variable: Option<&str>, range: std::ops::Range<u64>) -> std::ops::Range<u64> {
    match variable {
        None => range,
        Some(text) => match text.trim().parse::<u64>() {
            Ok(seed) => seed..seed.saturating_add(1),
            Err(_) => panic!("{SEED_VARIABLE} is {text:?}, and should be the number of a seed"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_seed_can_be_asked_for() {
        assert_eq!(choose(None, 3..7), 3..7);
        assert_eq!(choose(Some(" 42 "), 3..7), 42..43);
    }

    #[test]
    #[should_panic(expected = "should be the number of a seed")]
    fn what_is_no_number_is_told() {
        choose(Some("lucky"), 0..1);
    }
}
