//! Figures of a heap.

use super::histogram::PauseHistogram;
use super::record::{CollectionKind, CollectionRecord};

/// One zone of the heap, in bytes of objects.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct ZoneStats {
    /// Bytes ever allocated in the zone (promotions count in the old space).
    pub bytes_total: u64,
    /// Bytes there now; what died since the last collection of the zone is still counted.
    pub bytes_now: u64,
    /// Largest value of `bytes_now`, taken at collections and when asked.
    pub bytes_peak: u64,
}

impl ZoneStats {
    pub(crate) fn set_now(&mut self, bytes: u64) {
        self.bytes_now = bytes;
        self.bytes_peak = self.bytes_peak.max(bytes);
    }
}

/// Collections of one kind.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct CollectionStats {
    /// How many ran.
    pub count: u64,
    /// Their pauses together.
    pub pause_ns_total: u64,
    /// The longest pause.
    pub pause_ns_max: u64,
}

/// A consistent picture of a heap; see [`Heap::stats`](super::Heap::stats).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct HeapStats {
    /// The nursery.
    pub nursery: ZoneStats,
    /// The old space.
    pub old: ZoneStats,
    /// Large objects.
    pub large: ZoneStats,
    /// Large objects ever allocated.
    pub large_objects_total: u64,
    /// Arenas.
    pub arenas: ZoneStats,
    /// Arenas ever created.
    pub arenas_created: u64,
    /// Arenas destroyed.
    pub arenas_destroyed: u64,
    /// Objects that were moved out of destroyed arenas.
    pub arena_survivors: u64,
    /// Their bytes.
    pub arena_survivor_bytes: u64,
    /// Per kind, in the order of [`CollectionKind::ALL`].
    pub collections: [CollectionStats; 3],
    /// Every pause: minor collections, evacuations, full collections, and each slice of those that ran in slices.
    pub pauses: PauseHistogram,
    /// How many slices ran.
    pub slices: u64,
    /// Bytes moved by all collections.
    pub bytes_copied: u64,
    /// Bytes of old objects moved so that memory could be given back.
    pub bytes_defragmented: u64,
    /// Bytes committed from the page source, all of the following and free blocks included.
    pub committed_bytes: u64,
    /// Part of it: chunk headers and side tables, mark stack, remembered set.
    pub metadata_bytes: u64,
    /// Bytes that count against the limit now: young range, blocks in use, copy reserve, large objects, chunk
    /// metadata.
    pub charged_bytes: u64,
    /// The limit.
    pub limit_bytes: u64,
}

impl HeapStats {
    /// Figures of the collections of one kind.
    #[must_use]
    pub fn collections_of(&self, kind: CollectionKind) -> CollectionStats {
        self.collections[kind.index()]
    }

    pub(crate) fn record(&mut self, record: &CollectionRecord) {
        let entry = &mut self.collections[record.kind.index()];
        entry.count += 1;
        entry.pause_ns_total = entry.pause_ns_total.saturating_add(record.pause_ns_total);
        entry.pause_ns_max = entry.pause_ns_max.max(record.pause_ns);
        self.bytes_copied += record.promoted_bytes;
    }
}
