//! [`Suite`]: runs the cases on a driver, one after the other.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ringbahn_core::Drive;

use crate::bench::Bench;
use crate::case::{Body, Case, Group};
use crate::descriptors;
use crate::differences::Differences;
use crate::kind::{Kind, Takes};
use crate::results::{CaseResult, Outcome, Results};
use crate::subject::{AnySubject, Maker, QueueSizes, Subject};
use crate::verdict::Stop;
use crate::watchdog::{Watched, watch};

/// Descriptors are counted for the whole process, so only one case of all suites runs at a time.
static ALONE: Mutex<()> = Mutex::new(());

/// After so many failures the rest would say nothing new, and take long to say it.
const FAILURES_MAX: u32 = 30;

/// The suite, and how it is to be run.
///
/// Descriptors are counted before and after each case. So nothing else of the process may open or
/// close any meanwhile: give the suite a test program of its own. Suites wait for each other.
#[derive(Clone, Debug)]
pub struct Suite {
    groups: Vec<Group>,
    only: Option<String>,
    patience: Duration,
    differences: Differences,
}

impl Default for Suite {
    fn default() -> Suite {
        Suite::new()
    }
}

impl Suite {
    /// All groups, with no differences expected, and ten seconds for each case.
    pub fn new() -> Suite {
        Suite {
            groups: Group::ALL.to_vec(),
            only: None,
            patience: Duration::from_secs(10),
            differences: Differences::default(),
        }
    }

    /// Only these groups.
    #[must_use]
    pub fn groups(mut self, groups: impl IntoIterator<Item = Group>) -> Suite {
        self.groups = groups.into_iter().collect();
        self
    }

    /// Only those cases whose name contains `part`, such as `lifecycle/Accept`.
    #[must_use]
    pub fn only(mut self, part: impl Into<String>) -> Suite {
        self.only = Some(part.into());
        self
    }

    /// How long a case may take before it counts as hanging.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Suite {
        self.patience = patience;
        self
    }

    /// The differences that are expected.
    #[must_use]
    pub fn differences(mut self, differences: Differences) -> Suite {
        self.differences = differences;
        self
    }

    /// Runs the suite on `subject`, each case on a driver of its own and in a thread of its own.
    ///
    /// A case that hangs is given up and counts as failed; those after it are skipped, since it
    /// would disturb their counts. So are those after the thirtieth failure.
    pub fn run<T: Subject>(&self, subject: T) -> Results
    where
        <T::Driver as Drive>::Sharing: Takes<T::Driver>,
    {
        let name = subject.name();
        let maker = Maker(Arc::new(subject));
        self.run_erased::<<T::Driver as Drive>::Sharing>(name, Arc::new(maker))
    }

    fn run_erased<S: Kind>(&self, driver: String, subject: Arc<dyn AnySubject<S>>) -> Results {
        let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        warm_up(&subject);
        let expected = self.differences.of(&driver);
        // Why no more cases are run.
        let mut given_up: Option<String> = None;
        let mut failures = 0;
        let mut cases = Vec::new();
        for group in &self.groups {
            for case in S::cases(*group) {
                let name = format!("{group}/{}", case.name);
                if self.only.as_ref().is_some_and(|part| !name.contains(part.as_str())) {
                    continue;
                }
                let outcome = match &given_up {
                    Some(reason) => Outcome::Skipped(reason.clone()),
                    None => self.run_case(&subject, &case),
                };
                if let Outcome::Failed(message) | Outcome::Unsupported(message) = &outcome
                    && given_up.is_none()
                {
                    let is_expected = expected.iter().any(|difference| difference.covers(&name));
                    failures += u32::from(!is_expected);
                    if message.starts_with(HANGS) {
                        given_up =
                            Some(format!("`{name}` still hangs, and would disturb the counts"));
                    } else if failures == FAILURES_MAX {
                        given_up = Some(format!("{FAILURES_MAX} cases have failed before"));
                    }
                }
                cases.push(CaseResult { case: name, group: *group, outcome });
            }
        }
        let mut results = Results { driver, cases, wrong_differences: Vec::new() };
        self.compare(&mut results);
        results
    }

    fn run_case<S: Kind>(&self, subject: &Arc<dyn AnySubject<S>>, case: &Case<S>) -> Outcome {
        if let Body::Skipped(reason) = case.body {
            return Outcome::Skipped(reason.to_owned());
        }
        let before = descriptors::open();
        let stage = Arc::new(Mutex::new("beginning"));
        let bench = Bench::new(subject.clone(), self.patience, stage.clone());
        let body = case.body.clone();
        let watched = watch(&case.name, self.patience, move || body.run(&bench));
        // Also where it has failed: what is closed late would be missed by the next.
        let balance = match watched {
            Watched::Ended(_) => descriptors::await_same(before, self.patience / 2),
            Watched::Hangs => Ok(()),
        };
        match watched {
            Watched::Ended(Ok(())) => balance.map_or_else(Outcome::Failed, |()| Outcome::Passed),
            Watched::Ended(Err(Stop::Failed(message))) => Outcome::Failed(match balance {
                Ok(()) => message,
                Err(others) => format!("{message}; {others}"),
            }),
            Watched::Ended(Err(Stop::Skipped(reason))) => Outcome::Skipped(reason),
            // A refusal leaves nothing behind, either.
            Watched::Ended(Err(Stop::Unsupported(message))) => match balance {
                Ok(()) => Outcome::Unsupported(message),
                Err(others) => Outcome::Failed(format!("refused ({message}); {others}")),
            },
            Watched::Hangs => {
                let stage = *stage.lock().unwrap_or_else(PoisonError::into_inner);
                Outcome::Failed(format!("{HANGS} {:?}, at: {stage}", self.patience))
            }
        }
    }

    /// Holds the results against the list of differences.
    fn compare(&self, results: &mut Results) {
        let mut known = vec![false; results.cases.len()];
        for difference in self.differences.of(&results.driver) {
            let (mut covered, mut differs) = (0, 0);
            let cases = results.cases.iter_mut().zip(&mut known);
            for (case, known) in cases.filter(|(case, _)| difference.covers(&case.case)) {
                covered += 1;
                match &case.outcome {
                    Outcome::Unsupported(_) => {
                        differs += 1;
                        let reason = difference.reason.clone();
                        // The first line that is about it counts.
                        if !std::mem::replace(known, true) {
                            case.outcome = match difference.is_refusal {
                                true => Outcome::Unsupported(reason),
                                false => Outcome::ExpectedDifference(reason),
                            };
                        }
                    }
                    // The driver was to say so itself, and has done something else.
                    Outcome::Failed(_) if difference.is_refusal => differs += 1,
                    Outcome::Failed(_) => {
                        differs += 1;
                        case.outcome = Outcome::ExpectedDifference(difference.reason.clone());
                    }
                    Outcome::Passed if difference.is_occasional() => {
                        differs += 1;
                        case.outcome = Outcome::ExpectedDifference(difference.reason.clone());
                    }
                    Outcome::Passed if difference.is_exact() => {
                        differs += 1;
                        let citation = difference.citation();
                        let message = format!("it passes, although {citation} says it differs");
                        case.outcome = Outcome::Failed(message);
                    }
                    // Somebody else's difference, or no statement about it.
                    Outcome::ExpectedDifference(_) | Outcome::Skipped(_) => differs += 1,
                    Outcome::Passed => {}
                }
            }
            let citation = difference.citation();
            // A part of the suite says nothing of lines about the rest.
            if covered == 0 && self.is_whole() {
                results.wrong_differences.push(format!("{citation}: names no case"));
            } else if covered > 0 && differs == 0 {
                results.wrong_differences.push(format!("{citation}: none of these cases differs"));
            }
        }
        for (case, known) in results.cases.iter_mut().zip(known) {
            if let Outcome::Unsupported(message) = &case.outcome
                && !known
            {
                let message = format!("it is refused, of which the list says nothing: {message}");
                case.outcome = Outcome::Failed(message);
            }
        }
    }

    fn is_whole(&self) -> bool {
        self.only.is_none() && Group::ALL.iter().all(|group| self.groups.contains(group))
    }
}

const HANGS: &str = "has not ended within";

/// Whatever a driver opens once for the whole process is open before anything is counted.
fn warm_up<S: Kind>(subject: &Arc<dyn AnySubject<S>>) {
    let subject = subject.clone();
    // A driver that cannot do even this will be found out by the cases.
    let _ = watch("warming up", Duration::from_secs(2), move || {
        if let Ok(driver) = subject.make(QueueSizes { submission: 2, completion: 4 }) {
            let handle = driver.handle();
            let mut nop = std::pin::pin!(handle.submit(ringbahn_core::event::Nop));
            driver.block_on(std::pin::pin!(async {
                let _ = nop.as_mut().await;
            }));
            driver.shut_down(Duration::from_secs(1));
        }
        Ok(())
    });
    descriptors::settle(Duration::from_secs(2));
}
