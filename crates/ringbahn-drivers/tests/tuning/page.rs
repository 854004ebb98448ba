//! The page that lists what a ring can be asked for.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use ringbahn_drivers::tuning::{KNOBS, Kind, Knob, OnFallback};

const HEAD: &str = "\
# What a ring can be asked for

Each flag of `io_uring_setup` and `io_uring_enter`, and each operation of `io_uring_register`: the
version of Linux that brought it, by what ringbahn asks for it, and what comes of it where the
fallback executes the operations.

| on the fallback | what it means |
|---|---|
| executed | the fallback has its own way to the same |
| ignored | it makes rings faster, or is a ring's own affair; nothing is said |
| unsupported | an error says so |
| – | nothing asks for it |

A kernel that lacks what a program asks for is told by `Lacking`, or by `Reason::Lacking` where no
ring can be made; both name what is lacking and the version that has it. Options that do not go
together are `Reason::Contradiction`.

This page is made of `ringbahn_drivers::tuning::KNOBS` by the test `tuning`, which fails where it
differs and leaves what it should be beside it in `target`.
";

fn section(page: &mut String, title: &str, kind: Kind) {
    writeln!(page, "\n## {title}\n\n| name | Linux | by | on the fallback | remark |").unwrap();
    writeln!(page, "|---|---|---|---|---|").unwrap();
    for knob in KNOBS.iter().filter(|knob| knob.kind == kind) {
        row(page, knob);
    }
}

fn row(page: &mut String, knob: &Knob) {
    let listing = knob.listing();
    let since = listing.since.map_or_else(String::new, |since| since.to_string());
    let by = if knob.by.is_empty() { "–" } else { knob.by };
    let fallback = match knob.fallback {
        OnFallback::Executed => "executed",
        OnFallback::Ignored => "ignored",
        OnFallback::Unsupported => "unsupported",
        _ => "–",
    };
    let remark = if knob.remark.is_empty() { listing.purpose } else { knob.remark };
    writeln!(page, "| `{}` | {since} | {by} | {fallback} | {remark} |", listing.name).unwrap();
}

#[test]
fn the_page_says_what_the_table_says() {
    let mut page = HEAD.to_owned();
    section(&mut page, "`io_uring_setup`", Kind::Setup);
    section(&mut page, "`io_uring_enter`", Kind::Enter);
    section(&mut page, "`io_uring_register`", Kind::Register);
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let path = root.join("docs/tuning.md");
    let there = fs::read_to_string(&path).unwrap_or_default();
    if there != page {
        let new = Path::new(env!("CARGO_TARGET_TMPDIR")).join("tuning.md");
        fs::write(&new, &page).unwrap();
        panic!("docs/tuning.md differs: cp {} {}", new.display(), path.display());
    }
}
