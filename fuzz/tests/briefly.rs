//! Every target on inputs that need no fuzzer: bytes by chance, and those that once found a fault.

use proptest::prelude::*;

/// Most bytes of an input: a program of some hundred steps.
const LEN: usize = 1024;

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn gc_raw(bytes in prop::collection::vec(any::<u8>(), 0..LEN)) {
        terrane_fuzz::gc_raw(&bytes);
    }

    #[test]
    fn gc_safe(bytes in prop::collection::vec(any::<u8>(), 0..LEN)) {
        terrane_fuzz::gc_safe(&bytes);
    }

    #[test]
    fn scheme(bytes in prop::collection::vec(any::<u8>(), 0..LEN)) {
        terrane_fuzz::scheme(&bytes);
    }
}
