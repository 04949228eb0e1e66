//! One part of a cache behind a lock.

use crate::policy::mark::Counting;

use super::contents::Contents;
use super::lending::{Lending, Reads};
use super::thread_number::{known_thread_number, thread_number_or_large};

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

    /// Lets `work` read where the contents are not lent, and counts that: see [`Lending::read_owned`], and then perhaps
    /// [`look_for_readers`](Shard::look_for_readers).
    #[inline(always)]
    pub(super) fn read_owned<T>(
        &self,
        work: impl FnOnce(&Contents<K, V>, Counting<'_>) -> (T, bool),
    ) -> Option<(T, bool)> {
        self.contents.read_owned(work)
    }

    /// The same, where they are lent to this thread.
    #[inline(always)]
    pub(super) fn read_copy<T>(
        &self,
        work: impl FnOnce(&Contents<K, V>, Counting<'_>) -> (T, bool),
    ) -> Option<T> {
        self.contents.read_copy(known_thread_number(), thread_number_or_large, work)
    }

    /// The same, as far as that is simple.
    #[inline(always)]
    pub(super) fn read_copy_simply<T>(
        &self,
        work: impl FnOnce(&Contents<K, V>, Counting<'_>) -> Option<(T, bool)>,
    ) -> Option<T> {
        self.contents.read_copy_simply(known_thread_number(), work)
    }

    /// The same, wherever they are.
    #[inline]
    pub(super) fn read_main<T>(
        &self,
        work: impl FnOnce(&Contents<K, V>, Counting<'_>) -> (T, bool),
    ) -> (T, bool) {
        self.contents.read_main(work)
    }

    #[inline]
    pub(super) fn read<T>(&self, work: impl FnOnce(&Contents<K, V>) -> T) -> T {
        work(&self.contents.read(known_thread_number))
    }

    /// Where nobody writes, readers get ways in that they do not share.
    #[cold]
    #[inline(never)]
    pub(super) fn look_for_readers(&self) {
        self.contents.note_read(thread_number_or_large());
    }

    /// Hits and misses so far.
    pub(super) fn reads(&self) -> Reads {
        self.contents.reads()
    }

    #[inline]
    pub(super) fn write<T>(&self, work: impl FnOnce(&mut Contents<K, V>) -> T) -> T {
        self.contents.write(|contents, _| work(contents))
    }

    /// The same; its requests are counted first.
    #[inline]
    pub(super) fn write_for_request<T>(&self, work: impl FnOnce(&mut Contents<K, V>) -> T) -> T {
        self.contents.write(|contents, reads| {
            contents.engine.note_request(reads.hits);
            work(contents)
        })
    }

    /// The same, unless somebody else is at it.
    pub(super) fn try_write<T>(&self, work: impl FnOnce(&mut Contents<K, V>) -> T) -> Option<T> {
        self.contents.try_write(work)
    }
}
