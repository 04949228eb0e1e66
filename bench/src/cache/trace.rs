//! `bench cache-trace`: replays traces of requests, and says how many of them each cache would have answered.
//!
//! | Module | Concept |
//! |---|---|
//! | `request` | the command line |
//! | `format` | reading traces |
//! | `policies` | the caches, ours and the rivals |
//! | `optimum` | the best that is possible |

mod format;
mod optimum;
mod policies;
mod request;

use request::{Replay, Request};
use std::ffi::OsString;
use std::fmt::Write;

/// What comes of the arguments after `cache-trace`: the text to print.
///
/// # Errors
///
/// What is wrong with the command line or a trace, as text for the user.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> Result<String, String> {
    match request::parse(arguments)? {
        Request::Help => Ok(request::USAGE.to_owned()),
        Request::Replays(replays) => table(&replays),
    }
}

fn table(replays: &[Replay]) -> Result<String, String> {
    let mut text = String::new();
    let policies = policies::all();
    let names = policies.iter().map(|(name, _)| *name).chain(["optimum"]);
    let heading: String = names.map(|name| format!("{name:>13}")).collect();
    let _ = writeln!(text, "{:<24}{:>10}{:>12}{:>6}{heading}", "trace", "capacity", "requests", "seed");
    for replay in replays {
        let keys = format::read(&replay.file, replay.format, replay.length)?;
        let hits = policies.iter().map(|(_, policy)| policy(replay.capacity, replay.seed, &keys));
        let hits: Vec<usize> = hits.chain([optimum::hits(replay.capacity, &keys)]).collect();
        let name = replay.file.file_name().map_or_else(|| "-".into(), |name| name.to_string_lossy());
        let _ = write!(text, "{name:<24}{:>10}{:>12}{:>6}", replay.capacity, keys.len(), replay.seed);
        for hits in hits {
            #[expect(clippy::cast_precision_loss, reason = "a share needs no more digits")]
            let percent = 100.0 * hits as f64 / keys.len().max(1) as f64;
            let _ = write!(text, "{percent:>11.2} %");
        }
        text.push('\n');
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_is_replayed_for_all() {
        let file = std::env::temp_dir().join(format!("bench-trace-{}.txt", std::process::id()));
        let lines: String = (0..3000).map(|request| format!("{}\n", request % 150)).collect();
        std::fs::write(&file, lines).expect("a file");
        let arguments =
            ["--capacity".into(), "100".into(), "--length".into(), "1500".into(), file.clone().into()];
        let text = run(arguments);
        std::fs::remove_file(&file).expect("the file");
        let text = text.expect("a table");
        let row = text.lines().nth(1).expect("a row");
        assert!(row.contains("      1500"), "{text}");
        // The first 150 requests miss; of the others, the optimum, which need not keep what it has just seen, has 100 of 150.
        assert!(row.trim_end().ends_with("60.00 %"), "{text}");
    }
}
