//! The features that the workspace is built with: all of every member, but for those of peers.
//!
//! With `--all-features` a test would build a hundred crates that are there to be measured against
//! only. All commands take their features from here, for what is built by one is then of use to the
//! others.

use crate::process::Failure;
use crate::workspace;

/// Other libraries, for benchmarks: a feature of whoever has it, and left out.
const PEERS: &str = "peers";

/// The arguments of cargo that turn on every feature of every member, but for the peers.
pub(crate) fn all_but_peers() -> Result<[String; 2], Failure> {
    let mut features = Vec::new();
    for path in workspace::files("/Cargo.toml")? {
        features.extend(all_of(&workspace::read(&path)?));
    }
    Ok(["--features".to_string(), features.join(",")])
}

/// `what` of cargo with the whole workspace and these features, and `how`.
pub(crate) fn cargo_arguments<'a>(
    what: &'a str,
    features: &'a [String; 2],
    how: &[&'a str],
) -> Vec<&'a str> {
    let [option, list] = features;
    [&[what, "--workspace", option, list], how].concat()
}

/// The features of the package that `manifest` describes, each behind the name of the package.
///
/// It knows of TOML what the manifests of this workspace have: a feature begins its line.
fn all_of(manifest: &str) -> Vec<String> {
    let (mut section, mut package, mut features) = ("", "", Vec::new());
    for line in manifest.lines() {
        if line.starts_with('[') {
            section = line.trim_end();
        }
        let Some((key, value)) = line.split_once(" = ") else { continue };
        match (section, key) {
            ("[package]", "name") => package = value.trim_matches('"'),
            ("[features]", key) if !key.starts_with([' ', '#']) && key != PEERS => {
                features.push(format!("{package}/{key}"));
            }
            _ => {}
        }
    }
    features
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_are_named_with_their_package() {
        let manifest = "\
[package]
name = \"one\"

[features]
# A comment = with a sign.
default = [\"tls\"]
peers = [\"dep:other\"]
tls = [
    \"dep:tls\",
]

[dependencies]
tls = { version = \"1\", optional = true }
";
        assert_eq!(all_of(manifest), ["one/default", "one/tls"]);
        assert_eq!(all_of("[package]\nname = \"two\"\n"), Vec::<String>::new());
    }

    #[test]
    fn all_of_the_library_is_built_and_no_peer() {
        let [option, list] = all_but_peers().expect("the manifests are there");
        assert_eq!(option, "--features");
        let features: Vec<&str> = list.split(',').collect();
        for feature in ["ringbahn/tokio", "ringbahn-core/fuzzing", "ringbahn-drivers/async-io"] {
            assert!(features.contains(&feature), "{feature} is missing in {list}");
        }
        assert!(!list.contains(PEERS), "{list}");
    }

    #[test]
    fn no_dependency_is_a_feature_by_itself() {
        // Such a feature is in no list: it has the name of an optional dependency that no feature
        // names with `dep:`.
        for path in workspace::files("/Cargo.toml").expect("listed") {
            let manifest = workspace::read(&path).expect("there");
            for line in manifest.lines().filter(|line| line.contains("optional = true")) {
                let name = line.split_once(" = ").expect("a dependency has a value").0;
                assert!(manifest.contains(&format!("\"dep:{name}\"")), "{path}: {name}");
            }
        }
    }

    #[test]
    fn the_features_are_those_that_cargo_is_told() {
        let features = ["--features".to_string(), "one/tls".to_string()];
        let arguments = cargo_arguments("test", &features, &["--no-fail-fast"]);
        let expected = ["test", "--workspace", "--features", "one/tls", "--no-fail-fast"];
        assert_eq!(arguments, expected);
    }
}
