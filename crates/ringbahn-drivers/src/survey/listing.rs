//! [`Listing`]: a row of the tables of what io_uring has, and since when.

use std::borrow::Cow;
use std::fmt;

/// A version of Linux, as far as the interface is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KernelVersion {
    /// The first number.
    pub major: u16,
    /// The second number.
    pub minor: u16,
}

/// Something that io_uring has, or may have: a row of one of the tables.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Listing {
    /// Its name in the kernel's header, without the prefix that all of its kind share.
    pub name: Cow<'static, str>,
    /// Its number; for flags and features, that of the bit.
    pub number: u32,
    /// The version that brought it; `None` for what the kernel knows and this table does not.
    pub since: Option<KernelVersion>,
    /// Whether ringbahn uses it.
    pub usage: Usage,
    /// What it is good for.
    pub purpose: &'static str,
    /// What it needs beyond a kernel that knows it; empty where that is nothing.
    pub needs: &'static str,
}

/// Whether ringbahn uses something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Usage {
    /// There is no driver without it.
    Required,
    /// What it is for fails, or costs more, without it.
    Used,
    /// Programs may ask for it. Nothing else fails or costs more without it.
    Offered,
    /// Not so far.
    Unused,
}

impl KernelVersion {
    /// The version in a release such as `6.18.44-generic`, if it begins with two numbers.
    pub fn parse(release: &str) -> Option<KernelVersion> {
        let mut numbers = release.split(|c: char| !c.is_ascii_digit());
        let major = numbers.next()?.parse().ok()?;
        Some(KernelVersion { major, minor: numbers.next()?.parse().ok()? })
    }
}

impl KernelVersion {
    /// That of the running kernel, if it can be told.
    pub(crate) fn running() -> Option<KernelVersion> {
        let name = rustix::system::uname();
        KernelVersion::parse(name.release().to_str().ok()?)
    }
}

impl fmt::Display for KernelVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

impl Listing {
    pub(super) const fn new(
        number: u32,
        name: &'static str,
        (major, minor): (u16, u16),
        usage: Usage,
        purpose: &'static str,
    ) -> Listing {
        let since = Some(KernelVersion { major, minor });
        Listing { name: Cow::Borrowed(name), number, since, usage, purpose, needs: "" }
    }

    /// The same, with what it needs beyond a kernel that knows it.
    pub(super) const fn needs(mut self, needs: &'static str) -> Listing {
        self.needs = needs;
        self
    }

    /// What the kernel knows under a number that is in no table.
    pub(super) fn nameless(number: u32) -> Listing {
        Listing {
            name: Cow::Owned(format!("#{number}")),
            number,
            since: None,
            usage: Usage::Unused,
            purpose: "newer than this version of ringbahn",
            needs: "",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_read_from_every_kind_of_release() {
        let version = |major, minor| Some(KernelVersion { major, minor });
        for (release, expected) in [
            ("6.18.44-fc-v769", version(6, 18)),
            ("5.15.167.4-microsoft-standard-WSL2", version(5, 15)),
            ("7.0-rc1", version(7, 0)),
            ("6.6+", version(6, 6)),
            ("", None),
            ("six", None),
            ("6", None),
            ("99999999.1", None),
        ] {
            assert_eq!(KernelVersion::parse(release), expected, "{release}");
        }
        assert!(version(5, 9) < version(5, 11) && version(5, 19) < version(6, 0));
    }
}
