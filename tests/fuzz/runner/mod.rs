//! Makes inputs and runs a target on them: inputs that reach something new are kept to make others of.
//!
//! A run is a function of its seed, except where threads of a target race for what is counted. What is
//! found goes to a folder, a file each; a panic is shrunk first, and each place of one counts once. What
//! ends the whole process (memory and work beyond the bounds, a stack that overflows, a hang) leaves its
//! input in `current`.
//!
//! - `coverage.rs` what an input reached, and how much work that was
//! - `memory.rs` how much memory it held
//! - `panics.rs` what went wrong
//! - `captures.rs` inputs made of real captures

mod captures;
mod coverage;
pub(crate) mod memory;
mod panics;

use std::fmt;
use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result};
use capture_fuzz::mutate::Mutator;
use capture_fuzz::random::{Random, digest};
use capture_fuzz::{Target, corpus};

use coverage::Features;
use panics::Problem;

/// Inputs that are kept at most, and their bytes in all.
const MOST_KEPT: usize = 20_000;
const MOST_KEPT_BYTES: usize = 32 << 20;
/// Edges that an input passes at most that others are made of: what is slow is run, and not run again and
/// again.
const MOST_WORK: u64 = 5_000_000;
/// Runs of a target in which a finding is made smaller.
const SHRINKING: usize = 3000;
/// An input at which nothing happens for so long hangs.
const PATIENCE: Duration = Duration::from_mins(5);

/// A run of one target.
pub(crate) struct Run {
    pub(crate) target: &'static Target,
    pub(crate) inputs: u64,
    pub(crate) seed: u64,
    pub(crate) findings: PathBuf,
    pub(crate) captures: Option<PathBuf>,
    pub(crate) keep: Option<PathBuf>,
}

/// How a run ended.
pub(crate) struct Summary {
    name: &'static str,
    inputs: u64,
    edges: usize,
    kept: usize,
    /// The most that an input cost, as a share of what it may, in percent.
    work: u64,
    memory: u64,
    pub(crate) findings: usize,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            name,
            inputs,
            edges,
            kept,
            work,
            memory,
            findings,
        } = self;
        write!(
            f,
            "{name:<15} {inputs:>9} inputs {edges:>6} edges {kept:>5} kept {work:>3} % of the work \
             {memory:>3} % of the memory {findings:>3} findings"
        )
    }
}

/// What running a target on one input came to.
struct Outcome {
    problem: Option<Problem>,
    /// Edges.
    edges: u64,
    /// Shares of what it may cost, in percent.
    work: u64,
    memory: u64,
}

fn run_once(target: &Target, input: &[u8]) -> Outcome {
    let (bounds, len) = (&target.bounds, input.len());
    memory::begin(bounds.most_memory(len));
    coverage::begin(bounds.most_work(len));
    let outcome = catch_unwind(AssertUnwindSafe(|| (target.run)(input)));
    let edges = coverage::end();
    let memory = memory::end();
    let problem = panics::take();
    debug_assert!(outcome.is_ok() || problem.is_some(), "a panic is noticed");
    Outcome {
        problem,
        edges,
        work: edges * 100 / bounds.most_work(len).max(1),
        memory: memory * 100 / bounds.most_memory(len).max(1),
    }
}

/// Runs a target on an input, and gives what is wrong.
pub(crate) fn replay(target: &Target, input: &[u8]) -> Option<String> {
    panics::watch();
    let Outcome {
        problem,
        edges,
        work,
        memory,
    } = run_once(target, input);
    eprintln!("{edges} edges: {work} % of the work, {memory} % of the memory that it may cost");
    problem.map(|problem| problem.to_string())
}

/// What is kept of the inputs so far.
struct Kept {
    inputs: Vec<Vec<u8>>,
    bytes: usize,
    features: Features,
}

impl Kept {
    /// Keeps an input if it reached something new.
    fn take(&mut self, input: &[u8], edges: u64) {
        let is_new = self.features.add_reached();
        let has_room = self.inputs.len() < MOST_KEPT && self.bytes < MOST_KEPT_BYTES;
        if is_new && has_room && edges <= MOST_WORK {
            self.bytes += input.len();
            self.inputs.push(input.to_vec());
        }
    }

    /// One of them: the newest are the most promising.
    fn choose(&self, random: &mut Random) -> &[u8] {
        let count = self.inputs.len();
        let newest = count.div_ceil(8);
        let place = match random.below(3) {
            0 => count - 1 - random.below(newest),
            _ => random.below(count),
        };
        self.inputs.get(place).map_or(&[], Vec::as_slice)
    }
}

impl Run {
    pub(crate) fn run(&self) -> Result<Summary> {
        let Self {
            target, findings, ..
        } = self;
        fs::create_dir_all(findings).with_context(|| format!("making {}", findings.display()))?;
        panics::watch();
        let current = Current::new(findings)?;
        let seeds = self.seeds()?;
        let mutator = Mutator::new(target.shape, target.max_len);
        let name = digest(target.name.as_bytes());
        let mut random = Random::new(self.seed ^ name);
        let mut kept = Kept {
            inputs: Vec::new(),
            bytes: 0,
            features: Features::new(),
        };
        let mut found = Vec::new();
        let mut summary = Summary {
            name: target.name,
            inputs: self.inputs,
            edges: 0,
            kept: 0,
            work: 0,
            memory: 0,
            findings: 0,
        };
        let blind = !coverage::is_built_in();
        if blind {
            eprintln!("built without coverage: inputs are made of the seeds alone");
        }
        let mut number = 0;
        let mut input = Vec::new();
        while number < self.inputs {
            input.clear();
            if let Some(seed) = seeds.get(number as usize) {
                input.extend(seed);
            } else {
                input.extend(kept.choose(&mut random));
                let other = kept.choose(&mut random);
                mutator.mutate(&mut input, other, &mut random);
            }
            current.set(&input)?;
            let outcome = run_once(target, &input);
            if let Some(problem) = outcome.problem {
                if !found.contains(&problem.place) {
                    found.push(problem.place.clone());
                    self.keep_finding(&current, &input, &problem)?;
                }
            } else {
                kept.take(&input, outcome.edges);
                if blind && (number as usize) < seeds.len() {
                    kept.inputs.push(input.clone());
                }
                summary.work = summary.work.max(outcome.work);
                summary.memory = summary.memory.max(outcome.memory);
            }
            number += 1;
            if number.is_power_of_two() && number >= 1024 {
                eprintln!(
                    "{}: {number} inputs, {} edges, {} kept",
                    target.name,
                    kept.features.edges(),
                    kept.inputs.len()
                );
            }
        }
        current.remove()?;
        summary.edges = kept.features.edges();
        summary.kept = kept.inputs.len();
        summary.findings = found.len();
        if let Some(folder) = &self.keep {
            fs::create_dir_all(folder)?;
            for input in &kept.inputs {
                fs::write(folder.join(format!("{:016x}", digest(input))), input)?;
            }
        }
        Ok(summary)
    }

    /// What the run starts from.
    fn seeds(&self) -> Result<Vec<Vec<u8>>> {
        let target = self.target;
        let mut seeds = (target.seeds)();
        let committed = corpus::inputs(target.name).context("reading the corpus")?;
        seeds.extend(committed.into_iter().map(|(_, input)| input));
        if let Some(folder) = &self.captures {
            seeds.extend(captures::inputs(folder, target)?);
        }
        for seed in &mut seeds {
            seed.truncate(target.max_len);
        }
        Ok(seeds)
    }

    /// Makes an input smaller that a target panicked at, and puts it where findings go.
    fn keep_finding(&self, current: &Current, input: &[u8], problem: &Problem) -> Result<()> {
        let mut input = input.to_vec();
        let mut random = Random::new(1);
        for _ in 0..SHRINKING {
            let mut smaller = input.clone();
            let at = random.below(smaller.len());
            let most = (smaller.len() - at).min(1 << random.below(11));
            drop(smaller.drain(at..at + most));
            current.set(&smaller)?;
            let again = run_once(self.target, &smaller).problem;
            if again.is_some_and(|again| again.place == problem.place) {
                input = smaller;
            }
        }
        let path = self.findings.join(format!("panic-{:016x}", digest(&input)));
        fs::write(&path, &input)?;
        eprintln!("{}: {problem}: {}", self.target.name, path.display());
        Ok(())
    }
}

/// The input at hand, where it outlasts this process.
struct Current {
    file: File,
    path: PathBuf,
    inputs: Arc<AtomicU64>,
}

impl Current {
    fn new(folder: &Path) -> Result<Self> {
        let path = folder.join("current");
        let file = File::create(&path).with_context(|| format!("making {}", path.display()))?;
        let inputs = Arc::new(AtomicU64::new(0));
        let watched = Arc::clone(&inputs);
        thread::spawn(move || {
            let mut before = 0;
            loop {
                thread::sleep(PATIENCE);
                let now = watched.load(Ordering::Relaxed);
                if now == before {
                    eprintln!("hangs: an input takes more than {PATIENCE:?}");
                    process::abort();
                }
                before = now;
            }
        });
        Ok(Self { file, path, inputs })
    }

    fn set(&self, input: &[u8]) -> Result<()> {
        self.inputs.fetch_add(1, Ordering::Relaxed);
        self.file.set_len(0)?;
        self.file.write_all_at(input, 0)?;
        Ok(())
    }

    fn remove(&self) -> Result<()> {
        fs::remove_file(&self.path)?;
        Ok(())
    }
}
