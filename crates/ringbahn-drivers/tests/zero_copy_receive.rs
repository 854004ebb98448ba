//! Receives without a copy: rings with wide completions, which they take, and what is said where
//! there is no card for them. That data arrives is tried on no machine without such a card.
//!
//! What is made of what a card would say is tested next to `RecvZc`, over ordinary memory.
#![allow(unsafe_code, reason = "an entry and a queue that no event and no driver would make")]

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::ptr::NonNull;
use std::time::Duration;

use futures::StreamExt as _;
use ringbahn_core::event::{
    Accept, AcceptMulti, EventExt as _, Nop, Recv, RecvMulti, RecvZc, SendAll, SendZc, Timeout,
};
use ringbahn_core::{
    Drive, Event, ForeignRing, Outcome, ReceiveMemory, ReceiveQueue, RefillMemory, RingId, Sqe,
    Sqes, opcode,
};
use ringbahn_drivers::survey::{NoZeroCopyReceive, Obstacle};
use ringbahn_drivers::{Backend, CompletionWidth, LocalDriver};

#[path = "support/local.rs"]
mod local;
#[path = "support/scene.rs"]
mod scene;
#[path = "support/skip.rs"]
mod skip;

use scene::{in_child, shared};

/// A driver whose ring has wide completions, or `None` and a line in the log.
fn wide(test: &str, entries: u32, completions: u32) -> Option<LocalDriver> {
    let builder = LocalDriver::builder().entries(entries).completion_entries(completions);
    match builder.serve_at_once(false).completion_width(CompletionWidth::Wide).build() {
        Ok(driver) if driver.backend() == Backend::IoUring => Some(driver),
        Ok(_) => {
            skip::skip(test, "no io_uring, and the fallback has no wide completions");
            None
        }
        Err(error) => {
            skip::skip(test, &format!("no io_uring: {error}"));
            None
        }
    }
}

/// Does nothing, and yields what the second half of its CQE says.
struct Says([u64; 2]);

impl Event for Says {
    type Output = std::io::Result<u64>;

    unsafe fn prepare(&mut self, sqes: &mut Sqes<'_>) {
        /// `IORING_NOP_CQE32`
        const WIDE: u32 = 1 << 5;
        let [first, second] = self.0;
        // SAFETY: a NOP names no memory and no descriptor.
        let entry = unsafe { Sqe::new(opcode::NOP) }.op_flags(WIDE);
        sqes.push(entry.offset(first).address_number(second));
    }

    fn complete(self, outcome: Outcome<'_, Self>) -> std::io::Result<u64> {
        let extra = outcome.cqes().first().map_or(0, |cqe| cqe.extra());
        outcome.result().map(|_| extra)
    }
}

#[test]
fn the_second_half_of_a_wide_completion_comes_to_its_event() {
    let test = "the_second_half_of_a_wide_completion_comes_to_its_event";
    let Some(driver) = wide(test, 2, 2) else { return };
    let submit = |extra| driver.block_on(driver.clone().submit(Says([extra, !extra])));
    match submit(1) {
        Err(error) if error.raw_os_error() == Some(libc::EINVAL) => {
            return skip::skip(test, "the kernel is older than 6.18");
        }
        said => assert_eq!(said.unwrap(), 1),
    }
    // More than there are places, so that they wrap.
    for extra in [0, 4096, (1 << 26) - 1, 1 << 26, (1 << 48) - 1, 7 << 48] {
        assert_eq!(submit(extra).unwrap(), extra);
    }
    // Of two in one chain each gets its own.
    let both = Says([5, 0]).link(Says([6, 0]));
    let (one, other) = driver.block_on(driver.clone().submit(both));
    assert_eq!((one.unwrap(), other.unwrap()), (5, 6));
    local::end(&driver);
}

#[test]
fn a_ring_with_wide_completions_does_what_others_do() {
    let test = "a_ring_with_wide_completions_does_what_others_do";
    let Some(driver) = wide(test, 4, 4) else { return };
    let driver = &driver;
    let submit = || driver.clone();
    driver.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let listener = shared(listener);
        let far = TcpStream::connect(address).unwrap();
        let accepted = submit().submit(Accept::new(listener.clone())).await.unwrap();
        drop((accepted, far));
        let mut incoming = submit().stream(AcceptMulti::new(listener));
        let mut far = TcpStream::connect(address).unwrap();
        let near = shared(incoming.next().await.unwrap().unwrap());
        drop(incoming);
        far.write_all(b"one").unwrap();
        let (count, bytes) = submit().submit(Recv::new(near.clone(), [0; 3])).await;
        assert_eq!((count.unwrap(), &bytes), (3, b"one"));
        // Two CQEs, of which the second one says nothing of a result.
        let (sent, _) = submit().submit(SendZc::new(near.clone(), b"two".to_vec())).await;
        assert_eq!(sent.unwrap(), 3);
        submit().submit(SendAll::new(near.clone(), "three")).await.0.unwrap();
        let mut text = [0; 8];
        far.read_exact(&mut text).unwrap();
        assert_eq!(&text, b"twothree");
        // More CQEs than there are places.
        let group = driver.buffer_group(4, 16).unwrap();
        let mut pieces = submit().stream(RecvMulti::new(near, &group));
        for number in 0..20_u8 {
            far.write_all(&[number; 5]).unwrap();
            assert_eq!(*pieces.next().await.unwrap().unwrap(), [number; 5]);
        }
        drop(far);
        assert!(pieces.next().await.is_none());
        let late = submit().submit(Timeout::new(Duration::from_secs(60)));
        let cancelled = late.cancel().await;
        drop(cancelled);
        for _ in 0..50 {
            submit().submit(Nop).await.unwrap();
        }
    });
    local::end(driver);
}

/// A queue that no kernel knows of, as the ring `ring` would have it.
fn made_up(ring: RingId) -> ReceiveQueue {
    let mut memory = vec![0_u64; 16];
    let start = NonNull::new(memory.as_mut_ptr()).unwrap();
    let words = start.cast::<std::sync::atomic::AtomicU32>();
    let refill = RefillMemory { head: words, tail: words, entries: start.cast(), count: 1 };
    let described = ReceiveMemory { area: start.cast(), length: 8, token: 0, refill };
    // SAFETY: no card has the memory, which goes along; without a queue nothing is received.
    unsafe { ReceiveQueue::new(described, ring, 0, Box::new(memory)) }
}

#[test]
fn without_a_queue_the_kernel_refuses_the_operation_and_other_rings_do_before() {
    let test = "without_a_queue_the_kernel_refuses_the_operation_and_other_rings_do_before";
    let Some(driver) = wide(test, 2, 4) else { return };
    let Some(other) = local::driver(test, 2, 4) else { return };
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let _far = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let near = shared(listener.accept().unwrap().0);
    // What is registered with a ring tells which it is.
    let ring = driver.direct_table(1).unwrap().ring();
    let queue = made_up(ring);
    assert_eq!((queue.ring(), queue.area_length()), (ring, 8));
    let mut pieces = driver.clone().stream(RecvZc::new(near.clone(), &queue));
    driver.block_on(async {
        let error = pieces.next().await.unwrap().unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::Unsupported, "{error}");
        assert!(pieces.next().await.is_none());
    });
    let mut foreign = other.clone().stream(RecvZc::new(near, &queue));
    other.block_on(async {
        let error = foreign.next().await.unwrap().unwrap_err();
        assert!(error.get_ref().is_some_and(|inner| inner.is::<ForeignRing>()), "{error}");
    });
    assert_eq!((other.counters().submitted, queue.returns()), (0, 0));
    local::end(&driver);
    local::end(&other);
}

/// What there is in the way of a queue of `interface` for `driver`; `None` and a line in the log
/// where that is the kernel or this process.
fn obstacle(test: &str, driver: &LocalDriver, interface: &str) -> Option<NoZeroCopyReceive> {
    let refused = driver.receive_queue(interface, 0, 1 << 20).expect_err("no card can do it here");
    let lack = match refused.obstacle() {
        Obstacle::KernelTooOld => "the kernel is older than 6.15",
        Obstacle::NotPermitted => "not root",
        _ => return Some(refused),
    };
    skip::skip(test, lack);
    None
}

#[test]
fn a_ring_gets_no_queue_where_there_is_no_card_and_is_none_the_worse() {
    let test = "a_ring_gets_no_queue_where_there_is_no_card_and_is_none_the_worse";
    in_child(test, || {
        let Some(driver) = wide(test, 2, 4) else { return };
        let before = scene::descriptors();
        let Some(loopback) = obstacle(test, &driver, "lo") else { return };
        assert_eq!(loopback.obstacle(), Obstacle::Card, "{loopback}");
        assert!(loopback.hint().contains("lo has no card"), "{loopback}");
        let missing = obstacle(test, &driver, "no such interface").unwrap();
        assert_eq!(missing.obstacle(), Obstacle::NoInterface);
        assert_eq!(std::io::Error::from(missing).kind(), std::io::ErrorKind::NotFound);
        let endless = driver.receive_queue("lo", 0, usize::MAX).unwrap_err();
        assert!(
            matches!(endless.obstacle(), Obstacle::LockedMemory | Obstacle::Other),
            "{endless}"
        );
        assert_eq!(scene::descriptors(), before);
        // The allocator may map something as well, but not each time.
        let before = mappings();
        for _ in 0..50 {
            obstacle(test, &driver, "lo").unwrap();
        }
        assert!(mappings() < before + 50, "what was mapped is still there");
        driver.block_on(driver.clone().submit(Nop)).unwrap();
        local::end(&driver);
    });
}

/// How many mappings the process has.
fn mappings() -> usize {
    std::fs::read_to_string("/proc/self/maps").unwrap().lines().count()
}

#[test]
fn a_ring_that_was_not_made_for_it_gets_no_queue() {
    let test = "a_ring_that_was_not_made_for_it_gets_no_queue";
    let Some(narrow) = local::driver(test, 1, 2) else { return };
    let refused = narrow.receive_queue("lo", 0, 4096).unwrap_err();
    if narrow.backend() == Backend::Fallback {
        assert_eq!(refused.obstacle(), Obstacle::NoRing);
        assert!(refused.hint().contains("io_uring"), "{refused}");
    } else {
        assert_eq!(refused.obstacle(), Obstacle::Ring);
        assert!(refused.hint().contains("completion_width"), "{refused}");
    }
    let error = std::io::Error::from(refused);
    assert!(error.get_ref().unwrap().is::<NoZeroCopyReceive>());
    local::end(&narrow);
}
