;;; Places n queens on an n-by-n board so that none attacks another.
;;;
;;;     terrane run examples/nqueens.scm [SIZE]
;;;
;;; Counts the solutions of every board from 1 to SIZE (8 by default), then draws the first solution of
;;; the largest. A board is the list of the columns of the queens, the last row first, so extending it
;;; is one `cons` and giving a row up frees nothing by hand.

(define default-size 8)

;; Can a queen stand in `column`, one row below the queens in `board`?
(define (safe? column board)
  (let loop ((distance 1) (rest board))
    (cond ((null? rest) #t)
          ((= (car rest) column) #f)
          ((= (abs (- (car rest) column)) distance) #f)
          (else (loop (+ distance 1) (cdr rest))))))

;; All the boards that have one more row than `board`.
(define (extensions board size)
  (let loop ((column (- size 1)) (boards '()))
    (cond ((< column 0) boards)
          ((safe? column board) (loop (- column 1) (cons (cons column board) boards)))
          (else (loop (- column 1) boards)))))

(define (count-solutions size)
  (let search ((board '()) (row 0))
    (if (= row size)
        1
        (fold-left (lambda (sum extended) (+ sum (search extended (+ row 1))))
                   0
                   (extensions board size)))))

;; The first solution in alphabetical order of columns, or #f.
(define (first-solution size)
  (let search ((board '()) (row 0))
    (if (= row size)
        board
        (let try ((candidates (extensions board size)))
          (if (null? candidates)
              #f
              (or (search (car candidates) (+ row 1))
                  (try (cdr candidates))))))))

(define (draw-row queen size)
  (do ((column 0 (+ column 1)))
      ((= column size))
    (display (if (= column queen) " Q" " .")))
  (newline))

(define (draw board size)
  (for-each (lambda (queen) (draw-row queen size)) (reverse board)))

(define (main size)
  (do ((n 1 (+ n 1)))
      ((> n size))
    (display n)
    (display " queens: ")
    (display (count-solutions n))
    (newline))
  (let ((board (first-solution size)))
    (if board
        (draw board size)
        (begin (display "no solution to draw")
               (newline)))))

(let ((arguments (cdr (command-line))))
  (let ((size (if (null? arguments) default-size (string->number (car arguments)))))
    (if (and (integer? size) (> size 0))
        (main size)
        (begin (display "usage: nqueens.scm [SIZE]")
               (newline)
               (exit 2)))))
