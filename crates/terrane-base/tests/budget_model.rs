//! The budget tree against a model: plain numbers in a table, charged one after the other.

use proptest::{prelude::*, sample::Index};
use terrane_base::{Budget, BudgetName, Bytes, MemoryError, Reservation};

#[derive(Clone, Debug)]
enum Op {
    Child {
        parent: Index,
        max: Option<u64>,
    },
    SetMax {
        budget: Index,
        max: u64,
    },
    Reserve {
        budget: Index,
        size: u64,
    },
    Grow {
        which: Index,
        more: u64,
    },
    Shrink {
        which: Index,
        less: u64,
    },
    Split {
        which: Index,
        size: u64,
    },
    Drop {
        which: Index,
    },
    /// Lets go of the handle; what is reserved below keeps the budget itself alive.
    DropBudget {
        budget: Index,
    },
}

fn op() -> impl Strategy<Value = Op> {
    let index = any::<Index>;
    let size = || prop_oneof![8 => 0..400_u64, 1 => Just(u64::MAX), 1 => Just(u64::MAX - 300)];
    prop_oneof![
        3 => (index(), prop::option::of(0..1000_u64)).prop_map(|(parent, max)| Op::Child { parent, max }),
        1 => (index(), 0..1500_u64).prop_map(|(budget, max)| Op::SetMax { budget, max }),
        6 => (index(), size()).prop_map(|(budget, size)| Op::Reserve { budget, size }),
        2 => (index(), size()).prop_map(|(which, more)| Op::Grow { which, more }),
        2 => (index(), size()).prop_map(|(which, less)| Op::Shrink { which, less }),
        2 => (index(), size()).prop_map(|(which, size)| Op::Split { which, size }),
        3 => index().prop_map(|which| Op::Drop { which }),
        1 => index().prop_map(|budget| Op::DropBudget { budget }),
    ]
}

/// A budget of the model, by its place in `Model::nodes`.
#[derive(Debug)]
struct Node {
    parent: Option<usize>,
    limit: u64,
    used: u64,
    peak: u64,
    /// The handle under test, while it is held.
    handle: Option<Budget>,
}

struct Model {
    nodes: Vec<Node>,
    reservations: Vec<(usize, u64, Reservation)>,
}

impl Model {
    fn new(limit: u64) -> Self {
        let handle = Budget::root(Bytes::new(limit));
        let root = Node { parent: None, limit, used: 0, peak: 0, handle: Some(handle) };
        Self { nodes: vec![root], reservations: Vec::new() }
    }

    fn path(&self, node: usize) -> Vec<usize> {
        std::iter::successors(Some(node), |node| self.nodes[*node].parent).collect()
    }

    /// What the model says to a charge: the budget that refuses, if any.
    fn charge(&mut self, node: usize, size: u64) -> Result<(), usize> {
        let path = self.path(node);
        let refuses = |node: &usize| {
            let node = &self.nodes[*node];
            node.used.checked_add(size).is_none_or(|sum| sum > node.limit)
        };
        if let Some(full) = path.iter().copied().find(refuses) {
            return Err(full);
        }
        for node in path {
            let node = &mut self.nodes[node];
            node.used += size;
            node.peak = node.peak.max(node.used);
        }
        Ok(())
    }

    fn discharge(&mut self, node: usize, size: u64) {
        for node in self.path(node) {
            self.nodes[node].used -= size;
        }
    }

    fn check_refusal(&self, error: MemoryError, full: usize, size: u64) {
        let node = &self.nodes[full];
        let MemoryError::BudgetExceeded { requested, remaining, budget, consumers } = error else {
            panic!("{error} instead of a refusal by {full}");
        };
        assert_eq!(requested, Bytes::new(size));
        assert_eq!(remaining, Bytes::new(node.limit.saturating_sub(node.used)));
        assert_eq!(budget, BudgetName::new(&name(full)));
        let mut held: Vec<u64> =
            self.nodes.iter().filter(|child| child.parent == Some(full)).map(|child| child.used).collect();
        held.sort_unstable_by(|a, b| b.cmp(a));
        held.retain(|used| *used > 0);
        held.truncate(3);
        let named: Vec<u64> = consumers.iter().map(|consumer| consumer.used.as_u64()).collect();
        assert_eq!(named, held, "the three largest, largest first");
        for consumer in consumers.iter() {
            let child: usize = consumer.name.as_str().parse().unwrap();
            assert_eq!(self.nodes[child].parent, Some(full));
            assert_eq!(self.nodes[child].used, consumer.used.as_u64());
        }
        assert_eq!(consumers.rest().as_u64(), node.used - held.iter().sum::<u64>());
    }

    fn check(&self) {
        for (index, node) in self.nodes.iter().enumerate() {
            let Some(handle) = &node.handle else { continue };
            let remaining = self.path(index).into_iter().map(|node| {
                let node = &self.nodes[node];
                node.limit.saturating_sub(node.used)
            });
            assert_eq!(handle.used().as_u64(), node.used, "used by {index}");
            assert_eq!(handle.peak().as_u64(), node.peak, "peak of {index}");
            assert_eq!(handle.limit().as_u64(), node.limit, "limit of {index}");
            assert_eq!(handle.remaining().as_u64(), remaining.min().unwrap(), "remaining in {index}");
        }
        for (node, size, reservation) in &self.reservations {
            assert_eq!(reservation.size().as_u64(), *size);
            assert_eq!(reservation.budget().name(), BudgetName::new(&name(*node)));
        }
    }

    /// One of the budgets whose handles are held.
    fn pick(&self, index: Index) -> Option<(usize, Budget)> {
        let held: Vec<usize> =
            (0..self.nodes.len()).filter(|node| self.nodes[*node].handle.is_some()).collect();
        let node = *held.get(index.index(held.len().max(1)))?;
        Some((node, self.nodes[node].handle.clone()?))
    }

    fn apply(&mut self, op: &Op) {
        match *op {
            Op::Child { parent, max } => self.child(parent, max),
            Op::SetMax { budget, max } => {
                let Some((node, handle)) = self.pick(budget) else { return };
                let _same = handle.max(Bytes::new(max));
                self.nodes[node].limit = max;
            }
            Op::Reserve { budget, size } => {
                let Some((node, handle)) = self.pick(budget) else { return };
                match (handle.try_reserve(Bytes::new(size)), self.charge(node, size)) {
                    (Ok(reservation), Ok(())) => self.reservations.push((node, size, reservation)),
                    (Err(error), Err(full)) => self.check_refusal(error, full, size),
                    (result, expected) => panic!("{result:?} instead of {expected:?}"),
                }
            }
            Op::DropBudget { budget } => {
                if let Some((node, _)) = self.pick(budget) {
                    self.nodes[node].handle = None;
                }
            }
            Op::Grow { which, .. }
            | Op::Shrink { which, .. }
            | Op::Split { which, .. }
            | Op::Drop { which } => {
                if !self.reservations.is_empty() {
                    let (node, size, reservation) =
                        self.reservations.swap_remove(which.index(self.reservations.len()));
                    self.change(op, node, size, reservation);
                }
            }
        }
    }

    fn child(&mut self, parent: Index, max: Option<u64>) {
        // As many as can be named in an error; more are tested apart.
        if self.nodes.len() > 16 {
            return;
        }
        let Some((parent, handle)) = self.pick(parent) else { return };
        let mut child = handle.child(&name(self.nodes.len()));
        if let Some(max) = max {
            child = child.max(Bytes::new(max));
        }
        let limit = max.unwrap_or(u64::MAX);
        self.nodes.push(Node { parent: Some(parent), limit, used: 0, peak: 0, handle: Some(child) });
    }

    fn change(&mut self, op: &Op, node: usize, mut size: u64, mut reservation: Reservation) {
        match *op {
            Op::Grow { more, .. } => {
                match (reservation.try_grow(Bytes::new(more)), self.charge(node, more)) {
                    (Ok(()), Ok(())) => size += more,
                    (Err(error), Err(full)) => self.check_refusal(error, full, more),
                    (result, expected) => panic!("{result:?} instead of {expected:?}"),
                }
            }
            Op::Shrink { less, .. } => {
                let given_back = less.min(size);
                assert_eq!(reservation.shrink(Bytes::new(less)).as_u64(), given_back);
                size -= given_back;
                self.discharge(node, given_back);
            }
            Op::Split { size: part, .. } => {
                let split = reservation.split(Bytes::new(part));
                assert_eq!(split.is_some(), part <= size);
                if let Some(split) = split {
                    size -= part;
                    self.reservations.push((node, part, split));
                }
            }
            _ => {
                drop(reservation);
                self.discharge(node, size);
                return;
            }
        }
        self.reservations.push((node, size, reservation));
    }
}

fn name(node: usize) -> String {
    if node == 0 { "root".to_owned() } else { node.to_string() }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    #[cfg(target_pointer_width = "64")]
    fn the_tree_counts_like_the_model(
        limit in prop_oneof![4 => 500..1500_u64, 1 => Just(u64::MAX)],
        ops in prop::collection::vec(op(), 1..80),
    ) {
        let mut model = Model::new(limit);
        for op in &ops {
            model.apply(op);
            model.check();
        }
    }
}
