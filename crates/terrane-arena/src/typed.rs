//! An arena for values of one type, whose destructors run.
//!
//! The values lie in *runs*: arrays from an [`Arena`], filled upwards, each twice as long as the last. So they can be walked,
//! to drop them or for any other reason, without any list beside them. The runs are noted in the memory of the arena itself.
//!
//! Dropping goes run by run, oldest value first. A value whose drop panics is not dropped again, and the values after it are
//! dropped all the same: a run is dropped as a slice, which the language drops to its end, and a guard does the same for the
//! runs after it. (A second panic meanwhile aborts the program, as everywhere.)

use crate::arena::Arena;
use crate::construct;
use crate::stats::ArenaStats;
use crate::strategy::ArenaStrategy;
use core::alloc::Layout;
use core::cell::Cell;
use core::fmt;
use core::marker::PhantomData;
use core::ptr::{self, NonNull};
use terrane_base::MemoryError;

/// An arena for values of one type. It drops them: on [`reset`](Self::reset), on [`release`](Self::release), and when it
/// is dropped itself, each exactly once, oldest first.
///
/// # Examples
///
/// ```
/// use terrane_arena::TypedArena;
///
/// let mut names = TypedArena::new();
/// let first: &mut String = names.alloc(String::from("one"));
/// first.push_str("!");
/// names.alloc(String::from("two"));
/// assert_eq!(names.len(), 2);
/// let all: Vec<&mut String> = names.iter_mut().collect();
/// assert_eq!(all, ["one!", "two"]);
/// ```
///
/// No value outlives its arena:
///
/// ```compile_fail,E0505
/// # use terrane_arena::TypedArena;
/// let names = TypedArena::new();
/// let name = names.alloc(String::new());
/// drop(names);
/// name.push('x');
/// ```
pub struct TypedArena<T> {
    /// Where the next value goes; not beyond `end`.
    cursor: Cell<*mut T>,
    end: Cell<*mut T>,
    newest: Cell<Option<NonNull<Run<T>>>>,
    oldest: Cell<Option<NonNull<Run<T>>>>,
    /// Values in all runs but the newest; all values, where they have no size.
    older_values: Cell<usize>,
    arena: Arena,
    owns: PhantomData<T>,
}

/// An array of values; all but the newest are full up to `len`.
struct Run<T> {
    start: *mut T,
    len: usize,
    capacity: usize,
    next: Option<NonNull<Run<T>>>,
}

/// The bytes that the first run has about.
const FIRST_RUN_BYTES: usize = 512;

/// Runs stop growing here.
const MAX_RUN_BYTES: usize = 1 << 20;

// SAFETY: the arena owns its values and its memory; moving it moves the right to both. It drops the values on the new thread,
// hence `T: Send`.
unsafe impl<T: Send> Send for TypedArena<T> {}

impl<T> TypedArena<T> {
    const ZERO_SIZED: bool = size_of::<T>() == 0;

    /// Makes an arena without memory.
    ///
    /// ```
    /// # use terrane_arena::TypedArena;
    /// let arena: TypedArena<u8> = TypedArena::new();
    /// assert!(arena.is_empty());
    /// ```
    #[must_use]
    pub const fn new() -> Self {
        Self::with_strategy(ArenaStrategy::new())
    }

    /// Makes an arena that gets its memory in this way.
    ///
    /// ```
    /// use terrane_arena::{ArenaStrategy, Bytes, TypedArena};
    ///
    /// let arena = TypedArena::with_strategy(ArenaStrategy::new().max_size(Bytes::from_kib(1)));
    /// assert!((0..1000u64).any(|number| arena.try_alloc(number).is_err()));
    /// ```
    #[must_use]
    pub const fn with_strategy(strategy: ArenaStrategy) -> Self {
        Self {
            cursor: Cell::new(ptr::null_mut()),
            end: Cell::new(ptr::null_mut()),
            newest: Cell::new(None),
            oldest: Cell::new(None),
            older_values: Cell::new(0),
            arena: Arena::with_strategy(strategy),
            owns: PhantomData,
        }
    }

    /// Moves `value` into the arena.
    ///
    /// ```
    /// # use terrane_arena::TypedArena;
    /// let arena = TypedArena::new();
    /// let name = arena.alloc(String::from("zone"));
    /// assert_eq!(name, "zone");
    /// ```
    ///
    /// # Panics
    ///
    /// If no memory is to be had; see [`try_alloc`](Self::try_alloc). `value` is then dropped.
    #[inline(always)]
    #[expect(clippy::mut_from_ref, reason = "each call hands out memory that no other call has")]
    pub fn alloc(&self, value: T) -> &mut T {
        if Self::ZERO_SIZED || self.cursor.get() == self.end.get() {
            return self.alloc_in_new_run(value);
        }
        // SAFETY: the cursor is below the end of the run.
        unsafe { self.push(value) }
    }

    /// Moves `value` into the arena.
    ///
    /// ```
    /// # use terrane_arena::TypedArena;
    /// let arena = TypedArena::new();
    /// assert_eq!(arena.try_alloc(7).map(|number| *number), Ok(7));
    /// ```
    ///
    /// # Errors
    ///
    /// [`MemoryError`] if no memory is to be had. `value` is then dropped.
    #[inline(always)]
    #[expect(clippy::mut_from_ref, reason = "each call hands out memory that no other call has")]
    pub fn try_alloc(&self, value: T) -> Result<&mut T, MemoryError> {
        if Self::ZERO_SIZED {
            return Ok(self.alloc_in_new_run(value));
        }
        if self.cursor.get() == self.end.get() {
            self.try_add_run()?;
        }
        // SAFETY: the cursor is below the end of the run.
        Ok(unsafe { self.push(value) })
    }

    /// Moves each value that an iterator yields into the arena.
    ///
    /// ```
    /// # use terrane_arena::TypedArena;
    /// let mut arena = TypedArena::new();
    /// arena.extend(["one", "two"].map(String::from));
    /// assert_eq!(arena.len(), 2);
    /// ```
    ///
    /// # Panics
    ///
    /// If no memory is to be had, or the iterator panics. What it yielded before stays.
    pub fn extend(&self, values: impl IntoIterator<Item = T>) {
        for value in values {
            self.alloc(value);
        }
    }

    /// How many values there are.
    ///
    /// ```
    /// # use terrane_arena::TypedArena;
    /// let arena = TypedArena::new();
    /// arena.alloc(());
    /// assert_eq!(arena.len(), 1);
    /// ```
    #[must_use]
    pub fn len(&self) -> usize {
        self.older_values.get() + self.newest_len()
    }

    /// Whether there is no value.
    ///
    /// ```
    /// # use terrane_arena::TypedArena;
    /// assert!(TypedArena::<u8>::new().is_empty());
    /// ```
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All values, oldest first.
    ///
    /// ```
    /// # use terrane_arena::TypedArena;
    /// let mut arena = TypedArena::new();
    /// arena.extend(1..=3);
    /// arena.iter_mut().for_each(|number| *number *= 2);
    /// assert_eq!(arena.iter_mut().map(|number| *number).sum::<i32>(), 12);
    /// ```
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.close_newest();
        let zero_sized = if Self::ZERO_SIZED { self.older_values.get() } else { 0 };
        let zero_sized = ptr::slice_from_raw_parts_mut(NonNull::dangling().as_ptr(), zero_sized);
        let runs = runs(self.oldest.get()).chain([zero_sized]);
        // SAFETY: these values are there, each in one run, or, without a size, as often as they were given; and the arena is
        // borrowed mutably.
        runs.flat_map(|run| unsafe { &mut *run })
    }

    /// Drops all values and keeps the memory.
    ///
    /// ```
    /// use std::rc::Rc;
    /// use terrane_arena::TypedArena;
    ///
    /// let shared = Rc::new(());
    /// let mut arena = TypedArena::new();
    /// arena.extend((0..10).map(|_| Rc::clone(&shared)));
    /// arena.reset();
    /// assert_eq!(Rc::strong_count(&shared), 1);
    /// ```
    ///
    /// # Panics
    ///
    /// If the drop of a value panics. All others are dropped all the same, and the arena is empty.
    pub fn reset(&mut self) {
        self.clear(false);
    }

    /// Drops all values and gives the memory back.
    ///
    /// ```
    /// # use terrane_arena::TypedArena;
    /// let mut arena = TypedArena::new();
    /// arena.alloc(String::new());
    /// arena.release();
    /// assert_eq!(arena.stats().committed_bytes, 0);
    /// ```
    ///
    /// # Panics
    ///
    /// As [`reset`](Self::reset).
    pub fn release(&mut self) {
        self.clear(true);
    }

    /// Whether `pointer` points into the memory of a value that may be in this arena.
    ///
    /// ```
    /// # use terrane_arena::TypedArena;
    /// let arena = TypedArena::new();
    /// let inside: *const i32 = arena.alloc(1);
    /// assert!(arena.owns(inside) && !arena.owns(&2));
    /// ```
    #[must_use]
    pub fn owns<U: ?Sized>(&self, pointer: *const U) -> bool {
        self.arena.owns(pointer)
    }

    /// The memory of the arena. Used bytes are those of whole runs.
    ///
    /// ```
    /// # use terrane_arena::TypedArena;
    /// let arena = TypedArena::new();
    /// arena.alloc(1);
    /// assert_eq!(arena.stats().blocks, 1);
    /// ```
    #[must_use]
    pub fn stats(&self) -> ArenaStats {
        self.arena.stats()
    }

    /// Drops all values; then, whatever their drops did, the memory is kept or given back.
    fn clear(&mut self, give_back: bool) {
        self.close_newest();
        self.newest.set(None);
        self.cursor.set(ptr::null_mut());
        self.end.set(ptr::null_mut());
        let count = self.older_values.replace(0);
        let oldest = self.oldest.take();
        let _memory = Memory { arena: &mut self.arena, give_back };
        if Self::ZERO_SIZED {
            let values = ptr::slice_from_raw_parts_mut(NonNull::<T>::dangling().as_ptr(), count);
            // SAFETY: so many values were given to the arena, and it forgets them here.
            unsafe { ptr::drop_in_place(values) };
        }
        Rest(oldest).drop_all();
    }

    /// # Safety
    ///
    /// The cursor is below the end of the run.
    #[inline(always)]
    #[expect(clippy::mut_from_ref, reason = "each call hands out memory that no other call has")]
    unsafe fn push(&self, value: T) -> &mut T {
        let place = self.cursor.get();
        // SAFETY: below its end the run has room for a value, of which nobody has a reference yet; the value stays until
        // the arena is borrowed mutably.
        unsafe {
            self.cursor.set(place.add(1));
            place.write(value);
            &mut *place
        }
    }

    #[cold]
    #[inline(never)]
    #[expect(clippy::mut_from_ref, reason = "each call hands out memory that no other call has")]
    fn alloc_in_new_run(&self, value: T) -> &mut T {
        if Self::ZERO_SIZED {
            self.older_values.set(self.older_values.get() + 1);
            core::mem::forget(value);
            // SAFETY: a value without a size may be at any aligned address, and so may be any number of them.
            return unsafe { NonNull::dangling().as_mut() };
        }
        self.try_add_run().unwrap_or_else(|error| panic!("arena: {error}"));
        // SAFETY: a new run has room.
        unsafe { self.push(value) }
    }

    fn newest_len(&self) -> usize {
        let start = self.newest.get().map(|run| {
            // SAFETY: runs live in the arena until it is reset.
            unsafe { run.as_ref() }.start
        });
        // Without a size there are no runs.
        start.map_or(0, |start| (self.cursor.get().addr() - start.addr()) / size_of::<T>().max(1))
    }

    /// Notes the length of the newest run in its record.
    fn close_newest(&self) {
        let len = self.newest_len();
        if let Some(run) = self.newest.get() {
            // SAFETY: runs live in the arena until it is reset, and nobody has a reference to a record.
            unsafe { (*run.as_ptr()).len = len };
        }
    }

    #[cold]
    fn try_add_run(&self) -> Result<(), MemoryError> {
        // SAFETY: runs live in the arena until it is reset.
        let last = self.newest.get().map(|run| unsafe { run.as_ref() }.capacity);
        let most = (MAX_RUN_BYTES / size_of::<T>()).max(1);
        let usual = last.map_or(FIRST_RUN_BYTES / size_of::<T>(), |capacity| capacity.saturating_mul(2));
        let usual = usual.clamp(1, most);
        let run = self.try_make_run(usual).or_else(|_| self.try_make_run(1))?;
        let len = self.newest_len();
        self.close_newest();
        self.older_values.set(self.older_values.get() + len);
        match self.newest.get() {
            // SAFETY: as in `close_newest`.
            Some(newest) => unsafe { (*newest.as_ptr()).next = Some(run) },
            None => self.oldest.set(Some(run)),
        }
        self.newest.set(Some(run));
        // SAFETY: the run was just made.
        let run = unsafe { run.as_ref() };
        self.cursor.set(run.start);
        self.end.set(run.start.wrapping_add(run.capacity));
        Ok(())
    }

    fn try_make_run(&self, capacity: usize) -> Result<NonNull<Run<T>>, MemoryError> {
        let start = self.arena.try_alloc_layout(construct::slice_layout::<T>(capacity)?)?.cast::<T>();
        let run = Run { start: start.as_ptr(), len: 0, capacity, next: None };
        let record = self.arena.try_alloc_layout(Layout::new::<Run<T>>())?.cast::<Run<T>>();
        // SAFETY: the memory was just taken for a record.
        unsafe { record.write(run) };
        Ok(record)
    }
}

/// The values of a list of runs, run by run.
fn runs<T>(oldest: Option<NonNull<Run<T>>>) -> impl Iterator<Item = *mut [T]> {
    // SAFETY: runs live in the arena until it is reset, after the values are dropped.
    let next = |run: &NonNull<Run<T>>| unsafe { run.as_ref() }.next;
    core::iter::successors(oldest, next).map(|run| {
        // SAFETY: as above.
        let run = unsafe { run.as_ref() };
        ptr::slice_from_raw_parts_mut(run.start, run.len)
    })
}

/// Runs whose values are still to be dropped, which happens even if the drop of one of them panics.
struct Rest<T>(Option<NonNull<Run<T>>>);

impl<T> Rest<T> {
    fn drop_all(mut self) {
        while let Some(run) = self.0 {
            // SAFETY: runs live in the arena until it is reset.
            let Run { start, len, next, .. } = *unsafe { run.as_ref() };
            self.0 = next;
            // SAFETY: these values were given to the arena, which has forgotten them, and the rest does not hold them.
            unsafe { ptr::drop_in_place(ptr::slice_from_raw_parts_mut(start, len)) };
        }
    }
}

/// Runs on in the normal case with nothing left, and after a panic with the runs behind that of the value that panicked.
impl<T> Drop for Rest<T> {
    fn drop(&mut self) {
        if self.0.is_some() {
            Rest(self.0.take()).drop_all();
        }
    }
}

/// Forgets the memory of values once they are dropped.
struct Memory<'a> {
    arena: &'a mut Arena,
    give_back: bool,
}

impl Drop for Memory<'_> {
    fn drop(&mut self) {
        if self.give_back {
            self.arena.release();
        } else {
            self.arena.reset();
        }
    }
}

impl<T> Drop for TypedArena<T> {
    fn drop(&mut self) {
        self.clear(true);
    }
}

impl<T> Default for TypedArena<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> fmt::Debug for TypedArena<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TypedArena").field("len", &self.len()).field("stats", &self.stats()).finish()
    }
}
