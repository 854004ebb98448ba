//! Fuzz targets: what must hold whatever bytes there are.
//!
//! A target is a plain function over bytes that panics where something does not hold. Each has a
//! corpus, `corpus/<name of the target>/`, of inputs that reach something worth reaching; the test
//! program `replay` runs all of them, and some random bytes besides. New ones are found by
//! `cargo xtask fuzz <target>`.
//!
//! | target | what the bytes are | what must hold |
//! |---|---|---|
//! | `operations` | a script of operations, drops and cancels, and the faults of a simulated kernel | every event and byte is given back once, and nothing is left over |
//! | `decoders` | what a kernel might have written | every decoder answers, and within the bytes |
//! | `parts` | CQEs of buffers that are used up bit by bit | each byte of a buffer is in one hand |
//! | `completions` | CQEs, true ones, stale ones and invented ones | each operation ends once, by its own last CQE |
//! | `indices` | what both sides of a ring do, from any counter on | entries and CQEs come out in the order in which they went in |
//! | `settings` | numbers and options for a driver without io_uring | there is a driver that works, or an error |
//! | `canary` | anything but one word | nothing: it shows that a target that fails is seen to |

mod input;
mod targets;

use std::fs;
use std::io;
use std::panic::catch_unwind;
use std::path::PathBuf;

pub use targets::{CANARY, TARGETS};

/// A fuzz target.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// The name, which is also that of the folder of its corpus.
    pub name: &'static str,
    /// Panics where what must hold does not hold of these bytes.
    pub run: fn(&[u8]),
}

impl Target {
    /// The target of this name; the canary is one, too.
    pub fn named(name: &str) -> Option<Target> {
        TARGETS.iter().chain([&CANARY]).find(|target| target.name == name).copied()
    }

    /// Runs it with `bytes`.
    ///
    /// # Errors
    ///
    /// What it has panicked with.
    pub fn replay(&self, bytes: &[u8]) -> Result<(), String> {
        catch_unwind(|| (self.run)(bytes)).map_err(|panic| {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or(panic.downcast_ref::<&str>().copied());
            text.unwrap_or("a panic without a message").to_string()
        })
    }

    /// Its corpus, sorted by the names of the files: paths and contents.
    ///
    /// # Errors
    ///
    /// Those of reading the folder and its files.
    pub fn corpus(&self) -> io::Result<Vec<(PathBuf, Vec<u8>)>> {
        let files = fs::read_dir(corpora().join(self.name))?.map(|entry| {
            let path = entry?.path();
            let bytes = fs::read(&path)?;
            Ok((path, bytes))
        });
        let mut files: Vec<_> = files.collect::<io::Result<_>>()?;
        files.sort();
        Ok(files)
    }
}

/// The folder of the corpora.
pub fn corpora() -> PathBuf {
    // Cargo says where it runs us, which may be another working tree than that of the build.
    let own = std::env::var_os("CARGO_MANIFEST_DIR");
    PathBuf::from(own.unwrap_or(env!("CARGO_MANIFEST_DIR").into())).join("corpus")
}
