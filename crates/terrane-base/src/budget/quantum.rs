//! How much a leaf takes at once.
//!
//! A leaf that comes back soon takes twice as much the next time, one that is refused, or asked to give back, half. As with the
//! windows of congestion control, nobody has to know how many leaves there are. However well it goes, a leaf takes at most an eighth
//! of what remains, so that leaves ahead of need do not starve the others.

/// Where quanta start.
const FIRST: usize = 64 << 10;
const LARGEST: usize = 1 << 20;
const SMALLEST: usize = 1 << 10;

/// The part of what remains that is taken ahead of need at most.
const PART: usize = 8;

/// The size of the next quantum in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Quantum(pub(super) usize);

impl Quantum {
    pub(super) const FIRST: Self = Self(FIRST);

    #[must_use]
    pub(super) fn grown(self) -> Self {
        Self((self.0 * 2).min(LARGEST))
    }

    #[must_use]
    pub(super) fn shrunk(self) -> Self {
        Self((self.0 / 2).max(SMALLEST))
    }

    /// How much to take when `missing` bytes are needed and so much remains.
    pub(super) fn amount(self, missing: usize, remaining: usize) -> usize {
        missing.max(self.0.min(remaining / PART))
    }

    /// How much may lie unused before some is given back.
    pub(super) fn tolerated(self) -> usize {
        self.0 * 2
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quanta_stay_within_their_bounds() {
        let most = (0..99).fold(Quantum::FIRST, |quantum, _| quantum.grown());
        assert_eq!(most, Quantum(1 << 20));
        let least = (0..99).fold(most, |quantum, _| quantum.shrunk());
        assert_eq!(least, Quantum(1 << 10));
        assert_eq!(Quantum::FIRST.grown().shrunk(), Quantum::FIRST);
    }

    #[test]
    fn what_is_taken_covers_the_need_and_leaves_most_to_others() {
        assert_eq!(Quantum::FIRST.amount(64, usize::MAX), 64 << 10);
        assert_eq!(Quantum::FIRST.amount(1 << 20, usize::MAX), 1 << 20);
        assert_eq!(Quantum::FIRST.amount(64, 80_000), 10_000);
        assert_eq!(Quantum::FIRST.amount(64, 0), 64);
    }
}
