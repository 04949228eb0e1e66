//! Strings.

use core::fmt;
use core::hash::{Hash, Hasher};
use core::ops::Deref;

use terrane_base::MemoryError;

use crate::handle::Gc;
use crate::heap::{Mutator, out_of_memory};
use crate::object::{InHeap, Shape, Trace, Tracer};

use super::Array;

/// A reference to a string.
pub type GcString<'h, 'm> = Gc<'h, 'm, Str>;

/// An immutable string in UTF-8. Seen through a reference as a `str`.
///
/// ```
/// # let mut heap = terrane_gc::Heap::new()?;
/// heap.enter(|mu| {
///     let name = mu.alloc_str("Gondwana");
///     assert_eq!(name.to_uppercase(), "GONDWANA");
/// });
/// # Ok::<(), terrane_base::MemoryError>(())
/// ```
#[repr(transparent)]
pub struct Str {
    /// The bytes; they are never written after birth.
    bytes: Array<u8>,
}

impl Deref for Str {
    type Target = str;

    #[inline]
    fn deref(&self) -> &str {
        let cells = &*self.bytes;
        // SAFETY: cells are transparent, nobody can reach these to write, and they hold what was a `str`.
        unsafe {
            core::str::from_utf8_unchecked(core::slice::from_raw_parts(cells.as_ptr().cast(), cells.len()))
        }
    }
}

impl fmt::Debug for Str {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl fmt::Display for Str {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&**self, f)
    }
}

impl PartialEq for Str {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Str {}

impl Hash for Str {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (**self).hash(state);
    }
}

// SAFETY: bytes are no references. A string by value does not exist.
unsafe impl Trace for Str {
    type At<'h, 'm> = Self;
    const SHAPE: Shape = Shape::LEAF;
    unsafe fn trace(_: *mut Self, _: &mut Tracer<'_>) {}
}

impl<'h> Mutator<'h, '_> {
    /// A string with a copy of the text. O(length); never collects.
    ///
    /// # Panics
    ///
    /// At the heap's limit.
    #[track_caller]
    pub fn alloc_str(&self, text: &str) -> GcString<'h, '_> {
        self.try_alloc_str(text).unwrap_or_else(|error| out_of_memory(error))
    }

    /// The same with an error where `alloc_str` panics.
    ///
    /// # Errors
    ///
    /// When there is no room without a collection.
    pub fn try_alloc_str(&self, text: &str) -> Result<GcString<'h, '_>, MemoryError> {
        let bytes = self.try_alloc_array_copy(text.as_bytes())?;
        // SAFETY: `Str` is transparent around an array of bytes; these are UTF-8, and nobody else has them.
        Ok(unsafe { Gc::from_word(bytes.word()) })
    }
}

// SAFETY: there are no references.
unsafe impl<'h, 'm> InHeap<'h, 'm> for Str {}
