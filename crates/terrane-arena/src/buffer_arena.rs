//! Buffers out of blocks, each of which owns its share of the block.
//!
//! The values of an [`Arena`](crate::Arena) borrow it, so they cannot be kept beside it, sent around, or given back one by one. A buffer
//! of a [`BufferArena`] can: it counts as a reference to its block (an `Arc`), and a block without buffers is used from its start again. That
//! is the price of a reference count and a lock for each buffer, so it pays for buffers of some kilobytes, not for values of some
//! bytes; and one buffer that lives on keeps a whole block.
//!
//! No lock is held while a budget is asked, as that runs reclaimers.

use alloc::{
    alloc::{alloc, dealloc},
    collections::VecDeque,
    sync::Arc,
};
use core::{
    alloc::Layout,
    fmt,
    ops::{Deref, DerefMut},
    ptr::NonNull,
    slice,
};
use std::sync::{Mutex, MutexGuard, PoisonError};

use terrane_base::{Budget, Bytes, MemoryError, Reservation};

/// Every buffer starts at a multiple of this, counted from the start of the block, which is aligned to it too.
const ALIGN: usize = 16;

/// How many full blocks are looked after for another use. Others go back to the system with their last buffer.
const KEPT: usize = 4;

/// An arena whose buffers own their memory: they can outlive it, be sent to other threads, and be dropped in any order.
///
/// ```
/// use terrane_arena::{Budget, BufferArena, Bytes};
///
/// let budget = Budget::root(Bytes::from_mib(8));
/// let arena = BufferArena::new(Bytes::from_mib(1), &budget);
/// let mut page = arena.try_buffer(16 << 10)?;
/// page[0] = 1;
/// let reader = std::thread::spawn(move || page.iter().map(|byte| u32::from(*byte)).sum::<u32>());
/// assert_eq!(reader.join().unwrap(), 1);
/// arena.trim();
/// assert_eq!(budget.used(), Bytes::ZERO);
/// # Ok::<(), terrane_arena::MemoryError>(())
/// ```
pub struct BufferArena {
    budget: Budget,
    block_size: usize,
    blocks: Mutex<Blocks>,
}

/// Bytes of a [`BufferArena`], zero at first. Dropping it gives its share of the block back.
pub struct ArenaBuffer {
    start: NonNull<u8>,
    len: usize,
    /// Keeps the bytes there.
    _block: Arc<Block>,
}

#[derive(Default)]
struct Blocks {
    current: Option<Current>,
    /// Full ones, the oldest first.
    full: VecDeque<Arc<Block>>,
}

struct Current {
    block: Arc<Block>,
    /// No buffer has bytes from here on.
    used: usize,
}

/// Memory of the global allocator.
struct Block {
    start: NonNull<u8>,
    layout: Layout,
    /// Dropped after the memory has gone back.
    _charge: Reservation,
}

// SAFETY: a block is memory that belongs to no thread; the block itself never reads or writes it. Reservations may be sent and shared.
unsafe impl Send for Block {}
// SAFETY: as above.
unsafe impl Sync for Block {}

// SAFETY: a buffer is the only one that reaches its bytes, which belong to no thread.
unsafe impl Send for ArenaBuffer {}
// SAFETY: a shared buffer gives shared access only.
unsafe impl Sync for ArenaBuffer {}

impl BufferArena {
    /// An arena without memory. Its blocks have `block_size` bytes, at least 1 KiB, and are charged to `budget`.
    #[must_use]
    pub fn new(block_size: Bytes, budget: &Budget) -> Self {
        let block_size = block_size.as_usize().clamp(1 << 10, 1 << 30);
        Self { budget: budget.clone(), block_size, blocks: Mutex::default() }
    }

    /// A buffer of `len` bytes, all zero. What is larger than a block gets one of its own.
    ///
    /// # Errors
    /// As [`Budget::try_reserve`]; [`MemoryError::OutOfMemory`] when there is no memory for a block;
    /// [`MemoryError::AllocationTooLarge`] when `len` exceeds `isize::MAX`.
    pub fn try_buffer(&self, len: usize) -> Result<ArenaBuffer, MemoryError> {
        if len > self.block_size {
            return Ok(Block::try_new(len, &self.budget)?.share(0, len));
        }
        if let Some(buffer) = self.lock().buffer(len) {
            return Ok(buffer);
        }
        let block = Block::try_new(self.block_size, &self.budget)?;
        let buffer = block.share(0, len);
        let left = self.lock().begin(Current { block, used: len });
        // Without the lock: where its buffers are gone it is freed now, of which the budget tells others.
        drop(left);
        Ok(buffer)
    }

    /// Gives back the blocks that have no buffer, and answers how much that is. Does nothing while another thread takes a buffer.
    pub fn trim(&self) -> Bytes {
        let Ok(mut blocks) = self.blocks.try_lock() else { return Bytes::ZERO };
        let idle = blocks.take_idle();
        drop(blocks);
        idle.iter().map(|block| Bytes::from_usize(block.layout.size())).sum()
    }

    fn lock(&self) -> MutexGuard<'_, Blocks> {
        // No foreign code runs under the lock, not even by way of a budget: no block is freed there.
        self.blocks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Blocks {
    /// A buffer of a block that is there already.
    fn buffer(&mut self, len: usize) -> Option<ArenaBuffer> {
        if let Some(buffer) = self.current.as_mut().and_then(|current| current.buffer(len)) {
            return Some(buffer);
        }
        let idle = self.full.iter_mut().position(|block| Arc::get_mut(block).is_some())?;
        let block = self.full.remove(idle)?;
        let mut current = Current { block, used: 0 };
        let buffer = current.buffer(len);
        // One less is full, and one more.
        let left = self.begin(current);
        debug_assert!(left.is_none());
        buffer
    }

    /// Fills this block from now on. The answer is one that is not looked after any more: its buffers keep it, and with the last of
    /// them it is freed.
    #[must_use]
    fn begin(&mut self, current: Current) -> Option<Arc<Block>> {
        if let Some(before) = self.current.replace(current) {
            self.full.push_back(before.block);
        }
        if self.full.len() > KEPT { self.full.pop_front() } else { None }
    }

    fn take_idle(&mut self) -> VecDeque<Arc<Block>> {
        let (idle, busy) = core::mem::take(&mut self.full)
            .into_iter()
            .partition::<VecDeque<_>, _>(|block| Arc::strong_count(block) == 1);
        self.full = busy;
        let mut idle = idle;
        let current_is_idle =
            self.current.as_ref().is_some_and(|current| Arc::strong_count(&current.block) == 1);
        if current_is_idle {
            idle.extend(self.current.take().map(|current| current.block));
        }
        idle
    }
}

impl Current {
    fn buffer(&mut self, len: usize) -> Option<ArenaBuffer> {
        // Acquires what the last buffer's drop released, so that its bytes are free.
        if Arc::get_mut(&mut self.block).is_some() {
            self.used = 0;
        }
        let start = self.used.next_multiple_of(ALIGN);
        let end = start.checked_add(len).filter(|end| *end <= self.block.layout.size())?;
        self.used = end;
        Some(self.block.share(start, len))
    }
}

impl Block {
    fn try_new(size: usize, budget: &Budget) -> Result<Arc<Self>, MemoryError> {
        let requested = Bytes::from_usize(size);
        let largest = Bytes::from_usize(isize::MAX as usize - (ALIGN - 1));
        let layout = Layout::from_size_align(size.max(1), ALIGN)
            .map_err(|_| MemoryError::AllocationTooLarge { requested, max: largest })?;
        let charge = budget.try_reserve(requested)?;
        // SAFETY: the layout has at least one byte.
        let start = NonNull::new(unsafe { alloc(layout) })
            .ok_or(MemoryError::OutOfMemory { requested, available: Bytes::ZERO })?;
        Ok(Arc::new(Self { start, layout, _charge: charge }))
    }

    /// `len` bytes from `start` on, which lie within the block and belong to no buffer.
    fn share(self: &Arc<Self>, start: usize, len: usize) -> ArenaBuffer {
        debug_assert!(start + len <= self.layout.size());
        // SAFETY: the callers keep both within the block, which nobody else writes there.
        let start = unsafe {
            let start = self.start.add(start);
            start.write_bytes(0, len);
            start
        };
        ArenaBuffer { start, len, _block: Arc::clone(self) }
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        // SAFETY: allocated with this layout; no buffer is left, as each has a share in the `Arc`.
        unsafe { dealloc(self.start.as_ptr(), self.layout) };
    }
}

impl Deref for ArenaBuffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: these bytes were zeroed when the buffer was made, lie in a block that the buffer keeps, and are no other
        // buffer's: a block hands out its bytes once, until no buffer of it is left.
        unsafe { slice::from_raw_parts(self.start.as_ptr(), self.len) }
    }
}

impl DerefMut for ArenaBuffer {
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: as above, and the buffer is borrowed exclusively.
        unsafe { slice::from_raw_parts_mut(self.start.as_ptr(), self.len) }
    }
}

impl fmt::Debug for ArenaBuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ArenaBuffer").field("len", &self.len).finish_non_exhaustive()
    }
}

impl fmt::Debug for BufferArena {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BufferArena")
            .field("block_size", &self.block_size)
            .field("budget", &self.budget)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    /// Miri is slow.
    const LEN: usize = if cfg!(miri) { 600 } else { 3000 };
    const STEPS: usize = if cfg!(miri) { 12 } else { 120 };
    const ROUNDS: usize = if cfg!(miri) { 10 } else { 1000 };

    proptest! {
        /// Every buffer keeps what was written to it, whatever is taken and dropped beside it, and all memory comes back.
        #[test]
        fn buffers_do_not_meet(
            steps in proptest::collection::vec((0_usize..LEN, any::<bool>(), any::<prop::sample::Index>()), 1..STEPS),
        ) {
            let budget = Budget::root(Bytes::from_mib(16));
            let arena = BufferArena::new(Bytes::from_usize(LEN + 1000), &budget);
            let mut held: Vec<(ArenaBuffer, u8)> = Vec::new();
            for (number, (len, drops, which)) in steps.into_iter().enumerate() {
                if drops && !held.is_empty() {
                    held.swap_remove(which.index(held.len()));
                }
                // A few are larger than a block.
                let len = if len % 7 == 0 { len * 3 } else { len };
                let mut buffer = arena.try_buffer(len).unwrap();
                prop_assert!(buffer.len() == len && buffer.iter().all(|byte| *byte == 0));
                prop_assert!(buffer.as_ptr().addr().is_multiple_of(ALIGN));
                let mark = (number % 255) as u8 + 1;
                buffer.fill(mark);
                held.push((buffer, mark));
                prop_assert!(held.iter().all(|(buffer, mark)| buffer.iter().all(|byte| byte == mark)));
            }
            drop(arena);
            drop(held);
            prop_assert_eq!(budget.used(), Bytes::ZERO);
        }
    }

    #[test]
    fn a_block_without_buffers_is_used_again() {
        let budget = Budget::root(Bytes::from_kib(12));
        let arena = BufferArena::new(Bytes::from_kib(4), &budget);
        for _ in 0..ROUNDS {
            let [one, other] = [1000, 3000].map(|len| arena.try_buffer(len).unwrap());
            drop((one, other));
        }
        let kept = arena.try_buffer(4096).unwrap();
        for _ in 0..ROUNDS {
            arena.try_buffer(3000).unwrap();
        }
        assert_eq!(budget.used(), Bytes::from_kib(8));
        assert_eq!(arena.trim(), Bytes::from_kib(4));
        drop(kept);
        assert_eq!(arena.trim(), Bytes::from_kib(4));
        assert_eq!(budget.used(), Bytes::ZERO);
    }

    #[test]
    fn what_is_refused_is_an_error() {
        let budget = Budget::root(Bytes::from_kib(4));
        let arena = BufferArena::new(Bytes::from_kib(4), &budget);
        let held = arena.try_buffer(4096).unwrap();
        assert!(matches!(arena.try_buffer(1), Err(MemoryError::BudgetExceeded { .. })));
        assert!(matches!(arena.try_buffer(usize::MAX), Err(MemoryError::AllocationTooLarge { .. })));
        drop(held);
        assert!(arena.try_buffer(1).is_ok());
    }

    #[test]
    fn many_threads_share_one() {
        let budget = Budget::root(Bytes::from_mib(4));
        let arena = BufferArena::new(Bytes::from_kib(8), &budget);
        std::thread::scope(|scope| {
            for mark in 1..=3_u8 {
                let arena = &arena;
                scope.spawn(move || {
                    let mut held = VecDeque::new();
                    for step in 0..2 * ROUNDS {
                        let mut buffer = arena.try_buffer(100 + step % LEN).unwrap();
                        assert!(buffer.iter().all(|byte| *byte == 0));
                        buffer.fill(mark);
                        held.push_back(buffer);
                        if held.len() > 5 {
                            assert!(held.pop_front().unwrap().iter().all(|byte| *byte == mark));
                        }
                    }
                });
            }
        });
        drop(arena);
        assert_eq!(budget.used(), Bytes::ZERO);
    }

    /// Gives up what it holds when it is told of pressure, and looks whether the arena is free then.
    struct Listener {
        arena: std::sync::OnceLock<Arc<BufferArena>>,
        held: Mutex<Vec<ArenaBuffer>>,
        found_free: Mutex<Vec<bool>>,
    }

    impl terrane_base::PressureListener for Listener {
        fn pressure_changed(&self, _level: terrane_base::PressureLevel) {
            let arena = self.arena.get().expect("it is set before anything is charged");
            self.found_free.lock().unwrap().push(arena.blocks.try_lock().is_ok());
            self.held.lock().unwrap().clear();
        }
    }

    #[test]
    fn a_block_that_is_not_kept_is_given_back_without_the_lock() {
        let budget = Budget::root(Bytes::from_kib(9));
        let arena = Arc::new(BufferArena::new(Bytes::from_kib(1), &budget));
        let listener = Arc::new(Listener {
            arena: Arc::clone(&arena).into(),
            held: Mutex::default(),
            found_free: Mutex::default(),
        });
        budget.add_pressure_listener("listener", &listener);
        // As many full blocks as are kept and one more, all with a buffer; and as much as makes the next one pressure.
        *listener.held.lock().unwrap() = (0..=KEPT).map(|_| arena.try_buffer(1024).unwrap()).collect();
        let _rest = budget.try_reserve(Bytes::new(768)).unwrap();
        assert!(listener.found_free.lock().unwrap().is_empty());
        // For the block, it is told of pressure, and all buffers go. So the oldest block goes back, and with it the pressure.
        drop(arena.try_buffer(1024).unwrap());
        assert_eq!(*listener.found_free.lock().unwrap(), [true, true]);
    }
}
