//! The rules about words: nothing unfinished is merged, a panic needs a reason, and a test neither
//! orders things by sleeping nor is ignored without saying why.

use super::Problem;
use super::lexer::find_word;
use super::source::Source;

/// What marks a place as unfinished, in comments and in code.
const UNFINISHED: [&str; 3] = ["TODO", "FIXME", "XXX"];
const MACROS: [&str; 3] = ["todo!", "unimplemented!", "dbg!"];

/// Checks the words of a file.
pub(super) fn check(source: &Source) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (number, line) in source.numbered() {
        let mut report = |message: String| {
            problems.push(Problem::new(&source.path, number, message));
        };
        for word in UNFINISHED {
            let found = [&line.code, &line.comment].map(|text| find_word(text, word).is_some());
            if found.contains(&true) {
                report(format!("`{word}`; do it, or open an issue that says what is missing"));
            }
        }
        for name in MACROS {
            if let Some(at) = line.code.find(name) {
                let before = line.code[..at].chars().next_back();
                if !before.is_some_and(|character| character.is_alphanumeric() || character == '_')
                {
                    report(format!("`{name}` is for drafts; write what is meant"));
                }
            }
        }
        if line.code.contains(".unwrap()") && !source.is_test(number) {
            report("`unwrap`; use `expect` and state the invariant, or return an error".into());
        }
        let is_explained = sleep_is_explained(source, number);
        if line.code.contains("thread::sleep") && source.is_test(number) && !is_explained {
            report(
                "a test sleeps; wait for what it waits for, or say in a comment `// sleep: …` why \
                 this orders nothing"
                    .into(),
            );
        }
        if line.code.contains("#[ignore]") {
            report("an ignored test; give the reason: `#[ignore = \"…\"]`".into());
        }
    }
    problems
}

fn sleep_is_explained(source: &Source, number: usize) -> bool {
    let here = source.lines.get(number - 1);
    let above = number.checked_sub(2).and_then(|index| source.lines.get(index));
    [here, above].into_iter().flatten().any(|line| line.comment.starts_with("// sleep:"))
}

#[cfg(test)]
mod tests {
    use super::super::source::sample;
    use super::*;

    fn count(path: &str, text: &str) -> usize {
        check(&sample(path, text)).len()
    }

    #[test]
    fn unfinished_places_are_problems_in_comments_and_code() {
        assert_eq!(count("c/src/a.rs", "// TODO: more\nconst FIXME: u8 = 0;\n// XXX\n"), 3);
        assert_eq!(count("c/src/a.rs", "const A: &str = \"TODO\";\n// a TODOS\n"), 0);
    }

    #[test]
    fn draft_macros_are_problems() {
        assert_eq!(count("c/tests/a.rs", "fn a() { todo!() }\nfn b() { dbg!(1); }\n"), 2);
        assert_eq!(count("c/src/a.rs", "fn a() { my_todo!() }\n// use todo!() here\n"), 0);
    }

    #[test]
    fn unwrap_is_a_problem_outside_tests_and_documentation() {
        let code = "fn a() { b().unwrap() }\n";
        assert_eq!(count("c/src/a.rs", code), 1);
        assert_eq!(count("c/tests/a.rs", code), 0);
        assert_eq!(count("c/src/a.rs", "/// a().unwrap();\nfn a() {}\n"), 0);
        let text = format!("#[cfg(test)]\nmod tests {{\n{code}}}\n");
        assert_eq!(count("c/src/a.rs", &text), 0);
    }

    #[test]
    fn a_sleep_in_a_test_is_a_problem_unless_explained() {
        let sleep = "std::thread::sleep(TICK);";
        assert_eq!(count("c/tests/a.rs", &format!("fn a() {{ {sleep} }}\n")), 1);
        let above = format!("fn a() {{\n// sleep: makes the load uneven.\n{sleep}\n}}\n");
        assert_eq!(count("c/tests/a.rs", &above), 0);
        let beside = format!("fn a() {{ {sleep} // sleep: makes the load uneven.\n}}\n");
        assert_eq!(count("c/tests/a.rs", &beside), 0);
        assert_eq!(count("c/src/a.rs", &format!("fn a() {{ {sleep} }}\n")), 0);
    }

    #[test]
    fn an_ignored_test_needs_a_reason() {
        assert_eq!(count("c/tests/a.rs", "#[test]\n#[ignore]\nfn a() {}\n"), 1);
        assert_eq!(count("c/tests/a.rs", "#[test]\n#[ignore = \"slow\"]\nfn a() {}\n"), 0);
    }
}
