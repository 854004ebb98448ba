//! The drivers that a scene is run on, and what scenes share.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::time::{Duration, Instant};

use ringbahn_core::{Drive, Event, Metering, Metrics, Submission};
use ringbahn_drivers::{
    Backend, Counters, HostedDriver, LocalDriver, Policy, Report, Setup, ShardedDriver,
    SharedDriver, SqpollDriver,
};
use tokio::runtime::{Builder, Runtime};

use crate::{local, scene, skip};

/// How long anything may take that is to happen at all.
const PATIENCE: Duration = Duration::from_secs(20);

/// A driver, and whatever runs its futures.
pub(crate) trait Home: Sized + 'static {
    type Driver: Drive + Clone + Unpin + 'static;

    /// A small driver, with its ring as `setup` makes it; it serves at once only if told.
    fn make(at_once: bool, setup: impl FnOnce(Setup) -> Setup) -> io::Result<Self>;

    fn driver(&self) -> Self::Driver;

    /// Runs `future` to its end, with the driver at work.
    fn run<F: Future>(&self, future: F) -> F::Output;

    fn metrics(&self) -> Option<Metrics>;

    fn counters(&self) -> Counters;

    fn backend(&self) -> Backend;

    fn shut_down(&self) -> Report;
}

/// A home that keeps what `metering` says, or `None` and a line in the log where there is no
/// io_uring.
pub(crate) fn home<H: Home>(test: &str, metering: Metering) -> Option<H> {
    home_of(test, false, |setup| setup.metering(metering))
}

/// As [`home`], made in any way.
pub(crate) fn home_of<H: Home>(
    test: &str,
    at_once: bool,
    setup: impl FnOnce(Setup) -> Setup,
) -> Option<H> {
    match H::make(at_once, setup) {
        Ok(home) => Some(home),
        Err(error) => {
            skip::skip(test, &format!("no io_uring: {error}"));
            None
        }
    }
}

/// Implements what is the same for all of them.
macro_rules! inhabited {
    ($driver:ty) => {
        type Driver = $driver;

        fn driver(&self) -> $driver {
            self.driver.clone()
        }

        fn metrics(&self) -> Option<Metrics> {
            self.driver.metrics()
        }

        fn counters(&self) -> Counters {
            self.driver.counters()
        }

        fn backend(&self) -> Backend {
            self.driver.backend()
        }
    };
}

/// On the thread that has made it. With `FALLBACK` it has no ring of the kernel.
pub(crate) struct Local<const FALLBACK: bool> {
    driver: LocalDriver,
}

/// Anywhere. With `FALLBACK` it has no ring of the kernel.
pub(crate) struct Shared<const FALLBACK: bool> {
    driver: SharedDriver,
}

/// In a runtime of tokio.
pub(crate) struct Hosted {
    driver: HostedDriver,
    runtime: Runtime,
}

/// Anywhere, with two rings.
pub(crate) struct Sharded {
    driver: ShardedDriver,
}

/// Anywhere, with a thread of the kernel.
pub(crate) struct Sqpoll {
    driver: SqpollDriver,
}

/// What the environment says, unless it has to be the fallback.
fn wanted(fallback: bool, setup: Setup) -> Setup {
    if fallback { setup.policy(Policy::Never) } else { setup }
}

impl<const FALLBACK: bool> Home for Local<FALLBACK> {
    inhabited!(LocalDriver);

    fn make(at_once: bool, setup: impl FnOnce(Setup) -> Setup) -> io::Result<Self> {
        let builder = LocalDriver::builder().entries(4).completion_entries(16);
        let setup = |before| wanted(FALLBACK, setup(before));
        Ok(Local { driver: builder.serve_at_once(at_once).setup(setup).build()? })
    }

    fn run<F: Future>(&self, future: F) -> F::Output {
        self.driver.block_on(future)
    }

    fn shut_down(&self) -> Report {
        self.driver.shutdown(PATIENCE)
    }
}

impl<const FALLBACK: bool> Home for Shared<FALLBACK> {
    inhabited!(SharedDriver);

    fn make(at_once: bool, setup: impl FnOnce(Setup) -> Setup) -> io::Result<Self> {
        let builder = SharedDriver::builder().entries(4).completion_entries(16);
        let setup = |before| wanted(FALLBACK, setup(before));
        Ok(Shared { driver: builder.serve_at_once(at_once).setup(setup).build()? })
    }

    fn run<F: Future>(&self, future: F) -> F::Output {
        scene::run(future)
    }

    fn shut_down(&self) -> Report {
        scene::run(self.driver.shutdown(PATIENCE))
    }
}

impl Home for Hosted {
    inhabited!(HostedDriver);

    fn make(at_once: bool, setup: impl FnOnce(Setup) -> Setup) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_io().build()?;
        let builder = HostedDriver::builder().entries(4).completion_entries(16);
        let builder = builder.serve_at_once(at_once).setup(setup);
        let driver = runtime.block_on(async { builder.build_in_tokio() })?;
        Ok(Hosted { driver, runtime })
    }

    fn run<F: Future>(&self, future: F) -> F::Output {
        self.runtime.block_on(future)
    }

    fn shut_down(&self) -> Report {
        self.runtime.block_on(self.driver.shutdown(PATIENCE))
    }
}

impl Home for Sharded {
    inhabited!(ShardedDriver);

    fn make(at_once: bool, setup: impl FnOnce(Setup) -> Setup) -> io::Result<Self> {
        let builder = ShardedDriver::builder().shards(2).entries(4).completion_entries(16);
        Ok(Sharded { driver: builder.serve_at_once(at_once).setup(setup).build()? })
    }

    fn run<F: Future>(&self, future: F) -> F::Output {
        scene::run(future)
    }

    fn shut_down(&self) -> Report {
        scene::run(self.driver.shutdown(PATIENCE))
    }
}

impl Home for Sqpoll {
    inhabited!(SqpollDriver);

    fn make(at_once: bool, setup: impl FnOnce(Setup) -> Setup) -> io::Result<Self> {
        let builder = SqpollDriver::builder().entries(4).completion_entries(16);
        let builder = builder.idle(Duration::from_millis(2)).serve_at_once(at_once);
        Ok(Sqpoll { driver: builder.setup(setup).build()? })
    }

    fn run<F: Future>(&self, future: F) -> F::Output {
        scene::run(future)
    }

    fn shut_down(&self) -> Report {
        scene::run(self.driver.shutdown(PATIENCE))
    }
}

/// `on_every_driver! { scene, … }`: the module of each scene, with a test of it for each driver.
macro_rules! on_every_driver {
    ($($scene:ident,)*) => {
        $(mod $scene {
            use crate::home::*;

            on_every_driver! { @ $scene
                on_the_local_driver: Local<false>;
                on_the_local_driver_upon_the_fallback: Local<true>;
                on_the_shared_driver: Shared<false>;
                on_the_shared_driver_upon_the_fallback: Shared<true>;
                on_the_hosted_driver: Hosted;
                on_the_sharded_driver: Sharded;
                on_the_sqpoll_driver: Sqpoll;
            }
        })*
    };
    (@ $scene:ident $($test:ident: $home:ty;)*) => {
        $(#[test]
        fn $test() {
            let (_program, test) =
                concat!(module_path!(), "::", stringify!($test)).split_once("::").unwrap();
            crate::local::in_time(move || super::$scene::<$home>(test));
        })*
    };
}

/// An operation that has begun.
pub(crate) type Operation<H, E> = Submission<E, <H as Home>::Driver>;

/// Begins an operation that has to wait.
#[track_caller]
pub(crate) fn pending<H: Home, E: Event + Unpin>(home: &H, event: E) -> Operation<H, E>
where
    Operation<H, E>: Unpin,
{
    let mut operation = home.driver().submit(event);
    home.run(async {
        while !operation.is_in_flight() {
            let polled = local::poll_once(Pin::new(&mut operation)).await;
            assert!(polled.is_pending(), "it has not waited");
            local::yields().await;
        }
        // What goes out at the end of a turn does so now.
        local::yields().await;
    });
    operation
}

/// Has the driver work until `condition` holds.
#[track_caller]
pub(crate) fn until<H: Home>(home: &H, what: &str, mut condition: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    home.run(async {
        while !condition() {
            assert!(Instant::now() < end, "not in time: {what}");
            std::thread::yield_now();
            local::yields().await;
        }
    });
}

#[track_caller]
pub(crate) fn until_idle<H: Home>(home: &H) {
    until(home, "nothing is in flight", || {
        let counters = home.counters();
        counters.in_flight == 0 && counters.submitted == counters.completed
    });
}

/// What there is to tell, when nothing is going on, of a driver that has not been shut down.
#[track_caller]
pub(crate) fn quiet<H: Home>(home: &H) -> Metrics {
    let metrics = balanced(home);
    // At its end a driver may have something of its own to dispose of.
    assert_eq!(metrics.total().disposed, home.counters().disposed, "{metrics:#?}");
    metrics
}

/// What there is to tell. The books balance: entries have ended or are in flight, and what is told
/// opcode by opcode is what the driver tells as a whole.
#[track_caller]
fn balanced<H: Home>(home: &H) -> Metrics {
    let (metrics, counters) = (home.metrics().expect("it keeps them"), home.counters());
    for figures in metrics.opcodes() {
        assert_eq!(figures.submitted, figures.completed() + figures.in_flight, "{figures:#?}");
    }
    let total = metrics.total();
    assert_eq!(total.submitted - total.repeated, counters.submitted, "{metrics:#?}");
    assert_eq!(total.in_flight, counters.in_flight, "{metrics:#?}");
    assert_eq!(total.completed() - total.repeated, counters.completed, "{metrics:#?}");
    assert_eq!(total.repeated, counters.repeated, "{metrics:#?}");
    assert_eq!(total.served_at_once, counters.served_at_once, "{metrics:#?}");
    if home.backend() == Backend::Fallback {
        assert_eq!(total.executed_inside, total.submitted - total.served_at_once, "{metrics:#?}");
    }
    metrics
}

/// A shutdown after which nothing is in flight, and the books balance.
#[track_caller]
pub(crate) fn end<H: Home>(home: &H) -> Metrics {
    assert_eq!(home.shut_down().leaked, 0);
    let metrics = balanced(home);
    assert_eq!(metrics.total().in_flight, 0, "{metrics:#?}");
    metrics
}
