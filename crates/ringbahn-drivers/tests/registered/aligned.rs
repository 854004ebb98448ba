//! Files opened with `O_DIRECT`: what they ask for, and what becomes of what is not so.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt;

use ringbahn_core::event::{Position, Read, Statx, Write};
use ringbahn_core::{DirectIo, Drive, IoBuf, IoBufMut, SharedFd};
use ringbahn_drivers::SharedDriver;

use crate::driver;
use crate::scene::{end, run, shared};

/// A file of four blocks past the page cache, each filled with its number, and what it asks for.
fn direct_file(test: &str, driver: &SharedDriver) -> Option<(SharedFd, DirectIo)> {
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let path = directory.path().join("blocks");
    let mut file = File::create(&path).unwrap();
    (0..4).for_each(|block| file.write_all(&[block; 4096]).unwrap());
    file.sync_all().unwrap();
    let options = OpenOptions::new().read(true).write(true).custom_flags(libc::O_DIRECT).clone();
    let Ok(file) = options.open(&path) else {
        crate::skip::skip(test, "no O_DIRECT on this file system");
        return None;
    };
    let file = shared(file);
    let metadata = run(driver.submit(Statx::of(file.clone()))).unwrap();
    let Some(blocks) = metadata.direct_io() else {
        crate::skip::skip(test, "the file system does not say what O_DIRECT asks for");
        return None;
    };
    Some((file, blocks))
}

#[test]
fn what_suits_the_file_is_written_and_read() {
    let test = "what_suits_the_file_is_written_and_read";
    let Some(driver) = driver(test, 1, 2) else { return };
    let Some((file, blocks)) = direct_file(test, &driver) else { return };
    let around = blocks.enclosing(5000..5100);
    let mut buffer = blocks.buffer((around.end - around.start) as usize);
    blocks.check_read(around.start, &mut buffer).unwrap();
    let read = Read::new(file.clone(), buffer, Position::At(around.start));
    let (count, mut buffer) = run((&driver).submit(read));
    assert_eq!(count.unwrap() as u64, around.end - around.start);
    assert_eq!(buffer[(5000 - around.start) as usize..][..100], [1; 100]);
    buffer.fill(9);
    blocks.check_write(around.start, &buffer).unwrap();
    let write = Write::new(file, buffer, Position::At(around.start));
    assert_eq!(run((&driver).submit(write)).0.unwrap() as u64, around.end - around.start);
    end(&driver);
}

#[test]
fn what_does_not_suit_the_file_is_named_where_the_kernel_only_refuses_it() {
    let test = "what_does_not_suit_the_file_is_named_where_the_kernel_only_refuses_it";
    let Some(driver) = driver(test, 1, 2) else { return };
    let Some((file, blocks)) = direct_file(test, &driver) else { return };
    let block = blocks.offset_alignment();
    let half = block as usize / 2;
    // The offset, the length, the address.
    let mut buffer = blocks.buffer(4096);
    blocks.check_read(u64::from(block) / 2, &mut buffer).unwrap_err();
    let read = Read::new(file.clone(), buffer, Position::At(u64::from(block) / 2));
    let (result, buffer) = run((&driver).submit(read));
    assert_eq!(result.unwrap_err().kind(), ErrorKind::InvalidInput);
    let mut short = buffer.slice(..half);
    blocks.check_read(0, &mut short).unwrap_err();
    let (result, short) = run((&driver).submit(Read::new(file.clone(), short, Position::At(0))));
    assert_eq!(result.unwrap_err().kind(), ErrorKind::InvalidInput);
    // Nothing was written, neither into the buffer nor behind it.
    assert_eq!((short.bytes_len(), short.target_len()), (0, half));
    let mut odd = short.into_inner().slice(1..);
    assert!(blocks.check_read(0, &mut odd).is_err());
    // And a registered buffer begins at a page.
    let buffers = driver.register_buffers(1, 4096).unwrap();
    let mut buffer = buffers.take().unwrap();
    blocks.check_read(0, &mut buffer).unwrap();
    let (count, buffer) = run((&driver).submit(Read::new(file, buffer, Position::At(8192))));
    assert_eq!((count.unwrap(), &buffer[..]), (4096, &[2; 4096][..]));
    end(&driver);
}
