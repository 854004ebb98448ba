//! Takes a Rust file apart into code and comments, line by line.
//!
//! Only so much of a lexer as that needs: it knows strings, characters, lifetimes and comments,
//! so that a word in a string is not taken for code nor one in code for a comment.

/// A line of a file, taken apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Line {
    /// The code, with the contents of strings and all comments replaced by spaces.
    pub(super) code: String,
    /// The comments with their slashes.
    pub(super) comment: String,
}

impl Line {
    /// Whether there is a comment and nothing else.
    pub(super) fn is_comment(&self) -> bool {
        self.code.trim().is_empty() && !self.comment.is_empty()
    }
}

enum State {
    Code,
    LineComment,
    BlockComment { depth: usize },
    Text { end: char },
    RawString { hashes: usize },
}

/// Takes `text` apart.
pub(super) fn lines(text: &str) -> Vec<Line> {
    let characters: Vec<char> = text.chars().collect();
    let mut lines = vec![Line::default()];
    let mut state = State::Code;
    let mut at = 0;
    while at < characters.len() {
        let rest = &characters[at..];
        if rest[0] == '\n' {
            if matches!(state, State::LineComment) {
                state = State::Code;
            }
            lines.push(Line::default());
            at += 1;
            continue;
        }
        let before = at.checked_sub(1).map(|index| characters[index]);
        let (length, next) = step(&state, rest, before);
        let line = lines.last_mut().expect("there is always a line");
        let is_comment =
            |state: &State| matches!(state, State::LineComment | State::BlockComment { .. });
        let in_comment = is_comment(&state) || next.as_ref().is_some_and(is_comment);
        let in_text = matches!(state, State::Text { .. } | State::RawString { .. });
        for &character in rest[..length].iter().take_while(|character| **character != '\n') {
            if in_comment {
                line.comment.push(character);
                line.code.push(' ');
            } else {
                let hidden = in_text && next.is_none();
                line.code.push(if hidden { ' ' } else { character });
            }
        }
        // An escaped line break is two characters of which the second begins a line.
        at += if rest[..length].contains(&'\n') { length - 1 } else { length };
        state = next.unwrap_or(state);
    }
    lines
}

/// How many characters of `rest` belong together, and the state after them where it changes.
fn step(state: &State, rest: &[char], before: Option<char>) -> (usize, Option<State>) {
    let second = rest.get(1).copied();
    match state {
        State::Code => step_in_code(rest, before),
        State::LineComment => (1, None),
        State::BlockComment { depth } => match (rest[0], second) {
            ('/', Some('*')) => (2, Some(State::BlockComment { depth: depth + 1 })),
            ('*', Some('/')) if *depth == 1 => (2, Some(State::Code)),
            ('*', Some('/')) => (2, Some(State::BlockComment { depth: depth - 1 })),
            _ => (1, None),
        },
        State::Text { end } => match rest[0] {
            '\\' => (2.min(rest.len()), None),
            character if character == *end => (1, Some(State::Code)),
            _ => (1, None),
        },
        State::RawString { hashes } => {
            let closes = rest[0] == '"' && hash_count(&rest[1..]) >= *hashes;
            if closes { (1 + hashes, Some(State::Code)) } else { (1, None) }
        }
    }
}

fn step_in_code(rest: &[char], before: Option<char>) -> (usize, Option<State>) {
    match (rest[0], rest.get(1), rest.get(2)) {
        ('/', Some('/'), _) => (2, Some(State::LineComment)),
        ('/', Some('*'), _) => (2, Some(State::BlockComment { depth: 1 })),
        ('"', ..) => (1, Some(State::Text { end: '"' })),
        // A character; anything else that begins with an apostrophe is a lifetime.
        ('\'', Some('\\'), _) | ('\'', Some(_), Some('\'')) => (1, Some(State::Text { end: '\'' })),
        ('r', ..) if !before.is_some_and(|c| c.is_alphanumeric() && c != 'b' && c != 'c') => {
            let hashes = hash_count(&rest[1..]);
            if rest.get(1 + hashes) == Some(&'"') {
                (2 + hashes, Some(State::RawString { hashes }))
            } else {
                (1, None)
            }
        }
        _ => (1, None),
    }
}

fn hash_count(rest: &[char]) -> usize {
    rest.iter().take_while(|character| **character == '#').count()
}

/// Where the whole word `word` begins in `text`, in bytes.
pub(super) fn find_word(text: &str, word: &str) -> Option<usize> {
    let is_part = |character: char| character.is_alphanumeric() || character == '_';
    text.match_indices(word).map(|(at, _)| at).find(|&at| {
        let before = text[..at].chars().next_back();
        let after = text[at + word.len()..].chars().next();
        !before.is_some_and(is_part) && !after.is_some_and(is_part)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> Vec<String> {
        lines(text).into_iter().map(|line| line.code.trim_end().to_string()).collect()
    }

    #[test]
    fn strings_are_blanked_and_code_stays_where_it_is() {
        assert_eq!(code(r#"a("un\"safe", b)"#), [r#"a("        ", b)"#]);
        assert_eq!(code("b\"x\"; c"), ["b\" \"; c"]);
    }

    #[test]
    fn raw_strings_end_at_their_own_hashes() {
        assert_eq!(code("r#\"a\" b\"# ; c"), ["r#\"    \"# ; c"]);
        assert_eq!(code("br\"\\\" ; c"), ["br\" \" ; c"]);
    }

    #[test]
    fn an_escaped_line_break_ends_the_line() {
        assert_eq!(code("\"a \\\n  b\" ; c\nd"), ["\"", "   \" ; c", "d"]);
    }

    #[test]
    fn lifetimes_are_not_characters() {
        assert_eq!(code("f<'a>('\"', '\\'', b)"), ["f<'a>(' ', '  ', b)"]);
    }

    #[test]
    fn comments_are_apart_from_code() {
        let lines = lines("a // b\n/* c /* d */ e */ f");
        assert_eq!(lines[0].code.trim_end(), "a");
        assert_eq!(lines[0].comment, "// b");
        assert_eq!(lines[1].comment, "/* c /* d */ e */");
        assert_eq!(lines[1].code.trim(), "f");
    }

    #[test]
    fn only_whole_words_are_found() {
        assert_eq!(find_word("unsafe_code unsafe", "unsafe"), Some(12));
        assert_eq!(find_word("unsafely", "unsafe"), None);
    }
}
