//! Which site gets which zone, and why, in small programs.

use aurora::{Source, explain, intermediate_text};

/// "column what zone, reason" of every site of a program of one line.
fn sites(text: &str) -> Vec<String> {
    let sites = explain(&Source::new("t.scm", text)).expect("the program is right");
    sites.iter().map(|s| format!("{} {} {}, {}", s.column, s.what, s.zone, s.reason)).collect()
}

#[test]
fn each_site_has_its_zone_and_its_reason() {
    let table: &[(&str, &[&str])] = &[
        ("(define (f x) (car (cons x 1)))", &["20 cons frame, dies in f"]),
        ("(define (f x) (cons x 1))", &["15 cons heap, returned"]),
        ("(define g 0) (define (f x) (set! g (cons x 1)))", &["36 cons heap, stored in global `g`"]),
        ("(define (f g) (g (cons 1 2)))", &["18 cons heap, reaches unknown code"]),
        ("(define (h p) (car p)) (define (f x) (+ 1 (h (cons x 1))))", &["46 cons frame, dies in f"]),
    ];
    for (text, expected) in table {
        assert_eq!(sites(text), *expected, "{text}");
    }
}

/// The zones alone, in the order of the text.
fn zones(text: &str) -> String {
    let sites = explain(&Source::new("t.scm", text)).expect("the program is right");
    sites.iter().map(|s| format!("{}:{}", s.what, s.zone)).collect::<Vec<_>>().join(" ")
}

#[test]
fn zones_of_small_programs() {
    for (text, expected) in [
        ("(define (f x) (vector-ref (vector x x) 0))", "vector:frame"),
        (
            "(define-record-type p (mk a) p? (a pa)) (define (f x) (pa (mk x)))",
            "record p:heap record p:frame",
        ),
        ("(define (f x) (let ((p (cons x 1))) (set-car! p (cons 1 2)) (car p)))", "cons:frame cons:heap"),
        ("(define (f x) (let ((p (cons x 1))) (cons p p)))", "cons:heap cons:heap"),
        ("(define (f x) (cdr (cons 1 (cons x 1))))", "cons:frame cons:heap"),
        ("(define (f n) (let loop ((i 0)) (if (= (car (cons i n)) n) i (loop (+ i 1)))))", "cons:frame"),
        (
            "(define (f n) (let loop ((i 0) (l '())) (if (= i n) (length l) (loop (+ i 1) (cons i l)))))",
            "cons:heap",
        ),
        ("(define (f n) (let ((g (lambda () n))) (+ (g) 1)))", "closure g:frame"),
        ("(define (f n) (lambda () n))", "closure:heap"),
        (
            "(define (f n) (let ((get (lambda () n))) (set! n 5) (+ (get) 1)))",
            "cell of n:frame closure get:frame",
        ),
        ("(define (g p) (car p)) (define (f x) (g (cons x 1)))", "cons:heap"),
        ("(define (f . r) r) (define (g x) (+ 1 (length (f (cons x 1)))))", "cons:heap"),
    ] {
        assert_eq!(zones(text), expected, "{text}");
    }
}

#[test]
fn the_intermediate_text_shows_frames_and_zones() {
    let source = Source::new("t.scm", "(define (f x)\n  (let ((p (cons x 1)))\n    (+ (car p) 1)))");
    let text = intermediate_text(&source).expect("the program is right");
    let expected = "function f (1 parameters)\nb0:\n  frame.enter\n  t2 = alloc.frame pair t0 1\n  t1 = t2\n  t4 = car t1\n  t3 = + t4 1\n  frame.leave\n  return t3\n";
    assert_eq!(text, expected);
}
