//! The tests that explore every interleaving of threads, with loom.
//!
//! A crate takes part by having `tests/loom.rs`, or `tests/loom_*.rs`. Under `cfg(loom)` it uses loom's atomics; without it,
//! these tests are empty.

use std::path::Path;

use crate::step::{Step, StepFailed, root};

/// Runs the loom tests of all crates.
pub(crate) fn run() -> Result<(), StepFailed> {
    let listing = Step::cargo("crates with loom tests", ["xtask", "ci", "--full"]);
    let crates = root().join("crates");
    let tests =
        tests_in(&crates).map_err(|error| listing.failed(format!("{}: {error}", crates.display())))?;
    if tests.is_empty() {
        return Err(listing.failed(format!("no crate in {} has loom tests", crates.display())));
    }
    for (package, test) in tests {
        // Exploration is slow without optimisation.
        let arguments =
            ["test", "--release", "--package", &package, "--test", &test, "--target-dir", "target/loom"];
        Step::cargo(format!("loom: {package}, {test}"), arguments)
            .with_environment("RUSTFLAGS", "--cfg loom")
            .run()?;
    }
    Ok(())
}

/// Packages and names of their loom tests, sorted. A crate's folder is named as its package.
fn tests_in(crates: &Path) -> std::io::Result<Vec<(String, String)>> {
    let mut tests = Vec::new();
    for package in std::fs::read_dir(crates)? {
        let package = package?;
        let folder = package.path().join("tests");
        if !folder.is_dir() {
            continue;
        }
        for file in std::fs::read_dir(folder)? {
            let file = file?.file_name().to_string_lossy().into_owned();
            if let Some(test) = file.strip_suffix(".rs").filter(|name| is_loom_test(name)) {
                tests.push((package.file_name().to_string_lossy().into_owned(), test.to_owned()));
            }
        }
    }
    tests.sort();
    Ok(tests)
}

fn is_loom_test(name: &str) -> bool {
    name == "loom" || name.starts_with("loom_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loom_tests_are_told_by_their_names() {
        assert!(is_loom_test("loom"));
        assert!(is_loom_test("loom_segments"));
        assert!(!is_loom_test("looms"));
        assert!(!is_loom_test("model"));
    }

    #[test]
    fn they_are_found_in_the_crates_that_have_them() {
        let folder = std::env::temp_dir().join(format!("xtask-loom-{}", std::process::id()));
        for file in
            ["with/tests/loom.rs", "with/tests/model.rs", "without/src/loom.rs", "with/tests/loom_b.rs"]
        {
            let file = folder.join(file);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, "").unwrap();
        }
        let tests = tests_in(&folder);
        std::fs::remove_dir_all(&folder).unwrap();
        let pair = |test: &str| ("with".to_owned(), test.to_owned());
        assert_eq!(tests.unwrap(), [pair("loom"), pair("loom_b")]);
    }
}
