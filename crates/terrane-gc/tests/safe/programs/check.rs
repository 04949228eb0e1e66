//! What is reached is what it must be.

use std::collections::HashSet;

use terrane_gc::{Gc, Mutator};

use super::object::{Element, NONE, Narrow, Object, Wide, number};
use super::program::Program;

/// Objects that were reached, and not looked at yet.
#[derive(Default)]
struct Pending<'h, 'm> {
    narrow: Vec<Gc<'h, 'm, Narrow<'h, 'm>>>,
    wide: Vec<Gc<'h, 'm, Wide<'h, 'm>>>,
}

impl<'h> Program<'h, '_> {
    /// Checks every object that the program can reach.
    ///
    /// # Panics
    /// When one does not hold what it must.
    pub(super) fn check(&self, mu: &Mutator<'h, '_>) {
        let mut pending = self.held(mu);
        let mut seen = HashSet::new();
        loop {
            if let Some(object) = pending.narrow.pop() {
                if seen.insert(object.address()) {
                    pending.look_at(&object);
                    let note = self.maps.narrow.get(mu, object);
                    assert_eq!(note.map_or(NONE, |note| note.id), object.note_id.get(), "{}", object.id);
                    pending.wide.extend(note);
                }
            } else if let Some(object) = pending.wide.pop() {
                if seen.insert(object.address()) {
                    pending.look_at(&object);
                    let note = self.maps.wide.get(mu, object);
                    assert_eq!(note.map_or(NONE, |note| note.id), object.note_id.get(), "{}", object.id);
                    pending.narrow.extend(note);
                    let note = object.array.get().and_then(|array| self.maps.arrays.get(mu, array));
                    assert_eq!(note.map_or(NONE, |note| note.id), object.array_note_id.get());
                    pending.narrow.extend(note);
                }
            } else {
                break;
            }
        }
    }

    /// What handles of all kinds refer to.
    fn held<'m>(&self, mu: &'m Mutator<'h, '_>) -> Pending<'h, 'm> {
        let mut pending = Pending {
            narrow: self.narrow.iter().map(|root| root.get(mu)).collect(),
            wide: self.wide.iter().map(|root| root.get(mu)).collect(),
        };
        for (id, root) in &self.holds.roots {
            let object = mu.load(root).expect("a root of this heap");
            assert_eq!(object.id, *id);
            pending.wide.push(object);
        }
        for pin in &self.holds.pins {
            let object = mu.load_pinned(&pin.pinned).expect("a pin of this heap");
            assert_eq!((object.id, object.address()), (pin.id, pin.address));
            pending.wide.push(object);
        }
        for (id, weak) in &self.holds.weak_narrow {
            let object = weak.upgrade(mu);
            assert!(object.is_none_or(|object| object.id == *id));
            pending.narrow.extend(object);
        }
        for (id, weak) in &self.holds.weak_wide {
            let object = weak.upgrade(mu);
            assert!(object.is_none_or(|object| object.id == *id));
            pending.wide.extend(object);
        }
        pending
    }
}

impl<'h, 'm> Pending<'h, 'm> {
    fn look_at<const LINKS: usize, const WORDS: usize>(&mut self, object: &Object<'h, 'm, LINKS, WORDS>) {
        assert!(object.is_whole(), "object {} was overwritten", object.id);
        for (link, id) in object.links.iter().zip(&object.link_ids) {
            let target = link.get();
            assert_eq!(target.map_or(NONE, |target| target.id), id.get());
            self.narrow.extend(target);
        }
        let wide = object.wide.get();
        assert_eq!(wide.map_or(NONE, |wide| wide.id), object.wide_id.get());
        self.wide.extend(wide);
        let array = object.array.get();
        assert_eq!(array.map_or(0, |array| array.len()), object.array_len.get());
        array.iter().flat_map(|array| array.iter()).for_each(|element| self.look_at_element(element.get()));
    }

    fn look_at_element(&mut self, element: Element<'h, 'm>) {
        match element {
            Element::Nothing => {}
            Element::Number(word) => assert_eq!(word, number(word >> 3)),
            Element::Narrow(id, object) => {
                assert_eq!(object.id, id);
                self.narrow.push(object);
            }
            Element::Wide(object, id) => {
                assert_eq!(object.id, id);
                self.wide.push(object);
            }
        }
    }
}
