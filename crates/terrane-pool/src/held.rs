//! An object while foreign code works on it.

use alloc::boxed::Box;
#[cfg(feature = "std")]
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::{Poolable, node::Node};

/// A pool that can drop an object which has no place in it.
pub(crate) trait Keeper<T> {
    /// Drops the object; it is counted and charged no more.
    fn dispose(&self, node: Box<Node<T>>);
}

/// An object at the mercy of foreign code: unless it is kept, because that panicked or came to the conclusion, it is disposed of.
pub(crate) struct Held<'a, T, K: Keeper<T>> {
    keeper: &'a K,
    /// `None` when it was kept.
    node: Option<Box<Node<T>>>,
}

/// Only `keep` takes it, which ends the value; the compiler sees that and leaves the test out.
const HELD: &str = "it is held until it is kept";

impl<'a, T, K: Keeper<T>> Held<'a, T, K> {
    #[inline(always)]
    pub(crate) fn new(keeper: &'a K, node: Box<Node<T>>) -> Self {
        Self { keeper, node: Some(node) }
    }

    #[inline(always)]
    pub(crate) fn node(&mut self) -> &mut Node<T> {
        self.node.as_mut().expect(HELD)
    }

    #[inline(always)]
    pub(crate) fn keep(mut self) -> Box<Node<T>> {
        self.node.take().expect(HELD)
    }
}

impl<T, K: Keeper<T>> Drop for Held<'_, T, K> {
    #[inline(always)]
    fn drop(&mut self) {
        if let Some(node) = self.node.take() {
            dispose(self.keeper, node);
        }
    }
}

#[cold]
#[inline(never)]
fn dispose<T, K: Keeper<T>>(keeper: &K, node: Box<Node<T>>) {
    keeper.dispose(node);
}

/// Asks the object whether it can be used again; one that cannot is disposed of.
pub(crate) fn if_valid<T: Poolable, K: Keeper<T>>(keeper: &K, node: Box<Node<T>>) -> Option<Box<Node<T>>> {
    let mut held = Held::new(keeper, node);
    if held.node().value.validate() { Some(held.keep()) } else { None }
}

/// What came out of a panic.
#[cfg(feature = "std")]
type Payload = Box<dyn core::any::Any + Send>;

/// Drops what came out of a panic, where that is the end of it.
#[cfg(feature = "std")]
pub(crate) fn discard(payload: Payload) {
    if let Err(again) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        // There has to be an end.
        core::mem::forget(again);
    }
}

/// Drops objects that are counted no more, all of them: a destructor that panics keeps none of the others from being dropped. The
/// answer is what the first panic left.
#[cfg(feature = "std")]
fn drop_each<V>(values: impl IntoIterator<Item = V>) -> Result<(), Payload> {
    let mut first = Ok(());
    for value in values {
        match (catch_unwind(AssertUnwindSafe(|| drop(value))), &first) {
            (Err(payload), Ok(())) => first = Err(payload),
            (Err(payload), Err(_)) => discard(payload),
            (Ok(()), _) => {}
        }
    }
    first
}

/// The same, and the panic goes on in the end. (Without `std`, two of them end the program.)
pub(crate) fn drop_all<V>(values: impl IntoIterator<Item = V>) {
    #[cfg(feature = "std")]
    if let Err(payload) = drop_each(values) {
        std::panic::resume_unwind(payload);
    }
    #[cfg(not(feature = "std"))]
    values.into_iter().for_each(drop);
}

/// The same, where nobody is to be bothered with the panic: who needs the memory knows nothing of the pool.
#[cfg(feature = "std")]
pub(crate) fn drop_quietly<V>(values: impl IntoIterator<Item = V>) {
    if let Err(payload) = drop_each(values) {
        discard(payload);
    }
}
