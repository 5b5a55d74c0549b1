//! The program under test as a process: started in a namespace, waited for until it captures, ended
//! by a signal, and what it said.

#![expect(
    unsafe_code,
    reason = "the standard library cannot send a signal other than KILL"
)]

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use std::{env, io};

use anyhow::{Context as _, Result, bail};

/// Variable that names the program to test, if it is not the one that lies beside the tests.
pub const PROGRAM: &str = "CAPTURE_PROGRAM";

/// Beginning of the line that `capture live` prints to stderr when everything is attached.
pub const READY: &str = "capturing on ";

/// How long starting and ending may take before the test fails.
const PATIENCE: Duration = Duration::from_secs(30);

/// The `capture` that was built with the tests: `target/<profile>/capture`.
///
/// # Errors
///
/// When it was not built.
pub fn locate() -> Result<PathBuf> {
    if let Some(program) = env::var_os(PROGRAM) {
        return Ok(PathBuf::from(program));
    }
    let tests = env::current_exe().context("where the tests lie")?;
    // Tests lie in `<profile>/deps/`, programs and what `cargo run` starts in `<profile>/`.
    tests
        .ancestors()
        .skip(1)
        .take(2)
        .map(|folder| folder.join("capture"))
        .find(|program| program.is_file())
        .with_context(|| {
            format!(
                "no capture beside {}: run cargo xtask test, which builds it",
                tests.display()
            )
        })
}

/// What ends a running program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// What Ctrl-C sends.
    Interrupt,
    /// What a service manager sends.
    Terminate,
    /// What a closed terminal sends.
    HangUp,
    /// What cannot be caught.
    Kill,
    /// Takes the processor away until [`Self::Continue`].
    Stop,
    /// Gives it back.
    Continue,
}

/// What a program left behind.
#[derive(Debug)]
pub struct Ended {
    /// How it ended.
    pub status: ExitStatus,
    /// All that it printed to stdout.
    pub stdout: String,
    /// All that it printed to stderr.
    pub stderr: String,
}

/// A running program; killed when this is dropped before it has ended.
#[derive(Debug)]
pub struct Program {
    child: Child,
    stdout: Option<JoinHandle<io::Result<String>>>,
    lines: Receiver<String>,
    stderr: String,
}

impl Program {
    /// Starts it, its output collected and its input empty.
    ///
    /// # Errors
    ///
    /// When it cannot be started.
    pub fn start(command: &mut Command) -> Result<Self> {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("starting {}", Path::new(command.get_program()).display()))?;
        let mut stdout = child.stdout.take().context("no pipe from stdout")?;
        let stderr = child.stderr.take().context("no pipe from stderr")?;
        let stdout = thread::spawn(move || {
            let mut bytes = Vec::new();
            stdout.read_to_end(&mut bytes)?;
            Ok(String::from_utf8_lossy(&bytes).into_owned())
        });
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            for line in BufReader::new(stderr).split(b'\n').map_while(Result::ok) {
                if sender
                    .send(String::from_utf8_lossy(&line).into_owned())
                    .is_err()
                {
                    return;
                }
            }
        });
        Ok(Self {
            child,
            stdout: Some(stdout),
            lines,
            stderr: String::new(),
        })
    }

    /// Starts it and waits until it says that it captures ([`READY`]).
    ///
    /// # Errors
    ///
    /// When it ends or stays silent instead, with what it said.
    pub fn start_capturing(command: &mut Command) -> Result<Self> {
        let mut program = Self::start(command)?;
        program.wait_for_line(READY)?;
        Ok(program)
    }

    /// Waits for a line of stderr that begins with `start`, and gives it.
    ///
    /// # Errors
    ///
    /// When it ends or stays silent instead, with what it said.
    pub fn wait_for_line(&mut self, start: &str) -> Result<String> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self
                .lines
                .recv_timeout(deadline.saturating_duration_since(Instant::now()))
            {
                Ok(line) => {
                    self.note(&line);
                    if line.starts_with(start) {
                        return Ok(line);
                    }
                }
                Err(RecvTimeoutError::Disconnected) => {
                    let status = self.child.wait().context("waiting for the program")?;
                    bail!(
                        "the program ended ({status}) and never said {start:?}:\n{}",
                        self.stderr
                    );
                }
                Err(RecvTimeoutError::Timeout) => {
                    bail!("the program does not say {start:?}:\n{}", self.stderr)
                }
            }
        }
    }

    /// The number of the process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal, and does not wait.
    ///
    /// # Errors
    ///
    /// When the process is gone.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        let number = match signal {
            Signal::Interrupt => libc::SIGINT,
            Signal::Terminate => libc::SIGTERM,
            Signal::HangUp => libc::SIGHUP,
            Signal::Kill => libc::SIGKILL,
            Signal::Stop => libc::SIGSTOP,
            Signal::Continue => libc::SIGCONT,
        };
        // SAFETY: sends a signal to a child that has not been waited for, so the number is its own.
        let failed = unsafe { libc::kill(self.child.id().cast_signed(), number) };
        if failed == 0 {
            Ok(())
        } else {
            Err(io::Error::last_os_error()).context("sending a signal")
        }
    }

    /// Sends a signal and waits for the end.
    ///
    /// # Errors
    ///
    /// When the process is gone already, or does not end.
    pub fn end_by(self, signal: Signal) -> Result<Ended> {
        self.signal(signal)?;
        self.wait()
    }

    /// Waits for the end.
    ///
    /// # Errors
    ///
    /// When it does not end in time.
    pub fn wait(mut self) -> Result<Ended> {
        let deadline = Instant::now() + PATIENCE;
        // The pipe closes when the process ends: no need to ask again and again.
        loop {
            match self
                .lines
                .recv_timeout(deadline.saturating_duration_since(Instant::now()))
            {
                Ok(line) => self.note(&line),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    bail!("the program does not end:\n{}", self.stderr)
                }
            }
        }
        let status = self.child.wait().context("waiting for the program")?;
        let stdout = match self.stdout.take().map(JoinHandle::join) {
            Some(Ok(text)) => text.context("reading stdout")?,
            Some(Err(panic)) => std::panic::resume_unwind(panic),
            None => String::new(),
        };
        Ok(Ended {
            status,
            stdout,
            stderr: std::mem::take(&mut self.stderr),
        })
    }

    fn note(&mut self, line: &str) {
        self.stderr.push_str(line);
        self.stderr.push('\n');
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Only of interest where a test has failed before it ended the program.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
