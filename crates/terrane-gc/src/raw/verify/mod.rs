//! The verifier: an independent look at the whole heap.
//!
//! It shares no traversal with the collectors: it has its own stack, its own visited set, and takes the start
//! bits only as the statement "an object is live here". A heap is sound when
//!
//! 1. every reference that is reachable points at the start of a live object: in the nursery below its
//!    cursor, in the frame region below the frame top, in a live arena, at a start bit of the old space, or
//!    in the table of large objects. (After a collection the nursery is empty, so a reference into it is one
//!    that the collection missed.)
//! 2. every reference from old to young is in the remembered set, and every reference into the nursery from a
//!    frame or arena object that was scanned is in the young log;
//! 3. nothing outside the frame region refers into it, roots excepted.
//!
//! While a full collection marks in slices, what is reachable need not be marked yet, and has its start bit of the
//! last marking; when marking has ended, it must be marked. [`snapshot`] checks the marking itself.
//!
//! The verifier may allocate: it is a tool for tests and for `--gc-verify`, and runs between collections.

mod address_set;
mod corruption;
mod snapshot;

use alloc::vec::Vec;
use core::fmt;
use core::marker::PhantomData;

pub use corruption::{Corruption, CorruptionKind};

use super::heap::Heap;
use super::old_space::State;
use super::old_space::chunk::Chunk;
use super::remembered::{RememberedSet, Scope};
use super::young_log::LoggedYoung;
use super::{ObjectModel, RootScope, RootSource, Word};
pub(crate) use address_set::AddressSet;
use terrane_pages::CHUNK_SIZE;

/// Where an object lives.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Zone {
    Nursery,
    Frame,
    Arena,
    Old,
    Large,
}

impl<M: ObjectModel> Heap<M> {
    /// Checks the whole heap; O(live objects), and allocates.
    ///
    /// # Errors
    ///
    /// The first finding.
    pub fn verify<R: RootSource>(&mut self, roots: &mut R) -> Result<(), Corruption> {
        self.findings(roots, 1).first().map_or(Ok(()), |first| Err(*first))
    }

    /// What is wrong with the heap, `most` findings at most: an edge that leads nowhere is noted and not followed. An
    /// object that ends nowhere, or an entry of the remembered set that does, is the last finding, since little can be
    /// told beyond it. O(live objects), and allocates.
    #[must_use]
    pub fn findings<R: RootSource>(&mut self, roots: &mut R, most: usize) -> Vec<Corruption> {
        self.sync();
        self.old.note_mutator_births();
        // SAFETY: what was promoted was initialised before.
        unsafe { self.old.set_start_bits_of_runs::<M>() };
        let mut verifier = Verifier::<M>::new(self, most);
        let tables = verifier.find_objects(roots.frame_top()).and_then(|()| verifier.check_remembered());
        if let Err(last) = tables {
            return Vec::from([last]);
        }
        roots.visit_remembered(|slot| _ = verifier.remembered_by_source.insert(slot.addr()));
        verifier.follow_roots(roots);
        verifier.found
    }

    /// Where the verifier is to run after every collection: fails with what it finds.
    ///
    /// # Panics
    ///
    /// When the heap is corrupt. The message lists the edges that are wrong, as far as there is room.
    pub(crate) fn verify_or_dump<R: RootSource>(&mut self, roots: &mut R, when: fmt::Arguments<'_>) {
        let found = self.findings(roots, DUMPED);
        if !found.is_empty() {
            panic!("heap corrupt {when}: {}", Dump(&found));
        }
    }
}

/// Findings that the message of a failure lists.
const DUMPED: usize = 16;

/// Findings, a line each.
struct Dump<'d>(&'d [Corruption]);

impl fmt::Display for Dump<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut findings = self.0.iter();
        findings.next().map_or(Ok(()), |first| write!(f, "{first}"))?;
        findings.try_for_each(|finding| write!(f, "\n  {finding}"))
    }
}

struct Verifier<'h, M: ObjectModel> {
    heap: &'h Heap<M>,
    /// What was found, and how much is wanted.
    found: Vec<Corruption>,
    most: usize,
    /// Starts of all objects in the young range.
    young: AddressSet,
    large: AddressSet,
    fresh: AddressSet,
    old_chunks: AddressSet,
    /// What the entries of the remembered set stand for, as numbers.
    entries: AddressSet,
    logged: AddressSet,
    /// Slots that the source of the roots remembers by itself.
    remembered_by_source: AddressSet,
    visited: AddressSet,
    pending: Vec<(Word, Zone)>,
    model: PhantomData<M>,
}

impl<'h, M: ObjectModel> Verifier<'h, M> {
    fn new(heap: &'h Heap<M>, most: usize) -> Self {
        let mut verifier = Self {
            heap,
            found: Vec::new(),
            most,
            young: AddressSet::default(),
            large: AddressSet::default(),
            fresh: AddressSet::default(),
            old_chunks: AddressSet::default(),
            entries: AddressSet::default(),
            logged: AddressSet::default(),
            remembered_by_source: AddressSet::default(),
            visited: AddressSet::default(),
            pending: Vec::new(),
            model: PhantomData,
        };
        for object in heap.large.objects() {
            verifier.large.insert(object.address);
            if object.fresh {
                verifier.fresh.insert(object.address);
            }
        }
        for chunk in heap.old.chunks() {
            verifier.old_chunks.insert(chunk.base());
        }
        for &address in heap.pins.fresh() {
            verifier.fresh.insert(address);
        }
        for entry in heap.young_log.entries() {
            verifier.logged.insert(entry.to_bits());
        }
        verifier
    }

    /// Finds the objects of the young range, which lie dense. Those of the frame region and of arenas count
    /// as reachable.
    fn find_objects(&mut self, frame_top: usize) -> Result<(), Corruption> {
        let heap = self.heap;
        self.parse(heap.young.nursery().base, heap.nursery_cursor, Zone::Nursery)?;
        self.parse(heap.young.frames.base, frame_top, Zone::Frame)?;
        heap.arenas.live_segments().try_for_each(|s| self.parse(s.span.base, s.top, Zone::Arena))
    }

    fn parse(&mut self, start: usize, end: usize, zone: Zone) -> Result<(), Corruption> {
        let mut address = start;
        while address < end {
            // SAFETY: initialised objects lie dense in the range.
            let (word, size) = unsafe {
                let word = M::word_at(address);
                (word, M::size(word))
            };
            if size < 16 || !size.is_multiple_of(8) || size > end - address {
                return Err(finding(CorruptionKind::NotDense, None, address, word));
            }
            self.young.insert(address);
            if zone != Zone::Nursery && self.visited.insert(address) {
                self.pending.push((word, zone));
            }
            address += size;
        }
        Ok(())
    }

    /// Checks that the entries of the remembered set name objects that are not freed, and collects them.
    fn check_remembered(&mut self) -> Result<(), Corruption> {
        for index in 0..self.heap.remembered.len() {
            let entry = self.heap.remembered.entry(index);
            let address = M::address(entry.parent).unwrap_or(0);
            match self.zone_of(address) {
                Ok(Zone::Old | Zone::Large) => {}
                // The dead are remembered until they are swept, since hooks may still read them.
                Err(CorruptionKind::DanglingOld) if self.heap.old.state() == State::Clearing => {}
                _ => return Err(finding(CorruptionKind::StaleEntry, None, 0, entry.parent)),
            }
            // SAFETY: the object is live, or not freed yet.
            self.entries.insert(key(address, unsafe { entry.scope_of::<M>(address) }));
        }
        Ok(())
    }

    /// Follows all that is reachable from the source's roots and from pins.
    fn follow_roots<R: RootSource>(&mut self, roots: &mut R) {
        roots.visit_roots(RootScope::All, |root| self.follow(None, root));
        let heap = self.heap;
        heap.pins.words().for_each(|word| self.follow(None, &raw const word));
        self.follow_all();
    }

    /// Follows what is reachable from the edges that were followed.
    fn follow_all(&mut self) {
        while self.found.len() < self.most
            && let Some((word, zone)) = self.pending.pop()
        {
            // SAFETY: the reference was checked before it was pushed.
            unsafe { M::visit_slots(word, |slot| self.follow(Some((word, zone)), slot)) };
        }
    }

    /// Checks an edge, notes what is wrong with it, and has its target visited if nothing is.
    fn follow(&mut self, parent: Option<(Word, Zone)>, slot: *const Word) {
        if self.found.len() < self.most
            && let Err(finding) = self.check_edge(parent, slot)
        {
            self.found.push(finding);
        }
    }

    /// Checks what a slot or root refers to, and visits it later.
    fn check_edge(&mut self, parent: Option<(Word, Zone)>, slot: *const Word) -> Result<(), Corruption> {
        // SAFETY: a slot of a live object, or a root.
        let target = unsafe { *slot };
        let Some(address) = M::address(target) else { return Ok(()) };
        let parent_word = parent.map(|(word, _)| word);
        let failed = |kind| finding(kind, parent_word, slot as usize, target);
        let zone = self.zone_of(address).map_err(failed)?;
        if let Some((word, parent_zone)) = parent {
            self.check_barrier(word, parent_zone, slot as usize, zone).map_err(failed)?;
        }
        if self.visited.insert(address) {
            self.pending.push((target, zone));
        }
        Ok(())
    }

    fn zone_of(&self, address: usize) -> Result<Zone, CorruptionKind> {
        let young = &self.heap.young;
        if !address.is_multiple_of(8) {
            return Err(CorruptionKind::Misaligned);
        }
        if young.all.contains(address) {
            let (zone, error) = if young.nursery_area.contains(address) {
                (Zone::Nursery, CorruptionKind::DanglingNursery)
            } else if young.frames.contains(address) {
                (Zone::Frame, CorruptionKind::DanglingFrame)
            } else {
                (Zone::Arena, CorruptionKind::DanglingArena)
            };
            return if self.young.contains(address) { Ok(zone) } else { Err(error) };
        }
        if self.large.contains(address) {
            return Ok(Zone::Large);
        }
        if !self.old_chunks.contains(address & !(CHUNK_SIZE - 1)) {
            return Err(CorruptionKind::Foreign);
        }
        // SAFETY: the address lies in a chunk of the old space; the bit may be read for any address in it.
        let live = self.heap.old.has_start(unsafe { Chunk::containing(address) }, address);
        if live { Ok(Zone::Old) } else { Err(CorruptionKind::DanglingOld) }
    }

    /// Checks that an edge is one that the next collection finds.
    fn check_barrier(&self, parent: Word, from: Zone, slot: usize, to: Zone) -> Result<(), CorruptionKind> {
        if to == Zone::Frame && from != Zone::Frame {
            return Err(CorruptionKind::HeapToFrame);
        }
        match (from, to) {
            // Without generations, an evacuation scans every old object.
            (Zone::Old | Zone::Large, _) if !self.heap.generational => Ok(()),
            (Zone::Old | Zone::Large, Zone::Nursery | Zone::Arena) if !self.is_remembered(parent, slot) => {
                Err(CorruptionKind::NotRemembered)
            }
            (Zone::Frame | Zone::Arena, Zone::Nursery) if self.is_missed(parent, slot) => {
                Err(CorruptionKind::NotLogged)
            }
            _ => Ok(()),
        }
    }

    /// Whether the next minor collection would miss a slot of a frame or arena object.
    fn is_missed(&self, parent: Word, slot: usize) -> bool {
        let parent = M::address(parent).unwrap_or(0);
        let logged = [LoggedYoung::Slot(slot), LoggedYoung::Object(parent)];
        self.heap.is_scanned(parent) && !logged.iter().any(|entry| self.logged.contains(entry.to_bits()))
    }

    fn is_remembered(&self, parent: Word, slot: usize) -> bool {
        let address = M::address(parent).unwrap_or(0);
        let by_source = self.remembered_by_source.contains(slot);
        if self.heap.remembered.overflowed()
            || self.heap.rebuild_remembered
            || self.fresh.contains(address)
            || by_source
        {
            return true;
        }
        // SAFETY: the parent is a live object outside the young range, and the slot lies in it.
        let scope = unsafe { RememberedSet::logged_scope::<M>(parent, address, slot) };
        scope.is_some_and(|scope| self.entries.contains(key(address, scope)))
    }
}

/// One number for what an entry of the remembered set stands for. Addresses are multiples of 8.
fn key(object: usize, scope: Scope) -> usize {
    match scope {
        Scope::Whole => object,
        Scope::Slot(slot) => slot | 1,
        Scope::Card(start, _) => start | 2,
    }
}

fn finding(kind: CorruptionKind, parent: Option<Word>, slot: usize, target: Word) -> Corruption {
    Corruption { kind, parent, slot, target }
}
