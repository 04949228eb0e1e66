//! Allocation: by shared reference without a collection, or by exclusive reference with as many as it takes.

use terrane_base::MemoryError;

use crate::handle::{Gc, Local};
use crate::object::header::Header;
use crate::object::{InHeap, PAYLOAD_OFFSET, Static, TypeInfo};
use crate::raw::{SMALL_OBJECT_MAX, Word};

use super::Mutator;
use super::mutator::out_of_memory;

impl<'h, 's> Mutator<'h, 's> {
    /// Moves `value` to the heap. A handful of instructions while the nursery has room.
    ///
    /// Never collects: once the nursery is full, objects are born old, which costs more, and
    /// [`gc_due`](Self::gc_due) asks for a [`safepoint`](Self::safepoint).
    ///
    /// # Panics
    ///
    /// At the heap's limit. [`try_alloc`](Self::try_alloc) answers an error instead, and
    /// [`try_alloc_local`](Self::try_alloc_local) collects before it does.
    ///
    /// ```
    /// # let mut heap = terrane_gc::Heap::new()?;
    /// let sum = heap.enter(|mu| {
    ///     let (one, two) = (mu.alloc(1), mu.alloc(2));
    ///     *one + *two
    /// });
    /// assert_eq!(sum, 3);
    /// # Ok::<(), terrane_base::MemoryError>(())
    /// ```
    #[inline(always)]
    #[track_caller]
    pub fn alloc<'m, T: InHeap<'h, 'm>>(&'m self, value: T) -> Gc<'h, 'm, T> {
        let info = TypeInfo::of::<T>();
        if info.drop.is_some()
            && let Err(error) = self.reserve_side_block()
        {
            out_of_memory(error);
        }
        // SAFETY: nobody else has the state meanwhile. The room is for an object of this type, and is filled before
        // anybody can collect.
        unsafe {
            let room = match (*self.state()).raw.bump(info.size) {
                Some(room) => room.as_ptr(),
                None => self.room_or_panic(info.size),
            };
            self.put(room, value)
        }
    }

    /// The same with an error where `alloc` panics.
    ///
    /// # Errors
    ///
    /// When there is no room without a collection. The value is dropped.
    #[inline(always)]
    pub fn try_alloc<'m, T: InHeap<'h, 'm>>(&'m self, value: T) -> Result<Gc<'h, 'm, T>, MemoryError> {
        let info = TypeInfo::of::<T>();
        if info.drop.is_some() {
            self.reserve_side_block()?;
        }
        // SAFETY: as for `alloc`.
        unsafe {
            let room = match (*self.state()).raw.bump(info.size) {
                Some(room) => room.as_ptr(),
                None => self.room_outside_nursery(info.size)?,
            };
            Ok(self.put(room, value))
        }
    }

    /// Makes the object in its room.
    ///
    /// # Safety
    ///
    /// The room was just handed out for an object of this type; if that has a destructor, there is room for a side block.
    #[inline(always)]
    unsafe fn put<'m, T: InHeap<'h, 'm>>(&'m self, room: *mut u8, value: T) -> Gc<'h, 'm, T> {
        let info = TypeInfo::of::<T>();
        // SAFETY: the caller's promise; nobody else has the state meanwhile.
        unsafe {
            room.cast::<Header>().write(Header::of(info));
            room.add(PAYLOAD_OFFSET).cast::<T>().write(value);
            let object = Word((room.expose_provenance() + PAYLOAD_OFFSET) as u64);
            if info.drop.is_some() {
                // The block is what finds the value when it is to be dropped.
                (*self.state()).side_block(object);
            }
            Gc::from_word(object)
        }
    }

    /// The same as [`room_outside_nursery`](Self::room_outside_nursery) for who has no use for an error: one word to
    /// answer, so that callers need no room for a `Result` in their frames.
    #[cold]
    #[inline(never)]
    #[track_caller]
    fn room_or_panic(&self, size: usize) -> *mut u8 {
        match self.room_outside_nursery(size) {
            Ok(room) => room,
            Err(error) => out_of_memory(error),
        }
    }

    /// Room in the old space or among the large objects.
    #[cold]
    #[inline(never)]
    pub(crate) fn room_outside_nursery(&self, size: usize) -> Result<*mut u8, MemoryError> {
        // SAFETY: nobody else has the state meanwhile.
        let state = unsafe { &mut *self.state() };
        state.due = true;
        match state.raw.alloc_directly(size) {
            Ok(room) => Ok(room.as_ptr()),
            Err(error) => {
                state.exhausted = true;
                Err(error)
            }
        }
    }

    /// Moves the value that `make` answers to the heap, after a collection if need be.
    ///
    /// `make` runs when there is room, so what it takes from [`Local`]s is up to date:
    ///
    /// ```
    /// use terrane_gc::{GcField, Heap, Trace};
    ///
    /// #[derive(Trace)]
    /// struct Node<'h, 'm> {
    ///     value: u64,
    ///     next: GcField<'h, 'm, Node<'h, 'm>>,
    /// }
    ///
    /// let mut heap = Heap::new()?;
    /// heap.enter(|mu| {
    ///     let list = mu.alloc_local(|_| Node { value: 0, next: GcField::null() });
    ///     for value in 1..100_000 {
    ///         mu.scope(|mu| {
    ///             let node = mu.alloc_local(|mu| Node { value, next: list.get(mu).into() });
    ///             list.set(mu, node.get(mu));
    ///         });
    ///     }
    ///     assert_eq!(list.get(mu).next.get().unwrap().value, 99_998);
    /// });
    /// # Ok::<(), terrane_base::MemoryError>(())
    /// ```
    ///
    /// # Panics
    ///
    /// When the heap's limit stands against it, whatever is collected.
    #[inline]
    #[track_caller]
    pub fn alloc_local<'m, T, F>(&'m mut self, make: F) -> Local<'h, 's, Static<T>>
    where
        F: FnOnce(&'m Self) -> T,
        T: InHeap<'h, 'm>,
    {
        match self.try_alloc_local(make) {
            Ok(local) => local,
            Err(error) => out_of_memory(error),
        }
    }

    /// The same with an error where `alloc_local` panics.
    ///
    /// # Errors
    ///
    /// When the limit or the page source stands against it even after every kind of collection. The heap stays
    /// usable: once something was let go, allocation succeeds again. `make` may or may not have run.
    #[inline]
    pub fn try_alloc_local<'m, T, F>(&'m mut self, make: F) -> Result<Local<'h, 's, Static<T>>, MemoryError>
    where
        F: FnOnce(&'m Self) -> T,
        T: InHeap<'h, 'm>,
    {
        self.make_room(TypeInfo::of::<T>().size)?;
        let mu: &'m Self = self;
        mu.try_root(mu.try_alloc(make(mu))?)
    }

    /// Makes room for an object of `size` bytes, after a collection if need be.
    #[inline]
    pub(crate) fn make_room(&mut self, size: usize) -> Result<(), MemoryError> {
        let state = self.state_mut();
        let fits = size <= SMALL_OBJECT_MAX && size <= state.raw.room() && !state.raw.gc_due();
        if fits { Ok(()) } else { self.make_room_by_collecting(size) }
    }

    #[cold]
    #[inline(never)]
    fn make_room_by_collecting(&mut self, size: usize) -> Result<(), MemoryError> {
        let state = self.state_mut();
        if size > SMALL_OBJECT_MAX {
            state.raw.reserve_large(size, &mut state.roots)
        } else {
            state.raw.reserve_small(size, &mut state.roots)
        }
    }
}
