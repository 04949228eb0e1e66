//! The command line as a person meets it: help, mistakes, exit codes, pipes.

mod terrane;

use std::io::Read;
use std::process::Stdio;

use terrane::{Program, command, terrane, wait};

#[test]
fn help_and_version_go_to_standard_output() {
    for (line, parts) in [
        (&["--help"][..], &["Usage: terrane", "Examples:", "run", "explain"][..]),
        (
            &["run", "--help"],
            &["Usage: terrane run", "Examples:", "--heap-limit", "--gc-stress", "closed pipe", "unexplained"],
        ),
        (&["explain", "--help"], &["Usage: terrane explain", "Examples:", "--json"]),
        (&["help", "run"], &["Usage: terrane run", "TERRANE_", "memory.toml"]),
        (&["--version"], &[env!("CARGO_PKG_VERSION")]),
    ] {
        let output = terrane(line).output();
        for part in parts {
            assert!(output.contains(part), "{line:?}: no {part} in\n{output}");
        }
        assert!(output.lines().all(|line| line.chars().count() <= 110), "{output}");
    }
}

#[test]
fn a_wrong_command_line_exits_2() {
    for line in [
        &[][..],
        &["walk"],
        &["help", "walk"],
        &["help", "run", "extra"],
        &["--version", "extra"],
        &["examples/nqueens.scm"],
        &["--fast"],
        &["run"],
        &["run", "--fast", "examples/nqueens.scm"],
        &["run", "--heap-limit"],
        &["run", "--heap-limit", "examples/nqueens.scm"],
        &["run", "--heap-limit", "lots", "examples/nqueens.scm"],
        &["run", "--nursery", "-1", "examples/nqueens.scm"],
        &["run", "--placement", "maybe", "examples/nqueens.scm"],
        &["run", "--gc-stress", "0", "examples/nqueens.scm"],
        &["run", "--report=xml", "examples/nqueens.scm"],
        &["explain"],
        &["explain", "a.scm", "b.scm"],
    ] {
        let run = terrane(line);
        run.assert_no_panic();
        assert_eq!(run.code, 2, "{line:?}\n{}", run.stderr);
        assert_eq!(run.stdout, "", "{line:?}");
        assert!(
            run.stderr.starts_with("Error: ") && run.stderr.contains("--help"),
            "{line:?}\n{}",
            run.stderr
        );
    }
}

#[test]
fn a_format_apart_from_its_option_is_pointed_out() {
    let folder = tempfile::tempdir().unwrap();
    let mut report = command(["run", "--report", "json", "f.scm"]);
    report.current_dir(folder.path());
    let run = terrane::finish(report);
    assert_eq!(run.code, 1, "{}", run.stderr);
    assert!(
        run.stderr.contains("cannot read json") && run.stderr.contains("--report=json"),
        "{}",
        run.stderr
    );
    let mut plain = command(["run", "json"]);
    plain.current_dir(folder.path());
    assert!(!terrane::finish(plain).stderr.contains("--report=json"));
}

#[test]
fn the_program_sees_its_own_arguments() {
    let program = Program::new("(write (command-line))");
    let mut command = program.command(&["--placement", "off"]);
    command.args(["--report", "é", "--", "a b"]);
    let output = terrane::finish(command).output();
    assert_eq!(output, r#"("case.scm" "--report" "é" "--" "a b")"#);
}

#[test]
fn two_dashes_allow_a_file_that_looks_like_an_option() {
    let program = Program::new("");
    program.add("--odd.scm", "(display 5)");
    let mut command = command(["run", "--", "--odd.scm"]);
    command.current_dir(program.path("."));
    assert_eq!(terrane::finish(command).output(), "5");
}

#[test]
fn the_program_chooses_its_exit_code() {
    for (text, code) in [
        ("(exit 7)", 7),
        ("(exit 0)", 0),
        ("(exit)", 0),
        ("(exit #t)", 0),
        ("(exit #f)", 1),
        ("", 0),
        ("; nothing\n", 0),
    ] {
        let run = Program::new(text).run(&[]);
        assert_eq!((run.code, run.stderr.as_str()), (code, ""), "{text}");
    }
}

#[test]
fn what_was_printed_before_exit_is_there() {
    let run = Program::new("(display \"before\") (exit 3) (display \"after\")").run(&[]);
    assert_eq!((run.code, run.stdout.as_str()), (3, "before"));
}

/// `terrane … | head -c 10`: no message, no failure, and an end.
#[test]
fn a_closed_pipe_is_quiet() {
    let endless = Program::new("(define (print n) (display n) (newline) (print (+ n 1)))\n(print 0)\n");
    let mut command = endless.command(&[]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut start = [0; 10];
    let mut stdout = child.stdout.take().unwrap();
    stdout.read_exact(&mut start).unwrap();
    assert_eq!(&start, b"0\n1\n2\n3\n4\n");
    drop(stdout);
    assert_eq!(wait(&mut child, &command), 0);
    let mut stderr = String::new();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    assert_eq!(stderr, "");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_error() {
    let program = Program::new("(display \"text\")");
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut run = program.command(&[]);
    let mut explain = command(["explain", "examples/nqueens.scm"]);
    for command in [&mut run, &mut explain] {
        let mut child = command.stdout(full.try_clone().unwrap()).stderr(Stdio::piped()).spawn().unwrap();
        assert_eq!(wait(&mut child, command), 1);
        let mut stderr = String::new();
        child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        assert!(stderr.contains("Error: "), "{stderr}");
        assert!(!stderr.contains("panicked"), "{stderr}");
    }
}

/// Diagnostics are coloured for people only.
#[test]
fn a_pipe_gets_no_colour() {
    let run = Program::new("(car 1)").run(&[]);
    assert!(!run.stderr.contains('\u{1b}'), "{}", run.stderr);
}
