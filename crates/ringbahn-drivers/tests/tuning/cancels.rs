//! Operations that a call ends, past all that waits in the queue.

use std::io::Write as _;
use std::time::Duration;

use ringbahn_core::event::{Position, Read};
use ringbahn_core::{Drive, Selection};

use crate::scene::{end, pipe, run, start};
use crate::{known, local_here, shared};

const PATIENCE: Duration = Duration::from_secs(10);

#[test]
fn all_is_ended_by_the_time_the_call_returns() {
    let test = "all_is_ended_by_the_time_the_call_returns";
    let Some(driver) = shared(test) else { return };
    let pipes: Vec<_> = (0..6).map(|_| pipe()).collect();
    let read = |file| driver.clone().submit(Read::new(file, vec![7; 3], Position::Current));
    let mut reads: Vec<_> = pipes.iter().map(|(file, _)| read(file.clone())).collect();
    reads.iter_mut().for_each(start);
    let cancelled = driver.registrar().cancel_now(&Selection::all(), PATIENCE);
    let Some(cancelled) = known(test, cancelled) else { return };
    assert_eq!((cancelled.ended, cancelled.left), (6, 0));
    for read in reads {
        let (result, buffer) = run(read);
        assert_eq!(result.unwrap_err().raw_os_error(), Some(libc::ECANCELED));
        assert_eq!(buffer, [7; 3]);
    }
    let report = run(cancelled.report);
    assert_eq!(report.cancelled, 6);
    end(&driver);
}

#[test]
fn only_what_is_on_the_file_is_ended() {
    let test = "only_what_is_on_the_file_is_ended";
    let Some(driver) = local_here(test) else { return };
    let ((one, _writer), (other, mut writer)) = (pipe(), pipe());
    let read = |file| driver.clone().submit(Read::new(file, vec![0; 1], Position::Current));
    let (mut first, mut second) = (read(one.clone()), read(other));
    start(&mut first);
    start(&mut second);
    let cancelled = driver.registrar().cancel_now(&Selection::of_file(&one), PATIENCE);
    let Some(cancelled) = known(test, cancelled) else { return };
    assert_eq!((cancelled.ended, cancelled.left), (1, 0));
    let (result, _) = driver.block_on(first);
    assert_eq!(result.unwrap_err().raw_os_error(), Some(libc::ECANCELED));
    writer.write_all(b"x").unwrap();
    let (result, data) = driver.block_on(second);
    assert_eq!((result.unwrap(), &data[..]), (1, &b"x"[..]));
    crate::local::end(&driver);
}

#[test]
fn where_nothing_runs_nothing_is_ended() {
    let test = "where_nothing_runs_nothing_is_ended";
    let Some(driver) = shared(test) else { return };
    let cancelled = driver.registrar().cancel_now(&Selection::all(), Duration::ZERO);
    let Some(cancelled) = known(test, cancelled) else { return };
    assert_eq!((cancelled.ended, cancelled.left), (0, 0));
    assert_eq!(run(cancelled.report).cancelled, 0);
}
