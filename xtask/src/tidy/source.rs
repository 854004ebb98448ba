//! A Rust file as the rules look at it: its lines, its syntax tree, and which part of it is tests.

use std::ops::RangeInclusive;

use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use super::Problem;
use super::lexer::{self, Line};

/// A parsed file.
pub(super) struct Source {
    /// Relative to the root of the workspace.
    pub(super) path: String,
    pub(super) text: String,
    pub(super) lines: Vec<Line>,
    pub(super) syntax: syn::File,
    /// The line numbers of items that are compiled for tests only.
    tests: Vec<RangeInclusive<usize>>,
    /// Whether the file is a module that is compiled for tests only.
    is_test_module: bool,
}

impl Source {
    /// Parses `text`.
    pub(super) fn new(path: &str, text: &str) -> Result<Source, Problem> {
        let syntax = syn::parse_file(text).map_err(|error| {
            Problem::new(path, error.span().start().line, format!("cannot be parsed: {error}"))
        })?;
        let mut tests = TestItems::default();
        tests.visit_file(&syntax);
        Ok(Source {
            path: path.to_string(),
            text: text.to_string(),
            lines: lexer::lines(text),
            is_test_module: syntax.attrs.iter().any(is_test_attribute),
            syntax,
            tests: tests.ranges,
        })
    }

    /// Tells the modules behind a `#[cfg(test)] mod name;` that they are tests.
    pub(super) fn mark_test_modules(sources: &mut [Source]) {
        let paths: Vec<String> = sources.iter().flat_map(Source::test_modules).collect();
        for source in sources {
            source.is_test_module |= paths.contains(&source.path);
        }
    }

    /// The files of the modules that this one declares for tests only.
    fn test_modules(&self) -> Vec<String> {
        let stem = self.path.strip_suffix(".rs").unwrap_or(&self.path);
        let folder = match stem.rsplit_once('/') {
            Some((folder, "lib" | "main")) => folder,
            _ => stem,
        };
        let modules = self.syntax.items.iter().filter_map(|item| match item {
            syn::Item::Mod(module) if module.content.is_none() => Some(module),
            _ => None,
        });
        modules
            .filter(|module| module.attrs.iter().any(is_test_attribute))
            .map(|module| format!("{folder}/{}.rs", module.ident))
            .collect()
    }

    /// The lines with their numbers, from 1.
    pub(super) fn numbered(&self) -> impl Iterator<Item = (usize, &Line)> {
        self.lines.iter().enumerate().map(|(index, line)| (index + 1, line))
    }

    /// Whether the file belongs to what users compile, and not to tests, benchmarks or examples.
    pub(super) fn is_product(&self) -> bool {
        let apart = ["tests", "benches", "examples", "fuzz"];
        !self.is_test_module && !self.path.split('/').any(|folder| apart.contains(&folder))
    }

    /// Whether the line is compiled for tests, benchmarks or examples only.
    pub(super) fn is_test(&self, line: usize) -> bool {
        !self.is_product() || self.tests.iter().any(|range| range.contains(&line))
    }

    /// Whether the file is in the `src` folder of a package.
    pub(super) fn is_in_src(&self) -> bool {
        self.path.split('/').any(|folder| folder == "src")
    }
}

#[derive(Default)]
struct TestItems {
    ranges: Vec<RangeInclusive<usize>>,
}

impl<'ast> Visit<'ast> for TestItems {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        self.note(&item.attrs, item);
        visit::visit_item_mod(self, item);
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.note(&item.attrs, item);
        visit::visit_item_fn(self, item);
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        self.note(&item.attrs, item);
        visit::visit_item_impl(self, item);
    }
}

impl TestItems {
    fn note(&mut self, attributes: &[syn::Attribute], item: &impl Spanned) {
        if attributes.iter().any(is_test_attribute) {
            let span = item.span();
            self.ranges.push(span.start().line..=span.end().line);
        }
    }
}

/// `#[test]`, `#[cfg(test)]` and `#[cfg(all(test, …))]`.
fn is_test_attribute(attribute: &syn::Attribute) -> bool {
    match &attribute.meta {
        syn::Meta::Path(path) => path.is_ident("test"),
        syn::Meta::List(list) if list.path.is_ident("cfg") => {
            let condition = list.tokens.to_string();
            condition == "test" || condition.starts_with("all") && condition.contains("test")
        }
        _ => false,
    }
}

#[cfg(test)]
pub(super) fn sample(path: &str, text: &str) -> Source {
    Source::new(path, text).expect("the sample parses")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "fn a() {}\n#[cfg(test)]\nmod tests {\n    fn b() {}\n}\nfn c() {}\n";

    #[test]
    fn a_test_module_is_test_code_and_what_follows_is_not() {
        let source = sample("crates/x/src/a.rs", TEXT);
        let tests: Vec<bool> = (1..=6).map(|line| source.is_test(line)).collect();
        assert_eq!(tests, [false, true, true, true, true, false]);
    }

    #[test]
    fn every_line_of_an_integration_test_is_test_code() {
        assert!(sample("crates/x/tests/a.rs", TEXT).is_test(1));
    }

    #[test]
    fn a_module_declared_for_tests_is_test_code() {
        let declaration = "#[cfg(test)]\nmod testing;\nmod b;\n";
        for (parent, child) in [("c/src/lib.rs", "c/src/"), ("c/src/event.rs", "c/src/event/")] {
            let mut sources = [
                sample(parent, declaration),
                sample(&format!("{child}testing.rs"), "fn a() {}\n"),
                sample(&format!("{child}b.rs"), "fn a() {}\n"),
            ];
            Source::mark_test_modules(&mut sources);
            assert_eq!(sources.each_ref().map(|source| source.is_test(3)), [false, true, false]);
        }
    }

    #[test]
    fn what_does_not_parse_is_a_problem_with_a_line() {
        let Err(problem) = Source::new("a.rs", "fn a() {}\nfn {}\n") else {
            panic!("it parsed");
        };
        assert_eq!(problem.line, 2);
    }
}
