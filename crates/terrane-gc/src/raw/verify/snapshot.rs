//! The barrier's check: by the difference between what a marking should have reached and what it did.
//!
//! When a cycle begins, everything reachable outside the young range is written down. When its marking ends, every one of
//! these objects must be marked, whether or not it is still reachable: that is the promise of a snapshot at the beginning.
//! A store without the barrier that hid an object from the marker is found even if nobody looks at the object again.

use super::address_set::AddressSet;
use super::{Corruption, CorruptionKind, Verifier, finding};
use crate::raw::heap::Heap;
use crate::raw::old_space::chunk::Chunk;
use crate::raw::{ObjectModel, RootSource};

impl<M: ObjectModel> Heap<M> {
    /// Writes down what is reachable outside the young range; allocates.
    ///
    /// # Errors
    ///
    /// The first finding, if the heap is corrupt.
    pub(crate) fn take_snapshot<R: RootSource>(&mut self, roots: &mut R) -> Result<AddressSet, Corruption> {
        let mut snapshot = AddressSet::default();
        let mut verifier = Verifier::<M>::new(self, 1);
        verifier.find_objects(roots.frame_top())?;
        verifier.check_remembered()?;
        verifier.follow_roots(roots);
        if let Some(&first) = verifier.found.first() {
            return Err(first);
        }
        for address in verifier.visited.iter().filter(|&address| !self.young.all.contains(address)) {
            snapshot.insert(address);
        }
        Ok(snapshot)
    }

    /// Checks that all of the snapshot is marked, and forgets it.
    ///
    /// # Errors
    ///
    /// The first object that is not.
    pub(crate) fn check_snapshot(&mut self) -> Result<(), Corruption> {
        let Some(snapshot) = self.snapshot.take() else { return Ok(()) };
        let table = self.old.birth_table();
        // SAFETY: the objects were live when the cycle began, and nothing was freed since.
        let lost = |&address: &usize| unsafe { !Chunk::containing(address).has_start_bit(table, address) };
        match snapshot.iter().find(lost) {
            None => Ok(()),
            Some(address) => {
                // SAFETY: as above.
                let word = unsafe { M::word_at(address) };
                Err(finding(CorruptionKind::NotInSnapshot, None, address, word))
            }
        }
    }
}
