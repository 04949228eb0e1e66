//! The texts of `--help` and `--version`.

/// `terrane --version`
pub(crate) const VERSION: &str = concat!("terrane ", env!("CARGO_PKG_VERSION"), "\n");

/// `terrane --help`
pub(crate) const TERRANE: &str = "\
Runs Scheme programs on memory zones that the compiler chooses: arenas and a collected heap.

Usage: terrane COMMAND [OPTIONS] [FILE [ARGUMENTS...]]

Commands:
  run FILE        run a program, optionally with a report of where its memory went
  explain FILE    list the allocations in a program's text with the zone each gets, and why
  doctor          show what this machine grants a program that wants memory
  config          show the settings of a memory system, where they come from, and what each is for
  help COMMAND    say more about a command (so does `terrane COMMAND --help`)

Options:
  -h, --help       print this text
  -V, --version    print the version

Examples:
  terrane run examples/wordfreq.scm README.md
  terrane run --report examples/points.scm
  terrane explain examples/points.scm
  terrane doctor
";

/// `terrane run --help`
pub(crate) const RUN: &str = "\
Runs a program.

Usage: terrane run [OPTIONS] FILE [ARGUMENTS...]

Options before FILE belong to terrane. FILE and everything after it are what the program sees as its
(command-line). `--` ends the options, for a FILE that starts with a dash.

Options:
  --heap-limit SIZE       how much memory the program's objects may take at most; when it needs more it ends
                          with an error, never with an abort. At least about 1MiB. Stacks, symbols and string
                          ports may together take as much again (default: three quarters of the machine's
                          memory, or of the control group's limit where that is lower)
  --nursery SIZE          the size of the space for new objects (default: 3MiB). What is out of bounds is
                          clamped: 16KiB to 64MiB, and at most an eighth of the heap limit
  --placement on|off      on: the compiler puts allocations that die with their call into the call's arena;
                          off: everything goes to the collected heap. The result is the same (default: on)
  --report[=text|json]    afterwards, say where the memory went (json: one line, the last)
  --gc-log                print one line for each collection
  --gc-stress N           collect at every N-th allocation: slow, finds bugs in the collector
  --gc-verify             check the whole heap after each collection: slow, finds bugs in the collector
  -h, --help              print this text

A SIZE is a number with a unit: 64MiB, 1.5GiB, 512KiB, or bytes.

The variables TERRANE_... and memory.toml, which `terrane config` shows, are for programs that use the
library; they do not concern `run`.

Standard output belongs to the program. The report and the log of collections go to standard error; the report
as JSON is the last line there. When the reader of the output goes away (a closed pipe), the program ends
quietly, with exit code 0.

The last line of the report, reconcile:
  accounted      memory that the heap, the stacks, symbols and string ports have in use
  mapped         addresses of the process; most of them are only reserved and cost nothing
  RSS            memory that the process has in use, as the operating system sees it
  unexplained    RSS less accounted: the program's code, the compiler's data, the libraries

Exit codes: 0 success or a closed pipe, 1 the program failed, 2 the command line was wrong, or what the
program gives to (exit).

Examples:
  terrane run examples/wordfreq.scm README.md
  terrane run --report examples/points.scm
  terrane run --report=json examples/nqueens.scm 8 2>report.json
  terrane run --heap-limit 64MiB --gc-log examples/binary-trees.scm 14
  terrane run --gc-stress 7 --gc-verify examples/binary-trees.scm 6
";

/// `terrane explain --help`
pub(crate) const EXPLAIN: &str = "\
Lists every allocation in the program's own text that makes pairs, vectors, records, closures, cells
(variables that are assigned), strings and the like, with the zone that the compiler chose for it, and the
reason. The program is compiled but does not run.

What library procedures (map, sort, hash tables ...) allocate inside, and the inexact numbers that arithmetic
makes, are not listed here: they are in the report of `terrane run --report`.

Usage: terrane explain [OPTIONS] FILE

Options:
  --json        print one JSON object instead of lines
  -h, --help    print this text

Zones:
  frame           the arena of the call: freed when the call returns, no work for the collector
  heap            the collected heap; in a procedure that is called inside of an arena, that arena
  arena           an arena that the program made, with `with-arena` or `make-arena`
  large object    a space for objects too large to move

Examples:
  terrane explain examples/points.scm
  terrane explain --json examples/json.scm
";

/// `terrane doctor --help`
pub(crate) const DOCTOR: &str = "\
Shows what this machine says about its memory, what it grants when it is asked (addresses, huge pages, locked
memory; each is asked for once and given back), whether it can tell that memory is short, and what follows.

Usage: terrane doctor [OPTIONS]

Options:
  --json        print one JSON object instead of lines; sizes in bytes, null is unknown
  -h, --help    print this text

Examples:
  terrane doctor
  terrane doctor --json
";
