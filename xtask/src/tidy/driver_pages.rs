//! The rule: every driver has a page in `docs/drivers`, and every page tells the same things in the
//! same order: for whom the driver is, how it works, what it costs, which kernel it needs, and when
//! not to take it.
//!
//! A driver is a type `…Driver` that a crate's root exports; its page is named after what stands
//! before that. The default driver has none, being another name for one that has.

use super::Problem;
use super::source::Source;

/// Where the pages are.
pub(super) const FOLDER: &str = "docs/drivers/";

const HEADINGS: [&str; 5] =
    ["## For whom", "## How it works", "## Costs", "## Kernel", "## When not"];

/// The crates whose drivers have pages.
const ROOTS: [&str; 2] = ["crates/ringbahn-drivers/src/lib.rs", "crates/ringbahn-sim/src/lib.rs"];

/// Checks the pages, each a path with its text, and that no driver lacks one.
pub(super) fn check(sources: &[Source], pages: &[(String, String)]) -> Vec<Problem> {
    let mut problems = Vec::new();
    for source in sources.iter().filter(|source| ROOTS.contains(&source.path.as_str())) {
        for driver in drivers(source) {
            let path = page_of(&driver);
            if !pages.iter().any(|(page, text)| *page == path && text.contains(&driver)) {
                let message = format!("`{driver}` has no page; write {path}");
                problems.push(Problem::new(&source.path, 1, message));
            }
        }
    }
    for (path, text) in pages {
        let found: Vec<&str> = text.lines().filter(|line| line.starts_with("## ")).collect();
        if found != HEADINGS {
            let message = format!("its headings are to be: {}", HEADINGS.join(", "));
            problems.push(Problem::new(path, 1, message));
        }
    }
    problems
}

fn page_of(driver: &str) -> String {
    format!("{FOLDER}{}.md", driver.trim_end_matches("Driver").to_lowercase())
}

/// The drivers that the root of a crate exports.
fn drivers(root: &Source) -> Vec<String> {
    let mut names = Vec::new();
    for item in &root.syntax.items {
        if let syn::Item::Use(item) = item
            && matches!(item.vis, syn::Visibility::Public(_))
        {
            add_drivers(&item.tree, &mut names);
        }
    }
    names
}

fn add_drivers(tree: &syn::UseTree, names: &mut Vec<String>) {
    match tree {
        syn::UseTree::Path(path) => add_drivers(&path.tree, names),
        syn::UseTree::Group(group) => {
            group.items.iter().for_each(|tree| add_drivers(tree, names));
        }
        syn::UseTree::Name(name) => {
            let name = name.ident.to_string();
            if name.ends_with("Driver") {
                names.push(name);
            }
        }
        syn::UseTree::Rename(_) | syn::UseTree::Glob(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::super::source::sample;
    use super::*;

    const ROOT: &str = "mod shared;\npub use shared::{SharedBuilder, SharedDriver};\n";

    fn page(path: &str, driver: &str) -> (String, String) {
        let text = HEADINGS.map(|heading| format!("{heading}\n\nText.\n\n")).concat();
        (path.to_string(), format!("# `{driver}`\n\n{text}"))
    }

    #[test]
    fn a_driver_with_its_page_passes() {
        let pages = [page("docs/drivers/shared.md", "SharedDriver")];
        assert_eq!(check(&[sample(ROOTS[0], ROOT)], &pages), []);
    }

    #[test]
    fn a_driver_without_a_page_is_a_problem() {
        assert_eq!(check(&[sample(ROOTS[0], ROOT)], &[]).len(), 1);
        let another = [page("docs/drivers/shared.md", "AnotherDriver")];
        assert_eq!(check(&[sample(ROOTS[0], ROOT)], &another).len(), 1);
    }

    #[test]
    fn a_page_that_leaves_something_out_is_a_problem() {
        let (path, text) = page("docs/drivers/shared.md", "SharedDriver");
        let text = text.replace("## Costs", "## Price");
        assert_eq!(check(&[sample(ROOTS[0], ROOT)], &[(path, text)]).len(), 1);
    }
}
