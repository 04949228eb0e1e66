//! The library, type by type.

use crate::{check, output};
use aurora::Options;

#[test]
fn numbers() {
    check(&[
        (
            "(write (list (+) (*) (+ 1 2.5) (- 5) (- 5 2 1) (/ 6 3) (/ 1 2) (/ 2) (* 2 0.5)))",
            "(0 1 3.5 -5 2 2 0.5 0.5 1.0)",
        ),
        (
            "(write (list (quotient -7 2) (remainder -7 2) (modulo -7 2) (modulo 7 -2) (floor-quotient -7 2)))",
            "(-3 -1 1 -1 -4)",
        ),
        (
            "(write (list (quotient 7.0 2) (modulo -7 2.0) (exact 3.0) (inexact 3) (exact->inexact 1)))",
            "(3.0 1.0 3 3.0 1.0)",
        ),
        (
            "(write (list (max 1 2.0) (min 1 2) (abs -5) (abs -5.5) (gcd 12 18) (lcm 4 6) (gcd)))",
            "(2.0 1 5 5.5 6 12 0)",
        ),
        (
            "(write (list (floor 2.5) (ceiling 2.5) (round 2.5) (round 3.5) (truncate -2.5) (round 7)))",
            "(2.0 3.0 2.0 4.0 -2.0 7)",
        ),
        (
            "(write (list (sqrt 16) (sqrt 2.25) (expt 2 10) (expt 2.0 3) (expt 2 -1) (expt 0 0) (exact-integer-sqrt 17)))",
            "(4 1.5 1024 8.0 0.5 1 (4 1))",
        ),
        (
            "(write (list (number->string 255 16) (number->string -5 2) (string->number \"ff\" 16) (string->number \"1e3\") (string->number \"abc\") (string->number \"-1.5\")))",
            "(\"ff\" \"-101\" 255 1000.0 #f -1.5)",
        ),
        (
            "(write (list 1e21 1e-8 123456.789 -0.0 (/ 1. 0.) (/ -1. 0.) (- (/ 0. 0.)) 1e100 .5 5. +5))",
            "(1e21 1e-8 123456.789 -0.0 +inf.0 -inf.0 +nan.0 1e100 0.5 5.0 5)",
        ),
        (
            "(write (list (= 1 1.0) (eqv? 1 1.0) (equal? 1 1.0) (eqv? 1.5 1.5) (eqv? 0.0 -0.0) (= 0.0 -0.0)))",
            "(#t #f #f #t #f #t)",
        ),
        (
            "(write (list (exact? 1) (inexact? 1.) (integer? 1.0) (integer? 1.5) (rational? +inf.0) (nan? +nan.0) (number? 'a) (exact-integer? 1.0)))",
            "(#t #t #t #f #f #t #f #f)",
        ),
        (
            "(write (list (zero? 0) (zero? 0.0) (positive? -1) (negative? -1) (odd? 3) (even? -2)))",
            "(#t #t #f #t #t #t)",
        ),
        ("(write (list #xff #b101 #o17 #e1e3 #i5 #xFF))", "(255 5 15 1000 5.0 255)"),
        (
            "(write (list 4611686018427387903 -4611686018427387904 123456789012 -123456789012 -4294967296 2147483648))",
            "(4611686018427387903 -4611686018427387904 123456789012 -123456789012 -4294967296 2147483648)",
        ),
        (
            "(write (list (bitwise-and 12 10) (bitwise-ior 12 10) (bitwise-xor 12 10) (arithmetic-shift 1 10) (arithmetic-shift -8 -1) (arithmetic-shift 5 -100)))",
            "(8 14 6 1024 -4 0)",
        ),
        (
            "(write (list (exp 0) (sin 0) (atan 1 1) (log 1) (exact (floor 2.7))))",
            "(1.0 0.0 0.7853981633974483 0.0 2)",
        ),
        (
            "(write (< 9007199254740992 9007199254740993.0)) (write (= 9007199254740993 9007199254740992.0))",
            "#f#f",
        ),
    ]);
}

#[test]
fn numbers_that_do_not_fit_are_errors() {
    check(&[
        ("(+ 4611686018427387903 1)", "!! t.scm:1:1: +: integer overflow, the result does not fit 63 bits"),
        ("(- -4611686018427387904 1)", "!! t.scm:1:1: -: integer overflow, the result does not fit 63 bits"),
        ("(* 4611686018427387903 2)", "!! t.scm:1:1: *: integer overflow, the result does not fit 63 bits"),
        ("(* 3037000500 3037000500)", "!! t.scm:1:1: *: integer overflow, the result does not fit 63 bits"),
        ("(write (* -2147483648 2147483648))", "-4611686018427387904"),
        (
            "(abs -4611686018427387904)",
            "!! t.scm:1:1: abs: integer overflow, the result does not fit 63 bits",
        ),
        (
            "(quotient -4611686018427387904 -1)",
            "!! t.scm:1:1: quotient: integer overflow, the result does not fit 63 bits",
        ),
        ("(expt 3 40)", "!! t.scm:1:1: expt: integer overflow, the result does not fit 63 bits"),
        ("(exact 1e19)", "!! t.scm:1:1: exact: integer overflow, the result does not fit 63 bits"),
        ("(exact 1.5)", "!! t.scm:1:1: exact: expected an integral number, got 1.5"),
        (
            "(arithmetic-shift 1 62)",
            "!! t.scm:1:1: arithmetic-shift: integer overflow, the result does not fit 63 bits",
        ),
        ("(quotient 1 0)", "!! t.scm:1:1: quotient: division by zero"),
    ]);
}

#[test]
fn lists() {
    check(&[
        (
            "(write (list (append) (append '(1)) (append '(1) '(2) '(3 4) '()) (append '(1) 2)))",
            "(() (1) (1 2 3 4) (1 . 2))",
        ),
        (
            "(write (list (reverse '(1 2 3)) (length '()) (list-tail '(1 2 3) 2) (list-ref '(a b) 1) (list-copy '(1 2))))",
            "((3 2 1) 0 (3) b (1 2))",
        ),
        (
            "(write (list (memq 'c '(a b c d)) (member '(1) '((0) (1))) (memv 1.0 '(1 1.0)) (member 2.0 '(1 2) =)))",
            "((c d) ((1)) (1.0) (2))",
        ),
        (
            "(write (list (assq 'b '((a 1) (b 2))) (assoc '(a) '(((a)) b)) (assv 5 '((1 2))) (assoc 2.0 '((1 a) (2 b)) =)))",
            "((b 2) ((a)) #f (2 b))",
        ),
        (
            "(write (list (map + '(1 2) '(10 20 30)) (map (lambda (x) (* x x)) '(1 2 3)) (apply + 1 2 '(3 4))))",
            "((11 22) (1 4 9) 10)",
        ),
        ("(for-each (lambda (a b) (display (+ a b))) '(1 2) '(3 4)) (write (list? '(1 . 2)))", "46#f"),
        (
            "(write (list (filter odd? '(1 2 3)) (remove odd? '(1 2 3)) (partition odd? '(1 2 3)) (delete 2 '(1 2 3)) (delete-duplicates '(1 2 1))))",
            "((1 3) (2) ((1 3) (2)) (1 3) (1 2))",
        ),
        (
            "(write (list (fold cons '() '(1 2)) (fold-left - 10 '(1 2)) (fold-right cons '() '(1 2)) (reduce + 0 '(1 2 3)) (append-map list '(1 2))))",
            "((2 1) 7 (1 2) 6 (1 2))",
        ),
        (
            "(write (list (find even? '(1 2 3)) (find-tail even? '(1 2 3)) (any even? '(1 3)) (every odd? '(1 3)) (count odd? '(1 2 3)) (list-index even? '(1 2))))",
            "(2 (2 3) #f #t 2 1)",
        ),
        (
            "(write (list (last '(1 2)) (first '(1)) (take '(1 2 3) 2) (drop '(1 2 3) 2) (iota 3) (iota 3 1) (iota 3 0 5) (make-list 2 'x) (list-tabulate 3 -)))",
            "(2 1 (1 2) (3) (0 1 2) (1 2 3) (0 5 10) (x x) (0 -1 -2))",
        ),
        ("(define l (list 1 2)) (list-set! l 1 'x) (write l)", "(1 x)"),
        (
            "(write (list (caar '((1) 2)) (cdar '((1 3) 2)) (cddr '(1 2 3)) (caddr '(1 2 3)) (cadddr '(1 2 3 4))))",
            "(1 (3) (3) 3 4)",
        ),
        (
            "(write (sort '((1 . a) (0 . b) (1 . c) (0 . d)) (lambda (x y) (< (car x) (car y)))))",
            "((0 . b) (0 . d) (1 . a) (1 . c))",
        ),
        (
            "(write (sort (vector 3 1 2) <)) (write (list-sort < '(2 1))) (write (sort '() <))",
            "#(1 2 3)(1 2)()",
        ),
    ]);
}

#[test]
fn vectors_and_bytevectors() {
    check(&[
        (
            "(define v (make-vector 3 0)) (vector-set! v 1 'x) (write (list v (vector-ref v 1) (vector-length v) (vector-length #())))",
            "(#(0 x 0) x 3 0)",
        ),
        (
            "(write (list (vector->list #(1 2 3) 1) (vector->list #(1 2 3) 1 2) (list->vector '(1 2)) (vector-copy #(1 2 3) 1) (subvector #(1 2 3) 0 2)))",
            "((2 3) (2) #(1 2) #(2 3) #(1 2))",
        ),
        (
            "(define v (vector 1 2 3 4)) (vector-copy! v 1 v 0 3) (write v) (vector-fill! v 0) (write v)",
            "#(1 1 2 3)#(0 0 0 0)",
        ),
        ("(define v (vector 1 2 3 4)) (vector-copy! v 0 v 1) (write v)", "#(2 3 4 4)"),
        (
            "(write (list (vector-map + #(1 2) #(10 20)) (vector-append #(1) #() #(2)) (vector-grow #(1) 1) (vector->string #(#\\a)) (string->vector \"ab\")))",
            "(#(11 22) #(1 2) #(1) \"a\" #(#\\a #\\b))",
        ),
        (
            "(vector-for-each display #(1 2)) (vector-for-each (lambda (a b) (display (+ a b))) #(1 2) #(3 4))",
            "1246",
        ),
        (
            "(define b (bytevector 1 2)) (bytevector-u8-set! b 0 255) (write (list b (bytevector-u8-ref b 0) (bytevector-length b) (bytevector-append b b) (bytevector-copy b 1) (make-bytevector 2 7)))",
            "(#u8(255 2) 255 2 #u8(255 2 255 2) #u8(2) #u8(7 7))",
        ),
        ("(write (list (utf8->string (bytevector 206 187)) (string->utf8 \"λ\")))", "(\"λ\" #u8(206 187))"),
        (
            "(vector-ref #(1 2) 2)",
            "!! t.scm:1:1: vector-ref: index 2 is out of range, valid indices are 0 to 1",
        ),
        ("(vector-ref #() 0)", "!! t.scm:1:1: vector-ref: index 0 is out of range, it is empty"),
        (
            "(vector-set! (vector 1) -1 0)",
            "!! t.scm:1:1: vector-set!: index -1 is out of range, valid indices are 0 to 0",
        ),
        (
            "(vector-ref #(1) 0.0)",
            "!! t.scm:1:1: vector-ref: expected an exact integer as the index, got 0.0",
        ),
        ("(vector-copy #(1 2) 2 1)", "!! t.scm:1:1: vector-copy: the start 2 lies after the end 1"),
        ("(utf8->string (bytevector 65 255))", "!! t.scm:1:1: utf8->string: invalid UTF-8 at byte 1"),
    ]);
}

#[test]
fn strings_characters_and_symbols() {
    check(&[
        (
            "(define s (make-string 3 #\\a)) (string-set! s 1 #\\λ) (write (list s (string-ref s 1) (string-length s))) (string-set! s 0 #\\ÿ) (write s)",
            "(\"aλa\" #\\λ 3)\"ÿλa\"",
        ),
        (
            "(define s (string #\\a #\\b)) (define t (string-copy s)) (string-set! s 0 #\\😀) (write (list s t (string-length s)))",
            "(\"😀b\" \"ab\" 2)",
        ),
        (
            "(write (list (string-append) (string-append \"a\" \"λ\") (substring \"hello\" 1 3) (string-copy \"hello\" 2) (string->list \"abc\" 1) (list->string '(#\\x))))",
            "(\"\" \"aλ\" \"el\" \"llo\" (#\\b #\\c) \"x\")",
        ),
        (
            "(write (list (string=? \"a\" \"a\" \"b\") (string<? \"a\" \"b\" \"c\") (string>? \"b\" \"a\") (string<=? \"a\" \"a\") (string>=? \"a\" \"b\") (string=? \"é\" \"é\")))",
            "(#f #t #t #t #f #t)",
        ),
        (
            "(write (list (string-upcase \"straße\") (string-downcase \"ÀB\") (string-index \"abc\" #\\c) (string-index \"ab1\" char-numeric?) (string-contains \"hello\" \"ll\") (string-contains \"a\" \"b\")))",
            "(\"STRASSE\" \"àb\" 2 2 2 #f)",
        ),
        (
            "(write (list (string-join '(\"a\" \"b\")) (string-join '(\"a\" \"b\") \", \") (string-join '()) (string-prefix? \"he\" \"hello\") (string-suffix? \"lo\" \"hello\") (string-null? \"\") (string-reverse \"abc\")))",
            "(\"a b\" \"a, b\" \"\" #t #t #t \"cba\")",
        ),
        (
            "(write (list (string-pad-left \"7\" 3) (string-pad-left \"12345\" 3) (string-pad-right \"7\" 3) (string-pad-left \"7\" 3 #\\0) (string-map char-upcase \"ab\")))",
            "(\"  7\" \"345\" \"7  \" \"007\" \"AB\")",
        ),
        (
            "(string-for-each (lambda (c) (display (char->integer c))) \"ab\") (define s (make-string 2)) (string-fill! s #\\x) (write s)",
            "9798\"xx\"",
        ),
        ("(write \"a\\\"b\\\\c\\n\\t\\x3bb;\\a\") (display \"a\\\"b\")", "\"a\\\"b\\\\c\\n\\tλ\\x7;\"a\"b"),
        (
            "(write (list #\\a #\\space #\\newline #\\x41 #\\( #\\λ #\\null #\\tab)) (display #\\a)",
            "(#\\a #\\space #\\newline #\\A #\\( #\\λ #\\null #\\tab)a",
        ),
        (
            "(write (list (char<? #\\a #\\b #\\c) (char-upcase #\\ß) (char-alphabetic? #\\λ) (digit-value #\\7) (char->integer #\\A) (integer->char 955) (char-ci=? #\\a #\\A)))",
            "(#t #\\ß #t 7 65 #\\λ #t)",
        ),
        (
            "(write (list (symbol->string 'abc) (string->symbol \"a b\") (eq? 'abc (string->symbol \"abc\")) (symbol? 'a) (symbol=? 'a 'a)))",
            "(\"abc\" |a b| #t #t #t)",
        ),
        (
            "(string-ref \"abc\" 3)",
            "!! t.scm:1:1: string-ref: index 3 is out of range, valid indices are 0 to 2",
        ),
        (
            "(integer->char 55296)",
            "!! t.scm:1:1: integer->char: expected the number of a Unicode character, got 55296",
        ),
        ("(write \"a\\\n   b\")", "\"ab\""),
    ]);
}

#[test]
fn hash_tables() {
    check(&[
        (
            "(define t (make-hash-table)) (hash-table-set! t 'a 1) (hash-table-set! t \"s\" 2) (hash-table-set! t '(1 #(2)) 3) (write (list (hash-table-ref t 'a) (hash-table-ref/default t (string #\\s) 0) (hash-table-ref t (list 1 (vector 2))) (hash-table-count t)))",
            "(1 2 3 3)",
        ),
        (
            "(define t (make-hash-table)) (do ((i 0 (+ i 1))) ((= i 100)) (hash-table-set! t i (* i i))) (hash-table-delete! t 5) (write (list (hash-table-ref t 99) (hash-table-contains? t 5) (hash-table-count t) (apply + (hash-table-keys t)) (length (hash-table-values t))))",
            "(9801 #f 99 4945 99)",
        ),
        (
            "(define t (make-hash-table)) (hash-table-update! t 'x (lambda (n) (+ n 1)) (lambda () 0)) (hash-table-update!/default t 'x (lambda (n) (* n 10)) 5) (write (hash-table->alist t))",
            "((x . 10))",
        ),
        (
            "(define t (alist->hash-table '((a . 1) (a . 2)))) (define u (hash-table-copy t)) (hash-table-clear! t) (write (list (hash-table-count t) (hash-table-ref u 'a) (hash-table-ref t 'a (lambda () 'none)) (hash-table-ref u 'a (lambda () 0) -)))",
            "(0 1 none -1)",
        ),
        (
            "(define t (make-hash-table)) (hash-table-set! t 1.5 'x) (hash-table-walk t (lambda (k v) (write (cons k v)))) (write (hash-table-fold t (lambda (k v n) (+ n 1)) 0))",
            "(1.5 . x)1",
        ),
        ("(hash-table-ref (make-hash-table) 'x)", "!! t.scm:1:1: hash-table-ref: no such key: x"),
        ("(write (= (hash \"abc\") (hash (string #\\a #\\b #\\c))))", "#t"),
    ]);
}

#[test]
fn ports() {
    check(&[
        (
            "(define p (open-output-string)) (write 'a p) (display \"b\" p) (newline p) (write-char #\\c p) (write-string \"d\" p) (write (get-output-string p))",
            "\"ab\\ncd\"",
        ),
        (
            "(define p (open-input-string \"ab\\ncd\")) (write (list (read-char p) (peek-char p) (read-line p) (read-string 5 p) (eof-object? (read-char p)) (read-line p)))",
            "(#\\a #\\b \"b\" \"cd\" #t #<eof>)",
        ),
        ("(write (call-with-output-string (lambda (p) (write '(1) p))))", "\"(1)\""),
        (
            "(write-line 'x) (write (list (port? (current-output-port)) (input-port? (current-input-port)) (output-port? 5)))",
            "x\n(#t #t #f)",
        ),
        (
            "(define p (open-input-string \"x\")) (close-port p) (read-char p)",
            "!! t.scm:1:51: read-char: this port is closed",
        ),
        (
            "(write 1 (open-input-string \"x\"))",
            "!! t.scm:1:1: this port is for reading, it cannot be written to",
        ),
        (
            "(read-char (open-output-string))",
            "!! t.scm:1:1: read-char: this port is for writing, it cannot be read",
        ),
        (
            "(open-input-file \"/nonexistent/x\")",
            "!! t.scm:1:1: cannot open /nonexistent/x: No such file or directory",
        ),
        ("(display 1) (exit 3)", "1!! the program ended with exit code 3"),
        ("(display 1) (error \"bad thing:\" '(a \"b\") 5)", "1!! t.scm:1:13: bad thing: (a \"b\") 5"),
        ("(write (file-exists? \"/nonexistent/x\"))", "#f"),
    ]);
}

#[test]
fn many_string_ports_may_be_open() {
    let program = "(define (use n) (call-with-output-string (lambda (p) (write n p)))) (define kept (let loop ((i 0) (all '())) (if (= i 5000) all (loop (+ i 1) (cons (open-output-string) all))))) (do ((i 0 (+ i 1))) ((= i 20000)) (use i)) (write 'x (car kept)) (write (get-output-string (car kept))) (write (use 7))";
    assert_eq!(output(program, Options::default()), "\"x\"\"7\"");
}

#[test]
fn circular_and_shared_data() {
    check(&[
        ("(define c (list 1 2)) (set-cdr! (cdr c) c) (write c)", "#0=(1 2 . #0#)"),
        (
            "(define c (list 1 2)) (set-cdr! (cdr c) c) (write (list (cons 1 c) (cons 2 c)))",
            "((1 . #0=(1 2 . #0#)) (2 . #0#))",
        ),
        (
            "(define v (vector 1 2)) (vector-set! v 0 v) (write v) (display (list v v))",
            "#0=#(#0# 2)(#0=#(#0# 2) #0#)",
        ),
        ("(define p (list 1)) (write (list p p))", "((1) (1))"),
        (
            "(define-record-type r (r a) r? (a ra sa!)) (define x (r 1)) (sa! x (list x)) (write x)",
            "#0=#<r a: (#0#)>",
        ),
        (
            "(define a (list 1 2)) (set-cdr! (cdr a) a) (define b (list 1 2 1 2)) (set-cdr! (cdddr b) b) (write (equal? a b))",
            "#t",
        ),
        (
            "(define a (list 1 2)) (set-car! a a) (define b (list 1 2)) (set-car! b b) (write (equal? a b)) (set-car! (cdr b) 3) (write (equal? a b))",
            "#t#f",
        ),
        (
            "(define (double n) (let loop ((i 0) (x '(1))) (if (= i n) x (loop (+ i 1) (cons x x))))) (write (equal? (double 60) (double 60))) (write (equal? (double 60) (double 61)))",
            "#t#f",
        ),
        (
            "(define c (list 1)) (set-cdr! c c) (write (list? c)) (length c)",
            "#f!! t.scm:1:54: length: expected a proper list, got #0=(1 . #0#)",
        ),
        (
            "(define c (list 1)) (set-cdr! c c) (apply + c)",
            "!! t.scm:1:36: apply: expected a proper list as the last argument, got #0=(1 . #0#)",
        ),
        (
            "(write (list (if #f #f) car (lambda (x) x))) (define (named) 1) (write named)",
            "(#<unspecified> #<procedure car> #<procedure anonymous procedure>)#<procedure named>",
        ),
    ]);
}
