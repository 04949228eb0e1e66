//! A lock that lends what it guards to readers, so that those on different cores do not disturb each other.
//!
//! A lock for readers and writers is one word that every reader writes twice: it travels from core to core, and that costs more than
//! all else about a hit. So a value that is only read for a while is *lent*: it moves behind an [`Arc`], and each reader that comes
//! often gets a copy of the `Arc` in a *mirror* of its own, behind a lock of its own on cache lines of its own. From then on it writes
//! nothing that others read. (The idea is that of BRAVO, Dice and Kogan, USENIX ATC 2019, a bias towards readers that a writer
//! revokes; there readers are noted in a table, here each has its own way to the value, and nothing is unsafe.)
//!
//! ```text
//!            main                      mirror 0         mirror 1
//!   owned    value                     –                –
//!   lent     Arc ─────→ value ←─────── Arc              –            one reader came often
//! ```
//!
//! A writer locks `main`, then empties all mirrors, each of which waits for its reader. Then the `Arc` in `main` is the only one, and
//! becomes the value again. Copies are made only with `main` locked, and locks are always taken in the order main, mirror.

use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering::Relaxed};

use crate::sync::{Arc, AtomicBool, RwLock, RwLockReadGuard};

/// So often a reader has to come without a writer in between to be lent to.
const READS_BEFORE_LENDING: u32 = if cfg!(loom) { 1 } else { 32 };

/// A value behind a lock. Readers are numbered; those with the same number modulo the number of mirrors share one.
#[derive(Debug)]
pub struct Lending<T> {
    main: RwLock<Main<T>>,
    /// Whether it is worth while to look into a mirror. Changes seldom.
    is_lent: AtomicBool,
    /// The only reader so far, or [`SEVERAL`]: for one alone lending gains nothing.
    readers: AtomicUsize,
    /// A power of two.
    mirrors: Box<[Mirror<T>]>,
}

#[derive(Debug)]
struct Main<T> {
    /// How many writers there were.
    version: u32,
    /// Always there, except while it changes from the one form into the other.
    value: Option<Value<T>>,
}

#[derive(Debug)]
enum Value<T> {
    Owned(T),
    Lent(Arc<T>),
}

/// Prefetchers fetch two lines of 64 bytes.
#[derive(Debug)]
#[repr(align(128))]
struct Mirror<T> {
    copy: RwLock<Option<Arc<T>>>,
    /// Reads of `main` with this version. Written by readers of this mirror only; that two of them may be confused does not matter.
    reads: AtomicU32,
    version: AtomicU32,
}

const NOBODY: usize = usize::MAX;
const SEVERAL: usize = usize::MAX - 2;

impl<T> Lending<T> {
    /// For so many readers at once that are not to disturb each other, rounded up to a power of two.
    pub fn new(value: T, mirrors: usize) -> Self {
        let mirror =
            |_| Mirror { copy: RwLock::new(None), reads: AtomicU32::new(0), version: AtomicU32::new(0) };
        Self {
            main: RwLock::new(Main { version: 0, value: Some(Value::Owned(value)) }),
            is_lent: AtomicBool::new(false),
            readers: AtomicUsize::new(NOBODY),
            mirrors: (0..mirrors.max(1).next_power_of_two()).map(mirror).collect(),
        }
    }

    /// Lets `work` read the value. It may not lock it again.
    #[inline]
    pub fn read<R>(&self, reader: usize, work: impl FnOnce(&T) -> R) -> R {
        let copy = if self.is_lent.load(Relaxed) { self.copy(reader) } else { None };
        let main = if copy.is_none() { Some(self.main.read()) } else { None };
        // One call of `work`, so that it is inlined.
        let (value, version) = match (copy.as_deref(), &main) {
            (Some(Some(copy)), _) => (&**copy, None),
            (_, Some(main)) => (main.value(), Some(main.version)),
            _ => unreachable!("one of them is locked"),
        };
        let result = work(value);
        drop((copy, main));
        if let Some(version) = version
            && self.readers.load(Relaxed) != reader
        {
            self.note_read(reader, version);
        }
        result
    }

    /// The copy of this reader, if it has one.
    #[inline]
    fn copy(&self, reader: usize) -> Option<RwLockReadGuard<'_, Option<Arc<T>>>> {
        let mirror = self.mirrors.get(reader & (self.mirrors.len() - 1))?;
        let copy = mirror.copy.read();
        copy.is_some().then_some(copy)
    }

    /// Lets `work` change the value, alone.
    pub fn write<R>(&self, work: impl FnOnce(&mut T) -> R) -> R {
        let mut main = self.main.write();
        work(self.take_back(&mut main))
    }

    /// The same, unless somebody else is at it.
    pub fn try_write<R>(&self, work: impl FnOnce(&mut T) -> R) -> Option<R> {
        let mut main = self.main.try_write()?;
        if matches!(main.value, Some(Value::Lent(_))) {
            // A reader of a mirror might be this very thread.
            for mirror in &self.mirrors {
                *mirror.copy.try_write()? = None;
            }
        }
        Some(work(self.take_back(&mut main)))
    }

    /// The value, which nobody else has.
    #[inline]
    fn take_back<'a>(&self, main: &'a mut Main<T>) -> &'a mut T {
        main.version = main.version.wrapping_add(1);
        if matches!(main.value, Some(Value::Lent(_))) {
            self.revoke(main);
        }
        match &mut main.value {
            Some(Value::Owned(value)) => value,
            Some(Value::Lent(_)) | None => unreachable!("it has been taken back"),
        }
    }

    #[cold]
    #[inline(never)]
    fn revoke(&self, main: &mut Main<T>) {
        self.is_lent.store(false, Relaxed);
        for mirror in &self.mirrors {
            *mirror.copy.write() = None;
        }
        if let Some(Value::Lent(lent)) = main.value.take() {
            let owned = Arc::try_unwrap(lent).ok().expect("copies are only in the mirrors");
            main.value = Some(Value::Owned(owned));
        }
    }

    #[cold]
    #[inline(never)]
    fn note_read(&self, reader: usize, version: u32) {
        let before = self.readers.load(Relaxed);
        if before != SEVERAL {
            self.readers.store(if before == NOBODY { reader } else { SEVERAL }, Relaxed);
            return;
        }
        let Some(mirror) = self.mirrors.get(reader & (self.mirrors.len() - 1)) else { return };
        let mut reads = mirror.reads.load(Relaxed);
        if mirror.version.load(Relaxed) != version {
            mirror.version.store(version, Relaxed);
            reads = 0;
        }
        mirror.reads.store(reads + 1, Relaxed);
        if reads + 1 >= READS_BEFORE_LENDING {
            mirror.reads.store(0, Relaxed);
            self.lend(mirror, version);
        }
    }

    /// Lends to the readers of this mirror, unless a writer came in between or somebody is at it.
    fn lend(&self, mirror: &Mirror<T>, version: u32) {
        let Some(mut main) = self.main.try_write() else { return };
        if main.version != version {
            return;
        }
        let lent = match main.value.take() {
            Some(Value::Owned(value)) => Arc::new(value),
            Some(Value::Lent(lent)) => lent,
            None => return,
        };
        main.value = Some(Value::Lent(Arc::clone(&lent)));
        *mirror.copy.write() = Some(lent);
        self.is_lent.store(true, Relaxed);
    }
}

impl<T> Main<T> {
    #[inline]
    fn value(&self) -> &T {
        match &self.value {
            Some(Value::Owned(value)) => value,
            Some(Value::Lent(value)) => value,
            None => unreachable!("it is there when the lock is free"),
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn what_was_read_often_is_lent_and_comes_back() {
        let lending = Lending::new(vec![1], 2);
        let read = |reader| lending.read(reader, |value| value.len());
        (0..1000).for_each(|_| assert_eq!(read(7), 1));
        assert!(!lending.is_lent.load(Relaxed), "one reader alone");
        (0..100).for_each(|_| assert_eq!(read(8), 1));
        assert!(lending.is_lent.load(Relaxed));
        (0..100).for_each(|_| assert_eq!(read(7), 1));
        lending.write(|value| value.push(2));
        assert!(!lending.is_lent.load(Relaxed));
        assert_eq!((read(7), read(8)), (2, 2));
        (0..100).for_each(|_| assert_eq!(read(8), 2));
        assert_eq!(lending.try_write(|value| value.push(3)), Some(()));
        assert_eq!(read(8), 3);
    }

    #[test]
    fn a_reader_does_not_wait_for_itself() {
        let lending = Lending::new((), 1);
        (0..200).for_each(|turn| lending.read(turn % 2, |()| ()));
        assert!(lending.is_lent.load(Relaxed));
        assert_eq!(lending.read(0, |()| lending.try_write(|()| ())), None);
        assert_eq!(lending.try_write(|()| ()), Some(()));
    }

    #[test]
    fn a_panic_of_reader_or_writer_leaves_it_usable() {
        use std::panic::{AssertUnwindSafe, catch_unwind};
        let lending = Lending::new(5, 2);
        (0..200).for_each(|turn| assert_eq!(lending.read(turn % 2, |value| *value), 5));
        let reading = catch_unwind(AssertUnwindSafe(|| lending.read(0, |_| panic!("a reader"))));
        let writing = catch_unwind(AssertUnwindSafe(|| lending.write(|_| panic!("a writer"))));
        assert!(reading.is_err() && writing.is_err());
        lending.write(|value| *value += 1);
        assert_eq!(lending.read(1, |value| *value), 6);
    }
}
