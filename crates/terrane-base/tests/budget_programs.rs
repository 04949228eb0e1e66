//! Random programs on two threads over random trees: every operation of budgets, reservations and leaves, with reclaimers.
//!
//! After whatever order the threads take: no ordinary use exceeds a limit, what was guaranteed is granted, every program ends, and
//! in the end every byte is back.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering::Relaxed},
};
use std::thread;
use std::time::{Duration, Instant};

use proptest::{prelude::*, sample::Index};
use terrane_base::{
    Budget, BudgetSnapshot, Bytes, LocalLeaf, ReclaimCost, Reclaimer, Reservation, SharedLeaf,
};

const ROOT_LIMIT: u64 = 64 << 10;

#[derive(Clone, Debug)]
struct Shape {
    parent: Index,
    min: u64,
    max: u64,
    reclaims: bool,
}

#[derive(Clone, Debug)]
enum Op {
    Reserve { budget: Index, size: u64 },
    Wait { budget: Index, size: u64 },
    Overdraw { budget: Index, size: u64 },
    Resize { which: Index, size: u64 },
    Split { which: Index, size: u64 },
    Drop { which: Index },
    ChargeLocal { leaf: Index, size: u64 },
    DischargeLocal { leaf: Index, part: u64 },
    ChargeShared { leaf: Index, size: u64 },
    DischargeShared { which: Index },
    Fill { cache: Index, size: u64 },
    Reclaim { budget: Index, size: u64 },
}

fn shape() -> impl Strategy<Value = Shape> {
    let min = prop_oneof![2 => Just(0), 1 => 1..8_000_u64];
    let max = prop_oneof![1 => Just(u64::MAX), 2 => 4_000..60_000_u64];
    (any::<Index>(), min, max, any::<bool>()).prop_map(|(parent, min, max, reclaims)| Shape {
        parent,
        min,
        max,
        reclaims,
    })
}

fn op() -> impl Strategy<Value = Op> {
    let index = any::<Index>;
    let size = || prop_oneof![6 => 0..6_000_u64, 1 => 0..80_000_u64];
    prop_oneof![
        4 => (index(), size()).prop_map(|(budget, size)| Op::Reserve { budget, size }),
        1 => (index(), size()).prop_map(|(budget, size)| Op::Wait { budget, size }),
        1 => (index(), size()).prop_map(|(budget, size)| Op::Overdraw { budget, size }),
        2 => (index(), size()).prop_map(|(which, size)| Op::Resize { which, size }),
        1 => (index(), size()).prop_map(|(which, size)| Op::Split { which, size }),
        3 => index().prop_map(|which| Op::Drop { which }),
        3 => (index(), size()).prop_map(|(leaf, size)| Op::ChargeLocal { leaf, size }),
        3 => (index(), size()).prop_map(|(leaf, part)| Op::DischargeLocal { leaf, part }),
        3 => (index(), size()).prop_map(|(leaf, size)| Op::ChargeShared { leaf, size }),
        3 => index().prop_map(|which| Op::DischargeShared { which }),
        2 => (index(), size()).prop_map(|(cache, size)| Op::Fill { cache, size }),
        1 => (index(), size()).prop_map(|(budget, size)| Op::Reclaim { budget, size }),
    ]
}

/// Gives up whole reservations.
#[derive(Default)]
struct Cache(Mutex<Vec<Reservation>>);

impl Reclaimer for Cache {
    fn reclaim(&self, wanted: Bytes) -> Bytes {
        let Ok(mut held) = self.0.try_lock() else { return Bytes::ZERO };
        let mut freed = Bytes::ZERO;
        while freed < wanted
            && let Some(reservation) = held.pop()
        {
            freed = freed.saturating_add(reservation.size());
        }
        freed
    }
}

struct World {
    root: Budget,
    budgets: Vec<Budget>,
    caches: Vec<(Budget, Arc<Cache>)>,
    leaves: Vec<SharedLeaf>,
    /// What is reserved without a leaf, by the threads' own count.
    held: AtomicUsize,
}

impl World {
    fn new(shapes: &[Shape], aside: u64) -> Self {
        let root = Budget::root(Bytes::new(ROOT_LIMIT));
        root.set_aside(Bytes::new(aside)).unwrap();
        let mut budgets = vec![root.clone()];
        let mut caches = Vec::new();
        for shape in shapes {
            let parent = &budgets[shape.parent.index(budgets.len())];
            let child = || parent.child("part").max(Bytes::new(shape.max));
            // Where the minimum is not to be had, the part has none.
            let budget = child().min(Bytes::new(shape.min)).unwrap_or_else(|_| child());
            if shape.reclaims {
                let cache = Arc::new(Cache::default());
                budget.add_reclaimer("cache", ReclaimCost::CacheEviction, &cache);
                caches.push((budget.clone(), cache));
            }
            budgets.push(budget);
        }
        let leaves = budgets.iter().map(Budget::shared_leaf).collect();
        Self { root, budgets, caches, leaves, held: AtomicUsize::new(0) }
    }

    /// All that must hold at any moment.
    fn check(&self) {
        for budget in &self.budgets {
            assert!(budget.used() <= budget.limit() && budget.peak() <= budget.limit(), "{budget:?}");
        }
        assert!(self.held.load(Relaxed) as u64 <= ROOT_LIMIT);
    }

    fn run(&self, ops: &[Op]) {
        let mut thread = Thread::new(self);
        for op in ops {
            thread.apply(op);
            self.check();
        }
        thread.finish();
    }

    /// With nothing else going on, each minimum is granted though the rest of the root is full.
    fn check_guarantees(&self) {
        let fill: Vec<Reservation> = (0..17)
            .rev()
            .flat_map(|power| std::iter::repeat_n(Bytes::new(1 << power), 2))
            .filter_map(|size| self.root.try_reserve(size).ok())
            .collect();
        let granted: Vec<Reservation> = self.budgets[1..]
            .iter()
            .map(|budget| {
                // The minima of those below are part of its own, and theirs.
                let free = budget.guaranteed().saturating_sub(budget.used());
                budget.try_reserve(free).expect("a guarantee is kept")
            })
            .collect();
        drop((fill, granted));
    }
}

/// What the guarantees below the budget at `index` take from it.
fn promised(tree: &BudgetSnapshot, index: usize) -> Bytes {
    tree.children(index).map(|(child, entry)| entry.min.max(promised(tree, child))).sum()
}

struct Thread<'w> {
    world: &'w World,
    reservations: Vec<Reservation>,
    locals: Vec<(LocalLeaf, u64)>,
    shared: Vec<(usize, u64)>,
}

impl<'w> Thread<'w> {
    fn new(world: &'w World) -> Self {
        let locals = world.budgets.iter().map(|budget| (budget.local_leaf(), 0)).collect();
        Self { world, reservations: Vec::new(), locals, shared: Vec::new() }
    }

    fn keep(&mut self, reservation: Reservation) {
        self.world.held.fetch_add(reservation.size().as_usize(), Relaxed);
        self.reservations.push(reservation);
    }

    /// Not counted from before it is given back.
    fn take(&mut self, which: Index) -> Option<Reservation> {
        let index = (!self.reservations.is_empty()).then(|| which.index(self.reservations.len()))?;
        let reservation = self.reservations.swap_remove(index);
        self.world.held.fetch_sub(reservation.size().as_usize(), Relaxed);
        Some(reservation)
    }

    fn apply(&mut self, op: &Op) {
        let world = self.world;
        let budget = |index: Index| &world.budgets[index.index(world.budgets.len())];
        match *op {
            Op::Reserve { budget: which, size } => {
                let granted = budget(which).try_reserve(Bytes::new(size));
                granted.into_iter().for_each(|reservation| self.keep(reservation));
            }
            Op::Wait { budget: which, size } => {
                let soon = Instant::now() + Duration::from_micros(200);
                let granted = budget(which).reserve_wait(Bytes::new(size), soon);
                granted.into_iter().for_each(|reservation| self.keep(reservation));
            }
            Op::Overdraw { budget: which, size } => {
                let granted = budget(which).reserve_overdraft(Bytes::new(size));
                granted.into_iter().for_each(|reservation| self.keep(reservation));
            }
            Op::Reclaim { budget: which, size } => _ = budget(which).reclaim(Bytes::new(size)),
            Op::Resize { which, size } => {
                if let Some(mut reservation) = self.take(which) {
                    let _refused = reservation.resize(Bytes::new(size));
                    self.keep(reservation);
                }
            }
            Op::Split { which, size } => {
                if let Some(mut reservation) = self.take(which) {
                    let part = reservation.split(Bytes::new(size));
                    self.keep(reservation);
                    part.into_iter().for_each(|part| self.keep(part));
                }
            }
            Op::Drop { which } => drop(self.take(which)),
            Op::Fill { cache, size } => {
                if !world.caches.is_empty() {
                    let (budget, cache) = &world.caches[cache.index(world.caches.len())];
                    let granted = budget.try_reserve(Bytes::new(size));
                    cache.0.lock().unwrap().extend(granted);
                }
            }
            Op::ChargeLocal { .. } | Op::DischargeLocal { .. } => self.use_local(op),
            Op::ChargeShared { .. } | Op::DischargeShared { .. } => self.use_shared(op),
        }
    }

    fn use_local(&mut self, op: &Op) {
        let (Op::ChargeLocal { leaf, size } | Op::DischargeLocal { leaf, part: size }) = *op else { return };
        let index = leaf.index(self.locals.len());
        let (leaf, charged) = &mut self.locals[index];
        if matches!(op, Op::ChargeLocal { .. }) {
            *charged += if leaf.try_charge(Bytes::new(size)).is_ok() { size } else { 0 };
        } else {
            let size = size.min(*charged);
            *charged -= size;
            leaf.discharge(Bytes::new(size));
        }
        assert_eq!(leaf.charged(), Bytes::new(*charged));
    }

    fn use_shared(&mut self, op: &Op) {
        match *op {
            Op::ChargeShared { leaf, size } => {
                let index = leaf.index(self.world.leaves.len());
                if self.world.leaves[index].try_charge(Bytes::new(size)).is_ok() {
                    self.shared.push((index, size));
                }
            }
            Op::DischargeShared { which } if !self.shared.is_empty() => {
                let (index, size) = self.shared.swap_remove(which.index(self.shared.len()));
                self.world.leaves[index].discharge(Bytes::new(size));
            }
            _ => {}
        }
    }

    fn finish(mut self) {
        for reservation in self.reservations.drain(..) {
            self.world.held.fetch_sub(reservation.size().as_usize(), Relaxed);
        }
        for (leaf, size) in self.shared.drain(..) {
            self.world.leaves[leaf].discharge(Bytes::new(size));
        }
        for (leaf, charged) in self.locals.drain(..) {
            leaf.discharge(Bytes::new(charged));
            assert_eq!(leaf.charged(), Bytes::ZERO);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn programs_on_two_threads_stay_within_limits_and_leave_nothing(
        shapes in prop::collection::vec(shape(), 0..7),
        aside in 0..4_000_u64,
        programs in prop::array::uniform2(prop::collection::vec(op(), 1..60)),
    ) {
        let world = World::new(&shapes, aside);
        thread::scope(|scope| {
            for ops in &programs {
                scope.spawn(|| world.run(ops));
            }
        });
        for leaf in &world.leaves {
            prop_assert_eq!(leaf.charged(), Bytes::ZERO);
            leaf.give_back();
        }
        for (_, cache) in &world.caches {
            cache.0.lock().unwrap().clear();
        }
        world.check_guarantees();
        let World { root, budgets, caches, leaves, .. } = world;
        prop_assert_eq!(root.used(), promised(&root.snapshot(), 0), "all but the guarantees is back");
        drop((leaves, caches, budgets));
        prop_assert_eq!(root.used(), Bytes::ZERO);
        prop_assert_eq!(root.taken_out(), 0);
        prop_assert_eq!(root.snapshot().entries().len(), 1);
    }
}
