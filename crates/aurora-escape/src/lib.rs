//! Escape analysis: which allocation can live in the frame of its scope, and why another cannot.
