//! Marking: finds what lives in the old space and among the large objects, in place.
//!
//! Starts when the nursery is empty. Roots are the mutator's, and every object of the frame region and of the
//! arenas, which count as live. The work stack holds *references* rather than objects: the marking loop pushes whatever a
//! slot refers to, and asks whether it is marked (its start bit is set) only when the reference is popped. By then the object,
//! its bit and the mark of its line, which lie in three places, were asked for some references ago, so that the processor
//! waits for none of them (Garner, Blackburn & Frampton, *Effective prefetch for mark-sweep garbage collection*, ISMM
//! 2007: edges are enqueued, not nodes). When the stack runs short, references to what is marked are left out; when it could
//! not hold one, its object is marked, and all marked objects are scanned again, which ends because each round marks at
//! least one object more, or drops none.
//!
//! What is reached from outside the loop is marked at once, so that it is alive for whoever asks, and goes on the stack below a
//! [`MARKED`], which tells that it is to be scanned all the same.
//!
//! Marking can be interrupted after any object: what is left is on the stack. A large object is scanned in parts, and
//! put back on the stack between two of them; how far it was scanned stands in its chunk's header.

use core::marker::PhantomData;

use super::large::LargeSpace;
use super::old_space::OldSpace;
use super::old_space::block::SMALL_OBJECT_MAX;
use super::old_space::chunk::{Chunk, StartTable};
use super::old_space::line::mark_lines;
use super::prefetch::{DISTANCE, prefetch};
use super::remembered::RememberedSet;
use super::slice::Slice;
use super::work_stack::WorkStack;
use super::young::Span;
use super::{ObjectModel, Progress, Word};

/// Bytes of a large object that are scanned at a time.
const PART: usize = 16 * 1024;
/// What a part counts, in units of work.
const PART_UNITS: usize = PART / 8 / 8;

/// Stands on the stack above a reference to an object that is marked and not scanned. No object has this reference.
const MARKED: u64 = 0;

/// A marking under way.
pub(crate) struct Marking<'h, M> {
    pub(crate) young: Span,
    pub(crate) old: &'h mut OldSpace,
    pub(crate) stack: &'h mut WorkStack,
    /// Objects marked, ever.
    pub(crate) objects: &'h mut u64,
    /// Where marks are set.
    pub(crate) table: StartTable,
    pub(crate) model: PhantomData<M>,
}

/// Every method relies on the promises of [`ObjectModel`] and [`RootSource`](super::RootSource): slots hold valid words,
/// objects are initialised.
impl<M: ObjectModel> Marking<'_, M> {
    /// Pushes what a slot of `parent` refers to, unless that is young. References into candidates are recorded, if there
    /// are any.
    ///
    /// # Safety
    ///
    /// `slot` is one of the object that `parent` refers to, and the top in `hot` is the stack's.
    #[inline(always)]
    unsafe fn follow<const TRACK: bool>(
        &mut self,
        parent: Word,
        slot: *const Word,
        bounds: Bounds,
        hot: &mut Hot,
    ) {
        // SAFETY: the caller's promise.
        let word = unsafe { *slot };
        let Some(address) = M::address(word) else { return };
        if bounds.young.contains(address) {
            return;
        }
        if TRACK {
            // SAFETY: a valid reference outside the young range: the old space or a large object.
            unsafe {
                if let Some(parent) = M::address(parent) {
                    self.old.candidates.record(parent, slot as usize, address);
                }
            }
        }
        if hot.top >= bounds.scarce {
            // SAFETY: a valid reference outside the young range: the old space or a large object.
            return unsafe { self.follow_where_scarce(word, address, hot) };
        }
        // SAFETY: below the end of the stack.
        unsafe {
            hot.top.write(word.0);
            hot.top = hot.top.add(1);
        }
    }

    /// The same where the stack is getting full: without what is marked already.
    ///
    /// # Safety
    ///
    /// As for [`follow`](Self::follow); `word` refers to the object at `address` outside the young range.
    #[cold]
    unsafe fn follow_where_scarce(&mut self, word: Word, address: usize, hot: &mut Hot) {
        // SAFETY: the caller's promise.
        let chunk = unsafe { Chunk::containing(address) };
        if chunk.has_start_bit(self.table, address) {
            return;
        }
        if hot.top >= self.end() {
            chunk.set_start_bit(self.table, address);
            hot.marked += 1;
            // SAFETY: the caller's promise.
            return unsafe { self.drop_marked(word, chunk, address) };
        }
        // SAFETY: below the end of the stack.
        unsafe {
            hot.top.write(word.0);
            hot.top = hot.top.add(1);
        }
    }

    /// The stack is full: the object is counted now, and scanned by [`rescan`](Self::rescan).
    #[cold]
    unsafe fn drop_marked(&mut self, word: Word, chunk: Chunk, address: usize) {
        self.stack.note_overflow();
        // SAFETY: the caller's promise; nobody else accesses the header of the chunk now.
        unsafe {
            if chunk.is_large(address) {
                // It may have been scanned in part. The next marking is to begin with it at its beginning.
                *chunk.scanned_words(address) = 0;
            }
            self.count(word, chunk, address);
        }
    }

    fn bounds(&self) -> Bounds {
        let (bottom, end) = (self.stack.bottom(), self.end());
        Bounds {
            young: self.young,
            scarce: bottom.wrapping_byte_add(((end as usize - bottom as usize) / 2) & !7),
        }
    }

    /// Where the stack counts as full: above it is only what the loop had taken and put back, which is taken first again.
    fn end(&self) -> *mut u64 {
        self.stack.end().wrapping_sub(DISTANCE)
    }

    /// Marks the object that `word` refers to, unless it is young or marked, and sees to it that it is scanned: for words from
    /// outside the marking loop.
    ///
    /// # Safety
    ///
    /// `word` is valid.
    pub(crate) unsafe fn enqueue(&mut self, word: Word) {
        let Some(address) = M::address(word) else { return };
        if self.young.contains(address) {
            return;
        }
        // SAFETY: a valid reference outside the young range: the old space or a large object.
        let chunk = unsafe { Chunk::containing(address) };
        if !chunk.set_start_bit(self.table, address) {
            return;
        }
        *self.objects += 1;
        let mut top = self.stack.top();
        // SAFETY: as above.
        if !unsafe { self.push_marked(word, &mut top) } {
            // SAFETY: as above.
            return unsafe { self.drop_marked(word, chunk, address) };
        }
        self.stack.set_top(top);
    }

    /// Pushes a marked object that is to be scanned; false when there is no room.
    ///
    /// # Safety
    ///
    /// `top` is the stack's.
    #[inline]
    unsafe fn push_marked(&self, word: Word, top: &mut *mut u64) -> bool {
        if top.wrapping_add(2) > self.end() {
            return false;
        }
        // SAFETY: both places lie below the end of the stack.
        unsafe {
            top.write(word.0);
            top.add(1).write(MARKED);
            *top = top.add(2);
        }
        true
    }

    /// Counts a marked object, once: when it is popped, or when it could not be pushed.
    ///
    /// # Safety
    ///
    /// `word` refers to the object at `address` in `chunk`.
    #[inline(always)]
    unsafe fn count(&mut self, word: Word, chunk: Chunk, address: usize) {
        if !chunk.is_large(address) {
            // SAFETY: the caller's promise.
            unsafe { self.old.note_marked(chunk, address, M::size(word)) };
        }
    }

    /// Shades what these valid words refer to.
    pub(crate) fn scan_words(&mut self, words: impl Iterator<Item = Word>) {
        // SAFETY: the caller's promise.
        words.for_each(|word| unsafe { self.enqueue(word) });
    }

    /// Shades what the objects that lie dense in `[start, end)` refer to.
    pub(crate) fn scan_dense(&mut self, start: usize, end: usize) {
        let mut address = start;
        while address < end {
            // SAFETY: initialised objects lie dense in the range.
            unsafe {
                let word = M::word_at(address);
                M::visit_slots(word, |slot| self.enqueue(*slot));
                address += M::size(word);
            }
        }
    }

    /// Marks what is reachable from what was shaded, as far as the slice allows. Where nothing is left to do, nothing is spent,
    /// so that who comes after gets on however short the slice is.
    pub(crate) fn drain(&mut self, large: &LargeSpace, slice: &mut Slice) -> Progress {
        loop {
            if self.stack.top() == self.stack.bottom() {
                if !self.stack.take_overflow() {
                    return Progress::Done;
                }
                self.rescan(large);
                continue;
            }
            let batch = slice.batch();
            if batch == 0 {
                return Progress::More;
            }
            let done = self.drain_some(batch);
            slice.spend(done);
        }
    }

    fn drain_some(&mut self, units: usize) -> usize {
        if self.old.candidates.is_tracking() {
            self.drain_stack::<true>(units)
        } else {
            self.drain_stack::<false>(units)
        }
    }

    /// Scans objects on the stack, until it is empty or so many units are done; how many were.
    #[inline(never)]
    fn drain_stack<const TRACK: bool>(&mut self, units: usize) -> usize {
        let bottom = self.stack.bottom();
        let mut hot = Hot { top: self.stack.top(), marked: 0, bytes: 0 };
        let mut words = [0; DISTANCE];
        let mut coming = Coming::new(&mut words);
        let (bounds, epoch) = (self.bounds(), self.old.epoch());
        let table = self.table;
        let (mut left, mut is_marked) = (units, false);
        // References to what was marked before, and units of work that are more than one for an object.
        let (mut known, mut beside) = (0, 0);
        while left > beside {
            // SAFETY: the top is not below the bottom, and what lies between was pushed.
            let next = unsafe { coming.next::<M>(&mut hot.top, bottom, table, &mut is_marked) };
            let Some(word) = next else { break };
            left -= 1;
            let Some(address) = M::address(word) else { continue };
            // SAFETY: only references to objects outside the young range get here.
            unsafe {
                let chunk = Chunk::containing(address);
                if !chunk.set_start_bit(table, address) {
                    known += 1;
                    if !core::mem::take(&mut is_marked) {
                        continue;
                    }
                }
                let before = hot.top;
                // A large object may have such a shape, too. It has no lines, and its size tells it at less cost than its chunk.
                if let Some((size, slots)) = M::fixed_shape(*(address as *const Word))
                    && size <= SMALL_OBJECT_MAX
                {
                    hot.bytes += size;
                    mark_lines(chunk, address, size, epoch);
                    self.follow_fixed::<TRACK>(word, address, slots, bounds, &mut hot);
                } else if chunk.is_large(address) {
                    hot = self.scan_part::<TRACK>(word, chunk, address, hot);
                    beside += PART_UNITS;
                    continue;
                } else {
                    hot = self.scan_other::<TRACK>(word, chunk, address, hot);
                }
                put_nearest_on_top(word, before, hot.top);
            }
        }
        coming.rest().for_each(|word| self.keep_for_later(word, &mut hot));
        self.stack.set_top(hot.top);
        self.old.add_marked(hot.bytes);
        *self.objects += hot.marked + (units - left - known) as u64;
        units - left + beside
    }

    /// Scans an object of the old space whose model is asked for its slots. The state is handed in and out by value: what
    /// a visitor may write to cannot stay in registers.
    ///
    /// # Safety
    ///
    /// `word` refers to the object at `address` in `chunk`.
    #[inline(always)]
    unsafe fn scan_other<const TRACK: bool>(
        &mut self,
        word: Word,
        chunk: Chunk,
        address: usize,
        mut hot: Hot,
    ) -> Hot {
        // SAFETY: the caller's promise.
        unsafe {
            let (bounds, size) = (self.bounds(), M::size(word));
            hot.bytes += size;
            mark_lines(chunk, address, size, self.old.epoch());
            M::visit_slots(word, |slot| self.follow::<TRACK>(word, slot, bounds, &mut hot));
        }
        hot
    }

    /// Follows the slots of an object, given as a map of its words.
    ///
    /// # Safety
    ///
    /// The map is what the model says of the initialised object at `address`.
    #[inline(always)]
    unsafe fn follow_fixed<const TRACK: bool>(
        &mut self,
        word: Word,
        address: usize,
        mut slots: u64,
        bounds: Bounds,
        hot: &mut Hot,
    ) {
        while slots != 0 {
            let slot = (address + 8 * slots.trailing_zeros() as usize) as *const Word;
            slots &= slots - 1;
            // SAFETY: the caller's promise.
            unsafe { self.follow::<TRACK>(word, slot, bounds, hot) };
        }
    }

    /// Puts back on the stack what was taken from it. There is room: the places that it had are kept free.
    fn keep_for_later(&mut self, word: Word, hot: &mut Hot) {
        debug_assert!(hot.top < self.stack.end());
        // SAFETY: below the end of the stack's memory.
        unsafe {
            hot.top.write(word.0);
            hot.top = hot.top.add(1);
        }
    }

    /// Scans the next part of a large object, after putting it back on the stack if that was not the last.
    ///
    /// # Safety
    ///
    /// `word` refers to the large object at `address` in `chunk`.
    #[inline(never)]
    unsafe fn scan_part<const TRACK: bool>(
        &mut self,
        word: Word,
        chunk: Chunk,
        address: usize,
        mut hot: Hot,
    ) -> Hot {
        // SAFETY: the caller's promise; nobody else accesses the header now.
        unsafe {
            let scanned = chunk.scanned_words(address);
            let start = address + *scanned as usize * 8;
            let end = start + PART;
            let object_end = address + M::size(word);
            let bounds = self.bounds();
            let part_end = if end < object_end && self.push_marked(word, &mut hot.top) {
                *scanned += (PART / 8) as u32;
                end
            } else {
                *scanned = 0;
                object_end
            };
            M::visit_slots_within(word, start, part_end, |slot| {
                self.follow::<TRACK>(word, slot, bounds, &mut hot);
            });
        }
        hot
    }

    /// Scans every marked object again. Not in slices: the stack is long enough for all but heaps of
    /// strange shapes.
    #[cold]
    fn rescan(&mut self, large: &LargeSpace) {
        self.old.candidates.give_up();
        for index in 0..self.old.chunks().len() {
            let chunk = self.old.chunks()[index];
            // SAFETY: an initialised object starts at each start bit.
            chunk.for_each_start(self.table, |address| unsafe {
                M::visit_slots(M::word_at(address), |slot| self.enqueue(*slot));
                self.drain_some(usize::MAX);
            });
        }
        for object in large.objects() {
            // SAFETY: objects in the table are in use and initialised.
            unsafe {
                if Chunk::containing(object.address).has_start_bit(self.table, object.address) {
                    M::visit_slots(M::word_at(object.address), |slot| self.enqueue(*slot));
                    self.drain_some(usize::MAX);
                }
            }
        }
    }
}

/// Of what `word`'s object led to, lets the nearer of the first and the last be scanned next. Memory is fetched ahead where
/// it is read in order; and whether a tree was built or copied from its leaves or from its root, from the left or from the
/// right, the near child is the one that lies in order. (Measured on trees out of the cache: 4 ns an object in every
/// layout, against 3 and 18 ns where the order is fixed and the layout is that order or its reverse.)
///
/// # Safety
///
/// What lies between `before` and `top` was pushed.
#[inline(always)]
unsafe fn put_nearest_on_top(word: Word, before: *mut u64, top: *mut u64) {
    let end = top.wrapping_sub(1);
    if before < end {
        // SAFETY: the caller's promise: both lie between.
        unsafe {
            let (first, last) = (*before, *end);
            if first.abs_diff(word.0) < last.abs_diff(word.0) {
                before.write(last);
                end.write(first);
            }
        }
    }
}

/// State of the marking loop that should stay in registers.
#[derive(Clone, Copy)]
struct Hot {
    /// Top of the stack.
    top: *mut u64,
    /// Objects marked because the stack was full.
    marked: u64,
    /// Bytes of objects of the old space scanned.
    bytes: usize,
}

/// What the marking loop compares with, at hand for the same reason.
#[derive(Clone, Copy)]
struct Bounds {
    young: Span,
    /// From here on the stack is getting full.
    scarce: *mut u64,
}

/// References on their way from the stack to the marker, while the processor fetches them: first in, first out. The places
/// are lent, so that the two counts can stay in registers.
struct Coming<'a> {
    words: &'a mut [u64; DISTANCE],
    first: usize,
    len: usize,
}

impl<'a> Coming<'a> {
    fn new(words: &'a mut [u64; DISTANCE]) -> Self {
        Self { words, first: 0, len: 0 }
    }

    /// The next reference, whose place one from the stack takes, as long as there is any. One below a [`MARKED`] is next at
    /// once.
    ///
    /// # Safety
    ///
    /// What lies between `bottom` and the top was pushed.
    #[inline(always)]
    unsafe fn next<M: ObjectModel>(
        &mut self,
        top: &mut *mut u64,
        bottom: *mut u64,
        table: StartTable,
        is_marked: &mut bool,
    ) -> Option<Word> {
        while *top != bottom {
            // SAFETY: the caller's promise.
            let word = unsafe {
                *top = top.sub(1);
                **top
            };
            let Some(address) = M::address(Word(word)) else {
                *is_marked = true;
                // SAFETY: a reference was pushed below.
                unsafe {
                    *top = top.sub(1);
                    return Some(Word(**top));
                }
            };
            if self.len == 0 && *top == bottom {
                // As in a list: there is nothing to do meanwhile.
                return Some(Word(word));
            }
            prefetch(Chunk::start_word(table, address));
            // Every fourth object of 24 bytes lies in two lines of the cache.
            prefetch(address);
            prefetch(address + 16);
            prefetch(Chunk::line_mark(address));
            if self.len == DISTANCE {
                let next = core::mem::replace(&mut self.words[self.first], word);
                self.first = (self.first + 1) % DISTANCE;
                return Some(Word(next));
            }
            self.words[(self.first + self.len) % DISTANCE] = word;
            self.len += 1;
        }
        self.len = self.len.checked_sub(1)?;
        let next = self.words[self.first];
        self.first = (self.first + 1) % DISTANCE;
        Some(Word(next))
    }

    /// What is left, in the order in which it goes back on the stack.
    fn rest(self) -> impl Iterator<Item = Word> {
        (0..self.len).rev().map(move |index| Word(self.words[(self.first + index) % DISTANCE]))
    }
}

/// Removes the entries of dead objects from the remembered set, after marking and before sweeping.
pub(crate) fn forget_dead<M: ObjectModel>(remembered: &mut RememberedSet, live: StartTable) {
    let mut kept = 0;
    for index in 0..remembered.len() {
        let entry = remembered.entry(index);
        let Some(address) = M::address(entry.parent) else { continue };
        // SAFETY: the object was in use until this marking, and is not freed yet.
        unsafe {
            if Chunk::containing(address).has_start_bit(live, address) {
                remembered.replace(kept, entry);
                kept += 1;
            } else {
                _ = entry.clear::<M>(address);
            }
        }
    }
    remembered.truncate(kept);
}
