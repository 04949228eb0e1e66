//! The report as one line of JSON. Sizes in bytes, times in nanoseconds, all the sites.

use aurora::Report;
use serde_json::{Value, json};

/// The whole report; ends with a newline.
pub(crate) fn display(report: &Report) -> String {
    format!(
        "{}\n",
        json!({
            "zones": zones(report),
            "collections": collections(report),
            "bytes_copied": report.bytes_copied,
            "sites": sites(report),
            "arenas": {
                "created": report.arenas.created,
                "destroyed": report.arenas.destroyed,
                "survivors": report.arenas.survivors,
                "survivor_bytes": report.arenas.survivor_bytes,
            },
            "reconcile": {
                "accounted": report.reconcile.accounted,
                "mapped": report.reconcile.mapped,
                "resident": report.reconcile.resident,
                "unexplained": report.reconcile.unexplained,
            },
        })
    )
}

fn zones(report: &Report) -> Vec<Value> {
    let row = |zone: &aurora::ZoneReport| {
        json!({
            "zone": zone.zone,
            "allocations": zone.allocations,
            "bytes": zone.bytes,
            "peak_bytes": zone.peak_bytes,
        })
    };
    report.zones.iter().map(row).collect()
}

fn collections(report: &Report) -> Vec<Value> {
    let row = |collection: &aurora::CollectionReport| {
        json!({
            "kind": collection.kind,
            "count": collection.count,
            "pause_ns_total": collection.pause_ns_total,
            "pause_ns_max": collection.pause_ns_max,
        })
    };
    report.collections.iter().map(row).collect()
}

fn sites(report: &Report) -> Vec<Value> {
    let row = |site: &aurora::SiteReport| {
        json!({
            "file": site.file,
            "line": site.line,
            "column": site.column,
            "what": site.what,
            "zone": site.zone.to_string(),
            "allocations": site.allocations,
            "bytes": site.bytes,
        })
    };
    report.sites.iter().map(row).collect()
}
