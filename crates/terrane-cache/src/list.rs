//! Doubly linked lists of slots, as numbers in one vector: a slot is in at most one list at a time.

use crate::index::NONE;

/// The neighbours of every slot.
#[derive(Clone, Debug, Default)]
pub(crate) struct Links {
    links: Vec<Link>,
}

#[derive(Clone, Copy, Debug)]
struct Link {
    previous: u32,
    next: u32,
}

/// One list, oldest first.
#[derive(Clone, Copy, Debug)]
pub(crate) struct List {
    first: u32,
    last: u32,
    len: u32,
}

impl Default for List {
    fn default() -> Self {
        Self { first: NONE, last: NONE, len: 0 }
    }
}

impl List {
    pub(crate) fn first(&self) -> Option<u32> {
        (self.first != NONE).then_some(self.first)
    }

    pub(crate) fn len(&self) -> usize {
        self.len as usize
    }
}

impl Links {
    /// Appends a slot, which is in no list.
    pub(crate) fn push(&mut self, list: &mut List, slot: u32) {
        if slot as usize >= self.links.len() {
            self.links.resize(slot as usize + 1, Link { previous: NONE, next: NONE });
        }
        self.links[slot as usize] = Link { previous: list.last, next: NONE };
        match list.last {
            NONE => list.first = slot,
            last => self.links[last as usize].next = slot,
        }
        list.last = slot;
        list.len += 1;
    }

    /// Takes a slot out of the list that it is in.
    pub(crate) fn remove(&mut self, list: &mut List, slot: u32) {
        let Link { previous, next } = self.links[slot as usize];
        match previous {
            NONE => list.first = next,
            previous => self.links[previous as usize].next = next,
        }
        match next {
            NONE => list.last = previous,
            next => self.links[next as usize].previous = previous,
        }
        list.len -= 1;
    }

    /// Moves a slot to the end of its list.
    pub(crate) fn renew(&mut self, list: &mut List, slot: u32) {
        if list.last != slot {
            self.remove(list, slot);
            self.push(list, slot);
        }
    }

    /// The slot after this one.
    pub(crate) fn next(&self, slot: u32) -> Option<u32> {
        self.links.get(slot as usize).map(|link| link.next).filter(|&next| next != NONE)
    }

    /// A slot of this list has another number now.
    pub(crate) fn renumber(&mut self, list: &mut List, from: u32, to: u32) {
        let link = self.links[from as usize];
        self.links[to as usize] = link;
        match link.previous {
            NONE => list.first = to,
            previous => self.links[previous as usize].next = to,
        }
        match link.next {
            NONE => list.last = to,
            next => self.links[next as usize].previous = to,
        }
    }

    /// Forgets slots from `slots` on, which are in no list, and gives the memory back.
    pub(crate) fn shrink(&mut self, slots: usize) {
        self.links.truncate(slots);
        self.links.shrink_to_fit();
    }

    /// How much memory it has.
    pub(crate) fn bytes(&self) -> usize {
        self.links.capacity() * size_of::<Link>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::VecDeque;

    proptest! {
        #[test]
        fn it_is_a_queue_from_which_anything_can_be_taken(steps in prop::collection::vec((0..4_u8, 0..12_u32), 0..200)) {
            let (mut links, mut list, mut model) = (Links::default(), List::default(), VecDeque::new());
            for (step, slot) in steps {
                let at = model.iter().position(|&other| other == slot);
                match (step, at) {
                    (0, None) => {
                        links.push(&mut list, slot);
                        model.push_back(slot);
                    }
                    (1, Some(at)) => {
                        links.remove(&mut list, slot);
                        model.remove(at);
                    }
                    (2, Some(at)) => {
                        links.renew(&mut list, slot);
                        model.remove(at);
                        model.push_back(slot);
                    }
                    (3, Some(at)) if !model.contains(&(slot + 20)) => {
                        links.push(&mut List::default(), slot + 20);
                        links.renumber(&mut list, slot, slot + 20);
                        model[at] = slot + 20;
                    }
                    _ => {}
                }
                let forward: Vec<u32> = std::iter::successors(list.first(), |&slot| links.next(slot)).collect();
                prop_assert_eq!(&forward, &model.iter().copied().collect::<Vec<_>>());
                prop_assert_eq!(list.len(), model.len());
            }
        }
    }
}
