//! Which temporaries are live where: backward dataflow over the blocks (Appel, "Modern Compiler
//! Implementation", §10.1).

use super::function::{BlockId, Function, Operand, Temp};

/// A set of temporaries. The last bit stands for the running closure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TempSet {
    words: Vec<u64>,
}

impl TempSet {
    fn new(bits: usize) -> Self {
        Self { words: vec![0; bits.div_ceil(64)] }
    }

    pub(crate) fn insert(&mut self, index: usize) {
        self.words[index / 64] |= 1 << (index % 64);
    }

    pub(crate) fn remove(&mut self, index: usize) {
        self.words[index / 64] &= !(1 << (index % 64));
    }

    /// Adds all of `other`; true if that changed anything.
    fn unite(&mut self, other: &TempSet) -> bool {
        let mut changed = false;
        for (word, &more) in self.words.iter_mut().zip(&other.words) {
            changed |= more & !*word != 0;
            *word |= more;
        }
        changed
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.words.iter().enumerate().flat_map(|(at, &word)| {
            (0..64).filter(move |bit| word >> bit & 1 == 1).map(move |bit| at * 64 + bit)
        })
    }

    pub(crate) fn insert_operand(&mut self, operand: Operand) {
        if let Operand::Temp(Temp(index)) = operand {
            self.insert(index as usize);
        }
    }
}

/// What is live at the end of each block.
#[derive(Debug)]
pub(crate) struct Liveness {
    at_end: Vec<TempSet>,
    at_start: Vec<TempSet>,
}

impl Liveness {
    /// The bit that stands for the running closure.
    pub(crate) fn closure_bit(function: &Function) -> usize {
        function.temps
    }

    pub(crate) fn of(function: &Function) -> Self {
        let bits = function.temps + 1;
        let count = function.blocks.len();
        let mut live =
            Self { at_end: vec![TempSet::new(bits); count], at_start: vec![TempSet::new(bits); count] };
        let mut changed = true;
        while changed {
            changed = false;
            for index in (0..count).rev() {
                let mut set = live.at_end[index].clone();
                for successor in function.blocks[index].end.successors() {
                    set.unite(&live.at_start[successor.index()]);
                }
                live.at_end[index] = set.clone();
                step_block(function, index, &mut set);
                changed |= live.at_start[index].unite(&set);
            }
        }
        live
    }

    /// What is live after the last instruction of a block, before its end is executed.
    pub(crate) fn before_end(&self, function: &Function, block: BlockId) -> TempSet {
        let mut set = self.at_end[block.index()].clone();
        for operand in function.blocks[block.index()].end.operands() {
            set.insert_operand(operand);
        }
        set
    }

    pub(crate) fn at_start(&self, block: BlockId) -> &TempSet {
        &self.at_start[block.index()]
    }

    pub(crate) fn at_end(&self, block: BlockId) -> &TempSet {
        &self.at_end[block.index()]
    }
}

/// From the end of a block to its start.
fn step_block(function: &Function, index: usize, set: &mut TempSet) {
    let block = &function.blocks[index];
    for operand in block.end.operands() {
        set.insert_operand(operand);
    }
    for (inst, _) in block.insts.iter().rev() {
        if let Some(Temp(target)) = inst.target() {
            set.remove(target as usize);
        }
        for operand in inst.operands() {
            set.insert_operand(operand);
        }
        if inst.reads_closure() {
            set.insert(Liveness::closure_bit(function));
        }
    }
}
