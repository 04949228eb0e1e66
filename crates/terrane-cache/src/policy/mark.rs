//! What is known of an entry's use, in one byte that readers write without a lock.
//!
//! Four bits count uses up to 15, one says whether there was a use since the clock hand last came by. A use writes only what changes: an
//! entry in steady use is at 15 and marked, and its readers write nothing. Two readers at once may count as one; the count is an
//! estimate anyway, and halved from time to time.
//!
//! Where several cores read, each write takes the cache line away from the others, which costs more than ten hits. There uses are counted
//! by a sample (Morris, *Counting Large Numbers of Events in Small Registers*, CACM 1978): one in sixteen, as fifteen. So the count is about
//! right on average, and an entry is written to twice at most, until it is asked whether it was used lately, or halved.

use std::sync::atomic::{AtomicU8, Ordering::Relaxed};

pub(crate) const USES_MAX: u8 = 15;
const USED_LATELY: u8 = 0x10;

#[derive(Debug)]
pub(crate) struct Mark(AtomicU8);

/// A place that may be written to instead of a mark, and that is never read.
#[derive(Debug, Default)]
pub(crate) struct Spare(AtomicU8);

/// How a use is counted.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Counting<'a> {
    /// As what it is.
    Each(&'a Spare),
    /// As [`USES_MAX`], where it is one of the sample; else not.
    Sampled(&'a Spare, bool),
}

/// One use in so many is counted, where they are sampled.
const SAMPLED: u32 = USES_MAX as u32 + 1;

impl<'a> Counting<'a> {
    /// By a sample, for the use of that number. Squares, times the golden ratio, hit a sixteenth of the circle one time in sixteen, and in
    /// no step with a loop over keys (Weyl, *Über die Gleichverteilung von Zahlen mod. Eins*, 1916).
    #[inline(always)]
    pub(crate) fn sampled(spare: &'a Spare, number: u64) -> Self {
        let number = number as u32;
        let at = number.wrapping_mul(number).wrapping_mul(0x9e37_79b9);
        Self::Sampled(spare, at < 1 << (u32::BITS - SAMPLED.ilog2()))
    }
}

impl Mark {
    /// An entry that was asked for so often.
    pub(crate) fn new(uses: u8) -> Self {
        Self(AtomicU8::new(uses.min(USES_MAX)))
    }

    /// Counts a use. Where nothing changes, what would be written goes to the spare place: whether it does is as hard to foresee as which
    /// entry is asked for, and a wrong guess of the processor costs more than a write to a place that is at hand.
    #[inline(always)]
    pub(crate) fn note_use(&self, counting: Counting<'_>) {
        let before = self.0.load(Relaxed);
        let (spare, after) = match counting {
            Counting::Each(spare) => {
                let used = before | USED_LATELY;
                (spare, used + u8::from(used < USED_LATELY | USES_MAX))
            }
            Counting::Sampled(spare, is_counted) => {
                (spare, before | if is_counted { USED_LATELY | USES_MAX } else { USED_LATELY })
            }
        };
        let place = if after == before { &spare.0 } else { &self.0 };
        place.store(after, Relaxed);
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
        const KEYS: u64 = 4096;
        let spare = Spare::default();
        for other_keys in [0, 1, 64, 1000] {
            let counted = |uses: u64| {
                let keys = KEYS + other_keys;
                let marks: Vec<Mark> = (0..keys).map(|_| Mark::new(0)).collect();
                // A loop over the keys.
                let numbers = (0..uses).flat_map(|turn| (0..keys).map(move |key| (turn * keys + key, key)));
                numbers.for_each(|(number, key)| {
                    marks[key as usize].note_use(Counting::sampled(&spare, number))
                });
                assert!(marks.iter().all(Mark::is_used_lately));
                marks.iter().map(|mark| u64::from(mark.uses())).sum::<u64>() * 100 / keys
            };
            let hundredths = [1, 4, 100].map(counted);
            let expected = [60..130, 280..420, 1440..1501];
            assert!(
                hundredths.iter().zip(&expected).all(|(mean, range)| range.contains(mean)),
                "{hundredths:?}"
            );
        }
    }
}
