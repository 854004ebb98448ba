//! Reports that were made up, for tests.

use std::time::Duration;

use super::case::{Case, Echo, Figure, Idle, Nop, Profile, ReadRandom};
use super::contender::{Backend, Family};
use super::measured::{Latencies, Measured};
use super::report::{About, CaseReport, FORMAT, Machine, Report, Row};

/// How many operations each round has.
const OPERATIONS: u64 = 1000;

/// A report of these cases, of all contenders that they have.
pub(crate) fn report(cases: Vec<CaseReport>) -> Report {
    let mut contenders = Vec::<About>::new();
    for row in cases.iter().flat_map(|case| &case.rows) {
        if contenders.iter().all(|about| about.name != row.contender) {
            let about = format!("{} & friends, <made up>", row.contender);
            contenders.push(About { name: row.contender.clone(), about, family: row.family });
        }
    }
    Report {
        format: FORMAT,
        machine: Machine {
            kernel: "6.18.0".to_owned(),
            architecture: "x86_64".to_owned(),
            model: "Made \"up\" <processor> & more".to_owned(),
            processors: 2,
            version: "0.1.0".to_owned(),
            optimised: true,
            began: 1_790_000_000,
        },
        profile: Profile::Full,
        rounds: 5,
        warm_up: Duration::from_millis(100),
        measured: Duration::from_millis(250),
        command: "ringbahn-bench run --html 'a<b>.html'".to_owned(),
        seconds: 1234.5,
        contenders,
        cases,
        left_out: Vec::new(),
    }
}

/// A case without rows.
pub(crate) fn case(case: Case) -> CaseReport {
    let (name, figure) = (case.to_string(), case.figure());
    CaseReport { case, name, figure, rows: Vec::new(), missing_rounds: 0 }
}

pub(crate) fn nop(depth: u32) -> CaseReport {
    case(Case::Nop(Nop { depth }))
}

pub(crate) fn echo(connections: u32, length: u64) -> CaseReport {
    case(Case::Echo(Echo { connections, length, pipeline: 1 }))
}

pub(crate) fn idle(connections: u32) -> CaseReport {
    case(Case::Idle(Idle { connections }))
}

pub(crate) fn read(direct: bool, depth: u32) -> CaseReport {
    case(Case::ReadRandom(ReadRandom { direct, depth }))
}

/// A row whose rounds have these figures, whichever of them is looked at.
pub(crate) fn row(name: &str, family: Family, figures: &[f64]) -> Row {
    let rounds: Vec<Measured> = figures.iter().map(|&figure| measured(figure)).collect();
    let counted = rounds.first().copied();
    let counted = counted.map(|it| Measured { system_calls: Some(OPERATIONS / 4), ..it });
    Row {
        contender: name.to_owned(),
        family,
        rounds,
        counted: counted.map(|it| Measured { allocations: OPERATIONS, ..it }),
        repeated: 0,
        noisy: 0,
        failure: None,
    }
}

/// A row of one who could not do it.
pub(crate) fn failed(name: &str, family: Family, why: &str) -> Row {
    Row { failure: Some(why.to_owned()), ..row(name, family, &[]) }
}

fn measured(figure: f64) -> Measured {
    let all = (figure * OPERATIONS as f64).round() as u64;
    let latency = |times: f64| (figure * times) as u64;
    Measured {
        operations: OPERATIONS,
        wall_nanoseconds: all,
        processor_nanoseconds: all,
        others_nanoseconds: 0,
        system_calls: None,
        allocations: 0,
        resident: all,
        latencies: Some(Latencies {
            p50: latency(1.0),
            p99: latency(3.0),
            p999: latency(9.0),
            maximum: latency(80.0),
        }),
        backend: Backend::IoUring,
    }
}

/// Figures that differ a little from round to round, the same ones each time for the same seed.
pub(crate) fn around(figure: f64, seed: u64) -> Vec<f64> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut draw = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1_u64 << 53) as f64
    };
    (0..5).map(|_| figure * (0.985 + 0.03 * draw())).collect()
}

/// What there is to be seen on a page when all is there: many contenders, a failure, noise.
pub(crate) fn large() -> Report {
    let contenders = [
        ("raw", Family::Raw, 1.0),
        ("epoll", Family::Plain, 1.31),
        ("local", Family::Ringbahn, 1.02),
        ("local-handles", Family::Ringbahn, 1.07),
        ("hosted", Family::Ringbahn, 1.19),
        ("sharded", Family::Ringbahn, 1.24),
        ("sqpoll", Family::Ringbahn, 1.45),
        ("tokio", Family::Peer, 1.35),
        ("tokio-workers", Family::Peer, 1.52),
        ("smol", Family::Peer, 1.92),
        ("monoio", Family::Peer, 1.48),
        ("monoio-tuned", Family::Peer, 1.11),
        ("glommio", Family::Peer, 2.9),
        ("compio", Family::Peer, 1.23),
        ("compio-tuned", Family::Peer, 1.18),
        ("tokio-uring", Family::Peer, 1.34),
        ("a10", Family::Peer, 1.5),
        ("a10-tuned", Family::Peer, 1.14),
    ];
    let mut cases = Vec::new();
    let all = [1, 8, 32, 128].map(|depth| (nop(depth), 68.0 + 295.0 / f64::from(depth)));
    let reads = [(false, 1), (false, 32), (false, 128), (true, 1), (true, 32), (true, 128)];
    let reads = reads.map(|(direct, depth)| {
        let least = if direct { 11_000.0 } else { 1000.0 };
        (read(direct, depth), least + 70_000.0 / f64::from(depth))
    });
    let echoes = [(1, 64), (64, 64), (1000, 64), (64, 16 << 10), (1000, 16 << 10)];
    let echoes = echoes.map(|(connections, length)| {
        let of_length = length as f64 / 10.0;
        (echo(connections, length), 3900.0 + f64::from(connections) + of_length)
    });
    let idles = [1000, 10_000].map(|connections| (idle(connections), 1228.0));
    for (mut case, least) in all.into_iter().chain(reads).chain(echoes).chain(idles) {
        for (number, (name, family, factor)) in contenders.into_iter().enumerate() {
            // No ratio is the same everywhere.
            let factor = 1.0 + (factor - 1.0) * (1.0 + 400.0 / least) / 1.2;
            let seed = (cases.len() * 100 + number) as u64;
            let figures = around(least * factor, seed + 1);
            case.rows.push(row(name, family, &figures));
        }
        if case.figure == Figure::Memory {
            let why = "it has said nothing for 10 s <and \"more\">";
            case.rows[12] = failed("glommio", Family::Peer, why);
        }
        (case.rows[8].repeated, case.rows[8].noisy) = (2, 1);
        cases.push(case);
    }
    let mut report = report(cases);
    report.left_out = vec![Case::Nop(Nop { depth: 4096 })];
    report
}
