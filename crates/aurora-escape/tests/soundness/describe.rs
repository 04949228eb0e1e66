//! The client: a program of the mini language as a graph, by the rules that `Graph` documents.

use aurora_escape::{EscapeReason, Graph, LocationId, Note, Placement, ProcedureId, ScopeId};

use crate::language::{Program, ScopeIndex, Statement};

/// Whether each site goes into the frame of its scope.
pub(crate) fn placements(program: &Program) -> Vec<bool> {
    let mut description = Description::new(program);
    let free_variables = program.free_variables();
    for (scope, statement) in program.statements() {
        description.statement(program, &free_variables, scope, statement);
    }
    description.graph.escape(
        description.graph.result(description.procedures[0]),
        EscapeReason::UnknownCallee,
        Note(0),
    );
    let analysis = description.graph.analyse();
    let in_frame = |(index, site): (usize, &LocationId)| {
        let placement = analysis.placement(*site);
        if let Placement::Frame(scope) = placement {
            assert_eq!(scope, description.scopes[program.sites[index].scope]);
            assert!(analysis.scope_has_frame_sites(scope));
            assert!(program.sites[index].allowed);
        }
        assert_eq!(analysis.explain(*site).is_empty(), placement != Placement::Heap);
        placement != Placement::Heap
    };
    description.sites.iter().enumerate().map(in_frame).collect()
}

struct Description {
    graph: Graph,
    procedures: Vec<ProcedureId>,
    scopes: Vec<ScopeId>,
    variables: Vec<LocationId>,
    sites: Vec<LocationId>,
}

impl Description {
    fn new(program: &Program) -> Self {
        let mut graph = Graph::new();
        let (mut procedures, mut scopes, mut variables) = (Vec::new(), Vec::new(), Vec::new());
        for (index, scope) in program.scopes.iter().enumerate() {
            let parent = scope.parent.map(|parent| scopes[parent]);
            scopes.push(if scope.is_loop {
                graph.loop_scope(parent.expect("a loop is in a procedure"))
            } else {
                let procedure = graph.procedure(parent, program.procedures[scope.procedure].params.len());
                procedures.push(procedure);
                assert_eq!(program.procedures[scope.procedure].body, index);
                graph.body(procedure)
            });
        }
        for (variable, &scope) in program.variables.iter().enumerate() {
            let procedure = program.scopes[scope].procedure;
            let params = &program.procedures[procedure].params;
            variables.push(match params.iter().position(|&param| param == variable) {
                Some(param) => graph.param(procedures[procedure], param),
                None => graph.variable(scopes[scope]),
            });
        }
        let sites = program.sites.iter().enumerate();
        let sites =
            sites.map(|(index, site)| graph.site(scopes[site.scope], site.allowed, Note(index as u32)));
        let sites = sites.collect();
        Self { graph, procedures, scopes, variables, sites }
    }

    fn statement(
        &mut self,
        program: &Program,
        free: &[Vec<usize>],
        scope: ScopeIndex,
        statement: &Statement,
    ) {
        let note = Note(scope as u32);
        let Self { graph, procedures, scopes, variables, sites } = self;
        let result = graph.result(procedures[program.scopes[scope].procedure]);
        match *statement {
            Statement::New { site, to, fields } => {
                graph.address(sites[site], variables[to], note);
                fields
                    .iter()
                    .flatten()
                    .for_each(|&field| graph.initialise(sites[site], variables[field], note));
            }
            Statement::Closure { site, code, to } => {
                graph.address(sites[site], variables[to], note);
                for &captured in &free[code] {
                    graph.initialise(sites[site], variables[captured], note);
                }
                graph.escape(graph.result(procedures[code]), EscapeReason::UnknownCallee, note);
            }
            Statement::Move { to, from } => graph.flow(variables[from], variables[to], note),
            Statement::Load { to, pointer, .. } => graph.load(variables[pointer], variables[to], note),
            Statement::Store { pointer, from, .. } => graph.store(variables[pointer], variables[from], note),
            Statement::SetGlobal { from } => graph.escape(variables[from], EscapeReason::Global, note),
            Statement::ReadGlobal { to } => graph.unknown(variables[to]),
            Statement::Publish { pointer } => {
                graph.escape_contents(variables[pointer], EscapeReason::StoredInUnknown, note);
            }
            Statement::Call { callee, ref args, to, tail } => {
                let args: Vec<LocationId> = args.iter().map(|&arg| variables[arg]).collect();
                let to = to.filter(|_| !tail).map(|to| variables[to]);
                graph.call(scopes[scope], procedures[callee], &args, to, tail, note);
            }
            Statement::CallValue { closure, ref args, to, tail } => {
                for &arg in args {
                    graph.escape(variables[arg], EscapeReason::UnknownCallee, note);
                }
                if tail {
                    graph.tail_use(scopes[scope], variables[closure], note);
                } else if let Some(to) = to {
                    graph.unknown(variables[to]);
                }
            }
            Statement::Return { from } => graph.flow(variables[from], result, note),
            Statement::Throw { from } => graph.escape(variables[from], EscapeReason::Thrown, note),
            Statement::Loop { .. } | Statement::Choose { .. } => {}
        }
    }
}
