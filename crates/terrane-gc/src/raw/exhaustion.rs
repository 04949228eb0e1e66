//! What happens when an allocation finds no room: the ladder.
//!
//! Each rung is a collection that frees more than the one before and costs more: minor, full, then an evacuation of the frame region (what
//! was dead in it held old objects) followed by another full one. After each rung the request is tried again. Only when
//! the last one fails is the answer an error, and the heap can go on: once the mutator drops references, requests succeed again.

use terrane_base::MemoryError;

use super::heap::Heap;
use super::old_space::block::BLOCK_SIZE;
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

/// A nursery shorter than this makes a program collect more than it runs: better to look for garbage in the old space first.
const NURSERY_MIN: usize = BLOCK_SIZE / 2;

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
        if cause == CollectionCause::NurseryFull {
            self.collect_quietly(CollectionKind::Minor, cause, roots);
            if self.heap_bytes() > self.full_threshold {
                self.collect_quietly(CollectionKind::Full, CollectionCause::OldSpaceGrown, roots);
            }
            let roomy = self.nursery_limit - self.nursery_cursor >= NURSERY_MIN.min(self.nursery_size);
            if roomy && self.grant(request).is_ok() {
                return Ok(());
            }
        }
        self.collect_quietly(CollectionKind::Full, CollectionCause::Exhaustion, roots);
        if self.grant(request).is_ok() {
            return Ok(());
        }
        self.collect_quietly(CollectionKind::Evacuate, CollectionCause::Exhaustion, roots);
        self.collect_quietly(CollectionKind::Full, CollectionCause::Exhaustion, roots);
        self.grant(request)
    }

    /// Makes room for the request if that takes no collection.
    fn grant(&mut self, request: Request) -> Result<(), MemoryError> {
        let granted = match request {
            Request::Window(bytes) => match self.arenas.innermost() {
                Some(index) => self.grant_in_arena(index, bytes),
                None => self.grant_in_nursery(bytes),
            },
            Request::Large(size) if self.room_for_large(size) => Ok(()),
            Request::Large(size) => Err(errors::out_of_memory(size, self.available())),
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
        self.extend_arena(index, bytes)
    }

    fn grant_in_nursery(&mut self, bytes: usize) -> Result<(), MemoryError> {
        let empty = self.nursery_cursor == self.young.nursery().base;
        if empty && self.nursery_limit - self.nursery_cursor < bytes {
            self.reset_nursery(bytes.max(self.nursery_size));
        }
        if self.nursery_limit - self.nursery_cursor < bytes {
            return Err(errors::out_of_memory(bytes, self.available()));
        }
        Ok(())
    }
}
