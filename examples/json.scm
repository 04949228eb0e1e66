;;; Reads a JSON file (RFC 8259) and prints it again, indented.
;;;
;;;     terrane run examples/json.scm FILE
;;;
;;; The reader is a recursive descent over the characters of a port. What JSON calls an object becomes a
;;; record that holds its members in order, as pairs (name . value), so nothing is lost or sorted:
;;;
;;;     null -> the symbol null      true, false -> #t, #f       number -> number, or a literal record
;;;     string -> string             array -> vector             object -> record
;;;
;;; A number that a fixnum or a flonum would not keep exactly (too many digits, too large) stays as it
;;; was written. An error in the file ends the program with line and column of the file.

(define-record-type source
  (make-source name port line column)
  source?
  (name source-name)
  (port source-port)
  (line source-line set-source-line!)
  (column source-column set-source-column!))

(define-record-type object
  (make-object members)
  object?
  (members object-members))

(define-record-type literal
  (make-literal text)
  literal?
  (text literal-text))

(define newline-char (integer->char 10))

;;; Characters

(define (peek source)
  (peek-char (source-port source)))

;; Takes the next character; counts lines and columns, both from 1.
(define (next! source)
  (let ((c (read-char (source-port source))))
    (cond ((eof-object? c) c)
          ((char=? c newline-char)
           (set-source-line! source (+ (source-line source) 1))
           (set-source-column! source 1)
           c)
          (else
           (set-source-column! source (+ (source-column source) 1))
           c))))

(define (fail source message)
  (error (string-append (source-name source)
                        ":"
                        (number->string (source-line source))
                        ":"
                        (number->string (source-column source))
                        ": "
                        message)))

(define (next-is? source wanted)
  (let ((c (peek source)))
    (and (not (eof-object? c)) (char=? c wanted))))

;; Takes the next character if it is the wanted one.
(define (accept! source wanted)
  (and (next-is? source wanted)
       (begin (next! source) #t)))

(define (expect! source wanted)
  (unless (accept! source wanted)
    (fail source (string-append "expected '" (string wanted) "'"))))

(define (space? c)
  (memv (char->integer c) '(32 9 10 13)))

(define (skip-space! source)
  (let ((c (peek source)))
    (when (and (not (eof-object? c)) (space? c))
      (next! source)
      (skip-space! source))))

(define (digit? c)
  (and (not (eof-object? c)) (char<=? #\0 c #\9)))

;;; Reading

(define (read-value source)
  (skip-space! source)
  (let ((c (peek source)))
    (cond ((eof-object? c) (fail source "expected a value, found the end of the file"))
          ((char=? c #\{) (read-object source))
          ((char=? c #\[) (read-array source))
          ((char=? c #\") (read-text source))
          ((or (char=? c #\-) (digit? c)) (read-number source))
          ((char=? c #\t) (read-word source "true" #t))
          ((char=? c #\f) (read-word source "false" #f))
          ((char=? c #\n) (read-word source "null" 'null))
          (else (fail source "expected a value")))))

(define (read-word source word value)
  (let loop ((i 0))
    (cond ((= i (string-length word)) value)
          ((accept! source (string-ref word i)) (loop (+ i 1)))
          (else (fail source (string-append "expected '" word "'"))))))

;; Reads items up to the closing character; the opening one has been taken.
(define (read-items source close read-item)
  (skip-space! source)
  (if (accept! source close)
      '()
      (let loop ((items (list (read-item source))))
        (skip-space! source)
        (cond ((accept! source #\,) (loop (cons (read-item source) items)))
              ((accept! source close) (reverse items))
              (else (fail source (string-append "expected ',' or '" (string close) "'")))))))

(define (read-array source)
  (next! source)
  (list->vector (read-items source #\] read-value)))

(define (read-member source)
  (skip-space! source)
  (unless (next-is? source #\")
    (fail source "expected the name of a member, in quotes"))
  (let ((name (read-text source)))
    (skip-space! source)
    (expect! source #\:)
    (cons name (read-value source))))

(define (read-object source)
  (next! source)
  (make-object (read-items source #\} read-member)))

(define (read-text source)
  (next! source)
  (let loop ((characters '()))
    (let ((c (peek source)))
      (cond ((eof-object? c) (fail source "the file ends inside a string"))
            ((< (char->integer c) 32) (fail source "a control character inside a string"))
            ((char=? c #\") (next! source) (list->string (reverse characters)))
            ((char=? c #\\) (next! source) (loop (cons (read-escape source) characters)))
            (else (next! source) (loop (cons c characters)))))))

(define plain-escapes
  (list (cons #\" #\")
        (cons #\\ #\\)
        (cons #\/ #\/)
        (cons #\b (integer->char 8))
        (cons #\f (integer->char 12))
        (cons #\n newline-char)
        (cons #\r (integer->char 13))
        (cons #\t (integer->char 9))))

;; The character that an escape stands for; the backslash has been taken.
(define (read-escape source)
  (if (accept! source #\u)
      (read-unicode-escape source)
      (let ((entry (assv (peek source) plain-escapes)))
        (unless entry
          (fail source "unknown escape in a string"))
        (next! source)
        (cdr entry))))

;; Characters above U+FFFF are written as two escapes, a high and a low surrogate.
(define (read-unicode-escape source)
  (let ((code (read-four-digits source)))
    (cond ((<= #xDC00 code #xDFFF) (fail source "a low surrogate without a high one"))
          ((<= #xD800 code #xDBFF)
           (integer->char (+ #x10000
                             (* 1024 (- code #xD800))
                             (- (read-low-surrogate source) #xDC00))))
          (else (integer->char code)))))

(define (read-low-surrogate source)
  (let ((code (and (accept! source #\\)
                   (accept! source #\u)
                   (read-four-digits source))))
    (unless (and code (<= #xDC00 code #xDFFF))
      (fail source "a high surrogate without a low one"))
    code))

(define (read-four-digits source)
  (do ((i 0 (+ i 1))
       (code 0 (+ (* 16 code) (read-hex-digit source))))
      ((= i 4) code)))

(define (read-hex-digit source)
  (let* ((c (peek source))
         (value (cond ((eof-object? c) #f)
                      ((char<=? #\0 c #\9) (- (char->integer c) 48))
                      ((char<=? #\a c #\f) (- (char->integer c) 87))
                      ((char<=? #\A c #\F) (- (char->integer c) 55))
                      (else #f))))
    (unless value
      (fail source "expected a hexadecimal digit"))
    (next! source)
    value))

;; Takes the digits that follow and puts them in front of `characters` (a list in reverse).
(define (take-digits source characters)
  (if (digit? (peek source))
      (let ((c (next! source)))
        (take-digits source (cons c characters)))
      characters))

;; The same, where at least one digit must follow.
(define (take-some-digits source characters)
  (unless (digit? (peek source))
    (fail source "expected a digit"))
  (take-digits source characters))

(define (take-if source wanted characters)
  (if (accept! source wanted)
      (cons wanted characters)
      characters))

(define (read-number source)
  (let* ((sign (take-if source #\- '()))
         (whole (read-whole-part source sign)))
    (if (or (next-is? source #\.) (next-is? source #\e) (next-is? source #\E))
        (flonum-or-literal (list->string (reverse (take-exponent source (take-fraction source whole)))))
        (fixnum-or-literal (list->string (reverse whole))))))

(define (read-whole-part source characters)
  (if (next-is? source #\0)
      (let ((result (take-if source #\0 characters)))
        (when (digit? (peek source))
          (fail source "a number must not start with 0"))
        result)
      (take-some-digits source characters)))

(define (take-fraction source characters)
  (if (accept! source #\.)
      (take-some-digits source (cons #\. characters))
      characters))

(define (take-exponent source characters)
  (if (or (accept! source #\e) (accept! source #\E))
      (let* ((minus (take-if source #\- (cons #\e characters)))
             (plus (if (char=? (car minus) #\-) minus (take-if source #\+ minus))))
        (take-some-digits source plus))
      characters))

;; 17 digits fit a fixnum for sure. "-0" is not the integer 0.
(define (fixnum-or-literal text)
  (if (or (> (string-length text) 17) (string=? text "-0"))
      (make-literal text)
      (string->number text)))

;; How many characters in [start, end) are digits.
(define (count-digits text start end)
  (do ((i start (+ i 1))
       (digits 0 (if (digit? (string-ref text i)) (+ digits 1) digits)))
      ((= i end) digits)))

;; Where the exponent begins, or the end of the text.
(define (exponent-index text)
  (let ((end (string-length text)))
    (let loop ((i 0))
      (if (or (= i end) (char=? (string-ref text i) #\e))
          i
          (loop (+ i 1))))))

;; 15 digits survive the way through a flonum; an exponent of two digits neither overflows nor underflows.
(define (flonum-or-literal text)
  (let ((exponent (exponent-index text))
        (end (string-length text)))
    (if (and (<= (count-digits text 0 exponent) 15)
             (<= (count-digits text exponent end) 2))
        (string->number text)
        (make-literal text))))

;; One value and nothing but space after it.
(define (read-json source)
  (let ((value (read-value source)))
    (skip-space! source)
    (unless (eof-object? (peek source))
      (fail source "expected the end of the file"))
    value))

;;; Printing

(define (print-value value depth)
  (cond ((object? value) (print-members (object-members value) depth))
        ((vector? value) (print-elements (vector->list value) depth))
        ((string? value) (print-text value))
        ((literal? value) (write-string (literal-text value)))
        ((number? value) (write-string (number->string value)))
        ((eq? value #t) (write-string "true"))
        ((eq? value #f) (write-string "false"))
        (else (write-string "null"))))

(define (print-elements elements depth)
  (print-items "[" "]" elements depth (lambda (element) (print-value element (+ depth 1)))))

(define (print-members members depth)
  (print-items "{" "}" members depth
               (lambda (member)
                 (print-text (car member))
                 (write-string ": ")
                 (print-value (cdr member) (+ depth 1)))))

(define (print-items open close items depth print-item)
  (write-string open)
  (unless (null? items)
    (let loop ((items items))
      (indent (+ depth 1))
      (print-item (car items))
      (unless (null? (cdr items))
        (write-string ",")
        (loop (cdr items))))
    (indent depth))
  (write-string close))

(define (indent depth)
  (newline)
  (do ((i 0 (+ i 1)))
      ((= i depth))
    (write-string "  ")))

(define (print-text text)
  (write-char #\")
  (let ((length (string-length text)))
    (do ((i 0 (+ i 1)))
        ((= i length))
      (print-character (string-ref text i))))
  (write-char #\"))

(define (print-character c)
  (cond ((char=? c #\") (write-string "\\\""))
        ((char=? c #\\) (write-string "\\\\"))
        ((char=? c newline-char) (write-string "\\n"))
        ((< (char->integer c) 32) (print-control-character (char->integer c)))
        (else (write-char c))))

(define (print-control-character code)
  (write-string (if (< code 16) "\\u000" "\\u001"))
  (write-char (string-ref "0123456789abcdef" (modulo code 16))))

;;; The program

(define (main file)
  (print-value (call-with-input-file file
                 (lambda (port) (read-json (make-source file port 1 1))))
               0)
  (newline))

(let ((arguments (cdr (command-line))))
  (if (and (pair? arguments) (null? (cdr arguments)))
      (main (car arguments))
      (begin (display "usage: json.scm FILE")
             (newline)
             (exit 2))))
