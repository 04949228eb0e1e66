//! What is pooled.

use std::mem::MaybeUninit;
use terrane_pool::Poolable;

/// An object with a word to write. A contender that has no pool makes one each time.
pub(super) trait Object: Poolable + Default + Send + 'static {
    /// What of it is in the names of rows.
    const NAME: &'static str;

    /// How often it is taken and given back in a turn of the measurement.
    const CYCLES: u32;

    fn word(&mut self) -> &mut u64;
}

/// Plain memory of some words, of which one is used. Nothing is done when it comes back, and the others are not even
/// cleared when it is made.
#[derive(Debug)]
pub(super) struct Plain<const REST: usize> {
    word: u64,
    _rest: [MaybeUninit<u64>; REST],
}

/// 64 bytes.
pub(super) type Small = Plain<7>;
/// 4 KiB.
pub(super) type Page = Plain<511>;

impl<const REST: usize> Default for Plain<REST> {
    #[inline(always)]
    fn default() -> Self {
        Self { word: 0, _rest: [MaybeUninit::uninit(); REST] }
    }
}

impl<const REST: usize> Poolable for Plain<REST> {
    fn create() -> Self {
        Self::default()
    }

    #[inline(always)]
    fn reset(&mut self) {}
}

impl<const REST: usize> Object for Plain<REST> {
    const NAME: &'static str = if REST == 7 { "64" } else { "4096" };
    // Pools that keep objects in place move them.
    const CYCLES: u32 = if REST == 7 { 200_000 } else { 20_000 };

    #[inline(always)]
    fn word(&mut self) -> &mut u64 {
        &mut self.word
    }
}

/// An object with a table of 512 words, each of which depends on the one before.
#[derive(Debug)]
pub(super) struct Costly {
    word: u64,
    table: Box<[u64; 512]>,
}

impl Default for Costly {
    fn default() -> Self {
        let mut state = 1_u64;
        let mut table = Box::new([0; 512]);
        for place in table.iter_mut() {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            *place = state;
        }
        Self { word: table[511] & 1, table }
    }
}

impl Poolable for Costly {
    fn create() -> Self {
        Self::default()
    }

    #[inline(always)]
    fn reset(&mut self) {
        self.word = self.table[0] & 1;
    }
}

impl Object for Costly {
    const NAME: &'static str = "costly";
    // A box is made each time.
    const CYCLES: u32 = 2_000;

    #[inline(always)]
    fn word(&mut self) -> &mut u64 {
        &mut self.word
    }
}
