//! `ringbahn::fs` does what `std::fs` does: each function with both, on equal trees, on a ring and
//! upon the fallback. What they return has to be equal, what they leave behind, and the kinds of
//! their errors.

use std::cell::RefCell;
use std::fmt::Debug;
use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures::executor::block_on;
use ringbahn::fs::Dir;
use ringbahn::{Policy, SharedDriver};
use tempfile::TempDir;

#[path = "../../ringbahn-drivers/tests/support/skip.rs"]
mod skip;

#[path = "file_system/copies.rs"]
mod copies;
#[path = "file_system/directories.rs"]
mod directories;
#[path = "file_system/files.rs"]
mod files;
#[path = "file_system/functions.rs"]
mod functions;
#[path = "file_system/links.rs"]
mod links;
#[path = "file_system/names.rs"]
mod names;
#[path = "file_system/read_ahead.rs"]
mod read_ahead;
#[path = "file_system/removal.rs"]
mod removal;
#[path = "file_system/surface.rs"]
mod surface;
#[path = "file_system/whole.rs"]
mod whole;

/// The drivers that each test is run on: a ring, where there is one, and the fallback.
fn drivers(test: &str) -> Vec<SharedDriver> {
    let build = |policy| {
        let builder = SharedDriver::builder().entries(4).completion_entries(8);
        builder.serve_at_once(false).policy(policy).build()
    };
    let mut drivers = vec![build(Policy::Never).unwrap()];
    match build(Policy::Require) {
        Ok(driver) => drivers.push(driver),
        Err(error) => skip::skip(test, &format!("no io_uring: {error}")),
    }
    drivers
}

/// Runs `scene` on each driver, in a directory of its own, and shuts the driver down.
fn on_each(test: &str, scene: impl AsyncFn(&Dir<SharedDriver>, &Path)) {
    for driver in drivers(test) {
        let place = TempDir::new().unwrap();
        let dir = Dir::current_on_driver(driver.clone());
        block_on(scene(&dir, place.path()));
        let report = block_on(driver.shutdown(Duration::from_secs(10)));
        assert_eq!(report.leaked, 0, "{report:?}");
    }
}

/// What a call has come to, as far as two of them can be compared.
fn outcome<T>(result: io::Result<T>) -> Result<T, io::ErrorKind> {
    result.map_err(|error| error.kind())
}

/// Two equal trees, as they were made.
struct Pair {
    trees: [TempDir; 2],
    snapshot: Snapshot,
}

thread_local! {
    /// The trees of the last comparison, where it has left them as they were.
    static SPARE: RefCell<Option<Pair>> = const { RefCell::new(None) };
}

impl Pair {
    fn take() -> Pair {
        SPARE.take().unwrap_or_else(|| {
            let trees = [tree(), tree()];
            let snapshot = snapshot(trees[0].path());
            Pair { trees, snapshot }
        })
    }
}

/// Has std and ringbahn do the same in equal trees, and compares what comes of it.
async fn compare<T: PartialEq + Debug>(
    dir: &Dir<SharedDriver>,
    what: &str,
    std: impl FnOnce(&Path) -> io::Result<T>,
    ours: impl AsyncFnOnce(&Dir<SharedDriver>, &Path) -> io::Result<T>,
) -> Result<T, io::ErrorKind> {
    let pair = Pair::take();
    let [first, second] = pair.trees.each_ref().map(TempDir::path);
    let expected = outcome(std(first));
    let got = outcome(ours(dir, second).await);
    assert_eq!(got, expected, "{what}");
    let left = snapshot(first);
    assert_eq!(snapshot(second), left, "{what}");
    if left == pair.snapshot {
        SPARE.set(Some(pair));
    }
    got
}

/// `same!(dir, |path| std's call; ours)`, where each is an expression of `path` and `dir`.
macro_rules! same {
    ($dir:ident, |$path:ident| $std:expr, $ours:expr) => {
        crate::compare($dir, stringify!($ours), |$path| $std, async |$dir, $path| $ours).await
    };
}
pub(crate) use same;

/// A tree with something of each kind; in memory, where there is such a place, since there are
/// many.
fn tree() -> TempDir {
    let tree = tempfile::tempdir_in("/dev/shm").or_else(|_| TempDir::new()).unwrap();
    let path = |name: &str| tree.path().join(name);
    fs::create_dir_all(path("full/inner/deep")).unwrap();
    fs::create_dir(path("empty")).unwrap();
    fs::write(path("file"), "hello").unwrap();
    fs::write(path("full/one"), "1").unwrap();
    fs::write(path("full/inner/two"), [0xff, 0xfe]).unwrap();
    let executable = fs::Permissions::from_mode(0o750);
    fs::write(path("program"), "#!/bin/sh\n").unwrap();
    fs::set_permissions(path("program"), executable).unwrap();
    for (target, link) in
        [("file", "link"), ("full", "way in"), ("nowhere", "dangling"), ("loop", "loop")]
    {
        std::os::unix::fs::symlink(target, path(link)).unwrap();
    }
    tree
}

/// All that is to be seen of a tree: names, modes, counts of names, and contents.
type Snapshot = Vec<(PathBuf, u32, u64, Vec<u8>)>;

fn snapshot(root: &Path) -> Snapshot {
    let mut seen = Vec::new();
    let mut rest = vec![root.to_owned()];
    while let Some(here) = rest.pop() {
        for entry in fs::read_dir(&here).unwrap() {
            let path = entry.unwrap().path();
            let metadata = fs::symlink_metadata(&path).unwrap();
            let content = if metadata.is_symlink() {
                fs::read_link(&path).unwrap().into_os_string().into_encoded_bytes()
            } else if metadata.is_file() {
                fs::read(&path).unwrap()
            } else {
                rest.push(path.clone());
                Vec::new()
            };
            let name = path.strip_prefix(root).unwrap().to_owned();
            seen.push((name, metadata.mode(), metadata.nlink(), content));
        }
    }
    seen.sort();
    seen
}

/// Names that tests try one after the other: of each kind, and some that are none.
const NAMES: [&str; 16] = [
    "file",
    "program",
    "empty",
    "full",
    "full/inner",
    "full/one",
    "link",
    "way in",
    "dangling",
    "loop",
    "missing",
    "missing/x",
    "file/x",
    "way in/one",
    "a\0b",
    "",
];
