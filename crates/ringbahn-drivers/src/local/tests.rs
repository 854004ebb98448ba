//! The driver on rings that older kernels would have made.

use std::future::poll_fn;
use std::io::{self, Write as _};
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::task::Waker;
use std::thread;

use ringbahn_core::event::{Position, Read, Timeout};
use ringbahn_core::{SharedFd, Submission};

use super::*;
use crate::setup::SetupCall;
use crate::sys::setup::setup;
use crate::sys::uapi::{
    Params, SETUP_COOP_TASKRUN, SETUP_DEFER_TASKRUN, SETUP_NO_SQARRAY, SETUP_SINGLE_ISSUER,
    SETUP_SUBMIT_ALL, SETUP_TASKRUN_FLAG,
};
use crate::{Queues, Setup};

const SINCE_6_6: u32 = SETUP_NO_SQARRAY;
const SINCE_6_1: u32 = SINCE_6_6 | SETUP_DEFER_TASKRUN;
const SINCE_6_0: u32 = SINCE_6_1 | SETUP_SINGLE_ISSUER;
const SINCE_5_19: u32 = SINCE_6_0 | SETUP_COOP_TASKRUN | SETUP_TASKRUN_FLAG;
const SINCE_5_18: u32 = SINCE_5_19 | SETUP_SUBMIT_ALL;

/// A kernel that refuses `FLAGS`.
fn without<const FLAGS: u32>(entries: u32, params: &mut Params) -> io::Result<OwnedFd> {
    if params.flags & FLAGS != 0 {
        return Err(io::Error::from_raw_os_error(libc::EINVAL));
    }
    setup(entries, params)
}

const KERNELS: [SetupCall; 6] = [
    setup,
    without::<SINCE_6_6>,
    without::<SINCE_6_1>,
    without::<SINCE_6_0>,
    without::<SINCE_5_19>,
    without::<SINCE_5_18>,
];

fn driver(call: SetupCall) -> Result<LocalDriver, crate::Unavailable> {
    let queues = Setup::new(1).completion_entries(2).with_call(call).build_local()?;
    Ok(LocalDriver { core: Rc::new(Core::new(queues, false, None).unwrap()) })
}

async fn yields(times: u32) {
    let mut left = times;
    poll_fn(|cx| {
        cx.waker().wake_by_ref();
        left = left.saturating_sub(1);
        if left == 0 { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

type Reads<'a> = Vec<Pin<Box<Submission<Read<[u8; 1]>, &'a LocalDriver>>>>;

fn poll_all(cx: &mut Context<'_>, reads: &mut Reads<'_>) -> Poll<()> {
    reads.retain_mut(|read| read.as_mut().poll(cx).is_pending());
    if reads.is_empty() { Poll::Ready(()) } else { Poll::Pending }
}

/// Sleeps, wakes, looks without sleeping, drops, cancels, overflows, and the end.
fn goes_through_its_paces(driver: &LocalDriver) {
    let timer = || Timeout::new(Duration::from_millis(1));
    for round in 0..20_u8 {
        driver.block_on(driver.submit(timer())).unwrap();
        let (reader, mut writer) = io::pipe().unwrap();
        let reader = SharedFd::new(std::sync::Arc::new(reader));
        let read = || Box::pin(driver.submit(Read::new(reader.clone(), [0; 1], Position::Current)));
        let mut reads: Reads<'_> = (0..8).map(|_| read()).collect();
        driver.block_on(poll_fn(|cx| Poll::Ready(poll_all(cx, &mut reads).is_pending())));
        // Some are dropped; the others see what another thread writes, asleep or awake.
        drop(reads.split_off(6));
        let other = thread::spawn(move || writer.write_all(&[round; 8]).unwrap());
        if round % 2 == 0 {
            driver.block_on(poll_fn(|cx| poll_all(cx, &mut reads)));
        } else {
            driver.block_on(async {
                while poll_fn(|cx| Poll::Ready(poll_all(cx, &mut reads))).await.is_pending() {
                    yields(2).await;
                }
            });
        }
        other.join().unwrap();
        let (sender, receiver) = futures::channel::oneshot::channel();
        let other = thread::spawn(move || sender.send(round).unwrap());
        assert_eq!(driver.block_on(receiver), Ok(round));
        other.join().unwrap();
        let (reader, _writer) = io::pipe().unwrap();
        let reader = SharedFd::new(std::sync::Arc::new(reader));
        let read = driver.submit(Read::new(reader, [0; 1], Position::Current));
        let (result, _) = driver.block_on(read.timeout(Duration::from_millis(1)));
        assert_eq!(result.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }
    let (reader, _writer) = io::pipe().unwrap();
    let reader = SharedFd::new(std::sync::Arc::new(reader));
    let mut pending = Box::pin(driver.submit(Read::new(reader, [0; 1], Position::Current)));
    assert!(pending.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    let report = driver.shutdown(Duration::from_secs(10));
    assert_eq!(report, Report { completed: 0, cancelled: 1, leaked: 0 });
    let counters = driver.counters();
    assert_eq!(counters.submitted, counters.completed, "{counters:#?}");
    assert_eq!((counters.in_flight, counters.unknown_cqes), (0, 0), "{counters:#?}");
}

#[test]
fn the_driver_works_on_older_and_older_kernels() {
    for call in KERNELS {
        match driver(call) {
            Ok(driver) => goes_through_its_paces(&driver),
            Err(unavailable) => {
                let test = "the_driver_works_on_older_and_older_kernels";
                return crate::testing::skip(test, &unavailable);
            }
        }
    }
}

/// A thread has 16 places for short names; a ring that finds none is called by its descriptor.
#[test]
fn the_driver_works_without_a_short_name() {
    let others: Result<Vec<Queues<Local>>, _> =
        (0..16).map(|_| Setup::new(1).build_local()).collect();
    match others.and_then(|others| Ok((others, driver(setup)?))) {
        Ok((_others, driver)) => goes_through_its_paces(&driver),
        Err(unavailable) => {
            crate::testing::skip("the_driver_works_without_a_short_name", &unavailable);
        }
    }
}

/// Were it in non-blocking mode, the rings of kernels before 5.15 would not wait for it.
#[test]
fn the_bell_reads_a_file_that_waits() {
    let parker = parker::Parker::new().unwrap();
    let flags = rustix::fs::fcntl_getfl(&parker).unwrap();
    assert!(!flags.contains(rustix::fs::OFlags::NONBLOCK));
}
