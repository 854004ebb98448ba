//! [`RingMemory`]: in whose memory the queues of a ring lie.

use std::fs;
use std::io;

/// Memory of the program's own, in which the queues of a ring lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RingMemory {
    /// Ordinary pages. Before Linux 6.10 the kernel wants each queue in one page or in a huge one,
    /// and refuses larger ones.
    Pages,
    /// Huge pages (`MAP_HUGETLB`), of the usual size. A large ring takes up few entries of the
    /// processor's cache of addresses then. The machine must have some to spare: `sysctl
    /// vm.nr_hugepages`.
    HugePages,
}

impl RingMemory {
    /// The size of its huge pages, if it is in such.
    ///
    /// # Errors
    ///
    /// `Unsupported` where the machine has no huge pages.
    pub(crate) fn huge_page(self) -> io::Result<Option<usize>> {
        if self == RingMemory::Pages {
            return Ok(None);
        }
        let text = fs::read_to_string("/proc/meminfo")?;
        huge_page_in(&text).map(Some).ok_or_else(|| {
            io::Error::new(io::ErrorKind::Unsupported, "this kernel has no huge pages")
        })
    }
}

/// The size of huge pages in the text of `/proc/meminfo`.
fn huge_page_in(text: &str) -> Option<usize> {
    let line = text.lines().find_map(|line| line.strip_prefix("Hugepagesize:"))?;
    let kib: usize = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    (kib > 0).then_some(kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_size_of_huge_pages_is_read_from_the_text_of_proc() {
        let text = "HugePages_Total:       0\nHugepagesize:       2048 kB\nHugetlb: 0 kB\n";
        assert_eq!(huge_page_in(text), Some(2 << 20));
        assert_eq!(huge_page_in("HugePages_Total: 0\n"), None);
        assert_eq!(huge_page_in("Hugepagesize: 0 kB\n"), None);
    }
}
