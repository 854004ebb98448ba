//! Links of both kinds.

use std::fs;
use std::io::ErrorKind;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use ringbahn_core::SharedFd;
use ringbahn_core::event::{LinkAt, SymlinkAt};

use crate::Stage;

on_each! {
    a_symbolic_link_leads_where_it_was_told_to: symbolic;
    a_hard_link_is_one_more_name: hard;
    a_link_to_a_link_is_of_it_or_of_what_is_behind_it: followed;
    a_file_without_a_name_gets_one: nameless;
}

fn symbolic(stage: &Stage) {
    let link = |target: &str, name: &str| SymlinkAt::new(target, stage.path(name)).unwrap();
    stage.run(link("no such target", "a")).unwrap();
    assert_eq!(fs::read_link(stage.path("a")).unwrap(), Path::new("no such target"));
    let here = SymlinkAt::new("a", "b").unwrap().relative_to(stage.directory());
    stage.run(here).unwrap();
    assert_eq!(fs::read_link(stage.path("b")).unwrap(), Path::new("a"));
    assert_eq!(stage.fails(link("x", "a")), ErrorKind::AlreadyExists);
    assert_eq!(stage.fails(link("x", "missing/a")), ErrorKind::NotFound);
    assert_eq!(stage.fails(link("", "c")), ErrorKind::NotFound);
}

fn hard(stage: &Stage) {
    fs::write(stage.path("file"), "content").unwrap();
    let link = |from: &str, to: &str| LinkAt::new(stage.path(from), stage.path(to)).unwrap();
    stage.run(link("file", "a")).unwrap();
    let here = stage.directory();
    let relative = LinkAt::new("file", "b").unwrap();
    stage.run(relative.original_relative_to(here.clone()).link_relative_to(here)).unwrap();
    let status = |name| fs::metadata(stage.path(name)).unwrap();
    assert_eq!((status("a").ino(), status("b").nlink()), (status("file").ino(), 3));
    assert_eq!(stage.fails(link("file", "a")), ErrorKind::AlreadyExists);
    assert_eq!(stage.fails(link("missing", "c")), ErrorKind::NotFound);
    assert_eq!(stage.fails(link("file", "missing/c")), ErrorKind::NotFound);
    assert_eq!(stage.fails(link(".", "c")), ErrorKind::PermissionDenied);
    let elsewhere = LinkAt::new("/proc/self/status", stage.path("c")).unwrap();
    assert_eq!(stage.fails(elsewhere), ErrorKind::CrossesDevices);
}

fn followed(stage: &Stage) {
    fs::write(stage.path("file"), "content").unwrap();
    std::os::unix::fs::symlink("file", stage.path("link")).unwrap();
    let link = |name: &str| LinkAt::new(stage.path("link"), stage.path(name)).unwrap();
    stage.run(link("itself")).unwrap();
    assert!(fs::symlink_metadata(stage.path("itself")).unwrap().is_symlink());
    stage.run(link("behind").follow_links(true)).unwrap();
    assert!(fs::symlink_metadata(stage.path("behind")).unwrap().is_file());
}

const NAMELESS: &str = "links::a_file_without_a_name_gets_one";

fn nameless(stage: &Stage) {
    let mut options = fs::OpenOptions::new();
    let flags = rustix::fs::OFlags::TMPFILE.bits().cast_signed();
    let Ok(file) = options.write(true).custom_flags(flags).open(stage.directory.path()) else {
        return crate::skip::skip(NAMELESS, "no O_TMPFILE on this file system");
    };
    rustix::io::write(&file, b"finished").unwrap();
    let file = SharedFd::from(OwnedFd::from(file));
    let named = stage.run(LinkAt::of(file.clone(), stage.path("named")).unwrap());
    if named.is_err() && !rustix::process::geteuid().is_root() {
        return crate::skip::skip(NAMELESS, "the kernel is older than 6.10, and it takes a right");
    }
    named.unwrap();
    assert_eq!(fs::read_to_string(stage.path("named")).unwrap(), "finished");
    let again = LinkAt::of(file, stage.path("named")).unwrap();
    assert_eq!(stage.fails(again), ErrorKind::AlreadyExists);
}
