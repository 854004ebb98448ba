//! One symbolic link, which is copied as such.

use rustix::fs::{AtFlags, FileType};

use super::Context;
use super::attributes::Attributes;
use super::failure::{Done, Failure, When};
use super::file::{just_made, look, same_file};
use super::identity::Identity;
use super::place::Place;

/// Copies the link at `from` to `to`, in place of whatever is there, but for a directory.
pub(crate) fn copy(context: &Context, from: &Place, to: &Place) -> Done {
    let link = &look(from, false).when("look at", &from.name())?;
    if let Ok(found) = look(to, false) {
        let identity = Identity::of(&found);
        if identity == Identity::of(link) {
            return Err(same_file(from, to));
        }
        if context.made.contains(identity) {
            return Err(just_made(to));
        }
        if FileType::from_raw_mode(found.st_mode).is_dir() {
            let name = to.name();
            return Err(Failure(format!("cannot write {}: it is a directory", name.display())));
        }
        let removed = rustix::fs::unlinkat(to.directory(), to.path(), AtFlags::empty());
        removed.when("replace", &to.name())?;
    }
    let points_to = rustix::fs::readlinkat(from.directory(), from.path(), Vec::new());
    let points_to = points_to.when("read the link", &from.name())?;
    let made = rustix::fs::symlinkat(points_to, to.directory(), to.path());
    made.when("make the link", &to.name())?;
    let present = look(to, false).when("look at", &to.name())?;
    context.made.insert(Identity::of(&present));
    let attributes = Attributes::of(link);
    let set = attributes.set_link(to, (present.st_uid, present.st_gid));
    set.when("set the times of", &to.name())
}
