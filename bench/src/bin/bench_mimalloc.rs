//! Measures what belongs on mimalloc 2. Started by `bench`.

use libmimalloc_sys::{mi_free, mi_malloc};
use mimalloc::MiMalloc;
use std::alloc::{GlobalAlloc, Layout};
use std::process::ExitCode;

/// mimalloc at its best.
///
/// `MiMalloc` asks for every block with its alignment spelled out, which costs a quarter of the speed of small
/// boxes. `mi_malloc` aligns to 16 bytes by itself, or to 8 where the block is not larger.
struct PlainMiMalloc;

/// Blocks of at least this size are aligned to it (`MI_MAX_ALIGN_SIZE`).
const NATURAL_ALIGNMENT: usize = 16;

// SAFETY: blocks come from mimalloc, go back to mimalloc, and are aligned as asked: smaller alignments than mimalloc's
// own need no word about it, all others go through `MiMalloc`.
#[expect(unsafe_code, reason = "a global allocator is unsafe to write")]
unsafe impl GlobalAlloc for PlainMiMalloc {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if layout.align() <= NATURAL_ALIGNMENT && layout.align() <= layout.size() {
            // SAFETY: any size may be asked for.
            return unsafe { mi_malloc(layout.size()) }.cast();
        }
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { MiMalloc.alloc(layout) }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller keeps the contract of `alloc_zeroed`.
        unsafe { MiMalloc.alloc_zeroed(layout) }
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, _layout: Layout) {
        // SAFETY: every block of this allocator is mimalloc's.
        unsafe { mi_free(block.cast()) }
    }

    #[inline]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: every block of this allocator is mimalloc's, and the caller keeps the contract of `realloc`.
        unsafe { MiMalloc.realloc(block, layout, new_size) }
    }
}

#[global_allocator]
static ALLOCATOR: PlainMiMalloc = PlainMiMalloc;

fn main() -> ExitCode {
    bench::child::main(bench::row::Home::Mimalloc)
}
