//! What a policy is made of: how large its window is, and who wins the contest.

/// By so much more often: in a loop each key is asked for as often as any other, give or take one, and nothing should move.
const MARGIN: u8 = 2;

/// The window's share of the capacity, in 65536ths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Share(pub(crate) u32);

impl Share {
    pub(crate) const WHOLE: Self = Self(1 << 16);

    pub(crate) fn of(self, capacity: u64) -> u64 {
        if self == Self::WHOLE {
            return capacity;
        }
        let part = (u128::from(capacity) * u128::from(self.0)) >> 16;
        (part as u64).max(1).min(capacity)
    }
}

/// How an entry that comes out of the window can win against an old one, which was not used for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Admission {
    /// By having been asked for clearly more often.
    MoreOften,
    /// By having been asked for more than once of late.
    Again,
}

/// What a policy is made of.
///
/// As (1 %, more often) this is W-TinyLFU, with (1 %, again) much like 2Q (Johnson and Shasha, VLDB 1994) with fingerprints for its
/// ghosts, with (100 %, any) an approximate LRU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rule {
    pub(crate) window: Share,
    pub(crate) admission: Admission,
}

impl Rule {
    /// Holds on to what is asked for most.
    pub(crate) const MORE_OFTEN: Self = Self { window: Share(655), admission: Admission::MoreOften };
    /// Holds on to what was used last.
    pub(crate) const RECENT: Self = Self { window: Share::WHOLE, admission: Admission::Again };

    /// Whether an entry that was asked for so often wins against one that was asked for so often.
    #[inline]
    pub(crate) fn admits(self, candidate_uses: u8, victim_uses: u8) -> bool {
        let enough = match self.admission {
            Admission::MoreOften => victim_uses + MARGIN,
            Admission::Again => 2,
        };
        candidate_uses >= enough
    }

    /// As one number, so that it can be told to other threads without a lock.
    pub(crate) fn to_bits(self) -> u32 {
        self.window.0 << 1 | u32::from(self.admission == Admission::Again)
    }

    pub(crate) fn from_bits(bits: u32) -> Self {
        let admission = if bits & 1 == 1 { Admission::Again } else { Admission::MoreOften };
        Self { window: Share(bits >> 1), admission }
    }
}
