;;; Short-lived data that the collector never sees: points, and a closure, that die with the call that made
;;; them. Distances are counted along streets (|dx| + |dy|), so that all numbers are integers.
;;;
;;;     terrane run examples/points.scm               200000 walks
;;;     terrane run examples/points.scm 100           fewer
;;;     terrane explain examples/points.scm           the zone of each allocation, and why
;;;     terrane run --report examples/points.scm      1200001 allocations in frames, none of them collected

(define (distance a b)
  (+ (abs (- (car a) (car b)))
     (abs (- (cdr a) (cdr b)))))

;; The length of the `i`th walk: from home to the shop, to the park, and home again.
(define (walk i)
  (let ((home (cons (modulo (* i 7) 101) (modulo (* i 13) 103)))
        (shop (cons (modulo (* i 31) 107) (modulo (* i 3) 109)))
        (park (cons (modulo i 50) (modulo i 70))))
    (+ (distance home shop) (distance shop park) (distance park home))))

;; The sum of `(measure i)` over all i below n.
(define (sum n measure)
  (let loop ((i 0) (total 0))
    (if (= i n) total (loop (+ i 1) (+ total (measure i))))))

;; The closure holds `least`; `sum` only calls it, so it dies here.
(define (percent-of-long-walks n least)
  (quotient (* 100 (sum n (lambda (i) (if (< (walk i) least) 0 1)))) n))

(define (main n)
  (display "length of all walks: ")
  (display (sum n walk))
  (newline)
  (display "long walks: ")
  (display (percent-of-long-walks n 200))
  (display " percent")
  (newline))

(let ((arguments (cdr (command-line))))
  (let ((n (if (null? arguments) 200000 (string->number (car arguments)))))
    (if (and (exact-integer? n) (> n 0))
        (main n)
        (begin (display "usage: points.scm [WALKS]")
               (newline)
               (exit 2)))))
