//! [`Walk`]: where paths lead.

use super::{Disk, Found, Node, Number, ROOT};

/// How many symbolic links a path leads through at most.
const LINKS_MAX: u32 = 40;

/// How a path is followed.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Walk {
    /// Whether a symbolic link at its end stands for itself.
    pub(crate) stays_at_link: bool,
    /// Whether leaving the directory from which it starts is an error.
    pub(crate) beneath: bool,
    /// Whether the directory from which it starts is taken for the root.
    pub(crate) in_root: bool,
    /// Whether a symbolic link is an error.
    pub(crate) no_links: bool,
}

/// The end of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct End {
    /// The directory that its last name is in.
    pub(crate) directory: Number,
    /// The name; `None` where the path ends with no name of its own, as `/` and `..` do.
    pub(crate) name: Option<Vec<u8>>,
    /// What has that name.
    pub(crate) node: Option<Number>,
}

impl Walk {
    /// Up to a symbolic link at the end of the path, which is not followed.
    pub(crate) fn to_link() -> Walk {
        Walk { stays_at_link: true, ..Walk::default() }
    }
}

impl Disk {
    /// Follows `path` from the directory `start`, through symbolic links.
    pub(crate) fn find(&self, start: Number, path: &[u8]) -> Result<Found, i32> {
        self.find_by(start, path, Walk::default())
    }

    /// Follows `path` from the directory `start` as `walk` says.
    pub(crate) fn find_by(&self, start: Number, path: &[u8], walk: Walk) -> Result<Found, i32> {
        let end = self.follow(start, path, walk)?;
        match (end.node, end.name) {
            (Some(node), _) => Ok(Found::Node(node)),
            (None, Some(name)) => Ok(Found::Free(end.directory, name)),
            (None, None) => Err(libc::ENOENT),
        }
    }

    /// The end of `path`, which starts from the directory `start`.
    pub(crate) fn follow(&self, start: Number, path: &[u8], walk: Walk) -> Result<End, i32> {
        let root = if walk.in_root { start } else { ROOT };
        let mut here = start;
        let mut name = None;
        let mut links = 0;
        if path.starts_with(b"/") {
            here = if walk.beneath { return Err(libc::EXDEV) } else { root };
        }
        // The names that are still to be followed, the next one last.
        let mut rest = names_of(path);
        let mut directory = here;
        while let Some(next) = rest.pop() {
            let Node::Directory { names, parent, .. } = &self.nodes[here] else {
                return Err(libc::ENOTDIR);
            };
            match &next[..] {
                b"." => name = None,
                b".." if here == start && walk.beneath => return Err(libc::EXDEV),
                b".." => {
                    here = if here == root { root } else { *parent };
                    name = None;
                }
                _ => {
                    let Some(&node) = names.get(&next) else {
                        let is_end = rest.is_empty() && self.is_there(here);
                        let end = End { directory: here, name: Some(next), node: None };
                        return if is_end { Ok(end) } else { Err(libc::ENOENT) };
                    };
                    if let Node::Link(target) = &self.nodes[node]
                        && !(rest.is_empty() && walk.stays_at_link)
                    {
                        links += 1;
                        if walk.no_links || links > LINKS_MAX {
                            return Err(libc::ELOOP);
                        }
                        if target.starts_with(b"/") {
                            here = if walk.beneath { return Err(libc::EXDEV) } else { root };
                        }
                        rest.extend(names_of(target));
                        name = None;
                        continue;
                    }
                    directory = here;
                    here = node;
                    name = Some(next);
                }
            }
        }
        Ok(End { directory, name, node: Some(here) })
    }

    /// Whether a directory has a name, or is the root.
    fn is_there(&self, directory: Number) -> bool {
        directory == ROOT || self.links(directory) > 0
    }

    /// Whether `directory` is `other`, or somewhere below it.
    pub(crate) fn is_within(&self, directory: Number, other: Number) -> bool {
        let mut here = directory;
        while here != other {
            match &self.nodes[here] {
                Node::Directory { parent, .. } if here != ROOT => here = *parent,
                _ => return false,
            }
        }
        true
    }
}

/// The names of a path, the first one last.
fn names_of(path: &[u8]) -> Vec<Vec<u8>> {
    let names = path.split(|&byte| byte == b'/').filter(|name| !name.is_empty());
    let mut names: Vec<_> = names.map(<[u8]>::to_vec).collect();
    names.reverse();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

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
        assert_eq!(disk.find(home, b"../home/file"), Ok(Found::Node(file)));
        assert_eq!(disk.find(home, b"other"), Ok(Found::Free(home, b"other".into())));
        assert_eq!(disk.find(ROOT, b"home/file/x"), Err(libc::ENOTDIR));
        assert_eq!(disk.find(ROOT, b"a/b"), Err(libc::ENOENT));
    }

    #[test]
    fn links_are_followed_or_not() {
        let mut disk = Disk::new();
        let home = disk.make_directory(ROOT, b"home".into());
        let file = disk.make_file(home, b"file".into());
        let link = disk.make_link(home, b"link".into(), b"file".into());
        disk.make_link(ROOT, b"h".into(), b"/home".into());
        disk.make_link(ROOT, b"loop".into(), b"loop".into());
        assert_eq!(disk.find(ROOT, b"h/link"), Ok(Found::Node(file)));
        assert_eq!(disk.find_by(ROOT, b"h/link", Walk::to_link()), Ok(Found::Node(link)));
        assert_eq!(disk.find(ROOT, b"loop"), Err(libc::ELOOP));
        let no_links = Walk { no_links: true, ..Walk::default() };
        assert_eq!(disk.find_by(home, b"link", no_links), Err(libc::ELOOP));
        let beneath = Walk { beneath: true, ..Walk::default() };
        assert_eq!(disk.find_by(home, b"link", beneath), Ok(Found::Node(file)));
        for path in ["/home/file", "../home/file"] {
            assert_eq!(disk.find_by(home, path.as_bytes(), beneath), Err(libc::EXDEV));
        }
        assert_eq!(disk.find_by(ROOT, b"h/file", beneath), Err(libc::EXDEV));
        let in_root = Walk { in_root: true, ..Walk::default() };
        assert_eq!(disk.find_by(home, b"/../file", in_root), Ok(Found::Node(file)));
    }
}
