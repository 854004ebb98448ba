//! Limits of the time of an operation, which the kernel keeps.

use std::io::Write as _;
use std::time::{Duration, Instant};

use ringbahn_core::event::{EventExt, LinkTimeout, Nop, Position, Read, TimeLimit};
use ringbahn_core::{Cancelled, Clock, Deadline, Drive, SharedFd};

use crate::on_both;
use crate::scene::{pipe, run, start};

const HOUR: Duration = Duration::from_secs(3600);
const SHORT: Duration = Duration::from_millis(5);

fn read(file: &SharedFd) -> Read<Vec<u8>> {
    Read::new(file.clone(), vec![0; 8], Position::Current)
}

#[test]
fn what_takes_too_long_is_stopped_and_gives_its_buffer_back() {
    let test = "what_takes_too_long_is_stopped_and_gives_its_buffer_back";
    on_both(test, (5, 15), |driver| {
        let (reader, mut writer) = pipe();
        let begin = Instant::now();
        let limited = LinkTimeout::new(read(&reader), SHORT);
        let ((count, buffer), limit) = run(driver.clone().submit(limited));
        assert_eq!((limit.unwrap(), buffer.len()), (TimeLimit::Exceeded, 8));
        assert_eq!(count.unwrap_err().raw_os_error(), Some(libc::ECANCELED));
        assert!(begin.elapsed() >= SHORT);
        for clock in [Clock::Monotonic, Clock::Boottime, Clock::Realtime] {
            let limited = LinkTimeout::at(read(&reader), Deadline::after(clock, SHORT));
            let (_, limit) = run(driver.clone().submit(limited));
            assert_eq!(limit.unwrap(), TimeLimit::Exceeded, "{clock:?}");
        }
        // Nothing was taken by those that were stopped.
        writer.write_all(b"late").unwrap();
        let limited = LinkTimeout::new(read(&reader), HOUR);
        let ((count, buffer), limit) = run(driver.clone().submit(limited));
        assert_eq!((limit.unwrap(), count.unwrap()), (TimeLimit::Kept, 4));
        assert_eq!(&buffer[..4], b"late");
    });
}

#[test]
fn in_a_chain_each_part_has_its_own_time() {
    on_both("in_a_chain_each_part_has_its_own_time", (5, 15), |driver| {
        let (reader, _writer) = pipe();
        let kept = LinkTimeout::new(Nop, HOUR);
        let chain = kept.link(LinkTimeout::new(read(&reader), SHORT));
        let ((nop, first), ((count, _), second)) = run(driver.clone().submit(chain));
        nop.unwrap();
        assert_eq!((first.unwrap(), second.unwrap()), (TimeLimit::Kept, TimeLimit::Exceeded));
        assert!(count.is_err());
        let chain = LinkTimeout::new(read(&reader), SHORT).link(Nop);
        let ((_, limit), nop) = run(driver.clone().submit(chain));
        assert_eq!(limit.unwrap(), TimeLimit::Exceeded);
        assert_eq!(nop.unwrap_err().raw_os_error(), Some(libc::ECANCELED));
    });
}

#[test]
fn a_limit_ends_with_the_operation_that_is_cancelled() {
    on_both("a_limit_ends_with_the_operation_that_is_cancelled", (5, 15), |driver| {
        let (reader, _writer) = pipe();
        let mut operation = driver.clone().submit(LinkTimeout::new(read(&reader), HOUR));
        start(&mut operation);
        let Cancelled::Cancelled(((count, _), limit)) = run(operation.cancel()) else {
            panic!("there was nothing to read");
        };
        assert_eq!(count.unwrap_err().raw_os_error(), Some(libc::ECANCELED));
        assert_eq!(limit.unwrap(), TimeLimit::Kept);
        let mut dropped = driver.clone().submit(LinkTimeout::new(read(&reader), HOUR));
        start(&mut dropped);
    });
}
