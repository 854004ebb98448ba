//! [`Disk`]: files and directories, as programs see them and as they are after a crash.
//!
//! Each file has two contents: the one that programs see, and the one that is on the disk for good.
//! `fsync` carries over what has changed; a crash carries over some of it, sector by sector, and
//! then the second one is all there is. Names are the same: a file that has been made is found
//! after a crash where its directory has been synced since, and by chance where not.

use std::collections::{BTreeMap, BTreeSet};

use crate::kernel::content::Content;
use crate::random::Random;

/// The number of a file or directory.
pub(crate) type Number = usize;

/// The directory `/`.
pub(crate) const ROOT: Number = 0;

/// Files and directories.
#[derive(Debug)]
pub(crate) struct Disk {
    nodes: Vec<Node>,
}

#[derive(Debug)]
enum Node {
    File(File),
    Directory { names: Names, durable: Names },
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
        Disk { nodes: vec![Node::Directory { names: Names::new(), durable: Names::new() }] }
    }

    /// Follows `path` from the directory `start`.
    pub(crate) fn find(&self, start: Number, path: &[u8]) -> Result<Found, i32> {
        let mut way = vec![if path.starts_with(b"/") { ROOT } else { start }];
        let mut names = path.split(|&byte| byte == b'/').filter(|name| !name.is_empty()).peekable();
        while let Some(name) = names.next() {
            let here = way[way.len() - 1];
            let Node::Directory { names: entries, .. } = &self.nodes[here] else {
                return Err(libc::ENOTDIR);
            };
            match name {
                b"." => {}
                b".." => {
                    way.pop();
                    if way.is_empty() {
                        way.push(ROOT);
                    }
                }
                name => match entries.get(name) {
                    Some(&node) => way.push(node),
                    None if names.peek().is_none() => return Ok(Found::Free(here, name.to_vec())),
                    None => return Err(libc::ENOENT),
                },
            }
        }
        Ok(Found::Node(way[way.len() - 1]))
    }

    /// Makes an empty file.
    pub(crate) fn make_file(&mut self, directory: Number, name: Vec<u8>) -> Number {
        self.make(directory, name, Node::File(File::default()))
    }

    /// Makes an empty directory.
    pub(crate) fn make_directory(&mut self, directory: Number, name: Vec<u8>) -> Number {
        let node = Node::Directory { names: Names::new(), durable: Names::new() };
        self.make(directory, name, node)
    }

    fn make(&mut self, directory: Number, name: Vec<u8>, node: Node) -> Number {
        let number = self.nodes.len();
        self.nodes.push(node);
        if let Node::Directory { names, .. } = &mut self.nodes[directory] {
            names.insert(name, number);
        }
        number
    }

    pub(crate) fn is_directory(&self, node: Number) -> bool {
        matches!(self.nodes[node], Node::Directory { .. })
    }

    pub(crate) fn length(&self, node: Number) -> u64 {
        match &self.nodes[node] {
            Node::File(file) => file.content.length(),
            Node::Directory { .. } => 4096,
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
        match &mut self.nodes[node] {
            Node::File(file) => file.sync(),
            Node::Directory { names, durable } => durable.clone_from(names),
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
        (0..self.nodes.len()).for_each(|node| self.sync(node));
    }

    /// The power goes. What has not been synced is there in part, or not.
    pub(crate) fn crash(&mut self, random: &mut Random) {
        for node in &mut self.nodes {
            match node {
                Node::File(file) => file.crash(random),
                Node::Directory { names, durable } => {
                    names.retain(|name, number| {
                        let kept = durable.contains_key(name) || random.coin();
                        if kept {
                            durable.insert(name.clone(), *number);
                        }
                        kept
                    });
                }
            }
        }
    }
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
    fn paths_lead_where_they_lead_elsewhere() {
        let mut disk = Disk::new();
        let home = disk.make_directory(ROOT, b"home".into());
        let file = disk.make_file(home, b"file".into());
        for path in ["/home/file", "home//file", "/home/./file", "/../home/x/../file"] {
            let found = disk.find(ROOT, path.as_bytes());
            match path.contains('x') {
                true => assert_eq!(found, Err(libc::ENOENT)),
                false => assert_eq!(found, Ok(Found::Node(file))),
            }
        }
        assert_eq!(disk.find(home, b"file"), Ok(Found::Node(file)));
        assert_eq!(disk.find(home, b"other"), Ok(Found::Free(home, b"other".into())));
        assert_eq!(disk.find(ROOT, b"home/file/x"), Err(libc::ENOTDIR));
        assert_eq!(disk.find(ROOT, b"a/b"), Err(libc::ENOENT));
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
}
