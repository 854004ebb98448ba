//! The rules about the documentation of public items, beyond those of rustc and clippy:
//!
//! - The first paragraph ends like a sentence.
//! - Sections come in one order, so that a reader knows where to look.
//! - In the crate `ringbahn` whatever is awaited has a section `# Cancel safety`: async functions,
//!   and functions that return a `Submission` or another future.

use std::collections::HashSet;

use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use super::Problem;
use super::source::Source;

/// The sections, in their order. Others may stand anywhere.
const SECTIONS: [&str; 7] =
    ["Examples", "Errors", "Panics", "Cancel safety", "Kernel", "Safety", "References"];

/// The crate whose futures must say what happens when they are dropped.
const AWAITED: &str = "crates/ringbahn/src/";

/// The futures that come from another crate of the workspace.
const FUTURES: [&str; 2] = ["Future", "Submission"];

/// Checks the documentation of the published crates.
pub(super) fn check(sources: &[Source]) -> Vec<Problem> {
    let crates = || sources.iter().filter(|source| source.path.starts_with("crates/"));
    let mut futures = Futures { names: FUTURES.map(str::to_string).into() };
    for source in crates() {
        futures.visit_file(&source.syntax);
    }
    let mut problems = Vec::new();
    for source in crates().filter(|source| source.is_in_src()) {
        let mut items = Items { source, futures: &futures.names, problems: &mut problems };
        items.check_order(1, &documentation(&source.syntax.attrs));
        items.visit_file(&source.syntax);
    }
    problems
}

/// Collects the names of the types that implement `Future`.
struct Futures {
    names: HashSet<String>,
}

impl<'ast> Visit<'ast> for Futures {
    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        let of = item.trait_.as_ref().and_then(|(path, ..)| path.segments.last());
        if of.is_some_and(|segment| segment.ident == "Future")
            && let syn::Type::Path(of) = &*item.self_ty
        {
            self.names.extend(of.path.segments.last().map(|name| name.ident.to_string()));
        }
        visit::visit_item_impl(self, item);
    }
}

/// Checks the public items of one file.
struct Items<'a> {
    source: &'a Source,
    futures: &'a HashSet<String>,
    problems: &'a mut Vec<Problem>,
}

impl Items<'_> {
    fn report(&mut self, line: usize, message: String) {
        self.problems.push(Problem::new(&self.source.path, line, message));
    }

    fn check_item(&mut self, is_public: bool, attributes: &[syn::Attribute], item: &impl Spanned) {
        let line = item.span().start().line;
        if !is_public || self.source.is_test(line) {
            return;
        }
        let documentation = documentation(attributes);
        let first = documentation.trim_start().split("\n\n").next().unwrap_or_default().trim_end();
        if !first.is_empty() && !first.ends_with(['.', ':', '!', '?', '…']) {
            let message = "the first paragraph does not end like a sentence; end it with a full \
                           stop or a colon";
            self.report(line, message.to_string());
        }
        self.check_order(line, &documentation);
    }

    fn check_order(&mut self, line: usize, documentation: &str) {
        let headings = headings(documentation);
        let places: Vec<usize> = headings
            .iter()
            .filter_map(|heading| SECTIONS.iter().position(|section| section == heading))
            .collect();
        if let Some(pair) = places.windows(2).find(|pair| pair[0] >= pair[1]) {
            let (first, second) = (SECTIONS[pair[0]], SECTIONS[pair[1]]);
            self.report(line, format!("`# {second}` after `# {first}`; put it before"));
        }
    }

    fn check_function(
        &mut self,
        is_public: bool,
        attributes: &[syn::Attribute],
        signature: &syn::Signature,
        item: &impl Spanned,
    ) {
        self.check_item(is_public, attributes, item);
        let line = signature.ident.span().start().line;
        let is_looked_at = self.source.path.starts_with(AWAITED) && !self.source.is_test(line);
        let is_awaited = signature.asyncness.is_some() || self.is_future(&signature.output);
        let documentation = documentation(attributes);
        if is_public
            && is_looked_at
            && is_awaited
            && !headings(&documentation).contains(&"Cancel safety")
        {
            let message = format!(
                "`{}` is awaited and has no `# Cancel safety` section; say what is lost when it is \
                 dropped",
                signature.ident
            );
            self.report(line, message);
        }
    }

    fn is_future(&self, output: &syn::ReturnType) -> bool {
        let syn::ReturnType::Type(_, output) = output else { return false };
        match &**output {
            syn::Type::ImplTrait(bounds) => bounds.bounds.iter().any(|bound| match bound {
                syn::TypeParamBound::Trait(bound) => self.names_future(&bound.path),
                _ => false,
            }),
            syn::Type::Path(path) => self.names_future(&path.path),
            _ => false,
        }
    }

    fn names_future(&self, path: &syn::Path) -> bool {
        path.segments.last().is_some_and(|name| self.futures.contains(&name.ident.to_string()))
    }
}

impl<'ast> Visit<'ast> for Items<'_> {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.check_function(is_public(&item.vis), &item.attrs, &item.sig, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.check_function(is_public(&item.vis), &item.attrs, &item.sig, item);
    }

    fn visit_item_trait(&mut self, item: &'ast syn::ItemTrait) {
        let is_public = is_public(&item.vis);
        self.check_item(is_public, &item.attrs, item);
        for member in &item.items {
            if let syn::TraitItem::Fn(function) = member {
                self.check_function(is_public, &function.attrs, &function.sig, function);
            }
        }
    }

    fn visit_item_struct(&mut self, item: &'ast syn::ItemStruct) {
        self.check_item(is_public(&item.vis), &item.attrs, item);
        for field in &item.fields {
            self.check_item(is_public(&field.vis), &field.attrs, field);
        }
    }

    fn visit_item_enum(&mut self, item: &'ast syn::ItemEnum) {
        self.check_item(is_public(&item.vis), &item.attrs, item);
        for variant in &item.variants {
            self.check_item(is_public(&item.vis), &variant.attrs, variant);
        }
    }

    fn visit_item_const(&mut self, item: &'ast syn::ItemConst) {
        self.check_item(is_public(&item.vis), &item.attrs, item);
    }

    fn visit_item_type(&mut self, item: &'ast syn::ItemType) {
        self.check_item(is_public(&item.vis), &item.attrs, item);
    }

    fn visit_item_static(&mut self, item: &'ast syn::ItemStatic) {
        self.check_item(is_public(&item.vis), &item.attrs, item);
    }
}

fn is_public(visibility: &syn::Visibility) -> bool {
    matches!(visibility, syn::Visibility::Public(_))
}

/// The documentation in the attributes, without the space that follows the slashes.
fn documentation(attributes: &[syn::Attribute]) -> String {
    let mut text = String::new();
    for attribute in attributes {
        let syn::Meta::NameValue(pair) = &attribute.meta else { continue };
        if !pair.path.is_ident("doc") {
            continue;
        }
        if let syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(line), .. }) = &pair.value {
            let line = line.value();
            text.push_str(line.strip_prefix(' ').unwrap_or(&line));
            text.push('\n');
        }
    }
    text
}

/// The headings of the first level, but for lines of code that look like one.
fn headings(documentation: &str) -> Vec<&str> {
    let mut is_code = false;
    let mut headings = Vec::new();
    for line in documentation.lines() {
        if line.trim_start().starts_with("```") {
            is_code = !is_code;
        } else if let (false, Some(heading)) = (is_code, line.strip_prefix("# ")) {
            headings.push(heading.trim());
        }
    }
    headings
}

#[cfg(test)]
mod tests {
    use super::super::source::sample;
    use super::*;

    fn problems(text: &str) -> Vec<String> {
        let source = sample("crates/ringbahn/src/a.rs", text);
        check(&[source]).into_iter().map(|problem| problem.message).collect()
    }

    #[test]
    fn a_well_documented_function_passes() {
        let text = "/// Reads what\n/// there is.\n///\n/// # Errors\n///\n/// Any.\n///\n\
                    /// # Cancel safety\n///\n/// Is cancel safe.\npub async fn read() {}\n";
        assert_eq!(problems(text), [""; 0]);
    }

    #[test]
    fn a_first_paragraph_without_an_end_is_a_problem() {
        let text = "/// Reads\n///\n/// More.\npub fn read() {}\n";
        assert_eq!(problems(text).len(), 1);
        assert_eq!(problems("/// Reads\nfn read() {}\n"), [""; 0]);
        assert_eq!(problems("/// A.\npub struct A {\n    /// It\n    pub b: u8,\n}\n").len(), 1);
    }

    #[test]
    fn sections_out_of_order_are_a_problem() {
        let text = "/// Reads.\n///\n/// # Panics\n///\n/// # Errors\npub fn read() {}\n";
        assert_eq!(problems(text), ["`# Errors` after `# Panics`; put it before"]);
        let text = "//! A.\n//!\n//! # References\n//!\n//! # Kernel\n";
        assert_eq!(problems(text).len(), 1);
    }

    #[test]
    fn hidden_lines_of_an_example_are_no_headings() {
        let text = "/// Reads.\n///\n/// # Examples\n///\n/// ```\n/// # Examples\n/// ```\n\
                    pub fn read() {}\n";
        assert_eq!(problems(text), [""; 0]);
    }

    #[test]
    fn whatever_is_awaited_states_its_cancel_safety() {
        let future = "struct Read;\nimpl Future for Read {}\n";
        for signature in [
            "async fn a() {}",
            "fn a() -> impl Future<Output = u8> + Send {}",
            "fn a() -> Submission<Nop> {}",
            "fn a() -> Read {}",
        ] {
            let text = format!("{future}/// Reads.\npub {signature}\n");
            assert_eq!(problems(&text).len(), 1, "{signature}");
            let text = format!("{future}/// Reads.\n{signature}\n");
            assert_eq!(problems(&text), [""; 0], "{signature}");
        }
        let text = "/// A.\npub struct A;\nimpl A {\n    /// Reads.\n    pub async fn a() {}\n}\n";
        assert_eq!(problems(text).len(), 1);
        assert_eq!(problems("/// Reads.\npub fn read() -> u8 { 0 }\n"), [""; 0]);
    }
}
