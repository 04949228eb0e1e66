//! Pinned objects: they stay where they are, so that code outside the runtime may hold their addresses.
//!
//! Objects of the old space move in idle time only, and those that are pinned not at all, so to pin one is to enter it in a
//! table beside the heap, with a count. A young object is first moved to the old space, by one collection of the zone that
//! it is in. An entry is also a root: foreign code that has the address expects the object to live.
//!
//! Whoever knows beforehand that an object is to be pinned allocates it in the old space right away
//! ([`Heap::alloc_pinned`]). Like large objects, such objects are scanned whole
//! by the collection after their birth, since the mutator initialises them with plain stores.
//!
//! The table is open addressing with linear probing; removal shifts entries back (Knuth, TAOCP vol. 3, §6.4,
//! algorithm R), so it needs no tombstones. Only `pin` lets it grow, never a collection.

use alloc::vec::Vec;
use core::ptr::NonNull;

use terrane_base::MemoryError;

use super::heap::Heap;
use super::large::check_size;
use super::old_space::block::{BLOCK_SIZE, SMALL_OBJECT_MAX};
use super::record::{CollectionCause, CollectionKind};
use super::{Keeper, Liveness, ObjectModel, Progress, RootScope, RootSource, Word, WorkBudget, errors};

/// A pinned object; a count of zero is a free place.
#[derive(Clone, Copy, Debug)]
struct Pin {
    word: Word,
    address: usize,
    count: u32,
}

const FREE: Pin = Pin { word: Word(0), address: 0, count: 0 };

/// The table of pinned objects.
#[derive(Debug, Default)]
pub(crate) struct Pins {
    /// The length is a power of two, at most two thirds in use.
    places: Vec<Pin>,
    len: usize,
    /// Objects born pinned since the last collection: all of each is scanned by the next.
    fresh: Vec<usize>,
}

impl Pins {
    /// The references to the pinned objects.
    pub(crate) fn words(&self) -> impl Iterator<Item = Word> + Clone {
        self.places.iter().filter(|pin| pin.count > 0).map(|pin| pin.word)
    }

    /// Objects born pinned since the last collection.
    pub(crate) fn fresh(&self) -> &[usize] {
        &self.fresh
    }

    /// The fresh objects were scanned.
    pub(crate) fn settle_fresh(&mut self) {
        self.fresh.clear();
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn count(&self, address: usize) -> u32 {
        if self.places.is_empty() { 0 } else { self.places[self.find(address)].count }
    }

    /// Where the entry of an address is, or would be. The table is not empty.
    fn find(&self, address: usize) -> usize {
        let mask = self.places.len() - 1;
        let mut place = home(address, mask);
        while self.places[place].count != 0 && self.places[place].address != address {
            place = (place + 1) & mask;
        }
        place
    }

    /// Makes room for one entry more.
    fn reserve(&mut self) -> Result<(), MemoryError> {
        if (self.len + 1) * 3 <= self.places.len() * 2 {
            return Ok(());
        }
        let len = (self.places.len() * 2).max(16);
        let mut places = Vec::new();
        places.try_reserve_exact(len).map_err(|_| errors::table(len * size_of::<Pin>()))?;
        places.resize(len, FREE);
        let before = core::mem::replace(&mut self.places, places);
        for pin in before.into_iter().filter(|pin| pin.count > 0) {
            let place = self.find(pin.address);
            self.places[place] = pin;
        }
        Ok(())
    }

    /// Counts one pin more; room was reserved. A count that has reached its end stays there: the object is then
    /// pinned for ever.
    fn add(&mut self, word: Word, address: usize) {
        let place = self.find(address);
        let pin = &mut self.places[place];
        if pin.count == 0 {
            *pin = Pin { word, address, count: 1 };
            self.len += 1;
        } else {
            pin.count = pin.count.saturating_add(1);
        }
    }

    /// Counts one pin less; false if there was none.
    fn remove(&mut self, address: usize) -> bool {
        if self.count(address) == 0 {
            return false;
        }
        let place = self.find(address);
        let pin = &mut self.places[place];
        if pin.count < u32::MAX {
            pin.count -= 1;
        }
        if pin.count == 0 {
            self.len -= 1;
            self.close_gap(place);
        }
        true
    }

    /// Moves entries back over a place that became free, as far as their searches would end there.
    fn close_gap(&mut self, mut gap: usize) {
        let mask = self.places.len() - 1;
        let mut place = gap;
        loop {
            place = (place + 1) & mask;
            let pin = self.places[place];
            if pin.count == 0 {
                self.places[gap] = FREE;
                return;
            }
            // The entry may move if its home does not lie after the gap.
            if place.wrapping_sub(home(pin.address, mask)) & mask >= place.wrapping_sub(gap) & mask {
                self.places[gap] = pin;
                gap = place;
            }
        }
    }
}

/// Where the search for an address starts: Fibonacci hashing.
fn home(address: usize, mask: usize) -> usize {
    ((address as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) as usize & mask
}

/// A source with one root more: the object to be pinned, which the collection that moves it must find.
struct WithRoot<'r, R> {
    source: &'r mut R,
    word: Word,
}

// SAFETY: the source's promises, and one root more, which the caller of `pin` promises to be valid.
unsafe impl<R: RootSource> RootSource for WithRoot<'_, R> {
    const FOLLOWS_OLD_MOVES: bool = R::FOLLOWS_OLD_MOVES;

    fn visit_roots<F: FnMut(&mut Word)>(&mut self, scope: RootScope, mut visit: F) {
        visit(&mut self.word);
        self.source.visit_roots(scope, visit);
    }

    fn visit_remembered<F: FnMut(*const Word)>(&mut self, visit: F) {
        self.source.visit_remembered(visit);
    }

    fn snapshot_roots<F: FnMut(Word)>(
        &mut self,
        first: bool,
        budget: &mut WorkBudget,
        mut visit: F,
    ) -> Progress {
        if first {
            visit(self.word);
        }
        self.source.snapshot_roots(first, budget, visit)
    }

    fn table_bytes(&self) -> usize {
        self.source.table_bytes()
    }

    fn weak_units(&self) -> usize {
        self.source.weak_units()
    }

    fn frame_top(&self) -> usize {
        self.source.frame_top()
    }

    fn frames_evacuated(&mut self) {
        self.source.frames_evacuated();
    }

    fn collected(&mut self) {
        self.source.collected();
    }

    fn revive_young<K: Keeper>(&mut self, keep: &mut K) {
        self.source.revive_young(keep);
    }

    fn clear_young<L: Liveness>(&mut self, live: &L) {
        self.source.clear_young(live);
    }

    fn revive_old<K: Keeper>(&mut self, keep: &mut K, budget: &mut WorkBudget) -> Progress {
        self.source.revive_old(keep, budget)
    }

    fn clear_old<L: Liveness>(&mut self, live: &L, budget: &mut WorkBudget) -> Progress {
        self.source.clear_old(live, budget)
    }
}

impl<M: ObjectModel> Heap<M> {
    /// Pins the object: until [`unpin`](Self::unpin) was called as often as `pin`, it lives and does not move.
    /// Answers the reference to where it is now. O(1) for an object of the old space or a large one; a
    /// young one costs a minor collection, one in the frame region an evacuation. Immediates stay as they are.
    ///
    /// To pin many young objects, collect once and then pin them.
    ///
    /// # Errors
    ///
    /// [`MemoryError::InvalidObject`] for an object in an arena, which moves when the arena is destroyed; otherwise
    /// when there is no memory for the table or, for an object in the frame region, for the evacuation.
    ///
    /// # Safety
    ///
    /// `word` is an immediate or refers to an initialised object of this heap, and is not stale.
    pub unsafe fn pin<R: RootSource>(&mut self, word: Word, roots: &mut R) -> Result<Word, MemoryError> {
        let Some(address) = M::address(word) else { return Ok(word) };
        self.pins.reserve()?;
        if !self.young.all.contains(address) {
            self.pins.add(word, address);
            return Ok(word);
        }
        let kind = if self.young.nursery_area.contains(address) {
            CollectionKind::Minor
        } else if self.young.frames.contains(address) {
            CollectionKind::Evacuate
        } else {
            return Err(MemoryError::InvalidObject {
                address,
                reason: "in an arena, which is emptied as a whole",
            });
        };
        let mut roots = WithRoot { source: roots, word };
        self.collect_for(kind, CollectionCause::Pinned, &mut roots)?;
        let moved = roots.word;
        if let Some(address) = M::address(moved) {
            self.pins.add(moved, address);
        }
        Ok(moved)
    }

    /// Undoes one [`pin`](Self::pin); false if the object is not pinned. O(1).
    pub fn unpin(&mut self, word: Word) -> bool {
        M::address(word).is_some_and(|address| self.pins.remove(address))
    }

    /// How often the object is pinned. O(1).
    #[must_use]
    pub fn pin_count(&self, word: Word) -> u32 {
        M::address(word).map_or(0, |address| self.pins.count(address))
    }

    /// How many objects are pinned.
    #[must_use]
    pub fn pinned_objects(&self) -> usize {
        self.pins.len()
    }

    /// Room for an object of `size` bytes (a multiple of 8, at least 16) that never moves. It lives as long as
    /// something refers to it, like any other, and must be initialised before the next call that may collect. The
    /// memory is cleared.
    ///
    /// # Errors
    ///
    /// As for [`alloc`](Self::alloc).
    pub fn alloc_pinned<R: RootSource>(
        &mut self,
        size: usize,
        roots: &mut R,
    ) -> Result<NonNull<u8>, MemoryError> {
        if size > SMALL_OBJECT_MAX {
            return self.alloc(size, roots);
        }
        self.reserve_pinned(size, roots)?;
        self.try_pinned(size)?.ok_or(errors::out_of_memory(size, self.available()))
    }

    /// Makes room for one object up to [`SMALL_OBJECT_MAX`] that never moves, after collections if need be: until the next
    /// allocation, [`try_pinned`](Self::try_pinned) grants it.
    ///
    /// # Errors
    ///
    /// As for [`alloc`](Self::alloc).
    pub(crate) fn reserve_pinned<R: RootSource>(
        &mut self,
        size: usize,
        roots: &mut R,
    ) -> Result<(), MemoryError> {
        debug_assert!(size >= 16 && size.is_multiple_of(8));
        check_size(size, self.limit)?;
        self.stress_tick(roots);
        self.collect_if_due(roots);
        if self.has_pinned_room(size) {
            return Ok(());
        }
        self.collect_quietly(CollectionKind::Full, CollectionCause::Exhaustion, roots);
        if self.has_pinned_room(size) { Ok(()) } else { Err(errors::out_of_memory(size, self.available())) }
    }

    /// Whether there is a block for it, or one more can be had.
    fn has_pinned_room(&mut self, size: usize) -> bool {
        self.old.pinned_room() >= size || {
            self.sync();
            let wanted = self.held_reserve() + 1;
            self.available() >= BLOCK_SIZE && self.grow_to(wanted).is_ok()
        }
    }

    /// The same without a collection; `None` if limit or page source stand against it.
    pub(crate) fn try_pinned(&mut self, size: usize) -> Result<Option<NonNull<u8>>, MemoryError> {
        self.pins.fresh.try_reserve(1).map_err(|_| errors::table(size))?;
        if !self.has_pinned_room(size) {
            return Ok(None);
        }
        let address = self.old.allocate_pinned(size);
        self.pins.fresh.push(address);
        self.stats.old.bytes_total += size as u64;
        Ok(NonNull::new(address as *mut u8))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// The table counts as a map does, whatever collides.
        #[test]
        fn pins_are_counted(steps in prop::collection::vec((0..40_usize, 0..3_usize), 0..300)) {
            let mut pins = Pins::default();
            let mut model: HashMap<usize, u32> = HashMap::new();
            for (address, action) in steps {
                // Far apart, so that homes collide.
                let address = (address + 1) << 33;
                if action == 0 {
                    let count = model.entry(address).or_default();
                    prop_assert_eq!(pins.remove(address), *count > 0);
                    *count = count.saturating_sub(1);
                } else {
                    pins.reserve().unwrap();
                    pins.add(Word(address as u64 | 1), address);
                    *model.entry(address).or_default() += 1;
                }
                prop_assert!(model.iter().all(|(&address, &count)| pins.count(address) == count));
            }
            let pinned = model.values().filter(|&&count| count > 0).count();
            prop_assert_eq!((pins.len(), pins.words().count()), (pinned, pinned));
        }
    }
}
