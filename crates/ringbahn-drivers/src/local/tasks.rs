//! [`LocalTasks`]: the tasks of a thread, which its driver polls.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::task::{Context, Poll};

use super::LocalDriver;
use super::core::Core;
use super::parker::Parker;
use super::ready::{Seat, Seats};
use super::task::{Join, Run, Task};

/// How often in a turn those are polled that have been woken by others meanwhile, so that what they
/// prepare goes out together. A task that wakes itself would keep the ring waiting otherwise.
const ROUNDS_MAX: u32 = 4;

/// The tasks of a thread, which its driver polls: an executor.
///
/// They run while [`LocalDriver::block_on`] runs, and stand still otherwise. What completes in a
/// turn wakes them in memory of the thread's own, and what they prepare goes to the kernel with the
/// turn's one system call.
///
/// # Examples
///
/// ```
/// use ringbahn_core::{Drive, event::Nop};
/// use ringbahn_drivers::{LocalDriver, LocalTasks};
///
/// # fn main() -> std::io::Result<()> {
/// # let Ok(driver) = LocalDriver::new() else { return Ok(()) };
/// let tasks = LocalTasks::new(&driver);
/// let nops: Vec<_> = (0..8).map(|_| tasks.spawn(driver.clone().submit(Nop))).collect();
/// driver.block_on(async {
///     for nop in nops {
///         nop.await?;
///     }
///     Ok(())
/// })
/// # }
/// ```
///
/// # Dropping it
///
/// Every task is dropped where it stands, detached ones and those whose [`LocalTask`] is still held
/// included, and with it its handles on the driver. One that is being polled is dropped when that
/// poll is over.
pub struct LocalTasks {
    set: Rc<Set>,
}

/// What tasks start other tasks with.
///
/// It does not keep the [`LocalTasks`] alive: a task that held these would keep itself alive.
#[derive(Clone)]
pub struct LocalSpawner {
    set: Weak<Set>,
}

/// A task of [`LocalTasks`]: the future of its output.
///
/// # Cancel safety
///
/// Dropping it drops the task's future where it stands. [`detach`](LocalTask::detach) does not.
#[must_use = "a task is cancelled when this is dropped"]
pub struct LocalTask<T> {
    /// `None` where it has been detached.
    task: Option<Rc<dyn Join<T>>>,
}

/// The tasks that go together.
struct Set {
    driver: LocalDriver,
    number: u32,
}

/// The places of a driver for tasks.
#[derive(Default)]
pub(super) struct Places {
    /// The tasks, by the numbers of their seats, as far as there has been one.
    tenants: RefCell<Vec<Option<Rc<dyn Run>>>>,
    seats: RefCell<Seats>,
    free: RefCell<Vec<u32>>,
    sets: Cell<u32>,
}

impl LocalTasks {
    /// No tasks so far, for `driver` to poll. There may be several of these for one driver.
    pub fn new(driver: &LocalDriver) -> LocalTasks {
        let sets = &driver.core.tasks.sets;
        sets.set(sets.get() + 1);
        LocalTasks { set: Rc::new(Set { driver: driver.clone(), number: sets.get() }) }
    }

    /// The driver that polls the tasks.
    pub fn driver(&self) -> &LocalDriver {
        &self.set.driver
    }

    /// What tasks start other tasks with.
    pub fn spawner(&self) -> LocalSpawner {
        LocalSpawner { set: Rc::downgrade(&self.set) }
    }

    /// Starts a task.
    ///
    /// A panic of the future ends the task, and goes on where the task is awaited.
    ///
    /// # Cancel safety
    ///
    /// It is as cancel safe as `future`, which is dropped with the [`LocalTask`], or with these
    /// `LocalTasks`; awaiting the task after that panics.
    pub fn spawn<T: 'static>(&self, future: impl Future<Output = T> + 'static) -> LocalTask<T> {
        self.set.spawn(future)
    }
}

impl LocalSpawner {
    /// Starts a task, as [`LocalTasks::spawn`] does. Where those are gone the future is dropped at
    /// once, as theirs have been.
    ///
    /// # Cancel safety
    ///
    /// As for `LocalTasks::spawn`.
    pub fn spawn<T: 'static>(&self, future: impl Future<Output = T> + 'static) -> LocalTask<T> {
        match self.set.upgrade() {
            Some(set) => set.spawn(future),
            None => LocalTask { task: Some(Rc::new(Dropped)) },
        }
    }
}

impl Set {
    fn spawn<T: 'static>(&self, future: impl Future<Output = T> + 'static) -> LocalTask<T> {
        let core = &self.driver.core;
        let seat = core.tasks.reserve(&core.parker);
        let task = Rc::new(Task::new(seat, self.number, future));
        core.tasks.tenants.borrow_mut()[seat.index()] = Some(task.clone());
        seat.wake();
        LocalTask { task: Some(task) }
    }
}

impl Drop for Set {
    fn drop(&mut self) {
        let places = &self.driver.core.tasks;
        let count = places.tenants.borrow().len();
        for index in 0..count {
            if places.is_of(index, self.number) {
                places.vacate(index);
            }
        }
    }
}

impl<T> LocalTask<T> {
    /// Lets the task run on with nobody waiting for it. Its output is dropped.
    pub fn detach(mut self) {
        self.task = None;
    }

    /// Drops the task's future where it stands, and yields the output where the task has ended.
    ///
    /// # Panics
    ///
    /// Where the future has panicked.
    #[expect(clippy::unused_async, reason = "as other executors have it, where it may wait")]
    pub async fn cancel(mut self) -> Option<T> {
        let task = self.task.take()?;
        task.cancel();
        task.take_output()
    }

    /// Whether the task has ended, or has been dropped.
    pub fn is_finished(&self) -> bool {
        self.task.as_ref().is_none_or(|task| task.is_over())
    }
}

impl<T> Future for LocalTask<T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let task = self.task.as_ref().expect("a detached task is not awaited");
        task.poll_output(cx)
    }
}

impl<T> Drop for LocalTask<T> {
    fn drop(&mut self) {
        if let Some(task) = self.task.take()
            && !task.is_over()
        {
            task.cancel();
        }
    }
}

/// The task of a spawner whose `LocalTasks` have gone.
struct Dropped;

impl Run for Dropped {
    fn set(&self) -> u32 {
        0
    }

    fn run(&self) -> bool {
        true
    }

    fn cancel(&self) {}
}

impl<T> Join<T> for Dropped {
    fn poll_output(&self, _cx: &mut Context<'_>) -> Poll<T> {
        panic!("the task was dropped: the tasks that its spawner belongs to have gone")
    }

    fn take_output(&self) -> Option<T> {
        None
    }

    fn is_over(&self) -> bool {
        true
    }
}

impl Places {
    /// No tasks, and the seats that earlier drivers have left to `parker`'s alarm.
    pub(super) fn new(parker: &Parker) -> Places {
        let seats = RefCell::new(parker.alarm.take_seats());
        Places { seats, ..Places::default() }
    }

    /// A seat without a tenant.
    fn reserve(&self, parker: &Parker) -> &'static Seat {
        let mut seats = self.seats.borrow_mut();
        if let Some(index) = self.free.borrow_mut().pop() {
            return seats.of(index as usize);
        }
        let mut tenants = self.tenants.borrow_mut();
        let index = tenants.len();
        if index == seats.count() {
            seats.add_row(parker.alarm);
        }
        tenants.push(None);
        seats.of(index)
    }

    fn is_of(&self, index: usize, set: u32) -> bool {
        let tenants = self.tenants.borrow();
        tenants[index].as_ref().is_some_and(|task| task.set() == set)
    }

    #[inline]
    fn task(&self, seat: &Seat) -> Option<Rc<dyn Run>> {
        self.tenants.borrow().get(seat.index())?.clone()
    }

    fn vacated(&self, seat: &Seat) {
        self.free.borrow_mut().push(seat.number());
    }

    /// The tenant leaves its place, and its future is dropped. Runs code of the future, or of its
    /// output.
    fn vacate(&self, index: usize) {
        let tenant = self.tenants.borrow_mut()[index].take();
        if let Some(task) = tenant {
            self.vacated(self.seats.borrow().of(index));
            task.cancel();
        }
    }

    /// The driver goes: the seats are for a later one. Says what is to be dropped.
    pub(super) fn close(&self, parker: &Parker) -> impl Sized + use<> {
        parker.alarm.keep_seats(self.seats.take());
        self.tenants.take()
    }
}

impl Core {
    /// Polls the tasks that have been woken.
    #[inline]
    pub(super) fn run_tasks(&self) {
        let ready = &self.parker.alarm.ready;
        for _ in 0..ROUNDS_MAX {
            let count = ready.length();
            if count == 0 {
                return;
            }
            for _ in 0..count {
                // One inside of a task may have taken what was counted here.
                let Some(seat) = ready.pop() else { return };
                if let Some(task) = self.tasks.task(seat)
                    && task.run()
                {
                    self.tasks.forget(seat, &task);
                }
            }
        }
    }
}

impl Places {
    /// The task is over. Its output is for whoever awaits it.
    fn forget(&self, seat: &Seat, task: &Rc<dyn Run>) {
        let mut tenants = self.tenants.borrow_mut();
        let Some(place) = tenants.get_mut(seat.index()) else { return };
        // It may have gone with its set meanwhile, and another one have come.
        if place.as_ref().is_some_and(|tenant| Rc::ptr_eq(tenant, task)) {
            let tenant = place.take();
            drop(tenants);
            self.vacated(seat);
            drop(tenant);
        }
    }
}

impl fmt::Debug for LocalTasks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalTasks").finish_non_exhaustive()
    }
}

impl fmt::Debug for LocalSpawner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalSpawner").finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for LocalTask<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalTask").field("is_finished", &self.is_finished()).finish()
    }
}

impl fmt::Debug for Places {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (tenants, free) = (self.tenants.borrow(), self.free.borrow());
        f.debug_struct("Places")
            .field("tasks", &(tenants.len() - free.len()))
            .finish_non_exhaustive()
    }
}
