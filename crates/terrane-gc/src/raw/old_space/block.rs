//! Blocks: the unit in which the old space hands out free memory, counts its use, and keeps the copy reserve.

use terrane_pages::CHUNK_SIZE;

/// Bytes in a block.
pub(crate) const BLOCK_SIZE: usize = 64 * 1024;
/// Blocks in a chunk, metadata blocks included. One `u64` is a bitmap of them.
pub(crate) const BLOCKS_PER_CHUNK: usize = CHUNK_SIZE / BLOCK_SIZE;
/// Largest object that lives in a block. Longer ones are large objects.
pub const SMALL_OBJECT_MAX: usize = 8 * 1024;

/// Bytes of objects that a free block takes for certain, whatever their sizes: an object that does not fit leaves less than its
/// own size unused.
const BLOCK_CAPACITY_MIN: usize = BLOCK_SIZE - SMALL_OBJECT_MAX + 8;

/// Free blocks that suffice to copy `bytes` of objects into, in whatever sizes and order they come.
///
/// Two blocks more than the division says: promotion keeps one block for objects up to a line and one for longer ones, and
/// each can be left partly filled.
pub(crate) const fn blocks_to_copy(bytes: usize) -> usize {
    if bytes == 0 { 0 } else { bytes.div_ceil(BLOCK_CAPACITY_MIN) + 2 }
}

/// The most bytes that [`blocks_to_copy`] grants to `blocks` free blocks.
pub(crate) const fn bytes_copyable(blocks: usize) -> usize {
    blocks.saturating_sub(2) * BLOCK_CAPACITY_MIN
}
