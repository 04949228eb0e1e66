//! What a pointer points at, where that is one thing for sure.
//!
//! A store through a pointer can be followed only when the object is known. This is constant propagation on the lattice
//! *nothing < one site, the object of one parameter < anything*: each variable climbs at most twice, so the whole is
//! linear in the number of flows.

use alloc::vec::Vec;

use crate::graph::{Flow, Graph, LocationKind};
use crate::ids::LocationId;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Origin {
    /// No reference was seen to arrive.
    Nothing,
    /// Always an object of this site, or the object of the parameter with these contents.
    One(LocationId),
    Anything,
}

impl Origin {
    fn join(self, other: Self) -> Self {
        match (self, other) {
            (Self::Nothing, origin) | (origin, Self::Nothing) => origin,
            (a, b) if a == b => a,
            _ => Self::Anything,
        }
    }
}

/// The origin of each location, taken as a pointer.
pub(crate) fn origins(graph: &Graph) -> Vec<Origin> {
    let mut origins: Vec<Origin> =
        graph.locations.iter().map(|location| initial(graph, location.kind)).collect();
    let arrives_from_outside =
        graph.unknown.iter().copied().chain(graph.calls.iter().filter_map(|call| call.result));
    for to in arrives_from_outside {
        origins[to.index()] = Origin::Anything;
    }
    let outgoing = Outgoing::of(graph);
    let mut work: Vec<usize> = (0..graph.locations.len()).collect();
    while let Some(from) = work.pop() {
        for flow in outgoing.flows(graph, from) {
            let to = flow.to.index();
            let joined = origins[to].join(carried(graph, &origins, flow));
            if joined != origins[to] {
                origins[to] = joined;
                work.push(to);
            }
        }
    }
    origins
}

fn initial(graph: &Graph, kind: LocationKind) -> Origin {
    match kind {
        LocationKind::Variable => Origin::Nothing,
        LocationKind::Parameter { procedure, index } => {
            Origin::One(graph.procedures[procedure.index()].contents(index))
        }
        // Fields are also written by stores, which are resolved only after this.
        _ => Origin::Anything,
    }
}

fn carried(graph: &Graph, origins: &[Origin], flow: &Flow) -> Origin {
    let is_site = matches!(graph.locations[flow.from.index()].kind, LocationKind::Site { .. });
    match flow.derefs {
        -1 if is_site => Origin::One(flow.from),
        0 => origins[flow.from.index()],
        _ => Origin::Anything,
    }
}

/// The flows by their source.
struct Outgoing {
    start: Vec<usize>,
    order: Vec<usize>,
}

impl Outgoing {
    fn of(graph: &Graph) -> Self {
        let mut start = alloc::vec![0; graph.locations.len() + 1];
        for flow in &graph.flows {
            start[flow.from.index() + 1] += 1;
        }
        for location in 1..start.len() {
            start[location] += start[location - 1];
        }
        let mut next = start.clone();
        let mut order = alloc::vec![0; graph.flows.len()];
        for (index, flow) in graph.flows.iter().enumerate() {
            order[next[flow.from.index()]] = index;
            next[flow.from.index()] += 1;
        }
        Self { start, order }
    }

    fn flows<'g>(&'g self, graph: &'g Graph, from: usize) -> impl Iterator<Item = &'g Flow> {
        self.order[self.start[from]..self.start[from + 1]].iter().map(|&flow| &graph.flows[flow])
    }
}
