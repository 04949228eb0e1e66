//! Mistakes: each has a message, a place, and help where there is any; none breaks anything.

use aurora::{Diagnostic, Engine, Failure, Options, Source, explain};

fn run(text: &str, options: Options) -> (String, Result<(), Failure>) {
    Engine::new(options).expect("an engine can be made").run_captured(&Source::new("t.scm", text))
}

fn diagnostics(text: &str, options: Options) -> Vec<Diagnostic> {
    match run(text, options).1 {
        Err(Failure::Diagnostics(all)) => all,
        other => panic!("{other:?} for {text}"),
    }
}

/// The only diagnostic: "line:column message".
fn mistake(text: &str) -> (String, Option<String>) {
    let all = diagnostics(text, Options::default());
    assert_eq!(all.len(), 1, "{all:?} for {text}");
    let label = all[0].label.as_ref().expect("a place");
    assert_eq!(label.source, "t.scm");
    assert!(label.span.start <= label.span.end && label.span.end <= text.len(), "{label:?}");
    (format!("{}:{} {}", label.line, label.column, all[0].message), all[0].help.clone())
}

#[test]
fn mistakes_in_the_text() {
    for (text, expected) in [
        ("(display 1", "1:1 this parenthesis is never closed"),
        ("\n  )", "2:3 this closing parenthesis has no opening one"),
        ("(display \"x)", "1:10 this string is never closed"),
        ("'|x", "1:2 this symbol is never closed"),
        ("#| x", "1:1 this block comment is never closed"),
        ("#\\spac", "1:1 unknown character name `spac`"),
        ("\"\\q\"", "1:2 unknown escape in a string"),
        ("#zz", "1:1 unknown syntax `#zz`"),
        ("99999999999999999999", "1:1 the integer 99999999999999999999 is too large"),
        ("(display 1/2)", "1:10 the fraction 1/2 is not part of this version"),
        ("'(a . b c)", "1:9 only one datum may follow the dot"),
        ("'(a .)", "1:5 a datum is missing after this dot"),
        ("'#u8(256)", "1:6 a bytevector holds integers from 0 to 255"),
        ("(1 '", "1:4 the text ends after this mark"),
        ("(display (+ 1 2])", "1:16 `]` does not match the `(` that it would close"),
        ("(display [list 1 2))", "1:19 `)` does not match the `[` that it would close"),
        ("(display #(1 2])", "1:15 `]` does not match the `(` that it would close"),
        ("(f {x})", "1:4 curly braces have no meaning here"),
    ] {
        assert_eq!(mistake(text).0, expected, "{text}");
    }
}

#[test]
fn mistakes_in_forms() {
    for (text, expected) in [
        ("()", "1:1 an empty combination `()` has no value"),
        ("(+ 1 . 2)", "1:1 a dotted list is not an expression"),
        ("(display\n (if))", "2:2 this form is not well made"),
        ("(lambda (x))", "1:1 this form is not well made"),
        ("(lambda (x x) 1)", "1:9 `x` is bound twice here"),
        ("(let ((x)) 1)", "1:7 this form is not well made"),
        ("(let ((x 1) (x 2)) 1)", "1:6 `x` is bound twice here"),
        ("(let ((1 2)) 1)", "1:8 expected the name of a variable"),
        ("(define)", "1:1 this form is not well made"),
        ("(if (define x 1) 2)", "1:5 `define` is not allowed here"),
        ("(define (f) (define x 1)) (f)", "1:13 a body must end with an expression"),
        ("(cond (else 1) (2 3))", "1:7 this form is not well made"),
        ("(case 1 (else 2) ((3) 4))", "1:9 this form is not well made"),
        ("(display else)", "1:10 unbound variable `else`"),
        ("(set! car 1)", "1:7 `car` is built in and cannot be assigned"),
        ("(set! nowhere 1)", "1:7 unbound variable `nowhere`"),
        ("(call/cc 1)", "1:2 unbound variable `call/cc`"),
        ("(define-syntax a 1)", "1:2 `define-syntax` is not part of this version"),
        ("(define-record-type p (make z) p? (x px))", "1:1 `z` is not a field of `p`"),
        ("(define x (with-arena (a 10) (cons 1 2)))", "1:30 a value made in the arena `a` leaves it"),
        (
            "(define x 0) (with-arena (a 10) (set! x (list 1)) 5)",
            "1:41 a value made in the arena `a` leaves it",
        ),
        ("(defien x 3)", "1:2 unbound variable `defien`"),
        ("(cnod ((= 1 2) 3) (else 4))", "1:2 unbound variable `cnod`"),
        ("(make-arena 10 * )", "1:1 this form is not well made"),
    ] {
        assert_eq!(mistake(text).0, expected, "{text}");
    }
    assert_eq!(mistake("(dispaly 1)").1.as_deref(), Some("did you mean `display`?"));
}

#[test]
fn many_mistakes_are_reported_together_up_to_a_limit() {
    assert_eq!(diagnostics("(foo1) (display 1) (bar1)", Options::default()).len(), 2);
    assert_eq!(diagnostics(&"(nope) ".repeat(100), Options::default()).len(), 20);
}

#[test]
fn mistakes_of_running_programs() {
    for (text, expected) in [
        ("(define (f x)\n  (car x))\n(f 5)", "2:3 car: expected a pair, got 5"),
        ("(+ 1 'a)", "1:1 +: expected a number, got a"),
        ("(5 6)", "1:1 5 is not a procedure and cannot be called"),
        ("((lambda (x) x))", "1:1 anonymous procedure: takes 1 argument, got 0"),
        ("(define (f x . r) x) (f)", "1:22 f: takes at least 1 argument, got 0"),
        ("(car 1 2)", "1:1 car: takes 1 argument, got 2"),
        ("(map car '(1))", "1:1 car: expected a pair, got 1"),
        ("(define (f n) (+ 1 (f n))) (f 1)", "1:20 recursion too deep"),
        ("(error \"oops\" 1 \"two\")", "1:1 oops 1 \"two\""),
        ("(define l (list 1)) (apply car l l)", "1:21 car: takes 1 argument, got 2"),
        ("(make-list -1 0)", "1:1 make-list: expected a non-negative integer, got -1"),
        (
            "(number->string 0.5 2)",
            "1:1 number->string: expected an exact integer for a radix other than 10, got 0.5",
        ),
        ("(hash-table-ref (make-hash-table) 'x)", "1:1 hash-table-ref: no such key: x"),
        ("(define (f) (hash-table-ref (make-hash-table) 'x)) (f)", "1:52 hash-table-ref: no such key: x"),
    ] {
        assert!(mistake(text).0.starts_with(expected), "{:?} for {text}", mistake(text));
    }
}

#[test]
fn sizes_that_no_memory_has_end_in_a_diagnostic() {
    for size in ["1000000000000", "2305843009213693951", "2305843009213693952", "4611686018427387903"] {
        for make in ["make-vector", "make-string", "make-bytevector"] {
            let text = format!("({make} {size})");
            let message = mistake(&text).0;
            assert!(message.starts_with("1:1 memory exhausted"), "{message} for {text}");
        }
        let wide = mistake(&format!("(make-string {size} #\\λ)")).0;
        assert!(wide.starts_with("1:1 memory exhausted"), "{wide}");
        let arena = mistake(&format!("(with-arena (a {size}) 1)")).0;
        assert!(arena.starts_with("1:1 memory exhausted"), "{arena}");
    }
}

#[test]
fn memory_that_runs_out_is_an_error_with_a_place_and_what_was_written_remains() {
    let limited = || Options::default().with_heap_limit(Some("8 MiB".parse().expect("a size")));
    for (text, line) in [
        ("(display 1)\n(let loop ((l '())) (loop (cons 1 l)))", 2),
        (
            "(display 1)\n(define v (make-vector 10 0))\n(let loop () (vector-set! v 0 (make-vector 1000 (vector-ref v 0))) (loop))",
            3,
        ),
        ("(display 1)\n(let loop ((s \"x\")) (loop (string-append s s)))", 2),
        ("(display 1)\n(define (build n) (cons n (build (+ n 1))))\n(build 0)", 2),
        ("(display 1)\n(let loop ((n 0) (f 0)) (loop (+ n 1) (lambda () f)))", 2),
        ("(display 1)\n(define a (make-arena 100))\n(let loop ((l '())) (loop (in-arena a (cons 1 l))))", 3),
        (
            "(display 1)\n(let loop ((l '())) (loop (with-arena (a 100) (let ((x (cons 1 l))) (if (pair? x) x 0)))))",
            2,
        ),
        ("(display 1)\n(let loop ((l '(1))) (loop (append l l)))", 2),
        ("(display 1)\n(let loop ((l '(1))) (loop (map (lambda (x) (+ x 0.5)) (append l l))))", 2),
    ] {
        let (output, result) = run(text, limited());
        let Err(Failure::Diagnostics(all)) = result else { panic!("{result:?} for {text}") };
        let label = all[0].label.as_ref().expect("a place");
        let message = &all[0].message;
        assert!(
            message.starts_with("memory exhausted") || message.contains("too deep"),
            "{message} for {text}"
        );
        assert_eq!((output.as_str(), label.line), ("1", line), "{text}");
        assert!(all[0].help.is_some());
    }
}

#[test]
fn an_engine_runs_on_after_an_error() {
    let mut engine = Engine::new(Options::default()).expect("an engine can be made");
    let good = Source::new("t.scm", "(define a (make-arena 64)) (write (in-arena a (length (list 1 2))))");
    for bad in [
        "(define a (make-arena 64)) (in-arena a (car 5))",
        "(display (with-arena (a 64) (list->string '(1))))",
        "(let loop ((l '())) (apply loop (list (list (vector-ref (vector) 0)))))",
        "(exit 2)",
        "(",
    ] {
        assert!(engine.run_captured(&Source::new("t.scm", bad)).1.is_err(), "{bad}");
        let (output, result) = engine.run_captured(&good);
        assert!(result.is_ok() && output == "2", "after {bad}: {output} {result:?}");
    }
}

#[test]
fn heaps_that_are_too_small_are_refused() {
    for limit in ["1 B", "1 KiB", "64 KiB"] {
        let options = Options::default().with_heap_limit(Some(limit.parse().expect("a size")));
        assert!(matches!(Engine::new(options), Err(Failure::Memory(_))), "{limit}");
    }
}

/// What compiles must compile in time that grows with its size; each of these took minutes or gigabytes
/// where something was done once for each of its parts too often.
#[test]
fn large_and_deep_programs_compile_or_are_refused() {
    let nested = |open: &str, inner: &str, close: &str, n: usize| {
        format!("{}{inner}{}", open.repeat(n), close.repeat(n))
    };
    let numbers = (0..10_000).map(|n| n.to_string()).collect::<Vec<_>>();
    let definitions: String = (0..20_000).map(|n| format!("(define (f{n} x) (cons x {n}))")).collect();
    let clauses: String = (0..5_000).map(|n| format!("((= x {n}) {n})")).collect();
    let good = [
        (format!("(write (length '{}))", nested("(a . ", "()", ")", 100_000)), "100000"),
        (format!("(write (pair? '{}))", nested("(", "", ")", 100_000)), "#t"),
        (format!("(write (pair? `{}))", nested("(1 ", ",(+ 1 2)", ")", 20_000)), "#t"),
        (format!("(define x 1) (write (length (list {})))", "x ".repeat(70_000)), "70000"),
        (format!("(write (length `({})))", ",(+ 1 2) ".repeat(10_000)), "10000"),
        (format!("(write (vector-length (vector {})))", numbers.join(" ")), "10000"),
        (format!("(write (+ {}))", numbers.join(" ")), "49995000"),
        (format!("{definitions} (write (f19999 1))"), "(1 . 19999)"),
        (format!("(define (f x) (cond {clauses} (else 'no))) (write (f 4999))"), "4999"),
        (format!("(define (f) (define q 1) {} q) (write (f))", "(set! q (+ q 1)) ".repeat(20_000)), "20001"),
        (nested("(begin ", "(write 1)", ")", 100_000), "1"),
        (nested("(let loop ((x 1)) ", "(write x)", ")", 5_000), "1"),
        (format!("(write {})", nested("(car (cons ", "1", " 2))", 9_000)), "1"),
        ("(define x 1) (write x)".repeat(5_000), &"1".repeat(5_000)),
    ];
    for (text, expected) in &good {
        let (output, result) = run(text, Options::default());
        assert!(result.is_ok() && output == *expected, "{result:?} for {}", &text[..60]);
    }
    let bad = [
        (nested("(", "", ")", 100_000), "nested more than 20000 deep"),
        (nested("(car ", "1", ")", 20_001), "nested more than 20000 deep"),
        (nested("(define (f) ", "1", " 1)", 30_000), "nested more than 20000 deep"),
        (format!("(define a 1) (define (f . x) x) (f {})", "a ".repeat(70_000)), "too large"),
        (format!("(define (f a . x) (f {})) (f 1)", "a ".repeat(70_000)), "more than 60000 operands"),
        (format!("(define (f g) (g {})) (f (lambda (x) x))", "(f g) ".repeat(15_000)), "too large"),
        ("(".repeat(100_000), "never closed"),
    ];
    for (text, expected) in &bad {
        let all = diagnostics(text, Options::default());
        assert!(all[0].message.contains(expected), "{} for {}", all[0].message, &text[..60]);
    }
    assert!(explain(&Source::new("t.scm", definitions)).is_ok_and(|sites| sites.len() == 20_000));
}

#[test]
fn a_misspelt_form_is_guessed() {
    for (text, help) in [
        ("(defien x 3)", "did you mean `define`?"),
        ("(lamda (x) x)", "did you mean `lambda`?"),
        ("(cnod ((= 1 2) 3) (else 4))", "did you mean `cond`?"),
    ] {
        assert_eq!(mistake(text).1.as_deref(), Some(help), "{text}");
    }
}

#[test]
fn a_byte_order_mark_is_no_text() {
    let (output, result) = run("\u{feff}(display 1)", Options::default());
    result.expect("the program runs");
    assert_eq!(output, "1");
}

#[test]
fn exit_codes_never_turn_failure_into_success() {
    for (text, code) in [
        ("(exit)", 0),
        ("(exit #t)", 0),
        ("(exit 7)", 7),
        ("(exit 255)", 255),
        ("(exit 256)", 1),
        ("(exit -1)", 1),
        ("(exit #f)", 1),
        ("(exit 'oops)", 1),
        ("(exit 3.7)", 1),
    ] {
        match run(text, Options::default()).1 {
            Err(Failure::Exit(found)) => assert_eq!(found, code, "{text}"),
            other => panic!("{other:?} for {text}"),
        }
    }
}

/// A result that cannot fit is refused before it is built: the arguments are 200 times the same 4 MB.
#[test]
fn a_string_beyond_the_limit_is_refused_before_it_is_built() {
    let text = "(define s (make-string 4000000 #\\a))
                (define parts (map (lambda (i) s) (iota 200)))
                (apply string-append parts)";
    let limit = Some(terrane_base::Bytes::from_mib(64));
    let all = diagnostics(text, Options::default().with_heap_limit(limit));
    assert!(all[0].message.contains("762.94 MiB"), "{}", all[0].message);
}

/// What is printed goes to its port piece by piece; what is said of an irritant is cut.
#[test]
fn long_texts_are_printed_whole_and_quoted_short() {
    let (output, result) = run("(display (list (make-string 300000 #\\a) 'end))", Options::default());
    result.expect("the program runs");
    assert_eq!(output.len(), 300_006);
    assert!(output.ends_with("a end)"));
    let all = diagnostics("(error (make-string 300000 #\\a) (make-string 300000 #\\b))", Options::default());
    assert!(all[0].message.len() < 20_000, "{}", all[0].message.len());
}
