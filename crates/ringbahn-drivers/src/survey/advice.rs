//! [`Advice`]: what is missing on this machine, why that matters, and what to change.

use std::io;

use super::capability::{Capability, Standing};
use super::limits::{Limits, Seccomp};
use super::listing::KernelVersion;
use super::machine::{Container, Machine, Substitute};
use super::{Survey, Usage};
use crate::{Reason, Unavailable};

/// Something that is missing on this machine, and what to change.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Advice {
    /// How much it matters.
    pub weight: Weight,
    /// What was found.
    pub what: String,
    /// What of ringbahn it is for, or what becomes of it.
    pub matters: String,
    /// What a person can do.
    pub change: String,
}

/// How much an [`Advice`] matters; what weighs most comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Weight {
    /// No driver works.
    Fatal,
    /// Something that ringbahn would use is not there, or soon used up.
    Lack,
    /// Good to know.
    Note,
}

/// Less locked memory than this is used up by a few rings: one of the default size takes some
/// 40 KiB, and those of all the user's processes count.
const LOCKED_MEMORY_COMFORTABLE: u64 = 1 << 20;

/// Fewer descriptors than this are used up by a busy server.
const DESCRIPTORS_COMFORTABLE: u64 = 4096;

const PROFILE: &str = "allow io_uring_setup, io_uring_enter and io_uring_register (425, 426, 427)";

/// What to change where `survey` was taken, what weighs most first.
pub(super) fn advise(survey: &Survey) -> Vec<Advice> {
    let mut advice = Vec::new();
    advice.extend(unavailable(survey));
    if survey.unavailable.is_none() {
        advice.extend(survey.system_calls.iter().filter_map(|call| refused_call(call, survey)));
        let tables = [
            ("the setup flag", &survey.setup_flags),
            ("the feature", &survey.features),
            ("the operation", &survey.opcodes),
            ("the operation of io_uring_register", &survey.register_operations),
        ];
        let register_works = survey.system_calls.iter().all(|call| !call.is_missed());
        for (kind, table) in tables {
            let missed = table.iter().filter(|capability| capability.is_missed());
            // Of one that the call as a whole is refused for, enough has been said.
            let missed = missed.filter(|_| register_works || !kind.contains("io_uring_register"));
            advice.extend(missed.map(|capability| missing(kind, capability, &survey.machine)));
        }
    }
    advice.extend(privileged(survey));
    let reason = survey.unavailable.as_ref().map(Unavailable::reason);
    if reason != Some(Reason::LockedMemory) {
        // Otherwise it has been said first of all.
        advice.extend(low_locked_memory(&survey.limits));
    }
    advice.extend(few_descriptors(&survey.limits));
    advice.extend(substitute(survey));
    advice.sort_by_key(|advice| advice.weight);
    advice
}

fn unavailable(survey: &Survey) -> Option<Advice> {
    let unavailable = survey.unavailable.as_ref()?;
    let what = unavailable.to_string();
    let what = what.strip_suffix(&format!(": {}", unavailable.hint())).unwrap_or(&what).to_owned();
    let mut change = unavailable.hint().to_owned();
    if unavailable.reason() == Reason::Blocked {
        change += &suspect(&survey.limits);
    }
    if matches!(unavailable.reason(), Reason::Blocked | Reason::Missing) {
        change += &in_container(survey.machine.container);
    }
    let matters = "ringbahn has no driver that works without io_uring".to_owned();
    Some(Advice { weight: Weight::Fatal, what, matters, change })
}

/// Who may be behind a call that is not permitted.
fn suspect(limits: &Limits) -> String {
    let text = match (limits.io_uring_disabled, limits.seccomp) {
        (Some(1 | 2), _) | (_, None) => return String::new(),
        (_, Some(Seccomp::Off)) => {
            "; there is no seccomp filter here, so look for a denial of a security module, such as \
             SELinux's class io_uring: ausearch -m avc, or dmesg"
        }
        (_, Some(_)) => "; there is a seccomp filter here, which is the likely cause",
    };
    text.to_owned()
}

fn in_container(container: Option<Container>) -> String {
    let text = match container {
        None => return String::new(),
        Some(Container::Kubernetes) => {
            "; this is a pod of Kubernetes, so put a profile that allows it on the node and name \
             it in securityContext.seccompProfile (type: Localhost)"
        }
        Some(Container::Docker) => {
            "; this is a container of Docker, so start it with --security-opt seccomp=<profile>"
        }
        Some(Container::Podman) => {
            "; this is a container of Podman, so start it with --security-opt seccomp=<profile>"
        }
    };
    text.to_owned()
}

fn refused_call(call: &Capability, survey: &Survey) -> Option<Advice> {
    let Standing::Refused(errno) = call.standing else { return None };
    let container = in_container(survey.machine.container);
    Some(Advice {
        weight: Weight::Lack,
        what: format!("{} is refused ({})", call.listing.name, name_of(errno)),
        matters: format!("it brings this: {}", call.listing.purpose),
        change: format!("{PROFILE} in the seccomp profile{container}"),
    })
}

fn missing(kind: &str, capability: &Capability, machine: &Machine) -> Advice {
    let listing = &capability.listing;
    let what = match capability.standing {
        Standing::Refused(errno) => {
            format!("{kind} {} is refused ({})", listing.name, name_of(errno))
        }
        _ => format!("{kind} {} is missing", listing.name),
    };
    let weight = if listing.usage == Usage::Required { Weight::Fatal } else { Weight::Lack };
    let matters = format!("it brings this: {}", listing.purpose);
    Advice { weight, what, matters, change: upgrade(capability, machine) }
}

fn upgrade(capability: &Capability, machine: &Machine) -> String {
    let listing = &capability.listing;
    let since = listing.since.map_or_else(String::new, |since| format!("Linux {since} has it"));
    let here = |version: KernelVersion| format!("this is {version}");
    let is_old = machine.version < listing.since;
    match (machine.version, is_old) {
        (Some(version), true) => format!("run a newer kernel: {since}, and {}", here(version)),
        (Some(version), false) if listing.needs.is_empty() => format!(
            "{since}, and {}, so it was left out of this kernel, or a sandbox hides it: ask \
             whoever built or runs it",
            here(version),
        ),
        _ if listing.needs.is_empty() => format!("{since}; look which kernel this is"),
        _ => format!("{since}; it needs {}", listing.needs),
    }
}

/// It works here, but would not for everybody.
fn privileged(survey: &Survey) -> Option<Advice> {
    let limits = &survey.limits;
    if survey.unavailable.is_some() || limits.io_uring_disabled != Some(1) {
        return None;
    }
    let whom = if limits.in_io_uring_group {
        "it is in the group kernel.io_uring_group"
    } else {
        "it has CAP_SYS_ADMIN"
    };
    Some(Advice {
        weight: Weight::Note,
        what: format!("kernel.io_uring_disabled is 1, and this process may since {whom}"),
        matters: "the same program fails for other users".to_owned(),
        change: "as root: sysctl -w kernel.io_uring_disabled=0, or put those users into the group \
                 kernel.io_uring_group"
            .to_owned(),
    })
}

fn low_locked_memory(limits: &Limits) -> Option<Advice> {
    let bytes = limits.locked_memory.soft.filter(|&bytes| bytes < LOCKED_MEMORY_COMFORTABLE)?;
    if limits.cap_ipc_lock == Some(true) {
        return None;
    }
    Some(Advice {
        weight: Weight::Lack,
        what: format!("RLIMIT_MEMLOCK is {} KiB", bytes / 1024),
        matters: "rings and registered buffers count, those of all processes of the user \
                  together: rings become smaller, and then there are none"
            .to_owned(),
        change: "ulimit -l <KiB>; systemd: LimitMEMLOCK=<bytes>; docker: --ulimit \
                 memlock=<bytes>"
            .to_owned(),
    })
}

fn few_descriptors(limits: &Limits) -> Option<Advice> {
    let count = limits.descriptors.soft.filter(|&count| count < DESCRIPTORS_COMFORTABLE)?;
    let change = match limits.descriptors.hard {
        Some(hard) if hard <= count => {
            "systemd: LimitNOFILE=<count>; docker: --ulimit nofile=<count>".to_owned()
        }
        Some(hard) => format!("ulimit -n <count>, up to {hard} without a privilege"),
        None => "ulimit -n <count>".to_owned(),
    };
    Some(Advice {
        weight: Weight::Note,
        what: format!("RLIMIT_NOFILE is {count}"),
        matters: "each file, connection and ring takes a descriptor".to_owned(),
        change,
    })
}

fn substitute(survey: &Survey) -> Option<Advice> {
    let substitute = survey.machine.substitute?;
    let (what, change) = match substitute {
        Substitute::GVisor => (
            "this is gVisor, and not Linux",
            "use another runtime (runc), or see whether this one has an option for io_uring",
        ),
        Substitute::Wsl1 => {
            ("this is the first Windows Subsystem for Linux", "wsl --set-version <distribution> 2")
        }
        // It is Linux, and what it lacks has been said.
        Substitute::Wsl2 => return None,
    };
    Some(Advice {
        weight: if survey.unavailable.is_some() { Weight::Fatal } else { Weight::Note },
        what: what.to_owned(),
        matters: "it has io_uring in part, or not at all".to_owned(),
        change: change.to_owned(),
    })
}

fn name_of(errno: i32) -> String {
    io::Error::from_raw_os_error(errno).to_string()
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::super::{
        FEATURES, Limit, OPCODES, REGISTER_OPERATIONS, SETUP_FLAGS, SYSTEM_CALLS, all,
    };
    use super::*;

    /// A machine on which all is well, with this release.
    fn machine(release: &str) -> Survey {
        let unlimited = Limit { soft: None, hard: None };
        Survey {
            machine: Machine {
                release: release.to_owned(),
                build: String::new(),
                architecture: String::new(),
                version: KernelVersion::parse(release),
                substitute: None,
                container: None,
            },
            unavailable: None,
            system_calls: all(SYSTEM_CALLS, Standing::Works),
            setup_flags: all(SETUP_FLAGS, Standing::Works),
            features: all(FEATURES, Standing::Known(None)),
            opcodes: all(OPCODES, Standing::Known(None)),
            register_operations: all(REGISTER_OPERATIONS, Standing::Works),
            limits: Limits {
                locked_memory: unlimited,
                descriptors: unlimited,
                io_uring_disabled: Some(0),
                io_uring_group: Some(-1),
                in_io_uring_group: false,
                cap_sys_admin: Some(true),
                cap_ipc_lock: Some(false),
                seccomp: Some(Seccomp::Off),
            },
        }
    }

    fn only(survey: &Survey) -> Advice {
        let advice = advise(survey);
        assert_eq!(advice.len(), 1, "{advice:#?}");
        advice.into_iter().next().unwrap()
    }

    #[test]
    fn where_all_is_well_there_is_nothing_to_say() {
        assert!(advise(&machine("6.18.0")).is_empty());
    }

    #[test]
    fn what_an_old_kernel_lacks_names_the_version_that_has_it() {
        let mut survey = machine("5.15.0");
        for flag in &mut survey.setup_flags {
            if flag.listing.since > survey.machine.version {
                flag.standing = Standing::Missing;
            }
        }
        let missed: Vec<_> = advise(&survey).into_iter().map(|advice| advice.what).collect();
        // What ringbahn does not use by itself is in the tables only.
        assert_eq!(
            missed,
            [
                "SUBMIT_ALL",
                "COOP_TASKRUN",
                "TASKRUN_FLAG",
                "SINGLE_ISSUER",
                "DEFER_TASKRUN",
                "NO_SQARRAY"
            ]
            .map(|flag| format!("the setup flag {flag} is missing"))
        );
        let advice = &advise(&survey)[0];
        assert_eq!(advice.change, "run a newer kernel: Linux 5.18 has it, and this is 5.15");
        assert_eq!(advice.matters, "it brings this: a bad entry does not hold up those behind it");
    }

    #[test]
    fn what_a_new_kernel_lacks_was_left_out() {
        let mut survey = machine("6.18.0");
        survey.opcodes[55].standing = Standing::Missing;
        let advice = only(&survey);
        assert_eq!(advice.what, "the operation FTRUNCATE is missing");
        assert!(advice.change.contains("left out of this kernel"), "{advice:?}");
    }

    #[test]
    fn who_is_to_blame_for_a_ban_depends_on_what_else_there_is() {
        let mut survey = machine("6.18.0");
        let error = io::Error::from_raw_os_error(libc::EPERM);
        survey.unavailable = Some(Unavailable::failed("io_uring_setup", &error));
        assert!(only(&survey).change.contains("there is no seccomp filter here"));
        survey.limits.seccomp = Some(Seccomp::Filter(Some(1)));
        assert!(only(&survey).change.contains("there is a seccomp filter here"));
        survey.limits.io_uring_disabled = Some(2);
        assert!(!only(&survey).change.contains("seccomp filter here"));
        survey.machine.container = Some(Container::Kubernetes);
        assert!(only(&survey).change.contains("securityContext.seccompProfile"));
        survey.machine.substitute = Some(Substitute::GVisor);
        assert!(advise(&survey).iter().any(|advice| advice.what.contains("gVisor")));
    }

    #[test]
    fn a_privilege_and_low_limits_are_pointed_out() {
        let mut survey = machine("6.18.0");
        survey.limits.io_uring_disabled = Some(1);
        assert!(only(&survey).what.contains("CAP_SYS_ADMIN"));
        survey.limits.in_io_uring_group = true;
        assert!(only(&survey).what.contains("kernel.io_uring_group"));
        survey.limits.locked_memory.soft = Some(65_536);
        survey.limits.descriptors = Limit { soft: Some(1024), hard: Some(8192) };
        let advice = advise(&survey);
        assert_eq!(advice[0].what, "RLIMIT_MEMLOCK is 64 KiB");
        assert!(advice[2].change.contains("up to 8192"), "{advice:#?}");
        survey.limits.cap_ipc_lock = Some(true);
        assert_eq!(advise(&survey).len(), 2);
    }
}
