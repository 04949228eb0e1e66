;; The part of the library that is written in Scheme. It is compiled and placed like any program; a
;; program contains only what it uses. Names that start with % are visible here only.

;; Lists

(define (append . lists)
  (if (null? lists)
      '()
      (let loop ((lists lists))
        (if (null? (cdr lists))
            (car lists)
            (%append (car lists) (loop (cdr lists)))))))

(define (member item list . same)
  (if (null? same)
      (%member item list)
      (let ((same? (car same)))
        (let loop ((rest list))
          (cond ((null? rest) #f)
                ((same? item (car rest)) rest)
                (else (loop (cdr rest))))))))

(define (assoc key list . same)
  (if (null? same)
      (%assoc key list)
      (let ((same? (car same)))
        (let loop ((rest list))
          (cond ((null? rest) #f)
                ((same? key (caar rest)) (car rest))
                (else (loop (cdr rest))))))))

(define (%any-null? lists)
  (and (pair? lists)
       (or (null? (car lists)) (%any-null? (cdr lists)))))

(define (%map-one f list)
  (let loop ((rest list) (done '()))
    (if (null? rest)
        (reverse done)
        (loop (cdr rest) (cons (f (car rest)) done)))))

(define (map f first . more)
  (if (null? more)
      (%map-one f first)
      (let loop ((lists (cons first more)) (done '()))
        (if (%any-null? lists)
            (reverse done)
            (loop (%map-one cdr lists) (cons (apply f (%map-one car lists)) done))))))

(define (for-each f first . more)
  (if (null? more)
      (let loop ((rest first))
        (if (pair? rest)
            (begin (f (car rest)) (loop (cdr rest)))
            (if (not (null? rest)) (error "for-each: expected a proper list, got" first))))
      (let loop ((lists (cons first more)))
        (if (not (%any-null? lists))
            (begin
              (apply f (%map-one car lists))
              (loop (%map-one cdr lists)))))))

(define (append-map f list) (apply append (map f list)))

(define (filter keep? list)
  (let loop ((rest list) (done '()))
    (cond ((null? rest) (reverse done))
          ((keep? (car rest)) (loop (cdr rest) (cons (car rest) done)))
          (else (loop (cdr rest) done)))))

(define (remove drop? list) (filter (lambda (item) (not (drop? item))) list))

(define (partition keep? items)
  (let loop ((rest items) (in '()) (out '()))
    (cond ((null? rest) (list (reverse in) (reverse out)))
          ((keep? (car rest)) (loop (cdr rest) (cons (car rest) in) out))
          (else (loop (cdr rest) in (cons (car rest) out))))))

(define (delete item list) (filter (lambda (other) (not (equal? item other))) list))

(define (delete-duplicates list)
  (let loop ((rest list) (done '()))
    (cond ((null? rest) (reverse done))
          ((%member (car rest) done) (loop (cdr rest) done))
          (else (loop (cdr rest) (cons (car rest) done))))))

(define (fold-left f start list)
  (let loop ((result start) (rest list))
    (if (null? rest) result (loop (f result (car rest)) (cdr rest)))))

(define (fold f start list)
  (let loop ((result start) (rest list))
    (if (null? rest) result (loop (f (car rest) result) (cdr rest)))))

(define (fold-right f start list)
  (let loop ((result start) (rest (reverse list)))
    (if (null? rest) result (loop (f (car rest) result) (cdr rest)))))

(define (reduce f start list)
  (if (null? list) start (fold f (car list) (cdr list))))

(define (find wanted? list)
  (let loop ((rest list))
    (cond ((null? rest) #f)
          ((wanted? (car rest)) (car rest))
          (else (loop (cdr rest))))))

(define (find-tail wanted? list)
  (let loop ((rest list))
    (cond ((null? rest) #f)
          ((wanted? (car rest)) rest)
          (else (loop (cdr rest))))))

(define (any wanted? list)
  (let loop ((rest list))
    (if (null? rest) #f (or (wanted? (car rest)) (loop (cdr rest))))))

(define (every wanted? list)
  (let loop ((rest list) (last #t))
    (if (null? rest) last (let ((now (wanted? (car rest)))) (and now (loop (cdr rest) now))))))

(define (count wanted? list)
  (let loop ((rest list) (n 0))
    (if (null? rest) n (loop (cdr rest) (if (wanted? (car rest)) (+ n 1) n)))))

(define (list-index wanted? list)
  (let loop ((rest list) (index 0))
    (cond ((null? rest) #f)
          ((wanted? (car rest)) index)
          (else (loop (cdr rest) (+ index 1))))))

(define (last-pair list)
  (let loop ((at list))
    (if (pair? (cdr at)) (loop (cdr at)) at)))

(define (last list) (car (last-pair list)))

(define (first list) (car list))
(define (second list) (cadr list))
(define (third list) (caddr list))

;; Counts of elements are checked first: a loop down to 0 would never meet it from below.
(define (%check-count name n)
  (if (not (and (exact-integer? n) (>= n 0)))
      (error (string-append name ": expected a non-negative integer, got") n)))

(define (take list n)
  (%check-count "take" n)
  (let loop ((rest list) (n n) (done '()))
    (if (= n 0) (reverse done) (loop (cdr rest) (- n 1) (cons (car rest) done)))))

(define (drop list n) (list-tail list n))

(define (list-head list n) (take list n))

(define (make-list n . fill)
  (%check-count "make-list" n)
  (let ((fill (if (null? fill) #f (car fill))))
    (let loop ((n n) (done '()))
      (if (= n 0) done (loop (- n 1) (cons fill done))))))

(define (list-set! list index value) (set-car! (list-tail list index) value))

(define (iota n . more)
  (%check-count "iota" n)
  (let ((start (if (pair? more) (car more) 0))
        (step (if (and (pair? more) (pair? (cdr more))) (cadr more) 1)))
    (let loop ((i (- n 1)) (done '()))
      (if (< i 0) done (loop (- i 1) (cons (+ start (* i step)) done))))))

(define (list-tabulate n f)
  (%check-count "list-tabulate" n)
  (let loop ((i 0) (done '()))
    (if (= i n) (reverse done) (loop (+ i 1) (cons (f i) done)))))

(define (assert true . message)
  (if (not true) (apply error (if (null? message) '("assertion failed") message))))

(define (void . ignored) (if #f #f))
(define (square x) (* x x))
(define (1+ n) (+ n 1))
(define (lcm . numbers)
  (fold-left (lambda (a b) (if (or (= a 0) (= b 0)) 0 (abs (* (quotient a (gcd a b)) b)))) 1 numbers))
(define (boolean=? a b) (eq? a b))
(define (symbol=? a b) (eq? a b))
(define (truncate->exact x) (exact (truncate x)))
(define (round->exact x) (exact (round x)))
(define (floor->exact x) (exact (floor x)))
(define (exact-integer-sqrt n)
  (let loop ((x (exact (floor (sqrt n)))))
    (cond ((> (* x x) n) (loop (- x 1)))
          ((<= (* (+ x 1) (+ x 1)) n) (loop (+ x 1)))
          (else (list x (- n (* x x)))))))

;; Sorting: a stable merge sort (Knuth, TAOCP vol. 3, 5.2.4)

(define (%merge a b less?)
  (let loop ((a a) (b b) (done '()))
    (cond ((null? a) (%reverse-onto done b))
          ((null? b) (%reverse-onto done a))
          ((less? (car b) (car a)) (loop a (cdr b) (cons (car b) done)))
          (else (loop (cdr a) b (cons (car a) done))))))

(define (%reverse-onto list tail)
  (if (null? list) tail (%reverse-onto (cdr list) (cons (car list) tail))))

(define (%sort-list list n less?)
  (cond ((= n 0) '())
        ((= n 1) (cons (car list) '()))
        (else
         (let ((half (quotient n 2)))
           (%merge (%sort-list list half less?)
                   (%sort-list (list-tail list half) (- n half) less?)
                   less?)))))

(define (sort sequence less?)
  (if (procedure? sequence)
      (sort less? sequence)
      (if (vector? sequence)
          (list->vector (%sort-list (vector->list sequence) (vector-length sequence) less?))
          (%sort-list sequence (length sequence) less?))))

(define (list-sort less? list) (sort list less?))

(define (sort! sequence less?)
  (if (vector? sequence)
      (let loop ((sorted (vector->list (sort sequence less?))) (i 0))
        (if (null? sorted)
            sequence
            (begin (vector-set! sequence i (car sorted)) (loop (cdr sorted) (+ i 1)))))
      (sort sequence less?)))

;; Vectors

(define (vector-map f first . more)
  (list->vector (apply map f (vector->list first) (map vector->list more))))

(define (vector-for-each f first . more)
  (if (null? more)
      (let ((n (vector-length first)))
        (let loop ((i 0))
          (if (< i n) (begin (f (vector-ref first i)) (loop (+ i 1))))))
      (apply for-each f (vector->list first) (map vector->list more))))

(define (vector-append . vectors) (list->vector (apply append (map vector->list vectors))))

(define (vector-grow vector n)
  (let ((new (make-vector n)))
    (vector-copy! new 0 vector)
    new))

(define (vector-copy! to at from . range)
  (let* ((start (if (pair? range) (car range) 0))
         (end (if (and (pair? range) (pair? (cdr range))) (cadr range) (vector-length from))))
    (if (< at start)
        (let loop ((i start) (j at))
          (if (< i end) (begin (vector-set! to j (vector-ref from i)) (loop (+ i 1) (+ j 1)))))
        (let loop ((i (- end 1)) (j (+ at (- end start 1))))
          (if (>= i start) (begin (vector-set! to j (vector-ref from i)) (loop (- i 1) (- j 1))))))))

(define (vector->string vector) (list->string (vector->list vector)))
(define (string->vector string) (list->vector (string->list string)))

;; Strings

(define (string-for-each f string)
  (let ((n (string-length string)))
    (let loop ((i 0))
      (if (< i n) (begin (f (string-ref string i)) (loop (+ i 1)))))))

(define (string-map f string) (list->string (map f (string->list string))))

(define (string-join strings . separator)
  (if (null? strings)
      ""
      (let ((separator (if (null? separator) " " (car separator))))
        (let loop ((rest (cdr strings)) (parts (list (car strings))))
          (if (null? rest)
              (apply string-append (reverse parts))
              (loop (cdr rest) (cons (car rest) (cons separator parts))))))))

(define (string-index string wanted)
  (if (char? wanted)
      (%string-index string wanted 0)
      (let ((n (string-length string)))
        (let loop ((i 0))
          (cond ((= i n) #f)
                ((wanted (string-ref string i)) i)
                (else (loop (+ i 1))))))))

(define (string-contains string pattern)
  (let ((n (string-length string)) (m (string-length pattern)))
    (let loop ((i 0))
      (cond ((> (+ i m) n) #f)
            ((string=? (substring string i (+ i m)) pattern) i)
            (else (loop (+ i 1)))))))

(define (string-prefix? prefix string)
  (let ((n (string-length prefix)))
    (and (<= n (string-length string)) (string=? prefix (substring string 0 n)))))

(define (string-suffix? suffix string)
  (let ((n (string-length suffix)) (m (string-length string)))
    (and (<= n m) (string=? suffix (substring string (- m n) m)))))

(define (string-null? string) (= (string-length string) 0))
(define (string-reverse string) (list->string (reverse (string->list string))))
(define (string-ci=? a b) (string=? (string-downcase a) (string-downcase b)))
(define (char-ci=? a b) (char=? (char-downcase a) (char-downcase b)))

(define (string-fill! string c)
  (let ((n (string-length string)))
    (let loop ((i 0))
      (if (< i n) (begin (string-set! string i c) (loop (+ i 1)))))))

(define (string-pad-left string n . fill)
  (let ((length (string-length string)) (c (if (null? fill) #\space (car fill))))
    (if (>= length n)
        (substring string (- length n) length)
        (string-append (make-string (- n length) c) string))))

(define (string-pad-right string n . fill)
  (let ((length (string-length string)) (c (if (null? fill) #\space (car fill))))
    (if (>= length n)
        (substring string 0 n)
        (string-append string (make-string (- n length) c)))))

;; Hash tables (names of SRFI 69), by equal?: a vector of association lists that doubles

(define-record-type <hash-table>
  (%make-hash-table count buckets)
  hash-table?
  (count %hash-table-count %set-hash-table-count!)
  (buckets %hash-table-buckets %set-hash-table-buckets!))

(define (make-hash-table . options) (%make-hash-table 0 (make-vector 8 '())))
(define (make-equal-hashtable) (make-hash-table))
(define (make-strong-eqv-hash-table) (make-hash-table))
(define (make-string-hash-table) (make-hash-table))

(define (hash-table-count table) (%hash-table-count table))
(define (hash-table-size table) (%hash-table-count table))
(define (hash object . bound)
  (if (null? bound) (%hash object) (modulo (%hash object) (car bound))))
(define (string-hash string . bound) (apply hash string bound))

(define (%bucket-index buckets key) (modulo (%hash key) (vector-length buckets)))

(define (%hash-table-entry table key)
  (let ((buckets (%hash-table-buckets table)))
    (%assoc key (vector-ref buckets (%bucket-index buckets key)))))

(define (%hash-table-grow! table)
  (let* ((old (%hash-table-buckets table))
         (new (make-vector (* 2 (vector-length old)) '())))
    (vector-for-each
     (lambda (bucket)
       (for-each
        (lambda (entry)
          (let ((index (%bucket-index new (car entry))))
            (vector-set! new index (cons entry (vector-ref new index)))))
        bucket))
     old)
    (%set-hash-table-buckets! table new)))

(define (%hash-table-add! table key value)
  (if (>= (%hash-table-count table) (vector-length (%hash-table-buckets table)))
      (%hash-table-grow! table))
  (let* ((buckets (%hash-table-buckets table))
         (index (%bucket-index buckets key)))
    (vector-set! buckets index (cons (cons key value) (vector-ref buckets index)))
    (%set-hash-table-count! table (+ 1 (%hash-table-count table)))))

(define (hash-table-set! table key value)
  (let ((entry (%hash-table-entry table key)))
    (if entry (set-cdr! entry value) (%hash-table-add! table key value))))

(define (hash-table-ref table key . more)
  (let ((entry (%hash-table-entry table key)))
    (cond (entry (if (and (pair? more) (pair? (cdr more))) ((cadr more) (cdr entry)) (cdr entry)))
          ((pair? more) ((car more)))
          (else (error "hash-table-ref: no such key:" key)))))

(define (hash-table-ref/default table key default)
  (let ((entry (%hash-table-entry table key)))
    (if entry (cdr entry) default)))

(define (hash-table-contains? table key) (if (%hash-table-entry table key) #t #f))
(define (hash-table-exists? table key) (hash-table-contains? table key))

(define (hash-table-delete! table key)
  (if (%hash-table-entry table key)
      (let* ((buckets (%hash-table-buckets table))
             (index (%bucket-index buckets key)))
        (vector-set! buckets index
                     (filter (lambda (entry) (not (equal? (car entry) key))) (vector-ref buckets index)))
        (%set-hash-table-count! table (- (%hash-table-count table) 1)))))

(define (hash-table-update! table key change . failure)
  (let ((entry (%hash-table-entry table key)))
    (cond (entry (set-cdr! entry (change (cdr entry))))
          ((pair? failure) (hash-table-set! table key (change ((car failure)))))
          (else (error "hash-table-update!: no such key:" key)))))

(define (hash-table-update!/default table key change default)
  (let ((entry (%hash-table-entry table key)))
    (if entry
        (set-cdr! entry (change (cdr entry)))
        (%hash-table-add! table key (change default)))))

(define (hash-table-walk table f)
  (vector-for-each
   (lambda (bucket) (for-each (lambda (entry) (f (car entry) (cdr entry))) bucket))
   (%hash-table-buckets table)))

(define (hash-table-fold table f start)
  (let ((buckets (%hash-table-buckets table)))
    (let loop ((i 0) (result start))
      (if (= i (vector-length buckets))
          result
          (loop (+ i 1)
                (fold-left (lambda (result entry) (f (car entry) (cdr entry) result))
                           result
                           (vector-ref buckets i)))))))

(define (hash-table-keys table)
  (hash-table-fold table (lambda (key value done) (cons key done)) '()))

(define (hash-table-values table)
  (hash-table-fold table (lambda (key value done) (cons value done)) '()))

(define (hash-table->alist table)
  (hash-table-fold table (lambda (key value done) (cons (cons key value) done)) '()))

(define (alist->hash-table alist . options)
  (let ((table (make-hash-table)))
    (for-each (lambda (entry)
                (if (not (hash-table-contains? table (car entry)))
                    (hash-table-set! table (car entry) (cdr entry))))
              alist)
    table))

(define (hash-table-clear! table)
  (%set-hash-table-count! table 0)
  (%set-hash-table-buckets! table (make-vector 8 '())))

(define (hash-table-copy table . options)
  (alist->hash-table (hash-table->alist table)))

;; Files

(define (call-with-port port f)
  (let ((result (f port)))
    (close-port port)
    result))

(define (call-with-input-file name f) (call-with-port (open-input-file name) f))
(define (call-with-output-file name f) (call-with-port (open-output-file name) f))

(define (call-with-output-string f)
  (let ((port (open-output-string)))
    (f port)
    (let ((text (get-output-string port)))
      (close-port port)
      text)))

(define (write-line object . port)
  (apply write object port)
  (apply newline port))
