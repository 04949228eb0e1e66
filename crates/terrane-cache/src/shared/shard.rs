//! One part of a cache behind a lock.

use parking_lot::RwLock;

use super::contents::Contents;

/// Prefetchers fetch two lines of 64 bytes.
#[derive(Debug)]
#[repr(align(128))]
pub(super) struct Shard<K, V> {
    contents: RwLock<Contents<K, V>>,
}

impl<K, V> Shard<K, V> {
    pub(super) fn new(contents: Contents<K, V>) -> Self {
        Self { contents: RwLock::new(contents) }
    }

    #[inline]
    pub(super) fn read<T>(&self, work: impl FnOnce(&Contents<K, V>) -> T) -> T {
        work(&self.contents.read())
    }

    #[inline]
    pub(super) fn write<T>(&self, work: impl FnOnce(&mut Contents<K, V>) -> T) -> T {
        work(&mut self.contents.write())
    }

    /// The same, unless somebody else is at it.
    pub(super) fn try_write<T>(&self, work: impl FnOnce(&mut Contents<K, V>) -> T) -> Option<T> {
        self.contents.try_write().map(|mut contents| work(&mut contents))
    }
}
