//! What the type system promises: programs that must not compile, with the messages that their authors see, and some
//! beside them that must.

#[test]
fn rules_of_the_safe_tier() {
    let cases = trybuild::TestCases::new();
    cases.pass("tests/ui/pass/*.rs");
    cases.compile_fail("tests/ui/fail/*.rs");
}
