//! `fuzz`: runs one target with files, or, built with `--cfg fuzzing`, looks for new inputs.
//!
//! `fuzz <target> <file>…` says of each file how it went, and fails where one of them does. As a
//! fuzzer it is a program of libFuzzer, with the arguments of such; the target is named by the
//! variable `RINGBAHN_FUZZ_TARGET`, and `cargo xtask fuzz <target>` builds and runs it.
#![cfg_attr(fuzzing, no_main)]
#![cfg_attr(fuzzing, allow(unsafe_code, reason = "libFuzzer calls a function by its name"))]

use ringbahn_fuzz::Target;

#[cfg(not(fuzzing))]
fn main() -> std::process::ExitCode {
    let mut arguments = std::env::args().skip(1);
    let Some(target) = arguments.next().and_then(|name| Target::named(&name)) else {
        eprintln!("usage: fuzz <target> <file>…; targets: {}", names());
        return std::process::ExitCode::FAILURE;
    };
    let mut code = std::process::ExitCode::SUCCESS;
    for path in arguments {
        let replayed = std::fs::read(&path).map_err(|error| error.to_string());
        match replayed.and_then(|bytes| target.replay(&bytes)) {
            Ok(()) => println!("{path}: ok"),
            Err(message) => {
                println!("{path}: {message}");
                code = std::process::ExitCode::FAILURE;
            }
        }
    }
    code
}

/// The names of the targets, for a message.
fn names() -> String {
    let all = ringbahn_fuzz::TARGETS.iter().chain([&ringbahn_fuzz::CANARY]);
    all.map(|target| target.name).collect::<Vec<_>>().join(", ")
}

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    static TARGET: std::sync::LazyLock<Target> = std::sync::LazyLock::new(|| {
        let name = std::env::var("RINGBAHN_FUZZ_TARGET").unwrap_or_default();
        Target::named(&name).unwrap_or_else(|| panic!("RINGBAHN_FUZZ_TARGET: one of {}", names()))
    });
    (TARGET.run)(bytes);
});
