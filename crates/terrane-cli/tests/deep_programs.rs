//! Programs that are deep, in text or in calls, work or end in a clear error. Nothing in the program may
//! recurse on the host's stack as deep as its input is nested.

mod terrane;

use terrane::{Finished, Program};

const DEEP: usize = 100_000;

/// It worked and printed this, or it failed with a message about memory or depth that names a place.
#[track_caller]
fn assert_works_or_says_why(run: &Finished, output: &str) {
    run.assert_no_panic();
    match run.code {
        0 => assert_eq!(run.stdout, output, "{}", run.stderr),
        1 => assert!(run.stderr.contains("Error: ") && run.stderr.contains("case.scm:"), "{}", run.stderr),
        code => panic!("exit code {code}\n{}", run.stderr),
    }
    assert!(run.stderr.len() < 20_000, "{} bytes of message", run.stderr.len());
}

fn nested(open: &str, middle: &str, close: &str) -> String {
    format!("{}{middle}{}", open.repeat(DEEP), close.repeat(DEEP))
}

#[test]
fn nested_data() {
    let run = Program::new(format!("(define x '{})\n(display \"ok\")\n", nested("(", "", ")"))).run(&[]);
    assert_works_or_says_why(&run, "ok");
}

#[test]
fn nested_data_is_printed_compared_and_collected() {
    let data = nested("(", "", ")");
    let text = format!("(define x '{data})\n(define y '{data})\n(display (equal? x y))\n(write x)\n");
    for options in [&[][..], &["--gc-stress", "10000", "--gc-verify"]] {
        assert_works_or_says_why(&Program::new(&text).run(options), &format!("#t{data}"));
    }
}

#[test]
fn nested_vectors_and_quotes() {
    for (open, close) in [("#(", ")"), ("'", ""), ("`", ""), ("(a . ", ")")] {
        let text = format!("(define x '{})\n(display \"ok\")\n", nested(open, "b", close));
        assert_works_or_says_why(&Program::new(text).run(&[]), "ok");
    }
}

#[test]
fn nested_expressions() {
    for (open, middle, close) in [
        ("(+ 1 ", "0", ")"),
        ("(let ((x 1)) ", "100000", ")"),
        ("(begin ", "100000", ")"),
        ("(if #t ", "100000", " 0)"),
        ("((lambda () ", "100000", "))"),
        ("(and #t ", "100000", ")"),
    ] {
        let run = Program::new(format!("(display {})\n", nested(open, middle, close))).run(&[]);
        assert_works_or_says_why(&run, "100000");
    }
}

#[test]
fn parentheses_that_never_close() {
    for text in ["(".repeat(DEEP), ")".repeat(DEEP), "(display (".repeat(DEEP), "'(".repeat(DEEP)] {
        let run = Program::new(text).run(&[]);
        run.assert_no_panic();
        assert_eq!(run.code, 1, "{}", run.stderr);
        assert!(run.stderr.contains("case.scm:1:"), "{}", run.stderr);
        assert!(run.stderr.len() < 20_000, "{} bytes of message", run.stderr.len());
    }
}

#[test]
fn comments_and_one_long_line() {
    let text = format!("{}\n(display 1) ; {}\n", ";".repeat(1_000_000), "x".repeat(1_000_000));
    assert_eq!(Program::new(text).run(&[]).output(), "1");
}

#[test]
fn a_recursion_one_million_deep() {
    let text = "(define (count n) (if (= n 0) 0 (+ 1 (count (- n 1)))))\n(display (count 1000000))\n";
    for placement in ["on", "off"] {
        assert_works_or_says_why(&Program::new(text).run(&["--placement", placement]), "1000000");
    }
}

#[test]
fn a_recursion_that_allocates_one_million_deep() {
    let text =
        "(define (build n) (if (= n 0) '() (cons n (build (- n 1)))))\n(display (length (build 1000000)))\n";
    for placement in ["on", "off"] {
        assert_works_or_says_why(&Program::new(text).run(&["--placement", placement]), "1000000");
    }
}

#[test]
fn a_recursion_without_end_is_an_error() {
    let run =
        Program::new("(define (deeper n)\n  (+ 1 (deeper n)))\n(deeper 1)\n").run(&["--heap-limit", "64MiB"]);
    run.assert_no_panic();
    assert_eq!(run.code, 1, "{}", run.stderr);
    assert!(run.stderr.contains("case.scm:2:"), "{}", run.stderr);
}

#[test]
fn a_tail_call_takes_no_room() {
    let text = "(define (even n) (if (= n 0) #t (odd (- n 1))))\n\
                (define (odd n) (if (= n 0) #f (even (- n 1))))\n\
                (display (even 3000000))\n";
    for placement in ["on", "off"] {
        let run = Program::new(text).run(&["--heap-limit", "16MiB", "--placement", placement]);
        assert_eq!(run.output(), "#t");
    }
}
