//! The findings as one line of JSON. Sizes in bytes; what is not known is null, and so is "no limit".

use serde_json::{Value, json};
use terrane_base::Bytes;
use terrane_pages::{HugePages, Overcommit, TransparentHugePages};

use super::Findings;

pub(super) fn display(findings: &Findings) -> String {
    let pressure = &findings.pressure;
    let process = findings.process;
    format!(
        "{}\n",
        json!({
            "machine": machine(findings),
            "granted": granted(findings),
            "pressure": {
                "sources": pressure.sources,
                "level": pressure.level.map(|level| level.to_string()),
            },
            "process": process.map(|process| json!({ "mapped": process.mapped, "resident": process.resident })),
            "advice": findings.advice,
        })
    )
}

fn machine(findings: &Findings) -> Value {
    let machine = &findings.machine;
    let pools = machine.huge_pools.iter();
    let pools =
        pools.map(|pool| json!({ "page_size": pool.page_size, "pages": pool.pages, "free": pool.free }));
    json!({
        "page_size": machine.page_size,
        "total": machine.total.and_then(limit),
        "available": machine.available.and_then(limit),
        "transparent_huge_pages": machine.transparent_huge_pages.map(|mode| match mode {
            TransparentHugePages::Always => "always",
            TransparentHugePages::Advised => "advised",
            TransparentHugePages::Never => "never",
            _ => "other",
        }),
        "huge_pools": pools.collect::<Vec<_>>(),
        "lock_limit": machine.lock_limit.map(|lock| json!({ "soft": limit(lock.soft), "hard": limit(lock.hard) })),
        "overcommit": machine.overcommit.map(|mode| match mode {
            Overcommit::Heuristic => "heuristic",
            Overcommit::Always => "always",
            Overcommit::Never => "never",
            _ => "other",
        }),
        "has_cgroup": machine.has_cgroup,
        "cgroup_max": machine.cgroup_max.and_then(limit),
        "stalls_some_percent": machine.stalls.map(|shares| f64::from(shares.some) / 100.0),
        "stalls_full_percent": machine.stalls.map(|shares| f64::from(shares.full) / 100.0),
    })
}

fn granted(findings: &Findings) -> Value {
    let trial = &findings.trial;
    let (huge, page_size) = match trial.huge {
        HugePages::Granted { page_size } => ("granted", Some(page_size)),
        HugePages::Advised => ("advised", None),
        _ => ("unavailable", None),
    };
    json!({
        "addresses": trial.addresses.as_u64(),
        "huge_pages": huge,
        "huge_page_size": page_size,
        "huge_bytes": trial.huge_bytes.map(Bytes::as_u64),
        "locked": trial.locked.as_u64(),
    })
}

fn limit(bytes: Bytes) -> Option<u64> {
    (bytes != Bytes::MAX).then(|| bytes.as_u64())
}
