//! Fields that are re-pointed: the elements of an array at the bottom of the shadow stack, or the fields of the pairs
//! that it refers to. What they refer to are pairs of a number and nothing.

use super::super::cell_model::CellModel;
use super::super::configuration::Configuration;
use super::super::pair_model::{NIL, number, number_of};
use super::super::repointing::{FRESH, Fields, Step};
use super::Cells;
use terrane_gc::raw::{CollectionKind, Word};

impl Cells<CellModel> {
    fn leaf(&mut self, value: u64) -> Word {
        self.pair(number(value), NIL)
    }

    fn leaf_value(&self, leaf: Word) -> u64 {
        number_of(self.fields(leaf)[0])
    }
}

fn with_array(length: usize, configuration: Configuration) -> Cells<CellModel> {
    let mut cells = Cells::<CellModel>::new((configuration.heap)());
    let array = cells.array(length);
    cells.roots.push(array);
    cells
}

/// The elements of an array.
#[derive(Debug)]
pub(in super::super) struct RawArray(Cells<CellModel>);

impl Fields for RawArray {
    type Settings = Configuration;

    fn of(fields: u32, configuration: Configuration) -> Self {
        let mut cells = with_array(fields as usize, configuration);
        for field in 0..fields {
            let leaf = cells.leaf(u64::from(field));
            cells.set_element(cells.roots.words[0], field as usize, leaf);
        }
        cells.heap.collect(CollectionKind::Full, &mut cells.roots).expect("the table fits the heap");
        Self(cells)
    }

    fn repoint(&mut self, steps: &[Step]) {
        let cells = &mut self.0;
        for step in steps {
            let leaf = match step.from {
                FRESH => cells.leaf(step.value),
                from => cells.element(cells.roots.words[0], from as usize),
            };
            cells.set_element(cells.roots.words[0], step.at as usize, leaf);
        }
    }

    fn value(&self, field: u32) -> u64 {
        self.0.leaf_value(self.0.element(self.0.roots.words[0], field as usize))
    }
}

/// The fields of many pairs.
#[derive(Debug)]
pub(in super::super) struct RawNodes(Cells<CellModel>);

impl RawNodes {
    #[inline]
    fn node(&self, field: u32) -> (Word, usize) {
        (self.0.element(self.0.roots.words[0], field as usize / 2), field as usize % 2)
    }

    #[inline]
    fn leaf(&self, field: u32) -> Word {
        let (node, index) = self.node(field);
        self.0.fields(node)[index]
    }
}

impl Fields for RawNodes {
    type Settings = Configuration;

    fn of(fields: u32, configuration: Configuration) -> Self {
        let mut cells = with_array(fields as usize / 2, configuration);
        for node in 0..fields / 2 {
            let first = cells.leaf(2 * u64::from(node));
            cells.roots.push(first);
            let second = cells.leaf(2 * u64::from(node) + 1);
            let first = cells.roots.pop();
            let pair = cells.pair(first, second);
            cells.set_element(cells.roots.words[0], node as usize, pair);
        }
        cells.heap.collect(CollectionKind::Full, &mut cells.roots).expect("the table fits the heap");
        Self(cells)
    }

    fn repoint(&mut self, steps: &[Step]) {
        for step in steps {
            let leaf = match step.from {
                FRESH => self.0.leaf(step.value),
                from => self.leaf(from),
            };
            let (node, index) = self.node(step.at);
            self.0.set_field(node, index, leaf);
        }
    }

    fn value(&self, field: u32) -> u64 {
        self.0.leaf_value(self.leaf(field))
    }
}

#[cfg(test)]
mod tests {
    use super::super::STRESSED;
    use super::*;

    fn is_repointed<F: Fields<Settings = Configuration>>() {
        let mut table = F::of(20, STRESSED);
        let step = |at, from, value| Step { at, from, value };
        table.repoint(&[step(3, FRESH, 77), step(4, 3, 0), step(3, FRESH, 78), step(19, 0, 0)]);
        assert_eq!([0, 3, 4, 5, 19].map(|field| table.value(field)), [0, 78, 77, 5, 0]);
    }

    #[test]
    fn fields_hold_what_was_stored_last() {
        is_repointed::<RawArray>();
        is_repointed::<RawNodes>();
    }
}
