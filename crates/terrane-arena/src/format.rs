//! `format!` into an arena.

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
