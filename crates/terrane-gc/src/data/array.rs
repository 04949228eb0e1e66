//! Arrays: a length and elements in one object.

use core::fmt;
use core::ops::Deref;

use terrane_base::{Bytes, MemoryError};

use crate::handle::{Gc, GcCell, Local};
use crate::heap::{Mutator, out_of_memory};
use crate::object::header::Header;
use crate::object::{InHeap, PAYLOAD_OFFSET, Shape, Static, Trace, Tracer, TypeInfo};
use crate::raw::Word;

/// A reference to an [`Array`].
pub type GcArray<'h, 'm, V> = Gc<'h, 'm, Array<V>>;

/// Elements in a row, of a number that is fixed at birth. Seen through a reference as a slice of [`GcCell`]s.
///
/// ```
/// use terrane_gc::{Gc, Heap};
///
/// let mut heap = Heap::new()?;
/// heap.enter(|mu| {
///     let numbers = mu.alloc_array(3, 0_u32);
///     numbers[1].set(mu, 7);
///     assert_eq!(numbers.iter().map(|cell| cell.get()).collect::<Vec<_>>(), [0, 7, 0]);
///
///     let name = mu.alloc(7_i64);
///     let names = mu.alloc_array(2, Some(name));
///     names[0].set(mu, None);
///     assert!(names[0].get().is_none() && names[1].get().is_some());
/// });
/// # Ok::<(), terrane_base::MemoryError>(())
/// ```
///
/// An index out of bounds panics, as with any slice.
#[repr(C)]
pub struct Array<V> {
    len: usize,
    elements: [GcCell<V>; 0],
}

impl<V> Deref for Array<V> {
    type Target = [GcCell<V>];

    #[inline(always)]
    fn deref(&self) -> &[GcCell<V>] {
        // The elements follow the length; a reference to the length alone does not cover them, but the heap's memory is
        // exposed.
        let elements = (&raw const self.elements).addr();
        let first = core::ptr::with_exposed_provenance::<GcCell<V>>(elements);
        // SAFETY: an array is made only with its elements behind it, initialised, and lives as long as `self`.
        unsafe { core::slice::from_raw_parts(first, self.len) }
    }
}

impl<V: Copy + fmt::Debug> fmt::Debug for Array<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Array").field("len", &self.len).finish_non_exhaustive()
    }
}

// SAFETY: an array by value does not exist: it cannot be made but in the heap, where its description, not this
// implementation, tells of the elements.
unsafe impl<V: Trace> Trace for Array<V> {
    type At<'h, 'm> = Array<V::At<'h, 'm>>;
    const SHAPE: Shape = V::SHAPE;
    unsafe fn trace(_: *mut Self, _: &mut Tracer<'_>) {}
}

impl<'h, 's> Mutator<'h, 's> {
    /// An array of `len` elements, all `fill`. O(len); never collects. Above 8 KiB it is a large object, which never
    /// moves.
    ///
    /// # Panics
    ///
    /// At the heap's limit.
    #[track_caller]
    pub fn alloc_array<'m, V>(&'m self, len: usize, fill: V) -> GcArray<'h, 'm, V>
    where
        V: InHeap<'h, 'm> + Copy,
    {
        self.try_alloc_array(len, fill).unwrap_or_else(|error| out_of_memory(error))
    }

    /// The same with an error where `alloc_array` panics.
    ///
    /// # Errors
    ///
    /// When there is no room without a collection, or no heap ever has so much.
    pub fn try_alloc_array<'m, V>(&'m self, len: usize, fill: V) -> Result<GcArray<'h, 'm, V>, MemoryError>
    where
        V: InHeap<'h, 'm> + Copy,
    {
        // SAFETY: `fill_array` is given room for so many elements, and initialises all.
        unsafe { self.try_alloc_elements(len, |elements| fill_array(elements, len, fill)) }
    }

    /// An array with a copy of the elements. O(len); never collects.
    ///
    /// # Panics
    ///
    /// At the heap's limit.
    ///
    /// ```
    /// # let mut heap = terrane_gc::Heap::new()?;
    /// heap.enter(|mu| assert_eq!(mu.alloc_array_copy(&[1, 2, 3])[2].get(), 3));
    /// # Ok::<(), terrane_base::MemoryError>(())
    /// ```
    #[track_caller]
    pub fn alloc_array_copy<'m, V>(&'m self, from: &[V]) -> GcArray<'h, 'm, V>
    where
        V: InHeap<'h, 'm> + Copy,
    {
        self.try_alloc_array_copy(from).unwrap_or_else(|error| out_of_memory(error))
    }

    /// The same with an error where `alloc_array_copy` panics.
    ///
    /// # Errors
    ///
    /// As for [`try_alloc_array`](Self::try_alloc_array).
    pub fn try_alloc_array_copy<'m, V>(&'m self, from: &[V]) -> Result<GcArray<'h, 'm, V>, MemoryError>
    where
        V: InHeap<'h, 'm> + Copy,
    {
        // SAFETY: the room is for as many elements, and is nobody else's.
        unsafe {
            self.try_alloc_elements(from.len(), |elements: *mut V| {
                elements.copy_from_nonoverlapping(from.as_ptr(), from.len());
            })
        }
    }

    /// An array of `len` elements, all what `fill` answers, after a collection if need be.
    ///
    /// # Errors
    ///
    /// When the limit or the page source stands against it even after every kind of collection.
    pub fn try_alloc_array_local<'m, V, F>(
        &'m mut self,
        len: usize,
        fill: F,
    ) -> Result<Local<'h, 's, Static<Array<V>>>, MemoryError>
    where
        V: InHeap<'h, 'm> + Copy,
        F: FnOnce(&'m Self) -> V,
    {
        self.make_room(array_bytes::<V>(len)?)?;
        let mu: &'m Self = self;
        Ok(mu.root(mu.try_alloc_array(len, fill(mu))?))
    }

    /// Room for an array, filled by `fill`, which does not unwind.
    ///
    /// # Safety
    ///
    /// `fill` initialises `len` elements from the address that it is given.
    unsafe fn try_alloc_elements<'m, V>(
        &'m self,
        len: usize,
        fill: impl FnOnce(*mut V),
    ) -> Result<GcArray<'h, 'm, V>, MemoryError>
    where
        V: InHeap<'h, 'm> + Copy,
    {
        let bytes = array_bytes::<V>(len)?;
        // SAFETY: nobody else has the state meanwhile; the room is filled before anybody can collect.
        unsafe {
            let room = match (*self.state()).raw.bump(bytes) {
                Some(room) => room.as_ptr(),
                None => self.room_outside_nursery(bytes)?,
            };
            let object = room.expose_provenance() + PAYLOAD_OFFSET;
            room.cast::<Header>().write(Header::of(TypeInfo::of_array::<V>()));
            room.add(PAYLOAD_OFFSET).cast::<usize>().write(len);
            fill(room.add(PAYLOAD_OFFSET + size_of::<usize>()).cast());
            Ok(Gc::from_word(Word(object as u64)))
        }
    }
}

/// Bytes of an array object.
fn array_bytes<V: Trace>(len: usize) -> Result<usize, MemoryError> {
    let info = TypeInfo::of_array::<V>();
    info.array_bytes(len).ok_or(MemoryError::AllocationTooLarge {
        requested: Bytes::new((info.stride as u64).saturating_mul(len as u64)),
        max: Bytes::new(isize::MAX as u64),
    })
}

/// # Safety
///
/// There is room for `len` elements, which nobody else accesses.
unsafe fn fill_array<V: Copy>(elements: *mut V, len: usize, fill: V) {
    for index in 0..len {
        // SAFETY: the caller's promise.
        unsafe { elements.add(index).write(fill) };
    }
}

// SAFETY: the references are those of the elements.
unsafe impl<'h, 'm, V: InHeap<'h, 'm>> InHeap<'h, 'm> for Array<V> {}
