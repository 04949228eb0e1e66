//! The raw tier: the collector without a safety net, for virtual machines, just-in-time compilers and the C
//! interface.
//!
//! An embedder describes its objects with an [`ObjectModel`], its roots with a [`RootSource`], and allocates
//! from a [`Heap`].
//!
//! # Zones
//!
//! | zone | objects are born there by | they leave it |
//! |---|---|---|
//! | frame region | the embedder's frame stack | when the frame is left, or moved to the old space by an evacuation |
//! | nursery | [`Heap::bump`], [`Heap::alloc`] | at the next collection, moved to the old space if live |
//! | arenas | the same while an arena is entered | when the arena is destroyed, moved to the old space if live |
//! | old space | promotion, [`Heap::alloc_pinned`] | swept by a full collection; in idle time they may move within it |
//! | large objects | [`Heap::alloc`] above [`SMALL_OBJECT_MAX`] | swept by a full collection; they never move |
//!
//! The first three make up the *young range*, one run of addresses, so that the write barrier's question "is
//! it young" is a subtraction and a comparison.
//!
//! # Collections
//!
//! *Minor* empties the nursery into the old space, in one pause. *Evacuate* empties the frame region as well (or one
//! arena, when it is destroyed). *Full* marks and sweeps the old space in place: by itself in slices of some 150 µs
//! between which the mutator and minor collections run (snapshot-at-the-beginning marking, see [`Heap::is_marking`] and
//! [`RootSource::snapshot_roots`]); on demand ([`Heap::collect`]), when memory runs short, and with
//! [`HeapConfig::incremental`] off, in one pause after a minor collection. Slices run when an allocation finds the
//! window's limit, which is lowered for their sake, and in idle time ([`Heap::step`]).
//!
//! In idle time, if the source [follows](RootSource::FOLLOWS_OLD_MOVES), a full collection also moves what lives in sparsely used
//! chunks elsewhere, a few blocks in each slice, and the chunks are given back. What is pinned stays; and so does what the mutator
//! stores references to in between.
//!
//! Two things are not done in slices: the frame region and the arenas are scanned whole when a cycle begins, and when
//! the mark stack overflows all marked objects are scanned again at once.
//!
//! # Rules for the embedder
//!
//! - Every reference that must survive a call with a `RootSource` is visited by that source, which then holds
//!   the new address.
//! - Objects are initialised before the next such call.
//! - Every store into a slot of an initialised object goes through [`Heap::write`] (or is announced to
//!   [`Heap::record`]), whatever is stored: while marking, what is overwritten counts, and until old objects have been
//!   moved, what is stored does.
//! - Only roots and frame objects refer to frame objects.
//!
//! # Weak processing
//!
//! Weak references, weak maps and finalizers belong to the embedder; the collector tells it what died. Near its end a
//! collection calls [`RootSource::revive_young`] and [`RootSource::clear_young`] for what lay in the zones that it
//! empties, and a full collection [`RootSource::revive_old`] and [`RootSource::clear_old`] for the old space and the
//! large objects. In *revive* the source may keep objects that were not reached ([`Keeper`]: finalizers, values of
//! ephemerons); in *clear* liveness is final ([`Liveness`]), and it clears weak references to what died. In this order
//! no weak reference outlives its object, and none is cleared whose object a finalizer brings back (Jones, Hosking &
//! Moss, *The Garbage Collection Handbook*, §12.1). The old space's hooks work in slices ([`WorkBudget`],
//! [`Progress`]), so that a table of ten million entries does not become one pause.
//!
//! What a hook may do:
//!
//! - ask about, and keep, valid words: immediates, and references to objects that no clear hook has found dead, at the
//!   address that the hooks last told;
//! - read objects, dead ones included, and change memory of its own outside the heap;
//! - in a clear hook, write slots of *live* objects by plain stores, if it stores nothing but immediates or what
//!   [`Liveness::survivor`] has just answered for what the slot held;
//! - not: call into the heap, unwind, or change in any other way what is reachable.
//!
//! # Addresses
//!
//! A reference is a number, so the collector turns numbers into pointers: it relies on *exposed provenance*. Every
//! range that objects lie in is exposed (`as usize`) when the heap gets it, and embedders expose the pointers that
//! they make references of. Memory from a page source is initialised (zero) from the start.
//!
//! # Example
//!
//! A runtime whose only objects are pairs without a header. Tag 1 in the low bits is a reference, everything else an
//! immediate; 5 marks what was moved.
//!
//! ```
//! use terrane_gc::raw::{CollectionKind, Heap, HeapConfig, ObjectModel, RootScope, RootSource, Word};
//!
//! struct Pairs;
//!
//! // SAFETY: tag and size of a pair are as the functions say, and tag 5 is used for nothing else.
//! unsafe impl ObjectModel for Pairs {
//!     fn address(word: Word) -> Option<usize> { (word.0 & 7 == 1).then_some(word.0 as usize & !7) }
//!     fn with_address(_: Word, address: usize) -> Word { Word(address as u64 | 1) }
//!     unsafe fn size(_: Word) -> usize { 16 }
//!     unsafe fn visit_slots<F: FnMut(*mut Word)>(word: Word, mut visit: F) {
//!         let pair = (word.0 & !7) as *mut Word;
//!         visit(pair);
//!         visit(pair.wrapping_add(1));
//!     }
//!     unsafe fn visit_slots_within<F: FnMut(*mut Word)>(word: Word, start: usize, end: usize, mut visit: F) {
//!         let within = |slot: *mut Word| (start..end).contains(&(slot as usize));
//!         // SAFETY: the caller's promise.
//!         unsafe { Self::visit_slots(word, |slot| if within(slot) { visit(slot) }) }
//!     }
//!     unsafe fn word_at(address: usize) -> Word { Word(address as u64 | 1) }
//!     fn forwarding(address: usize) -> Word { Word(address as u64 | 5) }
//!     fn forwarded(first: Word) -> Option<usize> { (first.0 & 7 == 5).then_some(first.0 as usize & !7) }
//! }
//!
//! struct Roots { list: Word, frame_base: usize }
//!
//! // SAFETY: `list` is the only reference that is kept, and the frame region is not used.
//! unsafe impl RootSource for Roots {
//!     fn visit_roots<F: FnMut(&mut Word)>(&mut self, _: RootScope, mut visit: F) { visit(&mut self.list) }
//!     fn frame_top(&self) -> usize { self.frame_base }
//!     fn frames_evacuated(&mut self) {}
//!     fn collected(&mut self) {}
//! }
//!
//! let mut heap = Heap::<Pairs>::new(HeapConfig::new())?;
//! let mut roots = Roots { list: Word(0), frame_base: heap.frame_region().0.as_ptr() as usize };
//! for i in 0..100_000 {
//!     let room = match heap.bump(16) {
//!         Some(room) => room,
//!         None => heap.alloc(16, &mut roots)?,
//!     };
//!     let pair = room.as_ptr().cast::<Word>();
//!     // SAFETY: room for two words.
//!     unsafe {
//!         pair.write(Word(i << 3));
//!         pair.add(1).write(roots.list);
//!     }
//!     roots.list = Word(pair as u64 | 1);
//! }
//! roots.list = Word(0);
//! let record = heap.collect(CollectionKind::Full, &mut roots)?;
//! assert_eq!(record.live_bytes, 0);
//! assert_eq!(heap.stats().nursery.bytes_total, 1_600_000);
//! # Ok::<(), terrane_base::MemoryError>(())
//! ```
//!
//! # Limits of the design
//!
//! **No collection can fail or allocate midway:** free blocks for everything that could be promoted are held
//! in advance and count against the limit. **Memory running out is an error, never an abort,** and the heap
//! is usable afterwards.

mod arena;
mod arena_lifecycle;
mod barrier;
mod card;
mod clock;
mod collect;
mod config;
mod cycle;
mod defragment;
mod direct;
pub(crate) mod errors;
mod evacuate;
mod exhaustion;
mod external;
mod growth;
mod heap;
mod histogram;
mod large;
mod mark;
mod mark_sweep;
mod model;
mod old_space;
mod pace;
mod pin;
pub(crate) mod prefetch;
mod pretenure;
mod record;
mod remembered;
mod reserve;
mod roots;
mod slice;
mod spare_chunks;
mod stats;
mod stress;
mod verify;
mod weak;
mod word;
mod work_stack;
mod young;
mod young_log;

pub use arena::{ArenaError, ArenaId, ArenaSummary};
pub use card::CARD_SIZE;
pub use clock::{Clock, default_clock};
pub use config::HeapConfig;
pub use heap::Heap;
pub use histogram::PauseHistogram;
pub use large::{LARGE_OBJECT_MAX, LARGE_OBJECT_MIN};
pub use model::ObjectModel;
pub use old_space::block::SMALL_OBJECT_MAX;
pub use pretenure::Pretenuring;
pub use record::{CollectionCause, CollectionKind, CollectionRecord};
pub use remembered::WHOLE_LOG_MAX;
pub use roots::{RootScope, RootSource};
pub use stats::{CollectionStats, HeapStats, ZoneStats};
pub use verify::{Corruption, CorruptionKind};
pub use weak::{Keeper, Liveness, Progress, WorkBudget};
pub use word::{WORD_BYTES, Word};
