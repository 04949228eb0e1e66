//! Buffers of bytes with reserved capacity, in one pool for each size class.
//!
//! The classes are the powers of two from 64 bytes on. A request gets a buffer of the smallest class that is large enough; so at most half
//! of it lies unused, and a buffer that has come back fits any later request of its class.

mod builder;
#[cfg(feature = "std")]
mod shared;

use alloc::{boxed::Box, vec::Vec};
use core::{
    fmt,
    ops::{Deref, DerefMut},
};

use terrane_base::{Bytes, MemoryError};

use crate::{ObjectPool, PoolGuard, PoolStats, Poolable};

pub use builder::BufferPoolBuilder;
#[cfg(feature = "std")]
pub use shared::{BufferPool, PooledBuffer};

/// The smallest class.
const MIN_BYTES: usize = 64;

/// A vector of bytes from a buffer pool. It comes empty, with the capacity that was asked for at least.
///
/// It is used as the `Vec<u8>` that it is; it may grow. When it comes back it is emptied, and what it has grown beyond its class is
/// given back. One whose vector was taken out (`mem::take`) gets a new one.
#[derive(Debug, Default)]
pub struct Buffer {
    bytes: Vec<u8>,
    /// The capacity that it should have.
    class: usize,
}

impl Buffer {
    /// An empty buffer of a class; with less capacity where there is no memory.
    fn of_class(class: usize) -> Self {
        let mut buffer = Self { bytes: Vec::new(), class };
        let _ = buffer.reserve_class();
        buffer
    }

    fn reserve_class(&mut self) -> Result<(), MemoryError> {
        let refused =
            |_| MemoryError::OutOfMemory { requested: Bytes::from_usize(self.class), available: Bytes::ZERO };
        self.bytes.try_reserve_exact(self.class).map_err(refused)
    }
}

impl Deref for Buffer {
    type Target = Vec<u8>;

    fn deref(&self) -> &Vec<u8> {
        &self.bytes
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }
}

impl From<Buffer> for Vec<u8> {
    fn from(buffer: Buffer) -> Self {
        buffer.bytes
    }
}

impl Poolable for Buffer {
    fn create() -> Self {
        Self::default()
    }

    fn reset(&mut self) {
        self.bytes.clear();
        if self.bytes.capacity() > self.class {
            self.bytes.shrink_to(self.class);
        }
    }

    fn heap_bytes(&self) -> Option<Bytes> {
        Some(Bytes::from_usize(self.bytes.capacity()))
    }
}

/// One pool for each class.
struct Classes<P> {
    pools: Box<[P]>,
}

impl<P> Classes<P> {
    /// The smallest class with at least this capacity, and its pool.
    #[inline]
    fn pool(&self, capacity: usize) -> Result<(usize, &P), MemoryError> {
        let class = capacity.div_ceil(MIN_BYTES).max(1).checked_next_power_of_two();
        let place = class.map_or(usize::MAX, |class| class.trailing_zeros() as usize);
        let pool = self.pools.get(place).ok_or_else(|| self.too_large(capacity))?;
        Ok((MIN_BYTES << place, pool))
    }

    #[cold]
    fn too_large(&self, capacity: usize) -> MemoryError {
        MemoryError::AllocationTooLarge { requested: Bytes::from_usize(capacity), max: self.max() }
    }

    /// The largest class.
    fn max(&self) -> Bytes {
        Bytes::from_usize(MIN_BYTES << (self.pools.len() - 1))
    }

    /// The sums of all figures.
    fn sum(&self, stats: impl Fn(&P) -> PoolStats) -> PoolStats {
        self.pools.iter().map(stats).fold(PoolStats::default(), PoolStats::plus)
    }
}

/// A buffer that is handed out by the pool of this class. It may be of another one: who had it before can have put another buffer in
/// its place.
#[inline]
fn checked<G: DerefMut<Target = Buffer>>(mut buffer: G, class: usize) -> Result<G, MemoryError> {
    buffer.class = class;
    if buffer.capacity() < class {
        buffer.reserve_class()?;
    }
    Ok(buffer)
}

/// Buffers for one owner. For many threads there is `BufferPool`.
///
/// ```
/// use terrane_pool::LocalBufferPool;
///
/// let buffers = LocalBufferPool::new();
/// let mut line = buffers.acquire(100)?;
/// assert_eq!((line.len(), line.capacity()), (0, 128));
/// line.extend_from_slice(b"terrane");
/// drop(line);
/// assert!(buffers.acquire(120)?.is_empty());
/// assert_eq!(buffers.stats().created, 1);
/// # Ok::<(), terrane_pool::MemoryError>(())
/// ```
pub struct LocalBufferPool {
    classes: Classes<ObjectPool<Buffer>>,
}

impl LocalBufferPool {
    /// Buffers of up to 1 MiB, of which up to 16 MiB idle.
    #[must_use]
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// With other limits, or a budget.
    pub fn builder() -> BufferPoolBuilder<Self> {
        BufferPoolBuilder::new()
    }

    /// An empty buffer for at least `capacity` bytes. O(1).
    ///
    /// # Errors
    /// [`MemoryError::AllocationTooLarge`] beyond the largest class; what the budget says when it refuses;
    /// [`MemoryError::OutOfMemory`].
    pub fn acquire(&self, capacity: usize) -> Result<PoolGuard<Buffer, &ObjectPool<Buffer>>, MemoryError> {
        let (class, pool) = self.classes.pool(capacity)?;
        checked(pool.acquire()?, class)
    }

    /// The largest capacity that can be had.
    #[must_use]
    pub fn max_capacity(&self) -> Bytes {
        self.classes.max()
    }

    /// The figures of all classes together; `peak_in_use` is the sum of their peaks.
    #[must_use]
    pub fn stats(&self) -> PoolStats {
        self.classes.sum(ObjectPool::stats)
    }

    /// Drops all idle buffers, and says how many that was.
    pub fn trim(&self) -> usize {
        self.classes.pools.iter().map(|pool| pool.trim(0)).sum()
    }

    /// Gives back what a full budget has asked for, and says how many buffers that was.
    pub fn maintain(&self) -> usize {
        self.classes.pools.iter().map(ObjectPool::maintain).sum()
    }
}

impl Default for LocalBufferPool {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for LocalBufferPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalBufferPool")
            .field("max_capacity", &self.max_capacity())
            .field("stats", &self.stats())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_request_meets_the_smallest_class_that_suffices() {
        let classes = Classes { pools: (0..4).map(|place| MIN_BYTES << place).collect() };
        for (capacity, class) in
            [(0, 64), (1, 64), (64, 64), (65, 128), (128, 128), (129, 256), (257, 512), (512, 512)]
        {
            assert_eq!(classes.pool(capacity), Ok((class, &class)), "{capacity}");
        }
        for capacity in [513, usize::MAX / 2, usize::MAX] {
            let error = MemoryError::AllocationTooLarge {
                requested: Bytes::from_usize(capacity),
                max: Bytes::new(512),
            };
            assert_eq!(classes.pool(capacity), Err(error));
        }
    }

    #[test]
    fn a_buffer_that_has_grown_or_lost_its_memory_is_of_its_class_again() {
        let buffers = LocalBufferPool::new();
        let mut buffer = buffers.acquire(64).unwrap();
        buffer.resize(100_000, 1);
        drop(buffer);
        assert!(buffers.acquire(64).unwrap().capacity() < 100_000);
        drop(core::mem::take(&mut **buffers.acquire(64).unwrap()));
        assert!(buffers.acquire(64).unwrap().capacity() >= 64);
        assert_eq!(buffers.stats().created, 1);
    }
}
