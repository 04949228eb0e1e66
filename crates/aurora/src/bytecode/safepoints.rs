//! The registers that are live at each instruction that may collect.
//!
//! Precise: what is dead there is not scanned, so that it neither leaks nor needs clearing. A call's
//! operands are copied into the callee's registers before anything can move and are not counted; an
//! allocation reads its operands after the collection it may cause, so they are.

use super::registers::Registers;
use crate::ir::{BlockId, Function, Inst, Liveness, TempSet};
use std::collections::HashMap;

/// By instruction of a block: the live registers, where the instruction may collect.
pub(super) type BlockSafepoints = HashMap<usize, Vec<u16>>;

pub(super) fn of_block(
    function: &Function,
    live: &Liveness,
    registers: &Registers,
    block: BlockId,
) -> BlockSafepoints {
    let mut set = live.before_end(function, block);
    let mut found = HashMap::new();
    for (index, (inst, _)) in function.blocks[block.index()].insts.iter().enumerate().rev() {
        if let Some(target) = inst.target() {
            set.remove(target.index());
        }
        if may_collect(inst) {
            let mut here = set.clone();
            if matches!(inst, Inst::Alloc { .. }) {
                inst.operands().into_iter().for_each(|operand| here.insert_operand(operand));
            }
            found.insert(index, to_registers(function, registers, &here));
        }
        inst.operands().into_iter().for_each(|operand| set.insert_operand(operand));
        if inst.reads_closure() {
            set.insert(Liveness::closure_bit(function));
        }
    }
    found
}

fn may_collect(inst: &Inst) -> bool {
    matches!(inst, Inst::Alloc { .. } | Inst::Primitive { .. } | Inst::Call { .. })
}

fn to_registers(function: &Function, registers: &Registers, set: &TempSet) -> Vec<u16> {
    let closure = Liveness::closure_bit(function);
    let register = |temp| if temp == closure { 0 } else { registers.of_index(temp) as u16 };
    let mut all: Vec<u16> = set.iter().map(register).collect();
    all.sort_unstable();
    all.dedup();
    all
}
