//! Everything that is to be copied, several files at once.

use std::rc::Rc;

use futures::stream::{FuturesUnordered, StreamExt};
use rustix::fs::{FileType, Stat};
use rustix::process::{Resource, getrlimit};

use super::Context;
use super::directory::{self, Directory, Entry};
use super::failure::{Done, Failure, When};
use super::file::{left_out, look};
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
    Entry(Rc<Directory>, Entry),
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
    let (from, to, kind, parent) = match task {
        Task::Operand((from, to)) => (Place::new(from), Place::new(to), FileType::Unknown, None),
        Task::Entry(parent, Entry { name, kind }) => {
            (parent.from.child(&name), parent.to.child(&name), kind, Some(parent))
        }
    };
    match copy_one(context, &from, &to, kind, parent.clone()).await {
        Ok(Some((directory, entries))) => {
            let directory = Rc::new(directory);
            if entries.is_empty() {
                directory::finish(context, directory);
                return Vec::new();
            }
            let task = |entry| Task::Entry(Rc::clone(&directory), entry);
            return entries.into_iter().map(task).collect();
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
    kind: FileType,
    parent: Option<Rc<Directory>>,
) -> Done<Option<(Directory, Vec<Entry>)>> {
    if kind.is_file() {
        return file::copy(context, from, to).await.map(|()| None);
    }
    let stat = look(from, !context.is_recursive).when("open", &from.name())?;
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::Directory => {
            if parent.is_none() {
                check_operand(context, from, to, &stat)?;
            }
            return directory::open(context, from, to, &stat, parent).await.map(Some);
        }
        FileType::Symlink => link::copy(context, from, to)?,
        FileType::RegularFile => file::copy(context, from, to).await?,
        _ if context.is_recursive => return Err(left_out(from, &stat)),
        _ => file::copy(context, from, to).await?,
    }
    Ok(None)
}

/// Whether a directory that the command line names can be copied.
fn check_operand(context: &Context, from: &Place, to: &Place, stat: &Stat) -> Done {
    if !context.is_recursive {
        let name = from.name();
        return Err(Failure(format!(
            "{} is a directory; to copy it and what is in it, give -r",
            name.display(),
        )));
    }
    if is_within(to.path(), Identity::of(stat)) {
        let (from, to) = (from.name(), to.name());
        return Err(Failure(format!(
            "cannot copy the directory {} into itself, to {}",
            from.display(),
            to.display(),
        )));
    }
    Ok(())
}
