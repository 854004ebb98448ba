//! What the tables of a report look like in JSON.

use ringbahn_drivers::survey::{
    Advice, Capability, Container, Limit, Limits, Machine, MissingEvent, MissingOutcome, Seccomp,
    Standing, Substitute, Usage, Weight,
};
use serde::Serialize;

/// Something that io_uring has, or may have.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) number: u32,
    /// The version of Linux that brought it.
    pub(crate) since: Option<String>,
    /// `works`, `known`, `refused`, `missing` or `untested`.
    pub(crate) standing: &'static str,
    pub(crate) errno: Option<i32>,
    /// `required`, `used` or `unused`.
    pub(crate) usage: &'static str,
    pub(crate) purpose: &'static str,
    pub(crate) needs: Option<&'static str>,
}

impl Row {
    pub(super) fn new(capability: &Capability) -> Row {
        let listing = &capability.listing;
        Row {
            name: listing.name.clone().into_owned(),
            number: listing.number,
            since: listing.since.map(|since| since.to_string()),
            standing: match capability.standing {
                Standing::Works => "works",
                Standing::Known(_) => "known",
                Standing::Refused(_) => "refused",
                Standing::Missing => "missing",
                _ => "untested",
            },
            errno: capability.standing.raw_os_error(),
            usage: match listing.usage {
                Usage::Required => "required",
                Usage::Used => "used",
                Usage::Offered => "offered",
                _ => "unused",
            },
            purpose: listing.purpose,
            needs: Some(listing.needs).filter(|needs| !needs.is_empty()),
        }
    }
}

/// An event of ringbahn that the kernel cannot execute.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct EventRow {
    pub(crate) name: &'static str,
    pub(crate) operation: String,
    /// The version of Linux that brought it.
    pub(crate) since: String,
    /// `beside`: the drivers execute it themselves; `in_part`: it may fail; `fails`.
    pub(crate) outcome: &'static str,
}

impl EventRow {
    pub(super) fn new(event: &MissingEvent) -> EventRow {
        EventRow {
            name: event.name,
            operation: event.operation.clone().into_owned(),
            since: event.since.to_string(),
            outcome: match event.outcome {
                MissingOutcome::Beside => "beside",
                MissingOutcome::InPart => "in_part",
                _ => "fails",
            },
        }
    }
}

/// What to change.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct AdviceRow {
    /// `fatal`, `lack` or `note`.
    pub(crate) weight: &'static str,
    pub(crate) what: String,
    pub(crate) matters: String,
    pub(crate) change: String,
}

impl AdviceRow {
    pub(super) fn new(advice: Advice) -> AdviceRow {
        let weight = match advice.weight {
            Weight::Fatal => "fatal",
            Weight::Lack => "lack",
            _ => "note",
        };
        AdviceRow { weight, what: advice.what, matters: advice.matters, change: advice.change }
    }
}

/// The kernel, and what the process runs in.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct MachineReport {
    pub(crate) release: String,
    pub(crate) build: String,
    pub(crate) architecture: String,
    pub(crate) version: Option<String>,
    pub(crate) substitute: Option<&'static str>,
    pub(crate) container: Option<&'static str>,
}

impl MachineReport {
    pub(super) fn new(machine: &Machine) -> MachineReport {
        MachineReport {
            release: machine.release.clone(),
            build: machine.build.clone(),
            architecture: machine.architecture.clone(),
            version: machine.version.map(|version| version.to_string()),
            substitute: machine.substitute.map(|substitute| match substitute {
                Substitute::GVisor => "gvisor",
                Substitute::Wsl1 => "wsl1",
                Substitute::Wsl2 => "wsl2",
                _ => "other",
            }),
            container: machine.container.map(|container| match container {
                Container::Kubernetes => "kubernetes",
                Container::Docker => "docker",
                Container::Podman => "podman",
                _ => "other",
            }),
        }
    }
}

/// What the machine allows the process. A limit that is not there is `null`.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct LimitsReport {
    pub(crate) locked_memory_bytes: LimitReport,
    pub(crate) descriptors: LimitReport,
    pub(crate) io_uring_disabled: Option<u8>,
    pub(crate) io_uring_group: Option<i64>,
    pub(crate) in_io_uring_group: bool,
    pub(crate) cap_sys_admin: Option<bool>,
    pub(crate) cap_ipc_lock: Option<bool>,
    /// `off`, `strict` or `filter`.
    pub(crate) seccomp: Option<&'static str>,
    pub(crate) seccomp_filters: Option<u32>,
}

/// A limit; `null` is unlimited.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct LimitReport {
    pub(crate) soft: Option<u64>,
    pub(crate) hard: Option<u64>,
}

impl LimitsReport {
    pub(super) fn new(limits: &Limits) -> LimitsReport {
        let limit = |limit: Limit| LimitReport { soft: limit.soft, hard: limit.hard };
        LimitsReport {
            locked_memory_bytes: limit(limits.locked_memory),
            descriptors: limit(limits.descriptors),
            io_uring_disabled: limits.io_uring_disabled,
            io_uring_group: limits.io_uring_group,
            in_io_uring_group: limits.in_io_uring_group,
            cap_sys_admin: limits.cap_sys_admin,
            cap_ipc_lock: limits.cap_ipc_lock,
            seccomp: limits.seccomp.map(|seccomp| match seccomp {
                Seccomp::Off => "off",
                Seccomp::Strict => "strict",
                _ => "filter",
            }),
            seccomp_filters: match limits.seccomp {
                Some(Seccomp::Filter(count)) => count,
                _ => None,
            },
        }
    }
}
