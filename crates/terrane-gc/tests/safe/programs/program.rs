//! A program that runs.

use std::cell::Cell;
use std::rc::Rc;

use terrane_base::MemoryError;
use terrane_gc::{FinalizerQueue, Local, Mutator, Pinned, Root, Weak, WeakMap};

use super::Allocations;
use super::object::{
    Counted, Element, ElementStatic, NONE, Narrow, NarrowStatic, Object, Wide, WideStatic, number,
};
use super::step::{Birth, CollectStep, HoldStep, MapStep, NewElement, ROOTS, Step};

/// Handles of each kind that a program keeps at most.
const WEAK_MAX: usize = 60;
const PERSISTENT_MAX: usize = 12;
const PINS_MAX: usize = 6;

pub(super) struct Program<'h, 's> {
    pub(super) narrow: Vec<Local<'h, 's, NarrowStatic>>,
    pub(super) wide: Vec<Local<'h, 's, WideStatic>>,
    pub(super) maps: Maps,
    pub(super) holds: Holds,
    next_id: u64,
    counted: Rc<Cell<i64>>,
    allocations: Allocations,
}

/// What they hold of an object, the object knows.
pub(super) struct Maps {
    pub(super) narrow: WeakMap<NarrowStatic, WideStatic>,
    pub(super) wide: WeakMap<WideStatic, NarrowStatic>,
    pub(super) arrays: WeakMap<terrane_gc::Array<ElementStatic>, NarrowStatic>,
    temporary: Option<WeakMap<WideStatic, WideStatic>>,
}

/// Handles besides roots in scopes, with the identity of what each refers to.
pub(super) struct Holds {
    pub(super) weak_narrow: Vec<(u64, Weak<NarrowStatic>)>,
    pub(super) weak_wide: Vec<(u64, Weak<WideStatic>)>,
    pub(super) roots: Vec<(u64, Root<WideStatic>)>,
    pub(super) pins: Vec<Pin>,
    narrow_queue: FinalizerQueue<NarrowStatic>,
    wide_queue: FinalizerQueue<WideStatic>,
}

pub(super) struct Pin {
    pub(super) id: u64,
    pub(super) address: usize,
    pub(super) pinned: Pinned<WideStatic>,
}

impl<'h, 's> Program<'h, 's> {
    pub(super) fn new(mu: &mut Mutator<'h, 's>, counted: Rc<Cell<i64>>) -> Self {
        let maps = Maps {
            narrow: WeakMap::new(mu),
            wide: WeakMap::new(mu),
            arrays: WeakMap::new(mu),
            temporary: None,
        };
        let holds = Holds {
            weak_narrow: Vec::new(),
            weak_wide: Vec::new(),
            roots: Vec::new(),
            pins: Vec::new(),
            narrow_queue: FinalizerQueue::new(mu),
            wide_queue: FinalizerQueue::new(mu),
        };
        Self {
            narrow: (0..ROOTS as u64).map(|id| mu.alloc_local(|_| Narrow::new(id, None))).collect(),
            wide: (0..ROOTS as u64).map(|id| mu.alloc_local(|_| Wide::new(id, None))).collect(),
            maps,
            holds,
            next_id: 100,
            counted,
            allocations: Allocations::default(),
        }
    }

    pub(super) fn allocations(&self) -> Allocations {
        self.allocations
    }

    /// Counts an allocation; whether it came about.
    fn count<T>(&mut self, result: Result<T, MemoryError>) -> Option<T> {
        *if result.is_ok() { &mut self.allocations.granted } else { &mut self.allocations.refused } += 1;
        result.ok()
    }

    pub(super) fn run(&mut self, mu: &mut Mutator<'h, 's>, step: Step) {
        self.next_id += 1;
        match step {
            Step::Narrow { root, wide, birth } => {
                self.be_born(mu, self.narrow[root], birth);
                let (object, wide) = (self.narrow[root].get(mu), self.wide[wide].get(mu));
                object.wide.set(mu, Some(wide));
                object.wide_id.set(wide.id);
            }
            Step::Wide { root, birth } => self.be_born(mu, self.wide[root], birth),
            Step::Array { owner, len, element } => self.new_array(mu, owner, len, element),
            Step::Garbage { arrays, len_max } => {
                for index in 0..arrays {
                    let array = mu.try_alloc_array(1 + index * 7 % len_max, index as u64);
                    if self.count(array).is_none() {
                        break;
                    }
                }
            }
            Step::Map(step) => self.run_map(mu, step),
            Step::Hold(step) => self.run_hold(mu, step),
            Step::Collect(step) => run_collect(mu, step),
            _ => self.link(mu, step),
        }
    }

    /// A new object in a root, if there is memory for it.
    fn be_born<const LINKS: usize, const WORDS: usize>(
        &mut self,
        mu: &mut Mutator<'h, 's>,
        root: Local<'h, 's, Object<'static, 'static, LINKS, WORDS>>,
        birth: Birth,
    ) {
        let (id, counted) = (self.next_id, birth.counted.then(|| Counted::new(&self.counted)));
        let born = if birth.may_collect {
            mu.scope(|mu| {
                let object = mu.try_alloc_local(|_| Object::<LINKS, WORDS>::new(id, counted))?;
                root.set(mu, object.get(mu));
                Ok(())
            })
        } else {
            mu.try_alloc(Object::<LINKS, WORDS>::new(id, counted)).map(|object| root.set(mu, object))
        };
        self.count(born);
    }

    fn new_array(&mut self, mu: &Mutator<'h, 's>, owner: usize, len: usize, element: usize) {
        let (owner, element) = (self.wide[owner].get(mu), self.narrow[element].get(mu));
        let array = mu.try_alloc_array(len, Element::Narrow(element.id, element));
        if let Some(array) = self.count(array) {
            owner.array.set(mu, Some(array));
            owner.array_len.set(len);
            owner.array_note_id.set(NONE);
        }
    }

    /// Steps that write references into objects.
    fn link(&mut self, mu: &Mutator<'h, 's>, step: Step) {
        match step {
            Step::LinkNarrow { from, link, to } => {
                let (from, to) = (self.narrow[from].get(mu), self.narrow[to].get(mu));
                from.links[link].set(mu, Some(to));
                from.link_ids[link].set(to.id);
            }
            Step::LinkWide { from, link, to } => {
                let (from, to) = (self.wide[from].get(mu), self.narrow[to].get(mu));
                from.links[link].set(mu, Some(to));
                from.link_ids[link].set(to.id);
            }
            Step::LinkWideToWide { from, to } => {
                let (from, to) = (self.wide[from].get(mu), self.wide[to].get(mu));
                from.wide.set(mu, Some(to));
                from.wide_id.set(to.id);
            }
            Step::Unlink { from, link } => {
                let from = self.wide[from].get(mu);
                from.links[link].set(mu, None);
                from.link_ids[link].set(NONE);
                from.wide.set(mu, None);
                from.wide_id.set(NONE);
            }
            Step::Follow { from, link, to } => {
                if let Some(object) = self.wide[from].get(mu).links[link].get() {
                    self.narrow[to].set(mu, object);
                }
                if let Some(object) = self.narrow[from].get(mu).wide.get() {
                    self.wide[to].set(mu, object);
                }
            }
            Step::Store { owner, index, element } => self.store(mu, owner, index, element),
            _ => unreachable!("{step:?} writes no reference"),
        }
    }

    fn store(&self, mu: &Mutator<'h, 's>, owner: usize, index: usize, element: NewElement) {
        let Some(array) = self.wide[owner].get(mu).array.get() else { return };
        let element = match element {
            NewElement::Nothing => Element::Nothing,
            NewElement::Number => Element::Number(number(self.next_id)),
            NewElement::Narrow(root) => {
                let object = self.narrow[root].get(mu);
                Element::Narrow(object.id, object)
            }
            NewElement::Wide(root) => {
                let object = self.wide[root].get(mu);
                Element::Wide(object, object.id)
            }
        };
        array[index % array.len()].set(mu, element);
    }

    fn run_map(&mut self, mu: &Mutator<'h, 's>, step: MapStep) {
        let (narrow, wide) = (|root: usize| self.narrow[root].get(mu), |root: usize| self.wide[root].get(mu));
        match step {
            MapStep::InsertNarrow { key, value } => {
                let (key, value) = (narrow(key), wide(value));
                let before = self.maps.narrow.insert(mu, key, value);
                assert_eq!(before.map_or(NONE, |before| before.id), key.note_id.replace(value.id));
            }
            MapStep::RemoveNarrow { key } => {
                let before = self.maps.narrow.remove(mu, narrow(key));
                assert_eq!(before.map_or(NONE, |before| before.id), narrow(key).note_id.replace(NONE));
            }
            MapStep::InsertWide { key, value } => {
                let (key, value) = (wide(key), narrow(value));
                let before = self.maps.wide.insert(mu, key, value);
                assert_eq!(before.map_or(NONE, |before| before.id), key.note_id.replace(value.id));
            }
            MapStep::RemoveWide { key } => {
                let before = self.maps.wide.remove(mu, wide(key));
                assert_eq!(before.map_or(NONE, |before| before.id), wide(key).note_id.replace(NONE));
            }
            MapStep::InsertArray { owner, value } => {
                let (owner, value) = (wide(owner), narrow(value));
                if let Some(array) = owner.array.get() {
                    let before = self.maps.arrays.insert(mu, array, value);
                    let before = before.map_or(NONE, |before| before.id);
                    assert_eq!(before, owner.array_note_id.replace(value.id));
                }
            }
            MapStep::RemoveArray { owner } => {
                let owner = wide(owner);
                if let Some(array) = owner.array.get() {
                    let before = self.maps.arrays.remove(mu, array);
                    assert_eq!(before.map_or(NONE, |before| before.id), owner.array_note_id.replace(NONE));
                }
            }
            MapStep::InsertTemporary { key, value } => {
                let (key, value) = (wide(key), wide(value));
                _ = self.maps.temporary.get_or_insert_with(|| WeakMap::new(mu)).insert(mu, key, value);
            }
            MapStep::DropTemporary => self.maps.temporary = None,
        }
    }

    fn run_hold(&mut self, mu: &mut Mutator<'h, 's>, step: HoldStep) {
        let holds = &mut self.holds;
        match step {
            HoldStep::Weaken { narrow, wide } => {
                let (narrow, wide) = (self.narrow[narrow].get(mu), self.wide[wide].get(mu));
                add(&mut holds.weak_narrow, (narrow.id, mu.downgrade(narrow)), WEAK_MAX);
                add(&mut holds.weak_wide, (wide.id, mu.downgrade(wide)), WEAK_MAX);
            }
            HoldStep::Upgrade { index, root } => {
                if let Some(object) = pick(&holds.weak_narrow, index).and_then(|weak| weak.1.upgrade(mu)) {
                    self.narrow[root].set(mu, object);
                }
                if let Some(object) = pick(&holds.weak_wide, index).and_then(|weak| weak.1.upgrade(mu)) {
                    self.wide[root].set(mu, object);
                }
            }
            HoldStep::Watch { narrow, wide } => {
                holds.narrow_queue.watch(mu, self.narrow[narrow].get(mu));
                holds.wide_queue.watch(mu, self.wide[wide].get(mu));
            }
            HoldStep::Pop { root } => {
                if let Some(object) = holds.narrow_queue.pop(mu) {
                    self.narrow[root].set(mu, object);
                }
                if let Some(object) = holds.wide_queue.pop(mu) {
                    self.wide[root].set(mu, object);
                }
            }
            HoldStep::ReopenQueue => holds.wide_queue = FinalizerQueue::new(mu),
            HoldStep::Persist { wide } => {
                let object = self.wide[wide].get(mu);
                add(&mut holds.roots, (object.id, mu.persist(object)), PERSISTENT_MAX);
            }
            HoldStep::DropPersistent { index } => _ = take(&mut holds.roots, index),
            HoldStep::Pin { wide } => {
                if let Ok(pinned) = mu.pin(self.wide[wide]) {
                    let object = self.wide[wide].get(mu);
                    let pin = Pin { id: object.id, address: object.address(), pinned };
                    add(&mut holds.pins, pin, PINS_MAX);
                }
            }
            HoldStep::Unpin { index } => _ = take(&mut holds.pins, index),
        }
    }
}

fn run_collect(mu: &mut Mutator<'_, '_>, step: CollectStep) {
    match step {
        CollectStep::Minor => _ = mu.collect_minor(),
        CollectStep::Full => _ = mu.collect_full(),
        CollectStep::BeginFull => mu.begin_full(),
        CollectStep::Units { units } => _ = mu.step_units(units),
        CollectStep::Idle { ns } => _ = mu.step(ns),
        CollectStep::Safepoint => mu.safepoint(),
    }
}

/// Adds a handle; where there are enough, the oldest goes.
fn add<T>(handles: &mut Vec<T>, handle: T, most: usize) {
    if handles.len() == most {
        handles.remove(0);
    }
    handles.push(handle);
}

fn pick<T>(handles: &[T], index: usize) -> Option<&T> {
    handles.get(index % handles.len().max(1))
}

fn take<T>(handles: &mut Vec<T>, index: usize) -> Option<T> {
    (!handles.is_empty()).then(|| handles.swap_remove(index % handles.len()))
}
