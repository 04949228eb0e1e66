//! Random Scheme programs that always end: the material of the differential test.
//!
//! A program is grown from a list of numbers (its *choices*): each decision takes the next one, and when
//! they are used up every decision takes its first, smallest option. So a shorter list is a smaller
//! program, and proptest shrinks programs by shortening lists.
//!
//! Programs end because every procedure and every turn of a loop takes from a global store of fuel, and
//! never go wrong because every operation first tests its operands. The tests are written out in place:
//! a helper procedure would hide from the placement that the operand stays in its frame.

use std::fmt::Write as _;

/// Entries of procedures and turns of loops that a program may make.
const FUEL: u32 = 160;
/// Depth of expressions.
const DEPTH_MAX: u32 = 6;

const PROLOGUE: &str = "
(define fuel FUEL)
(define-record-type node (make-node left right) node? (left left set-left!) (right right set-right!))
(define g0 (cons 1 2))
(define g1 (vector 1 2 3))
(define g2 (list 1 2 3))
(define g3 (make-node 1 2))
(define arena (make-arena 256))
(define (digest start)
  (let loop ((todo (list start)) (more 60) (out '()))
    (if (or (null? todo) (= more 0))
        (begin (write (reverse out)) (newline))
        (let ((x (car todo)) (rest (cdr todo)))
          (cond ((pair? x) (loop (cons (car x) (cons (cdr x) rest)) (- more 1) (cons 'p out)))
                ((vector? x) (loop (append (vector->list x) rest) (- more 1) (cons 'v out)))
                ((node? x) (loop (cons (left x) (cons (right x) rest)) (- more 1) (cons 'n out)))
                ((procedure? x) (loop rest (- more 1) (cons 'f out)))
                (else (loop rest (- more 1) (cons x out))))))))
";

/// A whole program.
pub(crate) fn program(choices: &[u32]) -> String {
    let mut writer = Writer { choices: choices.iter(), names: 0, scope: Vec::new(), procedures: Vec::new() };
    let mut out = PROLOGUE.replace("FUEL", &FUEL.to_string());
    let count = 1 + writer.choose(4);
    writer.procedures = (0..count).map(|index| (format!("f{index}"), 1 + writer.choose(3))).collect();
    for (name, arity) in writer.procedures.clone() {
        let parameters: Vec<_> = (0..arity).map(|_| writer.fresh()).collect();
        let body = writer.guarded(&parameters, 0);
        let _ = writeln!(out, "(define ({name} {}) {body})", parameters.join(" "));
    }
    for _ in 0..2 + writer.choose(3) {
        let _ = writeln!(out, "(set! fuel {FUEL})\n(digest {})", writer.expr(1));
    }
    for global in ["g0", "g1", "g2", "g3"] {
        let _ = writeln!(out, "(digest {global})");
    }
    out.push_str("(destroy-arena arena)\n(digest (list g0 g1 g2 g3))\n");
    out
}

struct Writer<'a> {
    choices: std::slice::Iter<'a, u32>,
    names: u32,
    scope: Vec<String>,
    /// Top-level procedures and how many arguments they take.
    procedures: Vec<(String, u32)>,
}

impl Writer<'_> {
    /// A number below `count`; 0 when the choices are used up.
    fn choose(&mut self, count: u32) -> u32 {
        self.choices.next().map_or(0, |choice| choice % count)
    }

    fn fresh(&mut self) -> String {
        self.names += 1;
        format!("v{}", self.names)
    }

    fn variable(&mut self) -> String {
        let locals = self.scope.len() as u32;
        // Recent variables are likelier: what was just made should be used.
        match self.choose(4) {
            0 | 1 if locals > 0 => {
                let back = self.choose(locals.min(3)) as usize;
                self.scope[self.scope.len() - 1 - back].clone()
            }
            2 if locals > 0 => {
                let at = self.choose(locals) as usize;
                self.scope[at].clone()
            }
            _ => format!("g{}", self.choose(4)),
        }
    }

    /// An expression in which more variables are in scope.
    fn within(&mut self, names: &[String], make: impl FnOnce(&mut Self) -> String) -> String {
        let depth = self.scope.len();
        self.scope.extend_from_slice(names);
        let text = make(self);
        self.scope.truncate(depth);
        text
    }

    /// The body of a procedure: nothing much when the fuel is used up.
    fn guarded(&mut self, parameters: &[String], depth: u32) -> String {
        let names = parameters.to_vec();
        let body = self.within(&names, |w| w.expr(depth + 1));
        let otherwise = names.first().cloned().unwrap_or_else(|| "0".into());
        format!("(begin (set! fuel (- fuel 1)) (if (< fuel 0) {otherwise} {body}))")
    }

    fn leaf(&mut self) -> String {
        match self.choose(5) {
            0 => self.choose(10).to_string(),
            1 => "'()".into(),
            2 => format!("{}.5", self.choose(100)),
            _ => self.variable(),
        }
    }

    fn expr(&mut self, depth: u32) -> String {
        if depth >= DEPTH_MAX {
            return self.leaf();
        }
        let next = depth + 1;
        match self.choose(34) {
            0 | 1 => self.leaf(),
            2..=4 => format!("(cons {} {})", self.expr(next), self.expr(next)),
            5 => format!("(vector {} {})", self.expr(next), self.expr(next)),
            6 => format!("(make-node {} {})", self.expr(next), self.expr(next)),
            7 => format!("(list {} {} {})", self.leaf(), self.expr(next), self.leaf()),
            8..=10 => self.access(next),
            11 | 12 => self.mutation(next),
            13 | 14 => format!("(begin (set! {} {}) {})", self.variable(), self.expr(next), self.expr(next)),
            15..=17 => self.binding(next),
            18 | 19 => {
                format!("(if {} {} {})", self.test(next), self.expr(next), self.expr(next))
            }
            20 => self.closure(next),
            21 => self.unknown_call(next),
            22..=24 => self.known_call(next),
            25 => self.local_procedures(next),
            26 => self.simple_loop(next),
            27 => self.nested_loops(next),
            28 => self.do_loop(next),
            29 => self.number(next),
            30 => self.with_arena(next),
            31 => format!("(in-arena arena {})", self.expr(next)),
            32 => self.library_call(next),
            _ => format!("(begin {} {})", self.expr(next), self.expr(next)),
        }
    }

    fn test(&mut self, depth: u32) -> String {
        let tests = ["pair?", "null?", "vector?", "number?", "node?", "procedure?"];
        match self.choose(8) {
            6 => format!("(eq? {} {})", self.variable(), self.variable()),
            7 => format!("(and {} {})", self.expr(depth), self.expr(depth)),
            at => format!("({} {})", tests[at as usize], self.expr(depth)),
        }
    }

    /// Reads a part of an object, if it is one.
    fn access(&mut self, depth: u32) -> String {
        let (name, value) = (self.fresh(), self.expr(depth));
        let read = match self.choose(6) {
            0 => format!("(if (pair? {name}) (car {name}) {name})"),
            1 => format!("(if (pair? {name}) (cdr {name}) {name})"),
            2 => format!("(if (vector? {name}) (vector-ref {name} 0) {name})"),
            3 => format!("(if (vector? {name}) (vector-ref {name} (- (vector-length {name}) 1)) {name})"),
            4 => format!("(if (node? {name}) (left {name}) {name})"),
            _ => format!("(if (node? {name}) (right {name}) {name})"),
        };
        format!("(let (({name} {value})) {read})")
    }

    /// Writes a part of an object, if it is one.
    fn mutation(&mut self, depth: u32) -> String {
        let name = self.fresh();
        let kind = self.choose(5);
        // Every other time an old object that fits: it must not come to refer to a frame, nor be forgotten.
        let target = match self.choose(2) {
            0 => ["g0", "g2", "g1", "g3", "g3"][kind as usize].into(),
            _ => self.expr(depth),
        };
        let value = self.within(std::slice::from_ref(&name), |w| w.expr(depth));
        let (test, write) = match kind {
            0 => ("pair?", format!("(set-car! {name} {value})")),
            1 => ("pair?", format!("(set-cdr! {name} {value})")),
            2 => ("vector?", format!("(vector-set! {name} 0 {value})")),
            3 => ("node?", format!("(set-left! {name} {value})")),
            _ => ("node?", format!("(set-right! {name} {value})")),
        };
        format!("(let (({name} {target})) (if ({test} {name}) {write}) {name})")
    }

    fn binding(&mut self, depth: u32) -> String {
        let (a, b) = (self.fresh(), self.fresh());
        let (x, y) = (self.expr(depth), self.expr(depth));
        let body = self.within(&[a.clone(), b.clone()], |w| w.expr(depth));
        format!("(let (({a} {x}) ({b} {y})) {body})")
    }

    fn closure(&mut self, depth: u32) -> String {
        let name = self.fresh();
        let body = self.guarded(std::slice::from_ref(&name), depth);
        format!("(lambda ({name}) {body})")
    }

    fn unknown_call(&mut self, depth: u32) -> String {
        let (name, callee, argument) = (self.fresh(), self.expr(depth), self.expr(depth));
        let call = match self.choose(2) {
            0 => format!("({name} {argument})"),
            _ => format!("(apply {name} (list {argument}))"),
        };
        format!("(let (({name} {callee})) (if (procedure? {name}) {call} {name}))")
    }

    fn known_call(&mut self, depth: u32) -> String {
        let count = self.procedures.len() as u32;
        let chosen = self.choose(count) as usize;
        let (name, arity) = self.procedures[chosen].clone();
        let arguments: Vec<_> = (0..arity).map(|_| self.expr(depth)).collect();
        format!("({name} {})", arguments.join(" "))
    }

    /// Two procedures that see each other and the variables around them.
    fn local_procedures(&mut self, depth: u32) -> String {
        let (f, g) = (self.fresh(), self.fresh());
        let (x, y) = (self.fresh(), self.fresh());
        let (first, second) = (self.guarded(std::slice::from_ref(&x), depth), {
            let inner = self.guarded(std::slice::from_ref(&y), depth);
            match self.choose(3) {
                0 => format!("({f} {inner})"),
                1 => format!("(begin (set! fuel (- fuel 1)) (if (< fuel 0) {y} ({f} {inner})))"),
                _ => inner,
            }
        });
        let argument = self.expr(depth);
        // The procedures are variables, too: they may be called, kept or returned.
        let body = self.within(&[f.clone(), g.clone()], |w| w.expr(depth));
        format!(
            "(let () (define ({f} {x}) {first}) (define ({g} {y}) {second}) (cons ({g} {argument}) {body}))"
        )
    }

    fn simple_loop(&mut self, depth: u32) -> String {
        let (name, i, acc) = (self.fresh(), self.fresh(), self.fresh());
        let start = self.expr(depth);
        let turns = 1 + self.choose(5);
        let step = self.within(std::slice::from_ref(&acc), |w| w.expr(depth));
        let result = self.within(std::slice::from_ref(&acc), |w| w.leaf());
        format!(
            "(let {name} (({i} 0) ({acc} {start})) (set! fuel (- fuel 1)) \
             (if (or (< fuel 0) (= {i} {turns})) {result} ({name} (+ {i} 1) {step})))"
        )
    }

    /// An inner loop that goes on with the outer one.
    fn nested_loops(&mut self, depth: u32) -> String {
        let (outer, i, a) = (self.fresh(), self.fresh(), self.fresh());
        let (inner, j, b) = (self.fresh(), self.fresh(), self.fresh());
        let start = self.expr(depth);
        let inner_start = self.within(std::slice::from_ref(&a), |w| w.expr(depth));
        let both = [a.clone(), b.clone()];
        let again = self.within(&both, |w| w.expr(depth));
        let step = self.within(&both, |w| w.expr(depth));
        let (turns, inner_turns) = (1 + self.choose(4), 1 + self.choose(3));
        format!(
            "(let {outer} (({i} 0) ({a} {start})) (set! fuel (- fuel 1)) \
             (if (or (< fuel 0) (= {i} {turns})) {a} \
             (let {inner} (({j} 0) ({b} {inner_start})) (set! fuel (- fuel 1)) \
             (if (or (< fuel 0) (= {j} {inner_turns})) ({outer} (+ {i} 1) {again}) ({inner} (+ {j} 1) {step})))))"
        )
    }

    fn do_loop(&mut self, depth: u32) -> String {
        let (i, acc) = (self.fresh(), self.fresh());
        let start = self.expr(depth);
        let turns = 1 + self.choose(4);
        let (step, command) = self.within2(&acc, depth);
        format!(
            "(do (({i} 0 (+ {i} 1)) ({acc} {start} {step})) ((or (< fuel 0) (= {i} {turns})) {acc}) \
             (set! fuel (- fuel 1)) {command})"
        )
    }

    fn within2(&mut self, name: &str, depth: u32) -> (String, String) {
        let names = [name.to_owned()];
        (self.within(&names, |w| w.expr(depth)), self.within(&names, |w| w.expr(depth)))
    }

    fn number(&mut self, depth: u32) -> String {
        let (x, y) = (self.fresh(), self.fresh());
        let (a, b) = (self.expr(depth), self.expr(depth));
        let operator = ["+", "-", "*"][self.choose(3) as usize];
        format!(
            "(let (({x} {a}) ({y} {b})) (if (and (number? {x}) (number? {y}) (< -1000 {x} 1000) (< -1000 {y} 1000)) \
             ({operator} {x} {y}) {x}))"
        )
    }

    /// The value is one that may leave the arena, but not one that certainly does.
    fn with_arena(&mut self, depth: u32) -> String {
        let (arena, value) = (self.fresh(), self.fresh());
        let body = self.expr(depth);
        let other = self.leaf();
        format!(
            "(with-arena ({arena} {}) (let (({value} {body})) (if (eq? {value} 3) {other} {value})))",
            16 << self.choose(8)
        )
    }

    /// Lists are appended to only while they are short, else loops would double them without end.
    fn library_call(&mut self, depth: u32) -> String {
        let (name, value) = (self.fresh(), self.expr(depth));
        let call = match self.choose(7) {
            0 => format!("(if (list? {name}) (reverse {name}) {name})"),
            1 => format!(
                "(if (and (list? {name}) (< (length {name}) 20)) (append {name} {}) {name})",
                self.expr(depth)
            ),
            2 => format!("(if (list? {name}) (map {} {name}) {name})", self.closure(depth)),
            3 => format!("(if (list? {name}) (list->vector {name}) {name})"),
            4 => format!("(if (vector? {name}) (vector->list {name}) {name})"),
            5 => format!("(if (number? {name}) (string-append \"n\" (number->string {name})) {name})"),
            _ => format!("(if (vector? {name}) (vector-map {} {name}) {name})", self.closure(depth)),
        };
        format!("(let (({name} {value})) {call})")
    }
}
