//! The oracle: runs a program, resets the frame of every scope that is left, and watches for references to what is gone.
//!
//! It knows nothing of graphs. Lifetimes are those of instances (activations, iterations), numbered as they are created, so an
//! older one has the lower number. Checked are, at each write, that no older place refers to a younger frame object, and at each exit
//! of a scope, by a traversal from everything that survives, that no object of the frame is reachable.

use crate::language::{FIELDS, ProcedureIndex, Program, ScopeIndex, Statement, Variable};

pub(crate) type Value = Option<usize>;

/// How often things happened, to see that a test is not vacuous.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Counters {
    pub(crate) frame_objects: u64,
    pub(crate) heap_objects: u64,
    pub(crate) frame_objects_freed_in_loops: u64,
    pub(crate) frame_arguments: u64,
    pub(crate) closure_calls: u64,
    pub(crate) frame_closure_calls: u64,
    pub(crate) tail_calls: u64,
    pub(crate) nested_tail_calls: u64,
    pub(crate) throws: u64,
}

struct Instance {
    scope: ScopeIndex,
    parent: Option<usize>,
    values: Vec<(Variable, Value)>,
}

struct Object {
    /// The instance in whose frame it is; none on the heap.
    frame: Option<usize>,
    gone: bool,
    fields: [Value; FIELDS],
    code: Option<(ProcedureIndex, Option<usize>)>,
}

enum Outcome {
    Next,
    Return(Value),
    TailCall(ProcedureIndex, Option<usize>, Vec<Value>),
    Throw(Value),
    OutOfFuel,
}

pub(crate) struct Interpreter<'p> {
    program: &'p Program,
    free_variables: Vec<Vec<Variable>>,
    in_frame: &'p [bool],
    instances: Vec<Instance>,
    objects: Vec<Object>,
    /// Instances that have not been left.
    active: Vec<usize>,
    /// Code that is running or about to, with its surroundings.
    running: Vec<(ProcedureIndex, Option<usize>)>,
    /// Values on the way: arguments, results, what is thrown.
    in_transit: Vec<Value>,
    global: Value,
    fuel: u32,
    random: u64,
    violation: Option<String>,
    pub(crate) counters: Counters,
}

impl<'p> Interpreter<'p> {
    pub(crate) fn new(program: &'p Program, in_frame: &'p [bool], seed: u64) -> Self {
        Self {
            program,
            free_variables: program.free_variables(),
            in_frame,
            instances: Vec::new(),
            objects: Vec::new(),
            active: Vec::new(),
            running: Vec::new(),
            in_transit: Vec::new(),
            global: None,
            fuel: 400,
            random: seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1,
            violation: None,
            counters: Counters::default(),
        }
    }

    /// Calls procedure 0 a few times, with objects of the heap.
    pub(crate) fn run(&mut self) -> Result<(), String> {
        for _ in 0..3 {
            let args: Vec<Value> =
                self.program.procedures[0].params.iter().map(|_| self.object(None)).collect();
            match self.call(0, None, args) {
                Outcome::Return(value) | Outcome::Throw(value) => {
                    self.write_heap(value, "given to the outside")
                }
                _ => {}
            }
        }
        self.violation.take().map_or(Ok(()), Err)
    }

    fn call(
        &mut self,
        mut code: ProcedureIndex,
        mut surroundings: Option<usize>,
        mut args: Vec<Value>,
    ) -> Outcome {
        if self.active.len() > 60 {
            return Outcome::OutOfFuel;
        }
        loop {
            let body = self.program.procedures[code].body;
            let instance = self.enter(body, surroundings);
            self.running.push((code, surroundings));
            for (position, &param) in self.program.procedures[code].params.iter().enumerate() {
                let value = args.get(position).copied().flatten();
                self.counters.frame_arguments += u64::from(self.frame_of(value).is_some());
                self.instances[instance].values.push((param, value));
            }
            let statements = &self.program.scopes[body].statements;
            let outcome = self.statements(statements, instance);
            self.running.pop();
            self.leave(instance, &outcome);
            match outcome {
                Outcome::TailCall(next, around, values) => {
                    (code, surroundings, args) = (next, around, values)
                }
                Outcome::Next => return Outcome::Return(None),
                outcome => return outcome,
            }
        }
    }

    fn enter(&mut self, scope: ScopeIndex, parent: Option<usize>) -> usize {
        self.instances.push(Instance { scope, parent, values: Vec::new() });
        self.active.push(self.instances.len() - 1);
        self.instances.len() - 1
    }

    /// Resets the frame of the instance and checks that nothing that goes on refers into it.
    fn leave(&mut self, instance: usize, outcome: &Outcome) {
        self.active.pop();
        let (values, running) = match outcome {
            Outcome::TailCall(code, surroundings, values) => (values.clone(), Some((*code, *surroundings))),
            Outcome::Return(value) | Outcome::Throw(value) => (vec![*value], None),
            Outcome::Next | Outcome::OutOfFuel => (Vec::new(), None),
        };
        let mut freed = 0;
        for object in self.objects.iter_mut().filter(|object| object.frame == Some(instance)) {
            object.gone = true;
            freed += 1;
        }
        if self.program.scopes[self.instances[instance].scope].is_loop {
            self.counters.frame_objects_freed_in_loops += freed;
        }
        let kept = self.in_transit.len();
        self.in_transit.extend(values);
        self.running.extend(running);
        self.check_reachable();
        self.in_transit.truncate(kept);
        self.running.truncate(self.running.len() - usize::from(running.is_some()));
    }

    fn check_reachable(&mut self) {
        let mut rest: Vec<usize> = self.in_transit.iter().copied().flatten().chain(self.global).collect();
        for &instance in &self.active {
            rest.extend(self.instances[instance].values.iter().filter_map(|&(_, value)| value));
        }
        for &(code, surroundings) in &self.running {
            rest.extend(self.captured(code, surroundings));
        }
        let mut seen = vec![false; self.objects.len()];
        while let Some(object) = rest.pop() {
            if std::mem::replace(&mut seen[object], true) {
                continue;
            }
            if self.objects[object].gone {
                self.violation
                    .get_or_insert_with(|| format!("object {object} is reachable, but its frame was left"));
                return;
            }
            let mut referred: Vec<usize> = self.objects[object].fields.iter().copied().flatten().collect();
            if let Some((code, surroundings)) = self.objects[object].code {
                referred.extend(self.captured(code, surroundings));
            }
            for &inner in &referred {
                self.check_reference(self.objects[object].frame, Some(inner), "held by an object");
            }
            rest.extend(referred);
        }
    }

    /// The objects that code refers to by the variables around it.
    fn captured(&self, code: ProcedureIndex, surroundings: Option<usize>) -> Vec<usize> {
        let values =
            self.free_variables[code].iter().filter_map(|&variable| self.read(surroundings?, variable));
        values.collect()
    }

    fn statements(&mut self, statements: &'p [Statement], instance: usize) -> Outcome {
        for statement in statements {
            let outcome = self.statement(statement, instance);
            if !matches!(outcome, Outcome::Next) {
                return outcome;
            }
        }
        Outcome::Next
    }

    fn statement(&mut self, statement: &'p Statement, at: usize) -> Outcome {
        if self.fuel == 0 || self.violation.is_some() {
            return Outcome::OutOfFuel;
        }
        self.fuel -= 1;
        match statement {
            Statement::New { site, to, fields } => {
                let object = self.object(self.in_frame[*site].then_some(at));
                for (field, from) in fields.iter().enumerate() {
                    let value = from.and_then(|from| self.read(at, from));
                    self.write_field(object, field, value);
                }
                self.write(at, *to, object);
            }
            Statement::Closure { site, code, to } => {
                let object = self.object(self.in_frame[*site].then_some(at));
                let surroundings = self.surroundings(*code, at);
                self.objects[object.unwrap()].code = Some((*code, surroundings));
                self.write(at, *to, object);
            }
            Statement::Move { to, from } => self.write(at, *to, self.read(at, *from)),
            Statement::Load { to, pointer, field } => {
                let value = self.read(at, *pointer).and_then(|object| self.objects[object].fields[*field]);
                self.write(at, *to, value);
            }
            Statement::Store { pointer, field, from } => {
                self.write_field(self.read(at, *pointer), *field, self.read(at, *from));
            }
            Statement::SetGlobal { from } => {
                self.global = self.read(at, *from);
                self.write_heap(self.global, "in the global variable");
            }
            Statement::ReadGlobal { to } => self.write(at, *to, self.global),
            Statement::Publish { pointer } => self.publish(self.read(at, *pointer)),
            _ => return self.control(statement, at),
        }
        Outcome::Next
    }

    fn control(&mut self, statement: &'p Statement, at: usize) -> Outcome {
        match statement {
            Statement::Call { callee, args, to, tail } => {
                let args = args.iter().map(|&arg| self.read(at, arg)).collect();
                let surroundings = self.surroundings(*callee, at);
                if *tail {
                    let nested = self.program.procedures[*callee].parent.is_some();
                    self.counters.nested_tail_calls += u64::from(nested);
                }
                return self.call_statement(*callee, surroundings, args, *to, *tail, at);
            }
            Statement::CallValue { closure, args, to, tail } => {
                let args: Vec<Value> = args.iter().map(|&arg| self.read(at, arg)).collect();
                args.iter().for_each(|&arg| self.write_heap(arg, "given to unknown code"));
                let Some(object) = self.read(at, *closure) else { return Outcome::Next };
                let Some((code, surroundings)) = self.objects[object].code else { return Outcome::Next };
                self.counters.closure_calls += 1;
                self.counters.frame_closure_calls += u64::from(self.objects[object].frame.is_some());
                self.in_transit.push(Some(object));
                let outcome = self.call_statement(code, surroundings, args, *to, *tail, at);
                self.in_transit.pop();
                return outcome;
            }
            Statement::Loop { scope } => {
                for _ in 0..self.random() % 4 {
                    let instance = self.enter(*scope, Some(at));
                    let outcome = self.statements(&self.program.scopes[*scope].statements, instance);
                    self.leave(instance, &outcome);
                    if !matches!(outcome, Outcome::Next) {
                        return outcome;
                    }
                }
            }
            Statement::Choose { either, or } => {
                let branch = if self.random().is_multiple_of(2) { either } else { or };
                return self.statements(branch, at);
            }
            Statement::Return { from } => return Outcome::Return(self.read(at, *from)),
            Statement::Throw { from } => {
                self.counters.throws += 1;
                let value = self.read(at, *from);
                self.write_heap(value, "thrown");
                return Outcome::Throw(value);
            }
            _ => unreachable!("the others only move values"),
        }
        Outcome::Next
    }

    fn call_statement(
        &mut self,
        code: ProcedureIndex,
        surroundings: Option<usize>,
        args: Vec<Value>,
        to: Option<Variable>,
        tail: bool,
        at: usize,
    ) -> Outcome {
        if tail {
            self.counters.tail_calls += 1;
            return Outcome::TailCall(code, surroundings, args);
        }
        match self.call(code, surroundings, args) {
            Outcome::Return(value) => {
                if let Some(to) = to {
                    self.write(at, to, value);
                }
                Outcome::Next
            }
            outcome => outcome,
        }
    }

    /// The instance, as seen from `at`, of the scope that the code is defined in.
    fn surroundings(&self, code: ProcedureIndex, at: usize) -> Option<usize> {
        let scope = self.program.procedures[code].parent?;
        Some(self.instance_of(scope, at))
    }

    fn instance_of(&self, scope: ScopeIndex, mut at: usize) -> usize {
        while self.instances[at].scope != scope {
            at = self.instances[at].parent.expect("only visible names are used");
        }
        at
    }

    fn read(&self, at: usize, variable: Variable) -> Value {
        let values = &self.instances[self.instance_of(self.program.variables[variable], at)].values;
        values.iter().find_map(|&(name, value)| (name == variable).then_some(value)).flatten()
    }

    fn write(&mut self, at: usize, variable: Variable, value: Value) {
        let instance = self.instance_of(self.program.variables[variable], at);
        self.check_reference(Some(instance), value, "in a variable");
        let values = &mut self.instances[instance].values;
        match values.iter_mut().find(|(name, _)| *name == variable) {
            Some((_, old)) => *old = value,
            None => values.push((variable, value)),
        }
    }

    fn write_field(&mut self, object: Value, field: usize, value: Value) {
        let Some(object) = object.filter(|&object| self.objects[object].code.is_none()) else { return };
        self.check_reference(self.objects[object].frame, value, "in a field");
        self.objects[object].fields[field] = value;
    }

    fn write_heap(&mut self, value: Value, what: &str) {
        self.check_reference(None, value, what);
    }

    fn publish(&mut self, pointer: Value) {
        let Some(fields) = pointer.map(|object| self.objects[object].fields) else { return };
        self.global = self.object(None);
        for (field, value) in fields.into_iter().enumerate() {
            self.write_field(self.global, field, value);
        }
    }

    /// A place in the instance `holder` (none: on the heap) refers to `value`.
    fn check_reference(&mut self, holder: Option<usize>, value: Value, what: &str) {
        let Some(frame) = self.frame_of(value) else { return };
        if holder.is_none_or(|holder| holder < frame) {
            let text = || format!("{value:?} of the frame of {frame} is {what}, of {holder:?}");
            self.violation.get_or_insert_with(text);
        }
    }

    fn frame_of(&self, value: Value) -> Option<usize> {
        self.objects[value?].frame
    }

    fn object(&mut self, frame: Option<usize>) -> Value {
        match frame {
            Some(_) => self.counters.frame_objects += 1,
            None => self.counters.heap_objects += 1,
        }
        self.objects.push(Object { frame, gone: false, fields: [None; FIELDS], code: None });
        Some(self.objects.len() - 1)
    }

    /// Xorshift (G. Marsaglia, 2003).
    fn random(&mut self) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random >> 33
    }
}
