//! One file that is not a directory or a symbolic link.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::fd::AsFd;

use ringbahn::event::{OpenAt, OpenOptions};
use ringbahn::fs::{CopyError, FileCopy};
use ringbahn::{DefaultDriver, Drive, Ring};
use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat, fstat, statat};

use super::Context;
use super::attributes::Attributes;
use super::failure::{Done, Failure, When};
use super::identity::Identity;
use super::place::Place;

/// The permissions of a copy while it is being made: nobody else may look.
const PRIVATE: u32 = 0o600;

/// The file that becomes the copy.
struct Target {
    file: Ring<File>,
    stat: Stat,
    /// Whether it has been made for the purpose, rather than found.
    is_new: bool,
}

/// What is known of the file at a place, or of what it points to where `follow` says so.
///
/// Not asked of the ring, which has a worker thread do this in any case. Mostly the answer is in
/// memory.
pub(crate) fn look(place: &Place, follow: bool) -> rustix::io::Result<Stat> {
    let flags = if follow { AtFlags::empty() } else { AtFlags::SYMLINK_NOFOLLOW };
    statat(place.directory(), place.path(), flags)
}

fn is_file(stat: &Stat) -> bool {
    FileType::from_raw_mode(stat.st_mode).is_file()
}

fn length(stat: &Stat) -> u64 {
    u64::try_from(stat.st_size).unwrap_or(0)
}

async fn open(place: &Place, options: &OpenOptions) -> io::Result<Ring<File>> {
    let mut open = OpenAt::new(place.path(), options)?;
    if let Some(directory) = place.shared_directory() {
        open = open.relative_to(directory);
    }
    Ok(Ring::new(File::from(DefaultDriver.submit(open).await?)))
}

/// Whether there is a FIFO at a place, or behind the link there.
fn is_fifo(place: &Place) -> bool {
    look(place, true).is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode).is_fifo())
}

/// Opens a FIFO, which waits for whoever opens its other end. The ring would not wait, and then
/// find nobody there.
async fn open_fifo(place: &Place, flags: OFlags) -> io::Result<Ring<File>> {
    let place = place.clone();
    let open = move || {
        let flags = flags | OFlags::CLOEXEC;
        rustix::fs::openat(place.directory(), place.path(), flags, Mode::empty())
    };
    Ok(Ring::new(File::from(blocking::unblock(open).await?)))
}

/// Copies the file at `from` to `to`.
pub(crate) async fn copy(context: &Context, from: &Place, to: &Place) -> Done {
    let mut options = OpenOptions::new();
    options.read(true);
    if context.is_recursive {
        // What has become a symbolic link meanwhile was not asked for.
        options.custom_flags(OFlags::NOFOLLOW.bits() as i32);
    }
    // In a tree FIFOs are left out, and so not waited for.
    let source = match !context.is_recursive && is_fifo(from) {
        true => open_fifo(from, OFlags::RDONLY).await,
        false => open(from, &options).await,
    };
    let source = source.when("open", &from.name())?;
    let stat = fstat(&source).when("look at", &from.name())?;
    if context.is_recursive && !is_file(&stat) {
        return Err(left_out(from, &stat));
    }
    let target = open_target(context, to).await?;
    claim(context, from, to, &stat, &target)?;
    let result = fill(context, from, to, (&source, &stat), &target).await;
    if let Err(failure) = result {
        return Err(clear_up(context, to, target, failure).await);
    }
    // Also where an error of an earlier write may be reported.
    target.file.close().await.when("finish writing", &to.name())
}

/// Opens the file that becomes the copy, and leaves it as it is.
async fn open_target(context: &Context, to: &Place) -> Done<Target> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(PRIVATE);
    let (opened, is_new) = match open(to, &options).await {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            let link = look(to, false).when("look at", &to.name())?;
            let is_link = FileType::from_raw_mode(link.st_mode).is_symlink();
            if is_link && context.made.contains(Identity::of(&link)) {
                return Err(just_made(to));
            }
            let found = match is_fifo(to) {
                true => open_fifo(to, OFlags::WRONLY).await,
                false => open(to, OpenOptions::new().write(true)).await,
            };
            let is_missing = matches!(&found, Err(error) if error.kind() == ErrorKind::NotFound);
            if is_missing && is_link {
                return Err(Failure(format!(
                    "cannot write {}: it is a symbolic link to nothing; remove it, or make what \
                     it points to",
                    to.name().display(),
                )));
            }
            (found, false)
        }
        opened => (opened, true),
    };
    let file = opened.when("write", &to.name())?;
    let stat = fstat(&file).when("look at", &to.name())?;
    Ok(Target { file, stat, is_new })
}

pub(crate) fn just_made(to: &Place) -> Failure {
    let name = to.name();
    Failure(format!("cannot write {}: this command has just made it", name.display()))
}

pub(crate) fn same_file(from: &Place, to: &Place) -> Failure {
    let (from, to) = (from.name(), to.name());
    let (from, to) = (from.display(), to.display());
    Failure(format!("cannot copy {from} to {to}: they are the same file"))
}

/// Makes sure that the target is neither the source nor a copy of something else.
fn claim(context: &Context, from: &Place, to: &Place, source: &Stat, target: &Target) -> Done {
    let identity = Identity::of(&target.stat);
    if identity == Identity::of(source) {
        return Err(same_file(from, to));
    }
    // A device takes whatever it is given.
    if is_file(&target.stat) && !context.made.insert(identity) {
        return Err(just_made(to));
    }
    Ok(())
}

/// Copies the contents and then the attributes.
async fn fill(
    context: &Context,
    from: &Place,
    to: &Place,
    (source, stat): (&Ring<File>, &Stat),
    target: &Target,
) -> Done {
    let into_file = is_file(&target.stat);
    if into_file && !target.is_new {
        target.file.set_len(0).await.when("empty", &to.name())?;
    }
    let length = length(stat);
    context.progress.expect(length);
    let mut copy = match into_file && is_file(stat) {
        true => FileCopy::new(source, &target.file, length),
        false => FileCopy::stream(source, &target.file),
    };
    if !context.may_offload {
        copy = copy.without_kernel();
    }
    let copied = loop {
        match copy.step().await {
            Ok(Some(count)) => context.progress.advance(count),
            Ok(None) => break Ok(()),
            Err(error) => break Err(error),
        }
    };
    copied.map_err(|error| {
        let (from, to) = (from.name(), to.name());
        let (from, to) = (from.display(), to.display());
        let action = match error {
            CopyError::Read(_) => format!("read {from}"),
            CopyError::Write(_) => format!("write {to}"),
            _ => format!("copy {from} to {to}"),
        };
        let (error, copied) = (io::Error::from(error), copy.copied());
        let length = length.max(copied);
        Failure(format!("cannot {action}: {error}; {copied} of {length} bytes were copied"))
    })?;
    if !into_file {
        return Ok(());
    }
    let present = (target.stat.st_uid, target.stat.st_gid);
    let attributes = Attributes::of(stat);
    attributes.set(target.file.as_fd(), present).when("set the permissions of", &to.name())
}

/// Leaves nothing behind that could be taken for the whole file.
///
/// A copy that was made is removed. A file that was there before may have other names, and stays,
/// but empty: its contents were given up when the copy began.
async fn clear_up(context: &Context, to: &Place, target: Target, failure: Failure) -> Failure {
    if !is_file(&target.stat) {
        return failure;
    }
    let identity = Identity::of(&target.stat);
    let (done, action) = if target.is_new {
        // Not what somebody else has put there meanwhile.
        let is_ours = look(to, false).is_ok_and(|found| Identity::of(&found) == identity);
        let removed = match is_ours {
            true => rustix::fs::unlinkat(to.directory(), to.path(), AtFlags::empty()),
            false => Ok(()),
        };
        context.made.remove(identity);
        (removed.map_err(io::Error::from), "removed")
    } else {
        (target.file.set_len(0).await, "emptied")
    };
    match done {
        Ok(()) => Failure(format!("{failure}; {} was {action}", to.name().display())),
        Err(error) => {
            let name = to.name();
            Failure(format!("{failure}; {} could not be {action}: {error}", name.display()))
        }
    }
}

/// Says that something is neither file, directory nor link. With -r that is not copied.
pub(crate) fn left_out(from: &Place, stat: &Stat) -> Failure {
    let kind = match FileType::from_raw_mode(stat.st_mode) {
        FileType::Fifo => "a pipe",
        FileType::Socket => "a socket",
        FileType::CharacterDevice | FileType::BlockDevice => "a device",
        _ => "of an unknown kind",
    };
    Failure(format!("leaving out {}: it is {kind}", from.name().display()))
}
