//! [`Unavailable`]: why there is no ring, and what a person must do to get one.

use std::error::Error;
use std::fmt;
use std::fs;
use std::io;

/// Why there is no ring.
///
/// It prints as the reason and a hint. As an [`io::Error`] it keeps itself inside:
///
/// ```
/// use std::io;
/// use ringbahn_drivers::{Setup, Unavailable};
///
/// fn queues() -> io::Result<ringbahn_drivers::Queues> {
///     Ok(Setup::new(8).build()?)
/// }
///
/// if let Err(error) = queues() {
///     let reason = error.get_ref().and_then(|inner| inner.downcast_ref::<Unavailable>());
///     eprintln!("no io_uring: {:?}", reason.map(Unavailable::reason));
/// }
/// ```
///
/// # Errors
///
/// The kind of the `io::Error`:
///
/// | reason | kind |
/// |---|---|
/// | [`Blocked`](Reason::Blocked) | `PermissionDenied` |
/// | [`Missing`](Reason::Missing), [`KernelTooOld`](Reason::KernelTooOld), [`Lacking`](Reason::Lacking) | `Unsupported` |
/// | [`Contradiction`](Reason::Contradiction) | `InvalidInput` |
/// | [`LockedMemory`](Reason::LockedMemory) | `OutOfMemory` |
/// | [`DescriptorLimit`](Reason::DescriptorLimit) | `QuotaExceeded` |
/// | [`Other`](Reason::Other) | that of the `errno` |
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unavailable {
    reason: Reason,
    call: &'static str,
    errno: Option<i32>,
    hint: String,
}

/// The kinds of reasons.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// The kernel has io_uring, and a sysctl, a seccomp filter or a security module forbids it.
    Blocked,
    /// The kernel has no io_uring, or a sandbox pretends so.
    Missing,
    /// The kernel's io_uring lacks what ringbahn needs: Linux 5.11 has it.
    KernelTooOld,
    /// The limit of locked memory leaves no room for a ring, or the machine has no memory.
    LockedMemory,
    /// The process or the system has too many files open.
    DescriptorLimit,
    /// The kernel makes rings, and none with an option that was asked for.
    Lacking,
    /// Two options that were asked for do not go together.
    Contradiction,
    /// Something else.
    Other,
}

/// What of the machine's state explains a failure; read once it has happened.
#[derive(Clone, Copy, Debug, Default)]
struct Circumstances {
    /// `/proc/sys/kernel/io_uring_disabled`; `None` where it is not there or cannot be read.
    disabled: Option<u8>,
    /// `RLIMIT_MEMLOCK` in bytes; `None` where unlimited or unknown.
    locked_memory: Option<u64>,
}

impl Unavailable {
    /// Why the system call `call` has failed with `error`.
    pub(crate) fn failed(call: &'static str, error: &io::Error) -> Unavailable {
        let errno = error.raw_os_error();
        let reason = Reason::of(errno);
        let mut unavailable =
            Unavailable { reason, call, errno, hint: hint(reason, Circumstances::read()) };
        if errno.is_none() {
            unavailable.hint = error.to_string();
        }
        unavailable
    }

    /// The kernel has made a ring, which lacks what ringbahn needs.
    pub(crate) fn too_old() -> Unavailable {
        let reason = Reason::KernelTooOld;
        let hint = hint(reason, Circumstances::default());
        Unavailable { reason, call: "io_uring_setup", errno: None, hint }
    }

    /// The kernel makes no ring with the options `named`, of which each has its version.
    pub(crate) fn lacking(named: &str) -> Unavailable {
        Unavailable {
            reason: Reason::Lacking,
            call: "io_uring_setup",
            errno: Some(libc::EINVAL),
            hint: format!("it makes no ring with {named}; do without, or run such a version"),
        }
    }

    /// The options `one` and `other` do not go together; `instead` says what does.
    pub(crate) fn contradiction(one: &str, other: &str, instead: &str) -> Unavailable {
        Unavailable {
            reason: Reason::Contradiction,
            call: "io_uring_setup",
            errno: None,
            hint: format!("{one} does not go together with {other}: {instead}"),
        }
    }

    /// The same, with more to be said about it.
    pub(crate) fn also(mut self, more: &str) -> Unavailable {
        self.hint = format!("{}; {more}", self.hint);
        self
    }

    /// A ring is wanted that the kernel alone can make, and nobody is to ask it for one.
    pub(crate) fn unwanted() -> Unavailable {
        let hint = "the policy, or the variable RINGBAHN_IO_URING of the environment, is never to \
                    use io_uring, and this driver cannot do without; take another driver";
        Unavailable {
            reason: Reason::Blocked,
            call: "io_uring_setup",
            errno: None,
            hint: hint.to_owned(),
        }
    }

    /// Why there is no ring.
    pub fn reason(&self) -> Reason {
        self.reason
    }

    /// What to do about it: which sysctl, which seccomp rule, which limit, with which command.
    pub fn hint(&self) -> &str {
        &self.hint
    }

    /// The `errno` of the call that has failed, if one has.
    pub fn raw_os_error(&self) -> Option<i32> {
        self.errno
    }

    fn kind(&self) -> io::ErrorKind {
        match self.reason {
            Reason::Blocked => io::ErrorKind::PermissionDenied,
            Reason::Missing | Reason::KernelTooOld | Reason::Lacking => io::ErrorKind::Unsupported,
            Reason::Contradiction => io::ErrorKind::InvalidInput,
            Reason::LockedMemory => io::ErrorKind::OutOfMemory,
            Reason::DescriptorLimit => io::ErrorKind::QuotaExceeded,
            Reason::Other => self
                .errno
                .map_or(io::ErrorKind::Other, |errno| io::Error::from_raw_os_error(errno).kind()),
        }
    }
}

impl Reason {
    fn of(errno: Option<i32>) -> Reason {
        match errno {
            Some(libc::EPERM | libc::EACCES) => Reason::Blocked,
            Some(libc::ENOSYS) => Reason::Missing,
            Some(libc::ENOMEM) => Reason::LockedMemory,
            Some(libc::EMFILE | libc::ENFILE) => Reason::DescriptorLimit,
            _ => Reason::Other,
        }
    }

    fn sentence(self) -> &'static str {
        match self {
            Reason::Blocked => "io_uring is blocked on this machine",
            Reason::Missing => "this kernel has no io_uring",
            Reason::KernelTooOld => "this kernel's io_uring is too old",
            Reason::LockedMemory => "there is no memory for a ring",
            Reason::DescriptorLimit => "too many files are open to make a ring",
            Reason::Lacking => "this kernel's io_uring lacks what was asked for",
            Reason::Contradiction => "no ring is such as was asked for",
            Reason::Other => "no ring could be made",
        }
    }
}

impl Circumstances {
    fn read() -> Circumstances {
        let disabled = fs::read_to_string("/proc/sys/kernel/io_uring_disabled");
        let limits = fs::read_to_string("/proc/self/limits");
        Circumstances {
            disabled: disabled.ok().and_then(|text| text.trim().parse().ok()),
            locked_memory: limits.ok().and_then(|text| locked_memory(&text)),
        }
    }
}

/// The soft limit of locked memory in the text of `/proc/self/limits`.
fn locked_memory(limits: &str) -> Option<u64> {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max locked memory"))?;
    line.split_whitespace().next()?.parse().ok()
}

fn hint(reason: Reason, circumstances: Circumstances) -> String {
    let seccomp = "allow the system calls io_uring_setup, io_uring_enter and io_uring_register \
                   (425, 426, 427) in the seccomp profile (docker: --security-opt \
                   seccomp=<profile>; systemd: SystemCallFilter=@aio), or in the policy of \
                   the security module";
    match (reason, circumstances.disabled) {
        (Reason::Blocked, Some(2)) => "the sysctl kernel.io_uring_disabled is 2, which forbids it \
             to everybody; as root: sysctl -w kernel.io_uring_disabled=0"
            .to_owned(),
        (Reason::Blocked, Some(1)) => "the sysctl kernel.io_uring_disabled is 1, which forbids it \
             to processes without CAP_SYS_ADMIN that are not in the group kernel.io_uring_group; \
             as root: sysctl -w kernel.io_uring_disabled=0, or sysctl -w \
             kernel.io_uring_group=<gid>; if it is still blocked, look for a seccomp filter"
            .to_owned(),
        (Reason::Blocked, Some(_)) => format!("no sysctl forbids it, so a sandbox does: {seccomp}"),
        (Reason::Blocked, None) => {
            format!("{seccomp}; or see whether the sysctl kernel.io_uring_disabled is not 0")
        }
        (Reason::Missing, _) => format!(
            "run Linux 5.11 or newer with CONFIG_IO_URING=y; under gVisor, or where a sandbox \
             answers ENOSYS, {seccomp}"
        ),
        (Reason::KernelTooOld, _) => "run Linux 5.11 or newer".to_owned(),
        (Reason::LockedMemory, _) => {
            locked_memory_hint(circumstances.locked_memory, "make fewer or smaller rings")
        }
        (Reason::DescriptorLimit, _) => "close files, or raise the limit: ulimit -n <count>; \
             systemd: LimitNOFILE=<count>; docker: --ulimit nofile=<count>; for the whole system: \
             sysctl -w fs.file-max=<count>"
            .to_owned(),
        (Reason::Lacking | Reason::Contradiction | Reason::Other, _) => {
            "this is not a known cause; `dmesg` may say more".to_owned()
        }
    }
}

/// How to go on where no more memory can be locked: by doing with `less`, or by a higher limit.
pub(crate) fn locked_memory_advice(less: &str) -> String {
    locked_memory_hint(Circumstances::read().locked_memory, less)
}

fn locked_memory_hint(limit: Option<u64>, less: &str) -> String {
    let now = match limit {
        Some(bytes) => format!("RLIMIT_MEMLOCK is {} KiB", bytes / 1024),
        None => "RLIMIT_MEMLOCK is unlimited or unknown, so look at the machine's free memory \
                 and at the cgroup's memory.max"
            .to_owned(),
    };
    format!(
        "{now}; {less}, or raise the limit: ulimit -l <KiB>; systemd: \
         LimitMEMLOCK=<bytes>; docker: --ulimit memlock=<bytes>"
    )
}

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.reason.sentence())?;
        if let Some(errno) = self.errno {
            write!(f, " ({}: {})", self.call, io::Error::from_raw_os_error(errno))?;
        }
        write!(f, ": {}", self.hint)
    }
}

impl Error for Unavailable {}

impl From<Unavailable> for io::Error {
    fn from(unavailable: Unavailable) -> io::Error {
        io::Error::new(unavailable.kind(), unavailable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed_with(errno: i32) -> Unavailable {
        Unavailable::failed("io_uring_setup", &io::Error::from_raw_os_error(errno))
    }

    #[test]
    fn every_errno_has_its_reason_and_kind() {
        use io::ErrorKind::*;
        for (errno, reason, kind) in [
            (libc::EPERM, Reason::Blocked, PermissionDenied),
            (libc::EACCES, Reason::Blocked, PermissionDenied),
            (libc::ENOSYS, Reason::Missing, Unsupported),
            (libc::ENOMEM, Reason::LockedMemory, OutOfMemory),
            (libc::EMFILE, Reason::DescriptorLimit, QuotaExceeded),
            (libc::ENFILE, Reason::DescriptorLimit, QuotaExceeded),
            (libc::EINVAL, Reason::Other, InvalidInput),
        ] {
            let unavailable = failed_with(errno);
            assert_eq!(unavailable.reason(), reason);
            assert_eq!(unavailable.raw_os_error(), Some(errno));
            let error = io::Error::from(unavailable.clone());
            assert_eq!(error.kind(), kind);
            let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<Unavailable>());
            assert_eq!(inner, Some(&unavailable));
        }
        assert_eq!(io::Error::from(Unavailable::too_old()).kind(), Unsupported);
    }

    #[test]
    fn a_hint_names_what_is_to_be_done() {
        let blocked = |disabled| {
            hint(Reason::Blocked, Circumstances { disabled, ..Circumstances::default() })
        };
        assert!(blocked(Some(2)).contains("sysctl -w kernel.io_uring_disabled=0"));
        assert!(blocked(Some(1)).contains("kernel.io_uring_group"));
        for disabled in [Some(0), None] {
            let text = blocked(disabled);
            assert!(
                ["io_uring_setup", "io_uring_enter", "io_uring_register"]
                    .iter()
                    .all(|call| text.contains(call))
            );
        }
        let limit = Circumstances { locked_memory: Some(65_536), ..Circumstances::default() };
        let text = hint(Reason::LockedMemory, limit);
        for part in ["64 KiB", "ulimit -l", "LimitMEMLOCK", "--ulimit memlock"] {
            assert!(text.contains(part), "{part} is missing in: {text}");
        }
    }

    #[test]
    fn it_prints_as_one_line_with_reason_errno_and_hint() {
        let text = failed_with(libc::ENOSYS).to_string();
        assert!(text.starts_with("this kernel has no io_uring (io_uring_setup: Function not"));
        assert!(text.contains("5.11") && !text.contains('\n'));
    }

    #[test]
    fn the_limit_is_read_from_the_text_of_proc() {
        let text =
            "Limit   Soft Limit  Hard Limit  Units\nMax locked memory   65536  unlimited bytes\n";
        assert_eq!(locked_memory(text), Some(65_536));
        assert_eq!(locked_memory("Max locked memory  unlimited unlimited bytes"), None);
        assert_eq!(locked_memory(""), None);
    }
}
