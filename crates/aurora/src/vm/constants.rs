//! Literals: quoted data of the source become values, once, before the program runs.
//!
//! Data are built bottom-up with an explicit stack, so that any depth works.

use super::machine::Machine;
use super::trap::{Outcome, Trap};
use crate::core::{Constant, Program};
use crate::heap::{Immediate, Mutator, Value};
use crate::source::Origin;
use crate::syntax::{Datum, DatumId, DatumPool};

/// What is still to be done, the next thing last.
enum Step {
    Build(DatumId),
    EmptyList,
    /// Make a list of so many values on the stack, the tail on top of them.
    List(usize),
    Vector(usize),
}

impl Machine {
    /// Builds all literals of the program.
    pub(crate) fn load_constants(
        &mut self,
        program: &Program,
        prelude: &DatumPool,
        user: &DatumPool,
    ) -> Result<(), Trap> {
        for constant in &program.constants {
            let value = match *constant {
                Constant::Unspecified => Value::UNSPECIFIED,
                Constant::Undefined => Value::UNDEFINED,
                Constant::EmptyList => Value::EMPTY_LIST,
                Constant::Boolean(value) => Value::boolean(value),
                Constant::Fixnum(value) => Value::fixnum(value),
                Constant::Primitive(p) => Value::immediate(Immediate::Primitive, u64::from(p.number())),
                Constant::Datum(Origin::Prelude, id) => self.datum(prelude, id)?,
                Constant::Datum(Origin::User, id) => self.datum(user, id)?,
            };
            self.roots.constants.push(value);
        }
        Ok(())
    }

    fn datum(&mut self, pool: &DatumPool, id: DatumId) -> Outcome {
        let mut steps = vec![Step::Build(id)];
        while let Some(step) = steps.pop() {
            match step {
                Step::Build(id) => self.begin_datum(pool, id, &mut steps)?,
                Step::EmptyList => self.roots.protect(Value::EMPTY_LIST),
                Step::List(count) => {
                    for _ in 0..count {
                        let (tail, item) = (self.roots.unprotect(), self.roots.unprotect());
                        let pair = self.cons(item, tail)?;
                        self.roots.protect(pair);
                    }
                }
                Step::Vector(count) => {
                    let vector = self.vector(count)?;
                    for index in (0..count).rev() {
                        let item = self.roots.unprotect();
                        vector.initialise(index, item);
                    }
                    self.roots.protect(vector.value());
                }
            }
        }
        Ok(self.roots.unprotect())
    }

    /// Leaves one more protected value, now or after further steps.
    fn begin_datum(&mut self, pool: &DatumPool, id: DatumId, steps: &mut Vec<Step>) -> Result<(), Trap> {
        let value = match pool.datum(id) {
            Datum::Fixnum(value) => Value::fixnum(*value),
            Datum::Flonum(value) => self.flonum(*value)?,
            Datum::Boolean(value) => Value::boolean(*value),
            Datum::Character(value) => Value::character(*value),
            Datum::String(text) => self.string(text)?,
            Datum::Symbol(name) => self.symbols.intern(name)?,
            Datum::Bytevector(bytes) => {
                let mut object = self.bytes(bytes.len())?;
                object.bytes_mut().copy_from_slice(bytes);
                object.value()
            }
            Datum::List(items, tail) => {
                steps.push(Step::List(items.len()));
                steps.push(tail.map_or(Step::EmptyList, Step::Build));
                steps.extend(items.iter().rev().map(|&item| Step::Build(item)));
                return Ok(());
            }
            Datum::Vector(items) => {
                steps.push(Step::Vector(items.len()));
                steps.extend(items.iter().rev().map(|&item| Step::Build(item)));
                return Ok(());
            }
        };
        self.roots.protect(value);
        Ok(())
    }
}
