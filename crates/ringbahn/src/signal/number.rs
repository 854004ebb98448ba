//! [`Signal`]: which signal it is.

use std::fmt;

/// A kind of signal.
///
/// ```
/// use ringbahn::signal::Signal;
///
/// assert_eq!(Signal::from_raw(libc::SIGTERM), Signal::TERMINATE);
/// assert_eq!(format!("{:?}", Signal::TERMINATE), "SIGTERM");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Signal(i32);

impl Signal {
    /// `SIGALRM`: a timer of the process is over.
    pub const ALARM: Signal = Signal(libc::SIGALRM);
    /// `SIGCHLD`: a child process has ended, stopped or gone on.
    pub const CHILD: Signal = Signal(libc::SIGCHLD);
    /// `SIGHUP`: the terminal is gone. Services take it for "read the configuration anew".
    pub const HANGUP: Signal = Signal(libc::SIGHUP);
    /// `SIGINT`: somebody has pressed Ctrl-C.
    pub const INTERRUPT: Signal = Signal(libc::SIGINT);
    /// `SIGPIPE`: nobody reads any more what the process has written.
    pub const PIPE: Signal = Signal(libc::SIGPIPE);
    /// `SIGQUIT`: somebody has pressed Ctrl-\.
    pub const QUIT: Signal = Signal(libc::SIGQUIT);
    /// `SIGTERM`: the process is asked to end.
    pub const TERMINATE: Signal = Signal(libc::SIGTERM);
    /// `SIGUSR1`: whatever the program makes of it.
    pub const USER_1: Signal = Signal(libc::SIGUSR1);
    /// `SIGUSR2`: whatever the program makes of it.
    pub const USER_2: Signal = Signal(libc::SIGUSR2);
    /// `SIGWINCH`: the terminal has another size.
    pub const WINDOW_CHANGE: Signal = Signal(libc::SIGWINCH);

    /// The signal with a number, one of libc's `SIG…`.
    pub const fn from_raw(number: i32) -> Signal {
        Signal(number)
    }

    /// Its number.
    pub const fn as_raw(self) -> i32 {
        self.0
    }
}

impl fmt::Debug for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match signal_hook::low_level::signal_name(self.0) {
            Some(name) => f.write_str(name),
            None => write!(f, "Signal({})", self.0),
        }
    }
}
