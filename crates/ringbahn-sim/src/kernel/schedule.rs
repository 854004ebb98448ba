//! When which request runs, and in which order their CQEs are posted.
//!
//! ```text
//!             ┌────────── Deferred ◄─────┐
//!             ▼                          │ (Defer, Latency)
//!   run ──► execute ──► Wait ──► Waiting │
//!             │           ▲        │     │
//!             │           └────────┘ the file has changed
//!             ├──► Done ──► Ended ──► posted        (Reorder: a moment later)
//!             └──► Sent ──► Notifying ──► posted    (zero-copy sends)
//! ```

use ringbahn_core::opcode;

use crate::faults::Fault;
use crate::kernel::agenda::Due;
use crate::kernel::open::opens_file;
use crate::kernel::request::{Dead, HARD_LINK, Posted, Request, Stage};
use crate::kernel::{DEAD_MAX, Kernel};
use crate::slab::Key;
use crate::trace::Note;

const MICROSECOND: u64 = 1_000;
const SECOND: u64 = 1_000_000_000;

/// The kernel's private numbers, which mean that a call was stopped before it had run.
const RESTART_ERRNOS: [i32; 4] = [512, 513, 514, 516];

/// What an attempt to execute a request has come to.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    /// It has run, with this result.
    Done(i32),
    /// It has to wait until something changes about this file.
    Wait(Key),
    /// It ends at this time.
    Until(u64),
}

impl Step {
    pub(crate) fn failed(errno: i32) -> Step {
        Step::Done(-errno)
    }

    /// Done, or failed with an `errno`.
    pub(crate) fn of(done: Result<(), i32>) -> Step {
        done.map_or_else(Step::failed, |()| Step::Done(0))
    }
}

impl Kernel {
    /// Starts a request: the first of a chain, or the next one when its turn has come.
    pub(super) fn start(&mut self, mut request: Request) {
        let Request { number, .. } = request;
        self.trace.note(self.now, Note::Taken { number, opcode: request.opcode() });
        if let Some(file) = request.file
            && let Some(file) = self.files.get_mut(file)
        {
            file.running += 1;
        }
        let may_stop = !matches!(request.opcode(), opcode::ASYNC_CANCEL | opcode::TIMEOUT);
        if may_stop && self.fails(Fault::StoppedUnasked) {
            let errno = self.stop_errno(&request);
            self.end(request, -errno);
            return;
        }
        // A close that is interrupted has begun.
        if may_stop && request.opcode() != opcode::CLOSE && self.fails(Fault::Interrupted) {
            self.end(request, -libc::EINTR);
            return;
        }
        // Cancels are executed as they are submitted, or nearly so.
        let may_last = request.opcode() != opcode::ASYNC_CANCEL;
        let delay = if may_last && self.fails(Fault::Latency) {
            self.random.between(1, SECOND)
        } else if self.fails(Fault::Defer) {
            self.random.between(1, 100 * MICROSECOND)
        } else {
            return self.run(request);
        };
        request.stage = Stage::Deferred;
        request.scribble(self.rubbish());
        let key = self.requests.insert(request);
        self.agenda.add(self.now + delay, Due::Request(key));
    }

    /// What a request is stopped with before it has run. A close knows one such answer only.
    pub(super) fn stop_errno(&mut self, request: &Request) -> i32 {
        if request.opcode() == opcode::CLOSE || self.random.coin() {
            return libc::ECANCELED;
        }
        self.random.pick(&RESTART_ERRNOS)
    }

    fn rubbish(&self) -> u8 {
        self.taken as u8 | 0x80
    }

    /// Executes a request, as far as that can be done now.
    fn run(&mut self, mut request: Request) {
        request.restore();
        match self.execute(&mut request) {
            Step::Done(result) if request.opcode() == opcode::SEND_ZC => {
                self.conclude_zero_copy(request, result);
            }
            Step::Done(result) => self.conclude(request, result),
            // Nobody would cancel it once more.
            Step::Wait(_) | Step::Until(_) if request.told_to_stop => {
                let result = stopped_result(&request);
                self.conclude(request, result);
            }
            Step::Wait(file) => {
                request.stage = Stage::Waiting;
                request.scribble(self.rubbish());
                self.trace.note(self.now, Note::Waits { number: request.number });
                let key = self.requests.insert(request);
                match self.files.get_mut(file) {
                    Some(file) => file.add_waiting(key, &self.requests),
                    None => self.ready.push_back(key),
                }
            }
            Step::Until(time) => {
                request.stage = Stage::Waiting;
                let key = self.requests.insert(request);
                self.agenda.add(time, Due::Request(key));
            }
        }
    }

    /// A request has run, and its CQE is posted: now, or a moment later.
    pub(super) fn conclude(&mut self, mut request: Request, result: i32) {
        if !self.fails(Fault::Reorder) {
            self.end(request, result);
            return;
        }
        request.stage = Stage::Ended(result);
        let delay = self.random.below(20 * MICROSECOND);
        let key = self.requests.insert(request);
        self.agenda.add(self.now + delay, Due::Request(key));
    }

    /// A zero-copy send has sent, or failed: it has two CQEs, as a rule.
    fn conclude_zero_copy(&mut self, mut request: Request, result: i32) {
        if result < 0 && self.fails(Fault::NotificationOmitted) {
            return self.conclude(request, result);
        }
        if result < 0 && self.fails(Fault::NotificationUnannounced) {
            return self.end_unannounced(request, result);
        }
        self.post(request.progress(result));
        request.stage = Stage::Notifying(result);
        let delay = match self.fails(Fault::NotificationDelayed) {
            true => self.random.between(1, SECOND),
            false => self.random.below(2 * MICROSECOND),
        };
        let key = self.requests.insert(request);
        self.agenda.add(self.now + delay, Due::Request(key));
    }

    /// Ends a zero-copy send with a CQE that announces nothing, and notifies all the same.
    pub(super) fn end_unannounced(&mut self, request: Request, result: i32) {
        let dead = self.end(request, result);
        self.agenda.add(self.now + 5 * MICROSECOND, Due::Echo(dead));
    }

    /// Posts the last CQE of a request, and starts what hangs on it.
    pub(super) fn end(&mut self, mut request: Request, result: i32) -> Dead {
        let (number, opcode) = (request.number, request.opcode());
        let opens = opens_file(opcode);
        // The numbers of descriptors are the process's, and differ from run to run.
        let shown = if opens { result.min(0) } else { result };
        self.trace.note(self.now, Note::Ended { number, result: shown });
        let followers = std::mem::take(&mut request.followers);
        let succeeded = self.has_succeeded(&request, result);
        if let Some(key) = request.file {
            self.let_go(key);
        }
        let (posted, dead) = request.end(result);
        self.post(posted);
        if self.dead.len() == DEAD_MAX {
            self.dead.pop_front();
        }
        self.dead.push_back(dead);
        // A cancel that has missed is made again for each answer that says so: two answers to each
        // would breed cancels as long as there is something to be cancelled.
        let misses = opcode == opcode::ASYNC_CANCEL && result == -libc::ENOENT;
        if !misses && self.fails(Fault::CqeDuplicated) {
            self.post(dead.echo(result, false));
        }
        if !followers.is_empty() {
            self.go_on(followers, succeeded);
        }
        dead
    }

    /// Whether what hangs on `request` may start.
    fn has_succeeded(&self, request: &Request, result: i32) -> bool {
        if request.entry().flags() & HARD_LINK != 0 {
            return true;
        }
        let must_be_whole = match request.opcode() {
            opcode::READ | opcode::READV | opcode::WRITE | opcode::WRITEV => true,
            opcode::SEND | opcode::SENDMSG | opcode::SEND_ZC => {
                request.entry().get_op_flags().cast_signed() & libc::MSG_WAITALL != 0
            }
            _ => false,
        };
        // What a zero-copy send has come to was told by its first CQE.
        let result = if let Stage::Notifying(sent) = request.stage { sent } else { result };
        result >= 0 && (!must_be_whole || result as usize == request.length())
    }

    fn go_on(&mut self, mut followers: Vec<Request>, succeeded: bool) {
        if succeeded {
            let mut next = followers.remove(0);
            next.followers = followers;
            return self.start(next);
        }
        for follower in followers {
            self.trace
                .note(self.now, Note::Taken { number: follower.number, opcode: follower.opcode() });
            let file = follower.file.and_then(|file| self.files.get_mut(file));
            if let Some(file) = file {
                file.running += 1;
            }
            if follower.opcode() == opcode::SEND_ZC {
                self.end_unannounced(follower, -libc::ECANCELED);
                continue;
            }
            self.end(follower, -libc::ECANCELED);
        }
    }

    pub(super) fn post(&mut self, posted: Posted) {
        let full = self.fails(Fault::Overflow);
        self.completion.post(posted, full);
    }

    /// Does what is due, and looks at requests whose file has changed, until there is nothing left
    /// to do now.
    pub(super) fn run_due(&mut self) {
        loop {
            if let Some(key) = self.ready.pop_front() {
                self.go_on_with(key);
            } else if let Some(due) = self.agenda.pop(self.now) {
                match due {
                    Due::Request(key) => self.go_on_with(key),
                    Due::Echo(dead) => self.post(dead.echo(0, true)),
                }
            } else {
                return;
            }
        }
    }

    fn go_on_with(&mut self, key: Key) {
        let Some(request) = self.requests.remove(key) else { return };
        let result = match request.stage {
            Stage::Deferred | Stage::Waiting => return self.run(request),
            Stage::Ended(result) => result,
            Stage::Notifying(_) => 0,
        };
        self.end(request, result);
    }

    /// Something has changed about `file`: those who wait for it look again.
    pub(super) fn wake(&mut self, file: Key) {
        if let Some(file) = self.files.get_mut(file) {
            self.ready.extend(file.take_waiting());
        }
    }

    /// When the next thing is due.
    pub(super) fn next_time(&mut self) -> Option<u64> {
        let requests = &self.requests;
        self.agenda.next_time(|due| match due {
            Due::Request(key) => requests.get(key).is_some(),
            Due::Echo(_) => true,
        })
    }

    /// Ends all requests there are with `EIO`: the machine is off.
    pub(super) fn end_all(&mut self) {
        for key in self.requests.keys() {
            if let Some(mut request) = self.requests.remove(key) {
                let followers = std::mem::take(&mut request.followers);
                let result = match request.stage {
                    Stage::Ended(result) => result,
                    Stage::Notifying(_) => 0,
                    Stage::Deferred | Stage::Waiting => -libc::EIO,
                };
                self.end(request, result);
                for follower in followers {
                    self.refuse(follower);
                }
            }
        }
    }
}

/// What a request ends with that is stopped while it waits: what it has sent in part has been sent.
pub(super) fn stopped_result(request: &Request) -> i32 {
    match i32::try_from(request.done) {
        Ok(done) if done > 0 => done,
        _ => -libc::ECANCELED,
    }
}
