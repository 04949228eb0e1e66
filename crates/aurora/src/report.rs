//! Where the memory of a run went.

use crate::bytecode::Code;
use crate::placement::Zone;
use crate::source::Sources;
use crate::vm::Machine;
use terrane_gc::raw::{CollectionKind, HeapStats};

/// Figures of a run.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Report {
    /// By zone.
    pub zones: Vec<ZoneReport>,
    /// By kind of collection.
    pub collections: Vec<CollectionReport>,
    /// Bytes that collections moved.
    pub bytes_copied: u64,
    /// By allocation site and zone, most bytes first. Empty unless the run was profiled.
    pub sites: Vec<SiteReport>,
    /// The program's own arenas.
    pub arenas: ArenaReport,
    /// What is accounted for against what the system sees.
    pub reconcile: Reconcile,
}

/// One zone.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ZoneReport {
    /// Its name: "frame arenas", "nursery", "old space", "large objects", "arenas".
    pub zone: String,
    /// Objects allocated in it. 0 where the run was not profiled, and for the old space, which only receives
    /// what collections move there.
    pub allocations: u64,
    /// Bytes of objects allocated in, or moved to, it.
    pub bytes: u64,
    /// Most bytes of objects at one time, as far as it was looked at.
    pub peak_bytes: u64,
}

/// Collections of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CollectionReport {
    /// "minor", "evacuate" or "full".
    pub kind: String,
    /// How many ran.
    pub count: u64,
    /// Their pauses together.
    pub pause_ns_total: u64,
    /// The longest pause.
    pub pause_ns_max: u64,
}

/// One allocation site.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SiteReport {
    /// Name of the source.
    pub file: String,
    /// 1-based line.
    pub line: u32,
    /// 1-based column, in characters.
    pub column: u32,
    /// What is made there.
    pub what: String,
    /// The zone it went to.
    pub zone: Zone,
    /// Objects.
    pub allocations: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// The program's own arenas.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ArenaReport {
    /// Arenas made.
    pub created: u64,
    /// Arenas destroyed, scope arenas included.
    pub destroyed: u64,
    /// Objects that were still referenced when their arena was destroyed, and live on.
    pub survivors: u64,
    /// Their bytes.
    pub survivor_bytes: u64,
}

/// What is accounted for against what the system sees.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reconcile {
    /// Resident memory of the heap's address ranges, and the stacks, symbols and string ports beside it. Where the system does not say what
    /// is resident: what the heap has committed.
    pub accounted: u64,
    /// Address space of the process, reservations included.
    pub mapped: u64,
    /// Resident memory of the process.
    pub resident: u64,
    /// Resident beyond what is accounted for: the program's code, the compiler's data, the libraries.
    pub unexplained: i64,
}

impl Report {
    pub(crate) fn of(machine: &Machine, code: &Code, sources: &Sources) -> Self {
        let stats = machine.memory.stats();
        Self {
            zones: zones(machine, &stats),
            collections: CollectionKind::ALL.iter().map(|&kind| collections(&stats, kind)).collect(),
            bytes_copied: stats.bytes_copied,
            sites: sites(machine, code, sources),
            arenas: ArenaReport {
                created: stats.arenas_created,
                destroyed: stats.arenas_destroyed,
                survivors: stats.arena_survivors,
                survivor_bytes: stats.arena_survivor_bytes,
            },
            reconcile: reconcile(machine, &stats),
        }
    }
}

fn zones(machine: &Machine, stats: &HeapStats) -> Vec<ZoneReport> {
    let counted = |zone: Zone| {
        let tallies = machine.profile.iter().flat_map(|profile| profile.iter());
        tallies.filter(|(_, z, _)| *z == zone).map(|(_, _, tally)| tally.allocations).sum()
    };
    let frames = machine.frames().stats();
    let row = |zone: &str, allocations, bytes, peak_bytes| ZoneReport {
        zone: zone.into(),
        allocations,
        bytes,
        peak_bytes,
    };
    vec![
        row("frame arenas", counted(Zone::Frame), frames.bytes_total, frames.peak_bytes),
        row("nursery", counted(Zone::Heap), stats.nursery.bytes_total, stats.nursery.bytes_peak),
        row("old space", 0, stats.old.bytes_total, stats.old.bytes_peak),
        row("large objects", counted(Zone::Large), stats.large.bytes_total, stats.large.bytes_peak),
        row("arenas", counted(Zone::Arena), stats.arenas.bytes_total, stats.arenas.bytes_peak),
    ]
}

fn collections(stats: &HeapStats, kind: CollectionKind) -> CollectionReport {
    let figures = stats.collections_of(kind);
    CollectionReport {
        kind: kind.to_string(),
        count: figures.count,
        pause_ns_total: figures.pause_ns_total,
        pause_ns_max: figures.pause_ns_max,
    }
}

fn sites(machine: &Machine, code: &Code, sources: &Sources) -> Vec<SiteReport> {
    let Some(profile) = &machine.profile else { return Vec::new() };
    let places = sources.lines_columns(profile.iter().map(|(id, ..)| code.sites[id.index()].span));
    let mut all: Vec<SiteReport> = profile
        .iter()
        .map(|(id, zone, tally)| {
            let site = &code.sites[id.index()];
            let (line, column) = places[&site.span];
            let file = sources.of(site.span.origin).name.clone();
            let what = site.what.to_string();
            SiteReport { file, line, column, what, zone, allocations: tally.allocations, bytes: tally.bytes }
        })
        .collect();
    all.sort_by(|a, b| {
        b.bytes.cmp(&a.bytes).then_with(|| (&a.file, a.line, a.column).cmp(&(&b.file, b.line, b.column)))
    });
    all
}

fn reconcile(machine: &Machine, stats: &HeapStats) -> Reconcile {
    let in_heap = terrane_pages::resident_bytes_within(&machine.memory.address_ranges());
    let accounted = in_heap.unwrap_or(stats.committed_bytes) + machine.beside.used().as_u64();
    let seen = terrane_pages::process_memory();
    let (mapped, resident) = seen.map_or((0, 0), |memory| (memory.mapped, memory.resident));
    let unexplained =
        i64::try_from(resident).unwrap_or(i64::MAX) - i64::try_from(accounted).unwrap_or(i64::MAX);
    Reconcile { accounted, mapped, resident, unexplained }
}
