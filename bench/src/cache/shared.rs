//! `cache/zipf/THREADS` and `cache/hits/THREADS`: caches that threads share.
//!
//! A request looks a key up, and puts it in where it is not there. The cache is warmed by the same requests first. Each thread has requests of its own, and a core of its own where there are enough. The time
//! is CPU time of the thread.
//!
//! Every contender has the hasher that it comes with. moka and mini-moka do part of the work later, in batches; over so many requests
//! that is part of the time.

use super::work::{CAPACITY, KEYS, expected, value, zipf};
use crate::affinity;
use crate::checksum;
use crate::clock;
use crate::row::{Contender, Home, Measurement, Mode, OURS, Rounds, Row, Unit, When};
use crate::statistics::median;
use std::hint::{black_box, spin_loop};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Requests of each thread, in one repetition.
const REQUESTS: usize = 1 << 20;

pub(super) fn rows() -> Vec<Row> {
    vec![
        row::<1>("zipf", KEYS),
        row::<2>("zipf", KEYS),
        row::<1>("hits", CAPACITY / 2),
        row::<2>("hits", CAPACITY / 2),
    ]
}

fn row<const THREADS: usize>(case: &str, keys: usize) -> Row {
    Row {
        name: format!("cache/{case}/{THREADS}"),
        about: format!(
            "one request by one of {THREADS} threads to a cache of {CAPACITY} entries; Zipf 0.99 over {keys} keys"
        ),
        tier: None,
        unit: Unit::Operation,
        when: When::Always,
        threads: THREADS,
        rounds: Rounds { full: 5, quick: 1 },
        ours: contender::<terrane_cache::Cache<u64, u64>, THREADS>(OURS, Home::Glibc, keys),
        rivals: vec![
            contender::<quick_cache::sync::Cache<u64, u64>, THREADS>("quick_cache", Home::Glibc, keys),
            contender::<moka::sync::Cache<u64, u64>, THREADS>("moka", Home::Mimalloc, keys),
            contender::<mini_moka::sync::Cache<u64, u64>, THREADS>("mini-moka", Home::Mimalloc, keys),
            #[cfg(feature = "foyer")]
            contender::<foyer_memory::Cache<u64, u64>, THREADS>("foyer", Home::Mimalloc, keys),
        ],
    }
}

fn contender<C: Shared, const THREADS: usize>(id: &'static str, home: Home, keys: usize) -> Contender {
    Contender::new(id, home, move |mode| measure::<C, THREADS>(keys, mode))
}

/// A cache that threads share.
trait Shared: Sync {
    fn new(capacity: usize) -> Self;
    fn get(&self, key: u64) -> Option<u64>;
    fn put(&self, key: u64, value: u64);
}

/// For a cache whose look-up gives a clone of the value.
macro_rules! shared {
    ($cache:ty) => {
        impl Shared for $cache {
            fn new(capacity: usize) -> Self {
                <$cache>::new(capacity as _)
            }

            #[inline]
            fn get(&self, key: u64) -> Option<u64> {
                self.get(&key)
            }

            #[inline]
            fn put(&self, key: u64, value: u64) {
                self.insert(key, value);
            }
        }
    };
}

shared!(terrane_cache::Cache<u64, u64>);
shared!(quick_cache::sync::Cache<u64, u64>);
shared!(moka::sync::Cache<u64, u64>);
shared!(mini_moka::sync::Cache<u64, u64>);

#[cfg(feature = "foyer")]
impl Shared for foyer_memory::Cache<u64, u64> {
    fn new(capacity: usize) -> Self {
        let policy = foyer_memory::S3FifoConfig::default();
        foyer_memory::CacheBuilder::new(capacity).with_eviction_config(policy).build()
    }

    fn get(&self, key: u64) -> Option<u64> {
        self.get(&key).map(|entry| *entry.value())
    }

    fn put(&self, key: u64, value: u64) {
        drop(self.insert(key, value));
    }
}

fn measure<C: Shared, const THREADS: usize>(keys: usize, mode: Mode) -> Measurement {
    let repetitions = match mode {
        Mode::Full => 6,
        Mode::Quick => 1,
    };
    let cache = C::new(CAPACITY);
    let requests: Vec<Vec<u64>> = (0..THREADS as u64).map(|thread| zipf(keys, REQUESTS, thread)).collect();
    let mut ns = Vec::new();
    let mut sum = 1;
    // The first turn warms the cache.
    for repetition in 0..=repetitions {
        for (thread, (elapsed_ns, result)) in on_each_thread(&cache, &requests).into_iter().enumerate() {
            assert_eq!(result, expected(&requests[thread]), "a value is not that of its key");
            sum = checksum::mix(sum, result);
            if repetition > 0 {
                #[expect(clippy::cast_precision_loss, reason = "the number is small")]
                ns.push(elapsed_ns / REQUESTS as f64);
            }
        }
    }
    Measurement { ns_by_copy: vec![median(&ns)], checksum: sum }
}

/// Lets each thread make its requests, all at once; the time and the result of each.
fn on_each_thread<C: Shared>(cache: &C, requests: &[Vec<u64>]) -> Vec<(f64, u64)> {
    let cores = affinity::cores();
    let threads = requests.len();
    let ready = AtomicUsize::new(0);
    let on_thread = |thread: usize| {
        if let Some(&core) = cores.iter().rev().nth(thread).filter(|_| threads > 1 && cores.len() >= threads)
        {
            // Where pinning fails, the system places the thread.
            let _ = affinity::pin_to(core);
        }
        meet(&ready, threads);
        clock::thread_time(|| serve(black_box(cache), &requests[thread]))
    };
    std::thread::scope(|scope| {
        let on_thread = &on_thread;
        let threads: Vec<_> = (0..threads).map(|thread| scope.spawn(move || on_thread(thread))).collect();
        threads.into_iter().map(|thread| thread.join().expect("a measuring thread failed")).collect()
    })
}

/// Returns when all threads have come here. Without sleeping: a thread that has to be woken begins late.
fn meet(ready: &AtomicUsize, threads: usize) {
    ready.fetch_add(1, Ordering::AcqRel);
    let mut turns = 0_u32;
    while ready.load(Ordering::Acquire) < threads {
        spin_loop();
        turns += 1;
        if turns.is_multiple_of(1 << 14) {
            // The other thread may be waiting for this core.
            std::thread::yield_now();
        }
    }
}

/// The measured loop.
#[inline(never)]
fn serve<C: Shared>(cache: &C, requests: &[u64]) -> u64 {
    requests.iter().fold(1, |sum, &key| {
        let value = cache.get(key).unwrap_or_else(|| {
            let value = value(key);
            cache.put(key, value);
            value
        });
        checksum::mix(sum, value)
    })
}
