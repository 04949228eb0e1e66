//! One part of a cache behind a lock.

use super::contents::Contents;
use super::lending::Lending;
use super::thread_number::known_thread_number;

#[derive(Debug)]
#[repr(align(128))]
pub(super) struct Shard<K, V> {
    contents: Lending<Contents<K, V>>,
}

impl<K, V> Shard<K, V> {
    /// For so many threads that are not to disturb each other when they read.
    pub(super) fn new(contents: Contents<K, V>, readers: usize) -> Self {
        Self { contents: Lending::new(contents, readers) }
    }

    #[inline]
    pub(super) fn read<T>(&self, work: impl FnOnce(&Contents<K, V>) -> T) -> T {
        self.read_as(known_thread_number(), work)
    }

    /// The same for the thread of this number.
    #[inline]
    pub(super) fn read_as<T>(&self, thread: usize, work: impl FnOnce(&Contents<K, V>) -> T) -> T {
        work(&self.contents.read(thread))
    }

    /// To be called now and then, after a fixed number of reads: where nobody writes, readers get ways in that they do not share.
    pub(super) fn note_read(&self, thread: usize) {
        self.contents.note_read(thread);
    }

    #[inline]
    pub(super) fn write<T>(&self, work: impl FnOnce(&mut Contents<K, V>) -> T) -> T {
        self.contents.write(work)
    }

    /// The same, unless somebody else is at it.
    pub(super) fn try_write<T>(&self, work: impl FnOnce(&mut Contents<K, V>) -> T) -> Option<T> {
        self.contents.try_write(work)
    }
}
