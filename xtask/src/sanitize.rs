//! `cargo xtask sanitize`: the tests under AddressSanitizer, which brings LeakSanitizer on Linux.
//!
//! Sanitizers are a nightly feature of rustc. They see what the program does to memory and not
//! what the kernel does to it, so late writes of the kernel are the stress test's to find.
//!
//! Some tests leak on purpose: they forget a future, or drop a ring with operations in flight, and
//! show that what the kernel may still use is never freed. `leaks-on-purpose.txt` names them.
//! LeakSanitizer finds the name of a test with the help of `llvm-symbolizer`, among the callers of
//! the allocation; without that program it cannot tell, and leaks are not looked for.

use crate::process::{Failure, Outcome, Program};
use crate::skips;
use crate::workspace;

/// The tests that leak on purpose, as LeakSanitizer's suppressions.
const LEAKS: &str = "leaks-on-purpose.txt";

/// A race of one connection against others, which takes longer under the sanitizer than it is
/// given.
const TOO_SLOW: &str = "a_greedy_connection_starves_none_of_its_neighbours";

/// Frame pointers, without which the callers of a `catch_unwind` are not found; and no shelf, on
/// which records are kept out of the sanitizer's sight.
const FLAGS: &str = "-Zsanitizer=address -Cforce-frame-pointers=yes --cfg ringbahn_no_shelf";

/// Runs the tests of the libraries and the command, without the documentation's.
pub(crate) fn run() -> Result<Outcome, Failure> {
    let Some(version) = Program::cargo(&["+nightly", "-vV"]).output() else {
        return Ok(Outcome::NotRun("no nightly toolchain".to_string()));
    };
    let Some(host) = host(&version) else {
        return Err(Failure("the nightly rustc does not name its host".to_string()));
    };
    check(&workspace::read(LEAKS)?, has_test)?;
    let finds_leaks = Program::new("llvm-symbolizer", &["--version"]).succeeds();
    let leaks = u8::from(finds_leaks);
    // Without the features: what they bring is safe code upon the same operations, and half of the
    // time would go into building protocols.
    // And without the suite for drivers, which takes as long as all the rest: what it does are the
    // operations of the drivers' own tests, on one driver after the other.
    let without = ["--exclude", "xtask", "--exclude", "ringbahn-conformance"];
    let what = [&["--workspace"], &without[..], &["--target", host]].concat();
    let cargo = |command: &str, how: &[&str]| {
        Program::cargo(&[&["+nightly", command], &what[..], how].concat())
            .env("CARGO_TARGET_DIR", workspace::target_of("sanitize"))
            .env("RUSTFLAGS", FLAGS)
    };
    // Those that a test runs; cargo builds them by itself only where it is to test everything.
    cargo("build", &["--examples"]).run()?;
    let suppressions = workspace::root().join(LEAKS);
    // A test asks for more memory than there is, and is to be told so.
    let asan = format!("malloc_context_size=100:detect_leaks={leaks}:allocator_may_return_null=1");
    let program = cargo("test", &["--tests", "--no-fail-fast", "--", "--skip", TOO_SLOW])
        // The test is far from the allocation where that is part of a panic.
        .env_default("ASAN_OPTIONS", &asan)
        .env_default(
            "LSAN_OPTIONS",
            &format!("suppressions={}:print_suppressions=0", suppressions.display()),
        );
    let outcome = skips::run_tests(program)?;
    if finds_leaks {
        Ok(outcome)
    } else {
        let reason = "the tests passed, but leaks were not looked for: no llvm-symbolizer";
        Ok(Outcome::NotRun(reason.to_string()))
    }
}

/// The host that the output of `cargo -vV` or `rustc -vV` names.
pub(crate) fn host(version: &str) -> Option<&str> {
    version.lines().find_map(|line| line.strip_prefix("host: "))
}

/// Sees to it that the list names single tests that there are, and so no leak but theirs.
fn check(list: &str, has: impl Fn(&str, &str) -> bool) -> Result<(), Failure> {
    for (index, line) in list.lines().enumerate() {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let test = line.strip_prefix("leak:").and_then(|test| test.split_once("::"));
        if !test.is_some_and(|(file, name)| has(file, name)) {
            let number = index + 1;
            let form = "leak:<test program>::<module::>…<name of the test>";
            return Err(Failure(format!("{LEAKS}:{number}: not `{form}` of a test there is")));
        }
    }
    Ok(())
}

/// Whether the test program `program`, or the library of that name, has a test `name`, which may be
/// in a module.
fn has_test(program: &str, name: &str) -> bool {
    let (modules, name) = name.rsplit_once("::").unwrap_or(("", name));
    let file = modules.split("::").fold(String::new(), |path, module| match module {
        "" => path,
        module => format!("{path}/{module}"),
    });
    let of_program = workspace::files(&format!("/tests/{program}{file}.rs"));
    let of_library =
        workspace::files(&format!("crates/{}/src{file}.rs", program.replace('_', "-")));
    let paths = [of_program, of_library].map(Result::unwrap_or_default).concat();
    paths.iter().any(|path| {
        let text = workspace::read(path).unwrap_or_default();
        text.contains(&format!("#[test]\nfn {name}() {{"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_is_found_in_the_version() {
        let version = "cargo 1.0.0-nightly\nrelease: 1.0.0\nhost: x86_64-unknown-linux-gnu\n";
        assert_eq!(host(version), Some("x86_64-unknown-linux-gnu"));
        assert_eq!(host("cargo 1.0.0"), None);
    }

    #[test]
    fn only_tests_that_there_are_may_leak() {
        let has = |file: &str, name: &str| (file, name) == ("forgotten", "a_future_leaks");
        assert!(check("# Why.\n\nleak:forgotten::a_future_leaks\n", has).is_ok());
        for line in ["leak:ringbahn", "leak:*", "leak:forgotten::", "forgotten::a_future_leaks"] {
            assert!(check(line, has).is_err(), "{line}");
        }
        assert!(!has_test("no_such_file", "") && !has_test("../src/lib", "main"));
    }

    #[test]
    fn every_test_of_the_projects_own_list_is_there() {
        check(&workspace::read(LEAKS).expect("there"), has_test).expect("they are");
    }
}
