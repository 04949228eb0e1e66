//! What programs are made of.

use std::cell::Cell;
use std::rc::Rc;

use terrane_gc::{Gc, GcArray, GcCell, GcField, Trace};

/// In place of an identity, where there is no object.
pub(super) const NONE: u64 = u64::MAX;

/// Links of a wide object.
pub(super) const WIDE_LINKS: usize = 30;

/// Counts the values that were made and not dropped yet.
#[derive(Debug)]
pub(super) struct Counted(Rc<Cell<i64>>);

impl Counted {
    pub(super) fn new(count: &Rc<Cell<i64>>) -> Self {
        count.set(count.get() + 1);
        Self(Rc::clone(count))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

/// An object that knows what it refers to.
#[derive(Trace)]
pub(super) struct Object<'h, 'm, const LINKS: usize, const WORDS: usize> {
    pub(super) id: u64,
    /// Made of the identity; never written.
    pattern: [u64; WORDS],
    pub(super) links: [GcField<'h, 'm, Narrow<'h, 'm>>; LINKS],
    pub(super) link_ids: [Cell<u64>; LINKS],
    pub(super) wide: GcField<'h, 'm, Wide<'h, 'm>>,
    pub(super) wide_id: Cell<u64>,
    pub(super) array: GcCell<Option<GcArray<'h, 'm, Element<'h, 'm>>>>,
    pub(super) array_len: Cell<usize>,
    /// What the weak map of arrays holds for the array.
    pub(super) array_note_id: Cell<u64>,
    /// What the weak map of narrow or wide objects holds for this one.
    pub(super) note_id: Cell<u64>,
    #[trace(skip)]
    #[allow(
        dead_code,
        reason = "dropped with the object; the fuzz targets, which use this file, allow it for all"
    )]
    counted: Option<Counted>,
}

/// Less than the barrier logs as a whole.
pub(super) type Narrow<'h, 'm> = Object<'h, 'm, 2, 1>;
/// More than that.
pub(super) type Wide<'h, 'm> = Object<'h, 'm, WIDE_LINKS, 40>;
pub(super) type NarrowStatic = Narrow<'static, 'static>;
pub(super) type WideStatic = Wide<'static, 'static>;

/// An element of an array, with the identity of what it refers to.
#[derive(Trace, Clone, Copy)]
pub(super) enum Element<'h, 'm> {
    Nothing,
    Number(u64),
    Narrow(u64, Gc<'h, 'm, Narrow<'h, 'm>>),
    Wide(Gc<'h, 'm, Wide<'h, 'm>>, u64),
}

pub(super) type ElementStatic = Element<'static, 'static>;

/// The number that an element may hold: it looks like an address with a tag.
pub(super) fn number(id: u64) -> u64 {
    id << 3 | 7
}

fn pattern(id: u64) -> u64 {
    id ^ 0x4142_4344_4546
}

impl<const LINKS: usize, const WORDS: usize> Object<'_, '_, LINKS, WORDS> {
    pub(super) fn new(id: u64, counted: Option<Counted>) -> Self {
        Self {
            id,
            pattern: [pattern(id); WORDS],
            links: [const { GcField::null() }; LINKS],
            link_ids: [const { Cell::new(NONE) }; LINKS],
            wide: GcField::null(),
            wide_id: Cell::new(NONE),
            array: GcCell::new(None),
            array_len: Cell::new(0),
            array_note_id: Cell::new(NONE),
            note_id: Cell::new(NONE),
            counted,
        }
    }

    /// Whether the words that are never written are those of birth.
    pub(super) fn is_whole(&self) -> bool {
        self.pattern.iter().all(|&word| word == pattern(self.id))
    }
}
