//! [`LocalExecutor`]: the driver of one thread and the tasks of one thread, in one value.

use std::future::Future;
use std::io;

use ringbahn_drivers::{LocalDriver, LocalTask, LocalTasks};

/// A [`LocalDriver`] and an executor for the tasks that use it: what a thread needs that does all
/// of its IO itself.
///
/// For a thread per core each thread makes its own. Nothing leaves the thread, so tasks need not be
/// `Send`, and nothing is locked on the way from a completion to the task that waits for it.
///
/// Tasks run while [`block_on`](LocalExecutor::block_on) runs, and stand still otherwise. The
/// driver polls them itself, see [`LocalTasks`].
///
/// # Examples
///
/// ```
/// use std::{io, net::{TcpListener, TcpStream}};
/// use ringbahn::{BufResultExt, LocalExecutor, Ring};
///
/// # fn main() -> io::Result<()> {
/// # if ringbahn::LocalDriver::new().is_err() { return Ok(()) }
/// let executor = LocalExecutor::new()?;
/// let driver = executor.driver().clone();
/// let listener = Ring::<TcpListener, _>::bind_on_driver(([127, 0, 0, 1], 0), driver.clone())?;
/// let address = listener.get_ref().local_addr()?;
///
/// let spawner = executor.spawner();
/// let server = executor.spawn(async move {
///     while let Ok((mut connection, _peer)) = listener.accept().await {
///         let echo = async move {
///             let (mut reader, mut writer) = connection.split();
///             ringbahn::io::copy(&mut reader, &mut writer).await
///         };
///         spawner.spawn(echo).detach();
///     }
/// });
///
/// executor.block_on(async {
///     let client = Ring::<TcpStream, _>::connect_on_driver(address, driver).await?;
///     client.send_all("hello").await.both()?;
///     let (_count, answer) = client.recv(vec![0; 5]).await.both()?;
///     assert_eq!(answer, b"hello");
///     server.cancel().await;
///     Ok(())
/// })
/// # }
/// ```
///
/// # Dropping it
///
/// Every task is dropped where it stands, detached ones and those whose [`LocalTask`] is still held
/// included, and with it its handles, of which writes in flight run to their end. Then, with its
/// last clone, the driver winds up, as described for [`LocalDriver`]: the thread waits until the
/// kernel is done with all that was in flight. A clone of the driver that is held elsewhere puts
/// that off.
#[derive(Debug)]
pub struct LocalExecutor {
    tasks: LocalTasks,
}

impl LocalExecutor {
    /// An executor with a driver of its own, of the usual size, for the calling thread.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](crate::Unavailable) as an `io::Error`, where there can be no ring.
    pub fn new() -> io::Result<LocalExecutor> {
        LocalDriver::new().map(LocalExecutor::with_driver)
    }

    /// An executor with the given driver, for one that is not of the usual size.
    pub fn with_driver(driver: LocalDriver) -> LocalExecutor {
        LocalExecutor { tasks: LocalTasks::new(&driver) }
    }

    /// The driver, for the handles that the tasks use.
    pub fn driver(&self) -> &LocalDriver {
        self.tasks.driver()
    }

    /// What tasks start other tasks with.
    pub fn spawner(&self) -> LocalSpawner {
        LocalSpawner { spawner: self.tasks.spawner() }
    }

    /// Starts a task, which runs when [`block_on`](LocalExecutor::block_on) does.
    ///
    /// Dropping the [`LocalTask`] cancels it: its future is dropped, and is not polled again.
    /// [`detach`](LocalTask::detach) lets it run on, [`cancel`](LocalTask::cancel) yields what it
    /// has come to.
    ///
    /// # Cancel safety
    ///
    /// It is as cancel safe as `future`, which is dropped with the `LocalTask`, or with the
    /// executor; awaiting the `LocalTask` after that panics.
    pub fn spawn<T: 'static>(&self, future: impl Future<Output = T> + 'static) -> LocalTask<T> {
        self.tasks.spawn(future)
    }

    /// Runs `future` to its end, and beside it the tasks and every operation of the driver.
    ///
    /// While nothing is to be done the thread sleeps in the kernel. Tasks that have not ended stay,
    /// and go on with the next call.
    ///
    /// # Panics
    ///
    /// Where `future` panics, as it does where it awaits a task that has panicked. What is left is
    /// as good as before.
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.driver().block_on(future)
    }
}

/// What tasks of a [`LocalExecutor`] start other tasks with.
///
/// It does not keep the executor alive: a task that held it would otherwise keep itself alive.
///
/// With the feature `hyper` it is an executor for hyper as well. HTTP/2 starts its tasks with it:
///
/// ```
/// # #[cfg(feature = "hyper")]
/// # fn main() -> std::io::Result<()> {
/// # if ringbahn::LocalDriver::new().is_err() { return Ok(()) }
/// let executor = ringbahn::LocalExecutor::new()?;
/// let server = hyper::server::conn::http2::Builder::new(executor.spawner());
/// # Ok(())
/// # }
/// # #[cfg(not(feature = "hyper"))]
/// # fn main() {}
/// ```
#[derive(Clone, Debug)]
pub struct LocalSpawner {
    spawner: ringbahn_drivers::LocalSpawner,
}

impl LocalSpawner {
    /// Starts a task, as [`LocalExecutor::spawn`] does. Where the executor is gone, the future is
    /// dropped at once, as the tasks were that it had.
    ///
    /// # Cancel safety
    ///
    /// It is as cancel safe as `future`, which is dropped with the [`LocalTask`], or with the
    /// executor; awaiting the `LocalTask` after that panics.
    pub fn spawn<T: 'static>(&self, future: impl Future<Output = T> + 'static) -> LocalTask<T> {
        self.spawner.spawn(future)
    }
}

/// Starts detached tasks, whose results nobody sees.
#[cfg(feature = "hyper")]
impl<F: Future<Output: 'static> + 'static> ::hyper::rt::Executor<F> for LocalSpawner {
    fn execute(&self, future: F) {
        self.spawn(future).detach();
    }
}
