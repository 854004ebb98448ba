//! The rule: every event is in the registry, and its page names the kernel it needs and the manual
//! it follows. An event's file is one in the folder of events that implements `Event`.
//!
//! The registry is what tests, tables and the probe of the kernel are made from, so an event that
//! is not in it would be tested by nobody.

use super::Problem;
use super::lexer::find_word;
use super::source::Source;

const FOLDER: &str = "crates/ringbahn-core/src/event/";
const REGISTRY: &str = "crates/ringbahn-core/src/event/registry.rs";

/// Checks the event files against the registry, where there is one.
pub(super) fn check(sources: &[Source]) -> Vec<Problem> {
    let Some(registry) = sources.iter().find(|source| source.path == REGISTRY) else {
        return Vec::new();
    };
    let mut problems = Vec::new();
    for source in sources.iter().filter(|source| source.path != REGISTRY) {
        let Some(name) = source.path.strip_prefix(FOLDER) else { continue };
        let Some(name) = name.strip_suffix(".rs").filter(|name| !name.contains('/')) else {
            continue;
        };
        if !implements_event(source) {
            continue;
        }
        let mut report = |message: String| problems.push(Problem::new(&source.path, 1, message));
        if !registry.lines.iter().any(|line| find_word(&line.code, name).is_some()) {
            report(format!("event `{name}` is not in the registry; add it to {REGISTRY}"));
        }
        let comments = || source.lines.iter().map(|line| line.comment.as_str());
        if !comments().any(|comment| comment.ends_with(" # Kernel")) {
            report(
                "no `# Kernel` section; say since which version, and what is done before".into(),
            );
        }
        if !comments().any(|comment| comment.contains("man7.org")) {
            report("no link to a manual page on man7.org; add one under `# References`".into());
        }
    }
    problems
}

fn implements_event(source: &Source) -> bool {
    source.syntax.items.iter().any(|item| match item {
        syn::Item::Impl(item) => {
            let of = item.trait_.as_ref().and_then(|(path, ..)| path.segments.last());
            of.is_some_and(|segment| segment.ident == "Event")
        }
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::super::source::sample;
    use super::*;

    const PAGE: &str = "//! # Kernel\n//!\n//! 5.6\n//!\n//! <https://man7.org/read.2.html>\n\
                        impl Event for Read {}\n";
    const BARE_PAGE: &str = "//! Reads.\nimpl<B> Event for Read<B> {}\n";

    #[test]
    fn a_registered_and_documented_event_passes() {
        let sources = [
            sample(REGISTRY, "events! { read::Read, nop::Nop }\n"),
            sample(&format!("{FOLDER}read.rs"), PAGE),
        ];
        assert_eq!(check(&sources), []);
    }

    #[test]
    fn an_unregistered_undocumented_event_is_three_problems() {
        let sources = [
            sample(REGISTRY, "// read\nevents! { nop::Nop }\n"),
            sample(&format!("{FOLDER}read.rs"), BARE_PAGE),
        ];
        assert_eq!(check(&sources).len(), 3);
    }

    #[test]
    fn a_file_that_implements_no_event_need_not_be_registered() {
        let sources = [
            sample(REGISTRY, "events! { nop::Nop }\n"),
            sample(&format!("{FOLDER}transfer.rs"), "//! Common to reads and writes.\n"),
        ];
        assert_eq!(check(&sources), []);
    }

    #[test]
    fn without_a_registry_there_is_nothing_to_check() {
        assert_eq!(check(&[sample(&format!("{FOLDER}read.rs"), BARE_PAGE)]), []);
    }
}
