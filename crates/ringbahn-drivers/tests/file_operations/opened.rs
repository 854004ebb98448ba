//! Files that are opened as their path may be followed.

use std::fs;
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt;

use ringbahn_core::event::{OpenAt2, OpenOptions, Resolve};

use crate::Stage;
use crate::scene::shared;

on_each! {
    a_file_is_opened_as_the_options_say: options;
    a_path_stays_within_its_directory: beneath;
    links_are_not_followed_where_that_is_said: links;
    another_file_system_is_not_entered_where_that_is_said: mounts;
    flags_that_the_kernel_does_not_know_are_refused: unknown_flags;
}

fn reading() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true);
    options
}

fn options(stage: &Stage) {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    let open = || OpenAt2::new(stage.path("file"), &options).unwrap();
    let mut file = fs::File::from(stage.run(open()).unwrap());
    file.write_all(b"hello").unwrap();
    let flags = rustix::io::fcntl_getfd(&file).unwrap();
    assert!(flags.contains(rustix::io::FdFlags::CLOEXEC));
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o7777, 0o600);
    assert_eq!(stage.fails(open()), ErrorKind::AlreadyExists);

    let again = OpenAt2::new("file", &reading()).unwrap().relative_to(stage.directory());
    let mut text = String::new();
    fs::File::from(stage.run(again).unwrap()).read_to_string(&mut text).unwrap();
    assert_eq!(text, "hello");
    let missing = OpenAt2::new(stage.path("missing"), &reading()).unwrap();
    assert_eq!(stage.fails(missing), ErrorKind::NotFound);
    let mut writing = OpenOptions::new();
    let folder = OpenAt2::new(stage.directory.path(), writing.write(true)).unwrap();
    assert_eq!(stage.fails(folder), ErrorKind::IsADirectory);
}

fn beneath(stage: &Stage) {
    fs::create_dir(stage.path("served")).unwrap();
    fs::write(stage.path("secret"), "not for you").unwrap();
    fs::write(stage.path("served/page"), "for you").unwrap();
    std::os::unix::fs::symlink("../secret", stage.path("served/way out")).unwrap();
    let served = shared(fs::File::open(stage.path("served")).unwrap());
    let open = |path: &str, resolve| {
        let open = OpenAt2::new(path, &reading()).unwrap();
        open.relative_to(served.clone()).resolve(resolve)
    };
    let error = |path, resolve| stage.error(open(path, resolve)).raw_os_error().unwrap();
    for path in ["page", "./page", "../served/../served/page"] {
        stage.run(open(path, Resolve::ANYTHING)).unwrap();
    }
    stage.run(open("page", Resolve::BENEATH)).unwrap();
    for path in ["../secret", "/etc/passwd", "way out", "../served/page"] {
        assert_eq!(error(path, Resolve::BENEATH), libc::EXDEV, "{path}");
    }
    stage.run(open("/page", Resolve::IN_ROOT)).unwrap();
    stage.run(open("../../page", Resolve::IN_ROOT)).unwrap();
    assert_eq!(error("way out", Resolve::IN_ROOT), libc::ENOENT);
    assert_eq!(error("page", Resolve::BENEATH | Resolve::IN_ROOT), libc::EINVAL);
}

fn links(stage: &Stage) {
    fs::write(stage.path("file"), "").unwrap();
    std::os::unix::fs::symlink("file", stage.path("link")).unwrap();
    std::os::unix::fs::symlink(".", stage.path("folder")).unwrap();
    let open = |path: std::path::PathBuf, resolve| {
        OpenAt2::new(path, &reading()).unwrap().resolve(resolve)
    };
    stage.run(open(stage.path("link"), Resolve::ANYTHING)).unwrap();
    for path in ["link", "folder/file"] {
        let error = stage.error(open(stage.path(path), Resolve::NO_SYMLINKS));
        assert_eq!(error.raw_os_error(), Some(libc::ELOOP));
    }
    let file = fs::File::open(stage.path("file")).unwrap();
    let number = std::os::fd::AsRawFd::as_raw_fd(&file);
    let magic = || format!("/proc/self/fd/{number}").into();
    stage.run(open(magic(), Resolve::ANYTHING)).unwrap();
    let error = stage.error(open(magic(), Resolve::NO_MAGIC_LINKS));
    assert_eq!(error.raw_os_error(), Some(libc::ELOOP));
    stage.run(open(stage.path("link"), Resolve::NO_MAGIC_LINKS)).unwrap();
}

fn mounts(stage: &Stage) {
    let root = shared(fs::File::open("/").unwrap());
    let open = || OpenAt2::new("proc/version", &reading()).unwrap().relative_to(root.clone());
    stage.run(open()).unwrap();
    assert_eq!(stage.fails(open().resolve(Resolve::NO_MOUNTS)), ErrorKind::CrossesDevices);
}

fn unknown_flags(stage: &Stage) {
    let mut options = reading();
    let open = OpenAt2::new("/", options.custom_flags(1 << 30)).unwrap();
    assert_eq!(stage.fails(open), ErrorKind::InvalidInput);
}
