//! Collections from beginning to end: what each kind moves and scans, and the books afterwards.

use terrane_base::MemoryError;

use super::clock::now_ns;
use super::evacuate::{Condemned, Copied, Evacuation, NurseryAndArena, Parts, Sources};
use super::heap::Heap;
use super::record::{CollectionCause, CollectionKind, CollectionRecord};
use super::stress::POISON;
use super::young::Span;
use super::{ObjectModel, RootSource};

impl<M: ObjectModel> Heap<M> {
    /// Collects now.
    ///
    /// # Errors
    ///
    /// Only `Evacuate` can fail: when there is no room for what may live in the frame region. Nothing has
    /// moved then.
    ///
    /// # Panics
    ///
    /// With [`HeapConfig::verify`](super::HeapConfig::verify), when the heap is corrupt.
    pub fn collect<R: RootSource>(
        &mut self,
        kind: CollectionKind,
        roots: &mut R,
    ) -> Result<CollectionRecord, MemoryError> {
        self.collect_for(kind, CollectionCause::Requested, roots)
    }

    pub(crate) fn collect_for<R: RootSource>(
        &mut self,
        kind: CollectionKind,
        cause: CollectionCause,
        roots: &mut R,
    ) -> Result<CollectionRecord, MemoryError> {
        let condemned = match kind {
            CollectionKind::Evacuate => Condemned::Frames,
            CollectionKind::Minor | CollectionKind::Full => Condemned::Nothing,
        };
        self.check_copy_room(condemned, roots.frame_top())?;
        Ok(self.run(kind, cause, condemned, roots).0)
    }

    /// Collects, where that it cannot be done is no news.
    pub(crate) fn collect_quietly<R: RootSource>(
        &mut self,
        kind: CollectionKind,
        cause: CollectionCause,
        roots: &mut R,
    ) {
        _ = self.collect_for(kind, cause, roots);
    }

    /// Runs a collection that has room for its copies.
    pub(crate) fn run<R: RootSource>(
        &mut self,
        kind: CollectionKind,
        cause: CollectionCause,
        condemned: Condemned,
        roots: &mut R,
    ) -> (CollectionRecord, Copied) {
        let started = now_ns(self.clock);
        self.sync();
        self.old.note_mutator_births();
        let before = self.heap_bytes() + self.bytes_to_move(condemned, roots.frame_top());
        let nursery_bytes = self.nursery_cursor - self.young.nursery().base;
        let in_cycle = self.has_slices();
        let copied = self.evacuate(condemned, roots);
        self.settle_young(condemned, roots);
        let mut ended = None;
        match kind {
            CollectionKind::Full => ended = self.run_cycle(cause, roots),
            CollectionKind::Minor if self.incremental => self.cycle_if_grown(roots),
            CollectionKind::Minor | CollectionKind::Evacuate => {}
        }
        if let Condemned::Arena(index) = condemned {
            let poison = self.poison();
            self.arenas.destroy(index, &mut self.young, poison);
        }
        if kind == CollectionKind::Minor {
            let so_far = now_ns(self.clock).saturating_sub(started);
            self.note_pretenuring(nursery_bytes, copied.bytes, so_far);
        }
        self.prepare_mutator(copied.bytes, cause, roots);
        roots.collected();
        if let Some(record) = ended {
            self.finish(&record, roots);
        }
        self.sequence += 1;
        let pause_ns = now_ns(self.clock).saturating_sub(started);
        self.stats.pauses.record(pause_ns);
        if kind == CollectionKind::Minor {
            self.pacer.note_minor(nursery_bytes, pause_ns, in_cycle);
        }
        let record = CollectionRecord {
            sequence: self.sequence,
            kind,
            cause,
            pause_ns,
            slices: 1,
            pause_ns_total: pause_ns,
            promoted_bytes: copied.bytes as u64,
            freed_bytes: before.saturating_sub(self.heap_bytes()) as u64,
            live_bytes: (self.heap_bytes() + self.arenas.used_bytes()) as u64,
        };
        self.finish(&record, roots);
        (record, copied)
    }

    pub(crate) fn finish<R: RootSource>(&mut self, record: &CollectionRecord, roots: &mut R) {
        self.stats.record(record);
        self.stats.old.bytes_total += record.promoted_bytes;
        self.stats.old.set_now(self.old.live_bytes as u64);
        self.stats.large.set_now(self.large.live_bytes as u64);
        self.stats.arenas.set_now(self.arenas.used_bytes() as u64);
        if let Some(observer) = &mut self.observer {
            observer(record);
        }
        if self.verify_always {
            self.verify_or_dump(roots, format_args!("after collection {}", record.sequence));
        }
    }

    /// Bytes of objects that a collection empties.
    pub(crate) fn bytes_to_move(&self, condemned: Condemned, frame_top: usize) -> usize {
        let nursery = self.nursery_cursor - self.young.nursery().base;
        nursery
            + match condemned {
                Condemned::Nothing => 0,
                Condemned::Frames => frame_top - self.young.frames.base,
                Condemned::Arena(index) => self.arenas.used_bytes_of(index),
            }
    }

    fn evacuate<R: RootSource>(&mut self, condemned: Condemned, roots: &mut R) -> Copied {
        if self.remembered.overflowed() {
            self.forget_all_logs();
        }
        let nursery = self.young.nursery_area;
        let sources = Sources {
            condemned,
            frames: self.young.frames,
            frame_watermark: self.frame_watermark,
            frame_top: roots.frame_top(),
            arenas: &self.arenas,
            young_log: &self.young_log,
            large: &self.large,
            fresh: self.pins.fresh(),
            rebuild: core::mem::take(&mut self.rebuild_remembered)
                || (!self.generational && condemned != Condemned::Nothing),
        };
        let parts = Parts {
            young: self.young.all,
            old: &mut self.old,
            stack: &mut self.stack,
            remembered: &mut self.remembered,
        };
        let copied = match condemned {
            Condemned::Nothing => Evacuation::<M, _>::new(nursery, parts).run(&sources, roots),
            Condemned::Frames => {
                let from = Span { base: sources.frames.base, len: sources.frames.len + nursery.len };
                Evacuation::<M, _>::new(from, parts).run(&sources, roots)
            }
            Condemned::Arena(arena) => {
                let from = NurseryAndArena { nursery, arenas: &self.arenas, arena };
                Evacuation::<M, _>::new(from, parts).run(&sources, roots)
            }
        };
        self.old.live_bytes += copied.bytes;
        copied
    }

    /// The remembered set has lost entries: every log bit is cleared, and the evacuation scans everything.
    #[cold]
    fn forget_all_logs(&mut self) {
        self.remembered.begin_rebuild();
        self.rebuild_remembered = true;
        for chunk in self.old.chunks() {
            chunk.clear_log_bits();
        }
        self.large.clear_logs();
    }

    /// Nothing young but the frame region and the arenas is left, and all of it was scanned.
    fn settle_young<R: RootSource>(&mut self, condemned: Condemned, roots: &mut R) {
        let frame_top = roots.frame_top();
        self.frame_watermark = frame_top;
        if condemned == Condemned::Frames {
            let base = self.young.frames.base;
            if let Some(byte) = self.poison() {
                // SAFETY: the region is committed, and what lived in it was moved out.
                unsafe { core::ptr::write_bytes(base as *mut u8, byte, frame_top - base) };
            }
            self.frame_watermark = base;
            roots.frames_evacuated();
        }
        for segment in self.arenas.live_segments_mut() {
            segment.scanned = segment.top;
        }
        self.young_log.clear();
        self.large.settle_fresh();
        self.pins.settle_fresh();
        self.external.collected();
        self.empty_nursery();
    }

    /// Whether a large or pinned object was born since the last minor collection.
    pub(crate) fn has_fresh(&self) -> bool {
        !self.large.fresh().is_empty() || !self.pins.fresh().is_empty()
    }

    fn empty_nursery(&mut self) {
        let base = self.young.nursery().base;
        let used = self.nursery_cursor - base;
        self.stats.nursery.bytes_total += used as u64;
        self.stats.nursery.bytes_peak = self.stats.nursery.bytes_peak.max(used as u64);
        if let Some(byte) = self.poison() {
            // SAFETY: what lived in the nursery was moved out, and what was bumped is committed.
            unsafe { core::ptr::write_bytes(base as *mut u8, byte, used) };
            self.young.swap_halves();
        }
        self.nursery_cursor = self.young.nursery().base;
        self.nursery_limit = self.nursery_cursor;
    }

    /// After a collection: fills the copy reserve up, and opens a nursery as long as the reserve allows.
    fn prepare_mutator<R: RootSource>(&mut self, promoted: usize, cause: CollectionCause, roots: &R) {
        self.choose_birthplace(cause);
        if self.is_nursery_used() {
            self.young.trim_nursery(self.nursery_size);
            // A nursery that is shorter for it shows soon enough: the next allocation asks why.
            _ = self.reset_nursery(self.nursery_goal());
        } else {
            _ = self.fill_reserve(0);
        }
        if cause == CollectionCause::NurseryFull {
            self.prepare_for_growth(promoted);
        }
        self.pace(promoted, roots);
        self.open_window();
    }

    /// Whether the nursery is open between collections.
    fn is_nursery_used(&self) -> bool {
        !self.direct || !self.generational
    }

    /// Size that the nursery should have: its greatest, or less for the sake of the pause goal.
    pub(crate) fn nursery_goal(&self) -> usize {
        self.pacer.nursery(self.pause_goal_ns, self.nursery_size, self.has_slices())
    }

    /// What emptied memory is filled with.
    pub(crate) fn poison(&self) -> Option<u8> {
        self.stress.as_ref().map(|_| POISON)
    }
}
