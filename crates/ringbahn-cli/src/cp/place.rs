//! [`Place`]: where a file is, however deep.
//!
//! A path of more than 4 KiB is refused by the kernel, and trees can be deeper than that. So a
//! place is a path from an [`Anchor`], an open directory, and a directory far below its anchor
//! becomes the anchor of what is in it. Descriptors are then needed for every other kilobyte of a
//! path, not for every directory on it.

use std::ffi::OsStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ringbahn::SharedFd;
use rustix::fs::CWD;

/// From which length on, in bytes, a path is too long to be made longer. A name is at most 255
/// bytes long, so there is room to spare.
const LENGTH_MAX: usize = 2048;

/// An open directory, and what it is called.
#[derive(Debug)]
struct Anchor {
    directory: Arc<OwnedFd>,
    name: PathBuf,
}

/// Where a file is: a path from an anchor, or from the current directory.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    anchor: Option<Arc<Anchor>>,
    path: PathBuf,
}

impl Place {
    /// The place that `path` names.
    pub(crate) fn new(path: impl Into<PathBuf>) -> Place {
        Place { anchor: None, path: path.into() }
    }

    /// The place of a file in the directory that is here.
    pub(crate) fn child(&self, name: &OsStr) -> Place {
        Place { anchor: self.anchor.clone(), path: self.path.join(name) }
    }

    /// Whether places below this one are to be named from here.
    pub(crate) fn is_far(&self) -> bool {
        self.path.as_os_str().len() > LENGTH_MAX
    }

    /// The same place, named from itself. `directory` is what is open here.
    pub(crate) fn anchored(&self, directory: OwnedFd) -> Place {
        let anchor = Anchor { directory: Arc::new(directory), name: self.name() };
        Place { anchor: Some(Arc::new(anchor)), path: PathBuf::new() }
    }

    /// From where [`path`](Place::path) is to be followed.
    pub(crate) fn directory(&self) -> BorrowedFd<'_> {
        self.anchor.as_ref().map_or(CWD, |anchor| anchor.directory.as_fd())
    }

    /// As [`directory`](Place::directory), for events. `None` for the current directory.
    pub(crate) fn shared_directory(&self) -> Option<SharedFd> {
        self.anchor.as_ref().map(|anchor| SharedFd::new(Arc::clone(&anchor.directory)))
    }

    /// The path from the anchor.
    pub(crate) fn path(&self) -> &Path {
        // An anchor has no name for itself, but this one.
        if self.path.as_os_str().is_empty() && self.anchor.is_some() {
            return Path::new(".");
        }
        &self.path
    }

    /// The whole path, for people.
    pub(crate) fn name(&self) -> PathBuf {
        match &self.anchor {
            Some(anchor) => anchor.name.join(&self.path),
            None => self.path.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;

    #[test]
    fn a_place_below_an_anchor_keeps_its_whole_name() {
        let root = Place::new("/tmp");
        assert_eq!(root.shared_directory().map(|_| ()), None);
        let anchored = root.anchored(File::open("/tmp").unwrap().into());
        let child = anchored.child(OsStr::new("a")).child(OsStr::new("b"));
        assert_eq!((anchored.path(), child.path()), (Path::new("."), Path::new("a/b")));
        assert_eq!(child.name(), Path::new("/tmp/a/b"));
    }

    #[test]
    fn a_place_is_far_long_before_its_path_is_refused() {
        let mut place = Place::new("/");
        let mut longest = 0;
        while !place.is_far() {
            place = place.child(OsStr::new(&"n".repeat(255)));
            longest = place.path().as_os_str().len();
        }
        assert!(longest + 256 < 4096, "{longest}");
    }
}
