//! The report as aligned tables, sizes in KiB and MiB.

use std::cmp::Reverse;

use aurora::{Reconcile, Report, SiteReport};
use terrane_base::Bytes;

use crate::duration;
use crate::table::{Align, Table};

/// How many of the biggest allocation sites are listed.
const SITES: usize = 10;

/// The zone that only collections fill.
const OLD_SPACE: &str = "old space";

/// The whole report; ends with a newline.
pub(crate) fn display(report: &Report) -> String {
    let sections =
        [zones(report), collections(report), sites(report), arenas(report), reconcile(&report.reconcile)];
    let mut text = String::from("\nMemory report\n");
    for section in sections.iter().filter(|section| !section.is_empty()) {
        text.push('\n');
        text.push_str(section);
    }
    text
}

fn size(bytes: u64) -> String {
    Bytes::new(bytes).to_string()
}

fn zones(report: &Report) -> String {
    let mut table = Table::new([
        ("zone", Align::Left),
        ("allocations", Align::Right),
        ("bytes", Align::Right),
        ("peak", Align::Right),
    ]);
    for zone in &report.zones {
        // Nothing is allocated there: collections move objects in.
        let receives_only = zone.zone == OLD_SPACE;
        let allocations = if receives_only { "-".to_owned() } else { zone.allocations.to_string() };
        table.row([zone.zone.clone(), allocations, size(zone.bytes), size(zone.peak_bytes)]);
    }
    table.to_string()
}

fn collections(report: &Report) -> String {
    let mut table = Table::new([
        ("collections", Align::Left),
        ("count", Align::Right),
        ("total pause", Align::Right),
        ("longest pause", Align::Right),
    ]);
    for collection in &report.collections {
        table.row([
            collection.kind.clone(),
            collection.count.to_string(),
            duration::display(collection.pause_ns_total),
            duration::display(collection.pause_ns_max),
        ]);
    }
    format!("{table}  bytes copied: {}\n", size(report.bytes_copied))
}

fn sites(report: &Report) -> String {
    let mut biggest: Vec<&SiteReport> = report.sites.iter().filter(|site| site.allocations > 0).collect();
    biggest.sort_by_key(|site| Reverse(site.bytes));
    let heading = if biggest.len() > SITES {
        format!("ten biggest of {} sites", biggest.len())
    } else {
        "biggest allocation sites".to_owned()
    };
    let mut table = Table::new([
        (heading.as_str(), Align::Left),
        ("what", Align::Left),
        ("zone", Align::Left),
        ("allocations", Align::Right),
        ("bytes", Align::Right),
    ]);
    for site in biggest.iter().take(SITES) {
        table.row([
            format!("{}:{}:{}", site.file, site.line, site.column),
            site.what.clone(),
            site.zone.to_string(),
            site.allocations.to_string(),
            size(site.bytes),
        ]);
    }
    if table.is_empty() { String::new() } else { table.to_string() }
}

fn arenas(report: &Report) -> String {
    let arenas = &report.arenas;
    if arenas.created == 0 {
        return String::new();
    }
    format!(
        "  arenas: {} created, {} destroyed; {} objects ({}) were still in use and moved to the heap\n",
        arenas.created,
        arenas.destroyed,
        arenas.survivors,
        size(arenas.survivor_bytes)
    )
}

/// What the zones say they hold, beside what the operating system says the process holds.
fn reconcile(reconcile: &Reconcile) -> String {
    let sign = if reconcile.unexplained < 0 { "-" } else { "" };
    format!(
        "  reconcile: accounted {}, mapped {}, RSS {}, unexplained {sign}{}\n  \
         (accounted: heap, stacks, symbols, string ports; mapped: addresses, most only reserved;\n  \
         RSS: memory in use by the process; unexplained: RSS - accounted: code, compiler, libraries)\n",
        size(reconcile.accounted),
        size(reconcile.mapped),
        size(reconcile.resident),
        size(reconcile.unexplained.unsigned_abs())
    )
}
