//! [`FilesUpdate`]: open files for the slots of a ring.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::RawFd;

use crate::direct::{DirectFd, DirectTable};
use crate::event::Event;
use crate::event::into_slot::ANY_SLOT;
use crate::fd::SharedFd;
use crate::opcode;
use crate::outcome::Outcome;
use crate::sqe::{Sqe, Sqes};

/// The most files that one entry names.
const FILES_MAX: usize = 1024;

/// Puts files that are open into slots of a ring, for the kernel to choose.
///
/// Yields a direct descriptor for each, in their order: fewer where the slots have run out on the
/// way. The files stay open under their descriptors as well, for as long as somebody has those.
/// Dropping the output closes the slots.
///
/// # Errors
///
/// `ENFILE` where no slot is free; `InvalidInput` on another ring than that of the table.
///
/// # Cancellation
///
/// Stops it only before it has begun. What is in a slot by then is closed there where nobody takes
/// it.
///
/// # Kernel
///
/// Linux 5.19. The operation is of 5.6, but slots are chosen since then. The list of the files,
/// which the kernel writes the slots to, and the files are the event's until completion.
///
/// # References
///
/// [`io_uring_prep_files_update(3)`](https://man7.org/linux/man-pages/man3/io_uring_prep_files_update.3.html)
#[doc(alias = "IORING_OP_FILES_UPDATE")]
#[derive(Debug)]
pub struct FilesUpdate {
    files: Vec<SharedFd>,
    /// The descriptors; and then the slots, as far as the kernel has come.
    numbers: Vec<RawFd>,
    table: DirectTable,
}

impl FilesUpdate {
    /// Puts `files` into slots of `table`.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for no files, for more than 1024, and where one is a direct descriptor.
    pub fn new<F: Into<SharedFd>>(
        files: impl IntoIterator<Item = F>,
        table: &DirectTable,
    ) -> io::Result<FilesUpdate> {
        let files: Vec<SharedFd> = files.into_iter().map(Into::into).collect();
        if !(1..=FILES_MAX).contains(&files.len()) {
            let message = "at least 1 file and at most 1024 get into slots at a time";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        let numbers = files.iter().map(SharedFd::number).collect::<io::Result<_>>()?;
        Ok(FilesUpdate { files, numbers, table: table.clone() })
    }
}

impl Event for FilesUpdate {
    type Output = io::Result<Vec<DirectFd>>;

    unsafe fn prepare(&mut self, sqes: &mut Sqes) {
        for (number, file) in self.numbers.iter_mut().zip(&self.files) {
            // An earlier turn may have written slots there.
            *number = file.number().unwrap_or(-1);
        }
        // SAFETY: S1 by E1: the list is the event's; E2.
        let entry = unsafe { Sqe::new(opcode::FILES_UPDATE) }.offset(ANY_SLOT.into());
        let count = self.numbers.len() as u32;
        sqes.belongs_to(self.table.ring());
        sqes.push(entry.address(self.numbers.as_mut_ptr()).length(count));
    }

    fn complete(self, outcome: Outcome<'_, Self>) -> io::Result<Vec<DirectFd>> {
        let count = outcome.result()? as usize;
        // E3: the kernel has filled so many slots, and nobody else knows of them.
        let slots = self.numbers.iter().take(count).map(|slot| slot.cast_unsigned());
        Ok(slots.map(|slot| self.table.opened(slot)).collect())
    }
}
