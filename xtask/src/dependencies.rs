//! The promise that the lower crates need nothing: without default features they build under `no_std`, without warnings, and
//! pull in no crate from outside this repository.

use crate::step::{Step, StepFailed, root};

/// The crates that keep the promise.
const CRATES: [&str; 5] = ["terrane-base", "terrane-pages", "terrane-arena", "terrane-pool", "terrane-gc"];

/// Where that is looked at: one target of each kind. `all` would also take in what only `cfg(loom)` has.
const TARGETS: [&str; 5] = [
    "x86_64-unknown-linux-gnu",
    "aarch64-apple-darwin",
    "x86_64-pc-windows-msvc",
    "wasm32-unknown-unknown",
    "thumbv7em-none-eabi",
];

/// Checks each of the crates without features, then looks at what it depends on.
pub(crate) fn run() -> Result<(), StepFailed> {
    for name in CRATES {
        let options = ["--package", name, "--lib", "--no-default-features", "--", "-D", "warnings"];
        let step = Step::cargo(format!("{name} without features"), ["clippy"].into_iter().chain(options));
        let source = root().join("crates").join(name).join("src/lib.rs");
        let text = std::fs::read_to_string(&source)
            .map_err(|error| step.failed(format!("{}: {error}", source.display())))?;
        if !is_no_std(&text) {
            return Err(step.failed(format!("{}: `#![no_std]` is missing", source.display())));
        }
        step.run()?;
        check_tree(name)?;
    }
    Ok(())
}

/// Whether a crate with this source links the standard library only where a feature says so. It is compiled for a system that has
/// one, so the compiler would not complain.
fn is_no_std(source: &str) -> bool {
    let lines: Vec<&str> = source.lines().map(str::trim).collect();
    let links = |pair: &[&str]| pair[1] == "extern crate std;" && !pair[0].starts_with("#[cfg(");
    lines.contains(&"#![no_std]") && !lines.windows(2).any(links)
}

fn check_tree(name: &str) -> Result<(), StepFailed> {
    let tree = ["tree", "--package", name, "--no-default-features", "--edges", "normal"];
    let format = ["--prefix", "none", "--format", "{p}"];
    let targets = TARGETS.iter().flat_map(|target| ["--target", target]);
    let step = Step::cargo(
        format!("dependencies of {name} without features"),
        tree.into_iter().chain(format).chain(targets),
    );
    let outside = outside_crates(&step.capture()?);
    if outside.is_empty() {
        eprintln!("    {name} depends on no crate from outside");
        Ok(())
    } else {
        Err(step.failed(format!("crates from outside: {}", outside.join(", "))))
    }
}

/// The crates of a listing that do not belong to this repository. Ours are those with a path behind the
/// version: `terrane-base v0.1.0 (/path)`.
fn outside_crates(listing: &str) -> Vec<String> {
    let ours = |line: &str| line.contains(" (/") || line.contains(":\\");
    listing.lines().map(str::trim).filter(|line| !line.is_empty() && !ours(line)).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crate_without_the_standard_library_says_so() {
        assert!(is_no_std("//! Doc.\n#![no_std]\n\nextern crate alloc;\n"));
        assert!(is_no_std("#![no_std]\n#[cfg(feature = \"std\")]\nextern crate std;\n"));
        assert!(!is_no_std("//! Doc, not `#![no_std]`.\nextern crate alloc;\n"));
        assert!(!is_no_std("#![no_std]\nextern crate alloc;\nextern crate std;\n"));
    }

    #[test]
    fn crates_with_a_path_are_ours() {
        let listing =
            "terrane-gc v0.1.0 (/src/crates/terrane-gc)\nterrane-base v0.1.0 (/src/crates/terrane-base)\n";
        assert!(outside_crates(listing).is_empty());
    }

    #[test]
    fn crates_without_a_path_come_from_outside() {
        let listing = "terrane-pages v0.1.0 (/src/crates/terrane-pages)\nrustix v1.1.0\nbitflags v2.0.0\n";
        assert_eq!(outside_crates(listing), ["rustix v1.1.0", "bitflags v2.0.0"]);
    }
}
