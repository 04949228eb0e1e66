//! What is known of an entry's use, in one byte that readers write without a lock.
//!
//! Four bits count uses up to 15, one says whether there was a use since the clock hand last came by. A use writes only what changes: an
//! entry in steady use is at 15 and marked, and its readers write nothing. Two readers at once may count as one; the count is an
//! estimate anyway, and halved from time to time.
//!
//! Where several cores read, each write takes the cache line away from the others, which costs more than ten hits. There uses are counted
//! by a sample (Morris, *Counting Large Numbers of Events in Small Registers*, CACM 1978): about one in sixteen, as fifteen. So the count
//! is about right on average, and an entry is written to twice at most, until it is asked whether it was used lately, or halved.

use std::hint::cold_path;
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};

pub(crate) const USES_MAX: u8 = 15;
const USED_LATELY: u8 = 0x10;

#[derive(Debug)]
pub(crate) struct Mark(AtomicU8);

/// A place that may be written to instead of a mark, and that is never read.
#[derive(Debug, Default)]
pub(crate) struct Spare(AtomicU8);

/// How a use is counted.
#[derive(Debug)]
pub(crate) enum Counting<'a> {
    /// As what it is.
    Each(&'a Spare),
    /// As [`USES_MAX`], where it is one of the sample; else not.
    Sampled(&'a mut Sample),
}

/// Which uses are counted where they are sampled, and how many uses there were: one number is all that a use writes.
#[derive(Debug)]
pub(crate) struct Sample {
    /// So many uses until the next that is counted, which is the last of them.
    left: u32,
    random: u32,
    /// So many uses there will have been by then.
    uses_then: u64,
}

impl Default for Sample {
    fn default() -> Self {
        Self { left: SAMPLED, random: 0, uses_then: u64::from(SAMPLED) }
    }
}

/// One use in about so many is counted.
const SAMPLED: u32 = USES_MAX as u32 + 1;

impl Sample {
    /// How many uses there were since [`take_uses`](Sample::take_uses).
    #[inline]
    pub(crate) fn uses(&self) -> u64 {
        self.uses_then - u64::from(self.left)
    }

    /// The same, to be counted from zero again.
    pub(crate) fn take_uses(&mut self) -> u64 {
        let uses = self.uses();
        self.uses_then = u64::from(self.left);
        uses
    }

    #[inline(always)]
    fn takes_next(&mut self) -> bool {
        self.left -= 1;
        self.left == 0
    }

    /// From one to twice as many as on average, at random: a loop over keys should not meet the same ones again and again.
    #[inline(always)]
    fn restart(&mut self) {
        // Multiplier and increment from Numerical Recipes; the upper bits are good enough.
        self.random = self.random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        self.left = 1 + (self.random >> (u32::BITS - SAMPLED.ilog2() - 1));
        self.uses_then += u64::from(self.left);
    }
}

impl Mark {
    /// An entry that was asked for so often.
    pub(crate) fn new(uses: u8) -> Self {
        Self(AtomicU8::new(uses.min(USES_MAX)))
    }

    /// Counts a use.
    #[inline(always)]
    pub(crate) fn note_use(&self, counting: Counting<'_>) {
        let before = self.0.load(Relaxed);
        match counting {
            Counting::Each(spare) => {
                let used = before | USED_LATELY;
                let after = used + u8::from(used < USED_LATELY | USES_MAX);
                // Where nothing changes, what would be written goes to the spare place: whether it does is as hard to foresee as which
                // entry is asked for, and a wrong guess of the processor costs more than a write to a place that is at hand.
                let place = if after == before { &spare.0 } else { &self.0 };
                place.store(after, Relaxed);
            }
            // What is only read is soon marked, all of it.
            Counting::Sampled(sample) => {
                if sample.takes_next() || before & USED_LATELY == 0 {
                    cold_path();
                    self.note_sampled_use(sample);
                }
            }
        }
    }

    /// Inlined, as a call would make the look-up save registers.
    #[inline(always)]
    fn note_sampled_use(&self, sample: &mut Sample) {
        let before = self.0.load(Relaxed);
        let mut after = before | USED_LATELY;
        if sample.left == 0 {
            sample.restart();
            after |= USES_MAX;
        }
        if after != before {
            self.0.store(after, Relaxed);
        }
    }

    pub(crate) fn uses(&self) -> u8 {
        self.0.load(Relaxed) & USES_MAX
    }

    /// Whether it was used since [`take_used_lately`](Mark::take_used_lately).
    pub(crate) fn is_used_lately(&self) -> bool {
        self.0.load(Relaxed) & USED_LATELY != 0
    }

    /// Whether it was used since this was last asked.
    pub(crate) fn take_used_lately(&mut self) -> bool {
        let mark = self.0.get_mut();
        let used = *mark & USED_LATELY != 0;
        *mark &= USES_MAX;
        used
    }

    /// Halves the count.
    pub(crate) fn age(&mut self) {
        let mark = self.0.get_mut();
        *mark = (*mark & USED_LATELY) | (*mark & USES_MAX) >> 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uses_saturate_and_age_without_losing_the_bit() {
        let mut mark = Mark::new(0);
        assert!(!mark.take_used_lately());
        for expected in (1..=USES_MAX).chain([USES_MAX; 3]) {
            mark.note_use(Counting::Each(&Spare::default()));
            assert_eq!(mark.uses(), expected);
        }
        mark.age();
        assert_eq!(mark.uses(), 7);
        assert!(mark.take_used_lately());
        assert!(!mark.take_used_lately());
        assert_eq!(mark.uses(), 7);
    }

    #[test]
    fn a_sample_counts_right_on_average_whatever_the_order() {
        for keys in [4096, 5000, 6400] {
            let counted = |uses: u64| {
                let mut sample = Sample::default();
                let marks: Vec<Mark> = (0..keys).map(|_| Mark::new(0)).collect();
                // A loop over the keys.
                let noted = (0..uses).flat_map(|_| &marks);
                noted.for_each(|mark| mark.note_use(Counting::Sampled(&mut sample)));
                assert_eq!(sample.take_uses(), uses * keys);
                assert_eq!(sample.uses(), 0);
                assert!(marks.iter().all(Mark::is_used_lately));
                marks.iter().map(|mark| u64::from(mark.uses())).sum::<u64>() * 100 / keys
            };
            let hundredths = [1, 4, 100].map(counted);
            let expected = [70..110, 290..370, 1450..1501];
            assert!(
                hundredths.iter().zip(&expected).all(|(mean, range)| range.contains(mean)),
                "{hundredths:?}"
            );
        }
    }
}
