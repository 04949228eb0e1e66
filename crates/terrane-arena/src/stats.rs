//! What an arena tells about itself.

/// The memory of an [`Arena`](crate::Arena), in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ArenaStats {
    /// Bytes of all values that are handed out, with the padding for their alignment.
    pub used_bytes: usize,
    /// The most that was ever used at one time.
    pub peak_bytes: usize,
    /// Bytes of all blocks, used or not.
    pub committed_bytes: usize,
    /// How many blocks there are.
    pub blocks: usize,
}
