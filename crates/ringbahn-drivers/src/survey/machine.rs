//! [`Machine`]: the kernel, and what stands between it and the hardware.

use std::path::Path;

use super::listing::KernelVersion;

/// The kernel, and what this process runs in.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Machine {
    /// The kernel's release, such as `6.18.44-generic`.
    pub release: String,
    /// When and how it was built.
    pub build: String,
    /// The architecture, such as `x86_64`.
    pub architecture: String,
    /// The version in the release. Distributions add what is newer, so it proves nothing.
    pub version: Option<KernelVersion>,
    /// What the kernel is, if it is not Linux on a machine, or a virtual machine, of its own.
    pub substitute: Option<Substitute>,
    /// Which kind of container this is, if it is one that can be told cheaply.
    pub container: Option<Container>,
}

/// A kernel that is not what it seems.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Substitute {
    /// gVisor, which answers system calls itself and has no io_uring by default.
    GVisor,
    /// The first Windows Subsystem for Linux, which has no Linux kernel.
    Wsl1,
    /// The second, which has one, built by Microsoft.
    Wsl2,
}

/// A kind of container.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Container {
    /// A pod of Kubernetes.
    Kubernetes,
    /// Docker.
    Docker,
    /// Podman, or another that says so in the same way.
    Podman,
}

impl Machine {
    pub(super) fn read() -> Machine {
        let uname = rustix::system::uname();
        let release = uname.release().to_string_lossy().into_owned();
        let build = uname.version().to_string_lossy().into_owned();
        Machine {
            architecture: uname.machine().to_string_lossy().into_owned(),
            version: KernelVersion::parse(&release),
            substitute: Substitute::of(&release, &build),
            container: Container::read(),
            release,
            build,
        }
    }
}

impl Substitute {
    fn of(release: &str, build: &str) -> Option<Substitute> {
        // The build that gVisor has always claimed to be.
        let claimed = release == "4.4.0" && build == "#1 SMP Sun Jan 10 15:06:54 PST 2016";
        let lower = release.to_ascii_lowercase();
        if claimed || lower.contains("gvisor") {
            Some(Substitute::GVisor)
        } else if lower.contains("wsl2") {
            Some(Substitute::Wsl2)
        } else if lower.ends_with("-microsoft") {
            Some(Substitute::Wsl1)
        } else {
            None
        }
    }
}

impl Container {
    fn read() -> Option<Container> {
        if std::env::var_os("KUBERNETES_SERVICE_HOST").is_some() {
            Some(Container::Kubernetes)
        } else if Path::new("/.dockerenv").exists() {
            Some(Container::Docker)
        } else if Path::new("/run/.containerenv").exists() {
            Some(Container::Podman)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_linux_is_told_by_its_release() {
        let gvisor = "#1 SMP Sun Jan 10 15:06:54 PST 2016";
        for (release, build, expected) in [
            ("4.4.0", gvisor, Some(Substitute::GVisor)),
            ("4.19.0-gvisor", "#1", Some(Substitute::GVisor)),
            ("4.4.0-19041-Microsoft", "#1", Some(Substitute::Wsl1)),
            ("5.15.167.4-microsoft-standard-WSL2", "#1", Some(Substitute::Wsl2)),
            ("4.4.0", "#1 SMP", None),
            ("6.18.44", "#1 SMP", None),
        ] {
            assert_eq!(Substitute::of(release, build), expected, "{release}");
        }
    }
}
