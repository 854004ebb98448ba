//! The events that work on names: of files, directories and links, and their attributes.

use std::fs::{self, File};
use std::path::PathBuf;

use ringbahn_core::event::{
    FgetXattr, FsetXattr, GetXattr, LinkAt, MkdirAt, OpenAt2, OpenOptions, RenameAt, Resolve,
    SetXattr, SymlinkAt, UnlinkAt,
};
use rustix::fs::{XattrFlags, setxattr};
use tempfile::TempDir;

use super::files::MISSING;
use crate::lifecycle::scene::{Manner, Scene, Staged};
use crate::props::{DATA, shared};
use crate::verdict::Stop;

const ATTRIBUTE: &str = "user.ringbahn";

/// A directory with one file in it; where the operation is to fail, with none.
struct Place {
    directory: TempDir,
    file: PathBuf,
}

impl Place {
    fn new(manner: Manner) -> Result<Place, Stop> {
        let directory = TempDir::new()?;
        let file = directory.path().join("file");
        if manner != Manner::Failing {
            fs::write(&file, DATA)?;
        }
        Ok(Place { directory, file })
    }

    /// The same, where the file has an attribute.
    fn with_attribute(manner: Manner) -> Result<Place, Stop> {
        let place = Place::new(manner)?;
        if manner != Manner::Failing
            && setxattr(&place.file, ATTRIBUTE, DATA, XattrFlags::empty()).is_err()
        {
            return Err(Stop::skipped("the file system has no attributes"));
        }
        Ok(place)
    }

    fn other(&self) -> PathBuf {
        self.directory.path().join("other")
    }
}

pub(super) fn open_at2(manner: Manner) -> Staged<OpenAt2> {
    let place = Place::new(manner)?;
    let mut options = OpenOptions::new();
    let open = OpenAt2::new("file", options.read(true))?;
    let directory = shared(File::open(place.directory.path())?);
    let open = open.relative_to(directory).resolve(Resolve::BENEATH | Resolve::NO_SYMLINKS);
    Ok(Scene::new(open, |opened| opened.map(|_file| true)).keeping(place))
}

pub(super) fn rename_at(manner: Manner) -> Staged<RenameAt> {
    let place = Place::new(manner)?;
    let rename = RenameAt::new(&place.file, place.other())?;
    Ok(Scene::new(rename, |it| it.map(|()| true)).keeping(place))
}

pub(super) fn unlink_at(manner: Manner) -> Staged<UnlinkAt> {
    let place = Place::new(manner)?;
    Ok(Scene::new(UnlinkAt::file(&place.file)?, |it| it.map(|()| true)).keeping(place))
}

pub(super) fn mkdir_at(manner: Manner) -> Staged<MkdirAt> {
    let place = Place::new(manner)?;
    let path = if manner == Manner::Failing { MISSING.into() } else { place.other() };
    Ok(Scene::new(MkdirAt::new(path)?, |it| it.map(|()| true)).keeping(place))
}

pub(super) fn symlink_at(manner: Manner) -> Staged<SymlinkAt> {
    let place = Place::new(manner)?;
    let path = if manner == Manner::Failing { MISSING.into() } else { place.other() };
    Ok(Scene::new(SymlinkAt::new("file", path)?, |it| it.map(|()| true)).keeping(place))
}

pub(super) fn link_at(manner: Manner) -> Staged<LinkAt> {
    let place = Place::new(manner)?;
    let link = LinkAt::new(&place.file, place.other())?;
    Ok(Scene::new(link, |it| it.map(|()| true)).keeping(place))
}

pub(super) fn get_xattr(manner: Manner) -> Staged<GetXattr<Vec<u8>>> {
    let place = Place::with_attribute(manner)?;
    let get = GetXattr::new(&place.file, ATTRIBUTE, Vec::with_capacity(DATA.len()))?;
    let judge = |(got, value): (std::io::Result<usize>, Vec<u8>)| Ok(got? == 64 && value == DATA);
    Ok(Scene::new(get, judge).keeping(place))
}

pub(super) fn fget_xattr(manner: Manner) -> Staged<FgetXattr<Vec<u8>>> {
    let place = Place::with_attribute(Manner::AtOnce)?;
    let name = if manner == Manner::Failing { "user.missing" } else { ATTRIBUTE };
    let file = shared(File::open(&place.file)?);
    let get = FgetXattr::new(file, name, Vec::with_capacity(DATA.len()))?;
    let judge = |(got, value): (std::io::Result<usize>, Vec<u8>)| Ok(got? == 64 && value == DATA);
    Ok(Scene::new(get, judge).keeping(place))
}

pub(super) fn set_xattr(manner: Manner) -> Staged<SetXattr<&'static [u8]>> {
    let place = Place::with_attribute(manner)?;
    let set = SetXattr::new(&place.file, ATTRIBUTE, DATA)?;
    Ok(Scene::new(set, |(set, value)| set.map(|()| value == DATA)).keeping(place))
}

pub(super) fn fset_xattr(manner: Manner) -> Staged<FsetXattr<&'static [u8]>> {
    let place = Place::with_attribute(Manner::AtOnce)?;
    // No kind of attribute is called like that.
    let name = if manner == Manner::Failing { "nothing" } else { ATTRIBUTE };
    let file = shared(File::open(&place.file)?);
    let set = FsetXattr::new(file, name, DATA)?;
    Ok(Scene::new(set, |(set, value)| set.map(|()| value == DATA)).keeping(place))
}
