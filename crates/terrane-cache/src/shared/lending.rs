//! A lock that lends what it guards to readers, so that those on different cores do not disturb each other.
//!
//! A lock is one word that every reader writes twice: it travels from core to core, and that costs more than all else about a
//! hit. So a value that is only read for a while is *lent*: it moves behind an [`Arc`], and each reader that comes often gets a
//! copy of the `Arc` in a *mirror* of its own, behind a lock of its own on cache lines of its own. From then on it writes
//! nothing that others read. (The idea is that of BRAVO, Dice and Kogan, USENIX ATC 2019, a bias towards readers that a writer
//! revokes; there readers are noted in a table, here each has its own way to the value, and nothing is unsafe.)
//!
//! ```text
//!            main                      mirror 0         mirror 1
//!   owned    value                     –                –
//!   lent     Arc ─────→ value ←─────── Arc              –            one reader came often
//! ```
//!
//! The locks are plain ones (`sync`): taking one for readers and writers costs each hit more, and where readers would gain by it the value
//! is lent. Whoever reads counts hits and misses beside the lock that it holds; each hit writes one number there and no more, as taking
//! the next lock waits for what was written before. Of what is lent, that number is the one that says when a use is of the sample.
//!
//! There are two ways to read what is lent. The *simple* one is for a reader that has its number already and finds its mirror free:
//! it calls nothing, so that it stays short where it is inlined, and gives up whatever is not simple. The careful one then gets a number,
//! shares a mirror, and waits.
//!
//! A writer locks `main`, then empties all mirrors, each of which waits for its reader. Then the `Arc` in `main` is the only one, and
//! becomes the value again. Copies are made only with `main` locked, and locks are always taken in the order main, mirror.

use std::hint::cold_path;
use std::ops::Deref;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use crate::policy::mark::{Counting, Sample, Spare};
use crate::sync::{Arc, AtomicBool, Mutex, MutexGuard};

/// A value behind a lock. Readers are numbered; those with the same number modulo the number of mirrors share one.
///
/// The fields keep their order: so what a reader needs first of the value is on the cache line that it must have for the lock, or for the
/// way to its mirror.
#[derive(Debug)]
#[repr(C)]
pub struct Lending<T> {
    /// Whether it is worth while to look into a mirror. Changes seldom.
    is_lent: AtomicBool,
    /// A power of two.
    mirrors: Box<[Mirror<T>]>,
    main: Mutex<Main<T>>,
}

/// The value, in one of two forms.
#[derive(Debug)]
#[repr(C)]
pub struct Main<T> {
    /// So many hits there will have been in all when [`Lending::note_read`] is due,
    hits_when_due: u64,
    /// which is after so many more.
    hits_to_note: u32,
    spare: Spare,
    owned: Option<T>,
    lent: Option<Arc<Lent<T>>>,
    misses: u64,
    /// How many writers there were.
    version: u32,
    /// Whose read was noted last.
    noted: usize,
}

/// How many reads found what they were for, and how many did not. Counted with the lock that the read has anyway, so that it costs
/// no further place that has to be written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reads {
    /// Those that found it.
    pub hits: u64,
    /// Those that did not.
    pub misses: u64,
}

impl Reads {
    fn add(&mut self, other: Self) {
        self.hits += other.hits;
        self.misses += other.misses;
    }
}

/// Prefetchers fetch two lines of 64 bytes.
#[derive(Debug)]
#[repr(align(128))]
struct Mirror<T> {
    copy: Mutex<Copy<T>>,
    /// The version when a read was last noted. That two readers of this mirror may be confused does not matter.
    version: AtomicU32,
}

/// A value at the beginning of a cache line, and not behind the counts of its [`Arc`].
#[derive(Debug)]
#[repr(align(64))]
struct Lent<T>(T);

/// One reader's way to the value.
#[derive(Debug)]
pub struct Copy<T> {
    value: Option<Arc<Lent<T>>>,
    /// Its uses are the hits,
    sample: Sample,
    /// apart from those that were none: of what had expired.
    vain_uses: u64,
    misses: u64,
}

impl<T> Copy<T> {
    fn reads(&self) -> Reads {
        Reads { hits: self.sample.uses() - self.vain_uses, misses: self.misses }
    }

    fn take_reads(&mut self) -> Reads {
        let hits = self.sample.take_uses() - std::mem::take(&mut self.vain_uses);
        Reads { hits, misses: std::mem::take(&mut self.misses) }
    }
}

impl<T> Lending<T> {
    /// For so many readers at once that are not to disturb each other, rounded up to a power of two.
    pub fn new(value: T, mirrors: usize) -> Self {
        let mirror = |_| {
            let copy = Copy { value: None, sample: Sample::default(), vain_uses: 0, misses: 0 };
            Mirror { copy: Mutex::new(copy), version: AtomicU32::new(0) }
        };
        Self {
            // No mirror has seen this version.
            main: Mutex::new(Main {
                hits_when_due: u64::from(HITS_TO_NOTE_AFTER_WRITE),
                hits_to_note: HITS_TO_NOTE_AFTER_WRITE,
                spare: Spare::default(),
                owned: Some(value),
                lent: None,
                misses: 0,
                version: 1,
                noted: NOBODY,
            }),
            is_lent: AtomicBool::new(false),
            mirrors: (0..mirrors.max(1).next_power_of_two()).map(mirror).collect(),
        }
    }

    /// The value, to be read. It may not be locked again meanwhile.
    #[inline]
    pub fn read(&self, reader: impl FnOnce() -> usize) -> Reading<'_, T> {
        if self.is_lent.load(Relaxed)
            && let Some(mirror) = self.mirror(reader())
        {
            let copy = mirror.copy.lock();
            if copy.value.is_some() {
                return Reading::Copy(copy);
            }
        }
        Reading::Main(self.main.lock())
    }

    /// Lets `work` read the value where it is not lent, and counts that: `work` says whether it found what it was for. What else it says
    /// comes with whether it is time for [`Lending::note_read`]. It is given a place to write to, which no other reader writes to meanwhile.
    #[inline(always)]
    pub(crate) fn read_owned<R>(
        &self,
        work: impl FnOnce(&T, Counting<'_>) -> (R, bool),
    ) -> Option<(R, bool)> {
        if self.is_lent.load(Relaxed) {
            return None;
        }
        let mut main = self.main.lock();
        let main = &mut *main;
        let (result, is_hit) = work(main.owned.as_ref()?, Counting::Each(&main.spare));
        Some((result, main.note(is_hit)))
    }

    /// The same, where the value is lent to this reader.
    #[inline(always)]
    pub(crate) fn read_copy<R>(
        &self,
        known_reader: usize,
        reader: impl FnOnce() -> usize,
        work: impl FnOnce(&T, Counting<'_>) -> (R, bool),
    ) -> Option<R> {
        let mirror = match self.mirrors.get(known_reader) {
            Some(mirror) => mirror,
            None => self.mirror(reader())?,
        };
        let mut copy = mirror.copy.lock();
        let copy = &mut *copy;
        let value = &copy.value.as_deref()?.0;
        let uses_before = copy.sample.uses();
        let (result, is_hit) = work(value, Counting::Sampled(&mut copy.sample));
        if !is_hit {
            copy.vain_uses += copy.sample.uses() - uses_before;
            copy.misses += 1;
        }
        Some(result)
    }

    /// The same, for a known reader who need not wait, and work that may give up: without a call of anything else.
    #[inline(always)]
    pub(crate) fn read_copy_simply<R>(
        &self,
        known_reader: usize,
        work: impl FnOnce(&T, Counting<'_>) -> Option<(R, bool)>,
    ) -> Option<R> {
        let mut copy = self.mirrors.get(known_reader)?.copy.try_lock()?;
        let copy = &mut *copy;
        let (result, is_hit) = work(&copy.value.as_deref()?.0, Counting::Sampled(&mut copy.sample))?;
        if !is_hit {
            cold_path();
            copy.misses += 1;
        }
        Some(result)
    }

    /// A read that finds what it is for, where that is simple.
    #[cfg(loom)]
    pub fn use_simply<R>(&self, reader: usize, work: impl FnOnce(&T) -> R) -> Option<R> {
        let mark = crate::policy::mark::Mark::new(0);
        self.read_copy_simply(reader, |value, counting| {
            mark.note_use(counting);
            Some((work(value), true))
        })
    }

    /// The same, wherever the value is.
    #[inline]
    pub(crate) fn read_main<R>(&self, work: impl FnOnce(&T, Counting<'_>) -> (R, bool)) -> (R, bool) {
        let mut main = self.main.lock();
        let main = &mut *main;
        let (result, is_hit) = work(main.value(), Counting::Each(&main.spare));
        (result, main.note(is_hit))
    }

    /// What was counted.
    pub fn reads(&self) -> Reads {
        let main = self.main.lock();
        let mut reads = main.reads();
        self.mirrors.iter().for_each(|mirror| reads.add(mirror.copy.lock().reads()));
        reads
    }

    #[inline]
    fn mirror(&self, reader: usize) -> Option<&Mirror<T>> {
        self.mirrors.get(reader & (self.mirrors.len() - 1))
    }

    /// To be called when [`Lending::read_owned`] says so, and nothing is read. When there was no writer since the last time, but
    /// another reader, the value is lent to it.
    #[cold]
    #[inline(never)]
    pub fn note_read(&self, reader: usize) {
        let Some(mirror) = self.mirror(reader) else { return };
        // Where somebody is at it, this is not the time.
        let Some(mut main) = self.main.try_lock() else { return };
        let is_alone = std::mem::replace(&mut main.noted, reader) == reader;
        let is_only_read = mirror.version.swap(main.version, Relaxed) == main.version;
        // The last one who still comes here is alone, but writes to where the others look.
        if is_only_read && (!is_alone || main.lent.is_some()) {
            if let Some(value) = main.owned.take() {
                main.lent = Some(Arc::new(Lent(value)));
            }
            mirror.copy.lock().value = main.lent.clone();
            self.is_lent.store(true, Relaxed);
        }
    }

    /// Lets `work` change the value, alone. It is told of the reads so far.
    #[inline]
    pub fn write<R>(&self, work: impl FnOnce(&mut T, Reads) -> R) -> R {
        let mut main = self.main.lock();
        let (value, reads) = self.take_back(&mut main);
        work(value, reads)
    }

    /// The same, unless somebody else is at it.
    pub fn try_write<R>(&self, work: impl FnOnce(&mut T) -> R) -> Option<R> {
        let mut main = self.main.try_lock()?;
        if main.owned.is_none() {
            // A reader of a mirror might be this very thread.
            for mirror in &self.mirrors {
                mirror.copy.try_lock()?.value = None;
            }
        }
        Some(work(self.take_back(&mut main).0))
    }

    /// The value, which nobody else has.
    #[inline]
    fn take_back<'a>(&self, main: &'a mut Main<T>) -> (&'a mut T, Reads) {
        main.version = main.version.wrapping_add(1);
        main.hits_when_due = main.reads().hits + u64::from(HITS_TO_NOTE_AFTER_WRITE);
        main.hits_to_note = HITS_TO_NOTE_AFTER_WRITE;
        if main.owned.is_none() {
            self.revoke(main);
        }
        let reads = main.reads();
        (main.owned.as_mut().expect(IN_ONE_FORM), reads)
    }

    #[cold]
    #[inline(never)]
    fn revoke(&self, main: &mut Main<T>) {
        self.is_lent.store(false, Relaxed);
        for mirror in &self.mirrors {
            let mut copy = mirror.copy.lock();
            copy.value = None;
            let reads = copy.take_reads();
            main.hits_when_due += reads.hits;
            main.misses += reads.misses;
        }
        let lent = main.lent.take().expect(IN_ONE_FORM);
        let Lent(value) = Arc::try_unwrap(lent).ok().expect("copies are only in the mirrors");
        main.owned = Some(value);
    }
}

/// After so many hits without a writer, somebody is looked for to lend to.
const HITS_TO_NOTE_AFTER_WRITE: u32 = 64;
/// And again after so many.
const HITS_TO_NOTE: u32 = 256;
const NOBODY: usize = usize::MAX - 2;
const IN_ONE_FORM: &str = "it is there in one form or the other";

impl<T> Main<T> {
    #[inline]
    fn reads(&self) -> Reads {
        Reads { hits: self.hits_when_due - u64::from(self.hits_to_note), misses: self.misses }
    }

    /// Counts a read. Whether it is time for [`Lending::note_read`].
    #[inline(always)]
    fn note(&mut self, is_hit: bool) -> bool {
        if !is_hit {
            self.misses += 1;
            return false;
        }
        self.hits_to_note -= 1;
        if self.hits_to_note == 0 {
            self.restart_hits_to_note();
            return true;
        }
        false
    }

    #[cold]
    #[inline(never)]
    fn restart_hits_to_note(&mut self) {
        self.hits_when_due += u64::from(HITS_TO_NOTE);
        self.hits_to_note = HITS_TO_NOTE;
    }

    #[inline]
    fn value(&self) -> &T {
        match &self.owned {
            Some(owned) => owned,
            None => self.lent(),
        }
    }

    /// The value for a reader who has no copy.
    #[cold]
    #[inline(never)]
    fn lent(&self) -> &T {
        &self.lent.as_ref().expect(IN_ONE_FORM).0
    }
}

/// Holds the lock of whatever way a reader took to the value.
#[derive(Debug)]
pub enum Reading<'a, T> {
    #[doc(hidden)]
    Main(MutexGuard<'a, Main<T>>),
    #[doc(hidden)]
    Copy(MutexGuard<'a, Copy<T>>),
}

impl<T> Deref for Reading<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        match self {
            Self::Main(main) => main.value(),
            Self::Copy(copy) => &copy.value.as_ref().expect(IN_ONE_FORM).0,
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::policy::mark::Mark;

    #[test]
    fn what_is_only_read_is_lent_and_comes_back() {
        let lending = Lending::new(vec![1], 2);
        let read = |reader| lending.read(|| reader).len();
        (0..9).for_each(|_| lending.note_read(7));
        assert!(!lending.is_lent.load(Relaxed), "one reader alone");
        lending.note_read(8);
        assert!(!lending.is_lent.load(Relaxed), "there may have been a writer before");
        lending.note_read(7);
        assert!(lending.is_lent.load(Relaxed));
        assert_eq!((read(7), read(8)), (1, 1));
        lending.write(|value, _| value.push(2));
        assert!(!lending.is_lent.load(Relaxed));
        lending.note_read(8);
        lending.note_read(7);
        assert_eq!((read(7), read(8), lending.is_lent.load(Relaxed)), (2, 2, false));
        lending.note_read(8);
        assert!(lending.is_lent.load(Relaxed));
        assert_eq!((read(7), read(8), lending.is_lent.load(Relaxed)), (2, 2, true));
        assert_eq!(lending.try_write(|value| value.push(3)), Some(()));
        assert_eq!(read(8), 3);
    }

    #[test]
    fn the_last_reader_is_lent_to_as_well() {
        let lending = Lending::new((), 4);
        [7, 9, 7, 9, 8, 8].into_iter().for_each(|reader| lending.note_read(reader));
        for reader in [7, 8, 9] {
            assert!(matches!(lending.read(|| reader), Reading::Copy(_)), "{reader}");
        }
    }

    #[test]
    fn a_reader_does_not_wait_for_itself() {
        let lending = Lending::new((), 1);
        [0, 1, 0].into_iter().for_each(|reader| lending.note_read(reader));
        assert!(lending.is_lent.load(Relaxed));
        let reading = lending.read(|| 0);
        assert_eq!(lending.try_write(|()| ()), None);
        drop(reading);
        assert_eq!(lending.try_write(|()| ()), Some(()));
    }

    #[test]
    fn a_panic_of_reader_or_writer_leaves_it_usable() {
        use std::panic::{AssertUnwindSafe, catch_unwind};
        let lending = Lending::new(5, 2);
        [0, 1, 0].into_iter().for_each(|reader| lending.note_read(reader));
        let reading: Result<(), _> = catch_unwind(AssertUnwindSafe(|| {
            let _reading = lending.read(|| 0);
            panic!("a reader")
        }));
        let writing = catch_unwind(AssertUnwindSafe(|| lending.write(|_, _| panic!("a writer"))));
        assert!(reading.is_err() && writing.is_err());
        lending.write(|value, _| *value += 1);
        assert_eq!(*lending.read(|| 1), 6);
    }

    #[test]
    fn reads_are_counted_whichever_way_they_take() {
        let lending = Lending::new((), 2);
        [7, 8, 7].into_iter().for_each(|reader| lending.note_read(reader));
        let mark = Mark::new(0);
        // What it says about a hit is told apart from whether something was used: an entry that has expired was.
        let read = |reader, is_used, is_hit| {
            let work = |(): &(), counting: Counting<'_>| {
                if is_used {
                    mark.note_use(counting);
                }
                ((), is_hit)
            };
            match lending.read_copy(reader, || reader, work) {
                Some(()) => false,
                None => lending.read_main(work).1,
            }
        };
        for (reader, is_used, is_hit) in
            [(7, true, true), (8, true, true), (7, false, false), (7, true, false), (7, true, true)]
        {
            read(reader, is_used, is_hit);
        }
        for (is_used, is_hit) in [(true, true), (false, false)] {
            let work = |(): &(), counting: Counting<'_>| {
                if is_used {
                    mark.note_use(counting);
                }
                Some(((), is_hit))
            };
            // There are two mirrors.
            assert_eq!(lending.read_copy_simply(1, work), Some(()));
        }
        assert_eq!(lending.read_copy_simply(1, |(), _| None::<((), bool)>), None);
        let expected = Reads { hits: 4, misses: 3 };
        assert_eq!(lending.reads(), expected);
        lending.write(|(), reads| assert_eq!(reads, expected));
        assert_eq!(lending.reads(), expected);
        let noted = (0..640).filter(|_| read(7, true, true)).count();
        assert_eq!(noted, 3);
    }
}
