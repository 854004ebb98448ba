//! The table of the targets.

use crate::Target;

mod canary;
mod completions;
mod decoders;
mod indices;
mod operations;
mod parts;
mod settings;

/// Every target that must never fail.
pub const TARGETS: &[Target] = &[
    Target { name: "operations", run: operations::run },
    Target { name: "decoders", run: decoders::run },
    Target { name: "parts", run: parts::run },
    Target { name: "completions", run: completions::run },
    Target { name: "indices", run: indices::run },
    Target { name: "settings", run: settings::run },
];

/// The target that fails: with the word in its corpus.
pub const CANARY: Target = Target { name: "canary", run: canary::run };
