//! [`NvmeCommand`]: a command for an NVMe drive, past the file system and the block layer.
#![allow(unsafe_code)]

use std::fmt;
use std::io;
use std::num::NonZeroU32;
use std::time::Duration;

use super::uring_command::command;
use crate::buf::{BufResult, IoBuf, IoBufMut, entry_length};
use crate::event::Event;
use crate::fd::SharedFd;
use crate::outcome::Outcome;
use crate::sqe::Sqes;

/// `NVME_URING_CMD_IO`: `_IOWR('N', 0x80, struct nvme_uring_cmd)`.
const COMMAND_IO: u32 = 0xc048_4e80;

/// What a drive is asked for: the opcodes of the NVM command set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Request {
    Flush = 0,
    Write = 1,
    Read = 2,
}

/// A command for an NVMe drive, which goes past the file system and the block layer.
///
/// Its file is the character device of a namespace, such as `/dev/ng0n1`. Blocks are the drive's
/// own, usually of 512 or 4096 bytes, and are counted from the beginning of the namespace.
///
/// It is an entry of 128 bytes. A ring that has no such entries, as those of ringbahn's drivers are
/// so far, refuses it with [`Forbidden`](crate::Forbidden), and nothing of it gets there.
///
/// Yields the status that the drive gives, which is 0 where the command has succeeded, and the
/// buffer.
///
/// # Errors
///
/// `Unsupported`, with [`Forbidden`](crate::Forbidden) in it, on a ring of other entries;
/// `InvalidInput` where the file is no such device; `PermissionDenied`.
///
/// # Cancellation
///
/// A command that the drive has runs to its end.
///
/// # Kernel
///
/// Linux 5.19. On an older one there is nothing in its place. The buffer and the device are the
/// event's until completion.
///
/// # References
///
/// [`io_uring_enter(2)`](https://man7.org/linux/man-pages/man2/io_uring_enter.2.html)
#[doc(alias = "IORING_OP_URING_CMD")]
#[doc(alias = "NVME_URING_CMD_IO")]
pub struct NvmeCommand<B> {
    device: SharedFd,
    request: Request,
    namespace: NonZeroU32,
    first: u64,
    count: u16,
    timeout: Duration,
    place: fn(&mut B) -> Place,
    buffer: B,
}

/// Where the data is, and how much.
#[derive(Clone, Copy, Debug)]
struct Place {
    address: *const u8,
    length: u32,
}

impl<B: IoBufMut> NvmeCommand<B> {
    /// Reads `blocks` (at least 1) from `first` on, of the namespace whose number is `namespace`.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for no blocks, or for more than 65 536.
    ///
    /// # Safety
    ///
    /// The buffer is as large as so many blocks of that namespace: the drive moves these, and not
    /// what there is room for.
    pub unsafe fn read(
        device: impl Into<SharedFd>,
        namespace: NonZeroU32,
        first: u64,
        blocks: u32,
        buffer: B,
    ) -> io::Result<NvmeCommand<B>> {
        let place: fn(&mut B) -> Place = |buffer| Place {
            address: buffer.target_ptr(),
            length: entry_length(buffer.target_len()),
        };
        let range = (first, last(blocks)?);
        Ok(NvmeCommand::start(device.into(), Request::Read, namespace, range, place, buffer))
    }
}

impl<B: IoBuf> NvmeCommand<B> {
    /// Writes `blocks` (at least 1) from `first` on, of the namespace whose number is `namespace`.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for no blocks, or for more than 65 536.
    ///
    /// # Safety
    ///
    /// The buffer is as large as so many blocks of that namespace: the drive moves these, and not
    /// what there is room for.
    pub unsafe fn write(
        device: impl Into<SharedFd>,
        namespace: NonZeroU32,
        first: u64,
        blocks: u32,
        buffer: B,
    ) -> io::Result<NvmeCommand<B>> {
        let place: fn(&mut B) -> Place = |buffer| Place {
            address: buffer.bytes_ptr(),
            length: entry_length(buffer.bytes_len()),
        };
        let range = (first, last(blocks)?);
        Ok(NvmeCommand::start(device.into(), Request::Write, namespace, range, place, buffer))
    }
}

impl NvmeCommand<()> {
    /// Brings what was written to the namespace whose number is `namespace` to where it lasts.
    pub fn flush(device: impl Into<SharedFd>, namespace: NonZeroU32) -> NvmeCommand<()> {
        let nowhere: fn(&mut ()) -> Place = |()| Place { address: std::ptr::null(), length: 0 };
        NvmeCommand::start(device.into(), Request::Flush, namespace, (0, 0), nowhere, ())
    }
}

impl<B> NvmeCommand<B> {
    fn start(
        device: SharedFd,
        request: Request,
        namespace: NonZeroU32,
        (first, count): (u64, u16),
        place: fn(&mut B) -> Place,
        buffer: B,
    ) -> NvmeCommand<B> {
        let timeout = Duration::ZERO;
        NvmeCommand { device, request, namespace, first, count, timeout, place, buffer }
    }

    /// After what time the kernel gives the command up; at first, when it does so by itself.
    #[must_use]
    pub fn give_up_after(mut self, timeout: Duration) -> NvmeCommand<B> {
        self.timeout = timeout;
        self
    }

    /// `struct nvme_uring_cmd`, 72 bytes, and what is left of the entry.
    fn bytes(&self, place: Place) -> [u8; 80] {
        let mut bytes = [0; 80];
        let mut put = |at: usize, word: &[u8]| bytes[at..at + word.len()].copy_from_slice(word);
        put(0, &[self.request as u8]);
        put(4, &self.namespace.get().to_ne_bytes());
        put(24, &(place.address.expose_provenance() as u64).to_ne_bytes());
        put(36, &place.length.to_ne_bytes());
        // The words of the command itself: from which block on, and how many less one.
        put(40, &(self.first as u32).to_ne_bytes());
        put(44, &((self.first >> 32) as u32).to_ne_bytes());
        put(48, &u32::from(self.count).to_ne_bytes());
        let milliseconds = u32::try_from(self.timeout.as_millis()).unwrap_or(u32::MAX);
        put(64, &milliseconds.to_ne_bytes());
        bytes
    }
}

/// How many blocks, less one, as a drive counts them.
fn last(blocks: u32) -> io::Result<u16> {
    blocks.checked_sub(1).and_then(|last| u16::try_from(last).ok()).ok_or_else(|| {
        let message = "a command for a drive is of at least 1 block and at most 65536";
        io::Error::new(io::ErrorKind::InvalidInput, message)
    })
}

impl<B> fmt::Debug for NvmeCommand<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut f = f.debug_struct("NvmeCommand");
        f.field("request", &self.request).field("namespace", &self.namespace);
        f.field("first", &self.first).finish_non_exhaustive()
    }
}

impl<B: Send + 'static> Event for NvmeCommand<B> {
    type Output = BufResult<u32, B>;

    unsafe fn prepare(&mut self, sqes: &mut Sqes) {
        let place = (self.place)(&mut self.buffer);
        let bytes = self.bytes(place);
        // SAFETY: S1 by E1 and B1: the buffer is the event's and has room for what is moved; E2.
        sqes.push_large(unsafe { command(&self.device, COMMAND_IO) }, bytes);
    }

    fn complete(self, outcome: Outcome<'_, Self>) -> BufResult<u32, B> {
        (outcome.result(), self.buffer)
    }

    /// What of an interrupted command the drive has done, nobody knows.
    fn resubmit(&mut self, _outcome: &Outcome<'_, Self>) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::testing::{complete, prepared, shared_null};
    use crate::opcode;

    const NAMESPACE: NonZeroU32 = NonZeroU32::new(3).unwrap();

    fn word(bytes: &[u8], at: usize) -> u32 {
        u32::from_ne_bytes(bytes[at..at + 4].try_into().unwrap())
    }

    #[test]
    fn a_read_is_laid_out_as_the_kernel_has_it() {
        let first = 0x1_0000_0007;
        let data = vec![0; 4096];
        // SAFETY: it goes nowhere.
        let read = unsafe { NvmeCommand::read(shared_null(), NAMESPACE, first, 8, data) };
        let mut read = read.unwrap().give_up_after(Duration::from_secs(2));
        let place = (read.place)(&mut read.buffer);
        let bytes = read.bytes(place);
        assert_eq!((bytes[0], word(&bytes, 4), word(&bytes, 36)), (2, 3, 4096));
        assert_eq!([40, 44, 48, 64].map(|at| word(&bytes, at)), [7, 1, 7, 2000]);
        let sqes = prepared(&mut read);
        assert_eq!(sqes.large().map(|entry| entry.opcode()), Some(opcode::URING_CMD));
        assert_eq!(sqes.entries()[0].get_offset() as u32, COMMAND_IO);
        let (status, buffer) = complete(read, 0);
        assert_eq!((status.unwrap(), buffer.len()), (0, 4096));
    }

    #[test]
    fn a_flush_has_no_data_and_a_write_has_its_buffer() {
        let mut flush = NvmeCommand::flush(shared_null(), NAMESPACE);
        let place = (flush.place)(&mut flush.buffer);
        assert_eq!((flush.bytes(place)[0], place.length), (0, 0));
        // SAFETY: it goes nowhere.
        let write = unsafe { NvmeCommand::write(shared_null(), NAMESPACE, 0, 1, "block") };
        let mut write = write.unwrap();
        let place = (write.place)(&mut write.buffer);
        assert_eq!((write.bytes(place)[0], place.length), (1, 5));
    }

    #[test]
    fn no_blocks_and_too_many_are_refused() {
        for blocks in [0, 65_537] {
            // SAFETY: it goes nowhere.
            let read = unsafe { NvmeCommand::read(shared_null(), NAMESPACE, 0, blocks, [0; 8]) };
            assert_eq!(read.unwrap_err().kind(), io::ErrorKind::InvalidInput);
        }
    }
}
