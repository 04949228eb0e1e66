//! Pages of WebAssembly: its linear memory, which is zero where it is new and can only grow, by 64 KiB at a time.
//!
//! The global allocator grows the same memory. Each asks for its own pages and gets those behind all others, so they do not meet.
//!
//! Type-checked on Linux; `examples/wasm_pages.rs` says how it is run.

use core::{arch::wasm32, fmt, ptr::NonNull};

use crate::{
    PageError, PageSource,
    grow_only::{Grow, GrowOnly},
};

/// Pages of WebAssembly's linear memory. What is released is handed out again; nothing goes back to the system.
#[derive(Debug)]
pub struct WasmPages {
    pages: GrowOnly<LinearMemory>,
}

/// The memory number 0, the only one that Rust knows.
struct LinearMemory;

// SAFETY: `memory.grow` returns the number of the first new page; all new pages are zero, belong to whoever asked for them, and stay.
unsafe impl Grow for LinearMemory {
    const PAGE_SIZE: usize = 64 << 10;

    fn grow(&self, size: usize) -> Option<NonNull<u8>> {
        let first = wasm32::memory_grow::<0>(size / Self::PAGE_SIZE);
        // The answer to a refusal is -1.
        let address = first.checked_mul(Self::PAGE_SIZE)?;
        NonNull::new(core::ptr::with_exposed_provenance_mut(address))
    }
}

impl WasmPages {
    /// A source with no pages as yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { pages: GrowOnly::new(LinearMemory) }
    }
}

impl Default for WasmPages {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for LinearMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LinearMemory")
    }
}

// SAFETY: every promise is that of `GrowOnly`, to which every call goes unchanged.
unsafe impl PageSource for WasmPages {
    fn page_size(&self) -> usize {
        self.pages.page_size()
    }

    fn reserve(&self, size: usize, align: usize) -> Result<NonNull<u8>, PageError> {
        self.pages.reserve(size, align)
    }

    unsafe fn commit(&self, ptr: NonNull<u8>, size: usize) -> Result<(), PageError> {
        // SAFETY: the caller's promise is the inner source's condition.
        unsafe { self.pages.commit(ptr, size) }
    }

    unsafe fn decommit(&self, ptr: NonNull<u8>, size: usize) -> Result<(), PageError> {
        // SAFETY: the caller's promise is the inner source's condition.
        unsafe { self.pages.decommit(ptr, size) }
    }

    unsafe fn release(&self, ptr: NonNull<u8>, size: usize, align: usize) {
        // SAFETY: the caller's promise is the inner source's condition.
        unsafe { self.pages.release(ptr, size, align) }
    }

    fn reserves_lazily(&self) -> bool {
        false
    }
}
