//! `docs/std-surface.md` names what there is, and all of it.

use std::collections::BTreeSet;
use std::fs::File;
use std::os::unix::fs::PermissionsExt;

use futures::io::{AsyncRead, AsyncSeek, AsyncWrite};
use ringbahn::{Ring, fs};

const PAGE: &str = include_str!("../../../../docs/std-surface.md");

/// Makes the list of names, each with something that does not compile without it.
macro_rules! names {
    ($($name:literal: |$file:ident| $use:expr;)*) => {
        const NAMES: &[&str] = &[$($name),*];

        const USES: &[fn(&Ring<File>)] = &[$(|$file| { let _unused = $use; }),*];
    };
}

names! {
    "fs::canonicalize": |_file| fs::canonicalize("");
    "fs::copy": |_file| fs::copy("", "");
    "fs::create_dir": |_file| fs::create_dir("");
    "fs::create_dir_all": |_file| fs::create_dir_all("");
    "fs::exists": |_file| fs::exists("");
    "fs::hard_link": |_file| fs::hard_link("", "");
    "fs::metadata": |_file| fs::metadata("");
    "fs::read": |_file| fs::read("");
    "fs::read_dir": |_file| fs::read_dir("");
    "fs::read_link": |_file| fs::read_link("");
    "fs::read_to_string": |_file| fs::read_to_string("");
    "fs::remove_dir": |_file| fs::remove_dir("");
    "fs::remove_dir_all": |_file| fs::remove_dir_all("");
    "fs::remove_file": |_file| fs::remove_file("");
    "fs::rename": |_file| fs::rename("", "");
    "fs::set_permissions": |_file| fs::set_permissions("", fs::Permissions::from_mode(0o600));
    "fs::symlink": |_file| fs::symlink("", "");
    "fs::symlink_metadata": |_file| fs::symlink_metadata("");
    "fs::write": |_file| fs::write("", "");
    "fs::DirBuilder": |_file| size_of::<fs::DirBuilder>();
    "fs::DirEntry": |_file| size_of::<fs::DirEntry>();
    "fs::FileType": |_file| size_of::<fs::FileType>();
    "fs::FileTimes": |_file| size_of::<fs::FileTimes>();
    "fs::Metadata": |_file| size_of::<fs::Metadata>();
    "fs::OpenOptions": |_file| size_of::<fs::OpenOptions>();
    "fs::Permissions": |_file| size_of::<fs::Permissions>();
    "fs::ReadDir": |_file| size_of::<fs::ReadDir>();
    "fs::CopyError": |_file| size_of::<fs::CopyError>();
    "fs::Dir": |_file| size_of::<fs::Dir>();
    "fs::FileCopy": |file| fs::FileCopy::new(file, file, 0);
    "fs::Resolve": |_file| size_of::<fs::Resolve>();
    "fs::ReadAhead": |_file| size_of::<fs::ReadAhead>();
    "Ring<File>": |_file| size_of::<Ring<File>>();
    "Ring::<File>::open": |_file| Ring::<File>::open("");
    "Ring::<File>::create": |_file| Ring::<File>::create("");
    "Ring::<File>::sync_all": |file| file.sync_all();
    "Ring::<File>::sync_data": |file| file.sync_data();
    "Ring::<File>::set_times": |file| file.set_times(fs::FileTimes::new());
    "Ring::<File>::set_modified": |file| file.set_modified(std::time::SystemTime::now());
    "Ring::<File>::set_len": |file| file.set_len(0);
    "Ring::<File>::metadata": |file| file.metadata();
    "Ring::<File>::try_clone": |file| file.try_clone();
    "Ring::<File>::set_permissions": |file| file.set_permissions(fs::Permissions::from_mode(0o600));
    "Ring::<File>::read_at": |file| file.read_at(vec![], 0);
    "Ring::<File>::read_exact_at": |file| file.read_exact_at(vec![], 0);
    "Ring::<File>::write_at": |file| file.write_at("", 0);
    "Ring::<File>::write_all_at": |file| file.write_all_at("", 0);
    "Ring::<File>::read_vectored_at": |file| file.read_vectored_at(vec![vec![]], 0);
    "Ring::<File>::write_vectored_at": |file| file.write_vectored_at([""], 0);
    "Ring::<File>::allocate": |file| file.allocate(0, 1, fs::Allocation::Reserve);
    "Ring::<File>::advise": |file| file.advise(0, None, fs::FileAdvice::Normal);
    "Ring::<File>::read_to_end_at": |file| file.read_to_end_at(vec![], 0);
    "AsyncRead": |file| is_read(file);
    "AsyncWrite": |file| is_write(file);
    "AsyncSeek": |file| is_seek(file);
}

fn is_read<T: AsyncRead>(_: &T) -> Option<&str> {
    None
}

fn is_write<T: AsyncWrite>(_: &T) -> Option<&str> {
    None
}

fn is_seek<T: AsyncSeek>(_: &T) -> Option<&str> {
    None
}

/// The names between backticks.
fn quoted(cell: &str) -> impl Iterator<Item = String> + '_ {
    cell.split('`').skip(1).step_by(2).map(str::to_owned)
}

#[test]
fn the_page_names_what_there_is_and_all_of_it() {
    assert_eq!(USES.len(), NAMES.len());
    let mut named = BTreeSet::new();
    for row in PAGE.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        match cells[..] {
            [_std, "–", status] => assert!(status.starts_with("absent: "), "{row}"),
            [_std, ours, status] => {
                let is_known = status.starts_with("there") || status.starts_with("differs: ");
                assert!(is_known, "{row}");
                named.extend(quoted(ours));
            }
            [ours, _what_for] => named.extend(quoted(ours)),
            _ => panic!("{row}"),
        }
    }
    let listed: BTreeSet<String> = NAMES.iter().map(|&name| name.to_owned()).collect();
    assert_eq!(named, listed);
}
