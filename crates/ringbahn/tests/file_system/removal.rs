//! Files and directories that are removed.

use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;

use crate::{NAMES, on_each, same, snapshot, tree};

#[test]
fn files_and_directories_are_removed_as_std_removes_them() {
    let test = "removal::files_and_directories_are_removed_as_std_removes_them";
    on_each(test, async |dir, _| {
        for name in NAMES.into_iter().filter(|name| !name.is_empty()).chain(["full/.", "full/.."]) {
            let _ = same!(
                dir,
                |path| fs::remove_file(path.join(name)),
                dir.remove_file(path.join(name)).await
            );
            let _ = same!(
                dir,
                |path| fs::remove_dir(path.join(name)),
                dir.remove_dir(path.join(name)).await
            );
        }
        for name in NAMES.into_iter().filter(|name| !name.is_empty()) {
            let _ = same!(
                dir,
                |path| fs::remove_dir_all(path.join(name)),
                dir.remove_dir_all(path.join(name)).await
            );
        }
    });
}

#[test]
fn a_tree_goes_whole_and_what_its_links_lead_to_stays() {
    on_each("removal::a_tree_goes_whole_and_what_its_links_lead_to_stays", async |dir, place| {
        let kept = tree();
        let before = snapshot(kept.path());
        let root = place.join("root");
        // Deeper than a recursion would like, and wider than one call reads.
        let deep: PathBuf = std::iter::repeat_n("d", 100).collect();
        fs::create_dir_all(root.join(&deep)).unwrap();
        std::os::unix::fs::symlink(kept.path(), root.join(&deep).join("out")).unwrap();
        std::os::unix::fs::symlink(kept.path(), root.join("out")).unwrap();
        let long = "x".repeat(200);
        for number in 0..200 {
            fs::write(root.join(format!("{number} {long}")), "").unwrap();
        }
        let error = dir.remove_dir(&root).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::DirectoryNotEmpty);
        dir.remove_dir_all(&root).await.unwrap();
        assert!(!root.exists());
        assert_eq!(snapshot(kept.path()), before);
        std::os::unix::fs::symlink(kept.path(), &root).unwrap();
        dir.remove_dir_all(&root).await.unwrap();
        assert!(fs::symlink_metadata(&root).is_err());
        assert_eq!(snapshot(kept.path()), before);
    });
}
