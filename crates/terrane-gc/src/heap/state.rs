//! Everything a heap of the safe tier consists of, and the roots that it shows the collector.

use core::fmt;

use terrane_base::MemoryError;

use crate::handle::HeapId;
use crate::object::SafeModel;
use crate::raw::{self, HeapConfig, Keeper, Liveness, Progress, RootScope, RootSource, Word, WorkBudget};

use super::cell_log::CellLog;
use super::deaths::Deaths;
use super::finalizers::FinalizerQueues;
use super::handles::HandleStack;
use super::persistent::PersistentRoots;
use super::pinning::PinTable;
use super::side::{SideBlock, SideTable};
use super::weak_access::WeakMaps;

/// A heap and its roots. They are apart, since a collection takes both.
pub(crate) struct State {
    pub(crate) raw: raw::Heap<SafeModel>,
    pub(crate) roots: Roots,
    pub(crate) id: HeapId,
    pub(crate) pins: PinTable,
    /// Start and length of the young range, copied here for the write barrier.
    pub(crate) young_base: usize,
    pub(crate) young_len: usize,
    /// An allocation took the slow path: the next safepoint sees what is due.
    pub(crate) due: bool,
    /// An allocation failed for want of a collection.
    pub(crate) exhausted: bool,
}

/// What the collector finds objects by.
pub(crate) struct Roots {
    pub(crate) handles: HandleStack,
    pub(crate) persistent: PersistentRoots,
    pub(crate) cell_log: CellLog,
    pub(crate) side: SideTable,
    pub(crate) queues: FinalizerQueues,
    pub(crate) maps: WeakMaps,
    pub(crate) deaths: Deaths,
    /// The frame region is not used: it stays empty.
    frame_base: usize,
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State").field("id", &self.id).field("raw", &self.raw).finish_non_exhaustive()
    }
}

impl State {
    pub(crate) fn new(config: HeapConfig) -> Result<Self, MemoryError> {
        let raw = raw::Heap::new(config)?;
        let young = raw.young_range();
        let roots = Roots {
            handles: HandleStack::new(),
            persistent: PersistentRoots::new(),
            cell_log: CellLog::new(),
            side: SideTable::new(),
            queues: FinalizerQueues::new(),
            maps: WeakMaps::new(),
            deaths: Deaths::new(),
            frame_base: raw.frame_region().0.as_ptr().addr(),
        };
        Ok(Self {
            raw,
            roots,
            id: HeapId::fresh(),
            pins: PinTable::new(),
            young_base: young.start,
            young_len: young.end - young.start,
            due: false,
            exhausted: false,
        })
    }

    /// Whether an address, or null, lies in the young range.
    #[inline(always)]
    pub(crate) fn is_young(&self, address: usize) -> bool {
        address.wrapping_sub(self.young_base) < self.young_len
    }
}

impl Drop for State {
    fn drop(&mut self) {
        self.roots.drop_all();
    }
}

// SAFETY: `State` keeps roots and heap together and private. Handles, persistent roots, queues and remembered cells are
// all that refers into the heap from outside, and hold valid references: those that the borrow checker has let live.
// The frame region is not used. Objects are initialised as soon as they have memory, and every store of a reference
// into an object goes through `write_barrier`, whose log is among the roots, or, where it lies in the object's side
// block, through `record`.
// What is kept of old objects elsewhere is kept in their side blocks, which `moved` updates.
unsafe impl RootSource for Roots {
    const FOLLOWS_OLD_MOVES: bool = true;

    fn visit_roots<F: FnMut(&mut Word)>(&mut self, scope: RootScope, mut visit: F) {
        self.handles.visit(scope, &mut visit);
        self.persistent.visit(scope, &mut visit);
        self.queues.visit(&self.side, scope, &mut visit);
        // SAFETY: an object with a remembered cell was reachable when the cell was written, and the log is emptied by
        // every collection before anything is freed; during a collection the mutator stands still.
        unsafe { self.cell_log.visit(&mut |slot| visit(&mut *slot)) };
    }

    fn snapshot_roots<F: FnMut(Word)>(
        &mut self,
        first: bool,
        budget: &mut WorkBudget,
        mut visit: F,
    ) -> Progress {
        if first {
            self.handles.begin_snapshot(&mut visit);
            self.persistent.begin_snapshot();
            self.queues.begin_snapshot();
        }
        while budget.spend(1) {
            let next = self.handles.next_undelivered().or_else(|| self.persistent.next_undelivered());
            match next.or_else(|| self.queues.next_undelivered(&self.side)) {
                Some(word) => visit(word),
                None => return Progress::Done,
            }
        }
        Progress::More
    }

    fn visit_remembered<F: FnMut(*const Word)>(&mut self, mut visit: F) {
        // SAFETY: as for `visit_roots`.
        unsafe { self.cell_log.visit(&mut |slot| visit(slot)) };
    }

    fn table_bytes(&self) -> usize {
        self.side.in_use() * size_of::<SideBlock>()
    }

    fn weak_units(&self) -> usize {
        // Each block is looked at twice.
        2 * self.side.len() as usize
    }

    fn frame_top(&self) -> usize {
        self.frame_base
    }

    fn frames_evacuated(&mut self) {}

    fn collected(&mut self) {
        self.handles.raise_watermark();
        self.persistent.collected();
        self.cell_log.clear();
    }

    fn revive_young<K: Keeper>(&mut self, keep: &mut K) {
        // Old objects may be noted already, by a marking in slices: they are not this collection's.
        let old = self.queues.dying();
        for position in 0..self.side.young.len() {
            self.note_if_dying(self.side.young[position], keep);
        }
        while self.queues.dying() > old {
            self.keep_one_dying(keep);
        }
    }

    fn clear_young<L: Liveness>(&mut self, live: &L) {
        // What is remembered has been visited: for the marking that may follow, it would be no root.
        self.cell_log.clear();
        // Nor would what nobody can take any more.
        self.queues.empty_closed();
        let mut young = core::mem::take(&mut self.side.young);
        for index in young.drain(..) {
            self.bury_if_dead(index, live);
        }
        self.side.young = young;
    }

    fn revive_old<K: Keeper>(&mut self, keep: &mut K, budget: &mut WorkBudget) -> Progress {
        while self.deaths.revived < self.side.len() {
            if !budget.spend(1) {
                return Progress::More;
            }
            self.look_ahead(self.deaths.revived, keep);
            self.note_if_dying(self.deaths.revived, keep);
            self.deaths.revived += 1;
        }
        while budget.spend(1) {
            if !self.keep_one_dying(keep) {
                return Progress::Done;
            }
        }
        Progress::More
    }

    fn clear_old<L: Liveness>(&mut self, live: &L, budget: &mut WorkBudget) -> Progress {
        while self.deaths.cleared < self.side.len() {
            if !budget.spend(1) {
                return Progress::More;
            }
            self.look_ahead(self.deaths.cleared, live);
            self.bury_if_dead(self.deaths.cleared, live);
            self.deaths.cleared += 1;
        }
        (self.deaths.revived, self.deaths.cleared) = (0, 0);
        self.persistent.release();
        Progress::Done
    }
}

/// How many side blocks ahead it is asked whether an object lives.
const AHEAD: u32 = 12;

impl Roots {
    /// Has the answer for a block further on brought near.
    fn look_ahead<L: Liveness>(&self, index: u32, live: &L) {
        if index + AHEAD < self.side.len() {
            // SAFETY: a block of our table; the mutator stands still.
            live.prefetch(unsafe { (*self.side.block(index + AHEAD)).object });
        }
    }

    /// Notes the object of a side block if it is unreachable and has a finalizer.
    fn note_if_dying<L: Liveness>(&mut self, index: u32, live: &L) {
        // SAFETY: a block of our table; the mutator stands still.
        let block = unsafe { &*self.side.block(index) };
        let Some(queue) = block.finalizer() else { return };
        if block.object != Word(0) && live.survivor(block.object).is_none() && self.queues.is_open(queue) {
            self.queues.note_dying(&self.side, index);
        }
    }

    /// An object was brought to life through a weak reference: it, and what it refers to, may be noted as dying. The search
    /// for these begins anew; what was kept already stays in its queue.
    pub(crate) fn note_revival(&mut self) {
        if self.queues.dying() > 0 {
            self.queues.forget_dying();
            self.deaths.revived = 0;
        }
    }

    /// Keeps an object that was noted, and puts it in its queue; false if there is none left.
    fn keep_one_dying<K: Keeper>(&mut self, keep: &mut K) -> bool {
        let Some(index) = self.queues.next_dying(&self.side) else { return false };
        let block = self.side.block(index);
        // Keeping moves a young object, which updates its block: no reference to that may be held meanwhile.
        // SAFETY: as above.
        let object = keep.keep(unsafe { (*block).object });
        // SAFETY: as above.
        let block = unsafe { &mut *block };
        debug_assert_eq!(block.object, object, "moving an object tells its block");
        if let Some(queue) = block.finalizer() {
            block.set_finalizer(None);
            self.queues.push(&self.side, queue, index);
        }
        true
    }
}
