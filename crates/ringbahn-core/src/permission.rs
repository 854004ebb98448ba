//! [`Rule`]: which operations a ring takes; and [`Forbidden`], why it does not take one.
//!
//! Some rings do harm, or nothing but fail, where they are given operations that others take. A
//! rule is applied where entries are committed to a queue, which is the one way into a ring: to
//! those of a new event, to those of an event that goes round once more, to each of a chain, and to
//! the driver's own cancels. So no driver that is made of others gets round it.

use std::error::Error;
use std::fmt;
use std::io;

use crate::opcode;
use crate::sqe::{Sqe, Sqes};

/// Which operations a ring takes.
///
/// ```
/// use ringbahn_core::{Rule, opcode};
///
/// /// Takes what has to do with files only.
/// const FILES: Rule = Rule::new(|entry| match entry.opcode() {
///     opcode::SEND | opcode::RECV => Some("submit it to a ring for sockets"),
///     _ => None,
/// });
/// ```
#[derive(Clone, Copy)]
pub struct Rule {
    refusal: fn(&Sqe) -> Option<&'static str>,
    /// Whether an entry may have the ring stand still for it.
    drains: bool,
}

/// Why a ring does not take an operation: inside of an `io::Error` of the kind `Unsupported`.
///
/// The event comes back in its output; nothing of it has reached the ring.
///
/// ```
/// use ringbahn_core::Forbidden;
///
/// fn hint(error: &std::io::Error) -> Option<&'static str> {
///     let inner = error.get_ref()?.downcast_ref::<Forbidden>()?;
///     Some(inner.hint())
/// }
/// # assert_eq!(hint(&std::io::ErrorKind::Unsupported.into()), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forbidden {
    opcode: u8,
    hint: &'static str,
}

const DRAIN_HINT: &str = "\
    an event that is to be alone goes to a ring of its own, whose rule says `allow_drain`";

const LARGE_HINT: &str = "\
    it is an entry of 128 bytes, and the ring has entries of 64; no driver of ringbahn has made \
    its ring with the setup flag SQE128 or SQE_MIXED so far";

impl Rule {
    /// The rule that refuses an entry where `refusal` says how to go on without it, as a sentence
    /// with neither capital nor full stop.
    ///
    /// It is called under the driver's lock, once for each entry, so it only looks.
    pub const fn new(refusal: fn(&Sqe) -> Option<&'static str>) -> Rule {
        Rule { refusal, drains: false }
    }

    /// The same rule for a ring that takes a [`Drained`](crate::event::Drained) event as well. One
    /// without any rule does not.
    ///
    /// Such an event stops the ring until all that runs there has ended, so it is for one that
    /// nobody else uses, not even a driver to be woken by.
    #[must_use]
    pub const fn allow_drain(self) -> Rule {
        Rule { drains: true, ..self }
    }

    /// # Errors
    ///
    /// [`Forbidden`], where the first entry of the tray that has the ring stand still for it may
    /// not do so under `rule`.
    #[inline]
    pub(crate) fn check_drain(rule: Option<Rule>, sqes: &Sqes) -> Result<(), Forbidden> {
        match sqes.drained() {
            Some(entry) if !rule.is_some_and(|rule| rule.drains) => {
                Err(Forbidden { opcode: entry.opcode(), hint: DRAIN_HINT })
            }
            _ => Ok(()),
        }
    }

    /// # Errors
    ///
    /// [`Forbidden`], where an entry of the tray is one of 128 bytes: places have room for 64.
    #[inline]
    pub(crate) fn check_size(sqes: &Sqes) -> Result<(), Forbidden> {
        match sqes.large() {
            Some(entry) => Err(Forbidden { opcode: entry.opcode(), hint: LARGE_HINT }),
            None => Ok(()),
        }
    }

    /// # Errors
    ///
    /// [`Forbidden`], of the first entry that the rule refuses.
    #[cold]
    pub(crate) fn check(self, entries: &[Sqe]) -> Result<(), Forbidden> {
        for entry in entries {
            if let Some(hint) = (self.refusal)(entry) {
                return Err(Forbidden { opcode: entry.opcode(), hint });
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Rule")
    }
}

impl Forbidden {
    /// The operation: one of [`opcode`], or one that no event of ringbahn asks for.
    pub fn opcode(&self) -> u8 {
        self.opcode
    }

    /// How to go on without it.
    pub fn hint(&self) -> &'static str {
        self.hint
    }
}

impl fmt::Display for Forbidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Forbidden { opcode, hint } = self;
        match opcode::name(*opcode) {
            Some(name) => write!(f, "the driver's ring does not take {name}: {hint}"),
            None => write!(f, "the driver's ring does not take the opcode {opcode}: {hint}"),
        }
    }
}

impl Error for Forbidden {}

impl From<Forbidden> for io::Error {
    fn from(forbidden: Forbidden) -> io::Error {
        io::Error::new(io::ErrorKind::Unsupported, forbidden)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::testing::prepared;
    use crate::event::{EventExt, Nop};

    const NO_NOP: Rule =
        Rule::new(|entry| (entry.opcode() == opcode::NOP).then_some("do something"));

    #[test]
    fn the_error_names_the_operation_and_the_way_round_it() {
        let forbidden = NO_NOP.check(&[Sqe::cancel(1), Sqe::nop()]).unwrap_err();
        assert_eq!((forbidden.opcode(), forbidden.hint()), (opcode::NOP, "do something"));
        let error = io::Error::from(forbidden);
        assert_eq!(error.kind(), io::ErrorKind::Unsupported);
        assert_eq!(error.to_string(), "the driver's ring does not take NOP: do something");
        let strange = Forbidden { opcode: 200, hint: "no" };
        assert_eq!(strange.to_string(), "the driver's ring does not take the opcode 200: no");
    }

    #[test]
    fn a_ring_stands_still_only_where_its_rule_says_so() {
        let mut event = Nop.drained();
        let sqes = prepared(&mut event);
        let everything = Rule::new(|_| None);
        for rule in [None, Some(everything)] {
            let forbidden = Rule::check_drain(rule, &sqes).unwrap_err();
            assert_eq!((forbidden.opcode(), forbidden.hint()), (opcode::NOP, DRAIN_HINT));
        }
        Rule::check_drain(Some(everything.allow_drain()), &sqes).unwrap();
        Rule::check_drain(None, &prepared(&mut Nop)).unwrap();
    }

    #[test]
    fn a_place_of_64_bytes_takes_no_entry_of_128() {
        let mut sqes = Sqes::new();
        sqes.push(Sqe::nop());
        Rule::check_size(&sqes).unwrap();
        sqes.push_large(Sqe::nop(), [0; 80]);
        let forbidden = Rule::check_size(&sqes).unwrap_err();
        assert_eq!((forbidden.opcode(), forbidden.hint()), (opcode::NOP, LARGE_HINT));
    }

    #[test]
    fn what_the_rule_does_not_name_passes() {
        NO_NOP.check(&[Sqe::cancel(1)]).unwrap();
        NO_NOP.check(&[]).unwrap();
    }
}
