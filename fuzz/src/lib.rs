//! What is fuzzed: each function takes arbitrary bytes, and fails by a panic.
//!
//! The programs for the collector come from the same strategies as those of its property tests; a few bytes choose each
//! step. So a mutation of the bytes is a mutation of the program, and coverage leads the fuzzer to programs that chance does
//! not find.
//!
//! `cargo xtask fuzz` runs them under libFuzzer; the tests here run them on a few hundred inputs without it.

#[allow(dead_code, unreachable_pub, missing_docs, reason = "tests of the collector, of which a part is used")]
#[path = "../../crates/terrane-gc/tests/raw/model.rs"]
mod model;
#[allow(dead_code, unreachable_pub, unused_imports, reason = "as above")]
#[path = "../../crates/terrane-gc/tests/raw/properties.rs"]
mod properties;
#[allow(dead_code, unreachable_pub, reason = "as above")]
#[path = "../../crates/terrane-gc/tests/raw/shadow/mod.rs"]
mod shadow;

mod gc_raw;
mod gc_safe;
mod scheme;
mod source;

pub use gc_raw::gc_raw;
pub use gc_safe::gc_safe;
pub use scheme::scheme;
