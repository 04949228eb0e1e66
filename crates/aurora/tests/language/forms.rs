//! The language, form by form.

use crate::{check, output};
use aurora::Options;

#[test]
fn conditionals() {
    check(&[
        ("(write (if #f 1 2)) (write (if '() 1 2)) (write (if 0 1 2))", "211"),
        ("(write (cond ((assv 2 '((1 a) (2 b))) => cadr) (else 'no)))", "b"),
        ("(write (cond (#f 1) (2) (else 3)))", "2"),
        ("(write (cond ((= 1 1) 'a 'b) (else 'c)))", "b"),
        ("(write (case (* 2 3) ((2 3 5 7) 'prime) ((1 4 6 8 9) 'composite)))", "composite"),
        ("(write (case 'x ((y) 1) (else 2)))", "2"),
        ("(write (case #\\a ((#\\a #\\b) 'letter) (else 'other)))", "letter"),
        ("(write (case 6 ((1 2) 'low) ((6) => (lambda (k) (* k 2))) (else 'high)))", "12"),
        ("(write (case 7 ((1 2) 'low) (else => (lambda (k) (* k 3)))))", "21"),
        ("(write (and)) (write (and 1 2)) (write (and 1 #f 2))", "#t2#f"),
        ("(write (or)) (write (or #f 2)) (write (or #f #f))", "#f2#f"),
        ("(when #t (display 1) (display 2)) (unless #f (display 3)) (when #f (display 4))", "123"),
        ("(define (f x) (if (not (if x #f #t)) 'yes 'no)) (write (list (f 1) (f #f)))", "(yes no)"),
    ]);
}

#[test]
fn bindings_and_bodies() {
    check(&[
        ("(let ((x 2) (y 3)) (let* ((x 7) (z (+ x y))) (write (* z x))))", "70"),
        ("(let () (define a 1) (define (f) (+ a b)) (define b 2) (write (f)))", "3"),
        (
            "(letrec ((even? (lambda (n) (if (= n 0) #t (odd? (- n 1))))) (odd? (lambda (n) (if (= n 0) #f (even? (- n 1)))))) (write (even? 101)))",
            "#f",
        ),
        ("(letrec* ((a 1) (b (+ a 1)) (c (lambda () (+ a b)))) (write (c)))", "3"),
        ("(define (f) (define x 1) (set! x (+ x 1)) (define y (* x 10)) (list x y)) (write (f))", "(2 20)"),
        ("(define (f) (begin (define a 1) (define b 2)) (+ a b)) (write (f))", "3"),
        ("(define (f) (define (g) x) (define x 5) (g)) (write (f))", "5"),
        ("(define (f) (define x (g)) (define (g) 1) x) (write (f))", "1"),
        (
            "(define (f) (define x (g)) (define y 1) (define (g) y) x) (f)",
            "!! t.scm:1:53: `y` is used before its definition has run",
        ),
        ("(define (f) (define x x) x) (f)", "!! t.scm:1:23: `x` is used before its definition has run"),
        ("(letrec ((a b) (b 1)) a)", "!! t.scm:1:13: `b` is used before its definition has run"),
        ("(display later) (define later 1)", "!! t.scm:1:10: `later` is used before its definition has run"),
        ("(display (later)) (define (later) 1)", "1"),
        ("(set! x 1) (define x 2)", "!! t.scm:1:1: `x` is used before its definition has run"),
        ("(define x 1) (define x (+ x 1)) (write x)", "2"),
        ("(define (f) 1) (define g f) (define (f) 2) (write (list (f) (g)))", "(2 1)"),
        ("(define f (lambda (x) x)) (set! f (lambda (x) (* x 2))) (write (f 4))", "8"),
        ("(define (f . rest) rest) (write (list (f) (f 1) (f 1 2)))", "(() (1) (1 2))"),
        ("(define (f a #!eof) 1)", "!! t.scm:1:14: unknown syntax `#!eof`"),
        ("(write ((lambda (a b . c) (list a b c)) 1 2 3 4)) (write ((lambda x x)))", "(1 2 (3 4))()"),
    ]);
}

#[test]
fn closures_and_assignment() {
    check(&[
        (
            "(define fs '()) (do ((i 0 (+ i 1))) ((= i 3)) (set! fs (cons (lambda () i) fs))) (write (map (lambda (f) (f)) fs))",
            "(2 1 0)",
        ),
        (
            "(define (counter) (let ((n 0)) (lambda () (set! n (+ n 1)) n))) (define a (counter)) (define b (counter)) (a) (a) (write (list (a) (b)))",
            "(3 1)",
        ),
        (
            "(define (f x) (let ((get (lambda () x)) (put (lambda (v) (set! x v)))) (put (+ x 1)) (list x (get)))) (write (f 1))",
            "(2 2)",
        ),
        (
            "(define fs (let loop ((i 0) (fs '())) (if (= i 3) fs (begin (set! i (+ i 1)) (loop i (cons (lambda () (set! i (* 10 i)) i) fs)))))) (write (map (lambda (f) (f)) fs)) (write ((car fs)))",
            "(30 20 10)300",
        ),
        (
            "(define (f) (define (a n) (if (= n 0) 'done (b (- n 1)))) (define (b n) (set! count (+ count 1)) (a n)) (define count 0) (a 5) count) (write (f))",
            "5",
        ),
        (
            "(define (compose . fs) (if (null? fs) (lambda (x) x) (lambda (x) ((car fs) ((apply compose (cdr fs)) x))))) (write ((compose (lambda (x) (* x 2)) (lambda (x) (+ x 1))) 5))",
            "12",
        ),
        ("(define x 1) (define (f) (set! x (+ x 1)) x) (write (list (f) (f) x))", "(2 3 3)"),
        ("(define (f a) (set! a (cons a a)) (lambda () a)) (write ((f 1)))", "(1 . 1)"),
        ("(define (id x) x) (write (let ((f id)) (set! f car) (f '(1))))", "1"),
        ("(letrec ((f (lambda () 1))) (set! f (lambda () 2)) (write (f)))", "2"),
    ]);
}

#[test]
fn arguments_are_evaluated_once_and_in_order() {
    check(&[
        (
            "(define (say x) (display x) x) (define (f . all) 'end) (write (f (say 1) (say 2) (say 3)))",
            "123end",
        ),
        (
            "(define-record-type p (make a b) p? (a pa set-pa!) (b pb)) (define (first x y) (pa x)) (write (first (make 1 2) (begin (display 'seen) 3)))",
            "seen1",
        ),
        (
            "(define-record-type p (make a) p? (a pa set-pa!)) (define (own! x) (set-pa! x x)) (own! (begin (display 'once) (make 1)))",
            "once",
        ),
        (
            "(define-record-type p (make a b) p? (a pa) (b pb)) (define (swapped x y) (make y x)) (define (say x) (display x) x) (write (pa (swapped (say 1) (say 2))))",
            "122",
        ),
        ("(define (say x) (display x) x) (write (< (say 1) (say 2) (say 0) (say 5)))", "1205#f"),
        ("(define (say x) (display x) x) (write `(,(say 1) ,@(list (say 2)) ,(say 3)))", "123(1 2 3)"),
    ]);
}

#[test]
fn loops() {
    check(&[
        (
            "(write (let loop ((i 0) (acc '())) (if (= i 4) (reverse acc) (loop (+ i 1) (cons i acc)))))",
            "(0 1 2 3)",
        ),
        (
            "(write (do ((vec (make-vector 5)) (i 0 (+ i 1))) ((= i 5) vec) (vector-set! vec i i)))",
            "#(0 1 2 3 4)",
        ),
        (
            "(write (let ((x '(1 3 5 7 9))) (do ((x x (cdr x)) (sum 0 (+ sum (car x)))) ((null? x) sum))))",
            "25",
        ),
        (
            "(write (let outer ((i 0) (all '())) (if (= i 3) (reverse all) (let inner ((j 0) (all all)) (if (= j i) (outer (+ i 1) all) (inner (+ j 1) (cons (cons i j) all)))))))",
            "((1 . 0) (2 . 0) (2 . 1))",
        ),
        ("(write (let loop ((a 1) (b 2) (n 3)) (if (= n 0) (list a b) (loop b a (- n 1)))))", "(2 1)"),
        (
            "(write (let loop ((a 1) (b 2) (c 3) (n 4)) (if (= n 0) (list a b c) (loop c a b (- n 1)))))",
            "(3 1 2)",
        ),
        ("(write (+ 1 (let loop ((n 5)) (if (= n 0) 0 (+ n (loop (- n 1)))))))", "16"),
        ("(do ((i 0 (+ i 1))) ((= i 2)) (display i) (display \" \"))", "0 1 "),
        ("(write (do ((i 0 (+ i 1)) (p (cons 0 0) (cons i p))) ((= i 3) p)))", "(2 1 0 0 . 0)"),
    ]);
}

#[test]
fn quotation() {
    check(&[
        ("(write '(a . (b . (c . ()))))", "(a b c)"),
        ("(write ''a) (write '(quote a b)) (write '`(a ,b ,@c))", "'a(quote a b)`(a ,b ,@c)"),
        (
            "(define x 5) (define l '(1 2)) (write `(1 ,x ,@l end)) (write `(1 . ,x)) (write `#(1 ,x ,@l))",
            "(1 5 1 2 end)(1 . 5)#(1 5 1 2)",
        ),
        ("(write `(a `(b ,(c ,(+ 1 2)))))", "(a `(b ,(c 3)))"),
        ("(define x 5) (write `(1 `,(+ 1 ,x))) (write `(,@'() . tail))", "(1 `,(+ 1 5))tail"),
        ("(define x 5) (write (equal? `(x . `(y . ,(z . ,x))) '(x . `(y . ,(z . 5)))))", "#t"),
        ("(write `(1 ,@(list 2 3))) (write `((,@(list 1)) ,@(list)))", "(1 2 3)((1))"),
        (
            "(write '#(a #(b) \"c\" #\\d)) (write #(1 2)) (write '#u8(1 255))",
            "#(a #(b) \"c\" #\\d)#(1 2)#u8(1 255)",
        ),
        ("(write (quote #t)) (write '|a b|) (write 'ABC) (write '||) (write '|12|)", "#t|a b|ABC|||12|"),
        ("(write '|99999999999999999999|)", "|99999999999999999999|"),
    ]);
}

#[test]
fn names_may_be_taken_over() {
    check(&[
        ("(define (list . x) 'mine) (write (list 1 2)) (write (map (lambda (x) x) '(1)))", "mine(1)"),
        ("(define (map f l) 'mine) (write (map car '((1)))) (write (vector-map car #((1))))", "mine#(1)"),
        ("(define car cdr) (write (car '(1 2))) (write (cadr '(1 2)))", "(2)2"),
        ("(let ((if list)) (write (if 1 2 3)))", "(1 2 3)"),
        ("(define lambda list) (define x (lambda 1 2)) (write x)", "(1 2)"),
        ("(define (begin . x) x) (write (begin 5))", "(5)"),
        ("(let ((else #f)) (write (cond (else 1) (#t 2))))", "2"),
        ("(let ((quote -)) (write '5))", "-5"),
        ("(define (f define) (define 1)) (write (f (lambda (x) (+ x 1))))", "2"),
        ("(let ((make-arena list)) (write (make-arena 1 2)))", "(1 2)"),
        ("(let ((+ -)) (write (+ 5 3)))", "2"),
    ]);
}

#[test]
fn records() {
    const POINT: &str =
        "(define-record-type <point> (make-point x y) point? (x point-x set-point-x!) (y point-y)) ";
    let with = |rest: &str| format!("{POINT}{rest}");
    for (rest, expected) in [
        (
            "(define p (make-point 1 2)) (set-point-x! p 5) (write (list (point-x p) (point-y p) (point? p) (point? 5)))",
            "(5 2 #t #f)",
        ),
        ("(write (make-point 1 '(2)))", "#<point x: 1 y: (2)>"),
        (
            "(define-record-type point (make-other x) other? (x other-x)) (write (list (point? (make-other 1)) (other? (make-point 1 2))))",
            "(#f #f)",
        ),
        ("(point-x 5)", "!! t.scm:1:92: field x: expected a record of type point, got 5"),
        ("(write (map point-x (list (make-point 1 2) (make-point 3 4))))", "(1 3)"),
        ("(define (f) (define-record-type r (r a) r? (a r-a)) (r-a (r 7))) (write (f))", "7"),
        (
            "(define-record-type r (r b) r? (a r-a set-r-a!) (b r-b)) (write (list (r-a (r 1)) (r-b (r 1))))",
            "(#f 1)",
        ),
        ("(write (equal? (make-point 1 2) (make-point 1 2)))", "#f"),
    ] {
        assert_eq!(
            output(&with(rest), Options::default()),
            expected.replace(":92:", &format!(":{}:", POINT.len() + 1)),
            "{rest}"
        );
    }
}

#[test]
fn arenas() {
    check(&[
        ("(write (with-arena (a 1024) (length (list 1 2 3))))", "3"),
        (
            "(define a (make-arena 1024 * 2)) (define l (in-arena a (let ((x (cons 1 2))) (if (pair? x) x 0)))) (write l) (destroy-arena a) (write l)",
            "(1 . 2)(1 . 2)",
        ),
        (
            "(define a (make-arena 16)) (define v (make-vector 2 0)) (do ((i 0 (+ i 1))) ((= i 50)) (in-arena a (vector-set! v 0 (cons i (vector-ref v 0))))) (destroy-arena a) (write (length (vector-ref v 0)))",
            "!! t.scm:1:171: length: expected a proper list, got (49 48 47 46 45 44 43 42 41 40 39 38 37 36 35 34 33 32 31 30 29 28 27 26 25 24 2…",
        ),
        (
            "(define a (make-arena 64)) (destroy-arena a) (in-arena a 1)",
            "!! t.scm:1:46: this arena was destroyed and cannot be used any more",
        ),
        (
            "(define a (make-arena 64)) (destroy-arena a) (destroy-arena a)",
            "!! t.scm:1:46: this arena was destroyed and cannot be used any more",
        ),
        (
            "(define a (make-arena 64)) (in-arena a (destroy-arena a))",
            "!! t.scm:1:40: the arena is in use and cannot be destroyed",
        ),
        ("(in-arena 5 1)", "!! t.scm:1:1: in-arena: expected an arena, got 5"),
        ("(destroy-arena 'x)", "!! t.scm:1:1: destroy-arena: expected an arena, got x"),
        ("(with-arena (a -1) 1)", "!! t.scm:1:1: make-arena: expected a non-negative integer, got -1"),
        (
            "(write (arena? (make-arena 1))) (write (make-arena 0)) (write (with-arena (a 0) (arena? a)))",
            "#t#<arena>#t",
        ),
        (
            "(write (with-arena (a 64) (with-arena (b 64) (vector-length (make-vector 3000 (list 1))))))",
            "3000",
        ),
        (
            "(define kept #f) (with-arena (a 64) (let ((f (lambda (x) (set! kept x)))) (f (list 1 2)))) (write kept)",
            "(1 2)",
        ),
    ]);
}

#[test]
fn tail_calls_take_no_space() {
    let program = "(define (even n) (if (= n 0) 'even (odd (- n 1)))) (define (odd n) (if (= n 0) 'odd (even (- n 1)))) (write (even 10000000))";
    let limit = Some("8 MiB".parse().expect("a size"));
    assert_eq!(output(program, Options::default().with_heap_limit(limit)), "even");
    let values = "(define (f g n) (if (= n 0) (list 'end n) (g f (- n 1)))) (define (h g n) (apply g (list h n))) (write (f h 1000000))";
    assert_eq!(output(values, Options::default().with_heap_limit(limit)), "(end 0)");
    let forms = "(define (f n) (cond ((= n 0) 'end) (else (and #t (or #f (let ((m n)) (begin (when #t (case 1 ((1) (f (- m 1))))))))))) ) (write (f 1000000))";
    assert_eq!(output(forms, Options::default().with_heap_limit(limit)), "end");
}

#[test]
fn deep_recursion_works() {
    let program = "(define (sum n) (if (= n 0) 0 (+ n (sum (- n 1))))) (write (sum 1000000)) (define (build n) (if (= n 0) '() (cons n (build (- n 1))))) (write (length (build 1000000)))";
    assert_eq!(output(program, Options::default()), "5000005000001000000");
    let equal = "(define (nest n) (let loop ((i 0) (x '())) (if (= i n) x (loop (+ i 1) (list x))))) (write (equal? (nest 300000) (nest 300000)))";
    assert_eq!(output(equal, Options::default()), "#t");
}

#[test]
fn apply_takes_long_lists() {
    let program = "(define l (iota 100000)) (write (apply + l)) (write (length (apply list l))) (define (f . x) (length x)) (write (apply f l)) (write (string-length (apply string-append (make-list 1000 \"ab\"))))";
    assert_eq!(output(program, Options::default()), "49999500001000001000002000");
    check(&[(
        "(write (apply apply (list + (list 1 2)))) (write (map apply (list + *) '((1 2) (3 4))))",
        "3(3 12)",
    )]);
}
