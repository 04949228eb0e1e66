//! By how much the heap may grow before the next cycle, and when that begins.
//!
//! *Size.* The heap may grow to M = L + √(L·g / (c·s)) before it is collected, where L lives, g is the rate at which the
//! program adds to it, and s the speed of marking: the rule of Kirisame, Shenoy & Panchekha, *Optimal heap limits for
//! reducing browser memory use* (OOPSLA 2022), under which several heaps share memory best. A heap of 4 times the size
//! gets twice the room, a program that grows it faster gets more, and both within bounds. The upper one is set by what the
//! heap then has from the system: a cycle keeps a little that died while it ran, the tables of a chunk take a twelfth,
//! and holes that nothing fits as much again where small objects die here and there. So a large heap that grows by less than a
//! quarter between two cycles takes 1.6 times what lives.
//!
//! *Start.* A cycle that runs in slices begins when three quarters of the growth are used up, or later where less lives than
//! that. What dies meanwhile lives on until the next cycle, so the earlier it begins the less of the growth is of use.

use super::ObjectModel;
use super::clock::now_ns;
use super::heap::Heap;
use super::old_space::block::BLOCK_SIZE;
use super::pace::Pacer;

/// The constant c, as its reciprocal in bytes: a heap of 1 GiB that grows a quarter as fast as it is marked gets 0.5 GiB.
const GROWTH_SCALE: u128 = 1 << 30;
/// A large heap grows by so much at most, in per cent.
const GROWTH_MAX_PERCENT: usize = 22;

impl Pacer {
    /// By how much a heap may grow in which `live` bytes live and that has grown by `grown` in `elapsed_ns`.
    fn growth(&self, live: usize, grown: usize, elapsed_ns: u64, least: usize) -> usize {
        // Bytes in a microsecond; without a clock, as fast as marking.
        let rate = match elapsed_ns / 1000 {
            0 => self.mark_speed,
            us => grown as u64 / us,
        };
        let square = live as u128 * u128::from(rate.max(1)) * GROWTH_SCALE / u128::from(self.mark_speed);
        let root = usize::try_from(square.isqrt()).unwrap_or(usize::MAX);
        // A heap that is hardly used may grow by the least, and one that little lives in but much is made in by twice as much.
        let most = (live / 100 * GROWTH_MAX_PERCENT).max(least.saturating_mul(2));
        // In a heap of a few bytes an eighth may be more than the most.
        root.min(most).max(live / 8).max(least)
    }
}

impl<M: ObjectModel> Heap<M> {
    /// Sets the threshold of the next full collection, after one.
    pub(crate) fn set_threshold(&mut self) {
        let now = now_ns(self.clock);
        let elapsed_ns = now.saturating_sub(self.pacer.since_ns);
        self.pacer.since_ns = now;
        let grown = core::mem::take(&mut self.pacer.grown);
        self.pacer.kept = self.heap_bytes();
        self.apply_growth(self.growth_at(grown, elapsed_ns));
    }

    /// The threshold is reached: whether it still is when it is set by how fast the heap has grown since the last cycle. A
    /// program that begins to fill a small heap fast would else have its first cycles at the distance of a slow one's.
    pub(crate) fn is_still_due(&mut self) -> bool {
        let elapsed_ns = now_ns(self.clock).saturating_sub(self.pacer.since_ns);
        let grown = self.heap_bytes().saturating_add(self.external.grown()).saturating_sub(self.pacer.kept);
        let growth = self.growth_at(grown, elapsed_ns).min(self.growth_min.saturating_mul(2));
        if self.pacer.kept.saturating_add(growth) > self.pacer.goal {
            self.apply_growth(growth);
        }
        self.has_grown(0)
    }

    /// By how much the heap may grow from what the last cycle kept, when it has grown by `grown` in `elapsed_ns`.
    fn growth_at(&self, grown: usize, elapsed_ns: u64) -> usize {
        let with_tables = self.pacer.kept.saturating_add(self.external.tables);
        let growth = self.pacer.growth(with_tables, grown, elapsed_ns, self.growth_min);
        growth.min(self.room_below_soft_limit(self.pacer.kept))
    }

    fn apply_growth(&mut self, growth: usize) {
        let live = self.pacer.kept;
        self.pacer.goal = live.saturating_add(growth);
        // Where little lives, a cycle is over soon, and may begin later.
        let with_tables = live.saturating_add(self.external.tables);
        let ahead = with_tables.max(self.nursery_size * 8).min(growth) / 4;
        let start = if self.incremental { growth.saturating_sub(ahead) } else { growth };
        self.full_threshold = live.saturating_add(start);
    }

    /// What the heap may grow by for the sake of the soft limit. Never so little that there is a cycle after every few
    /// minor collections.
    fn room_below_soft_limit(&self, live: usize) -> usize {
        let left = self.soft_limit.saturating_sub(self.charged() + self.held_reserve() * BLOCK_SIZE);
        left.max(live / 16).max(self.nursery_size.saturating_mul(4))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEAST: usize = 32 << 20;

    #[test]
    fn growth_follows_the_root_of_what_lives_within_bounds() {
        let pacer = Pacer::new();
        assert_eq!(pacer.growth(0, 0, 0, LEAST), LEAST);
        assert_eq!(pacer.growth(1 << 20, 0, 0, LEAST), LEAST);
        // As fast as marking.
        let at = |live: usize| pacer.growth(live, 0, 0, LEAST);
        assert_eq!(at(1 << 30), (1 << 30) / 100 * 22, "less than a quarter");
        assert!((LEAST + 1..2 * LEAST).contains(&at(2 << 20)), "{}", at(2 << 20));
        assert_eq!(at(100 << 20), 2 * LEAST, "or twice the least");
        assert_eq!(at(1 << 35), (1_u128 << 65).isqrt() as usize, "the root");
        assert_eq!(at(1 << 36), 1 << 33);
        assert!(at(usize::MAX) >= usize::MAX / 8);
        // Where there is no least, whatever lives.
        for live in 0..1000 {
            let growth = pacer.growth(live, 0, 0, 0);
            assert!((live / 8..=live / 4 + 1).contains(&growth), "{live}: {growth}");
        }
        // Ten bytes in a microsecond, a hundredth of the marking speed.
        let slow = |live: usize| pacer.growth(live, 10_000_000, 1_000_000_000, LEAST);
        assert_eq!(slow(1 << 34), 1 << 31, "an eighth at least");
        assert!(slow(1 << 30) < at(1 << 30));
    }
}
