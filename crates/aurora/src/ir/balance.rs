//! Every path through a function leaves as many frames as it enters: a check for tests.

use super::function::{BlockId, Function, Inst, Terminator};

/// How many frames are open at the start of each block that can be reached.
///
/// # Errors
/// What is out of balance, and where.
pub(super) fn open_frames(function: &Function) -> Result<Vec<Option<usize>>, String> {
    let mut at_start: Vec<Option<usize>> = vec![None; function.blocks.len()];
    at_start[0] = Some(0);
    let mut pending = vec![BlockId::new(0)];
    while let Some(id) = pending.pop() {
        let block = &function.blocks[id.index()];
        let mut open = at_start[id.index()].expect("only blocks with a count are pending");
        for (inst, _) in &block.insts {
            match inst {
                Inst::FrameEnter => open += 1,
                Inst::FrameLeave => {
                    open = open.checked_sub(1).ok_or_else(|| format!("b{}: leaves no frame", id.index()))?;
                }
                Inst::Alloc { zone: crate::placement::Zone::Frame, .. } if open == 0 => {
                    return Err(format!("b{}: allocates in no frame", id.index()));
                }
                _ => {}
            }
        }
        match &block.end {
            Terminator::Open => return Err(format!("b{}: has no end", id.index())),
            Terminator::Return(_) | Terminator::TailCall { .. } if open > 0 => {
                return Err(format!("b{}: ends the function with {open} frames open", id.index()));
            }
            _ => {}
        }
        for next in block.end.successors() {
            match at_start[next.index()] {
                None => {
                    at_start[next.index()] = Some(open);
                    pending.push(next);
                }
                Some(known) if known != open => {
                    return Err(format!(
                        "b{}: {known} frames open on one way, {open} on another",
                        next.index()
                    ));
                }
                Some(_) => {}
            }
        }
    }
    Ok(at_start)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Compiled;
    use crate::placement::Reasons;
    use crate::source::Source;

    fn functions(text: &str) -> Vec<Function> {
        let compiled = Compiled::new(&Source::new("t.scm", text), true, Reasons::Unread);
        compiled.expect("the program is right").module.functions
    }

    /// The most frames that are open at once in a function of this name.
    fn frames(text: &str, name: &str) -> usize {
        let mut most = 0;
        for function in functions(text) {
            let open = open_frames(&function).unwrap_or_else(|e| panic!("{e} in\n{function}"));
            let enters = |block: &super::super::function::Block| {
                block.insts.iter().filter(|(inst, _)| *inst == Inst::FrameEnter).count()
            };
            if *function.name == *name {
                let counts = open
                    .iter()
                    .zip(&function.blocks)
                    .filter_map(|(open, block)| Some((*open)? + enters(block)));
                most = most.max(counts.max().unwrap_or(0));
            }
        }
        most
    }

    #[test]
    fn returns_and_tail_calls_leave_every_frame() {
        assert_eq!(frames("(define (f x) (car (cons x 1)))", "f"), 1);
        assert_eq!(frames("(define (g x) x) (define (f x) (if (car (cons x 1)) (g x) (f (- x 1))))", "f"), 1);
        assert_eq!(frames("(define (f x) (cons x 1))", "f"), 0);
    }

    #[test]
    fn loops_leave_their_frame_on_every_way_out() {
        let one = "(define (f n) (let loop ((i 0)) (if (car (cons (= i n) 1)) i (loop (+ i 1)))))";
        assert_eq!(frames(one, "f"), 1);
        let inside = "(define (f n) (+ 1 (let loop ((i 0)) (if (car (cons (= i n) 1)) i (loop (+ i 1))))))";
        assert_eq!(frames(inside, "f"), 1);
        let jumping = "(define (f n) (let ((p (cons n n))) (+ (car p) (let outer ((i 0)) (if (car (cons (= i n) 1)) i \
            (let inner ((j 0)) (if (car (cons (= i j) 1)) (outer (+ i 1)) (inner (+ j 1)))))))))";
        assert_eq!(frames(jumping, "f"), 3);
        let tail = "(define (g x) x) (define (f n) (let loop ((i 0)) (if (car (cons (= i n) 1)) (g i) (loop (+ i 1)))))";
        assert_eq!(frames(tail, "f"), 1);
    }

    #[test]
    fn the_library_is_in_balance() {
        let uses = "(list sort map for-each assoc member fold-left filter string-join hash-table-fold hash-table-set! \
            hash-table-update! vector-map list-tabulate iota delete-duplicates exact-integer-sqrt alist->hash-table)";
        assert_eq!(frames(uses, "no such function"), 0);
    }

    #[test]
    fn what_is_out_of_balance_is_noticed() {
        let mut function = functions("(define (f x) (car (cons x 1)))").remove(0);
        assert!(open_frames(&function).is_ok());
        for block in &mut function.blocks {
            block.insts.retain(|(inst, _)| *inst != Inst::FrameLeave);
        }
        assert!(open_frames(&function).is_err());
        for block in &mut function.blocks {
            block.insts.retain(|(inst, _)| *inst != Inst::FrameEnter);
        }
        assert!(open_frames(&function).is_err_and(|e| e.contains("allocates in no frame")));
    }
}
