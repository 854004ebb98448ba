//! [`Finding`]: what a stop finds out, and the words for it.

use std::fmt::{Debug, Display};
use std::io;

/// What a stop finds out: that it held, with what was done; or why not.
pub(crate) type Finding<T = String> = Result<T, Failure>;

/// Why a stop did not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The library does not do what it says.
    Broken(String),
    /// It cannot be tried on this machine.
    Impossible(String),
}

impl Failure {
    /// The same, with when it was found.
    pub(crate) fn after(self, when: &str) -> Failure {
        match self {
            Failure::Broken(found) => Failure::Broken(format!("{when}: {found}")),
            Failure::Impossible(reason) => Failure::Impossible(reason),
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        Failure::Broken(error.to_string())
    }
}

/// Says what was being done when something failed.
pub(crate) trait When<T> {
    fn when(self, doing: impl Display) -> Finding<T>;
}

impl<T, E: Into<io::Error>> When<T> for Result<T, E> {
    fn when(self, doing: impl Display) -> Finding<T> {
        self.map_err(|error| {
            let error: io::Error = error.into();
            Failure::Broken(format!("{doing}: {error}"))
        })
    }
}

/// Finds that something does not hold, unless it does.
pub(crate) fn hold(holds: bool, otherwise: impl FnOnce() -> String) -> Finding<()> {
    if holds { Ok(()) } else { Err(Failure::Broken(otherwise())) }
}

/// Finds that `what` is as it should be, or what it is instead.
pub(crate) fn equal<T: PartialEq + Debug>(what: &str, found: T, expected: T) -> Finding<()> {
    hold(found == expected, || format!("{what}: {found:?}, and should be {expected:?}"))
}

/// Finds that something failed, and with the right error.
pub(crate) fn fails<T>(what: &str, result: io::Result<T>, expected: io::ErrorKind) -> Finding<()> {
    match result {
        Ok(_) => Err(Failure::Broken(format!("{what}: succeeded, and should have failed"))),
        Err(error) => hold(error.kind() == expected, || {
            format!("{what}: failed with \"{error}\", and should have with \"{expected}\"")
        }),
    }
}

/// Finds that something was stopped before it did anything.
pub(crate) fn cancelled<T>(what: &str, result: io::Result<T>) -> Finding<()> {
    // ECANCELED, for which std has no kind.
    equal(what, result.err().and_then(|error| error.raw_os_error()), Some(125))
}

/// A number of bytes, as people read it.
pub(crate) fn size(bytes: usize) -> String {
    for (shift, unit) in [(20, "MiB"), (10, "KiB")] {
        let whole = bytes >> shift;
        if whole >= 10 || (whole > 0 && bytes.trailing_zeros() >= shift) {
            return format!("{whole} {unit}");
        }
        if whole > 0 {
            // In tenths, rounded down: it never claims more than there was.
            let tenths = (bytes * 10) >> shift;
            return format!("{}.{} {unit}", tenths / 10, tenths % 10);
        }
    }
    format!("{bytes} bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_read_well() {
        for (bytes, text) in [
            (0, "0 bytes"),
            (1023, "1023 bytes"),
            (1024, "1 KiB"),
            (1536, "1.5 KiB"),
            (8 << 20, "8 MiB"),
            ((8 << 20) + 1, "8.0 MiB"),
            (40 << 20, "40 MiB"),
        ] {
            assert_eq!(size(bytes), text);
        }
    }

    #[test]
    fn an_error_says_what_was_being_done() {
        let failed: io::Result<()> = Err(io::ErrorKind::NotFound.into());
        let Err(Failure::Broken(text)) = failed.when("opening a.txt") else { panic!() };
        assert!(text.starts_with("opening a.txt: "));
        fails("an open", Err::<(), _>(io::ErrorKind::NotFound.into()), io::ErrorKind::NotFound)
            .unwrap();
        fails("an open", Ok(()), io::ErrorKind::NotFound).unwrap_err();
        let other = io::Error::from(io::ErrorKind::Other);
        fails("an open", Err::<(), _>(other), io::ErrorKind::NotFound).unwrap_err();
        equal("a size", 1, 1).unwrap();
        equal("a size", 1, 2).unwrap_err();
        cancelled("an open", Err::<(), _>(io::Error::from_raw_os_error(125))).unwrap();
        cancelled("an open", Ok(())).unwrap_err();
    }
}
