//! The rule: `docs/dependencies.md` has a row for every dependency that a manifest names, and for
//! no other.
//!
//! A dependency is code that the project answers for, so somebody has to say why it is worth that.

use std::collections::BTreeMap;

use super::Problem;

/// The list, relative to the root of the workspace.
pub(super) const LIST: &str = "docs/dependencies.md";

/// Holds the manifests, pairs of path and text, against the list.
pub(super) fn check(manifests: &[(String, String)], list: &str) -> Vec<Problem> {
    let mut named: BTreeMap<&str, (&str, usize)> = BTreeMap::new();
    for (path, text) in manifests {
        for (name, line) in dependencies(text) {
            named.entry(name).or_insert((path, line));
        }
    }
    let rows = rows(list);
    let mut problems = Vec::new();
    for (name, (path, line)) in &named {
        if !rows.contains_key(name) {
            let message = format!("`{name}` has no row in {LIST}; say there why it is worth it");
            problems.push(Problem::new(path, *line, message));
        }
    }
    for (name, (line, is_complete)) in &rows {
        if !named.contains_key(name) {
            let message = format!("`{name}` is in no Cargo.toml; remove the row");
            problems.push(Problem::new(LIST, *line, message));
        }
        if !is_complete {
            let message = format!("the row of `{name}` is not `| name | where | why |`");
            problems.push(Problem::new(LIST, *line, message));
        }
    }
    problems
}

/// The dependencies that a manifest names, with their lines, but for the workspace's own crates.
fn dependencies(manifest: &str) -> Vec<(&str, usize)> {
    let mut found = Vec::new();
    let mut is_inside = false;
    for (index, line) in manifest.lines().enumerate() {
        let line = line.trim();
        if let Some(section) = line.strip_prefix('[') {
            let section = section.trim_end_matches(']');
            is_inside = section.ends_with("dependencies");
            if let Some((before, name)) = section.rsplit_once("dependencies.")
                && (before.is_empty() || before.ends_with(['.', '-']))
            {
                found.push((name, index + 1));
            }
        } else if is_inside && !line.is_empty() && !line.starts_with(['#', '}', ']']) {
            let end = line.find(['.', '=', ' ']).unwrap_or(line.len());
            found.push((line[..end].trim_matches('"'), index + 1));
        }
    }
    found.retain(|(name, _)| !name.starts_with("ringbahn"));
    found
}

/// The rows of the table: name, line, and whether each cell says something.
fn rows(list: &str) -> BTreeMap<&str, (usize, bool)> {
    let mut rows = BTreeMap::new();
    for (index, line) in list.lines().enumerate() {
        let Some(cells) = line.trim().strip_prefix('|').and_then(|line| line.strip_suffix('|'))
        else {
            continue;
        };
        let cells: Vec<&str> = cells.split('|').map(str::trim).collect();
        let name = cells[0].trim_matches('`');
        if name == "name" || name.starts_with('-') {
            continue;
        }
        let is_complete = cells.len() == 3 && cells.iter().all(|cell| !cell.is_empty());
        rows.insert(name, (index + 1, is_complete));
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = "\
[package]
name = \"x\"

[dependencies]
ringbahn-core.workspace = true
libc = \"0.2\"

[target.'cfg(loom)'.dependencies]
loom.workspace = true

[dev-dependencies.tokio]
version = \"1\"

[features]
bytes = []
";

    fn problems(list: &str) -> Vec<Problem> {
        check(&[("x/Cargo.toml".to_string(), MANIFEST.to_string())], list)
    }

    #[test]
    fn dependencies_are_found_in_every_kind_of_section() {
        assert_eq!(dependencies(MANIFEST), [("libc", 6), ("loom", 9), ("tokio", 11)]);
    }

    #[test]
    fn a_list_that_agrees_passes() {
        let list = "| name | where | why |\n|---|---|---|\n| `libc` | x | calls |\n\
                    | `loom` | x | models |\n| tokio | x | tests |\n";
        assert_eq!(problems(list), []);
    }

    #[test]
    fn a_missing_row_a_needless_row_and_an_empty_cell_are_problems() {
        let list = "| libc | x | calls |\n| loom | x | |\n| syn | x | parses |\n";
        let problems = problems(list);
        let at = |index: usize| (problems[index].path.as_str(), problems[index].line);
        assert_eq!((at(0), at(1), at(2)), (("x/Cargo.toml", 11), (LIST, 2), (LIST, 3)));
    }
}
