//! What is wrong with a program, its data or its size ends in a message with file, line and column, drawn in
//! the source, on standard error; the exit code is 1; and never in a panic, an abort or a hang.

mod terrane;

use terrane::{Finished, Program, terrane};

/// The run failed with a message that names this place and contains all the words.
#[track_caller]
fn assert_failed(run: &Finished, place: &str, words: &[&str]) {
    run.assert_no_panic();
    assert_eq!(run.code, 1, "{}", run.stderr);
    assert!(run.stderr.contains("Error: "), "{}", run.stderr);
    assert!(place_is_named(&run.stderr, place), "no `{place}` in\n{}", run.stderr);
    for word in words {
        assert!(run.stderr.contains(word), "no `{word}` in\n{}", run.stderr);
    }
}

/// Does the text contain the place? `a:1:` stands for any column; `a:1:2` is not `a:1:23`.
fn place_is_named(text: &str, place: &str) -> bool {
    let more_digits = place.ends_with(':');
    text.match_indices(place).any(|(start, _)| {
        let next = text[start + place.len()..].chars().next();
        next.is_some_and(|c| c.is_ascii_digit()) == more_digits
    })
}

/// Runs each program; (text, place, words).
#[track_caller]
fn check(cases: &[(&str, &str, &[&str])]) {
    for (text, place, words) in cases {
        let run = Program::new(text).run(&[]);
        println!("{text}\n{}", run.stderr);
        assert_failed(&run, &format!("case.scm:{place}"), words);
    }
}

#[test]
fn syntax() {
    check(&[
        ("(display 1)\n(display (+ 1 2)\n", "2:1", &[]),
        ("(display 1)\n)\n", "2:1", &[]),
        ("(display \"no end)\n", "1:10", &[]),
        ("(display 1)\n  (if)\n", "2:3", &["if"]),
        ("(let ((x)) x)\n", "1:", &[]),
        ("(lambda)\n", "1:1", &["lambda"]),
        ("(define)\n", "1:1", &["define"]),
        ("(display '(1 . ))\n", "1:", &[]),
        ("(display #\\nosuchname)\n", "1:10", &[]),
        ("(display #q)\n", "1:10", &[]),
        ("(display 99999999999999999999999999)\n", "1:10", &[]),
    ]);
}

#[test]
fn names() {
    check(&[
        ("(define x 1)\n(display (+ x yy))\n", "2:15", &["yy"]),
        ("(set! nothing 1)\n", "1:7", &["nothing"]),
        ("(define (f) (g))\n(f)\n", "1:14", &["g"]),
    ]);
}

#[test]
fn types() {
    check(&[
        ("(display 1)\n(car 5)\n", "2:1", &["car", "5"]),
        ("(display (+ 1 \"a\"))\n", "1:10", &["+"]),
        ("(vector-ref '(1 2) 0)\n", "1:1", &["vector-ref"]),
        ("(string-append \"a\" 1)\n", "1:1", &["string-append"]),
        ("(define x 5)\n(display (x 1))\n", "2:10", &["5"]),
        ("(\"text\")\n", "1:1", &[]),
        ("(hash-table-ref 1 2)\n", "1:1", &["hash-table-ref"]),
        ("(string->number 5)\n", "1:1", &["string->number"]),
        ("(length '(1 2 . 3))\n", "1:1", &["length"]),
        ("(integer->char 55296)\n", "1:1", &["integer->char"]),
        ("(apply + 1)\n", "1:1", &["apply"]),
    ]);
}

#[test]
fn bounds() {
    check(&[
        ("(vector-ref (vector 1 2) 2)\n", "1:1", &["vector-ref", "2"]),
        ("(vector-set! (make-vector 3 0) -1 0)\n", "1:1", &["vector-set!", "-1"]),
        ("(string-ref \"abc\" 3)\n", "1:1", &["string-ref", "3"]),
        ("(substring \"abc\" 2 1)\n", "1:1", &["substring"]),
        ("(bytevector-u8-ref (bytevector 1) 1)\n", "1:1", &["bytevector-u8-ref"]),
        ("(list-ref '(1 2) 2)\n", "1:1", &["list-ref"]),
        ("(make-vector -1 0)\n", "1:1", &["make-vector"]),
    ]);
}

#[test]
fn arithmetic() {
    check(&[
        (
            "(define (grow n i)\n  (if (= i 0) n (grow (* n 10) (- i 1))))\n(grow 1 100)\n",
            "2:23",
            &["overflow"],
        ),
        (
            "(define (grow n i)\n  (if (= i 0) n (grow (+ n n) (- i 1))))\n(grow 1 100)\n",
            "2:23",
            &["overflow"],
        ),
        ("(quotient 1 0)\n", "1:1", &["zero"]),
        ("(modulo 1 0)\n", "1:1", &["zero"]),
        ("(remainder 1 0)\n", "1:1", &["zero"]),
        ("(/ 1 0)\n", "1:1", &["zero"]),
    ]);
}

#[test]
fn calls() {
    check(&[
        ("(define (f a b) a)\n(f 1)\n", "2:1", &["f"]),
        ("(define (f a b) a)\n(f 1 2 3)\n", "2:1", &["f"]),
        ("((lambda (a . rest) a))\n", "1:1", &[]),
        ("(cons 1)\n", "1:1", &["cons"]),
        ("(map (lambda (a b) a) '(1 2))\n", "1:", &[]),
        ("(display 1)\n(error \"it is wrong:\" 42 \"text\")\n", "2:1", &["it is wrong:", "42", "\"text\""]),
        ("(hash-table-ref (make-hash-table) 'key)\n", "1:1", &["key"]),
    ]);
}

#[test]
fn arenas() {
    check(&[
        ("(define a (make-arena 1024))\n(destroy-arena a)\n(in-arena a (list 1 2))\n", "3:1", &["destroyed"]),
        ("(define a (make-arena 1024))\n(destroy-arena a)\n(destroy-arena a)\n", "3:1", &["destroyed"]),
        ("(in-arena 5 (list 1 2))\n", "1:1", &["5"]),
        ("(make-arena -1)\n", "1:1", &["-1"]),
    ]);
}

#[test]
fn files() {
    check(&[
        ("(display 1)\n(open-input-file \"no-such-file.txt\")\n", "2:1", &["no-such-file.txt"]),
        ("(call-with-input-file \"no-such-file.txt\" read-line)\n", "1:1", &["no-such-file.txt"]),
        ("(open-output-file \"no-such-folder/out.txt\")\n", "1:1", &["no-such-folder/out.txt"]),
        ("(define p (open-input-string \"a\"))\n(close-port p)\n(read-char p)\n", "3:1", &["closed"]),
    ]);
}

#[test]
fn data_that_is_not_utf8() {
    let program =
        Program::new("(call-with-input-file \"data.txt\"\n  (lambda (port)\n    (read-line port)))\n");
    program.add("data.txt", b"good \xFF bad\n");
    assert_failed(&program.run(&[]), "case.scm:", &["data.txt", "UTF-8"]);
}

#[test]
fn a_program_that_is_not_utf8() {
    let run = Program::new(b"(display 1)\n(display \"\xC3\xA9\xFF\")\n").run(&[]);
    assert_failed(&run, "case.scm:2:12", &["UTF-8", "0xFF"]);
    assert_eq!(run.stdout, "");
}

#[test]
fn a_program_that_cannot_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing.scm");
    for path in [&missing, folder.path()] {
        for command in ["run", "explain"] {
            let run = terrane([command.as_ref(), path.as_os_str()]);
            run.assert_no_panic();
            assert_eq!(run.code, 1, "{}", run.stderr);
            assert!(run.stderr.starts_with("Error: cannot read "), "{}", run.stderr);
            assert!(run.stderr.contains(path.to_str().unwrap()), "{}", run.stderr);
            assert!(!run.stderr.contains("os error"), "{}", run.stderr);
        }
    }
}

#[test]
fn an_empty_program_does_nothing_and_is_reported() {
    for text in ["", "; nothing\n"] {
        assert_eq!(Program::new(text).run(&[]).output(), "");
        let run = Program::new(text).run(&["--report"]);
        run.assert_no_panic();
        assert_eq!(run.code, 0, "{}", run.stderr);
    }
}

/// The loops end (far above the limit), so that a limit that is not kept fails the test and not the machine.
#[test]
fn memory_exhausted() {
    for (text, line) in [
        ("(define (grow list)\n  (grow (cons 1 list)))\n(grow '())\n", 2),
        ("(define (grow text)\n  (grow (string-append text text)))\n(grow \"a\")\n", 2),
        ("(make-vector 100000000 0)\n", 1),
        (
            "(define table (make-hash-table))\n(do ((i 0 (+ i 1))) ((= i 2000000))\n  (hash-table-set! table i i))\n",
            3,
        ),
        (
            "(define keep '())\n(do ((i 0 (+ i 1))) ((= i 1000))\n  (set! keep (cons (make-vector 5000 0) keep)))\n",
            3,
        ),
        (
            "(define port (open-output-string))\n(do ((i 0 (+ i 1))) ((= i 4000000))\n  \
             (write-string \"0123456789\" port))\n",
            3,
        ),
    ] {
        for placement in ["on", "off"] {
            let run = Program::new(text).run(&["--heap-limit", "16MiB", "--placement", placement]);
            println!("{text}\n{}", run.stderr);
            assert_failed(&run, &format!("case.scm:{line}:"), &["memory"]);
        }
    }
}

#[test]
fn a_limit_that_is_too_small_to_start_is_an_error() {
    for (limit, shown) in [("10", "10 B"), ("1KiB", "1 KiB"), ("300KiB", "300 KiB"), ("768KiB", "768 KiB")] {
        let run = Program::new("(display 1)").run(&["--heap-limit", limit]);
        let expected =
            format!("Error: --heap-limit {shown} is too small: a heap needs at least about 1 MiB\n");
        assert_eq!((run.code, run.stderr), (1, expected));
    }
    for options in [&["--heap-limit", "1MiB"][..], &["--heap-limit", "1MiB", "--nursery", "64MiB"]] {
        assert_eq!(Program::new("(display 1)").run(options).output(), "1");
    }
}

/// Output up to the error is not lost.
#[test]
fn what_was_printed_before_an_error_is_there() {
    let run = Program::new("(display \"before\")\n(newline)\n(car '())\n").run(&[]);
    assert_failed(&run, "case.scm:3:1", &["car"]);
    assert_eq!(run.stdout, "before\n");
}
