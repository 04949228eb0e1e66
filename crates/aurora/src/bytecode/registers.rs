//! Registers for temporaries: linear scan over live intervals (Poletto and Sarkar 1999).
//!
//! Register 0 is the closure, the parameters follow. There is no spilling: an activation has as many
//! registers as it needs.

use crate::ir::{BlockId, Function, Inst, Liveness, Operand, Temp};
use std::collections::BTreeSet;

/// The register of every temporary.
#[derive(Debug)]
pub(super) struct Registers {
    by_temp: Vec<u32>,
    /// One more than the highest register in use.
    pub(super) count: u32,
}

#[derive(Debug, Clone, Copy)]
struct Interval {
    start: usize,
    end: usize,
}

impl Registers {
    pub(super) fn assign(function: &Function, live: &Liveness, order: &[BlockId]) -> Self {
        let intervals = intervals(function, live, order);
        let arguments = function.parameters + usize::from(function.has_rest);
        let mut registers = Self { by_temp: vec![0; function.temps], count: arguments as u32 + 1 };
        let mut free: BTreeSet<u32> = BTreeSet::new();
        let mut active: BTreeSet<(usize, u32)> = BTreeSet::new();
        for (temp, interval) in intervals.iter().enumerate().take(arguments) {
            registers.by_temp[temp] = temp as u32 + 1;
            active.insert((interval.map_or(0, |i| i.end), temp as u32 + 1));
        }
        let mut rest: Vec<(usize, Interval)> = intervals
            .iter()
            .enumerate()
            .skip(arguments)
            .filter_map(|(temp, i)| i.map(|i| (temp, i)))
            .collect();
        rest.sort_by_key(|(_, interval)| interval.start);
        for (temp, interval) in rest {
            while let Some(&(end, register)) = active.first().filter(|(end, _)| *end < interval.start) {
                active.remove(&(end, register));
                free.insert(register);
            }
            let register = free.pop_first().unwrap_or_else(|| {
                registers.count += 1;
                registers.count - 1
            });
            registers.by_temp[temp] = register;
            active.insert((interval.end, register));
        }
        registers
    }

    pub(super) fn of(&self, temp: Temp) -> u32 {
        self.by_temp[temp.index()]
    }

    pub(super) fn of_index(&self, temp: usize) -> u32 {
        self.by_temp[temp]
    }
}

/// First and last position of each temporary, over the blocks in order. An instruction reads at an even
/// position and writes at the odd one after it, so that its target may share a register with an operand.
fn intervals(function: &Function, live: &Liveness, order: &[BlockId]) -> Vec<Option<Interval>> {
    let mut all: Vec<Option<Interval>> = vec![None; function.temps];
    let mut extend = |temp: usize, at: usize| {
        let Some(slot) = all.get_mut(temp) else { return };
        let interval = slot.get_or_insert(Interval { start: at, end: at });
        interval.start = interval.start.min(at);
        interval.end = interval.end.max(at);
    };
    for temp in 0..function.parameters + usize::from(function.has_rest) {
        extend(temp, 0);
    }
    let mut position = 2;
    for &block in order {
        live.at_start(block).for_each(|temp| extend(temp, position));
        for (inst, _) in &function.blocks[block.index()].insts {
            visit_inst(inst, position, &mut extend);
            position += 2;
        }
        for operand in function.blocks[block.index()].end.operands() {
            if let Operand::Temp(temp) = operand {
                extend(temp.index(), position);
            }
        }
        live.at_end(block).for_each(|temp| extend(temp, position + 1));
        position += 2;
    }
    all
}

fn visit_inst(inst: &Inst, position: usize, extend: &mut impl FnMut(usize, usize)) {
    for operand in inst.operands() {
        if let Operand::Temp(temp) = operand {
            extend(temp.index(), position);
        }
    }
    if let Some(temp) = inst.target() {
        extend(temp.index(), position + 1);
    }
}
