//! A vector that has its arena to itself.

use std::cell::Cell;
use terrane_arena::{Arena, ArenaStrategy, Bytes, MemoryError};

#[test]
fn it_has_the_room_of_the_block_and_gives_back_what_it_does_not_need() {
    let mut arena = Arena::new().with_first_block(Bytes::from_kib(4));
    arena.alloc(1u64);
    let free_bytes = arena.committed_bytes() - 32 - arena.used_bytes();
    let mut vec = arena.exclusive_vec::<u64>();
    assert!(vec.capacity() * 8 > free_bytes - 64, "{} elements in {free_bytes} bytes", vec.capacity());
    let first: *const u64 = {
        vec.push(0);
        &raw const vec[0]
    };
    (1..100).for_each(|i| vec.push(i));
    assert_eq!(&raw const vec[0], first, "it does not move");
    let slice = vec.into_slice();
    assert!((0..100).eq(slice.iter().copied()));
    assert_eq!((arena.used_bytes(), arena.blocks()), (808, 1));
    drop(arena.exclusive_vec::<u64>());
    assert_eq!((arena.used_bytes(), arena.blocks()), (808, 1));
}

#[test]
fn it_grows_beyond_the_block_and_without_one() {
    for blocks in [0, 1] {
        let mut arena = Arena::new();
        if blocks == 1 {
            arena.alloc(1u64);
        }
        let mut vec = arena.exclusive_vec();
        (0..5_000u64).for_each(|i| vec.push(i));
        let slice = vec.into_slice();
        assert!((0..5_000).eq(slice.iter().copied()));
        let place = slice.as_ptr();
        assert!(arena.owns(place) && arena.used_bytes() >= 40_000);
        arena.reset();
        assert_eq!((arena.used_bytes(), arena.owns(place)), (0, false));
    }
}

#[test]
fn every_alignment_and_no_size_at_all() {
    #[repr(align(4096))]
    #[derive(Clone, Copy)]
    struct Page([u8; 4096]);
    let mut arena = Arena::new();
    arena.alloc(1u8);
    let mut pages = arena.exclusive_vec();
    (0..5).for_each(|i| pages.push(Page([i; 4096])));
    let pages = pages.into_slice();
    assert!(pages.iter().enumerate().all(|(i, page)| page.0 == [i as u8; 4096]));
    assert!(pages.as_ptr().is_aligned());
    let mut bytes = arena.exclusive_vec();
    bytes.extend_from_slice(b"abc");
    assert_eq!(bytes.into_slice(), b"abc");
    let mut nothings = arena.exclusive_vec();
    (0..1_000).for_each(|_| nothings.push(()));
    assert_eq!((nothings.len(), nothings.capacity()), (1_000, usize::MAX));
}

#[test]
fn a_limit_is_an_error_and_elements_are_dropped_once() {
    struct CountsDrops<'a>(&'a Cell<u32>);
    impl Drop for CountsDrops<'_> {
        fn drop(&mut self) {
            self.0.set(self.0.get() + 1);
        }
    }
    let drops = Cell::new(0);
    let mut arena = Arena::new().with_limit(Bytes::from_kib(2));
    arena.alloc(1u64);
    let mut vec = arena.exclusive_vec();
    let mut pushed = 0;
    let error = loop {
        match vec.try_push(CountsDrops(&drops)) {
            Ok(()) => pushed += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(error, MemoryError::OutOfMemory { .. }));
    assert!(pushed > 50);
    assert_eq!(drops.get(), 1, "the one that found no room");
    drop(vec);
    assert_eq!(drops.get(), pushed + 1);
}

#[test]
fn what_it_gives_back_is_poisoned_and_served_again() {
    let mut arena = Arena::with_strategy(ArenaStrategy::new().poison(true));
    arena.alloc(1u64);
    let mut vec = arena.exclusive_vec();
    vec.push(2u64);
    let place = vec.as_ptr();
    drop(vec);
    #[cfg(not(terrane_asan))]
    // SAFETY: the block is still there, and nobody writes to it.
    assert_eq!(unsafe { place.read() }.to_ne_bytes(), [0xDB; 8]);
    let mut again = arena.exclusive_vec();
    again.push(3u64);
    assert_eq!(again.as_ptr(), place);
}
