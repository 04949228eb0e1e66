//! The promise that the lower crates need nothing: without default features they build under `no_std` and
//! pull in no crate from outside this repository.

use crate::step::{Step, StepFailed};

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

/// Builds each of the crates without features, then looks at what it depends on.
pub(crate) fn run() -> Result<(), StepFailed> {
    for name in CRATES {
        Step::cargo(
            format!("{name} without features"),
            ["build", "--package", name, "--lib", "--no-default-features"],
        )
        .run()?;
        check_tree(name)?;
    }
    Ok(())
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
