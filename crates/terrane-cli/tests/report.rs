//! What `run --report`, `run --gc-log` and `explain` say, and that it goes to the right stream.

mod terrane;

use serde_json::Value;
use terrane::{Program, read, terrane};

fn report_as_json(line: &[&str]) -> Value {
    let run = terrane(line);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let report = run.stderr.lines().last().expect("the report is the last line");
    serde_json::from_str(report).unwrap_or_else(|error| panic!("{error}: {report}"))
}

/// The row of a list whose field has this value.
#[track_caller]
fn row<'a>(report: &'a Value, list: &str, field: &str, value: &str) -> &'a Value {
    let rows = report[list].as_array().unwrap_or_else(|| panic!("no {list} in {report}"));
    rows.iter().find(|row| row[field] == value).unwrap_or_else(|| panic!("no {value} in {list}: {report}"))
}

#[test]
fn the_text_report_has_all_its_rows() {
    let run = terrane(["run", "--report", "examples/gcbench.scm", "8"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    for part in [
        "zone ",
        "allocations",
        "peak",
        "frame",
        "nursery",
        "old",
        "large object",
        "collections",
        "total pause",
        "longest pause",
        "minor",
        "full",
        "bytes copied:",
        "biggest allocation sites",
        "examples/gcbench.scm:",
        "reconcile: accounted",
        "mapped",
        "RSS",
        "unexplained",
        "accounted: ",
        "unexplained: ",
        "MiB",
        "KiB",
    ] {
        assert!(run.stderr.contains(part), "no `{part}` in\n{}", run.stderr);
    }
    let sites =
        run.stderr.lines().filter(|line| line.trim_start().starts_with("examples/gcbench.scm:")).count();
    assert!((1..=10).contains(&sites), "{sites} sites in\n{}", run.stderr);
    assert!(run.stdout.starts_with("stretch tree of depth 10"), "{}", run.stdout);
}

/// What README shows.
#[test]
fn points_live_in_frames() {
    let output = terrane(["explain", "examples/points.scm"]).output();
    assert_eq!(output.matches("cons at ").count(), 3, "{output}");
    assert_eq!(output.matches(": frame, dies in walk\n").count(), 3, "{output}");
    assert!(output.contains(": frame, dies in percent-of-long-walks\n"), "{output}");

    let report = report_as_json(&["run", "--report=json", "examples/points.scm"]);
    let frames = row(&report, "zones", "zone", "frame arenas");
    assert_eq!((&frames["allocations"], &frames["peak_bytes"]), (&1_200_001.into(), &72.into()), "{report}");
    let collections = report["collections"].as_array().unwrap();
    assert!(collections.iter().all(|kind| kind["count"] == 0), "{report}");

    let report = report_as_json(&["run", "--report=json", "--placement", "off", "examples/points.scm"]);
    assert_eq!(row(&report, "zones", "zone", "frame arenas")["allocations"], 0, "{report}");
    assert!(row(&report, "collections", "kind", "minor")["count"].as_u64().unwrap() > 0, "{report}");
}

#[test]
fn the_text_report_says_what_it_leaves_out() {
    let sites = |count: usize| {
        let run = Program::new("(write (vector 1))\n".repeat(count)).run(&["--report", "--placement", "off"]);
        assert_eq!(run.code, 0, "{}", run.stderr);
        run.stderr
    };
    assert!(sites(11).contains("ten biggest of 11 sites  "), "{}", sites(11));
    assert!(!sites(10).contains("ten biggest"), "{}", sites(10));
    let report = sites(10);
    let old = report.lines().find(|line| line.trim_start().starts_with("old space ")).unwrap();
    assert_eq!(old.split_whitespace().nth(2), Some("-"), "{report}");
}

#[test]
fn standard_output_belongs_to_the_program() {
    let run = terrane(["run", "--report", "--gc-log", "examples/gcbench.scm"]);
    assert_eq!(run.stdout, read("examples/expected/gcbench.txt"));
}

#[test]
fn the_json_report_says_the_same() {
    let report =
        report_as_json(&["run", "--report=json", "--nursery", "256KiB", "examples/gcbench.scm", "8"]);
    let zones = report["zones"].as_array().unwrap();
    assert!(zones.iter().all(|zone| zone["peak_bytes"].is_u64() && zone["allocations"].is_u64()), "{report}");
    let allocated: u64 = zones.iter().map(|zone| zone["bytes"].as_u64().unwrap()).sum();
    assert!(allocated > 1_000_000, "{report}");
    let minor = row(&report, "collections", "kind", "minor");
    assert!(minor["count"].as_u64().unwrap() > 0, "{report}");
    assert!(minor["pause_ns_total"].as_u64().unwrap() >= minor["pause_ns_max"].as_u64().unwrap(), "{report}");
    let array = row(&report, "sites", "what", "make-vector");
    assert_eq!(array["file"], "examples/gcbench.scm");
    let line =
        read("examples/gcbench.scm").lines().position(|line| line.contains("(make-vector")).unwrap() + 1;
    assert_eq!(array["line"].as_u64(), Some(line as u64), "{report}");
    for figure in ["accounted", "mapped", "resident", "unexplained"] {
        assert!(report["reconcile"][figure].is_i64(), "{report}");
    }
    assert!(report["bytes_copied"].is_u64(), "{report}");
}

#[test]
fn the_report_counts_exactly() {
    let program =
        Program::new("(define keep '())\n(do ((i 0 (+ i 1))) ((= i 1000))\n  (set! keep (cons i keep)))\n");
    let run = program.run(&["--report=json"]);
    let report: Value = serde_json::from_str(run.stderr.lines().last().unwrap()).unwrap();
    let cons = row(&report, "sites", "what", "cons");
    assert_eq!(cons["allocations"], 1000, "{report}");
    assert_eq!(cons["bytes"], 16_000, "{report}");
    assert_eq!((cons["line"].as_u64(), cons["column"].as_u64()), (Some(3), Some(14)), "{report}");
    assert_eq!(cons["zone"], "heap", "{report}");
}

#[test]
fn arenas_are_counted() {
    let report = report_as_json(&["run", "--report=json", "examples/arena-eshkol-2.scm"]);
    assert_eq!(report["arenas"]["created"], 1, "{report}");
    assert_eq!(report["arenas"]["destroyed"], 1, "{report}");
    assert!(report["arenas"]["survivors"].as_u64().unwrap() >= 200, "{report}");
    let report = report_as_json(&["run", "--report=json", "examples/arena-eshkol-1.scm"]);
    assert_eq!(report["arenas"]["created"], report["arenas"]["destroyed"], "{report}");
    assert_eq!(report["arenas"]["survivors"], 0, "{report}");
}

#[test]
fn a_failed_run_is_reported_too() {
    let run = Program::new("(define x (list 1 2 3))\n(car 5)\n").run(&["--report=json"]);
    assert_eq!(run.code, 1);
    assert!(run.stderr.contains("case.scm:2:1"), "{}", run.stderr);
    let report: Value = serde_json::from_str(run.stderr.lines().last().unwrap()).unwrap();
    assert!(report["zones"].is_array(), "{report}");
}

#[test]
fn the_log_has_a_line_for_each_collection() {
    let line = ["run", "--gc-log", "--report=json", "--nursery", "256KiB", "examples/binary-trees.scm", "10"];
    let run = terrane(line);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let (log, report) = run.stderr.trim_end().rsplit_once('\n').expect("a log and a report");
    let report: Value = serde_json::from_str(report).unwrap();
    let rows = report["collections"].as_array().unwrap();
    let collections: u64 = rows.iter().map(|row| row["count"].as_u64().unwrap()).sum();
    assert!(collections > 0, "{report}");
    assert_eq!(log.lines().count() as u64, collections, "{log}");
}

#[test]
fn explain_lists_every_site_with_a_reason() {
    let program = Program::new(
        "(define table (make-vector 3 0))\n\
         (define (sum-of-pair a b)\n  (let ((pair (cons a b)))\n    (+ (car pair) (cdr pair))))\n\
         (define (keep x)\n  (vector-set! table 0 (cons x x)))\n\
         (display (sum-of-pair 1 2))\n(keep 1)\n",
    );
    let path = program.path("case.scm");
    let output = terrane(["explain".as_ref(), path.as_os_str()]).output();
    assert!(output.contains("cons at 3:15: frame, "), "{output}");
    assert!(output.contains("cons at 6:24: heap, "), "{output}");
    assert!(output.contains("make-vector at 1:15: "), "{output}");
    assert!(output.contains("allocation sites ("), "{output}");

    let output = terrane(["explain".as_ref(), "--json".as_ref(), path.as_os_str()]).output();
    let explained: Value = serde_json::from_str(&output).unwrap();
    let sites = explained["sites"].as_array().unwrap();
    let cons = sites.iter().find(|site| site["line"] == 3).unwrap();
    assert_eq!(
        (&cons["what"], &cons["zone"], &cons["column"]),
        (&"cons".into(), &"frame".into(), &15.into())
    );
    assert!(sites.iter().all(|site| !site["reason"].as_str().unwrap().is_empty()), "{output}");
}

#[test]
fn explain_works_on_every_example() {
    for example in [
        "wordfreq",
        "json",
        "gcbench",
        "nqueens",
        "points",
        "binary-trees",
        "arena-eshkol-1",
        "arena-eshkol-2",
    ] {
        let output = terrane(["explain", &format!("examples/{example}.scm")]).output();
        assert!(output.lines().count() > 1, "{example}: {output}");
    }
}

#[test]
fn explain_shows_a_syntax_error() {
    let program = Program::new("(display 1)\n(if)\n");
    let run = terrane(["explain".as_ref(), program.path("case.scm").as_os_str()]);
    assert_eq!(run.code, 1, "{}", run.stderr);
    assert!(run.stderr.contains("case.scm:2:1"), "{}", run.stderr);
    assert_eq!(run.stdout, "");
}
