;;; Counts the words of the files named on the command line and prints the most frequent ones.
;;;
;;;     terrane run examples/wordfreq.scm FILE...
;;;
;;; A word is a run of letters, with apostrophes allowed inside ("don't"); case does not matter.
;;; Words with the same count are printed in alphabetical order, so the output is always the same.
;;;
;;; What to watch with --report: for each word the program makes a short list of characters and a string,
;;; and most are garbage at once; only the words that become keys of the table stay.

(define words-shown 20)

(define apostrophe #\')

;; Reads characters from the port until one that starts a word, and returns it; or the end of file.
(define (skip-to-word port)
  (let ((c (read-char port)))
    (if (or (eof-object? c) (char-alphabetic? c))
        c
        (skip-to-word port))))

;; Is the apostrophe that was just read followed by a letter? Then it belongs to the word.
(define (letter-follows? port)
  (let ((next (peek-char port)))
    (and (not (eof-object? next)) (char-alphabetic? next))))

;; Reads the rest of the word that starts with `first`; a string in lower case.
(define (read-rest first port)
  (let loop ((letters (list (char-downcase first))))
    (let ((c (read-char port)))
      (if (and (not (eof-object? c))
               (or (char-alphabetic? c)
                   (and (char=? c apostrophe) (letter-follows? port))))
          (loop (cons (char-downcase c) letters))
          (list->string (reverse letters))))))

;; Counts every word of the port in the table; returns how many there were.
(define (count-words! port table)
  (let loop ((total 0))
    (let ((first (skip-to-word port)))
      (if (eof-object? first)
          total
          (let ((word (read-rest first port)))
            (hash-table-update!/default table word (lambda (count) (+ count 1)) 0)
            (loop (+ total 1)))))))

(define (count-file! file table)
  (call-with-input-file file
    (lambda (port) (count-words! port table))))

;; Entries are pairs (word . count): the highest count first, then alphabetically.
(define (more-frequent? a b)
  (cond ((> (cdr a) (cdr b)) #t)
        ((< (cdr a) (cdr b)) #f)
        (else (string<? (car a) (car b)))))

(define (pad-left text width)
  (if (< (string-length text) width)
      (pad-left (string-append " " text) width)
      text))

(define (print-entry entry)
  (display (pad-left (number->string (cdr entry)) 7))
  (display "  ")
  (display (car entry))
  (newline))

(define (print-first entries limit)
  (when (and (pair? entries) (> limit 0))
    (print-entry (car entries))
    (print-first (cdr entries) (- limit 1))))

(define (main files)
  (let* ((table (make-hash-table))
         (total (fold-left (lambda (sum file) (+ sum (count-file! file table))) 0 files)))
    (print-first (sort (hash-table->alist table) more-frequent?) words-shown)
    (display total)
    (display " words, ")
    (display (hash-table-count table))
    (display " different")
    (newline)))

(let ((files (cdr (command-line))))
  (if (null? files)
      (begin (display "usage: wordfreq.scm FILE...")
             (newline)
             (exit 2))
      (main files)))
