//! Which temporaries are live where: backward dataflow over the blocks (Appel, "Modern Compiler
//! Implementation", §10.1).
//!
//! Most temporaries are written and read within one block. Only those that some block reads before it
//! writes them can be live across a border (the "non-local names" of Briggs, Cooper, Harvey and Simpson
//! 1998), so the sets that the fixpoint works on have a bit for each of these only: with one bit for every
//! temporary, a function of *n* blocks would need *n*² of them.

use super::function::{Block, BlockId, Function, Operand, Temp};
use std::collections::BTreeSet;

/// A set of the temporaries that cross borders, by their rank among these.
#[derive(Debug, Clone, PartialEq, Eq)]
struct CrossingSet {
    words: Vec<u64>,
}

impl CrossingSet {
    fn new(bits: usize) -> Self {
        Self { words: vec![0; bits.div_ceil(64)] }
    }

    fn insert(&mut self, rank: usize) {
        self.words[rank / 64] |= 1 << (rank % 64);
    }

    /// Adds all of `other` but `except`; true if that changed anything.
    fn unite(&mut self, other: &CrossingSet, except: Option<&CrossingSet>) -> bool {
        let mut changed = false;
        for (at, word) in self.words.iter_mut().enumerate() {
            let more = other.words[at] & !except.map_or(0, |set| set.words[at]);
            changed |= more & !*word != 0;
            *word |= more;
        }
        changed
    }

    fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.words.iter().enumerate().flat_map(|(at, &word)| {
            let bits = std::iter::successors(Some(word), |rest| Some(rest & rest.wrapping_sub(1)));
            bits.take_while(|&rest| rest != 0).map(move |rest| at * 64 + rest.trailing_zeros() as usize)
        })
    }
}

/// What is live at the borders of each block.
#[derive(Debug)]
pub(crate) struct Liveness {
    /// The temporaries that cross borders, by rank.
    crossing: Vec<usize>,
    at_start: Vec<CrossingSet>,
    at_end: Vec<CrossingSet>,
}

impl Liveness {
    /// The number that stands for the running closure.
    pub(crate) fn closure_bit(function: &Function) -> usize {
        function.temps
    }

    pub(crate) fn of(function: &Function) -> Self {
        let exposed: Vec<_> = function.blocks.iter().map(|block| exposed(function, block)).collect();
        let crossing: Vec<usize> =
            exposed.iter().flatten().copied().collect::<BTreeSet<_>>().into_iter().collect();
        let mut ranks: Vec<Option<usize>> = vec![None; function.temps + 1];
        for (rank, &temp) in crossing.iter().enumerate() {
            ranks[temp] = Some(rank);
        }
        let ranked = |temps: &mut dyn Iterator<Item = usize>| {
            let mut set = CrossingSet::new(crossing.len());
            temps.filter_map(|temp| ranks[temp]).for_each(|rank| set.insert(rank));
            set
        };
        let read: Vec<_> = exposed.iter().map(|temps| ranked(&mut temps.iter().copied())).collect();
        let written: Vec<_> =
            function.blocks.iter().map(|block| ranked(&mut targets(block).map(Temp::index))).collect();
        let mut live = Self {
            at_start: read,
            at_end: vec![CrossingSet::new(crossing.len()); function.blocks.len()],
            crossing,
        };
        live.find_fixpoint(function, &written);
        live
    }

    fn find_fixpoint(&mut self, function: &Function, written: &[CrossingSet]) {
        let mut changed = true;
        while changed {
            changed = false;
            for (index, block) in function.blocks.iter().enumerate().rev() {
                for successor in block.end.successors() {
                    self.at_end[index].unite(&self.at_start[successor.index()], None);
                }
                changed |= self.at_start[index].unite(&self.at_end[index], Some(&written[index]));
            }
        }
    }

    /// What is live after the last instruction of a block, before its end is executed.
    pub(crate) fn before_end(&self, function: &Function, block: BlockId) -> BTreeSet<usize> {
        let operands = function.blocks[block.index()].end.operands();
        self.at_end(block).chain(operands.into_iter().filter_map(temp_of)).collect()
    }

    pub(crate) fn at_start(&self, block: BlockId) -> impl Iterator<Item = usize> + '_ {
        self.at_start[block.index()].iter().map(|rank| self.crossing[rank])
    }

    pub(crate) fn at_end(&self, block: BlockId) -> impl Iterator<Item = usize> + '_ {
        self.at_end[block.index()].iter().map(|rank| self.crossing[rank])
    }
}

/// The temporary that an operand reads.
pub(crate) fn temp_of(operand: Operand) -> Option<usize> {
    match operand {
        Operand::Temp(temp) => Some(temp.index()),
        _ => None,
    }
}

fn targets(block: &Block) -> impl Iterator<Item = Temp> + '_ {
    block.insts.iter().filter_map(|(inst, _)| inst.target())
}

/// What a block reads before it writes it.
fn exposed(function: &Function, block: &Block) -> BTreeSet<usize> {
    let mut set: BTreeSet<usize> = block.end.operands().into_iter().filter_map(temp_of).collect();
    for (inst, _) in block.insts.iter().rev() {
        if let Some(target) = inst.target() {
            set.remove(&target.index());
        }
        set.extend(inst.operands().into_iter().filter_map(temp_of));
        if inst.reads_closure() {
            set.insert(Liveness::closure_bit(function));
        }
    }
    set
}
