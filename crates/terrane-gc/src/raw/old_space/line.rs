//! Lines: the unit in which free memory inside a block is found again.
//!
//! A full collection marks each line that a live object touches. Promotion then bumps through the holes between marked lines.
//! Blackburn & McKinley, *Immix: a mark-region garbage collector* (PLDI 2008), §2.

use terrane_pages::CHUNK_SIZE;

use super::block::BLOCK_SIZE;
use super::chunk::Chunk;

/// Bytes in a line.
pub(crate) const LINE_SIZE: usize = 256;
/// Lines in a block.
pub(crate) const LINES_PER_BLOCK: usize = BLOCK_SIZE / LINE_SIZE;
/// Lines in a chunk.
pub(crate) const LINES_PER_CHUNK: usize = CHUNK_SIZE / LINE_SIZE;

/// Line marks of one block.
///
/// # Safety
///
/// `chunk` is in use, `block` is one of its blocks, and no line is marked while the slice is used.
unsafe fn marks<'a>(chunk: Chunk, block: usize) -> &'a [u8; LINES_PER_BLOCK] {
    // SAFETY: the block's marks lie in the header; the caller promises that nobody writes them meanwhile.
    unsafe {
        let all = (&raw const (*chunk.header()).line_marks).cast::<u8>();
        &*all.add(block * LINES_PER_BLOCK).cast::<[u8; LINES_PER_BLOCK]>()
    }
}

/// Marks the lines of the object of `size` bytes at `address`.
///
/// # Safety
///
/// The object lies in a block of `chunk`, an old-space chunk in use.
#[inline(always)]
pub(crate) unsafe fn mark_lines(chunk: Chunk, address: usize, size: usize) {
    let offset = address - chunk.base();
    let (first, last) = (offset / LINE_SIZE, (offset + size - 1) / LINE_SIZE);
    // SAFETY: the object lies in the chunk, so both indices are below `LINES_PER_CHUNK`.
    unsafe {
        let marks = (&raw mut (*chunk.header()).line_marks).cast::<u8>();
        marks.add(first).write(1);
        if last != first {
            marks.add(first).write_bytes(1, last - first + 1);
        }
    }
}

/// The first hole at or after line `from` of a block, as addresses.
///
/// # Safety
///
/// `chunk` is an old-space chunk in use and is not being marked.
pub(crate) unsafe fn next_hole(chunk: Chunk, block: usize, from: usize) -> Option<(usize, usize)> {
    // SAFETY: the caller's promise.
    let marks = unsafe { marks(chunk, block) };
    let start = from + marks[from..].iter().position(|&mark| mark == 0)?;
    let len = marks[start..].iter().position(|&mark| mark != 0).unwrap_or(LINES_PER_BLOCK - start);
    let base = chunk.base() + block * BLOCK_SIZE;
    Some((base + start * LINE_SIZE, base + (start + len) * LINE_SIZE))
}

/// How many lines of a block are marked.
///
/// # Safety
///
/// As for [`next_hole`].
pub(crate) unsafe fn marked_lines(chunk: Chunk, block: usize) -> usize {
    // SAFETY: the caller's promise.
    let marks = unsafe { marks(chunk, block) };
    marks.iter().map(|&mark| mark as usize).sum()
}
