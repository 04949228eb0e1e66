//! The raw tier: the collector without a safety net, for virtual machines, just-in-time compilers and the C interface.
//!
//! An embedder describes its objects with an [`ObjectModel`], its roots with a [`RootSource`], and allocates from a [`Heap`].
//!
//! # Zones
//!
//! | zone | objects are born there by | they leave it |
//! |---|---|---|
//! | frame region | the embedder's frame stack | when the frame is left, or moved to the old space by an evacuation |
//! | nursery | [`Heap::bump`], [`Heap::alloc`] | at the next collection, moved to the old space if live |
//! | arenas | the same while an arena is entered | when the arena is destroyed, moved to the old space if live |
//! | old space | promotion only | swept by a full collection |
//! | large objects | [`Heap::alloc`] above [`SMALL_OBJECT_MAX`] | swept by a full collection; they never move |
//!
//! The first three make up the *young range*, one run of addresses, so that the write barrier's question "is it young" is a subtraction
//! and a comparison.
//!
//! # Collections
//!
//! *Minor* empties the nursery into the old space. *Evacuate* empties the frame region as well (or one arena, when it is
//! destroyed). *Full* is a minor collection followed by marking and sweeping the old space in place. All stop the mutator.
//!
//! # Rules for the embedder
//!
//! - Every reference that must survive a call with a `RootSource` is visited by that source, which then holds the new address.
//! - Objects are initialised before the next such call.
//! - Stores of references into initialised objects go through [`Heap::write`].
//! - Only roots and frame objects refer to frame objects.
//!
//! # Limits of the design
//!
//! **No collection can fail or allocate midway:** free blocks for everything that could be promoted are held in advance and count
//! against the limit. **Memory running out is an error, never an abort,** and the heap is usable afterwards.

mod arena;
mod arena_lifecycle;
mod barrier;
mod clock;
mod collect;
mod config;
mod errors;
mod evacuate;
mod exhaustion;
mod heap;
mod large;
mod mark;
mod model;
mod old_space;
mod record;
mod remembered;
mod reserve;
mod roots;
mod sizing;
mod stats;
mod stress;
mod verify;
mod word;
mod work_stack;
mod young;
mod young_log;

pub use arena::{ArenaError, ArenaId, ArenaSummary};
pub use clock::{Clock, default_clock};
pub use config::HeapConfig;
pub use heap::Heap;
pub use large::{LARGE_OBJECT_MAX, LARGE_OBJECT_MIN};
pub use model::ObjectModel;
pub use old_space::block::SMALL_OBJECT_MAX;
pub use record::{CollectionCause, CollectionKind, CollectionRecord};
pub use remembered::{CARD_SIZE, WHOLE_LOG_MAX};
pub use roots::{RootScope, RootSource};
pub use stats::{CollectionStats, HeapStats, ZoneStats};
pub use verify::{Corruption, CorruptionKind};
pub use word::{WORD_BYTES, Word};
