//! [`Tools`]: the two programs of LLVM that read what was counted.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use crate::process::{Failure, Program};
use crate::sanitize;

/// The programs, by name or path.
#[derive(Debug)]
pub(super) struct Tools {
    profdata: String,
    cov: String,
}

impl Tools {
    /// Finds them: where the environment says, in the toolchain, or in the system. Where they are
    /// not, it says how to get them.
    pub(super) fn find() -> Result<Tools, String> {
        let variable = |name| env::var(name).ok().filter(|path| !path.is_empty());
        if let (Some(profdata), Some(cov)) = (variable("LLVM_PROFDATA"), variable("LLVM_COV")) {
            return Ok(Tools { profdata, cov });
        }
        let version = Program::new("rustc", &["-vV"]).output().unwrap_or_default();
        let sysroot = Program::new("rustc", &["--print", "sysroot"]).output().unwrap_or_default();
        let host = sanitize::host(&version).unwrap_or_default();
        let folder = Path::new(sysroot.trim()).join("lib/rustlib").join(host).join("bin");
        let [profdata, cov] = ["llvm-profdata", "llvm-cov"].map(|name| folder.join(name));
        if profdata.is_file() && cov.is_file() {
            let [profdata, cov] = [profdata, cov].map(|path| path.display().to_string());
            return Ok(Tools { profdata, cov });
        }
        let Some(wanted) = major(&version) else {
            return Err("rustc does not say which LLVM it is built with".to_string());
        };
        // What is older does not know the format.
        let of_system = [format!("-{wanted}"), String::new()].into_iter().find_map(|suffix| {
            let (profdata, cov) = (format!("llvm-profdata{suffix}"), format!("llvm-cov{suffix}"));
            let found = Program::new(&cov, &["--version"]).output()?;
            let there = Program::new(&profdata, &["--version"]).succeeds();
            (there && major(&found)? >= wanted).then_some(Tools { profdata, cov })
        });
        of_system.ok_or_else(|| {
            format!(
                "no llvm-cov and llvm-profdata of LLVM {wanted} or newer; `rustup component add \
                 llvm-tools` or `apt-get install llvm-{wanted}` brings them, or LLVM_COV and \
                 LLVM_PROFDATA name them"
            )
        })
    }

    /// What was counted in `profiles` of the code of `executables`, in the format of lcov.
    pub(super) fn report(
        &self,
        profiles: &Path,
        executables: &[PathBuf],
    ) -> Result<String, Failure> {
        let shown = |path: &Path| path.display().to_string();
        let raw: Vec<String> = fs::read_dir(profiles)
            .map_err(|error| Failure(format!("{}: nothing was counted: {error}", shown(profiles))))?
            .flatten()
            .map(|entry| shown(&entry.path()))
            .filter(|path| path.ends_with(".profraw"))
            .collect();
        let merged = shown(&profiles.join("all.profdata"));
        // What a killed process has left half written is left out.
        let mut merge = vec!["merge", "-sparse", "-failure-mode=all", "-o", &merged];
        merge.extend(raw.iter().map(String::as_str));
        if !Program::new(&self.profdata, &merge).succeeds() {
            return Err(Failure(format!("`{} merge` has failed", self.profdata)));
        }
        let objects: Vec<String> = executables.iter().map(|path| shown(path)).collect();
        let profile = format!("-instr-profile={merged}");
        let mut export = vec!["export", "-format=lcov", &profile];
        for (index, object) in objects.iter().enumerate() {
            if index > 0 {
                export.push("-object");
            }
            export.push(object);
        }
        let report = Program::new(&self.cov, &export).output();
        report.ok_or_else(|| Failure(format!("`{} export` has failed", self.cov)))
    }
}

/// The first number of the version of LLVM in what rustc or a tool says of itself.
fn major(version: &str) -> Option<u32> {
    let (_, rest) = version.split_once("LLVM version")?;
    let digits = rest.trim_start_matches([':', ' ']).split('.').next()?;
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_of_llvm_is_found() {
        assert_eq!(major("host: x\nrelease: 1.95.0\nLLVM version: 22.1.2\n"), Some(22));
        assert_eq!(major("Debian LLVM version 14.0.6\n  Optimized build.\n"), Some(14));
        assert_eq!(major("rustc 1.95.0"), None);
    }
}
