//! The rule: `unsafe` is written only in the files that `unsafe-modules.txt` lists, each with a
//! reason; and every entry of the list is needed.
//!
//! So whoever audits the project finds everything to audit in one list, and a review sees the
//! list change. Tests may use `unsafe` without being listed.

use super::Problem;
use super::lexer::find_word;
use super::source::Source;

/// The list, relative to the root of the workspace.
pub(super) const LIST: &str = "unsafe-modules.txt";

struct Entry<'a> {
    line: usize,
    pattern: &'a str,
    has_reason: bool,
}

fn entries(list: &str) -> Vec<Entry<'_>> {
    let numbered = list.lines().enumerate();
    numbered
        .filter(|(_, text)| !text.trim().is_empty() && !text.starts_with('#'))
        .map(|(index, text)| {
            let (pattern, reason) = text.split_once(' ').unwrap_or((text, ""));
            Entry { line: index + 1, pattern, has_reason: !reason.trim().is_empty() }
        })
        .collect()
}

/// Whether `pattern`, a path or `folder/*.rs`, names `path`.
fn names(pattern: &str, path: &str) -> bool {
    match pattern.strip_suffix("/*.rs") {
        Some(folder) => path.rsplit_once('/').is_some_and(|(parent, _)| parent == folder),
        None => pattern == path,
    }
}

/// The first line of code outside tests that contains `unsafe`.
fn first_unsafe(source: &Source) -> Option<usize> {
    source
        .numbered()
        .find(|(number, line)| {
            find_word(&line.code, "unsafe").is_some() && !source.is_test(*number)
        })
        .map(|(number, _)| number)
}

/// Holds the files against the list.
pub(super) fn check(sources: &[Source], list: &str) -> Vec<Problem> {
    let entries = entries(list);
    let users: Vec<(&str, usize)> = sources
        .iter()
        .filter_map(|source| Some((source.path.as_str(), first_unsafe(source)?)))
        .collect();
    let mut problems = Vec::new();
    for (path, line) in &users {
        if !entries.iter().any(|entry| names(entry.pattern, path)) {
            let message =
                format!("`unsafe` in a file that {LIST} does not list; do without it, or list it");
            problems.push(Problem::new(path, *line, message));
        }
    }
    for entry in &entries {
        let pattern = entry.pattern;
        if !entry.has_reason {
            let message = format!("`{pattern}` has no reason; say why it needs `unsafe`");
            problems.push(Problem::new(LIST, entry.line, message));
        }
        if !users.iter().any(|(path, _)| names(pattern, path)) {
            let message = format!("`{pattern}` has no `unsafe`; remove it from the list");
            problems.push(Problem::new(LIST, entry.line, message));
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::super::source::sample;
    use super::*;

    const CODE: &str = "fn a() { unsafe { b() } }\n";

    #[test]
    fn a_listed_file_may_use_it() {
        let sources = [sample("c/src/a.rs", CODE), sample("c/src/b/d.rs", CODE)];
        let list = "# head\nc/src/a.rs the cell\nc/src/b/*.rs the events\n";
        assert_eq!(check(&sources, list), []);
    }

    #[test]
    fn another_file_may_not() {
        let problems = check(&[sample("c/src/a.rs", CODE)], "");
        assert_eq!(problems.len(), 1);
        assert_eq!((problems[0].path.as_str(), problems[0].line), ("c/src/a.rs", 1));
    }

    #[test]
    fn a_glob_does_not_reach_into_folders() {
        assert!(!names("c/src/*.rs", "c/src/b/d.rs"));
    }

    #[test]
    fn an_entry_without_need_or_reason_is_a_problem() {
        let sources = [sample("c/src/a.rs", "fn a() {}\n"), sample("c/src/b.rs", CODE)];
        let problems = check(&sources, "c/src/a.rs once upon a time\nc/src/b.rs\n");
        assert_eq!(problems.iter().map(|problem| problem.line).collect::<Vec<_>>(), [1, 2]);
    }

    #[test]
    fn tests_comments_and_strings_do_not_count() {
        let text = "// unsafe\nconst A: &str = \"unsafe\";\n#[cfg(test)]\nmod tests {\n\
                    fn a() { unsafe { b() } }\n}\n";
        assert_eq!(check(&[sample("c/src/a.rs", text), sample("c/tests/a.rs", CODE)], ""), []);
    }
}
