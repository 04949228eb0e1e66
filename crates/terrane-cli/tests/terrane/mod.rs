//! Starts the program `terrane` and waits for it, but not for ever: a test that hangs is a test that fails.
#![allow(dead_code, reason = "each test file uses a part of this")]

use std::ffi::OsStr;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// Far above what any run needs on a slow machine.
const PATIENCE: Duration = Duration::from_secs(240);

/// The root of the repository, which is where a person starts the examples.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The text of a file of the repository.
pub(crate) fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// What a run of the program came to.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// `terrane` with these arguments, at the root of the repository.
pub(crate) fn command<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_terrane"));
    command.args(arguments).current_dir(root()).stdin(Stdio::null());
    command
}

/// Runs `terrane` with these arguments to its end.
pub(crate) fn terrane<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Finished {
    finish(command(arguments))
}

/// Runs the command to its end.
pub(crate) fn finish(mut command: Command) -> Finished {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("terrane starts");
    let stdout = drain(child.stdout.take().expect("piped"));
    let stderr = drain(child.stderr.take().expect("piped"));
    let code = wait(&mut child, &command);
    Finished { code, stdout: stdout.join().expect("read"), stderr: stderr.join().expect("read") }
}

/// The exit code of the child. One that is ended by a signal (an abort, a stack overflow) fails the test.
pub(crate) fn wait(child: &mut Child, command: &Command) -> i32 {
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait().expect("the child can be waited for") {
            return status.code().unwrap_or_else(|| panic!("{status}: {command:?}"));
        }
        if start.elapsed() > PATIENCE {
            child.kill().expect("the child can be stopped");
            panic!("still running after {PATIENCE:?}: {command:?}");
        }
        thread::sleep(Duration::from_millis(2));
    }
}

fn drain(mut stream: impl Read + Send + 'static) -> JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).expect("the output can be read");
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

impl Finished {
    /// The run succeeded and said nothing on standard error; its output.
    #[track_caller]
    pub(crate) fn output(self) -> String {
        assert_eq!((self.code, self.stderr.as_str()), (0, ""), "standard output:\n{}", self.stdout);
        self.stdout
    }

    /// Nothing on standard error looks like a fault of the program itself.
    #[track_caller]
    pub(crate) fn assert_no_panic(&self) {
        for word in ["panicked", "RUST_BACKTRACE", "internal error", "overflowed its stack", ".rs:"] {
            assert!(!self.stderr.contains(word), "`{word}` in\n{}", self.stderr);
        }
    }
}

/// A folder with one program, `case.scm`, for tests that bring their own.
#[derive(Debug)]
pub(crate) struct Program {
    folder: TempDir,
}

impl Program {
    pub(crate) fn new(text: impl AsRef<[u8]>) -> Self {
        let program = Self { folder: tempfile::tempdir().expect("a folder") };
        program.add("case.scm", text);
        program
    }

    /// Puts another file beside the program.
    pub(crate) fn add(&self, name: &str, contents: impl AsRef<[u8]>) {
        std::fs::write(self.folder.path().join(name), contents).expect("the file is written");
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// `terrane run OPTIONS case.scm`, in the folder.
    pub(crate) fn command(&self, options: &[&str]) -> Command {
        let mut command = command(["run"].iter().chain(options).chain(&["case.scm"]));
        command.current_dir(self.folder.path());
        command
    }

    pub(crate) fn run(&self, options: &[&str]) -> Finished {
        finish(self.command(options))
    }
}
