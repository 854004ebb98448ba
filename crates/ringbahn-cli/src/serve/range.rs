//! The part of a file that is asked for.

use std::ops::Range;

/// What a `Range` asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// All of it: nothing was asked for that could be understood, or several parts.
    Whole,
    /// These bytes; never none.
    Part(Range<u64>),
    /// Bytes behind the end.
    Nothing,
}

/// Reads a header such as `bytes=0-99`, `bytes=100-` or `bytes=-100`, for a file of `length` bytes.
///
/// Several ranges at once are answered with the whole, which a server is free to do.
pub(super) fn wanted(header: &str, length: u64) -> Wanted {
    parse(header, length).unwrap_or(Wanted::Whole)
}

fn parse(header: &str, length: u64) -> Option<Wanted> {
    let (unit, range) = header.split_once('=')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return None;
    }
    let (first, last) = range.trim().split_once('-')?;
    let part = if first.is_empty() {
        length.saturating_sub(number(last)?)..length
    } else {
        let first = number(first)?;
        let last = if last.is_empty() { u64::MAX } else { number(last)? };
        if last < first {
            return None;
        }
        first..last.saturating_add(1).min(length)
    };
    Some(if part.start < part.end { Wanted::Part(part) } else { Wanted::Nothing })
}

/// A number of any size; one that is too large is as good as the largest.
fn number(digits: &str) -> Option<u64> {
    if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    Some(digits.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_cut_to_what_there_is() {
        for (header, part) in [
            ("bytes=0-0", 0..1),
            ("bytes=0-99", 0..100),
            ("bytes=0-100", 0..100),
            ("bytes=99-", 99..100),
            ("bytes=10-19", 10..20),
            ("bytes=-1", 99..100),
            ("bytes=-100", 0..100),
            ("bytes=-1000", 0..100),
            ("Bytes = 5-99999999999999999999999", 5..100),
        ] {
            assert_eq!(wanted(header, 100), Wanted::Part(part), "{header}");
        }
    }

    #[test]
    fn there_is_nothing_behind_the_end() {
        for header in ["bytes=100-", "bytes=100-200", "bytes=-0", "bytes=99999999999999999999-"] {
            assert_eq!(wanted(header, 100), Wanted::Nothing, "{header}");
        }
        for header in ["bytes=0-", "bytes=-1"] {
            assert_eq!(wanted(header, 0), Wanted::Nothing, "{header}");
        }
    }

    #[test]
    fn what_cannot_be_understood_is_the_whole() {
        for header in [
            "",
            "bytes",
            "bytes=",
            "bytes=-",
            "bytes=a-b",
            "bytes=5-4",
            "bytes=1-2,4-5",
            "lines=1-2",
            "bytes=+1-2",
            "bytes=1--2",
            "bytes=0x1-",
            "bytes= 1 - 2",
        ] {
            assert_eq!(wanted(header, 100), Wanted::Whole, "{header}");
        }
    }
}
