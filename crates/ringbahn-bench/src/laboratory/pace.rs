//! [`Pace`]: how long each trial is measured, so that all of them end in time.

use std::time::Duration;

use super::case::{Case, Profile};

/// The part of a profile's time that is planned for. The rest is for rounds that are done again.
const PLANNED: f64 = 0.85;
/// No trial is measured for less: what is shorter says little.
const LEAST: Duration = Duration::from_millis(15);

/// What a trial takes besides its time: a process is started, takes its memory and its ring, ends.
const PROCESS: Duration = Duration::from_millis(25);
/// A connection made from here, and closed.
const CONNECTION: Duration = Duration::from_micros(60);
/// Two sockets that are joined, and something that waits on them.
const SOCKETS: Duration = Duration::from_micros(15);
/// A mebibyte of a file copied within the page cache, at the slowest.
const MEBIBYTE: Duration = Duration::from_micros(600);
/// Something is written and waited for, until the disk has it.
const SYNC: Duration = Duration::from_millis(2);

/// How long a trial runs before it is measured, and while it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pace {
    pub(crate) warm_up: Duration,
    pub(crate) measured: Duration,
}

impl Pace {
    /// The profile's own, or so much faster that so many trials of each case end in its time.
    pub(crate) fn within(profile: Profile, trials: &[(Case, usize)]) -> Pace {
        let own = Pace { warm_up: profile.warm_up(), measured: profile.measured() };
        let of = |pace: &Pace| -> Duration {
            trials.iter().map(|(case, trials)| pace.of_trial(case) * *trials as u32).sum()
        };
        let still = Pace { warm_up: Duration::ZERO, measured: Duration::ZERO };
        let time = profile.bound().mul_f64(PLANNED).saturating_sub(of(&still));
        let wanted = of(&own).saturating_sub(of(&still));
        if wanted <= time {
            return own;
        }
        let part = time.as_secs_f64() / wanted.as_secs_f64();
        Pace { warm_up: own.warm_up.mul_f64(part), measured: own.measured.mul_f64(part).max(LEAST) }
    }

    /// How long a trial of this case takes, with all that belongs to it.
    pub(crate) fn of_trial(&self, case: &Case) -> Duration {
        // Idle connections are counted, whatever the time: there is nothing to wait for.
        let Case::Idle(idle) = case else {
            return PROCESS + self.warm_up + self.measured + besides(case);
        };
        PROCESS + CONNECTION * idle.connections
    }
}

/// What a trial of this case takes besides: what comes before it, and laps that go on at the end.
fn besides(case: &Case) -> Duration {
    match case {
        Case::Echo(case) => CONNECTION * case.connections,
        Case::Http(case) => CONNECTION * case.connections,
        Case::InFlight(case) => SOCKETS * case.waiting,
        // Half a lap of the warm-up, and half of one that is measured.
        Case::Copy(case) => MEBIBYTE * (case.length >> 20) as u32,
        Case::Append(case) => SYNC * case.lap() as u32,
        _ => Duration::ZERO,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As many as there could be, if all did everything.
    const CONTENDERS: usize = 25;

    fn whole(profile: Profile, contenders: usize) -> (Pace, Duration) {
        let trials = contenders * (profile.rounds() + 1);
        let trials: Vec<(Case, usize)> =
            profile.cases().into_iter().map(|case| (case, trials)).collect();
        let pace = Pace::within(profile, &trials);
        (pace, trials.iter().map(|(case, trials)| pace.of_trial(case) * *trials as u32).sum())
    }

    #[test]
    fn every_profile_ends_in_time_with_all_contenders_there_could_be() {
        for (profile, minutes) in [(Profile::Quick, 3), (Profile::Full, 40)] {
            assert!(profile.bound() < Duration::from_secs(minutes * 60));
            let (pace, whole) = whole(profile, CONTENDERS);
            // Parts of a nanosecond are rounded.
            let planned = profile.bound().mul_f64(PLANNED) + Duration::from_millis(1);
            assert!(whole <= planned, "{profile:?}: {whole:?}");
            assert!(pace.measured > LEAST, "{profile:?}: {pace:?}");
        }
    }

    #[test]
    fn few_contenders_have_all_the_time_of_the_profile() {
        for profile in [Profile::Quick, Profile::Full] {
            let own = Pace { warm_up: profile.warm_up(), measured: profile.measured() };
            assert_eq!(whole(profile, 8).0, own);
        }
    }

    #[test]
    fn nothing_to_measure_takes_no_time() {
        let pace = Pace::within(Profile::Quick, &[]);
        assert_eq!(pace.measured, Profile::Quick.measured());
    }
}
