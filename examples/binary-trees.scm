;;; Builds and drops many binary trees: the collector test of the Computer Language Benchmarks Game.
;;;
;;;     terrane run examples/binary-trees.scm [DEPTH]
;;;
;;; A stretch tree one level deeper than the rest, one long-lived tree, and between them many short-lived
;;; trees of growing depth. A node is a pair, so it costs 16 bytes and no header.

(define min-depth 4)
(define default-depth 10)

(define (make-tree depth)
  (if (= depth 0)
      (cons '() '())
      (cons (make-tree (- depth 1)) (make-tree (- depth 1)))))

;; The number of nodes in the tree.
(define (check tree)
  (if (null? (car tree))
      1
      (+ 1 (check (car tree)) (check (cdr tree)))))

(define (power-of-two exponent)
  (let loop ((result 1) (exponent exponent))
    (if (= exponent 0)
        result
        (loop (* result 2) (- exponent 1)))))

(define (print-check count kind depth sum)
  (when count
    (display count)
    (display "\t "))
  (display kind)
  (display " of depth ")
  (display depth)
  (display "\t check: ")
  (display sum)
  (newline))

;; Builds `count` trees one after another; each is garbage as soon as it has been counted.
(define (sum-of-checks count depth)
  (let loop ((i 0) (sum 0))
    (if (= i count)
        sum
        (loop (+ i 1) (+ sum (check (make-tree depth)))))))

(define (run-short-lived depth max-depth)
  (when (<= depth max-depth)
    (let ((count (power-of-two (+ min-depth (- max-depth depth)))))
      (print-check count "trees" depth (sum-of-checks count depth))
      (run-short-lived (+ depth 2) max-depth))))

(define (main depth)
  (let* ((max-depth (max (+ min-depth 2) depth))
         (stretch-depth (+ max-depth 1)))
    (print-check #f "stretch tree" stretch-depth (check (make-tree stretch-depth)))
    (let ((long-lived (make-tree max-depth)))
      (run-short-lived min-depth max-depth)
      (print-check #f "long lived tree" max-depth (check long-lived)))))

(let ((arguments (cdr (command-line))))
  (let ((depth (if (null? arguments) default-depth (string->number (car arguments)))))
    (if (and (integer? depth) (>= depth 0))
        (main depth)
        (begin (display "usage: binary-trees.scm [DEPTH]")
               (newline)
               (exit 2)))))
