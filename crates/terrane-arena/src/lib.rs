//! Bump arenas, checkpoints and frame stacks.
//!
//! | Concept | Types |
//! |---|---|
//! | allocate by moving a cursor, give everything back at once | [`Arena`], [`ArenaStrategy`], [`ArenaStats`] |
//! | a part that goes away together, nested | [`Frame`], [`FrameGuard`], [`Arena::scope`] |
//! | go back to an earlier state | [`Checkpoint`], [`CheckpointError`] |
//! | grow, own, drop what lies in an arena | [`ArenaVec`], [`ArenaBox`], [`TypedArena`], [`format_in!`] |
//! | many threads, one thread | [`ConcurrentArena`], [`LocalArena`] |
//! | buffers that own their memory, dropped in any order | `BufferArena` (feature `std`) |
//! | last in, first out, a few bytes | [`StackArena`] |
//! | one contiguous range, committed as it grows | [`RangeArena`], [`RangeConfig`] |
//! | one arena for each activation of a guest language, over foreign memory | [`FrameStack`], [`FrameStats`] |
//!
//! An allocation is a subtraction, a compare and a store; the address of a small type needs no more than that. A function that
//! has an arena to itself (as a local variable or by `&mut`) keeps the cursor in a register; one that shares it by `&`
//! loads it for each value. In a [`scope`](Arena::scope) the compare and the store go too.
//!
//! An arena is the wrong tool where values die one by one at different times and the rest lives on:
//! [`when_not_to_use_an_arena`].
//!
//! Features: `os` (default) takes pages from the operating system, `std` brings thread-locals, `allocator-api2` makes `&Arena`
//! an allocator for collections. Built with `-Zsanitizer=address` on a nightly compiler, the arenas tell AddressSanitizer which
//! bytes hold values.
//!
//! The crate is `no_std` (with `alloc`), and depends on nothing outside of Terrane.
//!
//! ```
//! use terrane_arena::Arena;
//!
//! struct Node<'a> {
//!     value: u32,
//!     next: Option<&'a Node<'a>>,
//! }
//!
//! let arena = Arena::new();
//! let mut list: Option<&Node> = None;
//! for value in 0..10 {
//!     list = Some(arena.alloc(Node { value, next: list }));
//! }
//! let sum: u32 = std::iter::successors(list, |node| node.next).map(|node| node.value).sum();
//! assert_eq!(sum, 45);
//! ```

#![no_std]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

#[cfg(feature = "allocator-api2")]
mod allocator;
mod arena;
mod block;
mod block_chain;
mod boxed;
mod buffer;
#[cfg(feature = "std")]
mod buffer_arena;
mod bump;
mod bumping;
mod checkpoint;
mod concurrent;
mod construct;
mod counting;
mod entry;
mod exclusive_vec;
mod format;
mod frame;
mod frame_stack;
mod going_back;
mod inspect;
mod local;
mod low_end;
mod methods;
mod range;
mod refusal;
mod resize;
mod serving;
mod shadow;
mod stack;
mod state;
mod stats;
mod strategy;
mod stretch;
mod sync;
mod typed;
mod vec;

pub use arena::Arena;
pub use boxed::ArenaBox;
#[cfg(feature = "std")]
pub use buffer_arena::{ArenaBuffer, BufferArena};
pub use checkpoint::{Checkpoint, CheckpointError};
pub use concurrent::{ConcurrentArena, Local};
pub use counting::{Counted, Counting, Uncounted};
pub use frame::{Frame, FrameGuard};
pub use frame_stack::{FrameStack, FrameStats};
pub use local::LocalArena;
pub use range::{HugeRequest, RangeArena, RangeConfig};
pub use stack::{StackArena, StackBox, StackMarker, StaleMarker};
pub use stats::ArenaStats;
pub use strategy::{ArenaStrategy, Growth, Overflow};
pub use terrane_base::{Budget, Bytes, MemoryError};
pub use terrane_pages::HugePages;
pub use typed::TypedArena;
pub use vec::ArenaVec;

#[doc = include_str!("../docs/when-not-to-use-an-arena.md")]
pub mod when_not_to_use_an_arena {}
