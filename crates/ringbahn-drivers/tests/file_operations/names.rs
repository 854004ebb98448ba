//! Renames, removals and directories.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;

use ringbahn_core::event::{MkdirAt, RenameAt, Renaming, UnlinkAt};

use crate::Stage;

on_each! {
    a_rename_replaces_keeps_or_exchanges: rename;
    a_rename_goes_from_one_directory_to_another: rename_across;
    what_cannot_be_renamed_stays: refuse_to_rename;
    files_and_directories_are_removed: remove;
    what_cannot_be_removed_stays: refuse_to_remove;
    directories_are_made: make;
}

fn rename(stage: &Stage) {
    let [a, b] = ["a", "b"].map(|name| stage.path(name));
    let rename = || RenameAt::new(&a, &b).unwrap();
    let content = || [&a, &b].map(|path| fs::read_to_string(path).ok());
    let named = |[a, b]: [Option<&str>; 2]| [a.map(str::to_owned), b.map(str::to_owned)];

    fs::write(&a, "one").unwrap();
    stage.run(rename()).unwrap();
    assert_eq!(content(), named([None, Some("one")]));
    fs::write(&a, "two").unwrap();
    assert_eq!(stage.fails(rename().renaming(Renaming::Keep)), ErrorKind::AlreadyExists);
    assert_eq!(content(), named([Some("two"), Some("one")]));
    stage.run(rename().renaming(Renaming::Exchange)).unwrap();
    assert_eq!(content(), named([Some("one"), Some("two")]));
    stage.run(rename()).unwrap();
    assert_eq!(content(), named([None, Some("one")]));
    assert_eq!(stage.fails(rename().renaming(Renaming::Exchange)), ErrorKind::NotFound);
    stage.run(RenameAt::new(&b, &a).unwrap().renaming(Renaming::Keep)).unwrap();
    assert_eq!(content(), named([Some("one"), None]));
}

fn rename_across(stage: &Stage) {
    let here = stage.directory();
    fs::create_dir(stage.path("inner")).unwrap();
    fs::write(stage.path("file"), "moved").unwrap();
    let inner = crate::scene::shared(fs::File::open(stage.path("inner")).unwrap());
    let rename = || RenameAt::new("file", "other").unwrap();
    stage.run(rename().from_directory(here.clone()).to_directory(inner.clone())).unwrap();
    assert_eq!(fs::read_to_string(stage.path("inner/other")).unwrap(), "moved");
    // One of the two starts at the current directory, where there is no such file.
    assert_eq!(stage.fails(rename().to_directory(inner)), ErrorKind::NotFound);
    // An absolute path starts nowhere.
    let back = RenameAt::new(stage.path("inner/other"), "back").unwrap().to_directory(here);
    stage.run(back).unwrap();
    assert_eq!(fs::read_to_string(stage.path("back")).unwrap(), "moved");
}

fn refuse_to_rename(stage: &Stage) {
    let fails = |from: &str, to: &str| {
        stage.fails(RenameAt::new(stage.path(from), stage.path(to)).unwrap())
    };
    fs::write(stage.path("file"), "").unwrap();
    fs::create_dir_all(stage.path("full/inner")).unwrap();
    fs::create_dir(stage.path("empty")).unwrap();
    assert_eq!(fails("missing", "x"), ErrorKind::NotFound);
    assert_eq!(fails("file", "missing/x"), ErrorKind::NotFound);
    assert_eq!(fails("file/x", "x"), ErrorKind::NotADirectory);
    assert_eq!(fails("file", "empty"), ErrorKind::IsADirectory);
    assert_eq!(fails("empty", "file"), ErrorKind::NotADirectory);
    assert_eq!(fails("empty", "full"), ErrorKind::DirectoryNotEmpty);
    assert_eq!(fails("full", "full/inner/x"), ErrorKind::InvalidInput);
    let elsewhere = RenameAt::new(stage.path("file"), "/proc/self/x").unwrap();
    assert_eq!(stage.fails(elsewhere), ErrorKind::CrossesDevices);
    assert!(stage.path("file").exists() && stage.path("full/inner").exists());
}

fn remove(stage: &Stage) {
    for name in ["file", "other"] {
        fs::write(stage.path(name), "").unwrap();
    }
    fs::create_dir(stage.path("folder")).unwrap();
    stage.run(UnlinkAt::file(stage.path("file")).unwrap()).unwrap();
    let here = stage.directory();
    stage.run(UnlinkAt::file("other").unwrap().relative_to(here.clone())).unwrap();
    stage.run(UnlinkAt::directory("folder").unwrap().relative_to(here)).unwrap();
    assert_eq!(fs::read_dir(stage.directory.path()).unwrap().count(), 0);
}

fn refuse_to_remove(stage: &Stage) {
    fs::write(stage.path("file"), "").unwrap();
    fs::create_dir_all(stage.path("full/inner")).unwrap();
    let file = |name: &str| stage.fails(UnlinkAt::file(stage.path(name)).unwrap());
    let directory = |name: &str| stage.fails(UnlinkAt::directory(stage.path(name)).unwrap());
    assert_eq!(file("missing"), ErrorKind::NotFound);
    assert_eq!(file("full"), ErrorKind::IsADirectory);
    assert_eq!(directory("missing"), ErrorKind::NotFound);
    assert_eq!(directory("file"), ErrorKind::NotADirectory);
    assert_eq!(directory("full"), ErrorKind::DirectoryNotEmpty);
    assert_eq!(directory("full/."), ErrorKind::InvalidInput);
    assert!(stage.path("file").exists() && stage.path("full/inner").exists());
}

fn make(stage: &Stage) {
    let mode = |name: &str| fs::metadata(stage.path(name)).unwrap().permissions().mode() & 0o7777;
    fs::create_dir(stage.path("as std makes it")).unwrap();
    stage.run(MkdirAt::new(stage.path("folder")).unwrap()).unwrap();
    assert_eq!(mode("folder"), mode("as std makes it"));
    let private = MkdirAt::new("private").unwrap().mode(0o700).relative_to(stage.directory());
    stage.run(private).unwrap();
    assert_eq!(mode("private"), 0o700);

    fs::write(stage.path("file"), "").unwrap();
    let fails = |name: &str| stage.fails(MkdirAt::new(stage.path(name)).unwrap());
    assert_eq!(fails("folder"), ErrorKind::AlreadyExists);
    assert_eq!(fails("file"), ErrorKind::AlreadyExists);
    assert_eq!(fails("file/x"), ErrorKind::NotADirectory);
    assert_eq!(fails("missing/x"), ErrorKind::NotFound);
    assert_eq!(fails(&"x".repeat(256)), ErrorKind::InvalidFilename);
    let no_directory = MkdirAt::new("x").unwrap().relative_to(crate::nameless());
    assert_eq!(stage.fails(no_directory), ErrorKind::NotADirectory);
}
