//! The arenas' public face: create, enter, leave, destroy.

use terrane_base::{Bytes, MemoryError};

use super::arena::{ArenaError, ArenaId, ArenaSummary};
use super::evacuate::Condemned;
use super::heap::Heap;
use super::large::check_size;
use super::record::{CollectionCause, CollectionKind};
use super::{ObjectModel, RootSource};

impl<M: ObjectModel> Heap<M> {
    /// Makes an arena whose first block has at least `first_block` bytes, rounded up to 64 KiB. Never
    /// collects; a caller that is refused may collect and try again.
    ///
    /// # Errors
    ///
    /// When limit or page source stand against it.
    pub fn arena_create(&mut self, first_block: Bytes) -> Result<ArenaId, MemoryError> {
        let bytes = first_block.as_usize();
        check_size(bytes, self.limit)?;
        self.sync();
        if self.generational {
            self.end_pretenuring();
        }
        let id = self.arenas.create()?;
        let index = self.arenas.check(id).map_err(|_| super::errors::table(bytes))?;
        if let Err(error) = self.extend_arena(index, bytes) {
            self.arenas.destroy(index, &mut self.young, None);
            return Err(error);
        }
        self.stats.arenas_created += 1;
        Ok(id)
    }

    /// Whether the arena exists.
    #[must_use]
    pub fn arena_live(&self, id: ArenaId) -> bool {
        self.arenas.is_live(id)
    }

    /// Lets `bump` and `alloc` of small objects allocate in the arena, until
    /// [`arena_leave`](Self::arena_leave). Nests.
    ///
    /// # Errors
    ///
    /// When the arena was destroyed.
    pub fn arena_enter(&mut self, id: ArenaId) -> Result<(), ArenaError> {
        let index = self.arenas.check(id)?;
        self.sync();
        self.arenas.enter(index)?;
        self.open_window();
        Ok(())
    }

    /// Allocates again where it was before the last [`arena_enter`](Self::arena_enter). Without one, does
    /// nothing.
    pub fn arena_leave(&mut self) {
        self.sync();
        self.arenas.leave();
        self.open_window();
    }

    /// Destroys an arena. Objects in it that are still referenced move to the old space and live on.
    ///
    /// # Errors
    ///
    /// When the arena was destroyed before, is entered, or there is no room for its survivors; it is then as
    /// it was.
    pub fn arena_destroy<R: RootSource>(
        &mut self,
        id: ArenaId,
        roots: &mut R,
    ) -> Result<ArenaSummary, ArenaError> {
        let index = self.arenas.check(id)?;
        if self.arenas.is_entered(index) {
            return Err(ArenaError::Entered);
        }
        let condemned = Condemned::Arena(index);
        self.sync();
        let bytes = self.arenas.used_bytes_of(index) as u64;
        // All arenas together are never larger than before one of them goes.
        self.stats.arenas.set_now(self.arenas.used_bytes() as u64);
        if bytes == 0 {
            let poison = self.poison();
            self.arenas.destroy(index, &mut self.young, poison);
            self.stats.arenas_destroyed += 1;
            return Ok(ArenaSummary::default());
        }
        if self.check_copy_room(condemned, roots.frame_top()).is_err() {
            self.collect_quietly(CollectionKind::Full, CollectionCause::Exhaustion, roots);
            self.check_copy_room(condemned, roots.frame_top())?;
        }
        let (_, copied) =
            self.run(CollectionKind::Evacuate, CollectionCause::ArenaDestroyed, condemned, roots);
        self.stats.arenas_destroyed += 1;
        self.stats.arena_survivors += copied.arena_objects;
        self.stats.arena_survivor_bytes += copied.arena_bytes;
        Ok(ArenaSummary {
            bytes_freed: bytes - copied.arena_bytes,
            survivors: copied.arena_objects,
            survivor_bytes: copied.arena_bytes,
        })
    }
}
