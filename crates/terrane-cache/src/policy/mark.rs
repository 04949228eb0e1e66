//! What is known of an entry's use, in one byte that readers write without a lock.
//!
//! Four bits count uses up to 15, one says whether there was a use since the clock hand last came by. A use writes only what changes: an
//! entry in steady use is at 15 and marked, and its readers write nothing. Two readers at once may count as one; the count is an
//! estimate anyway, and halved from time to time.

use std::sync::atomic::{AtomicU8, Ordering::Relaxed};

pub(crate) const USES_MAX: u8 = 15;
const USED_LATELY: u8 = 0x10;

#[derive(Debug)]
pub(crate) struct Mark(AtomicU8);

/// A place that may be written to instead of a mark, and that is never read.
#[derive(Debug, Default)]
pub(crate) struct Spare(AtomicU8);

impl Mark {
    /// An entry that was asked for so often.
    pub(crate) fn new(uses: u8) -> Self {
        Self(AtomicU8::new(uses.min(USES_MAX)))
    }

    /// Counts a use. Where nothing changes, what would be written goes to `spare`: whether it does is as hard to foresee as which
    /// entry is asked for, and a wrong guess of the processor costs more than a write to a place that is at hand.
    #[inline]
    pub(crate) fn note_use(&self, spare: &Spare) {
        let before = self.0.load(Relaxed);
        let used = before | USED_LATELY;
        let after = used + u8::from(used < USED_LATELY | USES_MAX);
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
            mark.note_use(&Spare::default());
            assert_eq!(mark.uses(), expected);
        }
        mark.age();
        assert_eq!(mark.uses(), 7);
        assert!(mark.take_used_lately());
        assert!(!mark.take_used_lately());
        assert_eq!(mark.uses(), 7);
    }
}
