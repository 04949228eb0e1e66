//! `cache/lru/1`: an exact LRU for one owner.

use super::work::{CAPACITY, KEYS, value, zipf};
use crate::checksum;
use crate::clock;
use crate::row::{Contender, Home, Measurement, Mode, OURS, Rounds, Row, Unit, When};
use crate::statistics::median;
use std::hint::black_box;
use std::num::NonZero;

const REQUESTS: usize = 1 << 20;

pub(super) fn row() -> Row {
    Row {
        name: "cache/lru/1".to_owned(),
        about: format!("one request to an exact LRU of {CAPACITY} entries; Zipf 0.99 over {KEYS} keys"),
        tier: None,
        unit: Unit::Operation,
        when: When::Always,
        threads: 1,
        rounds: Rounds { full: 5, quick: 1 },
        ours: Contender::new(OURS, Home::Glibc, measure::<terrane_cache::LruCache<u64, u64>>),
        rivals: vec![
            Contender::new("lru", Home::Mimalloc, measure::<lru::LruCache<u64, u64>>),
            Contender::new("schnellru", Home::Glibc, measure::<schnellru::LruMap<u64, u64>>),
        ],
    }
}

/// A cache of one owner.
trait Exact {
    fn new(capacity: usize) -> Self;
    fn get(&mut self, key: u64) -> Option<u64>;
    fn put(&mut self, key: u64, value: u64);
}

impl Exact for terrane_cache::LruCache<u64, u64> {
    fn new(capacity: usize) -> Self {
        terrane_cache::LruCache::new(capacity)
    }

    fn get(&mut self, key: u64) -> Option<u64> {
        self.get(&key).copied()
    }

    fn put(&mut self, key: u64, value: u64) {
        self.insert(key, value);
    }
}

impl Exact for lru::LruCache<u64, u64> {
    fn new(capacity: usize) -> Self {
        lru::LruCache::new(NonZero::new(capacity).expect("a capacity"))
    }

    fn get(&mut self, key: u64) -> Option<u64> {
        self.get(&key).copied()
    }

    fn put(&mut self, key: u64, value: u64) {
        self.put(key, value);
    }
}

impl Exact for schnellru::LruMap<u64, u64> {
    fn new(capacity: usize) -> Self {
        schnellru::LruMap::new(schnellru::ByLength::new(u32::try_from(capacity).expect("a small capacity")))
    }

    fn get(&mut self, key: u64) -> Option<u64> {
        self.get(&key).copied()
    }

    fn put(&mut self, key: u64, value: u64) {
        self.insert(key, value);
    }
}

fn measure<C: Exact>(mode: Mode) -> Measurement {
    let repetitions = match mode {
        Mode::Full => 6,
        Mode::Quick => 1,
    };
    let requests = zipf(KEYS, REQUESTS, 1);
    let mut cache = C::new(CAPACITY);
    let mut ns = Vec::new();
    let mut sums = Vec::new();
    for repetition in 0..=repetitions {
        let (elapsed_ns, sum) = clock::time(|| serve(black_box(&mut cache), &requests));
        sums.push(sum);
        if repetition > 0 {
            #[expect(clippy::cast_precision_loss, reason = "the number is small")]
            ns.push(elapsed_ns / REQUESTS as f64);
        }
    }
    Measurement { ns_by_copy: vec![median(&ns)], checksum: checksum::of(sums) }
}

/// The measured loop. All contenders evict in the same order: the hits are the same, and part of the result.
#[inline(never)]
fn serve<C: Exact>(cache: &mut C, requests: &[u64]) -> u64 {
    requests.iter().fold(1, |sum, &key| match cache.get(key) {
        Some(value) => checksum::mix(sum, value),
        None => {
            cache.put(key, value(key));
            checksum::mix(sum, 0)
        }
    })
}
