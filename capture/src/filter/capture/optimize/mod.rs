//! Takes out of a program what does not change its verdict on whole packets.
//!
//! These are the passes of libpcap's optimizer (`McCanne` and Jacobson 1993, section 3), one by one and
//! in its order: which loads remain decides what happens to a packet that is too short for one of
//! them, and tcpdump's users get the optimized program. Where the two programs of libpcap's differ,
//! `len > 0 or ip[9] = 6` on a packet of ten bytes for one, ours does what the optimized one does.
//!
//! - `flow.rs` the blocks, and how they become a program
//! - `values.rs` names for values
//! - `statement.rs` statements of one block; `branch.rs` tests that were answered before
//! - `merge.rs` blocks that are the same

mod branch;
mod flow;
mod merge;
mod statement;
mod values;

use super::codegen::Code;
use super::error::Fault;
use super::op;
use super::program::Program;
use flow::{Flow, Way};
use values::{UNKNOWN, Value, Values};

/// Whether to optimize.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Optimize {
    /// Leave the program as it was generated.
    No,
    /// As tcpdump does unless told otherwise.
    #[default]
    Yes,
}

/// Blocks of an expression at most; beyond, it is left as it is: what the passes have to remember
/// grows with the square.
const MAX_BLOCKS: usize = 4096;

/// Passes in a row that only moved tests about, after which they move in circles.
const MAX_IDLE_PASSES: u32 = 100;

/// What a statement reads and writes: memory words, the accumulator and the index register.
const ATOMS: usize = op::MEMORY_WORDS + 2;
const A: usize = op::MEMORY_WORDS;
const X: usize = op::MEMORY_WORDS + 1;

/// Makes a program of the blocks of an expression.
pub(crate) fn program(code: Code, optimize: Optimize) -> Result<Program, Fault> {
    let keep = code.keep || optimize == Optimize::No;
    let flow = Flow::new(code);
    if keep || flow.nodes.len() > MAX_BLOCKS {
        return flow.program();
    }
    let mut optimizer = Optimizer::new(flow);
    optimizer.passes(Pass::Branches)?;
    optimizer.passes(Pass::Statements)?;
    let mut flow = optimizer.flow;
    merge::same_blocks(&mut flow);
    merge::skip_root(&mut flow);
    let root = &flow.nodes[flow.root];
    if root.code == op::RET | op::K && root.k == 0 {
        return Err(Fault::new(
            "no packet can match this expression on this link type",
        ));
    }
    flow.program()
}

/// What a pass changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pass {
    /// Ways out of blocks.
    Branches,
    /// Statements.
    Statements,
}

/// What is known of a block during a pass.
#[derive(Clone, Debug)]
struct Facts {
    /// Longest way to a return.
    level: usize,
    /// Edges that lead here, the last one found last.
    in_edges: Vec<usize>,
    /// Atoms that are written before they are read.
    kill: u32,
    /// Atoms that are read before they are written; and those read by what follows.
    in_use: u32,
    out_use: u32,
    /// Value of the second operand of the test.
    operand: Value,
    /// Values of all atoms at the end.
    val: [Value; ATOMS],
    /// The test, as it was when its values were computed.
    test: u16,
}

impl Facts {
    const NONE: Self = Self {
        level: 0,
        in_edges: Vec::new(),
        kill: 0,
        in_use: 0,
        out_use: 0,
        operand: UNKNOWN,
        val: [UNKNOWN; ATOMS],
        test: 0,
    };
}

/// Sets of blocks or edges, one for each block or edge.
#[derive(Debug)]
struct Sets {
    words: usize,
    bits: Vec<u32>,
}

impl Sets {
    fn new(count: usize) -> Self {
        let words = count / 32 + 1;
        Self {
            words,
            bits: vec![0; words * count],
        }
    }

    fn fill(&mut self) {
        self.bits.fill(u32::MAX);
    }

    fn range(&self, set: usize) -> std::ops::Range<usize> {
        set * self.words..(set + 1) * self.words
    }

    fn clear(&mut self, set: usize) {
        let range = self.range(set);
        self.bits[range].fill(0);
    }

    fn insert(&mut self, set: usize, member: usize) {
        self.bits[set * self.words + member / 32] |= 1 << (member % 32);
    }

    fn contains(&self, set: usize, member: usize) -> bool {
        self.bits[set * self.words + member / 32] & 1 << (member % 32) != 0
    }

    /// Takes out of `set` what is not in `other`.
    fn intersect(&mut self, set: usize, other: usize) {
        let (set, other) = (set * self.words, other * self.words);
        for word in 0..self.words {
            self.bits[set + word] &= self.bits[other + word];
        }
    }
}

struct Optimizer {
    flow: Flow,
    facts: Vec<Facts>,
    values: Values,
    /// By level, in the order in which they were found; passes go through them backwards.
    levels: Vec<Vec<usize>>,
    /// Blocks that every way to a block leads through.
    dominators: Sets,
    /// Edges that every way to an edge leads through.
    edge_dominators: Sets,
    /// Nothing was changed in this pass.
    done: bool,
    /// Something was changed in this pass that is not only the order of tests.
    progress: bool,
}

impl Optimizer {
    fn new(flow: Flow) -> Self {
        let count = flow.nodes.len();
        Self {
            facts: vec![Facts::NONE; count],
            values: Values::new(),
            levels: Vec::new(),
            dominators: Sets::new(count),
            edge_dominators: Sets::new(2 * count),
            done: false,
            progress: false,
            flow,
        }
    }

    /// Edges are numbered: the true ways out of all blocks, then the false ones.
    fn edge(&self, block: usize, way: Way) -> usize {
        match way {
            Way::True => block,
            Way::False => self.flow.nodes.len() + block,
        }
    }

    /// Where an edge comes from.
    fn from(&self, edge: usize) -> usize {
        edge % self.flow.nodes.len()
    }

    /// Where an edge leads to.
    fn to(&self, edge: usize) -> Option<usize> {
        let node = &self.flow.nodes[self.from(edge)];
        if edge < self.flow.nodes.len() {
            node.jt
        } else {
            node.jf
        }
    }

    fn redirect(&mut self, edge: usize, to: Option<usize>) {
        let from = self.from(edge);
        let is_true = edge < self.flow.nodes.len();
        let node = &mut self.flow.nodes[from];
        if is_true {
            node.jt = to;
        } else {
            node.jf = to;
        }
    }

    fn changed(&mut self) {
        self.done = false;
        self.progress = true;
    }

    fn passes(&mut self, pass: Pass) -> Result<(), Fault> {
        let mut idle = 0;
        loop {
            self.done = true;
            self.progress = false;
            self.find_levels();
            self.find_dominators();
            self.find_uses();
            self.find_edge_dominators();
            self.blocks(pass)?;
            if self.done {
                return Ok(());
            }
            if self.progress {
                idle = 0;
            } else {
                idle += 1;
                if idle >= MAX_IDLE_PASSES {
                    return Ok(());
                }
            }
        }
    }

    fn blocks(&mut self, pass: Pass) -> Result<(), Fault> {
        self.values = Values::new();
        self.find_in_edges();
        let levels = std::mem::take(&mut self.levels);
        let downwards = || levels.iter().rev().flat_map(|level| level.iter().rev());
        let upwards = || levels.iter().skip(1).flat_map(|level| level.iter().rev());
        for block in downwards() {
            self.block(*block, pass)?;
        }
        if pass == Pass::Branches {
            for block in upwards() {
                self.jump(self.edge(*block, Way::True));
                self.jump(self.edge(*block, Way::False));
            }
            self.levels = levels;
            self.find_in_edges();
            let levels = std::mem::take(&mut self.levels);
            for block in levels.iter().skip(1).flat_map(|level| level.iter().rev()) {
                self.pull_up(*block, Way::False);
                self.pull_up(*block, Way::True);
            }
            self.levels = levels;
        } else {
            self.levels = levels;
        }
        Ok(())
    }

    fn find_levels(&mut self) {
        self.levels.clear();
        for block in self.flow.postorder(Way::True) {
            let node = &self.flow.nodes[block];
            let level = match (node.jt, node.jf) {
                (Some(jt), Some(jf)) => self.facts[jt].level.max(self.facts[jf].level) + 1,
                _ => 0,
            };
            self.facts[block].level = level;
            if self.levels.len() <= level {
                self.levels.resize(level + 1, Vec::new());
            }
            self.levels[level].push(block);
        }
    }

    fn find_dominators(&mut self) {
        let sets = &mut self.dominators;
        sets.fill();
        sets.clear(self.flow.root);
        for block in self
            .levels
            .iter()
            .rev()
            .flat_map(|level| level.iter().rev())
        {
            sets.insert(*block, *block);
            let node = &self.flow.nodes[*block];
            for next in [node.jt, node.jf].into_iter().flatten() {
                sets.intersect(next, *block);
            }
        }
    }

    fn find_edge_dominators(&mut self) {
        let count = self.flow.nodes.len();
        let sets = &mut self.edge_dominators;
        sets.fill();
        sets.clear(self.flow.root);
        sets.clear(count + self.flow.root);
        for block in self
            .levels
            .iter()
            .rev()
            .flat_map(|level| level.iter().rev())
        {
            let node = &self.flow.nodes[*block];
            for (edge, next) in [(*block, node.jt), (count + *block, node.jf)] {
                sets.insert(edge, edge);
                if let Some(next) = next {
                    sets.intersect(next, edge);
                    sets.intersect(count + next, edge);
                }
            }
        }
    }

    fn find_in_edges(&mut self) {
        for facts in &mut self.facts {
            facts.in_edges.clear();
        }
        let count = self.flow.nodes.len();
        for level in self.levels.iter().skip(1).rev() {
            for block in level.iter().rev() {
                let node = &self.flow.nodes[*block];
                for (edge, next) in [(*block, node.jt), (count + *block, node.jf)] {
                    if let Some(next) = next {
                        self.facts[next].in_edges.push(edge);
                    }
                }
            }
        }
    }
}
