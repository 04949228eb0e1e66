//! What happens when an allocation finds no room: the ladder.
//!
//! Each rung is a collection that frees more than the one before and costs more: minor, full, then an
//! evacuation of the frame region (what was dead in it held old objects) followed by another full one. After
//! each rung the request is tried again. Only when the last one fails is the answer an error, and the heap
//! can go on: once the mutator drops references, requests succeed again.

use terrane_base::MemoryError;

use super::heap::Heap;
use super::record::{CollectionCause, CollectionKind};
use super::{ObjectModel, RootSource, errors};

/// What is to be granted.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Request {
    /// So many bytes in the window.
    Window(usize),
    /// A large object of so many bytes.
    Large(usize),
}

/// A nursery shorter than this part of its usual size makes a program collect more than it runs. Then it is
/// time to look for garbage in the old space, and when that finds nothing, to say that memory is exhausted,
/// instead of getting slower without end.
const NURSERY_PART_MIN: usize = 4;

impl<M: ObjectModel> Heap<M> {
    /// Climbs the ladder until the request is granted.
    #[cold]
    #[inline(never)]
    pub(crate) fn satisfy<R: RootSource>(
        &mut self,
        request: Request,
        cause: CollectionCause,
        roots: &mut R,
    ) -> Result<(), MemoryError> {
        // An arena that is entered grows without a collection.
        if let Request::Window(bytes) = request
            && self.arenas.innermost().is_some()
            && self.grant(Request::Window(bytes)).is_ok()
        {
            return Ok(());
        }
        if self.is_direct() {
            if let Request::Window(bytes) = request
                && (self.refill_direct(bytes, roots) || (!self.direct && self.grant(request).is_ok()))
            {
                return Ok(());
            }
        } else if cause == CollectionCause::NurseryFull {
            if !self.enabled && self.extend_nursery(request) {
                return Ok(());
            }
            if let Request::Window(bytes) = request {
                self.hold_off_pretenuring(bytes);
            }
            self.collect_quietly(CollectionKind::Minor, cause, roots);
            self.collect_if_grown(roots);
            if self.grant(request).is_ok() {
                return Ok(());
            }
        }
        self.release_spare_chunks(0);
        self.collect_quietly(CollectionKind::Full, CollectionCause::Exhaustion, roots);
        if self.grant(request).is_ok() {
            return Ok(());
        }
        self.collect_quietly(CollectionKind::Evacuate, CollectionCause::Exhaustion, roots);
        self.collect_quietly(CollectionKind::Full, CollectionCause::Exhaustion, roots);
        self.grant(request)
    }

    /// Lets the nursery grow where collections are switched off; false when it cannot.
    fn extend_nursery(&mut self, request: Request) -> bool {
        let Request::Window(bytes) = request else { return false };
        self.sync();
        let len = self.nursery_limit - self.young.nursery().base;
        self.lengthen_nursery(len + bytes.max(self.nursery_size));
        self.open_window();
        self.arenas.innermost().is_none() && self.nursery_limit - self.nursery_cursor >= bytes
    }

    /// Makes room for the request if that takes no collection.
    fn grant(&mut self, request: Request) -> Result<(), MemoryError> {
        let granted = match request {
            Request::Window(bytes) => match self.arenas.innermost() {
                Some(index) => self.grant_in_arena(index, bytes),
                None if self.direct => match self.grant_direct(bytes) {
                    true => Ok(()),
                    false => Err(errors::out_of_memory(bytes, self.available())),
                },
                None => self.grant_in_nursery(bytes),
            },
            Request::Large(size) if self.room_for_large(size) => Ok(()),
            Request::Large(size) => {
                // What is available to an object of this size: whole chunks and their tables are not.
                let overhead = Self::large_charge(size) - size;
                Err(errors::out_of_memory(size, self.available().saturating_sub(overhead)))
            }
        };
        self.open_window();
        granted
    }

    fn grant_in_arena(&mut self, index: u32, bytes: usize) -> Result<(), MemoryError> {
        self.sync();
        self.open_window();
        let room = self.arenas.current_segment(index).map_or(0, |segment| segment.span.end() - segment.top);
        if room >= bytes {
            return Ok(());
        }
        match self.extend_arena(index, bytes) {
            Err(MemoryError::OutOfMemory { available, .. }) => {
                Err(errors::out_of_memory(bytes, available.as_usize()))
            }
            granted => granted,
        }
    }

    fn grant_in_nursery(&mut self, bytes: usize) -> Result<(), MemoryError> {
        let base = self.young.nursery().base;
        let least = bytes.max(self.nursery_goal() / NURSERY_PART_MIN);
        let mut granted = Ok(());
        if self.nursery_cursor == base && self.nursery_limit - base < least {
            granted = self.reset_nursery(bytes.max(self.nursery_goal()));
        }
        let exhausted = self.nursery_limit - base < least;
        if !exhausted && self.nursery_limit - self.nursery_cursor >= bytes {
            return Ok(());
        }
        match granted {
            Err(refused @ MemoryError::SystemError { .. }) => Err(refused),
            _ => Err(errors::out_of_memory(bytes, self.available())),
        }
    }
}
