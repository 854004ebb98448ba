//! Conducts the measurement: every case, round by round, the contenders in turns.

use std::time::Duration;

use super::case::Case;
use super::contender::{Contender, Failure, Task};
use super::ground::Ground;
use super::measured::Measured;
use super::pace::Pace;
use super::process::Process;
use super::report::{CaseReport, Row};
use super::schedule::Schedule;
use super::server::Server;
use super::trial::{Trial, Word};
use super::{load, progress::Progress};

/// How long a trial may take beyond what it is to take.
const PATIENCE: Duration = Duration::from_secs(60);
/// The same, once the time is nearly up.
const PATIENCE_AT_LAST: Duration = Duration::from_secs(10);
/// The part of a trial's time that somebody else may use its processors before it is noisy. The
/// kernel tells it to 10 ms only.
const NOISE: f64 = 0.1;
const NOISE_EXACT_TO: Duration = Duration::from_millis(30);
/// How often a noisy round is done again.
const REPEATS: usize = 2;

/// What is to be measured, and how.
pub(crate) struct Plan {
    pub(crate) cases: Vec<Case>,
    pub(crate) contenders: Vec<&'static Contender>,
    pub(crate) rounds: usize,
    pub(crate) pace: Pace,
    pub(crate) schedule: Schedule,
    pub(crate) ground: Ground,
    /// The processor of those who are measured; `None` with one processor.
    pub(crate) processor: Option<usize>,
}

/// One attempt at a round.
struct Attempt {
    measured: Measured,
    is_noisy: bool,
}

impl Plan {
    /// Measures one case: in each round, every contender that does it has its turn. One more round
    /// counts system calls and allocations.
    ///
    /// Once the time is up, what is left is missing in the report, which says so.
    pub(crate) fn measure(&self, case: &Case, progress: &Progress) -> CaseReport {
        let able = self.contenders.iter().filter(|contender| contender.task(case).is_some());
        let able: Vec<&Contender> = able.copied().collect();
        let mut rows: Vec<Row> = able.iter().map(|contender| empty_row(contender)).collect();
        let mut missing_rounds = 0;
        for round in 0..self.rounds {
            // A round is whole, or is not: ratios are made of what was measured in turns.
            if self.schedule.is_over() {
                missing_rounds = self.rounds - round;
                break;
            }
            for turn in 0..able.len() {
                // Another one begins each time: what follows upon a heavy one is not always the
                // same.
                let number = (turn + round) % able.len();
                if rows[number].failure.is_none() {
                    progress.turn(able[number].name);
                    self.round(case, able[number], &mut rows[number]);
                }
                self.step(case, progress);
            }
        }
        for (contender, row) in able.iter().zip(&mut rows) {
            if row.failure.is_none() && !self.schedule.is_over() {
                progress.turn(contender.name);
                row.counted = self.attempt(case, contender, true).ok().map(|it| it.measured);
            }
            self.step(case, progress);
        }
        // What has been given up is not to be waited for.
        progress.skip(self.pace.of_trial(case) * (missing_rounds * able.len()) as u32);
        let (name, figure) = (case.to_string(), case.figure());
        CaseReport { case: *case, name, figure, rows, missing_rounds }
    }

    /// How long a case takes, if no round is done again.
    pub(crate) fn of_case(&self, case: &Case) -> Duration {
        let trials = trials(case, &self.contenders, self.rounds);
        self.pace.of_trial(case) * trials as u32
    }

    /// A trial of this case is done, or need not be.
    fn step(&self, case: &Case, progress: &Progress) {
        self.schedule.step(self.pace.of_trial(case));
        progress.step(self.pace.of_trial(case));
    }

    fn round(&self, case: &Case, contender: &Contender, row: &mut Row) {
        for repeats_left in (0..=REPEATS).rev() {
            match self.attempt(case, contender, false) {
                Ok(attempt)
                    if attempt.is_noisy
                        && repeats_left > 0
                        && self.schedule.has_room_for(self.pace.of_trial(case)) =>
                {
                    row.repeated += 1;
                }
                Ok(attempt) => {
                    row.noisy += usize::from(attempt.is_noisy);
                    row.rounds.push(attempt.measured);
                    return;
                }
                Err(failure) => {
                    row.failure = Some(failure.to_string());
                    return;
                }
            }
        }
    }

    fn attempt(
        &self,
        case: &Case,
        contender: &Contender,
        counts: bool,
    ) -> Result<Attempt, Failure> {
        let trial = Trial {
            contender: contender.name.to_owned(),
            case: *case,
            ground: self.ground.clone(),
            warm_up: self.pace.warm_up,
            measured: self.pace.measured,
            counts,
            processor: self.processor,
        };
        let measured = match contender.task(case).ok_or("it does not do that")? {
            Task::Work(_) => {
                let mut process = Process::start(&trial)?;
                // One that is stuck must not take what the others have saved.
                let patience = PATIENCE.min(self.schedule.left().max(PATIENCE_AT_LAST));
                match process.word(patience + self.pace.measured)? {
                    Word::Measured(measured) => measured,
                    word => return Err(format!("it has answered out of turn: {word:?}").into()),
                }
            }
            Task::Serve(_) => {
                let mut server = Server::start_process(&trial)?;
                load::run(case, &mut server, trial.warm_up, trial.measured)?
            }
        };
        let others = Duration::from_nanos(measured.others_nanoseconds);
        let wall = Duration::from_nanos(measured.wall_nanoseconds);
        let is_noisy = others.saturating_sub(NOISE_EXACT_TO) > wall.mul_f64(NOISE);
        Ok(Attempt { measured, is_noisy })
    }
}

/// How many trials a case takes: one more for each contender, which counts.
pub(crate) fn trials(case: &Case, contenders: &[&Contender], rounds: usize) -> usize {
    let able = contenders.iter().filter(|contender| contender.task(case).is_some());
    able.count() * (rounds + 1)
}

fn empty_row(contender: &Contender) -> Row {
    Row {
        contender: contender.name.to_owned(),
        family: contender.family,
        rounds: Vec::new(),
        counted: None,
        repeated: 0,
        noisy: 0,
        failure: None,
    }
}
