//! Renames, and directories that are made.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt;

use ringbahn::fs::{Dir, DirBuilder};

use crate::{NAMES, on_each, same};

#[test]
fn a_rename_does_as_std_does() {
    on_each("names::a_rename_does_as_std_does", async |dir, _| {
        for from in NAMES {
            for to in ["new", "file", "empty", "full", "missing/x", "full/inner/x"] {
                let _ = same!(
                    dir,
                    |path| fs::rename(path.join(from), path.join(to)),
                    dir.rename(path.join(from), path.join(to)).await
                );
            }
        }
    });
}

#[test]
fn directories_are_made_as_std_makes_them() {
    on_each("names::directories_are_made_as_std_makes_them", async |dir, _| {
        let more = ["new", "new/a/b", "full/new", "dangling/x", "empty/../new", "new/", "full/./x"];
        for name in NAMES.into_iter().chain(more) {
            let _ = same!(
                dir,
                |path| fs::create_dir(path.join(name)),
                dir.create_dir(path.join(name)).await
            );
            let _ = same!(
                dir,
                |path| fs::create_dir_all(path.join(name)),
                dir.create_dir_all(path.join(name)).await
            );
            let _ = same!(
                dir,
                |path| fs::DirBuilder::new().recursive(true).mode(0o711).create(path.join(name)),
                DirBuilder::new().recursive(true).mode(0o711).create_in(dir, path.join(name)).await
            );
        }
        assert_eq!(fs::create_dir_all("").map_err(|error| error.kind()), Ok(()));
        dir.create_dir_all("").await.unwrap();
        let no_name = dir.create_dir("").await.unwrap_err();
        assert_eq!(no_name.kind(), ErrorKind::NotFound);
    });
}

#[test]
fn what_is_named_from_an_open_directory_stays_there_though_it_moves() {
    let test = "names::what_is_named_from_an_open_directory_stays_there_though_it_moves";
    on_each(test, async |dir, place| {
        let [first, second] = ["first", "second"].map(|name| place.join(name));
        fs::create_dir(&first).unwrap();
        fs::create_dir(&second).unwrap();
        let here = dir.open_dir(&first).await.unwrap();
        assert_eq!(here.path(), first);
        fs::rename(&first, place.join("moved")).unwrap();
        fs::create_dir(&first).unwrap();
        here.write("file", "mine").await.unwrap();
        here.create_dir_all("a/b").await.unwrap();
        assert_eq!(fs::read(place.join("moved/file")).unwrap(), b"mine");
        assert_eq!(fs::read_dir(&first).unwrap().count(), 0);
        let other = dir.open_dir(&second).await.unwrap();
        here.rename_into("file", &other, "file").await.unwrap();
        other.hard_link("file", "again").await.unwrap();
        other.symlink("again", "link").await.unwrap();
        assert_eq!(other.read_link("link").await.unwrap().to_str(), Some("again"));
        assert_eq!(other.read_to_string("link").await.unwrap(), "mine");
        assert_eq!(other.metadata("link").await.unwrap().nlink(), 2);
        assert!(other.symlink_metadata("link").await.unwrap().is_symlink());
        other.copy("link", "copy").await.unwrap();
        other.remove_file("link").await.unwrap();
        here.remove_dir_all("a").await.unwrap();
        other.sync().await.unwrap();
        assert!(other.exists("copy").await.unwrap() && !other.exists("link").await.unwrap());
        let inner = here.open_dir(".").await.unwrap();
        assert!(inner.read_dir(".").await.unwrap().next_entry().await.unwrap().is_none());
        let error = dir.open_dir(second.join("file")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotADirectory);
        let current = dir.sync().await.unwrap_err();
        assert_eq!(current.kind(), ErrorKind::Unsupported);
    });
}

#[test]
fn a_served_directory_is_not_left() {
    use ringbahn::fs::{OpenOptions, Resolve};
    on_each("names::a_served_directory_is_not_left", async |dir, place| {
        fs::create_dir(place.join("served")).unwrap();
        fs::write(place.join("served/page"), "for you").unwrap();
        fs::write(place.join("secret"), "not for you").unwrap();
        std::os::unix::fs::symlink("../secret", place.join("served/way out")).unwrap();
        let served = dir.open_dir(place.join("served")).await.unwrap();
        let mut options = OpenOptions::new();
        options.read(true);
        let open = |name| served.open_resolved(name, &options, Resolve::BENEATH);
        open("page").await.unwrap();
        for name in ["../secret", "way out", "/etc/passwd"] {
            let error = open(name).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::CrossesDevices, "{name}");
        }
        assert_eq!(served.read_to_string("way out").await.unwrap(), "not for you");
    });
}

#[test]
fn directories_can_be_sent_to_other_threads() {
    fn check<T: Send + Sync + Clone>() {}
    check::<Dir>();
    fn sent<T: Send>(_: T) {}
    let dir = Dir::current();
    sent(dir.remove_dir_all("never polled"));
    sent(dir.copy("never polled", "never polled"));
    sent(dir.create_dir_all("never polled"));
}
