;;; A scope arena: everything that the body allocates is freed at once when the scope is left.
;;;
;;;     terrane run examples/arena-eshkol-1.scm
;;;
;;; `process-data` stands here as in the text that asked for it ("Memory Management in Eshkol",
;;; Scope-Based Arenas). The intermediate results below, lists and strings, go to the arena; the first
;;; block of 1024 bytes is too small for them, so the arena grows.

;; Squares of the readings with their positions, as a list of pairs; lives in the scope's arena.
(define (compute-result data arena)
  (let loop ((rest data) (position 1) (result '()))
    (if (null? rest)
        (reverse result)
        (loop (cdr rest)
              (+ position 1)
              (cons (cons position (* (car rest) (car rest))) result)))))

;; One line for each pair and a line with the sum, all in one string.
(define (format-result result arena)
  (let loop ((rest result) (sum 0) (text ""))
    (if (null? rest)
        (string-append text "sum: " (number->string sum) "\n")
        (loop (cdr rest)
              (+ sum (cdar rest))
              (string-append text
                             (number->string (caar rest))
                             ": "
                             (number->string (cdar rest))
                             "\n")))))

(define (process-data data)
  (with-arena (arena 1024)  ; Create a 1KB arena
    (let* ((result (compute-result data arena))
           (formatted (format-result result arena)))
      (display formatted))))  ; Arena is automatically destroyed at scope exit

(process-data (iota 12 1))
(process-data '(100 200 300))

;; A thousand scopes one after another: memory stays flat, since each gives back what it took.
(define (sum-of-squares data)
  (with-arena (arena 1024)
    (fold-left (lambda (sum entry) (+ sum (cdr entry)))
               0
               (compute-result data arena))))

(let loop ((i 0) (total 0))
  (if (= i 1000)
      (begin (display "total: ")
             (display total)
             (newline))
      (loop (+ i 1) (+ total (sum-of-squares (iota 50 i))))))
