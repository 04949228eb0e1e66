//! No pool: a box each time.

use super::{
    object::Object,
    pools::{Pool, work},
};
use std::marker::PhantomData;

/// A new box of the global allocator each time.
pub(super) struct Boxes<O>(PhantomData<fn() -> O>);

impl<O: Object> Pool for Boxes<O> {
    type Object = O;

    fn open() -> Self {
        Self(PhantomData)
    }

    #[inline(always)]
    fn cycle(&self, value: u64) -> u64 {
        let mut object = Box::new(O::default());
        work(&mut *object, value)
    }
}
