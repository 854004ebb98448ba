//! [`Gathering`]: whether a submission enters the kernel at once, or with others at the turn's end.
//!
//! A turn is what a thread of the executor runs until the driver's own task has its turn again. If
//! several submissions come in it, one system call is enough for all of them; but a single one had
//! better enter at once, for it may complete there and then, and needs no other task to run. So the
//! driver goes by what its last turns were like.
//!
//! | habit | a submission | left when |
//! |---|---|---|
//! | single | enters at once; now and then, ever more rarely, one is left to the turn's end, to see what comes besides | two or more came in such a turn |
//! | gathering | is left to the turn's end | only one came in a turn |
//!
//! Which thread's turn it is, and who ends it, is told in [`turns`](super::turns).

use std::sync::atomic::{AtomicU32, Ordering};

/// After so many single turns in a row the pauses between tries grow no more: `2⁶ - 1` submissions.
const SINGLES_MAX: u32 = 6;

/// Whether a submission enters the kernel at once, or with others at the turn's end.
///
/// Relaxed throughout, and no exchange: what is gathered is published elsewhere, and an update that
/// gets lost makes a guess worse and nothing wrong.
#[derive(Debug)]
pub(super) struct Gathering {
    habit: AtomicU32,
    /// How many submissions have been left to the end of this turn.
    in_turn: AtomicU32,
}

/// What the last turns were like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Habit {
    gathering: bool,
    /// How many turns in a row had a single submission.
    singles: u32,
    /// How many submissions enter at once before the next try.
    pause: u32,
}

impl Gathering {
    pub(super) fn new() -> Gathering {
        Gathering { habit: AtomicU32::new(Habit::default().to_word()), in_turn: AtomicU32::new(0) }
    }

    /// Whether the submission that asks is left to the end of this turn; else it enters at once.
    pub(super) fn gathers(&self) -> bool {
        let so_far = self.in_turn.load(Ordering::Relaxed);
        let habit = Habit::from_word(self.habit.load(Ordering::Relaxed));
        if so_far > 0 || habit.waits() {
            self.in_turn.store(so_far + 1, Ordering::Relaxed);
            return true;
        }
        self.habit.store(habit.after_entering().to_word(), Ordering::Relaxed);
        false
    }

    /// Whether something has been left to the end of this turn.
    pub(super) fn is_open(&self) -> bool {
        self.in_turn.load(Ordering::Relaxed) > 0
    }

    /// The turn ends.
    pub(super) fn end_turn(&self) {
        let count = self.in_turn.load(Ordering::Relaxed);
        if count > 0 {
            self.in_turn.store(0, Ordering::Relaxed);
            let habit = Habit::from_word(self.habit.load(Ordering::Relaxed));
            self.habit.store(habit.after(count).to_word(), Ordering::Relaxed);
        }
    }
}

impl Habit {
    const GATHERING: u32 = 1 << 31;

    fn from_word(word: u32) -> Habit {
        Habit {
            gathering: word & Habit::GATHERING != 0,
            singles: word & 0xff,
            pause: word >> 8 & 0xffff,
        }
    }

    fn to_word(self) -> u32 {
        let gathering = if self.gathering { Habit::GATHERING } else { 0 };
        gathering | self.pause << 8 | self.singles
    }

    /// Whether the first submission of a turn is left to its end.
    fn waits(self) -> bool {
        self.gathering || self.pause == 0
    }

    /// A submission has entered at once.
    fn after_entering(self) -> Habit {
        Habit { pause: self.pause.saturating_sub(1), ..self }
    }

    /// A turn has ended to whose end so many submissions were left.
    fn after(self, count: u32) -> Habit {
        if count > 1 {
            return Habit { gathering: true, ..Habit::default() };
        }
        let singles = (self.singles + 1).min(SINGLES_MAX);
        Habit { gathering: false, singles, pause: (1 << singles) - 1 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Turns with so many submissions each; says how often the kernel was entered.
    fn of_turns(turns: impl IntoIterator<Item = u32>) -> (u32, Gathering) {
        let gathering = Gathering::new();
        let mut entered = 0;
        for count in turns {
            for _ in 0..count {
                entered += u32::from(!gathering.gathers());
            }
            if gathering.is_open() {
                entered += 1;
                gathering.end_turn();
            }
        }
        (entered, gathering)
    }

    #[test]
    fn single_submissions_nearly_always_enter_at_once() {
        let (entered, gathering) = of_turns([1; 10_000]);
        assert_eq!(entered, 10_000);
        let mut tries = 0;
        for _ in 0..6400 {
            if gathering.gathers() {
                tries += 1;
                gathering.end_turn();
            }
        }
        assert!((99..=101).contains(&tries), "{tries}");
    }

    #[test]
    fn what_comes_together_enters_together() {
        let (entered, _) = of_turns([32; 100]);
        assert_eq!(entered, 100);
    }

    #[test]
    fn a_change_is_noticed_soon() {
        let (entered, _) = of_turns([1; 1000].into_iter().chain([32; 100]));
        assert!(entered < 1_000 + 64 + 100, "{entered}");
        let (entered, _) = of_turns([32; 100].into_iter().chain([1; 1000]));
        assert_eq!(entered, 1_100);
    }

    #[test]
    fn a_habit_is_one_word() {
        for habit in [
            Habit::default(),
            Habit { gathering: true, ..Habit::default() },
            Habit { gathering: false, singles: SINGLES_MAX, pause: (1 << SINGLES_MAX) - 1 },
        ] {
            assert_eq!(Habit::from_word(habit.to_word()), habit);
        }
    }
}
