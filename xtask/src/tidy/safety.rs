//! The rule: above every unsafe block and unsafe impl stands a `// SAFETY:` comment that cites at
//! least one invariant by its id, such as `E1`, which the crate defines, and defines once.
//!
//! A definition is a comment line that begins with the id and a full stop: `//! E1. From the …`.
//! Tests need the comment and no id: they rely on what they have just set up.

use std::collections::HashMap;

use super::Problem;
use super::lexer::find_word;
use super::source::Source;

/// The invariants of all crates: crate and id, and where they are defined.
type Definitions<'a> = HashMap<(&'a str, &'a str), (&'a str, usize)>;

/// Checks every unsafe block and impl of every file.
pub(super) fn check(sources: &[Source]) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut definitions = Definitions::new();
    for source in sources {
        for (number, id) in defined(source) {
            let key = (crate_of(&source.path), id);
            let (path, line) = *definitions.entry(key).or_insert((&source.path, number));
            if (path, line) != (&source.path, number) {
                let message = format!("{path}:{line} defines {id} too; take another id");
                problems.push(Problem::new(&source.path, number, message));
            }
        }
    }
    for source in sources {
        for number in unsafe_lines(source) {
            if let Some(message) = fault(source, number, &definitions) {
                problems.push(Problem::new(&source.path, number, message));
            }
        }
    }
    problems
}

/// The lines where an unsafe block or impl begins.
fn unsafe_lines(source: &Source) -> impl Iterator<Item = usize> {
    source
        .numbered()
        .filter(|(number, line)| {
            let Some(at) = find_word(&line.code, "unsafe") else { return false };
            let mut after = line.code[at + "unsafe".len()..].trim_start();
            if after.is_empty() {
                after = source.lines.get(*number).map_or("", |next| next.code.trim_start());
            }
            after.starts_with('{') || find_word(after, "impl") == Some(0)
        })
        .map(|(number, _)| number)
}

/// What is wrong with the comment above the line, if anything is.
fn fault(source: &Source, number: usize, definitions: &Definitions<'_>) -> Option<String> {
    let comment = comment_above(source, number);
    if !comment.contains("SAFETY:") {
        return Some("no `// SAFETY:` comment above; say why this is sound".to_string());
    }
    let ids = ids(&comment);
    let is_defined = |id: &&str| definitions.contains_key(&(crate_of(&source.path), id));
    if source.is_test(number) || ids.iter().any(is_defined) {
        return None;
    }
    Some(match ids.first() {
        None => "the SAFETY comment cites no invariant; name the one it rests on, as in `E1`"
            .to_string(),
        Some(id) => format!(
            "the crate does not define {id}; define it in the module's `# Safety` section with a \
             line that begins `{id}. `"
        ),
    })
}

/// The comment above the statement that contains the line.
fn comment_above(source: &Source, number: usize) -> String {
    let mut index = number - 1;
    // Up to the head of the statement: rustfmt may have broken it before the `unsafe`.
    while index > 0 {
        let above = &source.lines[index - 1];
        let code = above.code.trim();
        let ends_something = code.ends_with([';', '{', '}', ',']);
        if above.is_comment() || code.is_empty() || (ends_something && !code.starts_with("#[")) {
            break;
        }
        index -= 1;
    }
    let mut comment = Vec::new();
    while index > 0 && source.lines[index - 1].is_comment() {
        let line = source.lines[index - 1].comment.as_str();
        comment.push(line);
        // What stands above is another comment.
        if line.contains("SAFETY:") {
            break;
        }
        index -= 1;
    }
    comment.reverse();
    comment.join("\n")
}

/// The invariants that the comments of a file define, with their lines.
fn defined(source: &Source) -> impl Iterator<Item = (usize, &str)> {
    source.numbered().filter(|(_, line)| line.is_comment()).filter_map(|(number, line)| {
        let text = line.comment.trim_start_matches(['/', '!']).trim_start();
        let (id, _) = text.split_once(". ")?;
        is_id(id).then_some((number, id))
    })
}

/// The ids that a comment cites.
fn ids(comment: &str) -> Vec<&str> {
    let words = comment.split(|character: char| !(character.is_alphanumeric() || character == '_'));
    words.filter(|word| is_id(word)).collect()
}

/// One or two capitals and then digits.
fn is_id(word: &str) -> bool {
    let digits = word.trim_start_matches(|character: char| character.is_ascii_uppercase());
    let capitals = word.len() - digits.len();
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    (1..=2).contains(&capitals) && is_number
}

/// The folder of the package that a file belongs to.
fn crate_of(path: &str) -> &str {
    path.split("/src/").next().unwrap_or(path)
}

#[cfg(test)]
#[allow(clippy::unnecessary_safety_comment, reason = "clippy sees them in the samples")]
mod tests {
    use super::super::source::sample;
    use super::*;

    const HEAD: &str = "//! E1. It stays\n//!     where it is.\n";

    fn problems(path: &str, body: &str) -> Vec<Problem> {
        check(&[sample(path, &format!("{HEAD}{body}"))])
    }

    #[test]
    fn a_comment_that_cites_a_defined_invariant_passes() {
        let body =
            "fn a() {\n    // SAFETY: E1, for\n    // it is pinned.\n    unsafe { b() }\n}\n";
        assert_eq!(problems("c/src/a.rs", body), []);
    }

    #[test]
    fn the_comment_stands_above_the_whole_statement() {
        let body = "fn a() {\n    // SAFETY: E1.\n    let c =\n        unsafe { b() };\n}\n";
        assert_eq!(problems("c/src/a.rs", body), []);
        let body = "// SAFETY: E1.\n#[allow(dead_code)]\nunsafe impl Send for A {}\n";
        assert_eq!(problems("c/src/a.rs", body), []);
    }

    #[test]
    fn no_comment_is_a_problem() {
        let body = "fn a() {\n    // SAFETY: E1.\n    c();\n    unsafe { b() }\n}\n";
        let problems = problems("c/src/a.rs", body);
        assert_eq!(problems[0].line, 6);
        assert!(problems[0].message.contains("no `// SAFETY:`"));
    }

    #[test]
    fn a_comment_without_an_id_is_a_problem_outside_tests() {
        let body = "fn a() {\n    // SAFETY: it behaves.\n    unsafe { b() }\n}\n";
        assert!(problems("c/src/a.rs", body)[0].message.contains("cites no invariant"));
        assert_eq!(problems("c/tests/a.rs", body), []);
    }

    #[test]
    fn an_undefined_id_is_a_problem() {
        let body = "// SAFETY: E2.\nunsafe impl Send for A {}\n";
        assert!(problems("c/src/a.rs", body)[0].message.contains("does not define E2"));
    }

    #[test]
    fn another_module_of_the_crate_may_define_it_and_no_other_crate() {
        let child = sample("c/src/event/read.rs", "// SAFETY: E1.\nunsafe impl Send for A {}\n");
        let mut sources = [sample("c/src/event.rs", HEAD), child];
        assert_eq!(check(&sources), []);
        sources[0] = sample("d/src/event.rs", HEAD);
        assert_eq!(check(&sources).len(), 1);
    }

    #[test]
    fn an_id_that_is_defined_twice_is_a_problem() {
        let problems = check(&[sample("c/src/a.rs", HEAD), sample("c/src/b.rs", HEAD)]);
        assert_eq!((problems[0].path.as_str(), problems[0].line), ("c/src/b.rs", 1));
        assert!(problems[0].message.contains("c/src/a.rs:1 defines E1 too"));
    }

    #[test]
    fn unsafe_functions_are_not_blocks() {
        assert_eq!(problems("c/src/a.rs", "unsafe fn a() {}\n"), []);
    }

    #[test]
    fn ids_are_one_or_two_capitals_and_digits() {
        assert!(is_id("E1") && is_id("OT12"));
        assert!(!is_id("E") && !is_id("1") && !is_id("ABC1") && !is_id("E1a") && !is_id("e1"));
    }
}
