//! The mini language: lexically nested procedures, loops, objects with two fields, closures, one global variable.

/// Index into [`Program::procedures`].
pub(crate) type ProcedureIndex = usize;
/// Index into [`Program::scopes`].
pub(crate) type ScopeIndex = usize;
/// Index into [`Program::variables`].
pub(crate) type Variable = usize;
/// Index into [`Program::sites`].
pub(crate) type Site = usize;

pub(crate) const FIELDS: usize = 2;

/// Procedure 0 is called from outside.
#[derive(Debug, Default)]
pub(crate) struct Program {
    pub(crate) procedures: Vec<Procedure>,
    pub(crate) scopes: Vec<Scope>,
    /// The scope of each variable.
    pub(crate) variables: Vec<ScopeIndex>,
    pub(crate) sites: Vec<SiteInfo>,
}

#[derive(Debug)]
pub(crate) struct Procedure {
    /// The scope it is defined in; it is visible everywhere in there.
    pub(crate) parent: Option<ScopeIndex>,
    pub(crate) body: ScopeIndex,
    pub(crate) params: Vec<Variable>,
}

#[derive(Debug)]
pub(crate) struct Scope {
    /// Within the same procedure for a loop; the scope of definition for a procedure.
    pub(crate) parent: Option<ScopeIndex>,
    pub(crate) procedure: ProcedureIndex,
    pub(crate) is_loop: bool,
    pub(crate) statements: Vec<Statement>,
}

#[derive(Debug)]
pub(crate) struct SiteInfo {
    pub(crate) scope: ScopeIndex,
    pub(crate) allowed: bool,
}

#[derive(Debug)]
pub(crate) enum Statement {
    New {
        site: Site,
        to: Variable,
        fields: [Option<Variable>; FIELDS],
    },
    Closure {
        site: Site,
        code: ProcedureIndex,
        to: Variable,
    },
    Move {
        to: Variable,
        from: Variable,
    },
    Load {
        to: Variable,
        pointer: Variable,
        field: usize,
    },
    Store {
        pointer: Variable,
        field: usize,
        from: Variable,
    },
    SetGlobal {
        from: Variable,
    },
    ReadGlobal {
        to: Variable,
    },
    /// The fields of the object, but not the object, are put into a new object in the global variable.
    Publish {
        pointer: Variable,
    },
    Call {
        callee: ProcedureIndex,
        args: Vec<Variable>,
        to: Option<Variable>,
        tail: bool,
    },
    CallValue {
        closure: Variable,
        args: Vec<Variable>,
        to: Option<Variable>,
        tail: bool,
    },
    Loop {
        scope: ScopeIndex,
    },
    Choose {
        either: Vec<Statement>,
        or: Vec<Statement>,
    },
    Return {
        from: Variable,
    },
    Throw {
        from: Variable,
    },
}

impl Program {
    /// Every statement with the scope it is in.
    pub(crate) fn statements(&self) -> Vec<(ScopeIndex, &Statement)> {
        let mut all = Vec::new();
        for (index, scope) in self.scopes.iter().enumerate() {
            let mut rest: Vec<&Statement> = scope.statements.iter().collect();
            while let Some(statement) = rest.pop() {
                if let Statement::Choose { either, or } = statement {
                    rest.extend(either.iter().chain(or));
                }
                all.push((index, statement));
            }
        }
        all
    }

    /// The variables from outside that each procedure uses, itself or through what it calls by name or closes over.
    pub(crate) fn free_variables(&self) -> Vec<Vec<Variable>> {
        let mut used = vec![vec![false; self.variables.len()]; self.procedures.len()];
        let mut mentions = Vec::new();
        for (scope, statement) in self.statements() {
            let procedure = self.scopes[scope].procedure;
            for variable in variables_of(statement) {
                used[procedure][variable] = true;
            }
            match statement {
                Statement::Call { callee: code, .. } | Statement::Closure { code, .. } => {
                    mentions.push((procedure, *code));
                }
                _ => {}
            }
        }
        let is_free = |procedure: ProcedureIndex, variable: Variable| {
            self.scopes[self.variables[variable]].procedure != procedure
        };
        let mut changed = true;
        while changed {
            changed = false;
            for &(procedure, code) in &mentions {
                for variable in (0..self.variables.len()).filter(|&variable| is_free(code, variable)) {
                    if used[code][variable] && !used[procedure][variable] {
                        used[procedure][variable] = true;
                        changed = true;
                    }
                }
            }
        }
        let free = |(procedure, used): (usize, Vec<bool>)| {
            (0..used.len()).filter(|&variable| used[variable] && is_free(procedure, variable)).collect()
        };
        used.into_iter().enumerate().map(free).collect()
    }
}

fn variables_of(statement: &Statement) -> Vec<Variable> {
    use Statement as S;
    match statement {
        S::New { to, fields, .. } => fields.iter().flatten().copied().chain([*to]).collect(),
        S::Closure { to, .. } | S::ReadGlobal { to } => vec![*to],
        S::Move { to, from } => vec![*to, *from],
        S::Load { to, pointer, .. } => vec![*to, *pointer],
        S::Store { pointer, from, .. } => vec![*pointer, *from],
        S::SetGlobal { from } | S::Return { from } | S::Throw { from } => vec![*from],
        S::Publish { pointer } => vec![*pointer],
        S::Call { args, to, .. } => args.iter().copied().chain(*to).collect(),
        S::CallValue { closure, args, to, .. } => args.iter().copied().chain(*to).chain([*closure]).collect(),
        S::Loop { .. } | S::Choose { .. } => Vec::new(),
    }
}
