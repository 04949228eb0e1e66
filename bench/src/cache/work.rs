//! The requests that the caches serve: keys with Zipf's distribution, spread over all numbers.

use crate::checksum;

/// How many keys there are.
pub(super) const KEYS: usize = 1_000_000;
/// How many of them fit.
pub(super) const CAPACITY: usize = 100_000;

/// SplitMix64 (Steele, Lea and Flood, *Fast Splittable Pseudorandom Number Generators*, OOPSLA 2014).
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        scramble(self.0)
    }

    /// At least 0 and below 1.
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
    pub(super) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// Another number for each number.
pub(super) fn scramble(number: u64) -> u64 {
    let mixed = (number ^ number >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ mixed >> 31
}

/// `count` requests to `keys` keys, the frequency of each in proportion to its rank to the power of -0.99.
#[expect(clippy::cast_precision_loss, reason = "ranks are small")]
pub(super) fn zipf(keys: usize, count: usize, seed: u64) -> Vec<u64> {
    let mut sum = 0.0;
    let cumulative: Vec<f64> = (1..=keys)
        .map(|rank| {
            sum += (rank as f64).powf(-0.99);
            sum
        })
        .collect();
    let mut random = Random(seed);
    let mut rank = || {
        let at = random.unit() * sum;
        cumulative.partition_point(|&below| below < at)
    };
    (0..count).map(|_| scramble(rank() as u64)).collect()
}

/// The value of a key.
pub(super) fn value(key: u64) -> u64 {
    key.wrapping_mul(3)
}

/// What all requests give together.
pub(super) fn expected(requests: &[u64]) -> u64 {
    requests.iter().fold(1, |sum, &key| checksum::mix(sum, value(key)))
}
