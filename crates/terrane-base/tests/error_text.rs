//! What errors say to people.

use terrane_base::{Bytes, MemoryError};

#[test]
fn sizes_that_look_the_same_when_rounded_are_told_in_bytes() {
    let text = |requested| {
        MemoryError::AllocationTooLarge { requested: Bytes::new(requested), max: Bytes::from_kib(64) }
            .to_string()
    };
    assert_eq!(text(65_537), "allocation too large: 65537 bytes requested, at most 65536 possible");
    assert_eq!(text(128 << 10), "allocation too large: 128 KiB requested, at most 64 KiB possible");
    let nothing = MemoryError::AllocationTooLarge { requested: Bytes::new(1), max: Bytes::ZERO };
    assert_eq!(nothing.to_string(), "allocation too large: 1 B requested, at most 0 B possible");
}

#[test]
fn a_pool_of_nothing_says_so() {
    let text = |capacity| MemoryError::PoolExhausted { in_use: capacity, capacity }.to_string();
    assert_eq!(text(0), "pool exhausted: it may have no objects at all");
    assert_eq!(text(3), "pool exhausted: 3 of 3 objects in use");
}
