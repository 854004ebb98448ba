//! Files and directories by their path, as [`std::fs`] has them.
//!
//! Names, errors and what they mean are std's; [a table in the
//! repository](https://github.com/ringbahn/ringbahn/blob/main/docs/std-surface.md) compares the
//! two, name by name. The functions run on the default driver; a [`Dir`] does the same on any, and
//! from any directory.
//!
//! What io_uring has no operation for, reading directories and symbolic links, setting permissions
//! and having the kernel copy a file, is done on threads of a pool.

mod copy;
mod dir;
mod dir_builder;
mod file_copy;
mod functions;
mod open_options;
mod pool;
mod read_ahead;
mod read_dir;
mod remove;
mod whole;

pub use dir::Dir;
pub use dir_builder::DirBuilder;
pub use file_copy::{CopyError, FileCopy};
pub use functions::{
    canonicalize, copy, create_dir, create_dir_all, exists, hard_link, metadata, read_dir,
    read_link, remove_dir, remove_dir_all, remove_file, rename, set_permissions, symlink,
    symlink_metadata,
};
pub use open_options::OpenOptions;
pub(crate) use pool::in_pool;
pub use read_ahead::ReadAhead;
pub use read_dir::{DirEntry, ReadDir};
#[doc(no_inline)]
pub use ringbahn_core::event::{Allocation, FileAdvice, FileType, Metadata, Resolve};
#[doc(no_inline)]
pub use std::fs::{FileTimes, Permissions};
pub use whole::{read, read_on_driver, read_to_string, write, write_on_driver};
