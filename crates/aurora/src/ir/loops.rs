//! Lowering of loops. Each iteration is a scope of its own: where something of it is placed in a frame,
//! the frame is entered at the top of the iteration and left on every way out of it.

use super::function::{Inst, Operand, Temp, Terminator};
use super::lower::{Lowering, OpenLoop};
use crate::core::{Expr, ExprId, LoopId};

impl Lowering<'_> {
    pub(super) fn loop_into(&mut self, id: ExprId, to: Temp) {
        let span = self.span(id);
        let Some(body) = self.begin_loop(id) else { return };
        let outside = self.frames_open - usize::from(self.loop_frame(id));
        self.into(body, to);
        self.leave_frames(outside, span);
        self.frames_open = outside;
        let after = self.block();
        self.end(Terminator::Jump(after), span);
        self.switch_to(after);
    }

    pub(super) fn loop_tail(&mut self, id: ExprId) {
        let Some(body) = self.begin_loop(id) else { return };
        self.tail(body);
        self.frames_open -= usize::from(self.loop_frame(id));
    }

    fn loop_frame(&self, id: ExprId) -> bool {
        matches!(self.program.expr(id), Expr::Loop { id, .. } if self.placements.loop_has_frame(*id))
    }

    /// Initialises the loop variables and opens the header; answers the body.
    fn begin_loop(&mut self, id: ExprId) -> Option<ExprId> {
        let program = self.program;
        let Expr::Loop { id: loop_id, variables, inits, body } = program.expr(id) else { return None };
        let span = self.span(id);
        let values = self.values(inits);
        let temps: Vec<Temp> = variables.iter().map(|_| self.temp()).collect();
        for (&to, from) in temps.iter().zip(values) {
            self.emit(Inst::Move { to, from }, span);
        }
        let header = self.block();
        self.end(Terminator::Jump(header), span);
        self.switch_to(header);
        let open = OpenLoop { header, temps: temps.clone(), frames_outside: self.frames_open };
        self.loops.insert(*loop_id, open);
        if self.placements.loop_has_frame(*loop_id) {
            self.frame_enter(span);
        }
        for (&variable, temp) in variables.iter().zip(temps) {
            self.bind(variable, Operand::Temp(temp), span);
        }
        Some(*body)
    }

    /// The next iteration: new values all at once, frames closed, back to the header.
    pub(super) fn next(&mut self, target: LoopId, args: &[ExprId], id: ExprId) {
        let span = self.span(id);
        let values = self.values(args);
        let open = self.loops[&target].clone();
        let moves = self.in_parallel(&open.temps, &values, span);
        for (to, from) in moves {
            self.emit(Inst::Move { to, from }, span);
        }
        self.leave_frames(open.frames_outside, span);
        self.end(Terminator::Jump(open.header), span);
        // What follows in the text cannot be reached; it still needs a block to go to.
        let unreachable = self.block();
        self.switch_to(unreachable);
    }

    /// Orders moves so that none overwrites what a later one reads.
    fn in_parallel(
        &mut self,
        targets: &[Temp],
        values: &[Operand],
        span: crate::source::Span,
    ) -> Vec<(Temp, Operand)> {
        let mut moves: Vec<(Temp, Operand)> = targets
            .iter()
            .copied()
            .zip(values.iter().copied())
            .filter(|&(to, from)| from != Operand::Temp(to))
            .collect();
        let mut ordered = Vec::new();
        while !moves.is_empty() {
            let free =
                moves.iter().position(|&(to, _)| moves.iter().all(|&(_, from)| from != Operand::Temp(to)));
            match free {
                Some(at) => ordered.push(moves.remove(at)),
                None => {
                    // A cycle: its first value is copied out of the way, before anything moves.
                    let (_, from) = moves[0];
                    let copy = self.temp();
                    self.emit(Inst::Move { to: copy, from }, span);
                    for one in &mut moves {
                        if one.1 == from {
                            one.1 = Operand::Temp(copy);
                        }
                    }
                }
            }
        }
        ordered
    }
}
