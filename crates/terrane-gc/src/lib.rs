//! A moving, generational garbage collector for language runtimes.
