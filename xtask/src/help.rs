//! `cargo xtask help`: the list of commands.

use crate::process::{Failure, Outcome};

const TEXT: &str = "\
cargo xtask <command>

  ci         everything that continuous integration runs, with a summary at the end
  tidy       the project's own rules that neither rustc nor clippy knows
  test       all tests of the workspace, examples in the documentation included
  conformance
             the conformance suite on every driver, as a table
             [--check]          compares it with docs/conformance.md
             [--write]          puts it there
  coverage   how many lines of each crate the tests run (llvm-tools)
             [--write]          puts it into docs/coverage.md
             [PACKAGE…]         only the tests of these
  opcodes    the operations of io_uring: their events, tests and drivers, as a table
             [--check]          compares it with docs/opcodes.md
             [--write]          puts it there
  fallback   the tests of the library and its drivers once more, with no io_uring
  fuzz <target>
             mutated inputs for a fuzz target, under AddressSanitizer (nightly)
             [--seconds N]      for how long, 60 if not given
  loom       the concurrency models, under every interleaving that loom finds
  stress     random operations, drops and cancels on a real ring
             [--operations N]   how many, 1000000 if not given; select loops make N / 10 turns
  simulate   random operations, drops and cancels on the simulated kernel, under random faults
             [--operations N]   how many in all, 2000000 if not given
             [--seeds N]        on how many seeds, 200 if not given
             [--first N]        from which seed on, 0 if not given
  sanitize   all tests but the documentation's, the adapters' and the suite, under AddressSanitizer
             and LeakSanitizer (nightly)
  miri       the tests that need no kernel, under Miri (nightly)
  bench      every workload on every driver, beside the ring by hand and others, as a report
             [--peers]          with other libraries, which are a hundred crates to build
             [--profile full]   every case, in less than 40 minutes; else a look at each in 3
             [--list]           what there is to be measured
             [--workload NAME] [--contender NAME] [--rounds N] [--json FILE]
                                only these, so often, and where the figures go
  bench-echo what an echoed message and an idle connection cost, over the raw ring
  bench-hot  what data costs that is in memory already, beside std and tokio
  bench-op   what one operation costs over the raw ring, and how often it allocates
             [--work nop|read] [--batch N] [--way raw|submissions|restarted|tasks|shared]
                                only this part, as for a profiler
             [--operations N]   how many one figure is made of, 100000 if not given
  bench-timers
             what a timer costs among a million: time and memory
  bench-sim  how many operations a simulation makes in a second
  skips      what the last test command skipped on this machine, and whether that is expected
  help       this text

A command whose tools are not installed prints NOT RUN and the reason, and succeeds.
";

/// Prints the list of commands.
pub(crate) fn run() -> Result<Outcome, Failure> {
    print!("{TEXT}");
    Ok(Outcome::Done)
}
