//! [`FileType`]: the kind of a file.

use std::fmt;

/// The kind of a file, as [`std::fs::FileType`], which nobody else can make.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct FileType {
    kind: u32,
}

impl FileType {
    /// The kind of a file with this `st_mode`.
    pub fn from_mode(mode: u32) -> FileType {
        FileType { kind: mode & libc::S_IFMT }
    }

    /// Whether it is a regular file.
    pub fn is_file(&self) -> bool {
        self.kind == libc::S_IFREG
    }

    /// Whether it is a directory.
    pub fn is_dir(&self) -> bool {
        self.kind == libc::S_IFDIR
    }

    /// Whether it is a symbolic link.
    pub fn is_symlink(&self) -> bool {
        self.kind == libc::S_IFLNK
    }

    /// Whether it is a block device.
    pub fn is_block_device(&self) -> bool {
        self.kind == libc::S_IFBLK
    }

    /// Whether it is a character device.
    pub fn is_char_device(&self) -> bool {
        self.kind == libc::S_IFCHR
    }

    /// Whether it is a named pipe.
    pub fn is_fifo(&self) -> bool {
        self.kind == libc::S_IFIFO
    }

    /// Whether it is a socket.
    pub fn is_socket(&self) -> bool {
        self.kind == libc::S_IFSOCK
    }
}

impl fmt::Debug for FileType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.kind {
            libc::S_IFREG => "file",
            libc::S_IFDIR => "directory",
            libc::S_IFLNK => "symbolic link",
            libc::S_IFBLK => "block device",
            libc::S_IFCHR => "character device",
            libc::S_IFIFO => "named pipe",
            libc::S_IFSOCK => "socket",
            _ => "unknown",
        };
        write!(f, "FileType({name})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_itself_and_nothing_else() {
        let all = [
            libc::S_IFREG,
            libc::S_IFDIR,
            libc::S_IFLNK,
            libc::S_IFBLK,
            libc::S_IFCHR,
            libc::S_IFIFO,
            libc::S_IFSOCK,
        ];
        for (index, kind) in all.into_iter().enumerate() {
            let kind = FileType::from_mode(kind | 0o644);
            let is = [
                kind.is_file(),
                kind.is_dir(),
                kind.is_symlink(),
                kind.is_block_device(),
                kind.is_char_device(),
                kind.is_fifo(),
                kind.is_socket(),
            ];
            assert_eq!(is, std::array::from_fn(|other| other == index), "{kind:?}");
        }
    }
}
