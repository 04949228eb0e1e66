//! Moving live objects out of from-space, into the old space.
//!
//! Minor collections and evacuations are the same algorithm with different from-spaces (Cheney, CACM 1970,
//! with an explicit stack of slots instead of the scan pointer, since to-space is made of holes): an object
//! met for the first time is copied, a forwarding word is left in its place, and those slots of the copy that
//! refer into from-space are pushed; pop slots and forward them until the stack is empty. Slots rather than
//! objects, because the loop then has one place that copies, and the compiler keeps its state in registers.
//!
//! Roots of a minor collection are the mutator's, the remembered set, large objects born since the last
//! collection, and what was allocated or written in the frame region and the arenas since then. An evacuation
//! ignores the watermarks and scans them all.

use core::marker::PhantomData;
use core::mem::MaybeUninit;
use core::ptr::null_mut;

use super::arena::Arenas;
use super::large::LargeSpace;
use super::old_space::OldSpace;
use super::old_space::chunk::Chunk;
use super::prefetch::{DISTANCE, prefetch};
use super::remembered::{Entry, RememberedSet, Scope};
use super::weak;
use super::work_stack::WorkStack;
use super::young::Span;
use super::young_log::{LoggedYoung, YoungLog};
use super::{ObjectModel, RootScope, RootSource, Word};

/// Tells what is to be moved.
pub(crate) trait FromSpace: Copy {
    fn contains(&self, address: usize) -> bool;
    /// Whether an object counts as a survivor of a destroyed arena.
    fn is_arena(&self, address: usize) -> bool;
}

/// The nursery, or the frame region and the nursery.
impl FromSpace for Span {
    #[inline(always)]
    fn contains(&self, address: usize) -> bool {
        Span::contains(*self, address)
    }

    #[inline(always)]
    fn is_arena(&self, _: usize) -> bool {
        false
    }
}

/// The nursery and one arena.
#[derive(Clone, Copy)]
pub(crate) struct NurseryAndArena<'h> {
    pub(crate) nursery: Span,
    pub(crate) arenas: &'h Arenas,
    pub(crate) arena: u32,
}

impl FromSpace for NurseryAndArena<'_> {
    #[inline(always)]
    fn contains(&self, address: usize) -> bool {
        self.nursery.contains(address) || self.is_arena(address)
    }

    #[inline(always)]
    fn is_arena(&self, address: usize) -> bool {
        self.arenas.arena_at(address) == Some(self.arena)
    }
}

/// What an evacuation did.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Copied {
    pub(crate) bytes: usize,
    pub(crate) arena_objects: u64,
    pub(crate) arena_bytes: u64,
}

/// What is moved besides the nursery.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Condemned {
    Nothing,
    Frames,
    Arena(u32),
}

/// Where an evacuation looks for references.
pub(crate) struct Sources<'h> {
    pub(crate) condemned: Condemned,
    pub(crate) frames: Span,
    pub(crate) frame_watermark: usize,
    pub(crate) frame_top: usize,
    pub(crate) arenas: &'h Arenas,
    pub(crate) young_log: &'h YoungLog,
    pub(crate) large: &'h LargeSpace,
    /// Objects born pinned since the last collection.
    pub(crate) fresh: &'h [usize],
    /// The remembered set was lost: scan every old and large object.
    pub(crate) rebuild: bool,
}

/// The parts of a heap that an evacuation changes.
pub(crate) struct Parts<'h> {
    /// The whole young range.
    pub(crate) young: Span,
    pub(crate) old: &'h mut OldSpace,
    pub(crate) stack: &'h mut WorkStack,
    pub(crate) remembered: &'h mut RememberedSet,
}

/// An evacuation under way.
pub(crate) struct Evacuation<'h, M, F> {
    from: F,
    young: Span,
    old: &'h mut OldSpace,
    stack: &'h mut WorkStack,
    remembered: &'h mut RememberedSet,
    copied: Copied,
    model: PhantomData<M>,
}

/// Every method relies on the promises of [`ObjectModel`] and [`RootSource`]: slots hold valid words, objects
/// are initialised.
impl<'h, M: ObjectModel, F: FromSpace> Evacuation<'h, M, F> {
    pub(crate) fn new(from: F, parts: Parts<'h>) -> Self {
        let Parts { young, old, stack, remembered } = parts;
        Self { from, young, old, stack, remembered, copied: Copied::default(), model: PhantomData }
    }

    /// Moves all that lives in from-space. The remembered set is scanned before the copies, since scanning
    /// copies may add to it.
    pub(crate) fn run<R: RootSource>(mut self, sources: &Sources<'_>, roots: &mut R) -> Copied {
        let all = sources.condemned != Condemned::Nothing;
        self.scan_roots(roots, if all { RootScope::All } else { RootScope::Young });
        self.scan_remembered();
        self.scan_fresh(sources.large, sources.fresh);
        if sources.rebuild {
            self.scan_everything(sources.large);
        }
        self.scan_young(sources, all);
        self.drain(sources.large);
        weak::young::process(&mut self, sources.large, roots);
        self.copied
    }

    pub(crate) fn copied_bytes(&self) -> usize {
        self.copied.bytes
    }

    pub(crate) fn condemned_space(&self) -> F {
        self.from
    }

    /// Scans the frame region and the arenas as far as they are not from-space: what is new or logged, or
    /// all.
    fn scan_young(&mut self, sources: &Sources<'_>, all: bool) {
        if sources.condemned != Condemned::Frames {
            let start = if all { sources.frames.base } else { sources.frame_watermark };
            self.scan_dense(start, sources.frame_top);
        }
        for segment in sources.arenas.live_segments() {
            if sources.condemned != Condemned::Arena(segment.arena()) {
                self.scan_dense(if all { segment.span.base } else { segment.scanned }, segment.top);
            }
        }
        if !all {
            // A slot above the watermark belongs to a frame that was left since, and is covered by the scan
            // if in use again.
            let cut = |entry: &LoggedYoung| {
                sources.frames.contains(entry.address()) && entry.address() >= sources.frame_watermark
            };
            self.scan_logged(sources.young_log.entries().filter(|entry| !cut(entry)));
        }
    }

    /// Forwards the roots at once: a source may visit copies of what it holds, so their addresses mean
    /// nothing afterwards. What they refer to waits on the stack, so that the youngest of it, which is still in
    /// the cache, is copied first.
    fn scan_roots<R: RootSource>(&mut self, roots: &mut R, scope: RootScope) {
        roots.visit_roots(scope, |root| {
            if let Some(address) = M::address(*root)
                && self.from.contains(address)
            {
                // SAFETY: roots are valid words.
                *root = unsafe { self.forward_root(*root, address) };
            }
        });
    }

    /// The new place of an object in from-space, to which it is moved if it was not before; what it refers to
    /// goes on the stack.
    ///
    /// # Safety
    ///
    /// `word` refers to an object at `address` in from-space, initialised, or moved by this evacuation.
    #[inline(never)]
    pub(crate) unsafe fn forward_root(&mut self, word: Word, address: usize) -> Word {
        let mut hot = self.load();
        // SAFETY: the caller's promise.
        let forwarded = unsafe { self.forward::<true>(&mut hot, word, address) };
        self.store(hot);
        forwarded
    }

    /// Puts a slot on the stack if it refers into from-space; answers whether it refers elsewhere into the
    /// young range. Must not be called while draining.
    ///
    /// # Safety
    ///
    /// `slot` is a slot of a live object that this evacuation does not move, and holds a valid word.
    #[inline(always)]
    unsafe fn enqueue(&mut self, slot: *mut Word) -> bool {
        // SAFETY: the caller's promise.
        let Some(address) = M::address(unsafe { *slot }) else { return false };
        if !self.from.contains(address) {
            let is_young = self.young.contains(address);
            if !is_young && self.old.candidates.is_tracking() {
                // SAFETY: a valid reference outside the young range.
                unsafe { self.old.candidates.keep_in_place(address) };
            }
            return is_young;
        }
        if self.stack.is_full() {
            self.drain_stack();
        }
        self.stack.push(slot as u64);
        false
    }

    fn load(&self) -> Hot {
        let (cursor, limit, notes_births) = self.old.hole();
        Hot { cursor, limit, notes_births, top: self.stack.top(), next: null_mut(), bytes: 0 }
    }

    fn store(&mut self, hot: Hot) {
        self.old.set_cursor(hot.cursor);
        self.stack.set_top(hot.top);
        if !hot.next.is_null() {
            self.stack.push(hot.next as u64);
        }
        self.copied.bytes += hot.bytes;
    }

    /// Forwards the slots on the stack, and what they lead to.
    #[inline(never)]
    fn drain_stack(&mut self) {
        let mut hot = self.load();
        let bottom = self.stack.bottom();
        loop {
            let mut slot = core::mem::replace(&mut hot.next, null_mut());
            if slot.is_null() {
                if hot.top == bottom {
                    break;
                }
                // SAFETY: above the bottom, so it was pushed.
                unsafe {
                    hot.top = hot.top.sub(1);
                    slot = *hot.top as usize as *mut Word;
                }
            }
            // SAFETY: a slot that refers into from-space, of a live object that stays where it is.
            unsafe {
                let word = *slot;
                // A slot may be on the stack twice, and was then updated before.
                if let Some(address) = M::address(word)
                    && self.from.contains(address)
                {
                    *slot = self.forward::<false>(&mut hot, word, address);
                }
            }
        }
        self.store(hot);
    }

    /// The object's new place, to which it is moved if it was not before. The slots of a moved object go on
    /// the stack. The parameter makes the roots' code apart from that of the copying loop: the compiler then
    /// inlines the model into both.
    ///
    /// # Safety
    ///
    /// `word` refers to an object at `address` in from-space, initialised, or moved by this evacuation.
    #[inline(always)]
    unsafe fn forward<const ROOT: bool>(&mut self, hot: &mut Hot, word: Word, address: usize) -> Word {
        // SAFETY: the caller's promise; the room that the old space answers is as long as the object, and
        // overlaps no other.
        unsafe {
            let first = *(address as *const Word);
            if let Some(to) = M::forwarded(first) {
                return M::with_address(word, to);
            }
            let shape = M::fixed_shape(first);
            let size = shape.map_or_else(|| M::size(word), |(size, _)| size);
            let mut to = hot.cursor;
            if size <= hot.limit - to {
                hot.cursor = to + size;
                if hot.notes_births {
                    self.old.note_birth(to, size);
                }
            } else {
                self.old.set_cursor(hot.cursor);
                to = self.old.promote_slow(size);
                (hot.cursor, hot.limit, hot.notes_births) = self.old.hole();
            }
            copy_words(address, to, size);
            (address as *mut Word).write(M::forwarding(to));
            hot.bytes += size;
            if self.from.is_arena(address) {
                self.copied.arena_objects += 1;
                self.copied.arena_bytes += size as u64;
            }
            let moved = M::with_address(word, to);
            if let Some((_, slots)) = shape {
                self.push_fixed_slots(hot, moved, to, slots);
            } else {
                if M::TRACKS_MOVES {
                    M::moved(moved);
                }
                self.push_slots::<ROOT>(hot, moved, to);
            }
            moved
        }
    }

    /// Puts the slots of a moved object that refer into from-space on the stack, and logs those that refer
    /// elsewhere into the young range.
    ///
    /// # Safety
    ///
    /// `moved` refers to the object, which was just moved to `to`.
    #[inline(always)]
    unsafe fn push_slots<const ROOT: bool>(&mut self, hot: &mut Hot, moved: Word, to: usize) {
        // SAFETY: the caller's promise; the model visits slots of the object.
        unsafe { M::visit_slots(moved, |slot| self.push_slot(hot, moved, to, slot)) };
    }

    /// The same with the slots as a map of the object's words.
    ///
    /// # Safety
    ///
    /// As for [`push_slots`](Self::push_slots); `slots` is what the model says of the object.
    #[inline(always)]
    unsafe fn push_fixed_slots(&mut self, hot: &mut Hot, moved: Word, to: usize, mut slots: u64) {
        while slots != 0 {
            let slot = (to + 8 * slots.trailing_zeros() as usize) as *mut Word;
            slots &= slots - 1;
            // SAFETY: the caller's promise.
            unsafe { self.push_slot(hot, moved, to, slot) };
        }
    }

    /// # Safety
    ///
    /// `slot` is one of the object that `moved` refers to, which was just moved to `to`.
    #[inline(always)]
    unsafe fn push_slot(&mut self, hot: &mut Hot, moved: Word, to: usize, slot: *mut Word) {
        // SAFETY: a slot of an initialised object.
        let Some(target) = M::address(unsafe { *slot }) else { return };
        if self.from.contains(target) {
            // It may have left the cache where the nursery is longer than that.
            prefetch(target);
            if hot.next.is_null() {
                hot.next = slot;
                return;
            }
            if hot.top == self.stack.end() {
                return self.stack.note_overflow();
            }
            // SAFETY: below the end of the stack.
            unsafe {
                hot.top.write(slot as u64);
                hot.top = hot.top.add(1);
            }
        } else if self.young.contains(target) {
            // SAFETY: the object is in the old space now.
            unsafe { self.remembered.log::<M>(moved, to, slot as usize) };
        } else if self.old.candidates.is_tracking() {
            // SAFETY: a valid reference outside the young range.
            unsafe { self.old.candidates.keep_in_place(target) };
        }
    }

    /// Scans the objects that lie dense in `[start, end)`.
    fn scan_dense(&mut self, start: usize, end: usize) {
        let mut address = start;
        while address < end {
            // SAFETY: initialised objects lie dense in the range, and are not moved by this evacuation.
            unsafe {
                let word = M::word_at(address);
                M::visit_slots(word, |slot| _ = self.enqueue(slot));
                address += M::size(word);
            }
        }
    }

    /// Scans single slots of frame and arena objects, and objects that were logged for a hidden slot.
    fn scan_logged(&mut self, entries: impl Iterator<Item = LoggedYoung>) {
        for entry in entries {
            // SAFETY: the barrier logged a live object, or a slot in one, and the caller leaves out those that
            // were cut off since.
            unsafe {
                match entry {
                    LoggedYoung::Slot(slot) => _ = self.enqueue(slot as *mut Word),
                    LoggedYoung::Object(object) => {
                        M::visit_slots(M::word_at(object), |slot| _ = self.enqueue(slot));
                    }
                }
            }
        }
    }

    /// Scans large and pinned objects born since the last collection.
    fn scan_fresh(&mut self, large: &LargeSpace, pinned: &[usize]) {
        let large = large.fresh().iter().map(|object| object.address);
        for address in large.chain(pinned.iter().copied()) {
            // SAFETY: the mutator has initialised the object.
            unsafe { self.scan_old(M::word_at(address), address) };
        }
    }

    /// Scans what is logged. Entries that still refer into the young range stay. (New ones may come in
    /// meanwhile, when the stack is full and is drained.)
    fn scan_remembered(&mut self) {
        let (mut kept, mut index) = (0, 0);
        while index < self.remembered.len() {
            if index + DISTANCE < self.remembered.len() {
                let next = self.remembered.entry(index + DISTANCE);
                let address = if next.slot == 0 { M::address(next.parent).unwrap_or(0) } else { next.slot };
                prefetch(address);
                prefetch(Chunk::log_word(address));
            }
            let entry = self.remembered.entry(index);
            // SAFETY: entries of dead objects are removed before their memory is reused.
            if unsafe { self.scan_entry(entry) } {
                self.remembered.replace(kept, entry);
                kept += 1;
            }
            index += 1;
        }
        self.remembered.truncate(kept);
    }

    /// # Safety
    ///
    /// The entry's object is in the old space or large.
    unsafe fn scan_entry(&mut self, entry: Entry) -> bool {
        let Some(address) = M::address(entry.parent) else { return false };
        let mut edge = false;
        // SAFETY: the caller's promise.
        unsafe {
            let scope = entry.clear::<M>(address);
            match scope {
                Scope::Whole => M::visit_slots(entry.parent, |slot| edge |= self.enqueue(slot)),
                Scope::Slot(slot) => edge = self.enqueue(slot as *mut Word),
                Scope::Card(start, end) => {
                    M::visit_slots_within(entry.parent, start, end, |slot| edge |= self.enqueue(slot));
                }
            }
            if edge {
                entry.restore::<M>(address, scope);
            }
        }
        edge
    }

    /// Scans a whole object of the old space, and logs its references into the young range.
    ///
    /// # Safety
    ///
    /// `word` refers to the initialised object at `address`, in the old space or large.
    unsafe fn scan_old(&mut self, word: Word, address: usize) {
        // SAFETY: the caller's promise.
        unsafe {
            M::visit_slots(word, |slot| {
                if self.enqueue(slot) {
                    self.remembered.log::<M>(word, address, slot as usize);
                }
            });
        }
    }

    /// Scans every old and large object and logs anew what refers into the young range: for when the
    /// remembered set or the stack could not hold all. Ends only when the stack has held everything.
    fn scan_everything(&mut self, large: &LargeSpace) {
        // SAFETY: an object is copied whole before it is met again.
        unsafe { self.old.set_start_bits_of_runs::<M>() };
        let (live, born) = (self.old.live_table(), self.old.birth_table());
        for index in 0..self.old.chunks().len() {
            let chunk = self.old.chunks()[index];
            // SAFETY: an initialised object starts at each start bit.
            chunk.for_each_start(live, |address| unsafe { self.scan_old(M::word_at(address), address) });
            if born != live {
                // SAFETY: as above.
                chunk.for_each_start(born, |address| unsafe { self.scan_old(M::word_at(address), address) });
            }
        }
        for object in large.objects() {
            // SAFETY: the mutator has initialised the object.
            unsafe { self.scan_old(M::word_at(object.address), object.address) };
        }
    }

    /// Forwards until nothing refers into from-space.
    pub(crate) fn drain(&mut self, large: &LargeSpace) {
        self.drain_stack();
        while self.stack.take_overflow() {
            self.scan_everything(large);
            self.drain_stack();
        }
    }
}

/// State of the copying loop that should stay in registers. Kept apart from [`Evacuation`], since the
/// compiler must assume that a store through a slot changes whatever is behind a reference.
struct Hot {
    /// The current hole of the old space.
    cursor: usize,
    limit: usize,
    /// Each birth in the hole is noted at once.
    notes_births: bool,
    /// Top of the stack.
    top: *mut u64,
    /// The slot to go on with: the first of the object that was copied last. It need not go through the
    /// stack.
    next: *mut Word,
    /// Bytes copied.
    bytes: usize,
}

/// Copies `size` bytes, a multiple of 8 and at least 16, as they are: the runtime may have left padding in an
/// object uninitialised.
///
/// # Safety
///
/// Both ends are valid for `size` bytes and do not overlap.
#[inline(always)]
pub(crate) unsafe fn copy_words(from: usize, to: usize, size: usize) {
    // SAFETY: the caller's promise.
    unsafe {
        // Short objects are the many: two copies that may overlap take no loop and no call.
        if size <= 32 {
            copy_ends::<2>(from, to, size);
        } else if size <= 64 {
            copy_ends::<4>(from, to, size);
        } else {
            let (from, to) = (from as *const MaybeUninit<u64>, to as *mut MaybeUninit<u64>);
            core::ptr::copy_nonoverlapping(from, to, size / 8);
        }
    }
}

/// Copies the first and the last `N` words of an object of `N` to `2 * N` words.
///
/// # Safety
///
/// As for [`copy_words`].
#[inline(always)]
unsafe fn copy_ends<const N: usize>(from: usize, to: usize, size: usize) {
    let last = size - 8 * N;
    // SAFETY: the caller's promise.
    unsafe {
        let first = *(from as *const [MaybeUninit<u64>; N]);
        let rest = *((from + last) as *const [MaybeUninit<u64>; N]);
        *(to as *mut [MaybeUninit<u64>; N]) = first;
        *((to + last) as *mut [MaybeUninit<u64>; N]) = rest;
    }
}
