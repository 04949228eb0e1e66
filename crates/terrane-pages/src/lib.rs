//! Pages from the operating system: reserve, commit, chunks, the address map, fault injection.
