//! glommio: a runtime of one thread for each processor, with storage in mind.
//!
//! Its rings have no flags to choose from, so there is one contender.

use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use ::glommio::io::{BufferedFile, DmaBuffer, DmaFile, OpenOptions, ReadResult};
use ::glommio::{GlommioError, LocalExecutorBuilder, Placement};

use super::library::{Access, Library, Names, PeerFile, Timed};
use super::{timers, wake, with_files};
use crate::laboratory::contender::{Abilities, Backend, Contender, Failure, Family};

mod accept;
mod echo;
mod idle;
mod listener;
mod nop;

pub(super) const DEFAULT: Contender = Contender {
    name: "glommio",
    about: "glommio 0.9, as its documentation sets it up",
    family: Family::Peer,
    backend: Backend::IoUring,
    abilities: Abilities {
        nop: Some(nop::nop),
        echo: Some(echo::echo),
        accept: Some(accept::accept),
        idle: Some(idle::idle),
        timers: Some(timers::timers::<Glommio>),
        wake: Some(wake::wake::<Glommio>),
        ..with_files::<Glommio>()
    },
};

/// The runtime. Its thread stays where it has been put.
#[derive(Clone, Copy)]
struct Glommio;

/// A file in the page cache, or past it with the memory of the runtime.
enum File {
    Buffered(BufferedFile),
    Direct(DmaFile),
}

/// What data comes in and goes out by. The runtime brings the memory for what is read.
enum Buffer {
    /// How much is to be read, in bytes.
    Empty(usize),
    Read(ReadResult),
    Filled(Vec<u8>),
    Direct(Rc<DmaBuffer>),
}

impl Library for Glommio {
    type File = File;

    fn run<T>(main: impl AsyncFnOnce(Self) -> Result<T, Failure>) -> Result<T, Failure> {
        let executor = LocalExecutorBuilder::new(Placement::Unbound).make().map_err(failure)?;
        executor.run(main(Glommio))
    }

    fn spawn<T: 'static>(
        &self,
        task: impl Future<Output = T> + 'static,
    ) -> impl Future<Output = T> {
        ::glommio::spawn_local(task)
    }

    async fn open(&self, path: &Path, access: Access) -> Result<File, Failure> {
        open(path, access).await.map_err(failure)
    }
}

async fn open(path: &Path, access: Access) -> Result<File, GlommioError<()>> {
    let mut options = OpenOptions::new();
    Ok(match access {
        Access::Read => File::Buffered(options.read(true).buffered_open(path).await?),
        Access::ReadDirect => File::Direct(options.read(true).dma_open(path).await?),
        Access::Write => {
            options.write(true).create(true).truncate(true);
            File::Buffered(options.buffered_open(path).await?)
        }
        Access::Log => {
            options.write(true).create(true);
            File::Direct(options.dma_open(path).await?)
        }
    })
}

/// An error of glommio can hold what must stay on its thread.
fn failure(error: GlommioError<()>) -> Failure {
    io::Error::from(error).into()
}

impl Timed for Glommio {
    fn sleep(duration: Duration) -> impl Future<Output = ()> + 'static {
        ::glommio::timer::sleep(duration)
    }
}

impl Names for Glommio {
    async fn come_and_go(&self, path: PathBuf, new: PathBuf) -> Result<(), Failure> {
        let file = BufferedFile::create(&path).await.map_err(failure)?;
        if file.stat().await.map_err(failure)?.file_size != 0 {
            return Err("a new file is not empty".into());
        }
        file.close().await.map_err(failure)?;
        ::glommio::io::rename(&path, &new).await.map_err(failure)?;
        ::glommio::io::remove(&new).await.map_err(failure)
    }
}

impl PeerFile for File {
    type Buffer = Buffer;

    fn buffer(&self, length: usize) -> Buffer {
        Buffer::Empty(length)
    }

    async fn read(&self, buffer: Buffer, position: u64) -> Result<(usize, Buffer), Failure> {
        let length = buffer.length();
        // What was read before goes back to the runtime first.
        drop(buffer);
        let data = match self {
            File::Buffered(file) => file.read_at(position, length).await,
            File::Direct(file) => file.read_at_aligned(position, length).await,
        };
        let data = data.map_err(failure)?;
        Ok((data.len(), Buffer::Read(data)))
    }

    async fn write(&self, buffer: Buffer, position: u64) -> Result<(usize, Buffer), Failure> {
        match self {
            File::Buffered(file) => {
                let (data, buffer) = match buffer {
                    Buffer::Read(data) => (data.to_vec(), Buffer::Empty(data.len())),
                    Buffer::Filled(data) => (data.clone(), Buffer::Filled(data)),
                    other => {
                        let data = vec![0x5a; other.length()];
                        (data.clone(), Buffer::Filled(data))
                    }
                };
                let written = file.write_at(data, position).await.map_err(failure)?;
                Ok((written, buffer))
            }
            File::Direct(file) => {
                let data = match buffer {
                    Buffer::Direct(data) => data,
                    other => {
                        let mut data = file.alloc_dma_buffer(other.length());
                        data.as_bytes_mut().fill(0x5a);
                        Rc::new(data)
                    }
                };
                let written = file.write_rc_at(Rc::clone(&data), position).await;
                Ok((written.map_err(failure)?, Buffer::Direct(data)))
            }
        }
    }

    async fn sync_data(&self) -> Result<(), Failure> {
        let result = match self {
            File::Buffered(file) => file.fdatasync().await,
            File::Direct(file) => file.fdatasync().await,
        };
        result.map_err(failure)
    }
}

impl Buffer {
    /// In bytes.
    fn length(&self) -> usize {
        match self {
            Buffer::Empty(length) => *length,
            Buffer::Read(data) => data.len(),
            Buffer::Filled(data) => data.len(),
            Buffer::Direct(data) => data.len(),
        }
    }
}
