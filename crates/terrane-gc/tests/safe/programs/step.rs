//! What programs do.

use proptest::prelude::*;

use super::object::WIDE_LINKS;

/// Roots of narrow objects, and as many of wide ones.
pub(super) const ROOTS: usize = 8;

/// One step of a program. Roots are told by their number; other indices are taken modulo what there is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    /// A narrow object that refers to a wide one. It may be counted, and made by a call that may collect.
    Narrow {
        root: usize,
        wide: usize,
        birth: Birth,
    },
    Wide {
        root: usize,
        birth: Birth,
    },
    /// An array for a wide object, with one element all over.
    Array {
        owner: usize,
        len: usize,
        element: usize,
    },
    Garbage {
        arrays: usize,
        len_max: usize,
    },
    LinkNarrow {
        from: usize,
        link: usize,
        to: usize,
    },
    LinkWide {
        from: usize,
        link: usize,
        to: usize,
    },
    LinkWideToWide {
        from: usize,
        to: usize,
    },
    Unlink {
        from: usize,
        link: usize,
    },
    /// Makes what a link refers to a root.
    Follow {
        from: usize,
        link: usize,
        to: usize,
    },
    Store {
        owner: usize,
        index: usize,
        element: NewElement,
    },
    Map(MapStep),
    Hold(HoldStep),
    Collect(CollectStep),
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Birth {
    pub(super) counted: bool,
    pub(super) may_collect: bool,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum NewElement {
    Nothing,
    Number,
    Narrow(usize),
    Wide(usize),
}

/// Steps with weak maps.
#[derive(Clone, Copy, Debug)]
pub(crate) enum MapStep {
    InsertNarrow {
        key: usize,
        value: usize,
    },
    RemoveNarrow {
        key: usize,
    },
    InsertWide {
        key: usize,
        value: usize,
    },
    RemoveWide {
        key: usize,
    },
    /// The key is the array of a wide object.
    InsertArray {
        owner: usize,
        value: usize,
    },
    RemoveArray {
        owner: usize,
    },
    /// Into a map that is dropped now and then.
    InsertTemporary {
        key: usize,
        value: usize,
    },
    DropTemporary,
}

/// Steps with what holds objects besides roots in scopes, or learns of their death.
#[derive(Clone, Copy, Debug)]
pub(crate) enum HoldStep {
    Weaken { narrow: usize, wide: usize },
    Upgrade { index: usize, root: usize },
    Watch { narrow: usize, wide: usize },
    Pop { root: usize },
    ReopenQueue,
    Persist { wide: usize },
    DropPersistent { index: usize },
    Pin { wide: usize },
    Unpin { index: usize },
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum CollectStep {
    Minor,
    Full,
    BeginFull,
    Units { units: usize },
    Idle { ns: u64 },
    Safepoint,
}

fn root() -> std::ops::Range<usize> {
    0..ROOTS
}

pub(crate) fn step() -> impl Strategy<Value = Step> {
    let birth = || {
        (prop::bool::weighted(0.2), any::<bool>())
            .prop_map(|(counted, may_collect)| Birth { counted, may_collect })
    };
    let len = prop_oneof![Just(3_usize), Just(20), Just(60), Just(700), Just(1500), Just(8000)];
    let link = || 0..WIDE_LINKS;
    prop_oneof![
        5 => (root(), root(), birth()).prop_map(|(root, wide, birth)| Step::Narrow { root, wide, birth }),
        3 => (root(), birth()).prop_map(|(root, birth)| Step::Wide { root, birth }),
        2 => (root(), len, root()).prop_map(|(owner, len, element)| Step::Array { owner, len, element }),
        2 => (1..300_usize, 1..120_usize).prop_map(|(arrays, len_max)| Step::Garbage { arrays, len_max }),
        3 => (root(), 0..2_usize, root()).prop_map(|(from, link, to)| Step::LinkNarrow { from, link, to }),
        3 => (root(), link(), root()).prop_map(|(from, link, to)| Step::LinkWide { from, link, to }),
        1 => (root(), root()).prop_map(|(from, to)| Step::LinkWideToWide { from, to }),
        1 => (root(), link()).prop_map(|(from, link)| Step::Unlink { from, link }),
        1 => (root(), link(), root()).prop_map(|(from, link, to)| Step::Follow { from, link, to }),
        2 => (root(), any::<usize>(), element())
            .prop_map(|(owner, index, element)| Step::Store { owner, index, element }),
        4 => map_step().prop_map(Step::Map),
        6 => hold_step().prop_map(Step::Hold),
        3 => collect_step().prop_map(Step::Collect),
    ]
}

fn element() -> impl Strategy<Value = NewElement> {
    prop_oneof![
        Just(NewElement::Nothing),
        Just(NewElement::Number),
        root().prop_map(NewElement::Narrow),
        root().prop_map(NewElement::Wide),
    ]
}

fn map_step() -> impl Strategy<Value = MapStep> {
    prop_oneof![
        3 => (root(), root()).prop_map(|(key, value)| MapStep::InsertNarrow { key, value }),
        2 => root().prop_map(|key| MapStep::RemoveNarrow { key }),
        3 => (root(), root()).prop_map(|(key, value)| MapStep::InsertWide { key, value }),
        2 => root().prop_map(|key| MapStep::RemoveWide { key }),
        3 => (root(), root()).prop_map(|(owner, value)| MapStep::InsertArray { owner, value }),
        2 => root().prop_map(|owner| MapStep::RemoveArray { owner }),
        3 => (root(), root()).prop_map(|(key, value)| MapStep::InsertTemporary { key, value }),
        1 => Just(MapStep::DropTemporary),
    ]
}

fn hold_step() -> impl Strategy<Value = HoldStep> {
    prop_oneof![
        4 => (root(), root()).prop_map(|(narrow, wide)| HoldStep::Weaken { narrow, wide }),
        4 => (any::<usize>(), root()).prop_map(|(index, root)| HoldStep::Upgrade { index, root }),
        4 => (root(), root()).prop_map(|(narrow, wide)| HoldStep::Watch { narrow, wide }),
        4 => root().prop_map(|root| HoldStep::Pop { root }),
        1 => Just(HoldStep::ReopenQueue),
        4 => root().prop_map(|wide| HoldStep::Persist { wide }),
        3 => any::<usize>().prop_map(|index| HoldStep::DropPersistent { index }),
        4 => root().prop_map(|wide| HoldStep::Pin { wide }),
        3 => any::<usize>().prop_map(|index| HoldStep::Unpin { index }),
    ]
}

fn collect_step() -> impl Strategy<Value = CollectStep> {
    prop_oneof![
        3 => Just(CollectStep::Minor),
        1 => Just(CollectStep::Full),
        3 => Just(CollectStep::BeginFull),
        12 => prop_oneof![1..12_usize, 1..200_usize, 1..2000_usize]
            .prop_map(|units| CollectStep::Units { units }),
        1 => (1..100_000_u64).prop_map(|ns| CollectStep::Idle { ns }),
        4 => Just(CollectStep::Safepoint),
    ]
}
