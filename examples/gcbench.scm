;;; GCBench: trees built from the top and from the bottom beside long-lived data.
;;;
;;;     terrane run examples/gcbench.scm [DEPTH [ARRAY-SIZE]]
;;;
;;; The shape of the benchmark by John Ellis and Pete Kovac, adapted by Hans Boehm. Building from the top
;;; fills the fields of nodes that exist already, so pointers run from older to younger objects and each
;;; store takes the write barrier; building from the bottom only initialises. A tree and an array of
;;; flonums live throughout. DEPTH is the depth of the long-lived tree and of the deepest short-lived one
;;; (the classic run has 16, and an array of 500000); the program prints counts, never times.

(define default-depth 10)
(define default-array-size 20000)
(define min-depth 4)

(define-record-type node
  (make-node left right i j)
  node?
  (left node-left set-node-left!)
  (right node-right set-node-right!)
  (i node-i set-node-i!)
  (j node-j set-node-j!))

(define (leaf)
  (make-node #f #f 0 0))

(define (power-of-two exponent)
  (if (= exponent 0)
      1
      (* 2 (power-of-two (- exponent 1)))))

;; The number of nodes of a full tree.
(define (tree-size depth)
  (- (power-of-two (+ depth 1)) 1))

;; How many trees of this depth to build, so that every depth allocates about the same.
(define (iterations depth stretch-depth)
  (quotient (* 2 (tree-size stretch-depth)) (tree-size depth)))

;; Top down: gives the node its children, then fills those.
(define (populate! depth node)
  (when (> depth 0)
    (set-node-left! node (leaf))
    (set-node-right! node (leaf))
    (populate! (- depth 1) (node-left node))
    (populate! (- depth 1) (node-right node))))

(define (make-top-down depth)
  (let ((root (leaf)))
    (populate! depth root)
    root))

(define (make-bottom-up depth)
  (if (= depth 0)
      (leaf)
      (make-node (make-bottom-up (- depth 1)) (make-bottom-up (- depth 1)) 0 0)))

(define (count-nodes tree)
  (if tree
      (+ 1 (count-nodes (node-left tree)) (count-nodes (node-right tree)))
      0))

;; Builds `count` trees with `make`, one after another, and returns the number of nodes seen.
(define (build-many count make depth)
  (do ((i 0 (+ i 1))
       (nodes 0 (+ nodes (count-nodes (make depth)))))
      ((= i count) nodes)))

(define (print-trees direction count depth nodes)
  (display "  ")
  (display direction)
  (display ": ")
  (display nodes)
  (display " nodes")
  (newline)
  (unless (= nodes (* count (tree-size depth)))
    (error "a tree has lost nodes" direction depth nodes)))

(define (build-both-ways depth stretch-depth)
  (let ((count (iterations depth stretch-depth)))
    (display count)
    (display " trees of depth ")
    (display depth)
    (newline)
    (print-trees "top down" count depth (build-many count make-top-down depth))
    (print-trees "bottom up" count depth (build-many count make-bottom-up depth))))

;; A vector with 1/(i+1) in its first half, as in the original.
(define (make-array size)
  (let ((array (make-vector size 0.0)))
    (do ((i 0 (+ i 1)))
        ((= i (quotient size 2)) array)
      (vector-set! array i (/ 1.0 (+ i 1))))))

(define (array-intact? array)
  (let ((half (quotient (vector-length array) 2)))
    (let loop ((i 0))
      (cond ((= i half) #t)
            ((= (vector-ref array i) (/ 1.0 (+ i 1))) (loop (+ i 1)))
            (else #f)))))

(define (main depth array-size)
  (let ((stretch-depth (+ depth 2)))
    (display "stretch tree of depth ")
    (display stretch-depth)
    (display ": ")
    (display (count-nodes (make-bottom-up stretch-depth)))
    (display " nodes")
    (newline)
    (let ((long-lived (make-top-down depth))
          (array (make-array array-size)))
      (do ((d min-depth (+ d 2)))
          ((> d depth))
        (build-both-ways d stretch-depth))
      (display "long-lived tree of depth ")
      (display depth)
      (display ": ")
      (display (count-nodes long-lived))
      (display " nodes")
      (newline)
      (display "long-lived array of ")
      (display array-size)
      (display (if (array-intact? array) ": intact" ": damaged"))
      (newline))))

(define (natural? value)
  (and (integer? value) (>= value 0)))

(let* ((arguments (cdr (command-line)))
       (depth (if (pair? arguments) (string->number (car arguments)) default-depth))
       (array-size (if (and (pair? arguments) (pair? (cdr arguments)))
                       (string->number (cadr arguments))
                       default-array-size)))
  (if (and (natural? depth) (natural? array-size))
      (main depth array-size)
      (begin (display "usage: gcbench.scm [DEPTH [ARRAY-SIZE]]")
             (newline)
             (exit 2))))
