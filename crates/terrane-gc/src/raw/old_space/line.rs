//! Lines: the unit in which free memory inside a block is found again.
//!
//! A marking writes its *epoch* into the mark byte of each line that a live object touches; sweeping a block then sets
//! the bytes of all other lines to zero, which means free. Promotion bumps through the holes between lines that are
//! not zero, also while the next marking overwrites them with its own epoch. Epochs go round from 1 to
//! [`EPOCHS`]: two may be there at a time, or three when a marking was given up. Blackburn & McKinley, *Immix: a mark-region garbage collector* (PLDI 2008), §2.

use terrane_pages::CHUNK_SIZE;

use super::block::BLOCK_SIZE;
use super::chunk::Chunk;

/// Bytes in a line.
pub(crate) const LINE_SIZE: usize = 256;
/// Lines in a block.
pub(crate) const LINES_PER_BLOCK: usize = BLOCK_SIZE / LINE_SIZE;
/// Lines in a chunk.
pub(crate) const LINES_PER_CHUNK: usize = CHUNK_SIZE / LINE_SIZE;

/// How many epochs there are.
pub(crate) const EPOCHS: u8 = 3;

/// The epoch after `epoch`.
pub(crate) const fn next_epoch(epoch: u8) -> u8 {
    epoch % EPOCHS + 1
}

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
pub(crate) unsafe fn mark_lines(chunk: Chunk, address: usize, size: usize, epoch: u8) {
    let offset = address - chunk.base();
    let (first, last) = (offset / LINE_SIZE, (offset + size - 1) / LINE_SIZE);
    // SAFETY: the object lies in the chunk, so both indices are below `LINES_PER_CHUNK`.
    unsafe {
        let marks = (&raw mut (*chunk.header()).line_marks).cast::<u8>();
        marks.add(first).write(epoch);
        marks.add(last).write(epoch);
        if last - first > 1 {
            marks.add(first).write_bytes(epoch, last - first);
        }
    }
}

/// Frees all lines of a block.
///
/// # Safety
///
/// As for [`next_hole`], and no other reference to the block's marks exists.
pub(crate) unsafe fn unmark_lines(chunk: Chunk, block: usize) {
    // SAFETY: the block's marks lie in the header; the caller promises that nobody else accesses them meanwhile.
    unsafe {
        let all = (&raw mut (*chunk.header()).line_marks).cast::<u8>();
        all.add(block * LINES_PER_BLOCK).write_bytes(0, LINES_PER_BLOCK);
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

/// Frees the lines of a block that the marking of `epoch` did not find in use; how many it did.
///
/// # Safety
///
/// As for [`next_hole`], and no other reference to the block's marks exists.
pub(crate) unsafe fn sweep_lines(chunk: Chunk, block: usize, epoch: u8) -> usize {
    // SAFETY: the block's marks lie in the header; the caller promises that nobody else accesses them meanwhile.
    let marks = unsafe {
        let all = (&raw mut (*chunk.header()).line_marks).cast::<u8>();
        &mut *all.add(block * LINES_PER_BLOCK).cast::<[u8; LINES_PER_BLOCK]>()
    };
    let mut used = 0;
    for mark in marks {
        let live = *mark == epoch;
        *mark = if live { epoch } else { 0 };
        used += usize::from(live);
    }
    used
}

#[cfg(test)]
mod tests {
    use alloc::sync::Arc;
    use alloc::vec::Vec;

    use proptest::prelude::*;
    use terrane_pages::AddressRange;

    use super::super::chunk::{ChunkKind, METADATA_BLOCKS};
    use super::*;

    /// All holes of a block.
    fn holes(chunk: Chunk, block: usize) -> Vec<(usize, usize)> {
        let base = chunk.base() + block * BLOCK_SIZE;
        let (mut line, mut found) = (0, Vec::new());
        // SAFETY: the tests' chunk is in use, and nobody marks.
        while let Some((start, end)) = unsafe { next_hole(chunk, block, line) } {
            found.push((start - base, end - base));
            line = (end - base) / LINE_SIZE;
            if line == LINES_PER_BLOCK {
                break;
            }
        }
        found
    }

    proptest! {
        #[test]
        fn holes_are_the_lines_that_no_object_touches(
            objects in prop::collection::vec((0..BLOCK_SIZE / 8, 2..1024_usize), 0..40)
        ) {
            let pages: Arc<dyn terrane_pages::PageSource> = terrane_pages::system_pages();
            let range = AddressRange::reserve(Arc::clone(&pages), CHUNK_SIZE, CHUNK_SIZE).unwrap();
            range.commit(0, CHUNK_SIZE).unwrap();
            // SAFETY: fresh memory of a chunk's size and alignment, alive until the end of the test.
            let chunk = unsafe { Chunk::initialise(range.base(), ChunkKind::Old) };
            let (block, epoch) = (METADATA_BLOCKS + 7, 2);
            // What an earlier marking left is free once the block is swept.
            // SAFETY: the object lies in the block.
            unsafe { mark_lines(chunk, chunk.base() + block * BLOCK_SIZE, 4000, 1) };
            let mut touched = [false; LINES_PER_BLOCK];
            for (word, words) in objects {
                let start = word * 8;
                let size = (words * 8).min(BLOCK_SIZE - start).max(8);
                // SAFETY: the object lies in the block.
                unsafe { mark_lines(chunk, chunk.base() + block * BLOCK_SIZE + start, size, epoch) };
                touched[start / LINE_SIZE..=(start + size - 1) / LINE_SIZE].fill(true);
            }
            // SAFETY: marking is over.
            let marked = unsafe { sweep_lines(chunk, block, epoch) };
            prop_assert_eq!(marked, touched.iter().filter(|&&line| line).count());
            let mut free = [true; LINES_PER_BLOCK];
            for (start, end) in holes(chunk, block) {
                prop_assert!(start < end);
                for line in start / LINE_SIZE..end / LINE_SIZE {
                    prop_assert!(!touched[line]);
                    free[line] = false;
                }
            }
            prop_assert!((0..LINES_PER_BLOCK).all(|line| free[line] == touched[line]));
            prop_assert_eq!(holes(chunk, block - 1), [(0, BLOCK_SIZE)]);
        }
    }
}
