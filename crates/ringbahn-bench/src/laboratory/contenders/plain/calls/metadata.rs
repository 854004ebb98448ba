//! Small files, one after the other: calls that do not wait for a disk gain nothing by threads.

use std::ffi::CString;
use std::fs::{self, File};

use rustix::fs::{AtFlags, Mode, OFlags, StatxFlags, openat, renameat, statx, unlinkat};

use crate::laboratory::case::Metadata;
use crate::laboratory::contender::Failure;
use crate::laboratory::meter::Meter;

pub(super) fn metadata(case: &Metadata, meter: &mut Meter) -> Result<(), Failure> {
    let path = meter.ground().directory().join("files");
    fs::create_dir(&path)?;
    let directory = File::open(&path)?;
    let name = CString::new("file")?;
    let other = CString::new("file-renamed")?;
    let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::CLOEXEC;
    let mode = Mode::from_raw_mode(0o644);
    let mut stopwatch = meter.stopwatch();
    while meter.goes_on() {
        let all = case.lap() * u64::from(case.depth);
        for _ in 0..all {
            let start = stopwatch.start();
            drop(openat(&directory, &name, flags, mode)?);
            statx(&directory, &name, AtFlags::empty(), StatxFlags::BASIC_STATS)?;
            renameat(&directory, &name, &directory, &other)?;
            unlinkat(&directory, &other, AtFlags::empty())?;
            stopwatch.stop(start);
        }
        meter.did(all);
        meter.took(&mut stopwatch);
    }
    drop(directory);
    Ok(fs::remove_dir(path)?)
}
