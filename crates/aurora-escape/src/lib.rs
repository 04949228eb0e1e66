//! Escape analysis: which allocation can live in the frame of its scope, and why another cannot.
//!
//! A compiler describes its program as a [`Graph`]: procedures and loops are *scopes*, variables and allocation
//! *sites* are *locations*, and every assignment, load, store and call is a flow between locations.
//! [`Graph::analyse`] answers for each site whether its objects may be freed when the scope around the site is left
//! ([`Placement::Frame`]), and otherwise by which path they outlive it ([`Analysis::explain`]).
//!
//! # The method
//!
//! The idea of a location graph whose edges carry *dereference counts* is that of the escape analysis in the Go
//! compiler (`cmd/compile/internal/escape`): `to = from` counts 0, a load `to = *from` counts 1, taking the address
//! of an object counts −1. A path with the sum −1 from a site to a place that lives longer is an escape. Sums never
//! sink below −1: an object that holds the address of another makes whatever reaches the first reach the second.
//!
//! Calls are solved by summaries (M. Sharir, A. Pnueli: *Two Approaches to Interprocedural Data Flow Analysis*, 1981,
//! the functional approach): per parameter, the lowest count with which it reaches the heap, the result, or the
//! contents of a parameter. Summaries grow together with the rest in one monotone fixpoint over the whole program, so
//! recursion needs no case of its own and gets the same precision as any call. See the module `solver` for the
//! propagation and for the argument why activations of one procedure can share their locations.
//!
//! # What it does not see
//!
//! The order of statements, and which branch is taken. A store through a pointer that may refer to more than one object lets the
//! value escape. All objects of a site go to one place: its own scope, never that of a caller or a loop further out.
//! Dereferences beyond the seventh are counted as the seventh. A tail call into a procedure defined inside the caller
//! moves to the heap whatever variables visible there refer to. Each of these errs towards the heap.
//!
//! # Example
//!
//! ```
//! use aurora_escape::{EscapeReason, Graph, Note, Placement, Reason};
//!
//! // (define (f) (let ((kept (cons 1 2)) (lost (cons 3 4))) (set! global lost) (car kept)))
//! let mut graph = Graph::new();
//! let f = graph.procedure(None, 0);
//! let body = graph.body(f);
//! let (kept, lost) = (graph.variable(body), graph.variable(body));
//! let (first, second) = (graph.site(body, true, Note(1)), graph.site(body, true, Note(2)));
//! graph.address(first, kept, Note(1));
//! graph.address(second, lost, Note(2));
//! graph.escape(lost, EscapeReason::Global, Note(3));
//! graph.load(kept, graph.result(f), Note(4));
//!
//! let analysis = graph.analyse();
//! assert_eq!(analysis.placement(first), Placement::Frame(body));
//! assert_eq!(analysis.placement(second), Placement::Heap);
//! let path = analysis.explain(second);
//! assert_eq!(path.last().unwrap().reason, Reason::Escape(EscapeReason::Global));
//! assert_eq!(path.last().unwrap().note, Note(3));
//! ```

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod analysis;
mod constraints;
mod edges;
mod explain;
mod graph;
mod ids;
mod origin;
mod reason;
mod scopes;
mod solver;
mod summary;

pub use analysis::{Analysis, Placement};
pub use graph::Graph;
pub use ids::{LocationId, Note, ProcedureId, ScopeId};
pub use reason::{EscapeReason, Reason, Step};
pub use scopes::ScopeKind;
pub use summary::Summary;
