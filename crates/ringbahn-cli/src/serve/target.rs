//! [`Target`]: the path that a request names.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, percent_encode};

/// What is not written as it is in the path of a URL.
const ESCAPED: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// The path that a request names, below the directory that is served.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Target {
    /// Without a `/` in front, without `..`, and without a zero byte. Empty for the directory
    /// itself.
    path: OsString,
    /// Whether it says that it is a directory.
    is_directory: bool,
}

impl Target {
    /// Reads the path of a URL. `None` where it is none, or wants to go up.
    ///
    /// A `..` is refused wherever it stands: clients take it out before they ask.
    pub(super) fn parse(path: &str) -> Option<Target> {
        let mut path_bytes = path.as_bytes();
        while let Some(at) = path_bytes.iter().position(|byte| *byte == b'%') {
            let digits = path_bytes.get(at + 1..at + 3)?;
            digits.iter().all(u8::is_ascii_hexdigit).then_some(())?;
            path_bytes = &path_bytes[at + 3..];
        }
        let path: Vec<u8> = percent_decode_str(path).collect();
        if path.first() != Some(&b'/') || path.contains(&0) {
            return None;
        }
        let is_directory = matches!(path.rsplit(|byte| *byte == b'/').next(), Some(b"" | b"."));
        let names = || path.split(|byte| *byte == b'/').filter(|name| !matches!(name, [] | [b'.']));
        if names().any(|name| name == b"..") {
            return None;
        }
        let path = OsString::from_vec(names().collect::<Vec<_>>().join(&b'/'));
        Some(Target { path, is_directory })
    }

    pub(super) fn path(&self) -> &Path {
        Path::new(&self.path)
    }

    pub(super) fn is_directory(&self) -> bool {
        self.is_directory
    }

    /// The URL of the directory that this is, for a client that did not say that it is one.
    pub(super) fn directory(&self, query: Option<&str>) -> String {
        // With a single `/` in front, where two would begin the name of another server.
        let path = percent_encode(self.path.as_bytes(), ESCAPED);
        let query = query.map(|query| format!("?{query}")).unwrap_or_default();
        format!("/{path}/{query}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(path: &str) -> Option<(String, bool)> {
        let target = Target::parse(path)?;
        Some((target.path.into_string().unwrap(), target.is_directory))
    }

    #[test]
    fn paths_are_below_the_directory() {
        for (path, expected, is_directory) in [
            ("/", "", true),
            ("/a", "a", false),
            ("/a/b.txt", "a/b.txt", false),
            ("/a/", "a", true),
            ("/a/.", "a", true),
            ("//etc//passwd", "etc/passwd", false),
            ("/./a/./b", "a/b", false),
            ("/with%20space%2fand%2Fslash", "with space/and/slash", false),
            ("/...", "...", false),
            ("/a..", "a..", false),
        ] {
            assert_eq!(parsed(path), Some((expected.to_owned(), is_directory)), "{path}");
        }
    }

    #[test]
    fn what_goes_up_or_is_no_path_is_refused() {
        for path in [
            "",
            "a",
            "*",
            "/..",
            "/../a",
            "/a/../b",
            "/a/..",
            "/%2e%2e",
            "/%2e%2e%2fa",
            "/.%2e/a",
            "/a%2f..%2fb",
            "/a%00b",
            "/%00",
            "/%",
            "/%2",
            "/%zz",
            "/a%2",
        ] {
            assert_eq!(parsed(path), None, "{path}");
        }
    }

    #[test]
    fn the_url_of_a_directory_stays_on_this_server() {
        let url = |path, query| Target::parse(path).unwrap().directory(query);
        assert_eq!(url("/a/b", None), "/a/b/");
        assert_eq!(url("/a", Some("b=c")), "/a/?b=c");
        assert_eq!(url("//example.org", None), "/example.org/");
        assert_eq!(url("/%5cexample.org", None), "/%5Cexample.org/");
        assert_eq!(url("/a%0d%0ab%3f%25%ff", None), "/a%0D%0Ab%3F%25%FF/");
    }
}
