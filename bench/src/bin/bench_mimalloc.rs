//! Measures what belongs on mimalloc 2. Started by `bench`.

use libmimalloc_sys::{mi_free, mi_malloc};
use mimalloc::MiMalloc;
use std::alloc::{GlobalAlloc, Layout};
use std::process::ExitCode;

/// mimalloc at its best.
///
/// `MiMalloc` asks for every block with its alignment spelled out, which costs small boxes a quarter of their speed;
/// `mi_malloc` aligns them by itself. And a small block is cleared faster in line than by mimalloc; the compiler asks
/// for cleared blocks wherever a value is all zero.
struct PlainMiMalloc;

/// Up to how many bytes a block is cleared in line.
const SMALL: usize = 128;

/// Whether mimalloc aligns such a block by itself: to `MI_MAX_ALIGN_SIZE`, or to its size where that is less.
#[inline]
fn is_aligned_naturally(layout: Layout) -> bool {
    layout.align() <= 16 && layout.align() <= layout.size()
}

// SAFETY: blocks come from mimalloc, go back to mimalloc, and are aligned as asked: smaller alignments than mimalloc's
// own need no word about it, all others go through `MiMalloc`.
#[expect(unsafe_code, reason = "a global allocator is unsafe to write")]
unsafe impl GlobalAlloc for PlainMiMalloc {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if is_aligned_naturally(layout) {
            // SAFETY: any size may be asked for.
            return unsafe { mi_malloc(layout.size()) }.cast();
        }
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { MiMalloc.alloc(layout) }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if is_aligned_naturally(layout) && layout.size() <= SMALL {
            // SAFETY: any size may be asked for.
            let block: *mut u8 = unsafe { mi_malloc(layout.size()) }.cast();
            if !block.is_null() {
                // SAFETY: mimalloc has just given a block of this size.
                unsafe { block.write_bytes(0, layout.size()) };
            }
            return block;
        }
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
