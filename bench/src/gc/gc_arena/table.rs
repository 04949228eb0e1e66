//! Fields that are re-pointed: in one array of locks, or in many nodes of two.

use super::super::repointing::{FRESH, Fields, Step};
use super::{BATCH, Pacing, paced};
use gc_arena::lock::Lock;
use gc_arena::{Arena, Collect, Gc, Mutation, Rootable, barrier};

type Leaf<'gc> = Gc<'gc, [u64; 2]>;

fn leaf<'gc>(mutation: &Mutation<'gc>, value: u64) -> Leaf<'gc> {
    Gc::new_static(mutation, [value, 0])
}

type ElementsRooted = Rootable![Gc<'_, Elements<'_>>];

#[derive(Collect)]
#[collect(no_drop)]
struct Elements<'gc> {
    fields: Box<[Lock<Leaf<'gc>>]>,
}

/// The elements of an array.
pub(in super::super) struct GcArenaArray {
    arena: Arena<ElementsRooted>,
}

impl Fields for GcArenaArray {
    type Settings = Pacing;

    fn of(fields: u32, pacing: Pacing) -> Self {
        let arena = Arena::<ElementsRooted>::new(|mutation| {
            let fields = (0..u64::from(fields)).map(|field| Lock::new(leaf(mutation, field))).collect();
            Gc::new(mutation, Elements { fields })
        });
        let mut arena = paced(arena, pacing);
        arena.finish_cycle();
        Self { arena }
    }

    fn repoint(&mut self, steps: &[Step]) {
        for steps in steps.chunks(BATCH) {
            self.arena.mutate(|mutation, array| {
                for step in steps {
                    let leaf = match step.from {
                        FRESH => leaf(mutation, step.value),
                        from => array.fields[from as usize].get(),
                    };
                    let fields = barrier::field!(Gc::write(mutation, *array), Elements, fields);
                    fields.as_deref()[step.at as usize].unlock().set(leaf);
                }
            });
            self.arena.collect_debt();
        }
    }

    fn value(&self, field: u32) -> u64 {
        self.arena.mutate(|_, array| array.fields[field as usize].get()[0])
    }
}

#[derive(Collect)]
#[collect(no_drop)]
struct Node<'gc> {
    fields: [Lock<Leaf<'gc>>; 2],
}

type NodesRootRooted = Rootable![Gc<'_, NodesRoot<'_>>];

#[derive(Collect)]
#[collect(no_drop)]
struct NodesRoot<'gc> {
    nodes: Vec<Gc<'gc, Node<'gc>>>,
}

/// The fields of many nodes. The table of nodes is an object of its own, so that the root is short.
pub(in super::super) struct GcArenaNodes {
    arena: Arena<NodesRootRooted>,
}

impl Fields for GcArenaNodes {
    type Settings = Pacing;

    fn of(fields: u32, pacing: Pacing) -> Self {
        let arena = Arena::<NodesRootRooted>::new(|mutation| {
            let field = |field| Lock::new(leaf(mutation, field));
            let node = |node| Gc::new(mutation, Node { fields: [field(2 * node), field(2 * node + 1)] });
            Gc::new(mutation, NodesRoot { nodes: (0..u64::from(fields / 2)).map(node).collect() })
        });
        let mut arena = paced(arena, pacing);
        arena.finish_cycle();
        Self { arena }
    }

    fn repoint(&mut self, steps: &[Step]) {
        for steps in steps.chunks(BATCH) {
            self.arena.mutate(|mutation, root| {
                for step in steps {
                    let leaf = match step.from {
                        FRESH => leaf(mutation, step.value),
                        from => root.nodes[from as usize / 2].fields[from as usize % 2].get(),
                    };
                    let node = Gc::write(mutation, root.nodes[step.at as usize / 2]);
                    barrier::field!(node, Node, fields)[step.at as usize % 2].unlock().set(leaf);
                }
            });
            self.arena.collect_debt();
        }
    }

    fn value(&self, field: u32) -> u64 {
        self.arena.mutate(|_, root| root.nodes[field as usize / 2].fields[field as usize % 2].get()[0])
    }
}
