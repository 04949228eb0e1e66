//! What must not compile: a reference that outlives its arena, its frame, a scope, or a reset.

#[test]
#[cfg(not(terrane_asan))]
fn no_reference_outlives_its_memory() {
    trybuild::TestCases::new().compile_fail("tests/compile_fail/*.rs");
}
