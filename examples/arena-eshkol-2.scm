;;; A persistent arena: data that belong together are allocated together and given up together.
;;;
;;;     terrane run examples/arena-eshkol-2.scm
;;;
;;; The definition of `global-arena`, `initialize-system` and `cleanup-system` stand here as in the text
;;; that asked for them ("Memory Management in Eshkol", Long-lived Arenas). The loaders say with
;;; `in-arena` that what they allocate belongs to the arena. What is still referenced when the arena is
;;; destroyed moves to the heap and stays usable: there is no dangling reference in this language.

(define global-data '())
(define global-config #f)

;; A vector of records with a name and a value.
(define-record-type reading
  (make-reading name value)
  reading?
  (name reading-name)
  (value reading-value set-reading-value!))

(define (load-data arena)
  (in-arena arena
    (let ((data (make-vector 200 #f)))
      (do ((i 0 (+ i 1)))
          ((= i 200) data)
        (vector-set! data
                     i
                     (make-reading (string-append "sensor-" (number->string i))
                                   (modulo (* i 37) 101)))))))

(define (load-config arena)
  (in-arena arena
    (let ((table (make-hash-table)))
      (hash-table-set! table "unit" "kelvin")
      (hash-table-set! table "limit" 90)
      table)))

(define global-arena (make-arena 1024 * 1024))  ; 1MB arena

(define (initialize-system)
  (set! global-data (load-data global-arena))
  (set! global-config (load-config global-arena)))

(define (cleanup-system)
  (destroy-arena global-arena))

;; The names of the readings above the limit, in the order of the vector.
(define (names-above-limit)
  (let ((limit (hash-table-ref/default global-config "limit" 0)))
    (map reading-name
         (filter (lambda (reading) (> (reading-value reading) limit))
                 (vector->list global-data)))))

(define (report moment)
  (display moment)
  (display ": ")
  (display (vector-length global-data))
  (display " readings in ")
  (display (hash-table-ref/default global-config "unit" "?"))
  (display ", above the limit: ")
  (write (names-above-limit))
  (newline))

(initialize-system)
(report "loaded")

;; The data are ordinary data: they can be changed while they live in the arena.
(set-reading-value! (vector-ref global-data 0) 99)
(vector-set! global-data 1 (make-reading "sensor-new" 100))
(report "changed")

(cleanup-system)
(report "after cleanup")
