//! Keys with notes in a weak map, and objects with finalizers. Both lie in an array of arrays, so that a store into one
//! slot does not concern all.

use super::super::configuration::Configuration;
use super::super::finalizers::Resources;
use super::super::replacement::PAGE_SLOTS;
use super::super::weak_map::Notes;
use super::{SharedHeap, load, timed};
use terrane_gc::raw::PauseHistogram;
use terrane_gc::{Array, FinalizerQueue, Gc, GcArray, Mutator, Root, Trace, WeakMap};

type Page<'h, 'm> = GcArray<'h, 'm, Option<Gc<'h, 'm, u64>>>;

/// Slots for numbers.
#[derive(Debug)]
struct Slots(Root<Array<Page<'static, 'static>>>);

fn empty_page<'h, 'm>(mu: &'m Mutator<'h, '_>) -> Page<'h, 'm> {
    mu.alloc_array(PAGE_SLOTS, None)
}

impl Slots {
    fn new(mu: &mut Mutator<'_, '_>, slots: usize) -> Self {
        let pages = mu.root(mu.alloc_array(slots.div_ceil(PAGE_SLOTS), empty_page(mu)));
        for index in 1..pages.get(mu).len() {
            mu.safepoint();
            pages.get(mu)[index].set(mu, empty_page(mu));
        }
        Self(mu.persist(pages.get(mu)))
    }

    #[inline]
    fn get<'h, 'm>(&self, mu: &'m Mutator<'h, '_>, slot: usize) -> Option<Gc<'h, 'm, u64>> {
        load(mu, &self.0)[slot / PAGE_SLOTS].get()[slot % PAGE_SLOTS].get()
    }

    #[inline]
    fn set<'h, 'm>(&self, mu: &'m Mutator<'h, '_>, slot: usize, number: Gc<'h, 'm, u64>) {
        load(mu, &self.0)[slot / PAGE_SLOTS].get()[slot % PAGE_SLOTS].set(mu, Some(number));
    }
}

/// What is noted of a key: a number, and which key it is of.
#[derive(Trace)]
struct Note<'h, 'm> {
    value: u64,
    about: Gc<'h, 'm, u64>,
}

/// The notes of [`Notes`].
#[derive(Debug)]
pub(in super::super) struct SafeNotes {
    heap: SharedHeap,
    keys: Slots,
    notes: WeakMap<u64, Note<'static, 'static>>,
}

impl SafeNotes {
    pub(in super::super) fn new(slots: usize, configuration: Configuration) -> Self {
        let mut heap = timed(configuration);
        let (keys, notes) = heap.get_mut().enter(|mu| (Slots::new(mu, slots), WeakMap::new(mu)));
        Self { heap, keys, notes }
    }
}

impl Notes for SafeNotes {
    fn replace(&mut self, slot: usize, note: u64) {
        self.heap.get_mut().enter(|mu| {
            mu.safepoint();
            let key = mu.alloc(slot as u64);
            self.notes.insert(mu, key, mu.alloc(Note { value: note, about: key }));
            self.keys.set(mu, slot, key);
        });
    }

    fn note(&mut self, slot: usize) -> Option<u64> {
        self.heap.get_mut().enter(|mu| {
            let key = self.keys.get(mu, slot)?;
            let note = self.notes.get(mu, key)?;
            assert!(note.about.same(key), "a note is of another key");
            Some(note.value)
        })
    }

    fn heap_bytes(&self) -> Option<u64> {
        Some(self.heap.borrow().stats().committed_bytes)
    }

    fn pauses(&self) -> Option<PauseHistogram> {
        Some(self.heap.borrow().stats().pauses)
    }
}

/// The resources of [`Resources`].
#[derive(Debug)]
pub(in super::super) struct SafeResources {
    heap: SharedHeap,
    resources: Slots,
    dead: FinalizerQueue<u64>,
}

impl SafeResources {
    pub(in super::super) fn new(slots: usize, configuration: Configuration) -> Self {
        let mut heap = timed(configuration);
        let (resources, dead) = heap.get_mut().enter(|mu| (Slots::new(mu, slots), FinalizerQueue::new(mu)));
        Self { heap, resources, dead }
    }
}

impl Resources for SafeResources {
    fn replace(&mut self, slot: usize, value: u64) {
        self.heap.get_mut().enter(|mu| {
            mu.safepoint();
            let resource = mu.alloc(value);
            self.dead.watch(mu, resource);
            self.resources.set(mu, slot, resource);
        });
    }

    fn value(&mut self, slot: usize) -> u64 {
        self.heap.get_mut().enter(|mu| self.resources.get(mu, slot).map_or(u64::MAX, |resource| *resource))
    }

    fn close(&mut self) -> u64 {
        self.heap.get_mut().enter(|mu| {
            let mut closed = 0;
            while self.dead.pop(mu).is_some() {
                closed += 1;
            }
            closed
        })
    }

    fn heap_bytes(&self) -> Option<u64> {
        Some(self.heap.borrow().stats().committed_bytes)
    }

    fn pauses(&self) -> Option<PauseHistogram> {
        Some(self.heap.borrow().stats().pauses)
    }
}

#[cfg(test)]
mod tests {
    use super::super::STRESSED;
    use super::*;

    #[test]
    fn notes_survive_collections_and_go_with_their_keys() {
        let mut notes = SafeNotes::new(300, STRESSED);
        (0..1_000).for_each(|turn| notes.replace(turn % 300, turn as u64));
        assert_eq!([0, 99, 100, 299].map(|slot| notes.note(slot)), [900, 999, 700, 899].map(Some));
        notes.heap.get_mut().collect_full();
        assert_eq!(notes.heap.get_mut().enter(|mu| notes.notes.len(mu)), 300);
    }

    #[test]
    fn each_dead_resource_is_closed_once() {
        let mut resources = SafeResources::new(300, STRESSED);
        (0..1_000).for_each(|turn| resources.replace(turn % 300, turn as u64));
        resources.heap.get_mut().collect_full();
        assert_eq!([resources.close(), resources.close()], [700, 0]);
        assert_eq!([0, 299].map(|slot| resources.value(slot)), [900, 899]);
    }
}
