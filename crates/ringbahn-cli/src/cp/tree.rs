//! Everything that is to be copied, several files at once.

use std::ffi::OsString;
use std::path::Path;
use std::rc::Rc;

use futures::stream::{FuturesUnordered, StreamExt};
use ringbahn::event::Metadata;
use rustix::fs::FileType;
use rustix::process::{Resource, getrlimit};

use super::Context;
use super::directory::{self, Directory};
use super::failure::{Done, Failure, When};
use super::file::look;
use super::identity::Identity;
use super::operand::{Operand, is_within};
use super::place::Place;
use super::{file, link};

/// How many files are copied at the same time.
const FILES_MAX: u64 = 16;
/// How many descriptors are open besides those of the files.
const DESCRIPTORS_BESIDES: u64 = 16;
/// How many descriptors it takes to copy one file: two, and two for the thread that may block.
const DESCRIPTORS_PER_FILE: u64 = 4;

/// Something that is to be copied.
enum Task {
    /// Named by the command line.
    Operand(Operand),
    /// Found in a directory.
    Entry(Rc<Directory>, OsString),
}

/// Copies everything. Failures are told as they come.
pub(crate) async fn copy(context: &Context, operands: Vec<Operand>) {
    let limit = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let limit = limit.saturating_sub(DESCRIPTORS_BESIDES) / DESCRIPTORS_PER_FILE;
    let files_max = limit.clamp(1, FILES_MAX) as usize;
    // The last one first: what is in a directory comes before what is next to it, so that few
    // directories are open and waiting.
    let mut waiting: Vec<Task> = operands.into_iter().rev().map(Task::Operand).collect();
    let mut running = FuturesUnordered::new();
    loop {
        while running.len() < files_max
            && let Some(task) = waiting.pop()
        {
            running.push(run(context, task));
        }
        match running.next().await {
            Some(found) => waiting.extend(found),
            None => return,
        }
    }
}

/// Copies one thing, and yields what was found in it.
async fn run(context: &Context, task: Task) -> Vec<Task> {
    let (from, to, parent) = match &task {
        Task::Operand((from, to)) => (Place::new(from), Place::new(to), None),
        Task::Entry(parent, name) => {
            (parent.from.child(name), parent.to.child(name), Some(Rc::clone(parent)))
        }
    };
    match copy_one(context, &from, &to, parent.clone()).await {
        Ok(Some((directory, names))) => {
            let directory = Rc::new(directory);
            if names.is_empty() {
                directory::finish(context, directory);
                return Vec::new();
            }
            let task = |name| Task::Entry(Rc::clone(&directory), name);
            return names.into_iter().map(task).collect();
        }
        Ok(None) => {}
        Err(failure) => context.fail(&failure),
    }
    directory::note_done(context, parent);
    Vec::new()
}

/// Copies a file or a link, or makes a directory.
async fn copy_one(
    context: &Context,
    from: &Place,
    to: &Place,
    parent: Option<Rc<Directory>>,
) -> Done<Option<(Directory, Vec<OsString>)>> {
    let metadata = look(from, !context.is_recursive).await.when("open", &from.name())?;
    if metadata.is_dir() {
        if !context.is_recursive {
            let name = from.name();
            return Err(Failure(format!(
                "{} is a directory; to copy it and what is in it, give -r",
                name.display(),
            )));
        }
        if parent.is_none() && is_within(to.path(), Identity::of(&metadata)).await {
            let (from, to) = (from.name(), to.name());
            return Err(Failure(format!(
                "cannot copy the directory {} into itself, to {}",
                from.display(),
                to.display(),
            )));
        }
        return directory::open(context, from, to, &metadata, parent).await.map(Some);
    }
    if metadata.is_symlink() {
        link::copy(context, from, to, &metadata).await?;
    } else if metadata.is_file() || !context.is_recursive {
        file::copy(context, from, to).await?;
    } else {
        return Err(left_out(&from.name(), &metadata));
    }
    Ok(None)
}

fn left_out(name: &Path, metadata: &Metadata) -> Failure {
    let kind = match FileType::from_raw_mode(metadata.mode()) {
        FileType::Fifo => "a pipe",
        FileType::Socket => "a socket",
        FileType::CharacterDevice | FileType::BlockDevice => "a device",
        _ => "of an unknown kind",
    };
    Failure(format!("leaving out {}: it is {kind}", name.display()))
}
