//! The texts of `--help` and `--version`.

/// `terrane --version`
pub(crate) const VERSION: &str = concat!("terrane ", env!("CARGO_PKG_VERSION"), "\n");

/// `terrane --help`
pub(crate) const TERRANE: &str = "\
Runs Scheme programs on memory zones that the compiler chooses: arenas and a collected heap.

Usage: terrane COMMAND [OPTIONS] FILE [ARGUMENTS...]

Commands:
  run FILE        run a program, optionally with a report of where its memory went
  explain FILE    list every allocation with the zone it gets, and why
  help COMMAND    say more about a command (so does `terrane COMMAND --help`)

Options:
  -h, --help       print this text
  -V, --version    print the version

Examples:
  terrane run examples/wordfreq.scm README.md
  terrane run --report examples/nqueens.scm 8
  terrane explain examples/binary-trees.scm
";

/// `terrane run --help`
pub(crate) const RUN: &str = "\
Runs a program.

Usage: terrane run [OPTIONS] FILE [ARGUMENTS...]

Options before FILE belong to terrane. FILE and everything after it are what the program sees as its
(command-line). `--` ends the options, for a FILE that starts with a dash.

Options:
  --heap-limit SIZE       how much memory the program may use at most; when it needs more it ends with an
                          error, never with an abort (default: three quarters of the machine's memory, or of
                          the control group's limit where that is lower)
  --nursery SIZE          the size of the space for new objects (default: 1MiB)
  --placement on|off      on: the compiler puts allocations that die with their call into the call's arena;
                          off: everything goes to the collected heap. The result is the same (default: on)
  --report[=text|json]    afterwards, say where the memory went (json: one line)
  --gc-log                print one line for each collection
  --gc-stress N           collect at every N-th allocation: slow, finds bugs in the collector
  --gc-verify             check the whole heap after each collection: slow, finds bugs in the collector
  -h, --help              print this text

A SIZE is a number with a unit: 64MiB, 1.5GiB, 512KiB, or bytes. The report and the log go to standard error;
standard output belongs to the program. Exit codes: 0 success, 1 the program failed, 2 the command line was
wrong, or what the program gives to (exit).

Examples:
  terrane run examples/wordfreq.scm README.md
  terrane run --report examples/gcbench.scm 12
  terrane run --report=json examples/nqueens.scm 8 2>report.json
  terrane run --heap-limit 64MiB --gc-log examples/binary-trees.scm 14
  terrane run --gc-stress 7 --gc-verify examples/binary-trees.scm 6
";

/// `terrane explain --help`
pub(crate) const EXPLAIN: &str = "\
Lists every allocation of a program with the zone that the compiler chose for it, and the reason. The program
is compiled but does not run.

Usage: terrane explain [OPTIONS] FILE

Options:
  --json        print one JSON object instead of lines
  -h, --help    print this text

Zones:
  frame           the arena of the call: freed when the call returns, no work for the collector
  heap            the collected heap
  arena           an arena that the program made, with `with-arena` or `make-arena`
  large object    a space for objects too large to move

Examples:
  terrane explain examples/wordfreq.scm
  terrane explain --json examples/json.scm
";
