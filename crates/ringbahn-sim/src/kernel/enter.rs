//! `io_uring_enter` as the simulated kernel does it: takes entries, and waits in virtual time.

use crate::faults::Fault;
use crate::kernel::Kernel;
use crate::kernel::request::{HARD_LINK, LINK, Posted, Request};
use crate::queue::submission::SubmissionQueue;
use crate::trace::Note;

/// How long a turn of the program takes: so time goes on also while something is always to be
/// done.
const TURN: u64 = 1_000;

const HOUR: u64 = 3_600_000_000_000;

/// What a call has come to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entered {
    /// How many entries were taken, or the error that it failed with.
    pub(crate) taken: Result<u32, i32>,
    /// Whether it would have waited for ever: nothing is due, and nothing is posted.
    pub(crate) is_idle: bool,
    /// Whether it came back for no reason.
    pub(crate) is_spurious: bool,
}

impl Kernel {
    /// Takes entries, and waits until something is posted, at the longest until the time `until`;
    /// with `None` it does not wait.
    pub(crate) fn enter(&mut self, queue: &mut SubmissionQueue, until: Option<u64>) -> Entered {
        let mut entered = Entered { taken: Ok(0), is_idle: false, is_spurious: false };
        self.now += TURN;
        self.notice_closed();
        if let Some(errno) = self.enter_error() {
            entered.taken = Err(errno);
            return entered;
        }
        entered.taken = Ok(self.take_entries(queue));
        self.run_due();
        self.post_strays();
        self.completion.flush();
        if let Some(until) = until
            && queue.is_empty()
        {
            self.wait(until, &mut entered);
        }
        entered
    }

    fn enter_error(&mut self) -> Option<i32> {
        if self.crashed {
            None
        } else if self.fails(Fault::EnterInterrupted) {
            Some(libc::EINTR)
        } else if self.fails(Fault::EnterAgain) {
            Some(libc::EAGAIN)
        } else if self.fails(Fault::EnterBusy) {
            Some(libc::EBUSY)
        } else {
            None
        }
    }

    fn take_entries(&mut self, queue: &mut SubmissionQueue) -> u32 {
        let mut limit = u32::MAX;
        if queue.len() > 1 && self.fails(Fault::ShortSubmit) {
            limit = self.random.below(queue.len().into()) as u32;
        }
        let mut taken = 0;
        while taken < limit
            && let Some(mut head) = self.take_entry(queue)
        {
            taken += 1;
            let mut is_linked = is_linked(&head);
            // A chain is taken as a whole.
            while is_linked && let Some(follower) = self.take_entry(queue) {
                taken += 1;
                is_linked = self::is_linked(&follower);
                head.followers.push(follower);
            }
            if self.may_crash && !self.crashed && self.fails(Fault::Crash) {
                self.crash();
            }
            if self.crashed {
                self.refuse(head);
            } else {
                self.start(head);
            }
        }
        taken
    }

    fn take_entry(&mut self, queue: &mut SubmissionQueue) -> Option<Request> {
        let entry = queue.pop()?;
        let mut request = Request::new(entry, self.taken);
        self.taken += 1;
        request.file = self.descriptors.file_of(&request);
        Some(request)
    }

    /// Ends a request of a machine that is off, and those that hang on it.
    pub(super) fn refuse(&mut self, mut request: Request) {
        let followers = std::mem::take(&mut request.followers);
        for mut request in std::iter::once(request).chain(followers) {
            request.file = None;
            self.end(request, -libc::EIO);
        }
    }

    fn wait(&mut self, until: u64, entered: &mut Entered) {
        if self.completion.is_empty() && self.fails(Fault::SpuriousWake) {
            entered.is_spurious = true;
            return;
        }
        while self.completion.is_empty() && !self.crashed {
            // Time does not go on while something that was closed just now is to be told.
            if self.notice_closed() {
                self.run_due();
                self.completion.flush();
                continue;
            }
            match self.next_time() {
                Some(time) if time <= until => self.now = self.now.max(time),
                None if until == u64::MAX => {
                    entered.is_idle = true;
                    return;
                }
                _ => {
                    self.now = self.now.max(until);
                    return;
                }
            }
            if self.fails(Fault::ClockJump) {
                self.now += self.random.between(1, HOUR);
            }
            self.run_due();
            self.completion.flush();
        }
    }

    /// CQEs that belong to nothing in flight.
    fn post_strays(&mut self) {
        if self.fails(Fault::CqeUnknown) {
            let (user_data, result) = (self.random.any() as u32, self.random.any() as i32);
            self.post(Posted::unknown(user_data, result));
        }
        if !self.dead.is_empty() && self.fails(Fault::CqeStale) {
            let dead = self.dead[self.random.below(self.dead.len() as u64) as usize];
            let result = self.random.below(100) as i32;
            self.post(dead.echo(result, false));
        }
    }

    /// Closes the files of which the last descriptor is gone. Says whether there were such.
    pub(crate) fn notice_closed(&mut self) -> bool {
        let closed = self.descriptors.take_closed();
        for &file in &closed {
            self.trace.note(self.now, Note::Closed { file: file.to_word() });
            self.close(file);
        }
        !closed.is_empty()
    }
}

fn is_linked(request: &Request) -> bool {
    request.entry().flags() & (LINK | HARD_LINK) != 0
}
