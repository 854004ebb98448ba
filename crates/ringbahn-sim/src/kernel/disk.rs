//! [`Disk`]: files and directories, as programs see them and as they are after a crash.
//!
//! Each file has two contents: the one that programs see, and the one that is on the disk for good.
//! `fsync` carries over what has changed; a crash carries over some of it, sector by sector, and
//! then the second one is all there is. Names are the same: a file that has been made is found
//! after a crash where its directory has been synced since, and by chance where not; and so is a
//! name that has been removed, or has changed.

mod journal;
mod walk;

use std::collections::{BTreeMap, BTreeSet};

use crate::kernel::content::Content;
use crate::random::Random;
use journal::{Entry, Journal};
pub(crate) use walk::{End, Walk};

/// The number of a file or directory.
pub(crate) type Number = usize;

/// The directory `/`.
pub(crate) const ROOT: Number = 0;

/// Files and directories.
#[derive(Debug)]
pub(crate) struct Disk {
    nodes: Vec<Node>,
    /// How many names each of them has.
    links: Vec<u32>,
    journal: Journal,
}

#[derive(Debug)]
enum Node {
    File(File),
    /// A directory, as programs see it and as it is on the disk, and the one that it is in.
    Directory {
        names: Names,
        durable: Names,
        parent: Number,
    },
    /// A symbolic link to this path.
    Link(Vec<u8>),
}

type Names = BTreeMap<Vec<u8>, Number>;

#[derive(Debug, Default)]
struct File {
    content: Content,
    durable: Content,
    /// The blocks that differ.
    dirty: BTreeSet<u64>,
}

/// Where a path leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    Node(Number),
    /// Nowhere, but there is a directory in which the last name could be made.
    Free(Number, Vec<u8>),
}

impl Disk {
    pub(crate) fn new() -> Disk {
        Disk { nodes: vec![directory(ROOT)], links: vec![0], journal: Journal::default() }
    }

    /// Makes an empty file.
    pub(crate) fn make_file(&mut self, directory: Number, name: Vec<u8>) -> Number {
        self.make(directory, name, Node::File(File::default()))
    }

    /// Makes an empty directory.
    pub(crate) fn make_directory(&mut self, parent: Number, name: Vec<u8>) -> Number {
        self.make(parent, name, directory(parent))
    }

    /// Makes a symbolic link to `target`.
    pub(crate) fn make_link(&mut self, parent: Number, name: Vec<u8>, target: Vec<u8>) -> Number {
        self.make(parent, name, Node::Link(target))
    }

    fn make(&mut self, parent: Number, name: Vec<u8>, node: Node) -> Number {
        let number = self.nodes.len();
        self.nodes.push(node);
        self.links.push(0);
        self.change(vec![(parent, name, Some(number))]);
        number
    }

    /// Changes what names stand for, all of them or, where the power goes, none.
    pub(crate) fn change(&mut self, change: Vec<Entry>) {
        for (at, name, node) in &change {
            let Node::Directory { names, .. } = &mut self.nodes[*at] else { continue };
            let before = match node {
                Some(node) => names.insert(name.clone(), *node),
                None => names.remove(name),
            };
            if let Some(before) = before {
                self.links[before] -= 1;
            }
            if let Some(node) = *node {
                self.links[node] += 1;
                if let Node::Directory { parent, .. } = &mut self.nodes[node] {
                    *parent = *at;
                }
            }
        }
        let kept = self.journal.add(change);
        self.keep(kept);
    }

    /// How many names the file or directory has.
    pub(crate) fn links(&self, node: Number) -> u32 {
        self.links[node]
    }

    pub(crate) fn is_empty(&self, directory: Number) -> bool {
        matches!(&self.nodes[directory], Node::Directory { names, .. } if names.is_empty())
    }

    pub(crate) fn is_link(&self, node: Number) -> bool {
        matches!(self.nodes[node], Node::Link(_))
    }

    pub(crate) fn is_directory(&self, node: Number) -> bool {
        matches!(self.nodes[node], Node::Directory { .. })
    }

    pub(crate) fn length(&self, node: Number) -> u64 {
        match &self.nodes[node] {
            Node::File(file) => file.content.length(),
            Node::Directory { .. } => 4096,
            Node::Link(target) => target.len() as u64,
        }
    }

    /// Adds up to `limit` bytes from `at` on to `to`.
    pub(crate) fn read(&self, node: Number, at: u64, limit: usize, to: &mut Vec<u8>) {
        if let Node::File(file) = &self.nodes[node] {
            file.content.read(at, limit, to);
        }
    }

    pub(crate) fn write(&mut self, node: Number, at: u64, bytes: &[u8]) {
        if let Node::File(File { content, dirty, .. }) = &mut self.nodes[node] {
            content.write(at, bytes, |block| {
                dirty.insert(block);
            });
        }
    }

    pub(crate) fn resize(&mut self, node: Number, length: u64) {
        if let Node::File(File { content, dirty, .. }) = &mut self.nodes[node] {
            content.resize(length, |block| {
                dirty.insert(block);
            });
        }
    }

    /// Makes the file or directory as durable as it is now.
    pub(crate) fn sync(&mut self, node: Number) {
        if let Node::File(file) = &mut self.nodes[node] {
            return file.sync();
        }
        let changes = self.journal.take_of(node);
        self.keep(changes);
    }

    /// Makes names durable.
    fn keep(&mut self, changes: Vec<Entry>) {
        for (at, name, node) in changes {
            let Node::Directory { durable, .. } = &mut self.nodes[at] else { continue };
            match node {
                Some(node) => durable.insert(name, node),
                None => durable.remove(&name),
            };
        }
    }

    /// A sync that fails: of what has changed some blocks are forgotten, and the next sync does not
    /// save them either, as on Linux.
    pub(crate) fn fail_sync(&mut self, node: Number, random: &mut Random) {
        if let Node::File(file) = &mut self.nodes[node] {
            file.dirty.retain(|_| random.coin());
        }
    }

    /// Makes all there is durable.
    pub(crate) fn sync_all(&mut self) {
        for node in &mut self.nodes {
            if let Node::File(file) = node {
                file.sync();
            }
        }
        let changes = self.journal.take_all();
        self.keep(changes);
    }

    /// The power goes. What has not been synced is there in part, or not.
    pub(crate) fn crash(&mut self, random: &mut Random) {
        for node in &mut self.nodes {
            if let Node::File(file) = node {
                file.crash(random);
            }
        }
        let changes = self.journal.take_some(random);
        self.keep(changes);
        let mut parents = Vec::new();
        for (number, node) in self.nodes.iter_mut().enumerate() {
            if let Node::Directory { names, durable, .. } = node {
                names.clone_from(durable);
                parents.extend(names.values().map(|&inner| (inner, number)));
            }
        }
        self.links.fill(0);
        for (inner, outer) in parents {
            self.links[inner] += 1;
            if let Node::Directory { parent, .. } = &mut self.nodes[inner] {
                *parent = outer;
            }
        }
    }
}

fn directory(parent: Number) -> Node {
    Node::Directory { names: Names::new(), durable: Names::new(), parent }
}

impl File {
    fn sync(&mut self) {
        for block in std::mem::take(&mut self.dirty) {
            self.durable.copy_block(block, &self.content);
        }
        self.durable.set_length(self.content.length());
    }

    fn crash(&mut self, random: &mut Random) {
        // The new length may have come to the disk, with or without what lies before it.
        let lengths = [self.durable.length(), self.content.length()];
        for block in std::mem::take(&mut self.dirty) {
            self.durable.tear_block(block, &self.content, random);
        }
        self.durable.set_length(random.pick(&lengths));
        self.content = self.durable.clone();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(disk: &Disk, file: Number) -> Vec<u8> {
        let mut bytes = Vec::new();
        disk.read(file, 0, 1 << 20, &mut bytes);
        bytes
    }

    #[test]
    fn what_is_synced_survives_and_the_rest_may_not() {
        let mut lost = 0;
        for seed in 0..64 {
            let mut random = Random::new(seed);
            let mut disk = Disk::new();
            let file = disk.make_file(ROOT, b"file".into());
            disk.write(file, 0, b"safe");
            disk.sync(file);
            disk.sync(ROOT);
            disk.write(file, 4, b" not");
            disk.crash(&mut random);
            let after = content(&disk, file);
            assert!(after.starts_with(b"safe"), "{after:?}");
            lost += usize::from(after != b"safe not");
            assert_eq!(disk.find(ROOT, b"file"), Ok(Found::Node(file)));
            disk.crash(&mut random);
            assert_eq!(content(&disk, file), after, "what is on the disk stays");
        }
        assert!(lost > 0 && lost < 64, "{lost}");
    }

    #[test]
    fn a_name_that_is_not_synced_may_be_gone() {
        let survives = |seed| {
            let mut disk = Disk::new();
            disk.make_file(ROOT, b"file".into());
            disk.crash(&mut Random::new(seed));
            matches!(disk.find(ROOT, b"file"), Ok(Found::Node(_)))
        };
        let survived = (0..64).filter(|&seed| survives(seed)).count();
        assert!(survived > 0 && survived < 64, "{survived}");
    }

    #[test]
    fn a_sync_that_fails_forgets_a_part_for_good() {
        let mut disk = Disk::new();
        let file = disk.make_file(ROOT, b"file".into());
        disk.write(file, 0, &[1; 64 * 4096]);
        disk.fail_sync(file, &mut Random::new(1));
        disk.sync(file);
        disk.crash(&mut Random::new(2));
        let after = content(&disk, file);
        assert!(after.contains(&0) && after.contains(&1));
    }

    #[test]
    fn a_rename_that_is_not_synced_has_happened_or_not() {
        let mut renamed = 0;
        for seed in 0..64 {
            let mut disk = Disk::new();
            let old = disk.make_file(ROOT, b"old".into());
            let new = disk.make_file(ROOT, b"new".into());
            disk.sync(ROOT);
            disk.change(vec![(ROOT, b"new".into(), None), (ROOT, b"old".into(), Some(new))]);
            disk.crash(&mut Random::new(seed));
            let found = ["old", "new"].map(|name| disk.find(ROOT, name.as_bytes()).unwrap());
            match found {
                [Found::Node(node), Found::Free(..)] if node == new => renamed += 1,
                found => assert_eq!(found, [Found::Node(old), Found::Node(new)]),
            }
        }
        assert!(renamed > 0 && renamed < 64, "{renamed}");
    }
}
