//! AddressSanitizer over the tests of the crates that handle memory themselves. It finds reads and writes outside of what
//! was allocated, or after it was freed, and what is never freed; it needs the nightly toolchain.

use crate::nightly;
use crate::skips::Skips;
use crate::step::StepFailed;

/// The crates whose tests run.
const CRATES: [&str; 6] =
    ["terrane-pages", "terrane-arena", "terrane-pool", "terrane-gc", "terrane", "aurora"];

/// Naming the target keeps the sanitizer out of build scripts and macros.
const TARGET: &str = "x86_64-unknown-linux-gnu";

/// Runs the tests, or notes why that is not possible.
pub(crate) fn run(skips: &mut Skips) -> Result<(), StepFailed> {
    const NAME: &str = "tests with AddressSanitizer";
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        skips.add(NAME, "it is set up for Linux on x86-64");
        return Ok(());
    }
    if let Some(reason) = nightly::missing() {
        skips.add(NAME, reason);
        return Ok(());
    }
    let packages = CRATES.iter().flat_map(|name| ["--package", name]);
    let place = ["--target", TARGET, "--target-dir", "target/address-sanitizer"];
    let arguments = ["test", "--lib", "--tests"].into_iter().chain(packages).chain(place);
    nightly::cargo(NAME, arguments)
        // The `cfg` has arenas tell the sanitizer which of their bytes are handed out.
        .with_environment("RUSTFLAGS", "-Zsanitizer=address --cfg terrane_asan")
        // Tests ask for absurd sizes; by default the sanitizer would end the program there.
        .with_environment("ASAN_OPTIONS", "allocator_may_return_null=1")
        .run()
}
