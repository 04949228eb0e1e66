//! Limits that make no sense, guarantees, overdrafts, limits that change, and the levels of pressure that follow.

use proptest::prelude::*;
use terrane_base::{
    Budget, Bytes, LimitProblem, MemoryError, PressureLevel, PressureThresholds, Reservation,
};

fn bytes(size: u64) -> Bytes {
    Bytes::new(size)
}

fn problem<T: std::fmt::Debug>(result: Result<T, MemoryError>) -> LimitProblem {
    match result.unwrap_err() {
        MemoryError::InvalidLimit { problem, .. } => problem,
        other => panic!("{other}"),
    }
}

#[test]
fn senseless_limits_are_refused_and_change_nothing() {
    let root = Budget::root(bytes(1000));
    let shape = root.snapshot();
    assert_eq!(problem(Budget::try_root(Bytes::ZERO)), LimitProblem::Zero);
    assert_eq!(problem(root.child("a").min(Bytes::ZERO)), LimitProblem::Zero);
    assert_eq!(problem(root.child("a").max(bytes(9)).min(bytes(10))), LimitProblem::MinAboveMax);
    assert_eq!(problem(root.clone().min(bytes(10))), LimitProblem::RootMinimum);
    assert_eq!(problem(root.child("a").min(bytes(5)).and_then(|a| a.min(bytes(6)))), LimitProblem::InUse);
    assert_eq!(problem(root.set_aside(Bytes::MAX)), LimitProblem::MinAboveMax);
    let unlimited = Budget::root(Bytes::MAX);
    let _sure = unlimited.child("sure").min(bytes(10)).unwrap();
    assert_eq!(problem(unlimited.set_aside(Bytes::from_usize(usize::MAX))), LimitProblem::Overflow);
    assert_eq!(problem(root.set_max(Bytes::ZERO)), LimitProblem::Zero);
    let error = root.child("a").min(bytes(1001)).unwrap_err();
    assert!(matches!(error, MemoryError::BudgetExceeded { .. }), "the root has not so much: {error}");
    assert_eq!(root.snapshot().entries().len(), 1, "failed children are gone");
    assert_eq!((root.snapshot().entries()[0].used, root.limit()), (shape.entries()[0].used, bytes(1000)));
}

#[test]
fn a_refusal_of_nothing_beyond_a_lowered_limit_says_why() {
    let root = Budget::root(bytes(1000));
    let part = root.child("part");
    let _held = (part.try_reserve(bytes(700)).unwrap(), root.try_reserve(bytes(200)).unwrap());
    root.set_max(bytes(600)).unwrap();
    let error = root.try_reserve(Bytes::ZERO).unwrap_err();
    assert_eq!(
        error.to_string(),
        "budget `root` exceeded: 900 B in use, more than it may (held by `part` 700 B, others 200 B)"
    );
    assert_eq!(format!("{error:?}"), error.to_string(), "what a `main` shows that returns it");
}

#[test]
fn a_minimum_comes_before_use() {
    let root = Budget::root(bytes(1000));
    let charged = root.child("charged");
    let held = charged.try_reserve(bytes(1)).unwrap();
    assert_eq!(problem(charged.min(bytes(10))), LimitProblem::InUse);
    let parent = root.child("parent");
    let child = parent.child("child");
    assert_eq!(problem(parent.min(bytes(10))), LimitProblem::InUse);
    let shared = root.child("shared");
    let clone = shared.clone();
    assert_eq!(problem(shared.min(bytes(10))), LimitProblem::InUse);
    drop((held, child, clone));
    assert_eq!(root.used(), Bytes::ZERO);
}

#[test]
fn minima_do_not_lie_too_deep() {
    let mut budget = Budget::root(Bytes::MAX);
    for _ in 0..Budget::MAX_GUARANTEED_DEPTH {
        budget = budget.child("below").min(bytes(100)).unwrap();
    }
    let held = budget.try_reserve(bytes(150)).unwrap();
    assert_eq!(problem(budget.child("too deep").min(bytes(1))), LimitProblem::TooDeep);
    drop(held);
    assert_eq!(budget.used(), Bytes::ZERO);
}

#[test]
fn limits_keep_what_was_guaranteed() {
    let root = Budget::root(bytes(1000));
    let sure = root.child("sure").min(bytes(300)).unwrap();
    let also = root.child("also").min(bytes(200)).unwrap();
    root.set_aside(bytes(50)).unwrap();
    assert_eq!(problem(root.set_max(bytes(549))), LimitProblem::BelowPromises);
    assert_eq!(problem(sure.set_max(bytes(299))), LimitProblem::MinAboveMax);
    assert_eq!(root.set_max(bytes(550)).unwrap(), Bytes::ZERO);
    let held = sure.try_reserve(bytes(300)).unwrap();
    assert!(sure.try_reserve(bytes(1)).is_err() && root.try_reserve(bytes(1)).is_err());
    assert_eq!((sure.remaining(), also.remaining(), root.remaining()), (bytes(0), bytes(200), bytes(0)));
    drop(also);
    assert_eq!((root.used(), sure.remaining()), (bytes(300), bytes(200)), "a guarantee ends with its budget");
    drop(held);
    assert_eq!(root.used(), bytes(300), "and not with what is held");
}

#[test]
fn an_overdraft_takes_what_was_set_aside_even_below_a_lowered_limit() {
    let root = Budget::root(bytes(1000));
    root.set_aside(bytes(100)).unwrap();
    let mut live = root.try_reserve(bytes(900)).unwrap();
    assert!(root.try_reserve(bytes(1)).is_err());
    let to_space = root.reserve_overdraft(bytes(100)).unwrap();
    assert!(root.reserve_overdraft(bytes(1)).is_err());
    drop(to_space);
    assert_eq!(root.set_max(bytes(500)).unwrap(), bytes(400));
    let to_space = root.reserve_overdraft(bytes(100)).unwrap();
    assert!(root.reserve_overdraft(bytes(1)).is_err());
    live.shrink(bytes(550));
    drop(to_space);
    assert_eq!(root.used(), bytes(350));
    let _rest = root.reserve_overdraft(bytes(150)).unwrap();
    assert!(root.reserve_overdraft(bytes(1)).is_err(), "the lowered limit holds again");
}

#[test]
fn halving_a_limit_raises_the_pressure() {
    let root = Budget::root(bytes(1000));
    let mut held = root.try_reserve(bytes(600)).unwrap();
    assert_eq!(root.pressure(), PressureLevel::Normal);
    assert_eq!(root.set_max(bytes(500)).unwrap(), bytes(100));
    assert_eq!(root.pressure(), PressureLevel::Critical);
    held.shrink(bytes(250));
    assert_eq!(root.pressure(), PressureLevel::Moderate, "350 of 500");
    assert_eq!(root.set_max(bytes(1000)).unwrap(), Bytes::ZERO);
    assert_eq!(root.pressure(), PressureLevel::Normal);
}

#[test]
fn thresholds_can_be_moved_and_are_checked() {
    let root = Budget::root(bytes(1000));
    let _held = root.try_reserve(bytes(400)).unwrap();
    let early =
        PressureThresholds { moderate_from: 40, moderate_until: 30, critical_from: 60, critical_until: 50 };
    root.set_pressure_thresholds(early).unwrap();
    assert_eq!(root.pressure(), PressureLevel::Moderate);
    let bad = PressureThresholds { critical_from: 101, ..early };
    assert_eq!(problem(root.set_pressure_thresholds(bad)), LimitProblem::Thresholds);
    assert_eq!(root.pressure(), PressureLevel::Moderate);
}

/// A budget of the model below, with what it holds itself.
#[derive(Debug)]
struct Part {
    budget: Budget,
    parent: Option<usize>,
    min: u64,
    max: u64,
    own: u64,
}

/// What the budget takes from the one above: what it holds, and its minimum at least.
fn claim(parts: &[Part], index: usize) -> u64 {
    used(parts, index).max(parts[index].min)
}

fn used(parts: &[Part], index: usize) -> u64 {
    let below = parts.iter().enumerate().filter(|(_, part)| part.parent == Some(index));
    parts[index].own + below.map(|(child, _)| claim(parts, child)).sum::<u64>()
}

fn fits(parts: &[Part]) -> bool {
    (0..parts.len()).all(|index| used(parts, index) <= parts[index].max)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// A charge is granted exactly when afterwards every limit holds with all claims.
    #[test]
    fn guarantees_are_claims(
        shape in prop::collection::vec((any::<prop::sample::Index>(), 0..200_u64, 0..600_u64), 1..8),
        charges in prop::collection::vec((any::<prop::sample::Index>(), 1..300_u64, any::<bool>()), 1..60),
    ) {
        let root = Part { budget: Budget::root(bytes(1000)), parent: None, min: 0, max: 1000, own: 0 };
        let mut parts = vec![root];
        for (parent, min, max) in shape {
            let parent = parent.index(parts.len());
            let child = parts[parent].budget.child("child").max(bytes(max));
            let before = parts.len();
            let budget = if min == 0 { Ok(child) } else { child.min(bytes(min)) };
            parts.push(Part { budget: Budget::root(bytes(1)), parent: Some(parent), min, max, own: 0 });
            prop_assert_eq!(budget.is_ok(), fits(&parts) && min <= max, "{:?}", budget);
            match budget {
                Ok(budget) => parts[before].budget = budget,
                Err(_) => drop(parts.pop()),
            }
        }
        let mut held: Vec<(usize, Reservation)> = Vec::new();
        for (which, size, give_back) in charges {
            if give_back && !held.is_empty() {
                let (index, reservation) = held.swap_remove(which.index(held.len()));
                parts[index].own -= reservation.size().as_u64();
            } else {
                let index = which.index(parts.len());
                let remaining = parts[index].budget.remaining().as_u64();
                let granted = parts[index].budget.try_reserve(bytes(size));
                parts[index].own += size;
                prop_assert_eq!(granted.is_ok(), fits(&parts));
                prop_assert_eq!(granted.is_ok(), size <= remaining);
                match granted {
                    Ok(reservation) => held.push((index, reservation)),
                    Err(_) => parts[index].own -= size,
                }
            }
            for (index, part) in parts.iter().enumerate() {
                prop_assert_eq!(part.budget.used().as_u64(), used(&parts, index));
            }
        }
    }
}
