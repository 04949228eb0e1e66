//! The registers that are live at each instruction that may collect.
//!
//! Precise: what is dead there is not scanned, so that it neither leaks nor needs clearing. A call's
//! operands are copied into the callee's registers before anything can move and are not counted; an
//! allocation reads its operands after the collection it may cause, so they are.

use super::registers::Registers;
use crate::ir::{BlockId, Function, Inst, Liveness, temp_of};
use std::collections::{BTreeSet, HashMap};

/// By instruction of a block: the live registers, where the instruction may collect.
pub(super) type BlockSafepoints = HashMap<usize, Vec<u16>>;

/// Live registers of all safepoints of one function together.
pub(super) const LIVE_MAX: usize = 1 << 26;

/// The safepoints of a block; `None` if they name more than `most` registers.
pub(super) fn of_block(
    function: &Function,
    live: &Liveness,
    registers: &Registers,
    block: BlockId,
    most: usize,
) -> Option<BlockSafepoints> {
    let mut set = live.before_end(function, block);
    let mut found = HashMap::new();
    let mut total = 0;
    for (index, (inst, _)) in function.blocks[block.index()].insts.iter().enumerate().rev() {
        if let Some(target) = inst.target() {
            set.remove(&target.index());
        }
        let operands = || inst.operands().into_iter().filter_map(temp_of);
        if may_collect(inst) {
            if matches!(inst, Inst::Alloc { .. }) {
                set.extend(operands());
            }
            let here = to_registers(function, registers, &set);
            total += here.len();
            if total > most {
                return None;
            }
            found.insert(index, here);
        }
        set.extend(operands());
        if inst.reads_closure() {
            set.insert(Liveness::closure_bit(function));
        }
    }
    Some(found)
}

fn may_collect(inst: &Inst) -> bool {
    matches!(inst, Inst::Alloc { .. } | Inst::Primitive { .. } | Inst::Call { .. })
}

fn to_registers(function: &Function, registers: &Registers, set: &BTreeSet<usize>) -> Vec<u16> {
    let closure = Liveness::closure_bit(function);
    let register = |&temp: &usize| if temp == closure { 0 } else { registers.of_index(temp) as u16 };
    let mut all: Vec<u16> = set.iter().map(register).collect();
    all.sort_unstable();
    all.dedup();
    all
}
