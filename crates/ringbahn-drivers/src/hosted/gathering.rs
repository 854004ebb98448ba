//! [`Gathering`]: whether a submission enters the kernel at once, or with others at the turn's end.
//!
//! A turn is what a thread of the executor runs until the driver's own task has its turn again. If
//! several submissions come in it, one system call is enough for all of them; but a single one had
//! better enter at once, for it may complete there and then, and needs no other task to run. So the
//! driver goes by what its last turns were like.
//!
//! | habit | a submission | left when |
//! |---|---|---|
//! | single | enters at once; now and then, ever more rarely, the turn's end is asked for to see what has come besides | two or more came in a turn |
//! | gathering | is left to the turn's end | only one came in a turn |
//!
//! A submission on another thread than the one the driver's task has run on last has no turn to
//! wait for, and enters at once.

use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

/// After so many single turns in a row the pauses between looks grow no more: `2⁶ - 1` submissions.
const SINGLES_MAX: u32 = 6;

/// Whether a submission enters the kernel at once, or with others at the turn's end.
///
/// Relaxed throughout, and no exchange: what is gathered is published elsewhere, and an update that
/// gets lost makes a guess worse and nothing wrong.
#[derive(Debug)]
pub(super) struct Gathering {
    habit: AtomicU32,
    /// How many submissions have counted themselves into this turn.
    in_turn: AtomicU32,
    /// The thread that the driver's task has run on last.
    home: AtomicUsize,
}

/// When a submission enters the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moment {
    Now,
    /// At once; and the turn's end is of interest.
    NowAndLook,
    TurnsEnd,
}

/// What the last turns were like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Habit {
    gathering: bool,
    /// How many turns in a row had a single submission.
    singles: u32,
    /// How many submissions enter at once before the next look.
    pause: u32,
}

impl Gathering {
    pub(super) fn new() -> Gathering {
        Gathering {
            habit: AtomicU32::new(Habit::default().to_word()),
            in_turn: AtomicU32::new(0),
            home: AtomicUsize::new(0),
        }
    }

    /// When the submission that asks enters the kernel.
    pub(super) fn moment(&self) -> Moment {
        if self.home.load(Ordering::Relaxed) != this_thread() {
            return Moment::Now;
        }
        let habit = Habit::from_word(self.habit.load(Ordering::Relaxed));
        let moment = match self.is_open() {
            // Somebody has asked for the turn's end already.
            true => Moment::TurnsEnd,
            false => habit.moment(),
        };
        if moment == Moment::Now {
            self.habit.store(habit.waited().to_word(), Ordering::Relaxed);
        } else {
            self.in_turn.fetch_add(1, Ordering::Relaxed);
        }
        moment
    }

    /// Whether the end of the turn is of interest.
    pub(super) fn is_open(&self) -> bool {
        self.in_turn.load(Ordering::Relaxed) > 0
    }

    /// The turn ends on this thread.
    pub(super) fn end_turn(&self) {
        let home = this_thread();
        if self.home.load(Ordering::Relaxed) != home {
            self.home.store(home, Ordering::Relaxed);
        }
        if self.is_open() {
            let count = self.in_turn.swap(0, Ordering::Relaxed);
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

    /// When the first submission of a turn enters.
    fn moment(self) -> Moment {
        match self {
            Habit { gathering: true, .. } => Moment::TurnsEnd,
            Habit { pause: 0, .. } => Moment::NowAndLook,
            _ => Moment::Now,
        }
    }

    /// A submission has entered without a look.
    fn waited(self) -> Habit {
        Habit { pause: self.pause.saturating_sub(1), ..self }
    }

    /// A turn has ended in which so many submissions have counted themselves in.
    fn after(self, count: u32) -> Habit {
        if count > 1 {
            return Habit { gathering: true, ..Habit::default() };
        }
        if self.gathering {
            return Habit::default();
        }
        let singles = (self.singles + 1).min(SINGLES_MAX);
        Habit { gathering: false, singles, pause: (1 << singles) - 1 }
    }
}

/// What tells threads apart: the address of something that each has of its own.
fn this_thread() -> usize {
    thread_local!(static PLACE: u8 = const { 0 });
    PLACE.with(|place| std::ptr::from_ref(place).addr())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_turns(turns: impl IntoIterator<Item = u32>) -> (u32, Gathering) {
        let gathering = Gathering::new();
        gathering.end_turn();
        let mut entered = 0;
        for count in turns {
            for _ in 0..count {
                entered += u32::from(gathering.moment() != Moment::TurnsEnd);
            }
            entered += u32::from(gathering.is_open());
            gathering.end_turn();
        }
        (entered, gathering)
    }

    #[test]
    fn single_submissions_enter_at_once_and_hardly_ever_ask_for_the_turns_end() {
        let (entered, gathering) = of_turns([1; 10_000]);
        assert!((10_000..10_200).contains(&entered), "{entered}");
        let moments = (0..64).filter(|_| gathering.moment() == Moment::Now).count();
        assert!(moments >= 62, "{moments}");
    }

    #[test]
    fn what_comes_together_enters_together() {
        let (entered, _) = of_turns([32; 100]);
        assert_eq!(entered, 101, "the first of all enters by itself");
    }

    #[test]
    fn a_change_is_noticed_soon() {
        let (entered, _) = of_turns([1; 1000].into_iter().chain([32; 100]));
        assert!(entered < 1_250, "{entered}");
        let (entered, _) = of_turns([32; 100].into_iter().chain([1; 1000]));
        assert!(entered < 1_150, "{entered}");
    }

    #[test]
    fn a_submission_of_another_thread_has_no_turn_to_wait_for() {
        let (_, gathering) = of_turns([32; 10]);
        assert_eq!(gathering.moment(), Moment::TurnsEnd);
        let elsewhere = std::thread::scope(|scope| scope.spawn(|| gathering.moment()).join());
        assert_eq!(elsewhere.unwrap(), Moment::Now);
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
