//! Each fault happens, and a program survives it, or is told.

use std::io::ErrorKind;
use std::time::Duration;

use ringbahn_core::event::{
    Domain, Fsync, Nop, Position, Read, Recv, Send, SendTo, Socket, Timeout, Type, Write,
};
use ringbahn_core::{Drive, SharedFd};
use ringbahn_sim::{Fault, Faults, Sim};

use crate::support::{assert_nothing_left, open, shared};
use crate::workload;

/// Those that show as errors, or are tested by themselves.
const TOLD: [Fault; 7] = [
    Fault::DiskError,
    Fault::DiskFull,
    Fault::Reset,
    Fault::DatagramLost,
    Fault::DescriptorsExhausted,
    Fault::ClockJump,
    Fault::Crash,
];

#[test]
fn each_fault_that_a_program_need_not_notice_happens_and_is_survived() {
    for &fault in Fault::ALL.iter().filter(|fault| !TOLD.contains(fault)) {
        // What is to be cancelled late must not have run.
        let faults = Faults::none().with(Fault::Defer, 0.3).with(fault, 0.3);
        let sim = Sim::builder(fault as u64).faults(faults).entries(16).build();
        let rounds = (1..=30).find(|_| {
            sim.block_on(workload::run(&sim));
            sim.injected(fault) > 2
        });
        assert!(rounds.is_some(), "{fault:?} has not happened");
        // What comes late comes, and then there is nothing.
        sim.set_faults(Faults::none());
        sim.block_on(sim.driver().submit(Timeout::new(Duration::from_secs(2)))).unwrap();
        assert_nothing_left(&sim);
        assert_eq!(sim.driver().counters().panics, 0, "{fault:?}");
    }
}

#[test]
fn all_faults_together_are_survived() {
    for seed in 0..5 {
        let unnoticed = Fault::ALL.iter().filter(|fault| !TOLD.contains(fault));
        let faults = unnoticed.fold(Faults::none(), |faults, &fault| faults.with(fault, 0.1));
        let sim = Sim::builder(seed).faults(faults).entries(2).completion_entries(2).build();
        sim.block_on(workload::run(&sim));
        sim.set_faults(Faults::none());
        sim.block_on(sim.driver().submit(Timeout::new(Duration::from_secs(2)))).unwrap();
        assert_nothing_left(&sim);
        let counters = sim.driver().counters();
        assert!(counters.repeated > 0 && counters.overflows > 0 && counters.unknown_cqes > 0);
        assert!(counters.failed_enters > 0 && counters.full_queue_waits > 0, "{counters:?}");
    }
}

/// What comes of `attempt` while `fault` happens half of the time.
fn results<T>(fault: Fault, mut attempt: impl FnMut(&Sim) -> std::io::Result<T>) -> Vec<i32> {
    let sim = Sim::with_faults(3, Faults::none().with(fault, 0.5));
    let results = (0..100).map(|_| match attempt(&sim) {
        Ok(_) => 0,
        Err(error) => error.raw_os_error().unwrap(),
    });
    let results: Vec<_> = results.collect();
    let failed = results.iter().filter(|&&errno| errno != 0).count();
    assert!(failed > 20 && failed < 80, "{fault:?}: {failed}");
    results
}

#[track_caller]
fn assert_only(results: Vec<i32>, errno: i32) {
    assert!(results.iter().all(|&result| result == 0 || result == errno), "{results:?}");
}

#[test]
fn the_disk_fails_and_is_full() {
    let write = |sim: &Sim| {
        sim.set_faults(Faults::none());
        let file = open(sim, "file");
        sim.set_faults(Faults::none().with(Fault::DiskFull, 0.5));
        sim.block_on(sim.driver().submit(Write::new(file, "x", Position::At(0)))).0
    };
    assert_only(results(Fault::DiskFull, write), libc::ENOSPC);
    let sync = |sim: &Sim| {
        sim.set_faults(Faults::none());
        let file = open(sim, "file");
        sim.set_faults(Faults::none().with(Fault::DiskError, 0.5));
        sim.block_on(sim.driver().submit(Fsync::new(file)))
    };
    assert_only(results(Fault::DiskError, sync), libc::EIO);
}

#[test]
fn descriptors_run_out() {
    let socket = |sim: &Sim| {
        let event = Socket::new(Domain::IPV4, Type::STREAM, None);
        sim.block_on(sim.driver().submit(event))
    };
    assert_only(results(Fault::DescriptorsExhausted, socket), libc::EMFILE);
}

#[test]
fn a_connection_is_reset_at_both_ends() {
    let sim = Sim::new(1);
    let (a, b) = shared(sim.stream_pair().unwrap());
    sim.set_faults(Faults::none().with(Fault::Reset, 1.0));
    sim.block_on(async {
        let (result, _) = sim.driver().submit(Send::new(a.clone(), "x")).await;
        assert_eq!(result.unwrap_err().kind(), ErrorKind::ConnectionReset);
        sim.set_faults(Faults::none());
        let (result, _) = sim.driver().submit(Recv::new(b.clone(), [0; 4])).await;
        assert_eq!(result.unwrap_err().kind(), ErrorKind::ConnectionReset);
        let (result, _) = sim.driver().submit(Recv::new(b, [0; 4])).await;
        assert_eq!(result.unwrap(), 0, "it is told once");
        let (result, _) = sim.driver().submit(Send::new(a, "x")).await;
        assert_eq!(result.unwrap_err().kind(), ErrorKind::BrokenPipe);
    });
    assert_nothing_left(&sim);
}

#[test]
fn datagrams_are_lost_on_the_internet_and_nowhere_else() {
    let sim = Sim::with_faults(1, Faults::none().with(Fault::DatagramLost, 1.0));
    let socket = |domain| {
        let event = Socket::new(domain, Type::DGRAM, None);
        let socket = sim.block_on(sim.driver().submit(event)).unwrap();
        let address = match domain == Domain::UNIX {
            true => ringbahn_core::SocketAddress::unix("name").unwrap(),
            false => "127.0.0.1:0".parse::<std::net::SocketAddr>().unwrap().into(),
        };
        sim.bind(&socket, address).unwrap();
        let address = sim.local_address(&socket).unwrap();
        (SharedFd::from(socket), address)
    };
    for (domain, arrives) in [(Domain::IPV4, false), (Domain::UNIX, true)] {
        let (socket, address) = socket(domain);
        sim.block_on(async {
            let send = SendTo::new(socket.clone(), "hello", address);
            assert_eq!(sim.driver().submit(send).await.0.unwrap(), 5);
            let receive = sim.driver().submit(Recv::new(socket, [0; 9]));
            let (result, _) = receive.timeout(Duration::from_secs(1)).await;
            assert_eq!(result.is_ok(), arrives);
        });
    }
}

#[test]
fn the_clock_jumps_and_timers_have_fired() {
    let sim = Sim::with_faults(1, Faults::none().with(Fault::ClockJump, 1.0));
    sim.block_on(sim.driver().submit(Timeout::new(Duration::from_millis(1)))).unwrap();
    assert!(sim.now() > Duration::from_secs(1), "{:?}", sim.now());
    assert_eq!(sim.injected(Fault::ClockJump), 1);
}

#[test]
fn what_happens_always_is_noticed_and_does_not_hang() {
    for fault in [Fault::EnterAgain, Fault::EnterBusy, Fault::EnterInterrupted] {
        let sim = Sim::with_faults(1, Faults::none().with(fault, 1.0));
        let never = || sim.block_on(sim.driver().submit(Nop));
        let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(never)).unwrap_err();
        let message = panic.downcast_ref::<String>().unwrap();
        assert!(message.contains("as the faults demand"), "{message}");
        sim.set_faults(Faults::none());
        sim.block_on(sim.driver().submit(Nop)).unwrap();
    }
}

#[test]
fn cancels_that_miss_and_are_answered_twice_do_not_breed() {
    for faults in [
        Faults::none().with(Fault::CancelMissed, 1.0).with(Fault::CqeDuplicated, 1.0),
        Faults::none().with(Fault::CancelMissed, 0.9).with(Fault::CqeDuplicated, 0.7),
    ] {
        let sim = Sim::new(1);
        let (a, _b) = shared(sim.stream_pair().unwrap());
        sim.set_faults(faults);
        sim.block_on(async {
            let mut receive = Box::pin(sim.driver().submit(Recv::new(a, [0; 4])));
            assert!(futures::poll!(&mut receive).is_pending());
            drop(receive);
            sim.driver().submit(Timeout::new(Duration::from_millis(8))).await.unwrap();
        });
        // Made again each millisecond.
        let missed = sim.injected(Fault::CancelMissed);
        assert!((2..=9).contains(&missed), "{missed} were missed");
        assert!(sim.injected(Fault::CqeDuplicated) > 0);
        sim.set_faults(Faults::none());
        assert_eq!(sim.driver().shutdown(Duration::from_secs(1)).leaked, 0);
    }
}

#[test]
fn a_short_read_yields_what_is_left_later() {
    let sim = Sim::with_faults(8, Faults::none().with(Fault::ShortRead, 1.0));
    let (reader, writer) = shared(sim.pipe().unwrap());
    sim.block_on(async {
        let write = Write::new(writer, b"0123456789".to_vec(), Position::Current);
        sim.driver().submit(write).await.0.unwrap();
        let mut all = Vec::new();
        while all.len() < 10 {
            let read = Read::new(reader.clone(), vec![0; 64], Position::Current);
            all.extend(sim.driver().submit(read).await.1);
        }
        assert_eq!(all, b"0123456789");
    });
    assert!(sim.injected(Fault::ShortRead) > 0);
}
