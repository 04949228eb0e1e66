//! Threads that only read for a while, and are lent the shards, with others that write now and then.

use std::cell::Cell;
use std::hash::{Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Barrier};
use std::time::Duration;

use terrane_cache::{Cache, ManualClock};

/// What of a key or value can panic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Panics {
    Hash,
    Eq,
    Clone,
}

thread_local! {
    /// What panics next in this thread; it does so once.
    static NEXT: Cell<Option<Panics>> = const { Cell::new(None) };
}

fn panic_if_next(what: Panics) {
    if NEXT.get() == Some(what) {
        NEXT.set(None);
        panic!("{what:?} panics");
    }
}

#[derive(Debug)]
struct Key(u64);

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        panic_if_next(Panics::Hash);
        self.0.hash(state);
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        panic_if_next(Panics::Eq);
        self.0 == other.0
    }
}

impl Eq for Key {}

#[derive(Debug)]
struct Value(Box<u64>);

impl Value {
    fn of(key: u64, version: u64) -> Self {
        Self(Box::new(key << 32 | version))
    }

    fn key(&self) -> u64 {
        *self.0 >> 32
    }
}

impl Clone for Value {
    fn clone(&self) -> Self {
        panic_if_next(Panics::Clone);
        Self(self.0.clone())
    }
}

/// A generator of Marsaglia's, *Xorshift RNGs*, 2003.
fn random(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

const KEYS: u64 = 200;

fn filled(capacity: usize) -> Cache<Key, Value> {
    let cache = Cache::builder().capacity(capacity).shards(2).build();
    (0..KEYS).for_each(|key| assert!(cache.insert(Key(key), Value::of(key, 0))));
    cache
}

/// Lets two threads read by turns, so that each is lent what is there.
fn lend(cache: &Cache<Key, Value>) {
    let turn = Barrier::new(2);
    let read = || {
        for _ in 0..10 {
            turn.wait();
            (0..KEYS).for_each(|key| assert_eq!(cache.get(&Key(key)).map(|value| value.key()), Some(key)));
        }
    };
    std::thread::scope(|scope| _ = (scope.spawn(read), read()));
}

#[test]
fn a_reader_that_panics_keeps_nothing_locked() {
    let cache = filled(1000);
    for what in [Panics::Hash, Panics::Eq, Panics::Clone] {
        lend(&cache);
        NEXT.set(Some(what));
        assert!(catch_unwind(AssertUnwindSafe(|| cache.get(&Key(7)))).is_err(), "{what:?}");
        assert_eq!(cache.get(&Key(7)).map(|value| value.key()), Some(7), "{what:?}");
        // This waits for all readers.
        (0..KEYS).for_each(|key| assert!(cache.insert(Key(key), Value::of(key, 1))));
        assert_eq!(cache.len() as u64, KEYS);
    }
}

#[test]
fn what_is_lent_ends_at_its_time_and_every_read_is_counted() {
    const ROUNDS: u64 = 10;
    let clock = Arc::new(ManualClock::new());
    let cache = Cache::builder()
        .capacity(1000)
        .shards(2)
        .time_to_live(Duration::from_secs(1))
        .clock(clock.clone())
        .build();
    (0..KEYS).for_each(|key| assert!(cache.insert(key, key)));
    let turn = Barrier::new(2);
    let read = || {
        for round in 0..=ROUNDS {
            if turn.wait().is_leader() && round == ROUNDS {
                clock.advance(Duration::from_secs(1));
            }
            turn.wait();
            let expected = |key| (round < ROUNDS).then_some(key);
            (0..KEYS).for_each(|key| assert_eq!(cache.get(&key), expected(key)));
        }
    };
    std::thread::scope(|scope| _ = (scope.spawn(read), read()));
    let stats = cache.stats();
    assert_eq!((stats.hits, stats.misses), (2 * ROUNDS * KEYS, 2 * KEYS));
    assert_eq!((stats.expired, cache.len()), (KEYS, 0));
}

#[test]
fn threads_find_what_was_written_last_and_every_read_is_counted() {
    const THREADS: u64 = 4;
    const ROUNDS: u64 = 20_000;
    let cache = Cache::builder().capacity(1000).shards(2).build();
    // What was written last to each key, by the one thread that writes to it.
    let versions: Vec<AtomicU64> = (0..KEYS).map(|_| AtomicU64::new(0)).collect();
    let (hits, misses) = (AtomicU64::new(0), AtomicU64::new(0));
    let together = Barrier::new(THREADS as usize);
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (cache, versions, hits, misses, together) = (&cache, &versions, &hits, &misses, &together);
            scope.spawn(move || {
                let mut state = thread + 1;
                for round in 1..ROUNDS {
                    // So that each reads after each other.
                    if round % 500 == 0 {
                        together.wait();
                    }
                    // Seldom, so that there is time to lend.
                    if round % 4000 < 20 || round < 200 {
                        let key = random(&mut state) % (KEYS / THREADS) * THREADS + thread;
                        match round % 5 {
                            0 => _ = cache.remove(&key),
                            1 if thread == 0 => cache.resize(1000 + round % 2 * 500),
                            _ => assert!(cache.insert(key, key << 32 | round)),
                        }
                        versions[key as usize].store(round, SeqCst);
                    }
                    let key = random(&mut state) % KEYS;
                    let least = versions[key as usize].load(SeqCst);
                    match cache.get(&key) {
                        Some(value) => {
                            assert_eq!(value >> 32, key);
                            // What was written when `least` was, or later; or left, where that was no insertion.
                            assert!(
                                value & u64::from(u32::MAX) >= least || least % 5 == 1,
                                "{key}: {value} after {least}"
                            );
                            hits.fetch_add(1, SeqCst);
                        }
                        None => _ = misses.fetch_add(1, SeqCst),
                    }
                }
            });
        }
    });
    let stats = cache.stats();
    assert_eq!((stats.hits, stats.misses), (hits.into_inner(), misses.into_inner()));
    assert_eq!(stats.hits + stats.misses, THREADS * (ROUNDS - 1));
}

#[test]
fn panics_among_readers_and_writers_lose_nothing() {
    let cache = filled(150);
    std::thread::scope(|scope| {
        for thread in 0..3_u64 {
            let cache = &cache;
            scope.spawn(move || {
                let mut state = thread + 1;
                for round in 0..20_000_u64 {
                    let key = random(&mut state) % KEYS;
                    if round % 100 == 0 {
                        NEXT.set(Some([Panics::Hash, Panics::Eq, Panics::Clone][(round / 100 % 3) as usize]));
                    }
                    let outcome = catch_unwind(AssertUnwindSafe(|| match round % 1000 {
                        0..5 => _ = cache.insert(Key(key), Value::of(key, round)),
                        5 => _ = cache.remove(&Key(key)),
                        6 => cache.resize(100 + round % 7 * 10),
                        _ => {
                            let found = cache.get(&Key(key));
                            assert!(found.is_none_or(|value| value.key() == key), "the value of another key");
                        }
                    }));
                    if let Err(payload) = outcome {
                        let message = payload.downcast_ref::<String>().expect("a message");
                        assert!(message.ends_with(" panics"), "{message}");
                    }
                }
            });
        }
    });
    assert!(cache.len() <= 200);
    cache.resize(1000);
    (0..KEYS).for_each(|key| assert!(cache.insert(Key(key), Value::of(key, 1))));
    lend(&cache);
}
