//! The whole tree of budgets at a moment, for people and programs.

use alloc::{sync::Arc, vec, vec::Vec};
use core::fmt::{self, Write};

use super::{PressureLevel, limit_bytes, node::Node};
use crate::{BudgetName, Bytes};

/// A budget and all below it, with their figures. [`Display`](fmt::Display) draws the tree, [`write_json`](BudgetSnapshot::write_json)
/// writes it for programs.
///
/// The figures of one budget belong together as closely as can be had without stopping others; under load those of different
/// budgets may be of slightly different moments.
///
/// ```
/// use terrane_base::{Budget, Bytes};
///
/// let root = Budget::root(Bytes::from_mib(64));
/// let cache = root.child("cache").max(Bytes::from_mib(32)).min(Bytes::from_mib(4))?;
/// let _held = cache.child("images").try_reserve(Bytes::from_mib(9))?;
/// assert_eq!(
///     root.snapshot().to_string(),
///     "root: 9 MiB of 64 MiB, peak 9 MiB, pressure normal\n\
///      └─ cache: 9 MiB of 32 MiB, at least 4 MiB, peak 9 MiB\n\
///      \u{20}  └─ images: 9 MiB, peak 9 MiB\n"
/// );
/// # Ok::<(), terrane_base::MemoryError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BudgetSnapshot {
    /// Each budget before those below it.
    entries: Vec<SnapshotEntry>,
    pressure: PressureLevel,
}

/// The figures of one budget.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SnapshotEntry {
    /// The name.
    pub name: BudgetName,
    /// How many budgets lie above it within the snapshot.
    pub depth: usize,
    /// What it and the budgets below it hold.
    pub used: Bytes,
    /// The most that was ever held at once.
    pub peak: Bytes,
    /// The guaranteed minimum; zero where there is none.
    pub min: Bytes,
    /// The limit; [`Bytes::MAX`] where there is none.
    pub max: Bytes,
}

impl BudgetSnapshot {
    pub(super) fn of(node: &Arc<Node>) -> Self {
        let mut entries = Vec::new();
        // A stack instead of recursion: trees may be very deep.
        let mut open = vec![(Arc::clone(node), 0)];
        while let Some((node, depth)) = open.pop() {
            entries.push(SnapshotEntry {
                name: node.name(),
                depth,
                used: Bytes::from_usize(node.used()),
                peak: Bytes::from_usize(node.peak()),
                min: Bytes::from_usize(node.min()),
                max: limit_bytes(node.max()),
            });
            open.extend(node.living_children().into_iter().rev().map(|child| (child, depth + 1)));
        }
        Self { entries, pressure: node.tree.pressure.level() }
    }

    /// All budgets, each before those below it.
    #[must_use]
    pub fn entries(&self) -> &[SnapshotEntry] {
        &self.entries
    }

    /// The level of pressure of the tree.
    #[must_use]
    pub fn pressure(&self) -> PressureLevel {
        self.pressure
    }

    /// The budgets right below the one at `index` of [`entries`](BudgetSnapshot::entries), with their indices.
    pub fn children(&self, index: usize) -> impl Iterator<Item = (usize, &SnapshotEntry)> {
        let depth = self.entries.get(index).map_or(usize::MAX, |entry| entry.depth);
        let rest = self.entries.iter().enumerate().skip(index.saturating_add(1));
        let below = rest.take_while(move |(_, entry)| entry.depth > depth);
        below.filter(move |(_, entry)| entry.depth - 1 == depth)
    }

    /// Writes the tree as one JSON object: `{"name":…,"used":…,"peak":…,"min":…,"max":…,"pressure":…,"children":[…]}`, amounts in
    /// bytes, `null` for no limit; `pressure` in the outermost object only.
    ///
    /// # Errors
    /// When `out` fails.
    pub fn write_json(&self, out: &mut impl Write) -> fmt::Result {
        for (index, entry) in self.entries.iter().enumerate() {
            if index > 0 {
                let before = self.entries[index - 1].depth;
                (entry.depth..=before).try_for_each(|_| out.write_str("]}"))?;
                out.write_str(if entry.depth > before { "" } else { "," })?;
            }
            write_members(out, entry)?;
            if index == 0 {
                write!(out, "\"pressure\":\"{}\",", self.pressure)?;
            }
            out.write_str("\"children\":[")?;
        }
        let last = self.entries.last().map_or(0, |entry| entry.depth);
        (0..=last).try_for_each(|_| out.write_str("]}"))
    }

    /// The same without the budgets more than `depth` levels below the root that never held anything: a shorter drawing.
    ///
    /// ```
    /// # use terrane_base::{Budget, Bytes};
    /// let root = Budget::root(Bytes::from_mib(64));
    /// let classes = [64, 128, 256].map(|size| root.child(&format!("of {size}")));
    /// let _held = classes[1].try_reserve(Bytes::new(128))?;
    /// let names: Vec<_> = root.snapshot().without_unused_below(0).entries()[1..].iter().map(|entry| entry.name).collect();
    /// assert_eq!(names, [classes[1].name()]);
    /// # Ok::<(), terrane_base::MemoryError>(())
    /// ```
    #[must_use]
    pub fn without_unused_below(mut self, depth: usize) -> Self {
        // What lies below a budget that never held anything never did either, and guarantees are held.
        self.entries.retain(|entry| entry.depth <= depth || entry.peak.max(entry.min) > Bytes::ZERO);
        self
    }

    /// For each budget, whether another one of the same parent follows it.
    fn followed(&self) -> Vec<bool> {
        let mut followed = vec![false; self.entries.len()];
        // By depth: whether there is a later one of the same parent.
        let mut open: Vec<bool> = Vec::new();
        for (index, entry) in self.entries.iter().enumerate().rev() {
            open.resize(entry.depth + 1, false);
            followed[index] = open[entry.depth];
            open[entry.depth] = true;
        }
        followed
    }
}

fn write_members(out: &mut impl Write, entry: &SnapshotEntry) -> fmt::Result {
    out.write_str("{\"name\":")?;
    write_json_text(out, entry.name.as_str())?;
    let [used, peak, min] = [entry.used, entry.peak, entry.min].map(Bytes::as_u64);
    write!(out, ",\"used\":{used},\"peak\":{peak},\"min\":{min},\"max\":")?;
    match entry.max {
        Bytes::MAX => out.write_str("null,"),
        max => write!(out, "{},", max.as_u64()),
    }
}

/// A JSON string (RFC 8259, section 7).
fn write_json_text(out: &mut impl Write, text: &str) -> fmt::Result {
    out.write_char('"')?;
    for c in text.chars() {
        match c {
            '"' | '\\' => write!(out, "\\{c}")?,
            c if c < ' ' => write!(out, "\\u{:04x}", u32::from(c))?,
            c => out.write_char(c)?,
        }
    }
    out.write_char('"')
}

impl fmt::Display for SnapshotEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name.as_str(), self.used)?;
        if self.max < Bytes::MAX {
            write!(f, " of {}", self.max)?;
        }
        if self.min > Bytes::ZERO {
            write!(f, ", at least {}", self.min)?;
        }
        write!(f, ", peak {}", self.peak)
    }
}

impl fmt::Display for BudgetSnapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let followed = self.followed();
        // By depth: whether the budget that is open there has one of the same parent below it in the drawing.
        let mut open: Vec<bool> = Vec::new();
        for (entry, followed) in self.entries.iter().zip(followed) {
            open.truncate(entry.depth);
            for &followed in open.iter().skip(1) {
                f.write_str(if followed { "│  " } else { "   " })?;
            }
            open.push(followed);
            match (entry.depth, followed) {
                (0, _) => writeln!(f, "{entry}, pressure {}", self.pressure)?,
                (_, true) => writeln!(f, "├─ {entry}")?,
                (_, false) => writeln!(f, "└─ {entry}")?,
            }
        }
        Ok(())
    }
}
