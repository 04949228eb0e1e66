//! What must not compile: giving an object back twice, using it afterwards, keeping it longer than its pool, taking it to another thread.

#[test]
#[cfg(all(feature = "std", not(any(terrane_asan, loom))))]
fn nothing_is_used_after_it_was_given_back() {
    trybuild::TestCases::new().compile_fail("tests/compile_fail/*.rs");
}
