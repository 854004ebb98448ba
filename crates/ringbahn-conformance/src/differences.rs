//! [`Differences`]: where a driver is known to differ, and why.

use std::io;
use std::path::Path;

/// Where drivers are known to differ from what the suite expects.
///
/// A text of lines `<driver>: <case>: <reason>`; empty lines and those that begin with `#` say
/// nothing. A case is named as in results, `data/a_peek_leaves_the_data`; one that ends with `*`
/// stands for all that begin so, and one that ends with `?` differs or not as it happens, as where
/// it is a matter of who is faster; `*?` is both.
///
/// A case that differs as expected is no failure. One that does not differ although the list says
/// so is one, since then the list is wrong; and so is a line with a `*` of whose cases none
/// differs, and a line that names no case at all.
///
/// In the place of a driver's name `*` stands for all of them.
///
/// A reason that begins with `unsupported: ` is about cases that the driver refuses itself, with an
/// error of the kind `Unsupported` made for the purpose. It does for no others: what hangs, is lost
/// or leaks where it is refused is a failure. And each refusal needs a line.
///
/// ```
/// use ringbahn_conformance::Differences;
///
/// let text = "# The polling ring takes reads and writes only.\n\
///             polling: zero-copy/*: it takes no operations on sockets\n";
/// assert!(Differences::parse(text).is_ok());
/// assert!(Differences::parse("polling: it takes no operations on sockets\n").is_err());
/// ```
#[derive(Clone, Debug, Default)]
pub struct Differences {
    lines: Vec<Difference>,
}

/// One line of the list.
#[derive(Clone, Debug)]
pub(crate) struct Difference {
    driver: String,
    case: String,
    pub(crate) reason: String,
    /// Whether it is about what the driver refuses itself.
    pub(crate) is_refusal: bool,
    line: usize,
}

/// How the reason begins of a line about what a driver refuses itself.
const REFUSAL: &str = "unsupported:";

/// What stands in the place of a driver's name in a line about all of them.
const EVERY: &str = "*";

impl Differences {
    /// The list in the file at `path`.
    ///
    /// # Errors
    ///
    /// Those of reading a file; `InvalidData`, naming the line, where one is not well-formed.
    pub fn read(path: impl AsRef<Path>) -> io::Result<Differences> {
        Differences::parse(&std::fs::read_to_string(path)?)
    }

    /// The list that `text` is.
    ///
    /// # Errors
    ///
    /// `InvalidData`, naming the line, where one is not well-formed.
    pub fn parse(text: &str) -> io::Result<Differences> {
        let mut lines = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let mut parts = line.splitn(3, ':').map(str::trim);
            let (Some(driver), Some(case), Some(reason)) =
                (parts.next(), parts.next(), parts.next().filter(|reason| !reason.is_empty()))
            else {
                let message = format!(
                    "line {} of the expected differences is not of the form `<driver>: <case>: \
                     <reason>`: {line}",
                    index + 1
                );
                return Err(io::Error::new(io::ErrorKind::InvalidData, message));
            };
            let refused = reason.strip_prefix(REFUSAL).map(str::trim);
            lines.push(Difference {
                driver: driver.to_owned(),
                case: case.to_owned(),
                reason: refused.unwrap_or(reason).to_owned(),
                is_refusal: refused.is_some(),
                line: index + 1,
            });
        }
        Ok(Differences { lines })
    }

    /// The lines about `driver`.
    pub(crate) fn of(&self, driver: &str) -> Vec<Difference> {
        let is_about = |line: &&Difference| line.driver == driver || line.driver == EVERY;
        self.lines.iter().filter(is_about).cloned().collect()
    }
}

impl Difference {
    /// Whether the line is about the case of this name.
    pub(crate) fn covers(&self, case: &str) -> bool {
        let own = self.case.trim_end_matches('?');
        match own.strip_suffix('*') {
            Some(beginning) => case.starts_with(beginning),
            None => own == case,
        }
    }

    /// Whether the case differs or not as it happens.
    pub(crate) fn is_occasional(&self) -> bool {
        self.case.ends_with('?')
    }

    /// Whether it is about one case, which then must differ.
    pub(crate) fn is_exact(&self) -> bool {
        !self.case.trim_end_matches('?').ends_with('*')
    }

    /// The line itself, for those who have to change it.
    pub(crate) fn citation(&self) -> String {
        format!("line {} of the expected differences, `{}: {}`", self.line, self.driver, self.case)
    }
}
