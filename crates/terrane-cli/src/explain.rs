//! `terrane explain`: the allocations in a program's own text with the zone that the compiler chose and the
//! reason.

use std::collections::BTreeMap;
use std::process::ExitCode;

use aurora::SitePlacement;
use serde_json::{Value, json};

use crate::command_line::ExplainCommand;
use crate::diagnostic::Style;
use crate::{output, run, source_file};

/// Explains the program; returns the exit code.
pub(crate) fn explain(command: &ExplainCommand) -> ExitCode {
    let source = match source_file::read(&command.file) {
        Ok(source) => source,
        Err(unreadable) => {
            output::to_stderr(&unreadable.message.draw(&unreadable.source, Style::of_stderr()));
            return ExitCode::FAILURE;
        }
    };
    match aurora::explain(&source) {
        Ok(sites) if command.json => output::to_stdout(&as_json(&source.name, &sites)),
        Ok(sites) => output::to_stdout(&as_text(&source.name, &sites)),
        Err(failure) => run::show(&failure, &source),
    }
}

fn as_text(file: &str, sites: &[SitePlacement]) -> String {
    let mut text = String::new();
    for site in sites {
        let SitePlacement { what, line, column, zone, reason, .. } = site;
        text.push_str(&format!("{what} at {line}:{column}: {zone}, {reason}\n"));
    }
    text.push_str(&format!("{file}: {}\n", summary(sites)));
    text
}

/// `3 allocation sites (2 frame, 1 heap)`
fn summary(sites: &[SitePlacement]) -> String {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for site in sites {
        *counts.entry(site.zone.to_string()).or_default() += 1;
    }
    let zones: Vec<String> = counts.iter().map(|(zone, count)| format!("{count} {zone}")).collect();
    match sites.len() {
        0 => "no allocation sites".to_owned(),
        1 => format!("1 allocation site ({})", zones.join(", ")),
        count => format!("{count} allocation sites ({})", zones.join(", ")),
    }
}

fn as_json(file: &str, sites: &[SitePlacement]) -> String {
    let sites: Vec<Value> = sites
        .iter()
        .map(|site| {
            json!({
                "line": site.line,
                "column": site.column,
                "what": site.what,
                "zone": site.zone.to_string(),
                "reason": site.reason,
            })
        })
        .collect();
    format!("{}\n", json!({ "file": file, "sites": sites }))
}
