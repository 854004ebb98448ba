//! [`Limits`]: what the machine allows this process.

use std::fs;

use rustix::process::{Resource, getegid, getgroups, getrlimit};

/// What the machine allows this process, as far as io_uring is concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// `RLIMIT_MEMLOCK` in bytes: the memory of rings and of registered buffers counts, for all
    /// processes of the user together.
    pub locked_memory: Limit,
    /// `RLIMIT_NOFILE`: how many descriptors the process may have open.
    pub descriptors: Limit,
    /// The sysctl `kernel.io_uring_disabled`: 0 allows, 1 asks for a privilege, 2 forbids. `None`
    /// before Linux 6.6, or where it cannot be read.
    pub io_uring_disabled: Option<u8>,
    /// The sysctl `kernel.io_uring_group`: whom the value 1 does not concern; -1 is nobody.
    pub io_uring_group: Option<i64>,
    /// Whether this process is in that group.
    pub in_io_uring_group: bool,
    /// Whether this thread has `CAP_SYS_ADMIN`, which the value 1 does not concern either.
    pub cap_sys_admin: Option<bool>,
    /// Whether this thread has `CAP_IPC_LOCK`, which lifts the limit of locked memory.
    pub cap_ipc_lock: Option<bool>,
    /// What watches over this thread's system calls; `None` where `/proc` does not tell.
    pub seccomp: Option<Seccomp>,
}

/// A limit of resources; `None` is unlimited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limit {
    /// What holds now.
    pub soft: Option<u64>,
    /// What it may be raised to.
    pub hard: Option<u64>,
}

/// What watches over the system calls of a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Seccomp {
    /// Nothing.
    Off,
    /// Only read, write and exit are allowed.
    Strict,
    /// Filters, as many as this; `None` before Linux 5.9, which does not tell.
    Filter(Option<u32>),
}

const CAP_IPC_LOCK: u32 = 14;
const CAP_SYS_ADMIN: u32 = 21;

impl Limits {
    pub(super) fn read() -> Limits {
        let status = fs::read_to_string("/proc/thread-self/status").unwrap_or_default();
        let io_uring_group = sysctl("io_uring_group");
        Limits {
            locked_memory: Limit::read(Resource::Memlock),
            descriptors: Limit::read(Resource::Nofile),
            io_uring_disabled: sysctl("io_uring_disabled").and_then(|mode| mode.try_into().ok()),
            io_uring_group,
            in_io_uring_group: io_uring_group.is_some_and(is_member),
            cap_sys_admin: capability(&status, CAP_SYS_ADMIN),
            cap_ipc_lock: capability(&status, CAP_IPC_LOCK),
            seccomp: seccomp(&status),
        }
    }
}

impl Limit {
    fn read(resource: Resource) -> Limit {
        let limit = getrlimit(resource);
        Limit { soft: limit.current, hard: limit.maximum }
    }
}

fn sysctl(name: &str) -> Option<i64> {
    fs::read_to_string(format!("/proc/sys/kernel/{name}")).ok()?.trim().parse().ok()
}

fn is_member(group: i64) -> bool {
    let is_group = |id: u32| i64::from(id) == group;
    let others = getgroups().unwrap_or_default();
    is_group(getegid().as_raw()) || others.into_iter().any(|other| is_group(other.as_raw()))
}

/// The value of a line such as `Seccomp: 2` of `/proc/…/status`.
fn field<'a>(status: &'a str, name: &str) -> Option<&'a str> {
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    line.map(str::trim)
}

fn capability(status: &str, number: u32) -> Option<bool> {
    let effective = u64::from_str_radix(field(status, "CapEff")?, 16).ok()?;
    Some(effective & 1 << number != 0)
}

fn seccomp(status: &str) -> Option<Seccomp> {
    match field(status, "Seccomp")? {
        "0" => Some(Seccomp::Off),
        "1" => Some(Seccomp::Strict),
        "2" => {
            let filters = field(status, "Seccomp_filters").and_then(|count| count.parse().ok());
            Some(Seccomp::Filter(filters))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capabilities_and_seccomp_are_read_from_the_text_of_proc() {
        let status = "Name:\tx\nCapEff:\t0000000000200000\nSeccomp:\t2\nSeccomp_filters:\t3\n";
        assert_eq!(capability(status, CAP_SYS_ADMIN), Some(true));
        assert_eq!(capability(status, CAP_IPC_LOCK), Some(false));
        assert_eq!(seccomp(status), Some(Seccomp::Filter(Some(3))));
        assert_eq!(seccomp("Seccomp:\t0\n"), Some(Seccomp::Off));
        assert_eq!(seccomp("Seccomp:\t2\n"), Some(Seccomp::Filter(None)));
        assert_eq!((seccomp(""), capability("", 0)), (None, None));
    }
}
