//! Keys whose notes are taken out of a hash table when they are freed, and values with a destructor.

use super::super::address_hash::ByAddress;
use super::super::finalizers::Resources;
use super::super::weak_map::Notes;
use std::cell::Cell;
use std::collections::HashMap;
use std::rc::Rc;

/// The notes of [`Notes`].
pub(in super::super) struct BoxedNotes {
    keys: Vec<Option<Box<u64>>>,
    notes: HashMap<usize, Box<(u64, usize)>, ByAddress>,
}

impl BoxedNotes {
    pub(in super::super) fn new(slots: usize) -> Self {
        let notes = HashMap::with_capacity_and_hasher(slots + 1, ByAddress::default());
        Self { keys: vec![None; slots], notes }
    }
}

fn address(key: &u64) -> usize {
    std::ptr::from_ref(key).addr()
}

impl Notes for BoxedNotes {
    fn replace(&mut self, slot: usize, note: u64) {
        let key = Box::new(slot as u64);
        let about = address(&key);
        self.notes.insert(about, Box::new((note, about)));
        if let Some(old) = self.keys[slot].replace(key) {
            self.notes.remove(&address(&old));
        }
    }

    fn note(&mut self, slot: usize) -> Option<u64> {
        let key = self.keys[slot].as_deref()?;
        Some(self.notes.get(&address(key))?.0)
    }
}

/// A value that counts its end.
struct Resource {
    value: u64,
    closed: Rc<Cell<u64>>,
}

impl Drop for Resource {
    fn drop(&mut self) {
        self.closed.set(self.closed.get() + 1);
    }
}

/// The resources of [`Resources`].
pub(in super::super) struct BoxedResources {
    slots: Vec<Option<Box<Resource>>>,
    closed: Rc<Cell<u64>>,
}

impl BoxedResources {
    pub(in super::super) fn new(slots: usize) -> Self {
        Self { slots: (0..slots).map(|_| None).collect(), closed: Rc::default() }
    }
}

impl Resources for BoxedResources {
    fn replace(&mut self, slot: usize, value: u64) {
        self.slots[slot] = Some(Box::new(Resource { value, closed: Rc::clone(&self.closed) }));
    }

    fn value(&mut self, slot: usize) -> u64 {
        self.slots[slot].as_ref().map_or(u64::MAX, |resource| resource.value)
    }

    fn close(&mut self) -> u64 {
        self.closed.take()
    }
}
