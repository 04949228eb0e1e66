//! Every example prints what is written down for it: by default, with placement off, and (smaller, since it
//! collects all the time) under stress with the heap verified after each collection.

mod terrane;

use terrane::{read, terrane};

const MODES: [&[&str]; 3] =
    [&[], &["--placement", "off"], &["--gc-log", "--placement", "on", "--nursery", "256KiB"]];

const STRESS: [&[&str]; 2] =
    [&["--gc-stress", "7", "--gc-verify"], &["--gc-stress", "7", "--gc-verify", "--placement", "off"]];

/// Runs the example in each of the modes and compares its output.
#[track_caller]
fn check(modes: &[&[&str]], example: &str, arguments: &[&str], expected: &str) {
    let program = format!("examples/{example}.scm");
    let expected = read(&format!("examples/expected/{expected}.txt"));
    for options in modes {
        let line: Vec<&str> =
            ["run"].iter().chain(*options).chain(&[program.as_str()]).chain(arguments).copied().collect();
        let run = terrane(&line);
        run.assert_no_panic();
        assert_eq!(run.code, 0, "{line:?}\n{}", run.stderr);
        assert_eq!(run.stdout, expected, "{line:?}");
        if !options.contains(&"--gc-log") {
            assert_eq!(run.stderr, "", "{line:?}");
        }
    }
}

#[test]
fn wordfreq() {
    check(&MODES, "wordfreq", &["examples/data/terranes.txt"], "wordfreq");
}

#[test]
fn wordfreq_under_stress() {
    check(&STRESS, "wordfreq", &["examples/data/terranes.txt"], "wordfreq");
}

#[test]
fn json() {
    check(&MODES, "json", &["examples/data/sample.json"], "json");
}

#[test]
fn json_under_stress() {
    check(&STRESS, "json", &["examples/data/sample.json"], "json");
}

#[test]
fn gcbench() {
    check(&MODES, "gcbench", &[], "gcbench");
}

#[test]
fn gcbench_under_stress() {
    check(&STRESS, "gcbench", &["5", "300"], "gcbench-small");
}

#[test]
fn nqueens() {
    check(&MODES, "nqueens", &[], "nqueens");
}

#[test]
fn nqueens_under_stress() {
    check(&STRESS, "nqueens", &["5"], "nqueens-small");
}

#[test]
fn points() {
    check(&MODES, "points", &[], "points");
}

#[test]
fn points_under_stress() {
    check(&STRESS, "points", &["300"], "points-small");
}

#[test]
fn binary_trees() {
    check(&MODES, "binary-trees", &[], "binary-trees");
}

#[test]
fn binary_trees_under_stress() {
    check(&STRESS, "binary-trees", &["6"], "binary-trees-small");
}

#[test]
fn scope_arena() {
    check(&MODES, "arena-eshkol-1", &[], "arena-eshkol-1");
}

#[test]
fn scope_arena_under_stress() {
    check(&STRESS, "arena-eshkol-1", &[], "arena-eshkol-1");
}

#[test]
fn persistent_arena() {
    check(&MODES, "arena-eshkol-2", &[], "arena-eshkol-2");
}

#[test]
fn persistent_arena_under_stress() {
    check(&STRESS, "arena-eshkol-2", &[], "arena-eshkol-2");
}

/// The two listings of "Memory Management in Eshkol" that asked for arenas, character for character.
#[test]
fn the_founding_listings_stand_in_the_examples_unchanged() {
    let scope = "\
(define (process-data data)
  (with-arena (arena 1024)  ; Create a 1KB arena
    (let* ((result (compute-result data arena))
           (formatted (format-result result arena)))
      (display formatted))))  ; Arena is automatically destroyed at scope exit
";
    let persistent = "\
(define global-arena (make-arena 1024 * 1024))  ; 1MB arena

(define (initialize-system)
  (set! global-data (load-data global-arena))
  (set! global-config (load-config global-arena)))

(define (cleanup-system)
  (destroy-arena global-arena))
";
    assert!(read("examples/arena-eshkol-1.scm").contains(scope));
    assert!(read("examples/arena-eshkol-2.scm").contains(persistent));
}

/// Each example without what it needs explains itself.
#[test]
fn examples_say_how_to_use_them() {
    for line in [
        &["run", "examples/wordfreq.scm"][..],
        &["run", "examples/json.scm"],
        &["run", "examples/nqueens.scm", "many"],
        &["run", "examples/points.scm", "0"],
        &["run", "examples/binary-trees.scm", "1.5"],
        &["run", "examples/gcbench.scm", "-1"],
    ] {
        let run = terrane(line);
        assert_eq!(run.code, 2, "{line:?}\n{}", run.stderr);
        assert!(run.stdout.starts_with("usage: "), "{line:?}\n{}", run.stdout);
    }
}
