//! What the kernel says of the rings of this process: how many buffers and files each has
//! registered. For processes of their own only.
#![allow(dead_code, reason = "no scenario needs all of it")]

use std::fs;

/// How many slots of the tables of all rings of this process are filled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Filled {
    pub(crate) buffers: usize,
    pub(crate) files: usize,
}

/// Reads it from `/proc/self/fdinfo`.
pub(crate) fn filled() -> Filled {
    let mut filled = Filled::default();
    for entry in fs::read_dir("/proc/self/fd").unwrap().flatten() {
        let is_ring = fs::read_link(entry.path())
            .is_ok_and(|target| target.to_string_lossy().contains("[io_uring]"));
        if !is_ring {
            continue;
        }
        let info = entry.file_name();
        let info = fs::read_to_string(format!("/proc/self/fdinfo/{}", info.to_string_lossy()));
        count(&info.unwrap_or_default(), &mut filled);
    }
    filled
}

/// After a line such as `UserBufs: 16384` come lines such as `    0: 0x7f…/4096`, one for each
/// slot that is filled; of an empty one there is none, or it says `<none>`.
fn count(info: &str, filled: &mut Filled) {
    let mut section = "";
    for line in info.lines() {
        if let Some(("UserFiles" | "UserBufs", _)) = line.split_once(':') {
            section = line.split(':').next().unwrap_or_default();
        } else if !line.starts_with(' ') {
            section = "";
        } else if !line.contains("<none>") {
            match section {
                "UserFiles" => filled.files += 1,
                "UserBufs" => filled.buffers += 1,
                _ => {}
            }
        }
    }
}
