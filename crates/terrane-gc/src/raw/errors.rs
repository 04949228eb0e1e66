//! Errors of the layers below, as the heap's callers see them.

use terrane_base::{Bytes, MemoryError};
use terrane_pages::PageError;

/// The page source refused.
pub(crate) fn pages(error: PageError) -> MemoryError {
    MemoryError::SystemError { operation: error.operation.name(), code: error.os_code }
}

/// The global allocator refused room for a table, while `requested` bytes were wanted.
pub(crate) fn table(requested: usize) -> MemoryError {
    out_of_memory(requested, 0)
}

/// The limit stands against it.
pub(crate) fn out_of_memory(requested: usize, available: usize) -> MemoryError {
    MemoryError::OutOfMemory {
        requested: Bytes::new(requested as u64),
        available: Bytes::new(available as u64),
    }
}
