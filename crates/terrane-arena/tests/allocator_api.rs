//! `&Arena` as the allocator of other people's collections.
#![cfg(feature = "allocator-api2")]

use allocator_api2::boxed::Box;
use allocator_api2::vec::Vec;
use terrane_arena::{Arena, Bytes};

#[test]
fn a_vector_grows_in_place_and_gives_back_what_is_last() {
    let arena = Arena::new().with_first_block(Bytes::from_kib(64));
    let mut words = Vec::new_in(&arena);
    (0..1000u64).for_each(|i| words.push(i));
    assert_eq!(arena.used_bytes(), words.capacity() * 8, "one buffer, no old ones");
    words.shrink_to(10);
    let other = Box::new_in(7u64, &arena);
    words.extend(0..3000);
    assert!(words[..1000].iter().copied().eq(0..1000) && *other == 7);
    let used = arena.used_bytes();
    drop(words);
    assert!(arena.used_bytes() < used, "the buffer was the last value");
}

#[test]
fn a_refusal_reaches_the_collection() {
    let arena = Arena::new().with_limit(Bytes::from_kib(1));
    let mut bytes: Vec<u8, &Arena> = Vec::new_in(&arena);
    assert!(bytes.try_reserve(10_000).is_err());
    bytes.push(1);
    assert_eq!(*bytes, [1]);
}

#[test]
fn a_hash_map_of_hashbrown_lives_in_an_arena() {
    let arena = Arena::new();
    let mut map = hashbrown::HashMap::new_in(&arena);
    for key in 0..10_000u64 {
        map.insert(key, key * key);
    }
    (0..10_000).step_by(3).for_each(|key| assert_eq!(map.remove(&key), Some(key * key)));
    assert!((0..10_000u64).all(|key| map.get(&key).copied() == (key % 3 != 0).then_some(key * key)));
    let entry: *const u64 = map.get(&1).unwrap();
    assert!(arena.owns(entry));
}
