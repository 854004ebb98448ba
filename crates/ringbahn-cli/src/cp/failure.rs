//! [`Failure`]: why something was not copied, in words for whoever has asked for it.

use std::fmt::{self, Display};
use std::io;
use std::path::Path;

/// Why something was not copied: one line, which names the file.
#[derive(Debug)]
pub(crate) struct Failure(pub(crate) String);

/// What every step on a file can fail with.
pub(crate) type Done<T = ()> = Result<T, Failure>;

impl Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Says what could not be done where an error came from the system.
pub(crate) trait When<T> {
    /// `action` goes behind "cannot", as in "cannot open".
    fn when(self, action: &str, path: &Path) -> Done<T>;
}

impl<T, E: Into<io::Error>> When<T> for Result<T, E> {
    fn when(self, action: &str, path: &Path) -> Done<T> {
        self.map_err(|error| {
            Failure(format!("cannot {action} {}: {}", path.display(), error.into()))
        })
    }
}
