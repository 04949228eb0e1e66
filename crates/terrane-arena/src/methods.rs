//! The allocating methods, the same for every kind of arena.
//!
//! Each method comes twice. The plain one panics when there is no memory, the `try_` one returns the error. They differ
//! from kind to kind in one thing only: for how long a value may be used. That is why they are not methods of a trait.

/// Writes the allocating methods into an `impl` block of a type that implements `Bump`.
///
/// `$borrow` is the borrow of the receiver, `$value` how long the values live; `$make` is the line of the examples that
/// makes a receiver, `$name` its name there.
macro_rules! allocating_methods {
    ($borrow:lifetime, $value:lifetime, $make:literal, $name:literal) => {
        crate::methods::allocating_methods!(@values $borrow, $value, $make, $name);
        crate::methods::allocating_methods!(@slices $borrow, $value, $make, $name);
        crate::methods::allocating_methods!(@texts $borrow, $value, $make, $name);
        crate::methods::allocating_methods!(@memory $borrow, $value, $make, $name);
        crate::methods::allocating_methods!(@owned $borrow, $value, $make, $name);
    };

    (@values $borrow:lifetime, $value:lifetime, $make:literal, $name:literal) => {
        /// Moves `value` into the arena.
        ///
        #[doc = crate::methods::example!($make, "let number = ", $name, ".alloc(41);\n*number += 1;\nassert_eq!(*number, 42);")]
        ///
        /// # Panics
        ///
        /// If no block is to be had; see [`try_alloc`](Self::try_alloc).
        #[inline(always)]
        pub fn alloc<$borrow, T>(&$borrow self, value: T) -> &$value mut T {
            self.alloc_with(|| value)
        }

        /// Moves `value` into the arena.
        ///
        #[doc = crate::methods::example!($make, "assert_eq!(", $name, ".try_alloc(7).map(|number| *number), Ok(7));")]
        ///
        /// # Errors
        ///
        /// [`MemoryError`] with the bytes requested and available, if no block is to be had. `value` is dropped then.
        #[inline(always)]
        pub fn try_alloc<$borrow, T>(&$borrow self, value: T) -> Result<&$value mut T, MemoryError> {
            self.try_alloc_with(|| value)
        }

        /// Takes memory and then makes the value in it. A large value is thus not built on the stack first, when
        /// optimised.
        ///
        #[doc = crate::methods::example!($make, "let table = ", $name, ".alloc_with(|| [0u32; 10_000]);\nassert_eq!(table.len(), 10_000);")]
        ///
        /// # Panics
        ///
        /// If no block is to be had, or `make` panics. The memory is then taken until the arena goes back.
        #[inline(always)]
        pub fn alloc_with<$borrow, T>(&$borrow self, make: impl FnOnce() -> T) -> &$value mut T {
            // SAFETY: the place was taken for a `T`, for this call alone, and stays for the lifetime of values.
            unsafe { construct::fill(self.place_sized(), make) }
        }

        /// Takes memory and then makes the value in it.
        ///
        #[doc = crate::methods::example!($make, "let table = ", $name, ".try_alloc_with(|| [1u8; 100])?;\nassert_eq!(table[99], 1);\n# Ok::<(), terrane_arena::MemoryError>(())")]
        ///
        /// # Errors
        ///
        /// [`MemoryError`] if no block is to be had; `make` is not called then.
        ///
        /// # Panics
        ///
        /// If `make` panics.
        #[inline(always)]
        pub fn try_alloc_with<$borrow, T>(
            &$borrow self,
            make: impl FnOnce() -> T,
        ) -> Result<&$value mut T, MemoryError> {
            let place = self.try_place_sized()?;
            // SAFETY: the place was taken for a `T`, for this call alone, and stays for the lifetime of values.
            Ok(unsafe { construct::fill(place, make) })
        }
    };

    (@slices $borrow:lifetime, $value:lifetime, $make:literal, $name:literal) => {
        /// Copies a slice into the arena.
        ///
        #[doc = crate::methods::example!($make, "assert_eq!(", $name, ".alloc_slice_copy(&[1, 2, 3]), &[1, 2, 3]);")]
        ///
        /// # Panics
        ///
        /// If no block is to be had.
        #[inline(always)]
        pub fn alloc_slice_copy<$borrow, T: Copy>(&$borrow self, source: &[T]) -> &$value mut [T] {
            let place = self.place(core::alloc::Layout::for_value(source));
            // SAFETY: the place was taken for the source's layout, for this call alone, and stays for the lifetime of values.
            unsafe { construct::copy(source, place) }
        }

        /// Copies a slice into the arena.
        ///
        #[doc = crate::methods::example!($make, "assert_eq!(", $name, ".try_alloc_slice_copy(&[1, 2])?, &[1, 2]);\n# Ok::<(), terrane_arena::MemoryError>(())")]
        ///
        /// # Errors
        ///
        /// [`MemoryError`] if no block is to be had.
        #[inline]
        pub fn try_alloc_slice_copy<$borrow, T: Copy>(
            &$borrow self,
            source: &[T],
        ) -> Result<&$value mut [T], MemoryError> {
            let place = self.try_place(core::alloc::Layout::for_value(source))?;
            // SAFETY: the place was taken for the source's layout, for this call alone, and stays for the lifetime of values.
            Ok(unsafe { construct::copy(source, place) })
        }

        /// Clones the elements of a slice into the arena.
        ///
        #[doc = crate::methods::example!($make, "let words = ", $name, ".alloc_slice_clone(&[vec![1], vec![]]);\nassert_eq!(words[0], [1]);")]
        ///
        /// # Panics
        ///
        /// If no block is to be had, or a clone panics. The clones made before are then dropped.
        #[inline]
        pub fn alloc_slice_clone<$borrow, T: Clone>(&$borrow self, source: &[T]) -> &$value mut [T] {
            self.alloc_slice_fill_with(source.len(), |index| source[index].clone())
        }

        /// Clones the elements of a slice into the arena.
        ///
        #[doc = crate::methods::example!($make, "let words = ", $name, ".try_alloc_slice_clone(&[Some(1), None])?;\nassert_eq!(words.len(), 2);\n# Ok::<(), terrane_arena::MemoryError>(())")]
        ///
        /// # Errors
        ///
        /// [`MemoryError`] if no block is to be had; nothing is cloned then.
        ///
        /// # Panics
        ///
        /// If a clone panics. The clones made before are then dropped.
        #[inline]
        pub fn try_alloc_slice_clone<$borrow, T: Clone>(
            &$borrow self,
            source: &[T],
        ) -> Result<&$value mut [T], MemoryError> {
            self.try_alloc_slice_fill_with(source.len(), |index| source[index].clone())
        }

        /// Makes a slice of `len` elements, each from its index.
        ///
        #[doc = crate::methods::example!($make, "assert_eq!(", $name, ".alloc_slice_fill_with(3, |i| i * i), &mut [0, 1, 4]);")]
        ///
        /// # Panics
        ///
        /// If no block is to be had, or `make` panics. The elements that were made before are then dropped.
        #[inline]
        pub fn alloc_slice_fill_with<$borrow, T>(
            &$borrow self,
            len: usize,
            make: impl FnMut(usize) -> T,
        ) -> &$value mut [T] {
            let layout = construct::slice_layout::<T>(len).unwrap_or_else(|refusal| refusal.panic());
            let place = self.place(layout).cast::<T>();
            // SAFETY: the place was taken for `len` elements, for this call alone, and stays for the lifetime of values.
            unsafe { construct::fill_slice(place, len, make) }
        }

        /// Makes a slice of `len` elements, each from its index.
        ///
        #[doc = crate::methods::example!($make, "assert!(", $name, ".try_alloc_slice_fill_with(usize::MAX, |i| i).is_err());")]
        ///
        /// # Errors
        ///
        /// [`MemoryError`] if no block is to be had, or no slice can be as large; `make` is not called then.
        ///
        /// # Panics
        ///
        /// If `make` panics. The elements that were made before are then dropped.
        #[inline]
        pub fn try_alloc_slice_fill_with<$borrow, T>(
            &$borrow self,
            len: usize,
            make: impl FnMut(usize) -> T,
        ) -> Result<&$value mut [T], MemoryError> {
            let layout = construct::slice_layout::<T>(len)?;
            let place = self.try_place(layout)?.cast::<T>();
            // SAFETY: the place was taken for `len` elements, for this call alone, and stays for the lifetime of values.
            Ok(unsafe { construct::fill_slice(place, len, make) })
        }

        /// Makes a slice of what an iterator yields.
        ///
        #[doc = crate::methods::example!($make, "let odd = ", $name, ".alloc_slice_from_iter((1..10).filter(|n| n % 2 == 1));\nassert_eq!(odd, &[1, 3, 5, 7, 9]);")]
        ///
        /// # Panics
        ///
        /// If no block is to be had, or the iterator panics. What it yielded before is then dropped.
        #[inline]
        pub fn alloc_slice_from_iter<$borrow, T>(
            &$borrow self,
            values: impl IntoIterator<Item = T>,
        ) -> &$value mut [T] {
            let mut vec = self.vec();
            vec.extend(values);
            let (place, len) = vec.into_parts();
            // SAFETY: so many elements lie there, in memory that stays for the lifetime of values, and nobody else has them.
            unsafe { core::slice::from_raw_parts_mut(place.as_ptr(), len) }
        }

        /// Makes a slice of what an iterator yields.
        ///
        #[doc = crate::methods::example!($make, "assert_eq!(", $name, ".try_alloc_slice_from_iter(0..3)?, &[0, 1, 2]);\n# Ok::<(), terrane_arena::MemoryError>(())")]
        ///
        /// # Errors
        ///
        /// [`MemoryError`] if no block is to be had. What the iterator yielded is then dropped.
        #[inline]
        pub fn try_alloc_slice_from_iter<$borrow, T>(
            &$borrow self,
            values: impl IntoIterator<Item = T>,
        ) -> Result<&$value mut [T], MemoryError> {
            let mut vec = self.vec();
            for value in values {
                vec.try_push(value)?;
            }
            let (place, len) = vec.into_parts();
            // SAFETY: so many elements lie there, in memory that stays for the lifetime of values, and nobody else has them.
            Ok(unsafe { core::slice::from_raw_parts_mut(place.as_ptr(), len) })
        }
    };

    (@texts $borrow:lifetime, $value:lifetime, $make:literal, $name:literal) => {
        /// Copies a string into the arena.
        ///
        #[doc = crate::methods::example!($make, "assert_eq!(", $name, ".alloc_str(\"zone\"), \"zone\");")]
        ///
        /// # Panics
        ///
        /// If no block is to be had.
        #[inline(always)]
        pub fn alloc_str<$borrow>(&$borrow self, source: &str) -> &$value mut str {
            // SAFETY: the bytes are those of a string.
            unsafe { str::from_utf8_unchecked_mut(self.alloc_slice_copy(source.as_bytes())) }
        }

        /// Copies a string into the arena.
        ///
        #[doc = crate::methods::example!($make, "assert_eq!(", $name, ".try_alloc_str(\"zone\")?, \"zone\");\n# Ok::<(), terrane_arena::MemoryError>(())")]
        ///
        /// # Errors
        ///
        /// [`MemoryError`] if no block is to be had.
        #[inline]
        pub fn try_alloc_str<$borrow>(&$borrow self, source: &str) -> Result<&$value mut str, MemoryError> {
            // SAFETY: the bytes are those of a string.
            Ok(unsafe { str::from_utf8_unchecked_mut(self.try_alloc_slice_copy(source.as_bytes())?) })
        }

        /// Formats text into the arena; [`format_in!`](crate::format_in) is the usual way to call it.
        ///
        #[doc = crate::methods::example!($make, "let text = ", $name, ".alloc_fmt(format_args!(\"{}-{}\", 1, 2));\nassert_eq!(text, \"1-2\");")]
        ///
        /// # Panics
        ///
        /// If no block is to be had, or a formatted value reports an error.
        pub fn alloc_fmt<$borrow>(&$borrow self, text: core::fmt::Arguments<'_>) -> &$value mut str {
            self.try_alloc_fmt(text).unwrap_or_else(|error| panic!("arena: {error}"))
        }

        /// Formats text into the arena; [`try_format_in!`](crate::try_format_in) is the usual way to call it.
        ///
        #[doc = crate::methods::example!($make, "let text = ", $name, ".try_alloc_fmt(format_args!(\"{:03}\", 7))?;\nassert_eq!(text, \"007\");\n# Ok::<(), terrane_arena::MemoryError>(())")]
        ///
        /// # Errors
        ///
        /// [`MemoryError`] if no block is to be had.
        ///
        /// # Panics
        ///
        /// If a formatted value reports an error.
        pub fn try_alloc_fmt<$borrow>(
            &$borrow self,
            text: core::fmt::Arguments<'_>,
        ) -> Result<&$value mut str, MemoryError> {
            let mut written = ArenaText { bytes: self.vec(), refused: None };
            if let Err(error) = core::fmt::Write::write_fmt(&mut written, text) {
                return Err(written.refused.unwrap_or_else(|| construct::formatting_failed(error)));
            }
            // A value that formats itself may have paid no heed to the refusal.
            if let Some(error) = written.refused {
                return Err(error);
            }
            let (place, len) = written.bytes.into_parts();
            // SAFETY: the bytes are those of the strings that were written, one after the other; they lie in memory that
            // stays for the lifetime of values, and nobody else has them.
            Ok(unsafe {
                str::from_utf8_unchecked_mut(core::slice::from_raw_parts_mut(place.as_ptr(), len))
            })
        }
    };

    (@memory $borrow:lifetime, $value:lifetime, $make:literal, $name:literal) => {
        /// Takes memory for a layout; it is not cleared. It stays valid as long as a value would.
        ///
        #[doc = crate::methods::example!($make, "let layout = std::alloc::Layout::from_size_align(100, 64)?;\nlet memory = ", $name, ".alloc_layout(layout);\nassert!(memory.addr().get().is_multiple_of(64));\n# Ok::<(), std::alloc::LayoutError>(())")]
        ///
        /// # Panics
        ///
        /// If no block is to be had.
        #[inline]
        pub fn alloc_layout(&self, layout: core::alloc::Layout) -> core::ptr::NonNull<u8> {
            self.place(layout)
        }

        /// Takes memory for a layout; it is not cleared. It stays valid as long as a value would.
        ///
        #[doc = crate::methods::example!($make, "let layout = std::alloc::Layout::new::<[u8; 100]>();\nassert!(", $name, ".try_alloc_layout(layout).is_ok());")]
        ///
        /// # Errors
        ///
        /// [`MemoryError::OutOfMemory`] if no block is to be had, [`MemoryError::AllocationTooLarge`] if none can ever be,
        /// [`MemoryError::BudgetExceeded`] if the arena's budget refuses one.
        #[inline]
        pub fn try_alloc_layout(
            &self,
            layout: core::alloc::Layout,
        ) -> Result<core::ptr::NonNull<u8>, MemoryError> {
            self.try_place(layout)
        }

        /// Takes memory for a layout, all zeros. It stays valid as long as a value would.
        ///
        #[doc = crate::methods::example!($make, "let memory = ", $name, ".alloc_zeroed(std::alloc::Layout::new::<u64>());\n// SAFETY: the memory is a `u64` of zeros.\nassert_eq!(unsafe { memory.cast::<u64>().read() }, 0);")]
        ///
        /// # Panics
        ///
        /// If no block is to be had.
        #[inline]
        pub fn alloc_zeroed(&self, layout: core::alloc::Layout) -> core::ptr::NonNull<u8> {
            self.try_alloc_zeroed(layout).unwrap_or_else(|error| panic!("arena: {error}"))
        }

        /// Takes memory for a layout, all zeros. It stays valid as long as a value would.
        ///
        #[doc = crate::methods::example!($make, "assert!(", $name, ".try_alloc_zeroed(std::alloc::Layout::new::<u64>()).is_ok());")]
        ///
        /// # Errors
        ///
        /// As [`try_alloc_layout`](Self::try_alloc_layout).
        #[inline]
        pub fn try_alloc_zeroed(
            &self,
            layout: core::alloc::Layout,
        ) -> Result<core::ptr::NonNull<u8>, MemoryError> {
            construct::try_zeroed(self, layout)
        }

        /// Makes a value larger: in place if it is the last one, else in new memory. The bytes up to its old size are
        /// copied, those behind them are not cleared.
        ///
        /// A value that is older than the newest checkpoint is never grown in place: what lies behind a checkpoint is
        /// forgotten by going back to it.
        ///
        #[doc = crate::methods::example!($make, "use std::alloc::Layout;\nlet (small, large) = (Layout::new::<[u8; 16]>(), Layout::new::<[u8; 64]>());\nlet memory = ", $name, ".alloc_layout(small);\n// SAFETY: the memory was just taken with that layout and is used through the new pointer only.\nlet memory = unsafe { ", $name, ".try_grow(memory, small, large) };\nassert!(memory.is_ok());")]
        ///
        /// # Errors
        ///
        /// [`MemoryError`] if no block is to be had; the value is then as before.
        ///
        /// # Safety
        ///
        /// This very receiver handed out `place` for the layout `old`, and has not gone back beyond it since; `new` is not
        /// smaller. If the call succeeds, the value is reached through its result only.
        #[inline]
        pub unsafe fn try_grow(
            &self,
            place: core::ptr::NonNull<u8>,
            old: core::alloc::Layout,
            new: core::alloc::Layout,
        ) -> Result<core::ptr::NonNull<u8>, MemoryError> {
            // SAFETY: the caller vouches for it.
            unsafe { crate::resize::try_grow(self, place, old, new) }
        }

        /// The same as [`try_grow`](Self::try_grow).
        ///
        #[doc = crate::methods::example!($make, "use std::alloc::Layout;\nlet (small, large) = (Layout::new::<u8>(), Layout::new::<u64>());\nlet memory = ", $name, ".alloc_layout(small);\n// SAFETY: the memory was just taken with that layout and is used through the new pointer only.\nlet memory = unsafe { ", $name, ".grow(memory, small, large) };\nassert!(memory.cast::<u64>().is_aligned());")]
        ///
        /// # Panics
        ///
        /// If no block is to be had.
        ///
        /// # Safety
        ///
        /// As for [`try_grow`](Self::try_grow).
        #[inline]
        pub unsafe fn grow(
            &self,
            place: core::ptr::NonNull<u8>,
            old: core::alloc::Layout,
            new: core::alloc::Layout,
        ) -> core::ptr::NonNull<u8> {
            // SAFETY: the caller vouches for it.
            unsafe { self.try_grow(place, old, new) }.unwrap_or_else(|error| panic!("arena: {error}"))
        }

        /// Makes a value smaller. What it does not need any more goes back if it is the last value and the gain is worth the
        /// copy; the result is where it lies now.
        ///
        #[doc = crate::methods::example!($make, "use std::alloc::Layout;\nlet (large, small) = (Layout::new::<[u8; 64]>(), Layout::new::<[u8; 16]>());\nlet memory = ", $name, ".alloc_layout(large);\n// SAFETY: the memory was just taken with that layout and is used through the new pointer only.\nlet memory = unsafe { ", $name, ".try_shrink(memory, large, small) };\nassert!(memory.is_ok());")]
        ///
        /// # Errors
        ///
        /// [`MemoryError`] if the alignment is raised, the value has to move for it, and no block is to be had; the value is
        /// then as before.
        ///
        /// # Safety
        ///
        /// As for [`try_grow`](Self::try_grow), but `new` is not larger than `old`.
        #[inline]
        pub unsafe fn try_shrink(
            &self,
            place: core::ptr::NonNull<u8>,
            old: core::alloc::Layout,
            new: core::alloc::Layout,
        ) -> Result<core::ptr::NonNull<u8>, MemoryError> {
            // SAFETY: the caller vouches for it.
            unsafe { crate::resize::try_shrink(self, place, old, new) }
        }

        /// The same as [`try_shrink`](Self::try_shrink).
        ///
        #[doc = crate::methods::example!($make, "use std::alloc::Layout;\nlet (large, small) = (Layout::new::<[u8; 64]>(), Layout::new::<u8>());\nlet memory = ", $name, ".alloc_layout(large);\n// SAFETY: the memory was just taken with that layout and is not used any more.\nunsafe { ", $name, ".shrink(memory, large, small) };")]
        ///
        /// # Panics
        ///
        /// Where [`try_shrink`](Self::try_shrink) returns an error.
        ///
        /// # Safety
        ///
        /// As for [`try_shrink`](Self::try_shrink).
        #[inline]
        pub unsafe fn shrink(
            &self,
            place: core::ptr::NonNull<u8>,
            old: core::alloc::Layout,
            new: core::alloc::Layout,
        ) -> core::ptr::NonNull<u8> {
            // SAFETY: the caller vouches for it.
            unsafe { self.try_shrink(place, old, new) }.unwrap_or_else(|error| panic!("arena: {error}"))
        }
    };

    (@owned $borrow:lifetime, $value:lifetime, $make:literal, $name:literal) => {
        /// Makes an empty vector that grows in the arena.
        ///
        #[doc = crate::methods::example!($make, "let mut words = ", $name, ".vec();\nwords.push(\"one\");\nassert_eq!(words.into_slice(), [\"one\"]);")]
        #[must_use]
        #[inline]
        pub fn vec<T>(&self) -> ArenaVec<'_, T, Self> {
            ArenaVec::new(self)
        }

        /// Moves `value` into the arena; its destructor runs when the box is dropped.
        ///
        #[doc = crate::methods::example!($make, "let name = ", $name, ".alloc_box(String::from(\"zone\"));\nassert_eq!(*name, \"zone\");")]
        ///
        /// # Panics
        ///
        /// If no block is to be had.
        #[inline]
        pub fn alloc_box<$borrow, T>(&$borrow self, value: T) -> ArenaBox<$value, T> {
            ArenaBox::new(self.alloc(value))
        }

        /// Moves `value` into the arena; its destructor runs when the box is dropped.
        ///
        #[doc = crate::methods::example!($make, "assert_eq!(*", $name, ".try_alloc_box(vec![1])?, [1]);\n# Ok::<(), terrane_arena::MemoryError>(())")]
        ///
        /// # Errors
        ///
        /// [`MemoryError`] if no block is to be had. `value` is dropped then.
        #[inline]
        pub fn try_alloc_box<$borrow, T>(
            &$borrow self,
            value: T,
        ) -> Result<ArenaBox<$value, T>, MemoryError> {
            self.try_alloc(value).map(ArenaBox::new)
        }

        /// Makes a slice of what an iterator yields; the destructors run when the box is dropped.
        ///
        #[doc = crate::methods::example!($make, "let names = ", $name, ".alloc_box_slice_from_iter([\"one\", \"two\"].map(String::from));\nassert_eq!(names[1], \"two\");")]
        ///
        /// # Panics
        ///
        /// If no block is to be had, or the iterator panics. What it yielded before is then dropped.
        #[inline]
        pub fn alloc_box_slice_from_iter<$borrow, T>(
            &$borrow self,
            values: impl IntoIterator<Item = T>,
        ) -> ArenaBox<$value, [T]> {
            ArenaBox::new(self.alloc_slice_from_iter(values))
        }

        /// Makes a slice of what an iterator yields; the destructors run when the box is dropped.
        ///
        #[doc = crate::methods::example!($make, "assert_eq!(&*", $name, ".try_alloc_box_slice_from_iter([1, 2])?, [1, 2]);\n# Ok::<(), terrane_arena::MemoryError>(())")]
        ///
        /// # Errors
        ///
        /// [`MemoryError`] if no block is to be had. What the iterator yielded is then dropped.
        #[inline]
        pub fn try_alloc_box_slice_from_iter<$borrow, T>(
            &$borrow self,
            values: impl IntoIterator<Item = T>,
        ) -> Result<ArenaBox<$value, [T]>, MemoryError> {
            self.try_alloc_slice_from_iter(values).map(ArenaBox::new)
        }

        /// Copies a string into the arena, into a box.
        ///
        #[doc = crate::methods::example!($make, "assert_eq!(&*", $name, ".alloc_box_str(\"zone\"), \"zone\");")]
        ///
        /// # Panics
        ///
        /// If no block is to be had.
        #[inline]
        pub fn alloc_box_str<$borrow>(&$borrow self, source: &str) -> ArenaBox<$value, str> {
            ArenaBox::new(self.alloc_str(source))
        }

        /// Copies a string into the arena, into a box.
        ///
        #[doc = crate::methods::example!($make, "assert_eq!(&*", $name, ".try_alloc_box_str(\"zone\")?, \"zone\");\n# Ok::<(), terrane_arena::MemoryError>(())")]
        ///
        /// # Errors
        ///
        /// [`MemoryError`] if no block is to be had.
        #[inline]
        pub fn try_alloc_box_str<$borrow>(
            &$borrow self,
            source: &str,
        ) -> Result<ArenaBox<$value, str>, MemoryError> {
            self.try_alloc_str(source).map(ArenaBox::new)
        }
    };
}

/// The text of an example: the line that makes the receiver is hidden.
macro_rules! example {
    ($make:literal $(, $line:expr)*) => {
        concat!("```\n# use terrane_arena::*;\n# ", $make, "\n", $($line,)* "\n```")
    };
}

pub(crate) use allocating_methods;
pub(crate) use example;
