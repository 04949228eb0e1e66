//! Type parameters, traced and skipped, with bounds.
#![forbid(unsafe_code)]
#![deny(missing_docs, warnings, unused, clippy::all, clippy::pedantic, clippy::nursery)]
#![allow(dead_code, clippy::use_self, clippy::extra_unused_lifetimes, clippy::missing_const_for_fn)]

use std::collections::HashMap;
use std::fmt::Debug;
use std::hash::Hash;

use terrane_gc::{GcField, InHeap, Leaf, Shape, Trace};

#[derive(Trace)]
struct Plain<T>(T);

#[derive(Trace)]
struct Linked<'h, 'm, T: Trace, const N: usize = 2> {
    values: [T; N],
    next: GcField<'h, 'm, Linked<'h, 'm, T, N>>,
}

#[derive(Trace)]
struct Bounded<T: Trace + PartialEq + Debug>(T);

#[derive(Trace)]
struct Where<'h, 'm, A, B = u8>
where
    A: Trace + PartialEq<B> + for<'a> PartialEq<&'a str>,
    for<'a> B: Trace + Into<Option<u8>> + ForAny<'a>,
    Vec<A>: Clone,
    u8: Copy,
{
    one: A,
    other: GcField<'h, 'm, B>,
}

trait ForAny<'a> {}
impl<T> ForAny<'_> for T {}

#[derive(Trace)]
struct Nested<T: Trace + PartialEq + Debug>(Bounded<T>, Option<T>);

#[derive(Trace)]
struct Table<#[trace(skip)] K: Hash + Eq, V, #[trace(skip)] S = u8> {
    #[trace(skip)]
    index: HashMap<K, usize>,
    values: [V; 4],
    seed: Leaf<S>,
}

#[derive(Trace)]
struct Id<#[trace(skip)] T>(u32, std::marker::PhantomData<T>);

impl<T> Drop for Id<T> {
    fn drop(&mut self) {}
}

#[derive(Clone, PartialEq, Debug)]
struct Text;
impl PartialEq<u8> for Text {
    fn eq(&self, _: &u8) -> bool {
        false
    }
}
impl PartialEq<&str> for Text {
    fn eq(&self, _: &&str) -> bool {
        false
    }
}
#[derive(Trace, PartialEq, Debug)]
struct Copied<'h, 'm>(Option<Same<'h, 'm>>);

#[derive(Trace)]
struct Same<'h, 'm>(GcField<'h, 'm, u8>);

impl PartialEq for Same<'_, '_> {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Debug for Same<'_, '_> {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        Ok(())
    }
}

#[derive(Trace)]
#[trace(leaf)]
struct TextLeaf(Text);
impl PartialEq<u8> for TextLeaf {
    fn eq(&self, _: &u8) -> bool {
        false
    }
}
impl PartialEq<&str> for TextLeaf {
    fn eq(&self, _: &&str) -> bool {
        false
    }
}
impl Clone for TextLeaf {
    fn clone(&self) -> Self {
        Self(Text)
    }
}

fn shape<T: Trace>(_: impl FnOnce(&T)) -> Shape {
    let same = std::mem::size_of::<T>() == std::mem::size_of::<T::At<'static, 'static>>();
    assert!(same);
    T::SHAPE
}

fn anywhere<'h, 'm>() {
    assert_eq!(shape::<Plain<u8>>(|_| ()), Shape::LEAF);
    assert_eq!(shape::<Plain<GcField<'h, 'm, u8>>>(|_| ()), Shape::Words(1));
    assert_eq!(shape::<Bounded<u8>>(|_| ()), Shape::LEAF);
    assert_eq!(shape::<Bounded<Copied<'h, 'm>>>(|_| ()), Shape::Dynamic);
    assert_eq!(shape::<Nested<Copied<'h, 'm>>>(|_| ()), Shape::Dynamic);
    assert!(!shape::<Table<String, GcField<'h, 'm, u8>>>(|_| ()).is_leaf());
    assert_eq!(shape::<Id<Text>>(|_| ()), Shape::LEAF);
    assert_eq!(shape::<Where<'h, 'm, TextLeaf>>(|_| ()), Shape::Words(1));
    assert!(!shape::<Linked<'h, 'm, Linked<'h, 'm, u8>, 3>>(|_| ()).is_leaf());
    inner::<u8>();
    inner::<Same<'h, 'm>>();
}

fn in_heap<'h, 'm, T: InHeap<'h, 'm>>() {}

fn of_this_heap<'h, 'm>() {
    in_heap::<'h, 'm, Plain<u8>>();
    in_heap::<'h, 'm, Nested<Copied<'h, 'm>>>();
    in_heap::<'h, 'm, Table<String, GcField<'h, 'm, u8>>>();
    in_heap::<'h, 'm, Linked<'h, 'm, GcField<'h, 'm, u8>>>();
    in_heap::<'h, 'm, Where<'h, 'm, TextLeaf>>();
    in_heap::<'h, 'm, TextLeaf>();
    in_heap::<'h, 'm, Id<Text>>();
}

fn inner<T: Trace>() {
    shape::<Plain<T>>(|_| ());
    shape::<Linked<'_, '_, T>>(|_| ());
}

fn main() {
    anywhere();
    of_this_heap();
}
