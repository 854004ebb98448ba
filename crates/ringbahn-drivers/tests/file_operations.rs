//! The operations on files and their names: each on the kernel's ring, upon the fallback, and by
//! the fallback beside a ring whose kernel is said not to know them.
#![cfg(not(loom))]

use std::io;
use std::path::PathBuf;

use ringbahn_core::{Drive, Event, SharedFd, opcode};
use ringbahn_drivers::{Backend, Policy, SharedDriver};
use tempfile::TempDir;

#[path = "support/scene.rs"]
mod scene;
#[path = "support/skip.rs"]
mod skip;

/// `on_each!(name: scene)`: the module `name`, with a test of `scene` for each who may execute it.
macro_rules! on_each {
    ($($name:ident: $scene:ident;)*) => {$(
        mod $name {
            #[test]
            fn on_the_ring() {
                crate::on_the_ring(
                    concat!(module_path!(), "::on_the_ring"),
                    super::$scene,
                );
            }

            #[test]
            fn upon_the_fallback() {
                crate::upon_the_fallback(super::$scene);
            }

            #[test]
            fn beside_the_ring() {
                crate::beside_the_ring(
                    concat!(module_path!(), "::beside_the_ring"),
                    super::$scene,
                );
            }
        }
    )*};
}

#[path = "file_operations/attributes.rs"]
mod attributes;
#[path = "file_operations/links.rs"]
mod links;
#[path = "file_operations/memory.rs"]
mod memory;
#[path = "file_operations/names.rs"]
mod names;
#[path = "file_operations/opened.rs"]
mod opened;
#[path = "file_operations/ranges.rs"]
mod ranges;

/// What this is about.
const OPERATIONS: [u8; 14] = [
    opcode::SYNC_FILE_RANGE,
    opcode::FALLOCATE,
    opcode::FADVISE,
    opcode::MADVISE,
    opcode::OPENAT2,
    opcode::RENAMEAT,
    opcode::UNLINKAT,
    opcode::MKDIRAT,
    opcode::SYMLINKAT,
    opcode::LINKAT,
    opcode::FSETXATTR,
    opcode::SETXATTR,
    opcode::FGETXATTR,
    opcode::GETXATTR,
];

/// A driver, and a directory of its own.
struct Stage {
    driver: SharedDriver,
    directory: TempDir,
}

impl Stage {
    fn new(driver: SharedDriver) -> Stage {
        Stage { driver, directory: TempDir::new().unwrap() }
    }

    /// A path in the directory.
    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// The directory, as operations name it.
    fn directory(&self) -> SharedFd {
        scene::shared(std::fs::File::open(self.directory.path()).unwrap())
    }

    #[track_caller]
    fn run<E: Event>(&self, event: E) -> E::Output {
        scene::run(self.driver.clone().submit(event))
    }

    /// The kind of the error that `event` ends with.
    #[track_caller]
    fn fails<T>(&self, event: impl Event<Output = io::Result<T>>) -> io::ErrorKind {
        self.error(event).kind()
    }

    #[track_caller]
    fn error<T>(&self, event: impl Event<Output = io::Result<T>>) -> io::Error {
        match self.run(event) {
            Ok(_) => panic!("it has succeeded"),
            Err(error) => error,
        }
    }
}

/// A file that can be read and written, and has no name.
fn nameless() -> SharedFd {
    scene::shared(tempfile::tempfile().unwrap())
}

fn play(driver: SharedDriver, scene: fn(&Stage)) {
    scene(&Stage::new(driver.clone()));
    scene::until_idle(&driver);
    scene::end(&driver);
}

fn upon_the_fallback(scene: fn(&Stage)) {
    let driver = SharedDriver::builder().entries(2).completion_entries(4).policy(Policy::Never);
    let driver = driver.build().unwrap();
    assert_eq!(driver.backend(), Backend::Fallback);
    play(driver, scene);
}

fn on_the_ring(path: &str, scene: fn(&Stage)) {
    let builder = SharedDriver::builder().entries(2).completion_entries(4);
    match builder.policy(Policy::Require).build() {
        Ok(driver) => play(driver, scene),
        Err(error) => skip::skip(test_of(path), &format!("no io_uring: {error}")),
    }
}

fn beside_the_ring(path: &str, scene: fn(&Stage)) {
    let builder = SharedDriver::builder().entries(2).completion_entries(4);
    let builder = builder.policy(Policy::Require);
    let lacking = OPERATIONS.into_iter().fold(builder, |builder, opcode| builder.without(opcode));
    match lacking.build() {
        Ok(driver) => play(driver, scene),
        Err(error) => skip::skip(test_of(path), &format!("no io_uring: {error}")),
    }
}

/// The name of a test within this program.
fn test_of(path: &str) -> &str {
    path.split_once("::").map_or(path, |(_program, test)| test)
}

#[test]
fn every_one_of_them_is_known_to_the_fallback_and_asked_for_by_an_event() {
    let queues = ringbahn_drivers::Setup::new(1).policy(Policy::Never).build().unwrap();
    let probe = queues.handle.probe().unwrap();
    for opcode in OPERATIONS {
        let events = ringbahn_core::event::EVENTS;
        assert!(events.iter().any(|event| event.opcode == Some(opcode)), "{opcode}");
        assert!(probe.supports(opcode), "{opcode}");
    }
}
