//! `format!` into an arena.

use crate::bump::Bump;
use crate::vec::ArenaVec;
use core::fmt;
use terrane_base::MemoryError;

/// Formats text into an arena, a frame, or whatever else has the method `alloc_fmt`. Gives a `&mut str`.
///
/// ```
/// use terrane_arena::{Arena, format_in};
///
/// let arena = Arena::new();
/// let (zone, bytes) = ("nursery", 64);
/// let line: &mut str = format_in!(arena, "{zone}: {bytes} B");
/// assert_eq!(line, "nursery: 64 B");
/// ```
///
/// # Panics
///
/// If no block is to be had, or a formatted value reports an error.
#[macro_export]
macro_rules! format_in {
    ($arena:expr, $($text:tt)+) => {
        $arena.alloc_fmt(::core::format_args!($($text)+))
    };
}

/// Formats text into an arena, a frame, or whatever else has the method `try_alloc_fmt`. Gives a
/// `Result<&mut str, MemoryError>`.
///
/// ```
/// use terrane_arena::{Arena, Bytes, try_format_in};
///
/// let arena = Arena::new().with_limit(Bytes::ZERO);
/// assert!(try_format_in!(arena, "{}", 7).is_err());
/// ```
///
/// # Panics
///
/// If a formatted value reports an error.
#[macro_export]
macro_rules! try_format_in {
    ($arena:expr, $($text:tt)+) => {
        $arena.try_alloc_fmt(::core::format_args!($($text)+))
    };
}

/// Text that is being formatted into an arena, and the refusal that stopped it, if any.
pub(crate) struct ArenaText<'a, R: Bump> {
    pub(crate) bytes: ArenaVec<'a, u8, R>,
    pub(crate) refused: Option<MemoryError>,
}

impl<R: Bump> fmt::Write for ArenaText<'_, R> {
    #[inline]
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.bytes.try_extend_from_slice(text.as_bytes()).map_err(|error| {
            self.refused = Some(error);
            fmt::Error
        })
    }
}
