//! A small stack of values: last in, first out.
//!
//! What sits on top of the hierarchy of memory: a few bytes that are always warm. The buffer has a fixed size (1 KiB by
//! default) and does not grow; what does not fit is refused, and belongs on the next level. A value is a [`StackBox`], whose drop
//! takes it off the stack if it is on top. Boxes may be dropped in any order: the place of one that is not on top
//! comes back with what lies above it, when the stack is empty, or when it goes back to a marker.

use crate::bumping::GRANULE;
use crate::refusal::Refusal;
use alloc::alloc::{alloc, dealloc};
use core::alloc::Layout;
use core::cell::Cell;
use core::fmt;
use core::marker::PhantomData;
use core::ops::{Deref, DerefMut};
use core::ptr::{self, NonNull};
use core::sync::atomic::{AtomicUsize, Ordering};
use terrane_base::{Bytes, MemoryError};

/// A stack of values of any type in a buffer of fixed size.
///
/// # Examples
///
/// ```
/// use terrane_arena::StackArena;
///
/// let stack = StackArena::new();
/// let one = stack.try_push(1u64)?;
/// let two = stack.try_push([2u64; 10])?;
/// assert_eq!(stack.used_bytes(), 88);
/// drop(two);
/// assert_eq!((*one, stack.used_bytes()), (1, 8));
/// # Ok::<(), terrane_arena::MemoryError>(())
/// ```
///
/// No value outlives its stack:
///
/// ```compile_fail,E0505
/// # use terrane_arena::StackArena;
/// let stack = StackArena::new();
/// let one = stack.push(1);
/// drop(stack);
/// drop(one);
/// ```
pub struct StackArena {
    /// Where the newest value starts; `end` while the stack is empty. Null before there is a buffer.
    cursor: Cell<*mut u8>,
    base: Cell<*mut u8>,
    capacity: usize,
    /// Values that are not yet dropped.
    values: Cell<usize>,
    peak_bytes: Cell<usize>,
    /// Tells the stack from all others; 0 until its first marker is taken.
    serial: Cell<usize>,
}

/// A value on a [`StackArena`]. Dropping it drops the value and takes it off the stack if it is on top.
///
/// ```
/// use terrane_arena::{StackArena, StackBox};
///
/// let stack = StackArena::new();
/// let mut name: StackBox<String> = stack.push(String::from("zone"));
/// name.push('!');
/// assert_eq!(*name, "zone!");
/// ```
pub struct StackBox<'a, T> {
    value: NonNull<T>,
    /// Where the stack stood before; none for a value of no size.
    before: Option<NonNull<u8>>,
    stack: &'a StackArena,
    owns: PhantomData<T>,
}

/// A height of a [`StackArena`], to go back to with [`StackArena::release_to`].
///
/// ```
/// # use terrane_arena::{StackArena, StackMarker};
/// let marker: StackMarker = StackArena::new().marker();
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StackMarker {
    stack: usize,
    used_bytes: usize,
    values: usize,
}

/// A stack did not go back to a marker, as that is another's or higher than the stack by now. The stack is unchanged.
///
/// ```
/// use terrane_arena::{StackArena, StaleMarker};
///
/// let (one, mut other) = (StackArena::new(), StackArena::new());
/// let _held = (one.push(1), std::mem::forget(other.push(1)));
/// assert_eq!(other.release_to(one.marker()), Err(StaleMarker));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StaleMarker;

// SAFETY: the stack owns its buffer, and its values can only be reached through borrows of it.
unsafe impl Send for StackArena {}

/// The alignment of the buffer.
const BUFFER_ALIGN: usize = 64;

impl StackArena {
    /// The default size of the buffer.
    pub const DEFAULT_CAPACITY: Bytes = Bytes::from_kib(1);

    /// Makes a stack of 1 KiB.
    ///
    /// ```
    /// # use terrane_arena::StackArena;
    /// assert_eq!(StackArena::new().used_bytes(), 0);
    /// ```
    ///
    /// The buffer is taken for the first value.
    #[must_use]
    pub const fn new() -> Self {
        Self::with_capacity(Self::DEFAULT_CAPACITY)
    }

    /// Makes a stack of that size, rounded up to a multiple of 64 bytes.
    ///
    /// ```
    /// use terrane_arena::{Bytes, StackArena};
    ///
    /// let stack = StackArena::with_capacity(Bytes::new(64));
    /// let held: Vec<_> = std::iter::from_fn(|| stack.try_push(0u64).ok()).collect();
    /// assert_eq!(held.len(), 8);
    /// ```
    #[must_use]
    pub const fn with_capacity(capacity: Bytes) -> Self {
        let most = isize::MAX as usize - BUFFER_ALIGN;
        let capacity = if capacity.as_usize() > most { most } else { capacity.as_usize() };
        Self {
            cursor: Cell::new(ptr::null_mut()),
            base: Cell::new(ptr::null_mut()),
            capacity: (capacity + BUFFER_ALIGN - 1) & !(BUFFER_ALIGN - 1),
            values: Cell::new(0),
            serial: Cell::new(0),
            peak_bytes: Cell::new(0),
        }
    }

    /// Puts a value on the stack.
    ///
    /// ```
    /// # use terrane_arena::StackArena;
    /// let stack = StackArena::new();
    /// assert_eq!(*stack.push("top"), "top");
    /// ```
    ///
    /// # Panics
    ///
    /// If the value does not fit, or there is no memory for the buffer; see [`try_push`](Self::try_push).
    #[inline]
    pub fn push<T>(&self, value: T) -> StackBox<'_, T> {
        self.try_push(value).unwrap_or_else(|error| panic!("stack: {error}"))
    }

    /// Puts a value on the stack.
    ///
    /// ```
    /// use terrane_arena::{MemoryError, StackArena};
    ///
    /// let stack = StackArena::new();
    /// assert!(matches!(stack.try_push([0u8; 2000]), Err(MemoryError::OutOfMemory { .. })));
    /// ```
    ///
    /// # Errors
    ///
    /// [`MemoryError::OutOfMemory`] if the value does not fit, or there is no memory for the buffer. `value` is dropped
    /// then.
    #[inline]
    pub fn try_push<T>(&self, value: T) -> Result<StackBox<'_, T>, MemoryError> {
        let layout = Layout::new::<T>();
        if layout.size() == 0 {
            core::mem::forget(value);
            self.values.set(self.values.get() + 1);
            return Ok(StackBox { value: NonNull::dangling(), before: None, stack: self, owns: PhantomData });
        }
        let (place, before) = self.try_take(layout)?;
        let place = place.cast::<T>();
        // SAFETY: the place was just taken for a `T`.
        unsafe { place.write(value) };
        Ok(StackBox { value: place, before: Some(before), stack: self, owns: PhantomData })
    }

    /// Notes the present height.
    ///
    /// ```
    /// # use terrane_arena::StackArena;
    /// let mut stack = StackArena::new();
    /// let marker = stack.marker();
    /// std::mem::forget(stack.push(1u64)); // never taken off by itself
    /// assert_eq!(stack.used_bytes(), 8);
    /// stack.release_to(marker)?;
    /// assert_eq!(stack.used_bytes(), 0);
    /// # Ok::<(), terrane_arena::StaleMarker>(())
    /// ```
    #[must_use]
    pub fn marker(&self) -> StackMarker {
        if self.serial.get() == 0 {
            self.serial.set(new_serial());
        }
        StackMarker { stack: self.serial.get(), used_bytes: self.used_bytes(), values: self.values.get() }
    }

    /// Goes back to a marker. The values above it, whose boxes must have been forgotten, are not dropped.
    ///
    /// A marker is a height. If the stack was lower meanwhile and is higher again, it goes back to that height all the same, and
    /// a value that reaches across it is gone.
    ///
    /// ```
    /// # use terrane_arena::StackArena;
    /// let mut stack = StackArena::new();
    /// let bottom = stack.marker();
    /// std::mem::forget(stack.push(1u64));
    /// let top = stack.marker();
    /// assert_eq!(stack.release_to(bottom), Ok(()));
    /// assert!(stack.release_to(top).is_err()); // it is lower than that now
    /// ```
    ///
    /// # Errors
    ///
    /// [`StaleMarker`] if the marker is of another stack, or the stack is lower than the marker by now.
    pub fn release_to(&mut self, marker: StackMarker) -> Result<(), StaleMarker> {
        if marker.stack != self.serial.get() || marker.used_bytes > self.used_bytes() {
            return Err(StaleMarker);
        }
        // No box is alive, as the stack is borrowed mutably; so any height up to the present one will do.
        self.cursor.set(self.end().wrapping_sub(marker.used_bytes));
        self.values.set(if marker.used_bytes == 0 { 0 } else { marker.values });
        Ok(())
    }

    /// Runs `work` with the stack of this thread, which has 1 KiB. Calls within calls share it. Whatever is left on it
    /// (forgotten boxes) is gone after the outermost call.
    ///
    /// ```
    /// # use terrane_arena::StackArena;
    /// let sum = StackArena::with(|stack| {
    ///     let one = stack.push(1);
    ///     let two = StackArena::with(|same| *same.push(2));
    ///     *one + two
    /// });
    /// assert_eq!(sum, 3);
    /// ```
    ///
    /// # Panics
    ///
    /// If `work` panics, or the thread is already destroying its thread-local values.
    #[cfg(feature = "std")]
    pub fn with<R>(work: impl FnOnce(&StackArena) -> R) -> R {
        std::thread_local! {
            static STACK: StackArena = const { StackArena::new() };
            static DEPTH: Cell<usize> = const { Cell::new(0) };
        }
        struct Call<'a>(&'a StackArena);
        impl Drop for Call<'_> {
            fn drop(&mut self) {
                DEPTH.set(DEPTH.get() - 1);
                // No box outlives the outermost call. Those of an inner one may, where they are of an outer call's stack.
                if DEPTH.get() == 0 {
                    self.0.cursor.set(self.0.end());
                    self.0.values.set(0);
                }
            }
        }
        STACK.with(|stack| {
            DEPTH.set(DEPTH.get() + 1);
            let call = Call(stack);
            work(call.0)
        })
    }

    /// Bytes between the top of the stack and its bottom.
    ///
    /// ```
    /// # use terrane_arena::StackArena;
    /// assert_eq!(StackArena::new().used_bytes(), 0);
    /// ```
    #[must_use]
    pub fn used_bytes(&self) -> usize {
        self.end().addr() - self.cursor.get().addr()
    }

    /// The most bytes that were ever used at one time.
    ///
    /// ```
    /// # use terrane_arena::StackArena;
    /// let stack = StackArena::new();
    /// drop(stack.push([0u64; 3]));
    /// assert_eq!((stack.used_bytes(), stack.peak_bytes()), (0, 24));
    /// ```
    #[must_use]
    pub fn peak_bytes(&self) -> usize {
        self.peak_bytes.get()
    }

    /// The size of the buffer.
    ///
    /// ```
    /// # use terrane_arena::StackArena;
    /// assert_eq!(StackArena::new().capacity_bytes(), 1024);
    /// ```
    #[must_use]
    pub const fn capacity_bytes(&self) -> usize {
        self.capacity
    }

    /// Whether `pointer` points into a value on the stack, or into the padding before one.
    ///
    /// ```
    /// # use terrane_arena::StackArena;
    /// let stack = StackArena::new();
    /// let value = stack.push(1);
    /// assert!(stack.owns(&*value) && !stack.owns(&stack));
    /// ```
    #[must_use]
    pub fn owns<T: ?Sized>(&self, pointer: *const T) -> bool {
        self.cursor.get().addr() <= pointer.addr() && pointer.addr() < self.end().addr()
    }

    fn end(&self) -> *mut u8 {
        let base = self.base.get();
        if base.is_null() { base } else { base.wrapping_add(self.capacity) }
    }

    /// Memory for a layout, and where the stack stood before.
    #[inline]
    fn try_take(&self, layout: Layout) -> Result<(NonNull<u8>, NonNull<u8>), MemoryError> {
        let refused = Refusal::OutOfMemory {
            requested_bytes: layout.size(),
            available_bytes: self.capacity - self.used_bytes(),
        };
        let before = match NonNull::new(self.cursor.get()) {
            Some(cursor) => cursor,
            None => self.take_buffer().ok_or(refused)?,
        };
        let room = before.addr().get() - self.base.get().addr();
        // Checked on the distance, so that a buffer may lie anywhere in the address space.
        let start = before
            .addr()
            .get()
            .checked_sub(layout.size())
            .map(|start| start & !(layout.align().max(GRANULE) - 1));
        let start = start.filter(|start| before.addr().get() - start <= room).ok_or(refused)?;
        let place = self.base.get().with_addr(start);
        self.cursor.set(place);
        self.values.set(self.values.get() + 1);
        self.peak_bytes.set(self.peak_bytes.get().max(self.used_bytes()));
        NonNull::new(place).map(|place| (place, before)).ok_or_else(|| refused.into())
    }

    #[cold]
    fn take_buffer(&self) -> Option<NonNull<u8>> {
        let layout = self.layout()?;
        // SAFETY: the size is not zero.
        let base = NonNull::new(unsafe { alloc(layout) })?;
        if !self.base.get().is_null() {
            // The allocator has used the stack meanwhile.
            // SAFETY: the buffer was just allocated with this layout.
            unsafe { dealloc(base.as_ptr(), layout) };
            return NonNull::new(self.cursor.get());
        }
        self.base.set(base.as_ptr());
        self.cursor.set(self.end());
        NonNull::new(self.cursor.get())
    }

    fn layout(&self) -> Option<Layout> {
        Layout::from_size_align(self.capacity, BUFFER_ALIGN).ok().filter(|layout| layout.size() > 0)
    }
}

/// A number that no other stack of this process has.
fn new_serial() -> usize {
    static LAST: AtomicUsize = AtomicUsize::new(0);
    LAST.fetch_add(1, Ordering::Relaxed) + 1
}

impl<T> StackBox<'_, T> {
    /// Takes the value off the stack.
    ///
    /// ```
    /// # use terrane_arena::{StackArena, StackBox};
    /// let stack = StackArena::new();
    /// assert_eq!(StackBox::into_inner(stack.push(String::from("top"))), "top");
    /// assert_eq!(stack.used_bytes(), 0);
    /// ```
    #[must_use]
    pub fn into_inner(boxed: Self) -> T {
        let boxed = core::mem::ManuallyDrop::new(boxed);
        // SAFETY: the value belongs to the box, which does not drop it any more.
        let value = unsafe { boxed.value.read() };
        boxed.take_off();
        value
    }

    fn take_off(&self) {
        let stack = self.stack;
        stack.values.set(stack.values.get().saturating_sub(1));
        if stack.values.get() == 0 {
            stack.cursor.set(stack.end());
        } else if let Some(before) = self.before
            && stack.cursor.get() == self.value.as_ptr().cast()
        {
            stack.cursor.set(before.as_ptr());
        }
    }
}

impl<T> Drop for StackBox<'_, T> {
    fn drop(&mut self) {
        /// Takes the value off even if its drop panics.
        struct Off<'b, 'a, T>(&'b StackBox<'a, T>);
        impl<T> Drop for Off<'_, '_, T> {
            fn drop(&mut self) {
                self.0.take_off();
            }
        }
        let value = self.value;
        let _off = Off(self);
        // SAFETY: the value belongs to the box, which ends here.
        unsafe { value.drop_in_place() };
    }
}

impl<T> Deref for StackBox<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: the value belongs to the box.
        unsafe { self.value.as_ref() }
    }
}

impl<T> DerefMut for StackBox<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: the value belongs to the box, which is borrowed mutably.
        unsafe { self.value.as_mut() }
    }
}

impl Drop for StackArena {
    fn drop(&mut self) {
        if let Some(layout) = self.layout()
            && !self.base.get().is_null()
        {
            // SAFETY: the buffer was allocated with this layout. Boxes borrow the stack, so none outlives it.
            unsafe { dealloc(self.base.get(), layout) };
        }
    }
}

impl Default for StackArena {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Display for StaleMarker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the stack is lower than this marker, or it is another stack's")
    }
}

impl core::error::Error for StaleMarker {}

impl fmt::Debug for StackArena {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StackArena")
            .field("used_bytes", &self.used_bytes())
            .field("capacity_bytes", &self.capacity)
            .finish_non_exhaustive()
    }
}

impl<T: fmt::Debug> fmt::Debug for StackBox<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
