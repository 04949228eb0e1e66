//! Reset instead of destroy: one arena for many rounds. After a few rounds it has one block that takes a whole round, and
//! asks the system for nothing any more.
//!
//! `cargo run -p terrane-arena --example reset`

use terrane_arena::Arena;

fn main() {
    let mut arena = Arena::new();
    let mut committed = Vec::new();
    for round in 0..8u32 {
        let primes = sieve(&arena, 5_000 + round);
        assert_eq!(primes.last(), Some(&if round > 2 { 5_003 } else { 4_999 }));
        committed.push(arena.committed_bytes());
        arena.reset();
    }
    println!("bytes committed, round by round: {committed:?}");
    assert_eq!(committed[6], committed[7], "the arena has settled");
}

/// All primes up to `limit` (Eratosthenes).
fn sieve(arena: &Arena, limit: u32) -> &[u32] {
    let composite = arena.alloc_slice_fill_with(limit as usize + 1, |_| false);
    let mut primes = arena.vec();
    for number in 2..=limit {
        if composite[number as usize] {
            continue;
        }
        primes.push(number);
        for multiple in (number * number.min(limit)..=limit).step_by(number as usize) {
            composite[multiple as usize] = true;
        }
    }
    primes.into_slice()
}
