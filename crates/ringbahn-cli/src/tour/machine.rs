//! What the tour asks the machine about itself.

use std::fs;

/// The kernel: its name, version and architecture.
pub(crate) fn kernel() -> String {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease");
    let release = release.unwrap_or_else(|_| "of unknown version".to_owned());
    format!("Linux {} {}", release.trim(), std::env::consts::ARCH)
}

/// How many descriptors the process has open; `None` where `/proc` does not tell.
pub(crate) fn open_descriptors() -> Option<usize> {
    // The one that reads the directory is among them, each time.
    fs::read_dir("/proc/self/fd").ok().map(Iterator::count)
}
