//! The arenas, each behind the same small trait, and each rival in the settings that may be its fastest.
//!
//! Our arena starts every value at a multiple of 8. bumpalo and bump-scope can be told to do the same; which setting is
//! faster depends on the size, so each of them is measured in all of them and its fastest counts
//! (see [`crate::settings`]). Values go where an arena keeps no list of destructors.

use blink_alloc::Blink;
use bump_scope::alloc::Global;
use bump_scope::settings::BumpSettings;
use terrane_arena::Arena;

/// An arena, as far as the programs need one.
pub(super) trait Bumping {
    /// An arena without blocks, or with the first one.
    fn empty() -> Self;

    /// Allocates an object.
    fn put<const WORDS: usize>(&self, object: [u64; WORDS]) -> &[u64; WORDS];

    /// Allocates a copy of `bytes`.
    fn put_bytes(&self, bytes: &[u8]) -> &[u8];

    /// Allocates a copy of `text`.
    fn put_str(&self, text: &str) -> &str;

    /// Gives everything back and keeps memory for what comes next.
    fn drop_all(&mut self);
}

impl Bumping for Arena {
    fn empty() -> Self {
        Self::new()
    }

    #[inline(always)]
    fn put<const WORDS: usize>(&self, object: [u64; WORDS]) -> &[u64; WORDS] {
        self.alloc(object)
    }

    #[inline(always)]
    fn put_bytes(&self, bytes: &[u8]) -> &[u8] {
        self.alloc_slice_copy(bytes)
    }

    #[inline(always)]
    fn put_str(&self, text: &str) -> &str {
        self.alloc_str(text)
    }

    fn drop_all(&mut self) {
        self.reset();
    }
}

impl<const ALIGN: usize> Bumping for bumpalo::Bump<ALIGN> {
    fn empty() -> Self {
        Self::with_min_align()
    }

    #[inline(always)]
    fn put<const WORDS: usize>(&self, object: [u64; WORDS]) -> &[u64; WORDS] {
        self.alloc(object)
    }

    #[inline(always)]
    fn put_bytes(&self, bytes: &[u8]) -> &[u8] {
        self.alloc_slice_copy(bytes)
    }

    #[inline(always)]
    fn put_str(&self, text: &str) -> &str {
        self.alloc_str(text)
    }

    fn drop_all(&mut self) {
        self.reset();
    }
}

/// The first block of blink-alloc where the one that it takes by itself is too small. Blocks of more than 16 KiB that a batch
/// does not quite fit would be taken and given back for each batch.
const BLINK_BLOCK_BYTES: usize = 256 << 10;

impl Bumping for Blink {
    fn empty() -> Self {
        Self::with_chunk_size(BLINK_BLOCK_BYTES)
    }

    #[inline(always)]
    fn put<const WORDS: usize>(&self, object: [u64; WORDS]) -> &[u64; WORDS] {
        self.put_no_drop(object)
    }

    #[inline(always)]
    fn put_bytes(&self, bytes: &[u8]) -> &[u8] {
        self.copy_slice(bytes)
    }

    #[inline(always)]
    fn put_str(&self, text: &str) -> &str {
        self.copy_str(text)
    }

    fn drop_all(&mut self) {
        self.reset();
    }
}

/// bump-scope as it is.
pub(super) type BumpScope = bump_scope::Bump;
/// bump-scope with values at multiples of 8.
pub(super) type BumpScopeAligned = bump_scope::Bump<Global, BumpSettings<8>>;
/// bump-scope with values at multiples of 8, bumping down.
pub(super) type BumpScopeDown = bump_scope::Bump<Global, BumpSettings<8, false>>;

macro_rules! bump_scope_in {
    ($($settings:ty),*) => {$(
        impl Bumping for $settings {
            fn empty() -> Self {
                Self::new()
            }

            #[inline(always)]
            fn put<const WORDS: usize>(&self, object: [u64; WORDS]) -> &[u64; WORDS] {
                self.alloc(object).into_ref()
            }

            #[inline(always)]
            fn put_bytes(&self, bytes: &[u8]) -> &[u8] {
                self.alloc_slice_copy(bytes).into_ref()
            }

            #[inline(always)]
            fn put_str(&self, text: &str) -> &str {
                self.alloc_str(text).into_ref()
            }

            fn drop_all(&mut self) {
                self.reset();
            }
        }
    )*};
}

bump_scope_in!(BumpScope, BumpScopeAligned, BumpScopeDown);
