//! Names of files and directories: given, changed and taken away.

use std::io::{self, ErrorKind};
use std::path::Path;

use ringbahn_core::event::{
    Fsync, GetXattr, LinkAt, MkdirAt, OpenAt2, OpenOptions, RenameAt, Renaming, Resolve, SetXattr,
    Statx, SymlinkAt, UnlinkAt,
};
use ringbahn_core::{Drive, Event, SharedFd};
use ringbahn_sim::Sim;

use crate::support::{assert_nothing_left, open, open_with};

fn run<E: Event>(sim: &Sim, event: E) -> E::Output {
    sim.block_on(sim.driver().submit(event))
}

fn fails<T>(sim: &Sim, event: impl Event<Output = io::Result<T>>) -> ErrorKind {
    match run(sim, event) {
        Ok(_) => panic!("it has succeeded"),
        Err(error) => error.kind(),
    }
}

fn directory(sim: &Sim, path: &str) -> SharedFd {
    let mut options = OpenOptions::new();
    open_with(sim, path, options.read(true)).unwrap().into()
}

fn links(sim: &Sim, path: &str) -> u64 {
    run(sim, Statx::at(path).unwrap()).unwrap().nlink()
}

#[test]
fn a_rename_replaces_keeps_or_exchanges() {
    let sim = Sim::new(1);
    let rename = |from: &str, to: &str| RenameAt::new(from, to).unwrap();
    sim.put("a", b"one").unwrap();
    run(&sim, rename("a", "b")).unwrap();
    assert_eq!(sim.content("b").unwrap(), b"one");
    assert_eq!(sim.content("a").unwrap_err().kind(), ErrorKind::NotFound);
    sim.put("a", b"two").unwrap();
    let keep = rename("a", "b").renaming(Renaming::Keep);
    assert_eq!(fails(&sim, keep), ErrorKind::AlreadyExists);
    run(&sim, rename("a", "b").renaming(Renaming::Exchange)).unwrap();
    assert_eq!(
        (sim.content("a").unwrap(), sim.content("b").unwrap()),
        (b"one".into(), b"two".into())
    );
    run(&sim, rename("a", "b")).unwrap();
    assert_eq!(sim.content("b").unwrap(), b"one");
    let exchange = rename("a", "b").renaming(Renaming::Exchange);
    assert_eq!(fails(&sim, exchange), ErrorKind::NotFound);

    sim.create_dir("/home").unwrap();
    let home = directory(&sim, "/home");
    run(&sim, rename("b", "c").to_directory(home.clone())).unwrap();
    run(&sim, rename("c", "d").from_directory(home.clone()).to_directory(home)).unwrap();
    assert_eq!(sim.content("/home/d").unwrap(), b"one");
    assert_nothing_left(&sim);
}

#[test]
fn what_cannot_be_renamed_or_removed_stays() {
    let sim = Sim::new(1);
    sim.put("file", b"").unwrap();
    for path in ["full", "full/inner", "empty"] {
        sim.create_dir(path).unwrap();
    }
    let rename = |from: &str, to: &str| fails(&sim, RenameAt::new(from, to).unwrap());
    assert_eq!(rename("missing", "x"), ErrorKind::NotFound);
    assert_eq!(rename("file", "missing/x"), ErrorKind::NotFound);
    assert_eq!(rename("file/x", "x"), ErrorKind::NotADirectory);
    assert_eq!(rename("file", "empty"), ErrorKind::IsADirectory);
    assert_eq!(rename("empty", "file"), ErrorKind::NotADirectory);
    assert_eq!(rename("empty", "full"), ErrorKind::DirectoryNotEmpty);
    assert_eq!(rename("full/inner", "full"), ErrorKind::DirectoryNotEmpty);
    assert_eq!(rename("full", "full/inner/x"), ErrorKind::InvalidInput);
    let file = |path: &str| fails(&sim, UnlinkAt::file(path).unwrap());
    let directory = |path: &str| fails(&sim, UnlinkAt::directory(path).unwrap());
    assert_eq!(file("missing"), ErrorKind::NotFound);
    assert_eq!(file("full"), ErrorKind::IsADirectory);
    assert_eq!(directory("file"), ErrorKind::NotADirectory);
    assert_eq!(directory("full"), ErrorKind::DirectoryNotEmpty);
    assert_eq!(directory("full/."), ErrorKind::InvalidInput);
    assert_eq!(directory("/"), ErrorKind::ResourceBusy);
    run(&sim, RenameAt::new("empty", "full/inner").unwrap()).unwrap();
    run(&sim, UnlinkAt::directory("full/inner").unwrap()).unwrap();
    run(&sim, UnlinkAt::file("file").unwrap()).unwrap();
    assert_nothing_left(&sim);
}

#[test]
fn directories_are_made_and_nothing_in_those_that_are_gone() {
    let sim = Sim::new(1);
    run(&sim, MkdirAt::new("/home").unwrap()).unwrap();
    let home = directory(&sim, "/home");
    run(&sim, MkdirAt::new("inner").unwrap().relative_to(home.clone())).unwrap();
    assert_eq!(fails(&sim, MkdirAt::new("/home/inner").unwrap()), ErrorKind::AlreadyExists);
    assert_eq!(fails(&sim, MkdirAt::new("/none/inner").unwrap()), ErrorKind::NotFound);
    run(&sim, UnlinkAt::directory("/home/inner").unwrap()).unwrap();
    run(&sim, UnlinkAt::directory("/home").unwrap()).unwrap();
    let late = MkdirAt::new("inner").unwrap().relative_to(home);
    assert_eq!(fails(&sim, late), ErrorKind::NotFound);
    assert_nothing_left(&sim);
}

#[test]
fn links_of_both_kinds_lead_to_the_file() {
    let sim = Sim::new(1);
    sim.create_dir("/home").unwrap();
    sim.put("/home/file", b"content").unwrap();
    run(&sim, SymlinkAt::new("file", "/home/link").unwrap()).unwrap();
    run(&sim, SymlinkAt::new("/home", "/h").unwrap()).unwrap();
    assert_eq!(sim.content("/h/link").unwrap(), b"content");
    let itself = run(&sim, Statx::at("/h/link").unwrap().follow_links(false)).unwrap();
    assert!(itself.is_symlink());
    assert!(run(&sim, Statx::at("/h/link").unwrap()).unwrap().is_file());
    run(&sim, LinkAt::new("/home/file", "/other").unwrap()).unwrap();
    assert_eq!((links(&sim, "/other"), sim.content("/other").unwrap()), (2, b"content".into()));
    let exists = LinkAt::new("/home/file", "/other").unwrap();
    assert_eq!(fails(&sim, exists), ErrorKind::AlreadyExists);
    assert_eq!(fails(&sim, LinkAt::new("/home", "/x").unwrap()), ErrorKind::PermissionDenied);
    let file = open(&sim, "/other");
    run(&sim, UnlinkAt::file("/home/file").unwrap()).unwrap();
    run(&sim, LinkAt::of(file.clone(), "/again").unwrap()).unwrap();
    for path in ["/again", "/other"] {
        run(&sim, UnlinkAt::file(path).unwrap()).unwrap();
    }
    assert_eq!(fails(&sim, LinkAt::of(file, "/late").unwrap()), ErrorKind::NotFound);
    assert_eq!(fails(&sim, Statx::at("/h/link").unwrap()), ErrorKind::NotFound);
    assert_nothing_left(&sim);
}

#[test]
fn a_path_stays_within_its_directory_where_that_is_said() {
    let sim = Sim::new(1);
    sim.create_dir("/served").unwrap();
    sim.put("/served/page", b"for you").unwrap();
    sim.put("/secret", b"not for you").unwrap();
    run(&sim, SymlinkAt::new("../secret", "/served/way out").unwrap()).unwrap();
    let served = directory(&sim, "/served");
    let mut options = OpenOptions::new();
    options.read(true);
    let open = |path: &str, resolve| {
        let open = OpenAt2::new(path, &options).unwrap().relative_to(served.clone());
        run(&sim, open.resolve(resolve)).map(drop).map_err(|error| error.raw_os_error())
    };
    open("page", Resolve::BENEATH).unwrap();
    open("way out", Resolve::ANYTHING).unwrap();
    for path in ["way out", "../secret", "/secret"] {
        assert_eq!(open(path, Resolve::BENEATH), Err(Some(libc::EXDEV)), "{path}");
    }
    assert_eq!(open("way out", Resolve::NO_SYMLINKS), Err(Some(libc::ELOOP)));
    open("/../page", Resolve::IN_ROOT).unwrap();
    assert_eq!(open("way out", Resolve::IN_ROOT), Err(Some(libc::ENOENT)));
    let both = Resolve::BENEATH | Resolve::IN_ROOT;
    assert_eq!(open("page", both), Err(Some(libc::EINVAL)));
    drop(served);
    assert_nothing_left(&sim);
}

#[test]
fn a_rename_is_durable_once_its_directory_is_synced_and_never_half_done() {
    let (mut old, mut new) = (0, 0);
    for seed in 0..60 {
        let sim = Sim::new(seed);
        sim.put("state", b"old").unwrap();
        sim.put("state.new", b"new").unwrap();
        run(&sim, RenameAt::new("state.new", "state").unwrap()).unwrap();
        let synced = seed % 3 == 0;
        if synced {
            let root = directory(&sim, "/");
            run(&sim, Fsync::new(root)).unwrap();
        }
        sim.crash();
        let left = sim.content("state.new").is_ok();
        match &sim.content("state").unwrap()[..] {
            b"new" if !left => new += 1,
            b"old" if left && !synced => old += 1,
            state => panic!("{state:?}, synced: {synced}, both: {left}"),
        }
    }
    assert!(old > 5 && new > 25, "{old} {new}");
}

#[test]
fn the_disk_keeps_no_attributes_and_says_so() {
    let sim = Sim::new(1);
    sim.put("file", b"").unwrap();
    let path = Path::new("file");
    let (got, buffer) = run(&sim, GetXattr::new(path, "user.a", [7; 4]).unwrap());
    assert_eq!((got.unwrap_err().kind(), buffer), (ErrorKind::Unsupported, [7; 4]));
    let (set, value) = run(&sim, SetXattr::new(path, "user.a", "mine").unwrap());
    assert_eq!((set.unwrap_err().kind(), value), (ErrorKind::Unsupported, "mine"));
}
