//! The derive macro of `terrane_gc::Trace`.
//!
//! `terrane_gc` re-exports it; there is no other reason to depend on this crate. A type that may live in the collected
//! heap says where its references are. Written by hand that takes `unsafe`, and a mistake in it is a dangling
//! reference; derived, every mistake is an error of the compiler.
//!
//! ```
//! #![forbid(unsafe_code)]
//! use std::time::Instant;
//! use terrane_gc::{GcField, Heap, Trace};
//!
//! #[derive(Trace)]
//! struct Node<'h, 'm> {
//!     value: i64,
//!     next: GcField<'h, 'm, Node<'h, 'm>>,
//!     #[trace(skip)]
//!     born: Instant,
//! }
//!
//! let mut heap = Heap::new()?;
//! heap.enter(|mu| {
//!     let list = mu.alloc_local(|mu| Node {
//!         value: 1,
//!         next: mu.alloc(Node { value: 2, next: GcField::null(), born: Instant::now() }).into(),
//!         born: Instant::now(),
//!     });
//!     mu.collect_full();
//!     let first = list.get(mu);
//!     let second = first.next.get().expect("it was traced");
//!     assert_eq!((first.value, second.value), (1, 2));
//!     assert!(first.born >= second.born);
//! });
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What can be derived
//!
//! **Structs and enums** of every form; no unions and no packed types.
//!
//! **Lifetimes.** A type with references has two, by convention `<'h, 'm>`: the brand of the heap and the moment. All
//! references in it have these two, in this order. A type without references has none.
//!
//! **Type parameters** are traced: they may stand for types with references, and are bound by `Trace` in what is
//! generated. Bounds of the declaration are repeated for the type in every heap. So `T: PartialEq` demands that `T` is
//! comparable whatever its lifetimes, `T: 'static` that it holds no references; bounds on associated types
//! (`T::Item: Copy`) and on `Self` cannot be repeated and are refused, and so are fields of such types.
//! A parameter that never holds references can have any bounds: with `#[trace(skip)]` before it, it is `'static`,
//! the same in every heap, and not bound by `Trace`. A marker such as `PhantomData<T>` needs that as well.
//!
//! **Fields** are of types that implement `Trace`. A plain `&'m T` is refused: nobody would update it.
//!
//! **`Drop`** cannot be implemented for a type with lifetimes or traced parameters, since destructors run
//! after a collection, when what the references meant is gone. Fields without references may have destructors,
//! and so may types without references.
//!
//! # Attributes
//!
//! | attribute | on | meaning |
//! |---|---|---|
//! | `#[trace(skip)]` | a field | not traced; its type is `'static` and need not implement `Trace` |
//! | `#[trace(skip)]` | a type parameter | `'static`, the same in every heap, need not implement `Trace` |
//! | `#[trace(leaf)]` | a type | without references as a whole: `'static`, may be packed; nothing is asked of its fields |
//! | `#[trace(crate = path)]` | a type | where `Trace`, `InHeap`, `Shape` and `Tracer` are, if not in `::terrane_gc` |
//!
//! ```
//! use std::{collections::HashMap, hash::Hash, net::TcpStream};
//! use terrane_gc::{Gc, Trace};
//!
//! /// Owns what only a destructor can give back.
//! #[derive(Trace)]
//! #[trace(leaf)]
//! struct Connection(TcpStream);
//!
//! impl Drop for Connection {
//!     fn drop(&mut self) {
//!         // There is nobody to tell of an error.
//!         let _ = self.0.shutdown(std::net::Shutdown::Both);
//!     }
//! }
//!
//! /// Values by key: keys are hashed, so they hold no references.
//! #[derive(Trace)]
//! struct Table<'h, 'm, #[trace(skip)] K: Hash + Eq, V> {
//!     #[trace(skip)]
//!     index: HashMap<K, usize>,
//!     values: [Option<Gc<'h, 'm, V>>; 16],
//! }
//! ```
//!
//! # What is generated
//!
#![doc = include_str!("expansion.md")]
//!
//! # Why that is sound
//!
//! The contract of `Trace` has four clauses, and each is the compiler's to check:
//!
//! - *`At` is the same type but for the two lifetimes.* It is written so. That its *fields* follow, and with the
//!   lifetimes in their places, is what the function that is never called proves: the field `f: F` of `At` has exactly
//!   the type `<F as Trace>::At`. Where `'h` and `'m` are exchanged, or one is `'static`, or the type of a field comes
//!   from an associated type that might differ, the types differ. Types hidden behind aliases and macros
//!   are compared as the compiler sees them.
//! - *Every reference is traced, once.* The pattern in that function names all fields, so that one which was added
//!   later (by an attribute macro below the derive) is an error. What is skipped is `'static`, here and in every
//!   heap, so it has no reference to a collected object.
//! - *No destructor looks at a reference.* See the last block.
//! - *`trace` does not unwind, allocate or change the value.* It calls `trace` of the fields and nothing else.
//!
//! Slots are aligned, because packed types are refused: by name, and because the function above takes
//! references to fields.

#![forbid(unsafe_code)]

mod allowances;
#[cfg(test)]
mod any_input;
mod attributes;
mod bounds;
mod drop_guard;
mod expansion;
mod field_types;
mod input;
mod lifetimes;
mod names;
mod parameters;
mod same_fields;
mod shape;
mod spans;
mod trace_body;

/// Derives `terrane_gc::Trace`, and `InHeap` with it. See the [crate's documentation](crate).
///
/// # Errors
///
/// Whatever cannot be derived soundly is a compile error at the field, the parameter or the attribute in question.
#[proc_macro_derive(Trace, attributes(trace))]
pub fn derive_trace(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    expansion::expand(input.into()).into()
}
