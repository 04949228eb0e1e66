//! `cargo xtask count`: the instructions of the fast paths, counted and compared with their bounds.
//!
//! A time depends on the machine and on what else it does; a count of instructions depends on the compiler only, and
//! tells a lost inlining or a new check at once. `bench-count` runs a loop over a fast path. Callgrind counts two runs of
//! different length, and the difference by turn leaves out everything that happens once. The same for an empty loop is
//! subtracted.

mod callgrind;
mod table;

use std::collections::BTreeMap;
use std::ffi::OsString;

use crate::step::{Step, StepFailed, root};
use crate::{Outcome, bench, show};
use callgrind::Counts;
use table::{Figures, Table};

const HELP: &str = "\
Counts the instructions and conditional branches of the fast paths, prints them, and fails when one is above its
bound. The bounds are in bench/instruction-counts.txt, which says what each case is.

Usage: cargo xtask count [--update]

Options:
  --update    write the counts into bench/instruction-counts.txt; the bounds there are changed by hand only

It needs valgrind (`apt-get install valgrind`) and Linux on x86-64.
";

/// The table of the cases, from the root of the repository.
const TABLE: &str = "bench/instruction-counts.txt";

/// The two lengths of a loop. They have equally many digits, so that reading them takes equally long.
const TURNS: [u32; 2] = [100_000, 200_000];

/// Counts that differ by less than this are the same: how often a slow path was taken may differ.
const TOLERANCE: f64 = 0.005;

pub(crate) fn task(arguments: &[OsString]) -> Outcome {
    let words: Vec<_> = arguments.iter().map(|argument| argument.to_string_lossy()).collect();
    let words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
    match words[..] {
        [] => run(false).into(),
        ["--update"] => run(true).into(),
        ["--help" | "-h"] => show(HELP),
        _ => Outcome::Misused(format!("`count` does not understand `{}`", words.join(" "))),
    }
}

/// Counts all cases; also a part of `ci`.
pub(crate) fn run(update: bool) -> Result<(), StepFailed> {
    let check = Step::cargo("instruction counts", ["xtask", "count"]);
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        return Err(check.failed("the bounds are for Linux on x86-64".to_owned()));
    }
    if Step::program("version of valgrind", "valgrind", ["--version"]).capture_errors().is_err() {
        return Err(check.failed("valgrind is missing; install it: apt-get install valgrind".to_owned()));
    }
    let path = root().join(TABLE);
    let text = std::fs::read_to_string(&path).map_err(|error| check.failed(format!("{TABLE}: {error}")))?;
    let mut table = Table::parse(&text).map_err(|error| check.failed(format!("{TABLE}: {error}")))?;
    let program = build()?;
    compare_names(&check, &table, &program)?;
    let counter = Counter { program, slopes: BTreeMap::new() };
    measure(counter, &mut table)?;
    if update {
        std::fs::write(&path, table.to_string())
            .map_err(|error| check.failed(format!("{TABLE}: {error}")))?;
        eprintln!("    {TABLE} is written; look at the difference before you commit it");
    }
    judge(&check, &table)
}

/// Builds the program with the loops, and says where it is.
fn build() -> Result<OsString, StepFailed> {
    let step = Step::cargo(
        "build of the loops",
        [
            "build",
            "--release",
            "--manifest-path",
            bench::MANIFEST,
            "--bin",
            "bench-count",
            "--message-format",
            "json-render-diagnostics",
        ],
    );
    let messages = step.capture()?;
    executable(&messages).map(OsString::from).ok_or_else(|| step.failed("cargo named no program".to_owned()))
}

/// The program in Cargo's messages, one JSON object in each line.
fn executable(messages: &str) -> Option<String> {
    messages.lines().rev().find_map(|line| {
        let rest = line.split_once("\"executable\":\"")?.1;
        Some(rest.split_once('"')?.0.to_owned())
    })
}

/// Every loop of the program is in the table, and the other way round.
fn compare_names(check: &Step, table: &Table, program: &OsString) -> Result<(), StepFailed> {
    let listing = Step::program("list of the loops", program, ["--list"]).capture()?;
    let mut loops: Vec<&str> = listing.lines().collect();
    let mut known: Vec<&str> =
        table.cases().flat_map(|case| [case.name.as_str(), case.minus.as_str()]).collect();
    for names in [&mut loops, &mut known] {
        names.sort_unstable();
        names.dedup();
    }
    if loops == known {
        return Ok(());
    }
    Err(check.failed(format!(
        "{TABLE} has the cases {}, bench-count has {}",
        known.join(" "),
        loops.join(" ")
    )))
}

fn measure(mut counter: Counter, table: &mut Table) -> Result<(), StepFailed> {
    eprintln!("\n==> instruction counts\n    {}", Table::HEADING);
    for case in table.cases_mut() {
        let before = case.counted;
        let counted = counter.slope(&case.name)?.minus(counter.slope(&case.minus)?);
        case.counted = counted;
        let remark = match () {
            () if !counted.within(case.bound, TOLERANCE) => "  ABOVE ITS BOUND",
            () if !counted.same(before, TOLERANCE) => "  differs from the table",
            () => "",
        };
        eprintln!("    {case}{remark}");
    }
    Ok(())
}

fn judge(check: &Step, table: &Table) -> Result<(), StepFailed> {
    let above = |case: &&table::Case| !case.counted.within(case.bound, TOLERANCE);
    let names: Vec<&str> = table.cases().filter(above).map(|case| case.name.as_str()).collect();
    if names.is_empty() {
        return Ok(());
    }
    Err(check.failed(format!(
        "above the bound: {}. Where that is meant, raise the bound in {TABLE} and say why in the commit; \
         `cargo xtask count --update` writes the counts",
        names.join(", ")
    )))
}

/// Runs loops under callgrind, each once for each length.
struct Counter {
    program: OsString,
    slopes: BTreeMap<String, Figures>,
}

impl Counter {
    /// What one turn of a loop costs.
    fn slope(&mut self, name: &str) -> Result<Figures, StepFailed> {
        if let Some(&known) = self.slopes.get(name) {
            return Ok(known);
        }
        let [few, many] = TURNS;
        let slope = Figures::per_turn(self.count(name, few)?, self.count(name, many)?, many - few);
        self.slopes.insert(name.to_owned(), slope);
        Ok(slope)
    }

    fn count(&self, name: &str, turns: u32) -> Result<Counts, StepFailed> {
        let step = Step::program(
            format!("count of {name}"),
            "valgrind",
            [
                OsString::from("--tool=callgrind"),
                "--branch-sim=yes".into(),
                "--callgrind-out-file=/dev/null".into(),
                self.program.clone(),
                name.into(),
                turns.to_string().into(),
            ],
        );
        let report = step.capture_errors()?;
        Counts::parse(&report).ok_or_else(|| step.failed(format!("callgrind gave no totals:\n{report}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_is_found_among_cargos_messages() {
        let messages = "{\"reason\":\"compiler-artifact\",\"executable\":null}\n\
                        {\"reason\":\"compiler-artifact\",\"executable\":\"/t/bench-count\",\"fresh\":true}\n\
                        {\"reason\":\"build-finished\",\"success\":true}\n";
        assert_eq!(executable(messages).as_deref(), Some("/t/bench-count"));
        assert_eq!(executable("{\"executable\":null}"), None);
    }

    #[test]
    fn the_committed_table_is_read_and_holds() {
        let text = std::fs::read_to_string(root().join(TABLE)).unwrap();
        let table = Table::parse(&text).unwrap();
        assert_eq!(table.to_string(), text, "the table is written as it is read");
        for case in table.cases() {
            assert!(case.counted.within(case.bound, TOLERANCE), "{} is above its bound", case.name);
        }
    }

    #[test]
    fn the_promise_for_one_word_stands() {
        let text = std::fs::read_to_string(root().join(TABLE)).unwrap();
        let table = Table::parse(&text).unwrap();
        let word = table.cases().find(|case| case.name == "arena-alloc-u64").unwrap();
        assert!(word.bound.within(Figures { instructions: 6.0, branches: 1.0 }, TOLERANCE));
    }
}
