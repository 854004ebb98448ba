//! [`Directory`]: one whose contents are being copied.

use std::cell::Cell;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::rc::Rc;

use rustix::fs::{Dir, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

use super::Context;
use super::attributes::Attributes;
use super::failure::{Done, Failure, When};
use super::file::look;
use super::identity::Identity;
use super::place::Place;

/// The permissions of a copy while it is being filled, which a read-only one could not be.
const PRIVATE: Mode = Mode::RWXU;

/// A directory whose contents are being copied.
pub(crate) struct Directory {
    pub(crate) from: Place,
    pub(crate) to: Place,
    attributes: Attributes,
    /// The owner of the copy.
    present: (u32, u32),
    /// How many of its entries are not done yet.
    left: Cell<usize>,
    parent: Option<Rc<Directory>>,
}

/// What is found in a directory.
pub(crate) struct Entry {
    pub(crate) name: OsString,
    /// What it is, where the file system says so here.
    pub(crate) kind: FileType,
}

/// Makes the copy of a directory, and yields it with what is to go into it.
pub(crate) async fn open(
    context: &Context,
    from: &Place,
    to: &Place,
    stat: &Stat,
    parent: Option<Rc<Directory>>,
) -> Done<(Directory, Vec<Entry>)> {
    let identity = Identity::of(stat);
    if context.made.contains(identity) {
        let name = from.name();
        return Err(Failure(format!(
            "cannot copy {}: this command has just written to it",
            name.display(),
        )));
    }
    let (source, target) = (from.clone(), to.clone());
    let made = blocking::unblock(move || make(&source, &target)).await?;
    let present = look(&made.to, true).when("look at", &to.name())?;
    context.made.insert(Identity::of(&present));
    let directory = Directory {
        from: made.from,
        to: made.to,
        attributes: Attributes::of(stat),
        present: (present.st_uid, present.st_gid),
        left: Cell::new(made.entries.len()),
        parent,
    };
    Ok((directory, made.entries))
}

/// A directory that has been made, and what is to go into it.
struct Fresh {
    from: Place,
    to: Place,
    entries: Vec<Entry>,
}

fn make(from: &Place, to: &Place) -> Done<Fresh> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let open = |place: &Place| {
        let opened = rustix::fs::openat(place.directory(), place.path(), flags, Mode::empty());
        opened.when("open", &place.name())
    };
    let source = open(from)?;
    let entries = entries(&source).when("read", &from.name())?;
    match rustix::fs::mkdirat(to.directory(), to.path(), PRIVATE) {
        Err(Errno::EXIST) if is_directory(to) => {}
        made => made.when("make the directory", &to.name())?,
    }
    let from = if from.is_far() { from.anchored(source) } else { from.clone() };
    let to = if to.is_far() { to.anchored(open(to)?) } else { to.clone() };
    Ok(Fresh { from, to, entries })
}

/// Whether a directory is here already, which is then added to.
fn is_directory(place: &Place) -> bool {
    look(place, false).is_ok_and(|found| FileType::from_raw_mode(found.st_mode).is_dir())
}

fn entries(directory: &OwnedFd) -> io::Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for entry in Dir::read_from(directory)? {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if name != b"." && name != b".." {
            let name = OsStr::from_bytes(name).to_owned();
            entries.push(Entry { name, kind: entry.file_type() });
        }
    }
    Ok(entries)
}

/// Notes that an entry of a directory is done. After the last one the directory is.
pub(crate) fn note_done(context: &Context, directory: Option<Rc<Directory>>) {
    let Some(directory) = directory else { return };
    directory.left.set(directory.left.get() - 1);
    if directory.left.get() == 0 {
        finish(context, directory);
    }
}

/// Gives a directory that nothing is put into any more its permissions and times. It is then done
/// as an entry of its parent.
pub(crate) fn finish(context: &Context, directory: Rc<Directory>) {
    let mut finished = directory;
    // A loop, since trees may be deeper than the stack. It holds the parent when it lets go of the
    // child, so that no drop goes all the way up either.
    loop {
        let set = finished.attributes.set_directory(&finished.to, finished.present);
        if let Err(failure) = set.when("set the permissions of", &finished.to.name()) {
            context.fail(&failure);
        }
        let Some(parent) = finished.parent.clone() else { return };
        parent.left.set(parent.left.get() - 1);
        if parent.left.get() > 0 {
            return;
        }
        finished = parent;
    }
}
