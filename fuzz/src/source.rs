//! Values of strategies out of bytes.

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

/// Bytes that choose one value.
const BYTES_EACH: usize = 4;

/// Draws values. Each uses up a few bytes, which seed a generator of its own: a change of some bytes changes one step of a
/// program, and steps can be cut out, repeated and exchanged between inputs. (Bytes in place of the numbers of one generator
/// for all would not do: proptest's splits what is left in half wherever strategies are alternatives.)
#[derive(Debug)]
pub(crate) struct Source<'a> {
    rest: &'a [u8],
}

impl<'a> Source<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// The next value; after the last byte, always the same.
    pub(crate) fn draw<S: Strategy>(&mut self, strategy: &S) -> S::Value {
        let (bytes, rest) = self.rest.split_at(self.rest.len().min(BYTES_EACH));
        self.rest = rest;
        let mut seed = [0; 32];
        seed[..bytes.len()].copy_from_slice(bytes);
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
        let mut runner = TestRunner::new_with_rng(Config::default(), rng);
        strategy.new_tree(&mut runner).expect("no strategy here refuses").current()
    }

    /// Values until the bytes end, so many at most.
    pub(crate) fn draw_many<S: Strategy>(&mut self, strategy: &S, most: usize) -> Vec<S::Value> {
        let mut values = Vec::new();
        while !self.rest.is_empty() && values.len() < most {
            values.push(self.draw(strategy));
        }
        values
    }
}
