//! What a person writes who needs a pool for one thread: boxes in a vector, which is a thread-local.

use super::{
    object::{Costly, Object, Page, Small},
    pools::{Pool, work},
};
use std::{
    cell::{Cell, RefCell},
    marker::PhantomData,
    thread::LocalKey,
};

/// An object that has a thread-local vector, a checked one and one that is taken out and put back.
pub(super) trait HasVector: Object {
    fn checked() -> &'static LocalKey<RefCell<Vec<Box<Self>>>>;
    fn taken() -> &'static LocalKey<Cell<Vec<Box<Self>>>>;
}

macro_rules! vectors {
    ($($object:ty),*) => {$(
        impl HasVector for $object {
            fn checked() -> &'static LocalKey<RefCell<Vec<Box<Self>>>> {
                thread_local!(static VECTOR: RefCell<Vec<Box<$object>>> = const { RefCell::new(Vec::new()) });
                &VECTOR
            }

            fn taken() -> &'static LocalKey<Cell<Vec<Box<Self>>>> {
                thread_local!(static VECTOR: Cell<Vec<Box<$object>>> = const { Cell::new(Vec::new()) });
                &VECTOR
            }
        }
    )*};
}

vectors!(Small, Page, Costly);

/// In a `RefCell`.
pub(super) struct Checked<O>(PhantomData<fn() -> O>);

impl<O: HasVector> Pool for Checked<O> {
    type Object = O;

    fn open() -> Self {
        Self(PhantomData)
    }

    #[inline(always)]
    fn cycle(&self, value: u64) -> u64 {
        let idle = O::checked().with(|vector| vector.borrow_mut().pop());
        let mut object = idle.unwrap_or_else(|| Box::new(O::default()));
        let result = work(&mut *object, value);
        O::checked().with(|vector| vector.borrow_mut().push(object));
        result
    }
}

/// In a `Cell`, taken out for each step.
pub(super) struct Taken<O>(PhantomData<fn() -> O>);

impl<O: HasVector> Pool for Taken<O> {
    type Object = O;

    fn open() -> Self {
        Self(PhantomData)
    }

    #[inline(always)]
    fn cycle(&self, value: u64) -> u64 {
        let step = |step: &mut dyn FnMut(&mut Vec<Box<O>>)| {
            O::taken().with(|cell| {
                let mut vector = cell.take();
                step(&mut vector);
                cell.set(vector);
            });
        };
        let mut idle = None;
        step(&mut |vector| idle = vector.pop());
        let mut object = Some(idle.unwrap_or_else(|| Box::new(O::default())));
        let result = object.as_mut().map_or(0, |object| work(&mut **object, value));
        step(&mut |vector| vector.extend(object.take()));
        result
    }
}
