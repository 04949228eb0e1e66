//! Aurora: a Scheme whose compiler decides which allocation goes to which memory zone.
