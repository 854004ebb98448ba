//! [`Report`]: what was found, and the exit status that it amounts to.

use std::io;

use ringbahn_drivers::survey::Capability;
use ringbahn_drivers::{Reason, Survey, Unavailable};
use serde::Serialize;

use super::rows::{AdviceRow, EventRow, LimitsReport, MachineReport, Row};

/// What was found on a machine. The names of its fields stay as they are; more may come.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) version: &'static str,
    pub(crate) io_uring_works: bool,
    pub(crate) verdict: String,
    /// Why there can be no ring.
    pub(crate) unavailable: Option<UnavailableReport>,
    pub(crate) driver: DriverReport,
    /// What to change, what weighs most first.
    pub(crate) advice: Vec<AdviceRow>,
    pub(crate) machine: MachineReport,
    pub(crate) limits: LimitsReport,
    pub(crate) system_calls: Vec<Row>,
    pub(crate) setup_flags: Vec<Row>,
    pub(crate) features: Vec<Row>,
    pub(crate) opcodes: Vec<Row>,
    /// The events of ringbahn that the kernel cannot execute.
    pub(crate) missing_events: Vec<EventRow>,
    pub(crate) register_operations: Vec<Row>,
    /// The exit status of the command.
    pub(crate) status: u8,
}

/// Why there can be no ring.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct UnavailableReport {
    /// `blocked`, `missing`, `kernel_too_old`, `locked_memory`, `descriptor_limit` or `other`.
    pub(crate) reason: &'static str,
    pub(crate) errno: Option<i32>,
    pub(crate) message: String,
    pub(crate) hint: String,
}

/// Whether the default driver works.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct DriverReport {
    pub(crate) works: bool,
    /// What its operations run on: `io_uring` or `fallback`.
    pub(crate) backend: Option<String>,
    pub(crate) error: Option<String>,
}

impl Report {
    pub(crate) fn new(survey: &Survey, driver: io::Result<String>) -> Report {
        let driver = DriverReport::new(driver);
        let io_uring_works = survey.unavailable.is_none();
        let advice: Vec<_> = survey.advice().into_iter().map(AdviceRow::new).collect();
        Report {
            version: env!("CARGO_PKG_VERSION"),
            io_uring_works,
            verdict: verdict(io_uring_works, &driver, &advice),
            unavailable: survey.unavailable.as_ref().map(UnavailableReport::new),
            status: u8::from(!(io_uring_works && driver.works)),
            driver,
            advice,
            machine: MachineReport::new(&survey.machine),
            limits: LimitsReport::new(&survey.limits),
            system_calls: rows(&survey.system_calls),
            setup_flags: rows(&survey.setup_flags),
            features: rows(&survey.features),
            opcodes: rows(&survey.opcodes),
            missing_events: survey.missing_events().iter().map(EventRow::new).collect(),
            register_operations: rows(&survey.register_operations),
        }
    }
}

fn rows(capabilities: &[Capability]) -> Vec<Row> {
    capabilities.iter().map(Row::new).collect()
}

fn verdict(io_uring_works: bool, driver: &DriverReport, advice: &[AdviceRow]) -> String {
    match (io_uring_works, &driver.error) {
        (true, None) => "io_uring works here: yes".to_owned(),
        (true, Some(error)) => {
            format!("io_uring works here: yes, but ringbahn's default driver does not: {error}")
        }
        (false, _) => {
            let fatal = advice.iter().find(|advice| advice.weight == "fatal");
            let reason = fatal.map_or("no ring could be made", |advice| &advice.what);
            format!("io_uring works here: no: {reason}")
        }
    }
}

impl DriverReport {
    fn new(examined: io::Result<String>) -> DriverReport {
        match examined {
            Ok(backend) => DriverReport { works: true, backend: Some(backend), error: None },
            Err(error) => {
                DriverReport { works: false, backend: None, error: Some(error.to_string()) }
            }
        }
    }
}

impl UnavailableReport {
    fn new(unavailable: &Unavailable) -> UnavailableReport {
        UnavailableReport {
            reason: match unavailable.reason() {
                Reason::Blocked => "blocked",
                Reason::Missing => "missing",
                Reason::KernelTooOld => "kernel_too_old",
                Reason::LockedMemory => "locked_memory",
                Reason::DescriptorLimit => "descriptor_limit",
                _ => "other",
            },
            errno: unavailable.raw_os_error(),
            message: unavailable.to_string(),
            hint: unavailable.hint().to_owned(),
        }
    }
}
