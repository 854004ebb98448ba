//! Links, and what is known of files.

use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use ringbahn::event::Metadata;

use crate::{NAMES, on_each, same};

#[test]
fn links_are_made_and_read_as_std_does() {
    on_each("links::links_are_made_and_read_as_std_does", async |dir, _| {
        for name in NAMES {
            for link in ["new", "file", "missing/x"] {
                let _ = same!(
                    dir,
                    |path| fs::hard_link(path.join(name), path.join(link)),
                    dir.hard_link(path.join(name), path.join(link)).await
                );
                let _ = same!(
                    dir,
                    |path| std::os::unix::fs::symlink(name, path.join(link)),
                    dir.symlink(name, path.join(link)).await
                );
            }
            let _ = same!(
                dir,
                |path| fs::read_link(path.join(name)),
                dir.read_link(path.join(name)).await
            );
        }
        let _ = same!(
            dir,
            |path| {
                let long = PathBuf::from("x/".repeat(1000));
                std::os::unix::fs::symlink(&long, path.join("long"))?;
                fs::read_link(path.join("long"))
            },
            {
                dir.symlink("x/".repeat(1000), path.join("long")).await?;
                dir.read_link(path.join("long")).await
            }
        );
    });
}

/// What both say of a file.
type Known = (u64, u32, u64, [bool; 7], Option<std::time::SystemTime>, (u64, u32, u32, u64));

fn known_to_std(metadata: fs::Metadata) -> Known {
    let kind = metadata.file_type();
    let kinds = [
        kind.is_file(),
        kind.is_dir(),
        kind.is_symlink(),
        kind.is_block_device(),
        kind.is_char_device(),
        kind.is_fifo(),
        kind.is_socket(),
    ];
    let rest = (metadata.ino(), metadata.uid(), metadata.gid(), metadata.blocks());
    let mode = metadata.permissions().mode();
    (metadata.len(), mode, metadata.nlink(), kinds, metadata.modified().ok(), rest)
}

fn known(metadata: Metadata) -> Known {
    let kind = metadata.file_type();
    let kinds = [
        kind.is_file(),
        kind.is_dir(),
        kind.is_symlink(),
        kind.is_block_device(),
        kind.is_char_device(),
        kind.is_fifo(),
        kind.is_socket(),
    ];
    let rest = (metadata.ino(), metadata.uid(), metadata.gid(), metadata.blocks());
    let mode = metadata.permissions().mode();
    (metadata.len(), mode, metadata.nlink(), kinds, metadata.modified(), rest)
}

#[test]
fn what_is_known_of_a_file_is_what_std_knows() {
    on_each("links::what_is_known_of_a_file_is_what_std_knows", async |dir, _| {
        let tree = crate::tree();
        let others = ["/dev/null", "/", "/proc/self/exe", "/proc/self/fd/0/x"].map(PathBuf::from);
        for path in NAMES.iter().map(|name| tree.path().join(name)).chain(others) {
            let std =
                |result: std::io::Result<fs::Metadata>| crate::outcome(result.map(known_to_std));
            let ours = |result: std::io::Result<Metadata>| crate::outcome(result.map(known));
            assert_eq!(ours(dir.metadata(&path).await), std(fs::metadata(&path)), "{path:?}");
            let itself = dir.symlink_metadata(&path).await;
            assert_eq!(ours(itself), std(fs::symlink_metadata(&path)), "{path:?}");
            let exists = dir.exists(&path).await;
            assert_eq!(crate::outcome(exists), crate::outcome(fs::exists(&path)), "{path:?}");
            let whole = ringbahn::fs::canonicalize(&path).await;
            assert_eq!(crate::outcome(whole), crate::outcome(fs::canonicalize(&path)), "{path:?}");
        }
    });
}

#[test]
fn permissions_are_set_as_std_sets_them() {
    on_each("links::permissions_are_set_as_std_sets_them", async |dir, _| {
        for name in NAMES.into_iter().filter(|name| !name.is_empty()) {
            for mode in [0o700, 0o4755] {
                let permissions = fs::Permissions::from_mode(mode);
                let _ = same!(
                    dir,
                    |path| fs::set_permissions(path.join(name), permissions.clone()),
                    dir.set_permissions(path.join(name), permissions.clone()).await
                );
            }
        }
        let tree = crate::tree();
        let file = dir.open_file(tree.path().join("file")).await.unwrap();
        file.set_permissions(fs::Permissions::from_mode(0o604)).await.unwrap();
        assert_eq!(file.metadata().await.unwrap().mode() & 0o7777, 0o604);
        let current = dir.metadata(Path::new(".")).await.unwrap();
        assert_eq!(current.ino(), fs::metadata(".").unwrap().ino());
    });
}
