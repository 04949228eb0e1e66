//! Aurora: a Scheme whose compiler decides which allocation goes to which memory zone.
//!
//! ```text
//! source → syntax (reader) → expand → core (scopes, loops) → placement (escape analysis)
//!        → ir (allocations and frames explicit) → bytecode → vm, on the heap of terrane-gc
//! ```
//!
//! An object whose references all die with a procedure call, or with one turn of a loop, is bumped into
//! that call's *frame arena* and freed with it. Everything else goes to the collected heap, or to an arena
//! that the program made. [`explain`] says which is which, and why; [`Engine::report`] says what it came to.
//!
//! ```
//! use aurora::{Engine, Options, Source};
//!
//! let program = Source::new("sum.scm", "
//!   (define (distance x y)
//!     (let ((p (cons x y)))            ; p never leaves: a frame's pair
//!       (+ (car p) (cdr p))))
//!   (if (not (= (distance 3 4) 7)) (error \"wrong\"))
//! ");
//! Engine::new(Options::default())?.run(&program)?;
//! # Ok::<(), aurora::Failure>(())
//! ```

#![deny(unsafe_code)]

mod bytecode;
mod core;
mod diagnostic;
mod engine;
mod expand;
mod explain;
mod heap;
mod ir;
mod nearest;
mod placement;
mod primitive;
mod report;
mod source;
mod syntax;
mod vm;

pub use diagnostic::{Diagnostic, Failure, Label, Severity};
pub use engine::{Engine, Options};
pub use explain::{SitePlacement, explain, intermediate_text};
pub use placement::Zone;
pub use report::{ArenaReport, CollectionReport, Reconcile, Report, SiteReport, ZoneReport};
pub use source::Source;
pub use terrane_gc::raw::CollectionRecord;
