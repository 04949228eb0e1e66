//! Names of the things in a graph: small integers, valid for the graph that gave them out.

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub struct $name(u32);

        impl $name {
            pub(crate) fn new(index: usize) -> Self {
                Self(u32::try_from(index).expect("a graph holds fewer than 2^32 of each kind"))
            }

            /// The number of this id, different for every id of its kind in one graph. Not every number is given out.
            #[must_use]
            pub const fn index(self) -> usize {
                self.0 as usize
            }
        }
    };
}

id! {
    /// A lifetime: the body of a procedure (one per activation) or of a loop (one per iteration).
    ScopeId
}
id! {
    /// A place that holds values: a variable, a parameter, a result, or the contents of the objects of one site.
    LocationId
}
id! {
    /// A procedure.
    ProcedureId
}

/// The client's own name of a place in its source. It is carried into explanations and means nothing here.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Note(pub u32);
