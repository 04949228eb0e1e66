//! Keys with notes in a hash table of weak references, and values with a destructor.

use super::super::address_hash::ByAddress;
use super::super::finalizers::Resources;
use super::super::replacement::PAGE_SLOTS;
use super::super::weak_map::{Notes, UNIT_KEYS};
use gc_arena::lock::{Lock, RefLock};
use gc_arena::{Arena, Collect, Gc, GcWeak, Mutation, Rootable, barrier};
use std::cell::Cell;
use std::collections::HashMap;
use std::rc::Rc;

/// Parts of the table of notes.
const PARTS: usize = 4096;

#[derive(Collect)]
#[collect(no_drop)]
struct Page<'gc, T: 'gc> {
    slots: [Lock<Option<Gc<'gc, T>>>; PAGE_SLOTS],
}

/// A table that is traced in parts.
type Pages<'gc, T> = Vec<Gc<'gc, Page<'gc, T>>>;

fn pages<'gc, T: Collect<'gc>>(mutation: &Mutation<'gc>, slots: usize) -> Pages<'gc, T> {
    let page = || Page { slots: std::array::from_fn(|_| Lock::new(None)) };
    (0..slots.div_ceil(PAGE_SLOTS)).map(|_| Gc::new(mutation, page())).collect()
}

fn set<'gc, T: Collect<'gc>>(
    mutation: &Mutation<'gc>,
    pages: &Pages<'gc, T>,
    slot: usize,
    object: Gc<'gc, T>,
) {
    let page = Gc::write(mutation, pages[slot / PAGE_SLOTS]);
    barrier::field!(page, Page, slots)[slot % PAGE_SLOTS].unlock().set(Some(object));
}

fn get<'gc, T>(pages: &Pages<'gc, T>, slot: usize) -> Option<Gc<'gc, T>> {
    pages[slot / PAGE_SLOTS].slots[slot % PAGE_SLOTS].get()
}

type Part<'gc> = HashMap<usize, (GcWeak<'gc, u64>, u64), ByAddress>;

#[derive(Collect)]
#[collect(no_drop)]
struct NotesRoot<'gc> {
    keys: Pages<'gc, u64>,
    parts: Vec<Gc<'gc, RefLock<Part<'gc>>>>,
}

/// The notes of [`Notes`].
pub(in super::super) struct GcArenaNotes {
    arena: Arena<Rootable![NotesRoot<'_>]>,
    replaced: usize,
}

impl GcArenaNotes {
    pub(in super::super) fn new(slots: usize) -> Self {
        let arena = Arena::<Rootable![NotesRoot<'_>]>::new(|mutation| NotesRoot {
            keys: pages(mutation, slots),
            parts: (0..PARTS).map(|_| Gc::new(mutation, RefLock::new(Part::default()))).collect(),
        });
        Self { arena, replaced: 0 }
    }
}

fn address(key: Gc<'_, u64>) -> usize {
    Gc::as_ptr(key).addr()
}

/// The part of the table that a key belongs to.
fn part(address: usize) -> usize {
    address / 16 % PARTS
}

impl Notes for GcArenaNotes {
    fn replace(&mut self, slot: usize, note: u64) {
        self.replaced += 1;
        self.arena.mutate(|mutation, root| {
            let key = Gc::new_static(mutation, slot as u64);
            let mut entries = root.parts[part(address(key))].borrow_mut(mutation);
            entries.insert(address(key), (Gc::downgrade(key), note));
            drop(entries);
            set(mutation, &root.keys, slot, key);
            if self.replaced.is_multiple_of(UNIT_KEYS) {
                let part = root.parts[self.replaced / UNIT_KEYS % PARTS];
                part.borrow_mut(mutation).retain(|_, (key, _)| !key.is_dropped());
            }
        });
        self.arena.collect_debt();
    }

    fn note(&mut self, slot: usize) -> Option<u64> {
        self.arena.mutate(|_, root| {
            let key = get(&root.keys, slot)?;
            root.parts[part(address(key))].borrow().get(&address(key)).map(|(_, note)| *note)
        })
    }
}

/// A value that counts its end.
#[derive(Collect)]
#[collect(require_static)]
struct Resource {
    value: u64,
    closed: Rc<Cell<u64>>,
}

impl Drop for Resource {
    fn drop(&mut self) {
        self.closed.set(self.closed.get() + 1);
    }
}

#[derive(Collect)]
#[collect(no_drop)]
struct ResourcesRoot<'gc> {
    slots: Pages<'gc, Resource>,
}

/// The resources of [`Resources`].
pub(in super::super) struct GcArenaResources {
    arena: Arena<Rootable![ResourcesRoot<'_>]>,
    closed: Rc<Cell<u64>>,
}

impl GcArenaResources {
    pub(in super::super) fn new(slots: usize) -> Self {
        let arena = Arena::<Rootable![ResourcesRoot<'_>]>::new(|mutation| ResourcesRoot {
            slots: pages(mutation, slots),
        });
        Self { arena, closed: Rc::default() }
    }
}

impl Resources for GcArenaResources {
    fn replace(&mut self, slot: usize, value: u64) {
        self.arena.mutate(|mutation, root| {
            let resource = Gc::new_static(mutation, Resource { value, closed: Rc::clone(&self.closed) });
            set(mutation, &root.slots, slot, resource);
        });
        self.arena.collect_debt();
    }

    fn value(&mut self, slot: usize) -> u64 {
        self.arena.mutate(|_, root| get(&root.slots, slot).map_or(u64::MAX, |resource| resource.value))
    }

    fn close(&mut self) -> u64 {
        self.closed.take()
    }
}
