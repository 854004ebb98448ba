//! The free functions: each leads to what the other tests are about, on the default driver.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;

use futures::executor::block_on;
use ringbahn::DefaultDriver;
use ringbahn::fs;

use crate::skip;

#[test]
fn each_function_does_what_its_name_says() {
    if let Err(error) = DefaultDriver::shared() {
        let reason = format!("no io_uring: {error}");
        return skip::skip("functions::each_function_does_what_its_name_says", &reason);
    }
    let place = tempfile::tempdir().unwrap();
    let path = |name: &str| place.path().join(name);
    block_on(async {
        fs::create_dir(path("a")).await?;
        fs::create_dir_all(path("a/b/c")).await?;
        fs::write(path("a/file"), "hello").await?;
        assert_eq!(fs::read(path("a/file")).await?, b"hello");
        assert_eq!(fs::copy(path("a/file"), path("a/b/copy")).await?, 5);
        fs::rename(path("a/b/copy"), path("moved")).await?;
        assert_eq!(fs::read_to_string(path("moved")).await?, "hello");
        fs::hard_link(path("moved"), path("again")).await?;
        assert_eq!(fs::metadata(path("again")).await?.nlink(), 2);
        fs::symlink("again", path("link")).await?;
        assert_eq!(fs::read_link(path("link")).await?.to_str(), Some("again"));
        assert!(fs::symlink_metadata(path("link")).await?.is_symlink());
        let whole = fs::canonicalize(path("link")).await?;
        assert_eq!(whole, std::fs::canonicalize(path("again"))?);
        fs::set_permissions(path("link"), Permissions::from_mode(0o640)).await?;
        assert_eq!(fs::metadata(path("again")).await?.mode() & 0o7777, 0o640);
        fs::remove_file(path("link")).await?;
        assert!(!fs::exists(path("link")).await? && fs::exists(path("again")).await?);
        fs::remove_dir(path("a/b/c")).await?;
        fs::remove_dir_all(path("a")).await?;
        let mut names = Vec::new();
        let mut entries = fs::read_dir(place.path()).await?;
        while let Some(entry) = entries.next_entry().await? {
            names.push(entry.file_name());
        }
        names.sort();
        assert_eq!(names, ["again", "moved"]);
        let dir = fs::Dir::open(place.path()).await?;
        assert_eq!(dir.read_to_string("moved").await?, "hello");
        fs::DirBuilder::new().recursive(true).create(path("x/y")).await?;
        assert!(fs::metadata(path("x/y")).await?.is_dir());
        std::io::Result::Ok(())
    })
    .unwrap();
}

#[test]
fn a_directory_of_a_driver_of_one_thread_does_the_same_there() {
    let test = "functions::a_directory_of_a_driver_of_one_thread_does_the_same_there";
    let Some(driver) = skip::local_driver(test, 4, 8) else { return };
    let place = tempfile::tempdir().unwrap();
    driver.block_on(async {
        let dir = fs::Dir::current_on_driver(driver.clone());
        let dir = dir.open_dir(place.path()).await.unwrap();
        dir.create_dir_all("a/b").await.unwrap();
        dir.write("a/file", "hello").await.unwrap();
        dir.copy("a/file", "a/b/copy").await.unwrap();
        dir.set_permissions("a/file", Permissions::from_mode(0o400)).await.unwrap();
        let mut count = 0;
        let mut entries = dir.read_dir("a").await.unwrap();
        while let Some(entry) = entries.next_entry().await.unwrap() {
            assert!(entry.metadata().await.unwrap().len() > 0);
            count += 1;
        }
        assert_eq!(count, 2);
        dir.remove_dir_all("a").await.unwrap();
        assert!(!dir.exists("a").await.unwrap());
    });
}
