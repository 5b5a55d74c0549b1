//! The end that asks: finds the capture, sends a line, shows what comes back.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use serde_json::Value;

use super::super::args::{CtlArgs, CtlCommand};
use super::{MAX_LINE, Request, place};

/// How long an answer may take: loading programs with a long filter takes seconds.
const PATIENCE: Duration = Duration::from_mins(1);

/// Asks a running capture.
pub(in crate::cli) fn run(args: &CtlArgs) -> anyhow::Result<ExitCode> {
    let request = match &args.command {
        CtlCommand::Status { .. } => Request::Status,
        CtlCommand::Stop => Request::Stop,
        CtlCommand::Sample { sampling } => {
            let (sampling, control) = sampling.sampling()?;
            Request::Sample { sampling, control }
        }
        CtlCommand::Filter {
            expression,
            clear,
            resolve,
        } => Request::Filter {
            expression: (!clear).then(|| expression.join(" ")),
            resolve: *resolve,
        },
    };
    let answer = find(args)?.ask(&request)?;
    if answer["ok"] != Value::Bool(true) {
        let reason = answer["error"].as_str().unwrap_or("it says nothing");
        anyhow::bail!("{reason}");
    }
    if let CtlCommand::Status { json } = args.command {
        let mut out = io::stdout().lock();
        if json {
            writeln!(out, "{answer}")?;
        } else {
            out.write_all(text(&answer).as_bytes())?;
        }
        out.flush()?;
    }
    Ok(ExitCode::SUCCESS)
}

/// A running capture.
struct Running {
    path: PathBuf,
    stream: UnixStream,
}

impl Running {
    fn connect(path: &Path) -> io::Result<Self> {
        Ok(Self {
            path: path.to_owned(),
            stream: UnixStream::connect(path)?,
        })
    }

    fn ask(&self, request: &Request) -> anyhow::Result<Value> {
        let lost = || format!("the capture at {} does not answer", self.path.display());
        self.stream
            .set_read_timeout(Some(PATIENCE))
            .with_context(lost)?;
        self.stream
            .set_write_timeout(Some(PATIENCE))
            .with_context(lost)?;
        (&self.stream)
            .write_all(format!("{}\n", request.to_json()).as_bytes())
            .with_context(lost)?;
        let mut line = String::new();
        BufReader::new((&self.stream).take(MAX_LINE))
            .read_line(&mut line)
            .with_context(lost)?;
        if line.is_empty() {
            anyhow::bail!("{}; it has ended", lost());
        }
        serde_json::from_str(&line).with_context(lost)
    }
}

/// The capture that is meant.
fn find(args: &CtlArgs) -> anyhow::Result<Running> {
    if let Some(path) = &args.control {
        return Running::connect(path)
            .with_context(|| format!("no capture listens at {}", path.display()));
    }
    if let Some(pid) = args.pid {
        let folders = place::folders();
        let mut paths = folders.iter().map(|folder| place::socket(folder, pid));
        return paths
            .find_map(|path| Running::connect(&path).ok())
            .with_context(|| {
                format!("no capture with process number {pid} can be reached; `capture ctl status` finds the one that runs")
            });
    }
    let mut refused = None;
    let mut running = Vec::new();
    for path in place::sockets() {
        match Running::connect(&path) {
            Ok(one) => running.push(one),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => refused = Some(path),
            // Left over from a capture that died.
            Err(_) => {}
        }
    }
    if running.len() > 1 {
        let mut lines = String::new();
        for one in &running {
            let status = one.ask(&Request::Status).unwrap_or_default();
            let pid = status["pid"].to_string();
            lines.extend(["\n  --pid ", &pid, "  ", &on(&status)]);
        }
        anyhow::bail!("{} captures run; say which one:{lines}", running.len());
    }
    match (running.pop(), refused) {
        (Some(one), _) => Ok(one),
        (None, Some(path)) => {
            anyhow::bail!("{} belongs to somebody else; try sudo", path.display())
        }
        (None, None) => anyhow::bail!(
            "no capture runs here that can be asked (those with --no-control cannot; for one with --control PATH say the same here)"
        ),
    }
}

/// The interfaces of a capture.
fn on(status: &Value) -> String {
    let names = status["interfaces"].as_array();
    let names: Vec<_> = names
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    names.join(", ")
}

fn text(status: &Value) -> String {
    let count = |name: &str| crate::engine::grouped(status[name].as_u64().unwrap_or_default());
    let mut lines = vec![
        format!("capture  process {} on {}", status["pid"], on(status)),
        format!("since    {}", status["started"].as_str().unwrap_or("?")),
        format!("filter   {}", status["filter"].as_str().unwrap_or("none")),
        format!("copied   {}", status["copied"].as_str().unwrap_or("?")),
        format!(
            "packets  {} seen, {} filtered, {} delivered, {} lost",
            count("packets"),
            count("filtered"),
            count("delivered"),
            count("drops")
        ),
    ];
    let changes = status["changes"].as_array();
    for change in changes.into_iter().flatten() {
        lines.push(format!(
            "changed  {}  {}",
            change["time"].as_str().unwrap_or("?"),
            change["what"].as_str().unwrap_or("?")
        ));
    }
    lines.join("\n") + "\n"
}
