//! Operations that run with the credentials of somebody else.
#![allow(unsafe_code)]

use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::thread;

use ringbahn_core::event::{EventExt as _, Nop, OpenAt, OpenOptions, Opens as _};
use ringbahn_core::{Drive, ForeignRing, Personality};
use ringbahn_drivers::SharedDriver;

use crate::scene::{end, run};
use crate::{known, local_here, shared, skip};

/// The user of the name `nobody`, who owns nothing.
const NOBODY: libc::uid_t = 65_534;

/// The credentials of a thread that has become nobody. This one stays who it is.
fn nobody(test: &str, driver: &SharedDriver) -> Option<Personality> {
    // SAFETY: the call names no memory.
    if unsafe { libc::geteuid() } != 0 {
        skip::skip(test, "not root, and so not able to become somebody else");
        return None;
    }
    let registered = thread::scope(|scope| {
        let become_nobody = || {
            // The call itself concerns the calling thread only, unlike the function of the C
            // library.
            // SAFETY: the call names no memory.
            let set = unsafe { libc::syscall(libc::SYS_setresuid, NOBODY, NOBODY, NOBODY) };
            assert_eq!(set, 0);
            driver.registrar().register_personality()
        };
        scope.spawn(become_nobody).join().unwrap()
    });
    known(test, registered)
}

fn open(path: &Path) -> OpenAt {
    OpenAt::new(path, OpenOptions::new().read(true)).unwrap()
}

/// A file that everybody may read, and one that its owner may read, in a folder for everybody.
fn files() -> (tempfile::TempDir, [std::path::PathBuf; 2]) {
    let folder = tempfile::tempdir_in("/tmp").unwrap();
    fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
    let files = [("public", 0o644), ("private", 0o600)].map(|(name, mode)| {
        let path = folder.path().join(name);
        File::create(&path).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        path
    });
    (folder, files)
}

#[test]
fn files_are_opened_as_the_one_whose_credentials_they_are() {
    let test = "files_are_opened_as_the_one_whose_credentials_they_are";
    let Some(driver) = shared(test) else { return };
    let Some(nobody) = nobody(test, &driver) else { return };
    let (_folder, [public, private]) = files();
    run(driver.clone().submit(open(&private))).unwrap();
    run(driver.clone().submit(open(&public).as_personality(&nobody))).unwrap();
    let refused = run(driver.clone().submit(open(&private).as_personality(&nobody)));
    assert_eq!(refused.unwrap_err().kind(), io::ErrorKind::PermissionDenied);
    // In a chain it is a matter of each event.
    let chain = Nop.link(open(&private).as_personality(&nobody)).then(open(&private));
    let ((nop, refused), opened) = run(driver.clone().submit(chain));
    assert!(nop.is_ok() && opened.is_ok());
    assert_eq!(refused.unwrap_err().kind(), io::ErrorKind::PermissionDenied);
    end(&driver);
}

#[test]
fn a_driver_that_serves_at_once_does_not_serve_what_runs_as_somebody_else() {
    let test = "a_driver_that_serves_at_once_does_not_serve_what_runs_as_somebody_else";
    let Some(driver) = crate::there_is(test, SharedDriver::builder().entries(4).build()) else {
        return;
    };
    let Ok(itself) = driver.registrar().register_personality() else {
        return skip::skip(test, "no io_uring");
    };
    let zero = crate::scene::shared(File::open("/dev/zero").unwrap());
    let position = ringbahn_core::event::Position::Current;
    let read = ringbahn_core::event::Read::new(zero, vec![1; 8], position);
    let (count, data) = run(driver.clone().submit(read.as_personality(&itself)));
    assert_eq!((count.unwrap(), data), (8, vec![0; 8]));
    assert_eq!(driver.counters().served_at_once, 0);
    end(&driver);
}

#[test]
fn an_operation_that_the_kernel_lacks_is_not_executed_as_the_wrong_one() {
    let test = "an_operation_that_the_kernel_lacks_is_not_executed_as_the_wrong_one";
    let lacking = ringbahn_core::opcode::OPENAT;
    let Some(driver) = crate::shared_with(test, |setup| setup.without(lacking)) else { return };
    let Some(nobody) = nobody(test, &driver) else { return };
    let (_folder, [_, private]) = files();
    // The engine beside the ring opens it as who the process is.
    run(driver.clone().submit(open(&private))).unwrap();
    let refused = run(driver.clone().submit(open(&private).as_personality(&nobody)));
    assert_eq!(refused.unwrap_err().kind(), io::ErrorKind::PermissionDenied);
    end(&driver);
}

#[test]
fn credentials_are_those_of_one_ring() {
    let test = "credentials_are_those_of_one_ring";
    let (Some(driver), Some(other)) = (shared(test), local_here(test)) else { return };
    let personality = driver.registrar().register_personality();
    let Some(personality) = known(test, personality) else { return };
    run(driver.clone().submit(Nop.as_personality(&personality))).unwrap();
    let event = Nop.as_personality(&personality);
    let error = other.block_on(other.clone().submit(event)).unwrap_err();
    assert!(error.get_ref().unwrap().is::<ForeignRing>(), "{error:?}");
    end(&driver);
}

#[test]
fn credentials_that_are_dropped_make_room_for_others() {
    let test = "credentials_that_are_dropped_make_room_for_others";
    let Some(driver) = local_here(test) else { return };
    // More than a ring can have at a time.
    for _ in 0..70_000 {
        let personality = driver.registrar().register_personality();
        if known(test, personality).is_none() {
            return;
        }
    }
}

#[test]
fn a_file_opened_as_somebody_else_gets_into_a_slot() {
    let test = "a_file_opened_as_somebody_else_gets_into_a_slot";
    let Some(driver) = shared(test) else { return };
    let Some(nobody) = nobody(test, &driver) else { return };
    let Some(table) = known(test, driver.direct_table(2)) else { return };
    let (_folder, [public, private]) = files();
    for (path, may) in [(public, true), (private, false)] {
        let event = open(&path).into_slot(&table).as_personality(&nobody);
        assert_eq!(run(driver.clone().submit(event)).is_ok(), may);
    }
    end(&driver);
}
