//! Extended attributes, by path and of open files.

use std::fs::{self, File};
use std::io::{self, ErrorKind};

use ringbahn_core::event::{FgetXattr, FsetXattr, GetXattr, SetAttribute, SetXattr};

use crate::Stage;
use crate::scene::shared;

on_each! {
    attributes_of_paths_are_set_and_read: of_paths;
    attributes_of_open_files_are_set_and_read: of_files;
    an_attribute_is_created_or_replaced: modes;
}

const NAME: &str = "user.ringbahn";

fn errno<T>(result: io::Result<T>) -> Option<i32> {
    result.err().and_then(|error| error.raw_os_error())
}

/// Whether files of `stage` can have attributes, which takes a file system that does.
fn takes_attributes(stage: &Stage) -> bool {
    let file = stage.path("probe");
    fs::write(&file, "").unwrap();
    let set = rustix::fs::setxattr(&file, NAME, b"x", rustix::fs::XattrFlags::empty());
    if set == Err(rustix::io::Errno::OPNOTSUPP) {
        let (result, _) = stage.run(SetXattr::new(file, NAME, "x").unwrap());
        assert_eq!(errno(result), Some(libc::EOPNOTSUPP));
        return false;
    }
    set.unwrap();
    true
}

fn of_paths(stage: &Stage) {
    let path = stage.path("file");
    fs::write(&path, "").unwrap();
    let get = |room| stage.run(GetXattr::new(&path, NAME, Vec::with_capacity(room)).unwrap());
    if !takes_attributes(stage) {
        return;
    }
    let (missing, buffer) = stage.run(GetXattr::new(&path, NAME, b"old".to_vec()).unwrap());
    assert_eq!((errno(missing), &buffer[..]), (Some(libc::ENODATA), &b"old"[..]));
    let (set, value) = stage.run(SetXattr::new(&path, NAME, "the value").unwrap());
    assert_eq!((set.unwrap(), value), ((), "the value"));
    let (length, value) = get(64);
    assert_eq!((length.unwrap(), &value[..]), (9, &b"the value"[..]));
    let (length, value) = get(9);
    assert_eq!((length.unwrap(), &value[..]), (9, &b"the value"[..]));
    let (length, value) = get(0);
    assert_eq!((length.unwrap(), value.len()), (9, 0), "it is asked for its length only");
    let (short, value) = get(8);
    assert_eq!((errno(short), value.len()), (Some(libc::ERANGE), 0));
    let (empty, _) = stage.run(SetXattr::new(&path, NAME, "").unwrap());
    empty.unwrap();
    assert_eq!(get(8).0.unwrap(), 0);

    let missing = stage.path("missing");
    let (none, _) = stage.run(GetXattr::new(&missing, NAME, [0; 8]).unwrap());
    assert_eq!(none.unwrap_err().kind(), ErrorKind::NotFound);
    let (none, value) = stage.run(SetXattr::new(&missing, NAME, "mine").unwrap());
    assert_eq!((none.unwrap_err().kind(), value), (ErrorKind::NotFound, "mine"));
    let (unknown, _) = stage.run(SetXattr::new(&path, "nothing", "x").unwrap());
    assert_eq!(errno(unknown), Some(libc::EOPNOTSUPP));
    let (long, _) = stage.run(SetXattr::new(&path, NAME, vec![0; 65_537]).unwrap());
    assert_eq!(long.unwrap_err().kind(), ErrorKind::ArgumentListTooLong);
}

fn of_files(stage: &Stage) {
    if !takes_attributes(stage) {
        return;
    }
    let file = shared(File::open(stage.path("probe")).unwrap());
    let get = |room| stage.run(FgetXattr::new(file.clone(), NAME, vec![7; room]).unwrap());
    let (set, value) = stage.run(FsetXattr::new(file.clone(), NAME, vec![1, 2, 3]).unwrap());
    assert_eq!((set.unwrap(), value), ((), vec![1, 2, 3]));
    let (length, value) = get(64);
    assert_eq!((length.unwrap(), value), (3, vec![1, 2, 3]));
    let (length, value) = get(0);
    assert_eq!((length.unwrap(), value), (3, vec![]));
    let (short, value) = get(2);
    assert_eq!((errno(short), value), (Some(libc::ERANGE), vec![7, 7]));
    let (none, _) = stage.run(FgetXattr::new(file.clone(), "user.none", [0; 8]).unwrap());
    assert_eq!(errno(none), Some(libc::ENODATA));
    let (unknown, _) = stage.run(FsetXattr::new(file, "nothing", "x").unwrap());
    assert_eq!(errno(unknown), Some(libc::EOPNOTSUPP));
}

fn modes(stage: &Stage) {
    if !takes_attributes(stage) {
        return;
    }
    let path = stage.path("probe");
    let file = shared(File::open(&path).unwrap());
    for name in ["user.a", "user.b"] {
        let by_path = |set| stage.run(SetXattr::new(&path, name, "x").unwrap().set(set)).0;
        let by_file = |set| stage.run(FsetXattr::new(file.clone(), name, "x").unwrap().set(set)).0;
        assert_eq!(errno(by_path(SetAttribute::Replace)), Some(libc::ENODATA));
        assert_eq!(errno(by_file(SetAttribute::Replace)), Some(libc::ENODATA));
        by_file(SetAttribute::Create).unwrap();
        for exists in [by_path(SetAttribute::Create), by_file(SetAttribute::Create)] {
            assert_eq!(exists.unwrap_err().kind(), ErrorKind::AlreadyExists);
        }
        by_path(SetAttribute::Replace).unwrap();
        by_file(SetAttribute::Replace).unwrap();
        by_path(SetAttribute::Any).unwrap();
    }
}
