//! What one collection did, and why it ran.

use core::fmt;

use terrane_base::Bytes;

/// The kinds of collection.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum CollectionKind {
    /// Moves what lives in the nursery to the old space.
    Minor,
    /// Moves what lives in the nursery and in the frame region to the old space.
    Evacuate,
    /// A minor collection, then marks and sweeps the old space and the large objects.
    Full,
}

impl CollectionKind {
    /// Every kind, in the order in which statistics list them.
    pub const ALL: [Self; 3] = [Self::Minor, Self::Evacuate, Self::Full];

    /// Position in [`ALL`](Self::ALL).
    #[must_use]
    pub const fn index(self) -> usize {
        match self {
            Self::Minor => 0,
            Self::Evacuate => 1,
            Self::Full => 2,
        }
    }
}

impl fmt::Display for CollectionKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Minor => "minor",
            Self::Evacuate => "evacuate",
            Self::Full => "full",
        })
    }
}

/// Why a collection ran.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum CollectionCause {
    /// The mutator asked for it.
    Requested,
    /// The nursery had no room for the next object.
    NurseryFull,
    /// The old space and the large objects outgrew the threshold that the last full collection set.
    OldSpaceGrown,
    /// An arena was destroyed while it held objects.
    ArenaDestroyed,
    /// An allocation would have failed otherwise.
    Exhaustion,
    /// Stress mode.
    Stress,
    /// Many bytes outside the heap were charged since the last collection.
    ExternalBytes,
    /// A young object was pinned.
    Pinned,
    /// The program was idle ([`Heap::step`](super::Heap::step)).
    Idle,
}

impl fmt::Display for CollectionCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Requested => "requested",
            Self::NurseryFull => "nursery full",
            Self::OldSpaceGrown => "old space grown",
            Self::ArenaDestroyed => "arena destroyed",
            Self::Exhaustion => "exhaustion",
            Self::Stress => "stress",
            Self::ExternalBytes => "external bytes",
            Self::Pinned => "pinned",
            Self::Idle => "idle",
        })
    }
}

/// What one collection did. `Display` gives the line of the collection log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct CollectionRecord {
    /// Number of the collection since the heap was made, from 1.
    pub sequence: u64,
    /// Its kind.
    pub kind: CollectionKind,
    /// Why it ran.
    pub cause: CollectionCause,
    /// How long the mutator stood still: at a time, for a full collection that ran in slices.
    pub pause_ns: u64,
    /// How many pauses it took.
    pub slices: u64,
    /// The pauses together.
    pub pause_ns_total: u64,
    /// Bytes of objects moved to the old space.
    pub promoted_bytes: u64,
    /// Bytes of objects found dead: in the zones that this kind empties, and for a full collection in the old
    /// space and among the large objects.
    pub freed_bytes: u64,
    /// Bytes of objects in the old space, among the large objects and in arenas afterwards.
    pub live_bytes: u64,
}

impl fmt::Display for CollectionRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sequence, kind, cause, pause_ns, promoted_bytes, freed_bytes, live_bytes, .. } = *self;
        write!(f, "gc {sequence} {kind} ({cause}): {}, ", Milliseconds(pause_ns))?;
        if self.slices > 1 {
            write!(f, "in {} slices of together {}, ", self.slices, Milliseconds(self.pause_ns_total))?;
        }
        write!(f, "promoted {}, ", Bytes::new(promoted_bytes))?;
        write!(f, "freed {}, live {}", Bytes::new(freed_bytes), Bytes::new(live_bytes))
    }
}

/// A time in nanoseconds, as milliseconds with three places.
pub(crate) struct Milliseconds(pub(crate) u64);

impl fmt::Display for Milliseconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:03} ms", self.0 / 1_000_000, self.0 / 1_000 % 1_000)
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn the_log_line_has_figures_with_units() {
        let record = CollectionRecord {
            sequence: 12,
            kind: CollectionKind::Minor,
            cause: CollectionCause::NurseryFull,
            pause_ns: 1_042_500,
            slices: 1,
            pause_ns_total: 1_042_500,
            promoted_bytes: 12 << 10,
            freed_bytes: 1 << 20,
            live_bytes: 3 << 19,
        };
        assert_eq!(
            record.to_string(),
            "gc 12 minor (nursery full): 1.042 ms, promoted 12 KiB, freed 1 MiB, live 1.5 MiB"
        );
        let sliced = CollectionRecord { slices: 3, pause_ns_total: 2_000_999, ..record };
        assert!(sliced.to_string().contains(": 1.042 ms, in 3 slices of together 2.000 ms, promoted"));
    }
}
