//! The blocks of an expression that can be reached, in one array, and how they become a program.

use super::super::codegen::{BlockId, Code, Graph, Label, NOP, Stmt};
use super::super::error::Fault;
use super::super::op;
use super::super::program::{Insn, Program};

/// A block; its ways out are places in the array.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) stmts: Vec<Stmt>,
    pub(super) code: u16,
    pub(super) k: u32,
    /// Where to go if the test holds, and if not; `None` for blocks that return.
    pub(super) jt: Option<usize>,
    pub(super) jf: Option<usize>,
}

/// All blocks, and the one to begin with.
#[derive(Clone, Debug)]
pub(super) struct Flow {
    pub(super) nodes: Vec<Node>,
    pub(super) root: usize,
}

impl Flow {
    /// Numbers the blocks that can be reached: a block, what its true way leads to, then the other.
    pub(super) fn new(code: Code) -> Self {
        let Code { graph, root, .. } = code;
        let Graph { mut blocks, .. } = graph;
        let mut place = vec![None; blocks.len()];
        let mut order = Vec::new();
        let mut stack = vec![root];
        while let Some(id) = stack.pop() {
            let at = id.0 as usize;
            if place[at].is_some() {
                continue;
            }
            place[at] = Some(order.len());
            order.push(at);
            stack.extend(blocks[at].jf);
            stack.extend(blocks[at].jt);
        }
        let placed = |id: Option<BlockId>| id.and_then(|id| place[id.0 as usize]);
        let nodes = order
            .iter()
            .map(|at| {
                let (jt, jf) = (placed(blocks[*at].jt), placed(blocks[*at].jf));
                let block = &mut blocks[*at];
                Node {
                    stmts: std::mem::take(&mut block.stmts),
                    code: block.code,
                    k: block.k,
                    jt,
                    jf,
                }
            })
            .collect();
        Self { nodes, root: 0 }
    }

    /// Blocks that can be reached, each after both that it leads to; `first` chooses which of its two
    /// ways is followed first.
    pub(super) fn postorder(&self, first: Way) -> Vec<usize> {
        let mut seen = vec![false; self.nodes.len()];
        let mut order = Vec::with_capacity(self.nodes.len());
        let mut stack = vec![(self.root, false)];
        while let Some((at, done)) = stack.pop() {
            if done {
                order.push(at);
                continue;
            }
            if std::mem::replace(&mut seen[at], true) {
                continue;
            }
            stack.push((at, true));
            let Node { jt, jf, .. } = self.nodes[at];
            let (first, second) = match first {
                Way::True => (jt, jf),
                Way::False => (jf, jt),
            };
            stack.extend(second.map(|at| (at, false)));
            stack.extend(first.map(|at| (at, false)));
        }
        order
    }

    /// The program: a block, then what its true way leads to, then the other, as far as they are not
    /// further back anyway.
    pub(super) fn program(&self) -> Result<Program, Fault> {
        let order = self.postorder(Way::False);
        let mut start = vec![0; self.nodes.len()];
        let mut at = 0;
        for node in order.iter().rev() {
            start[*node] = at;
            at += len(&self.nodes[*node]) + 1;
        }
        let mut insns = Vec::with_capacity(at);
        for number in order.iter().rev() {
            let node = &self.nodes[*number];
            statements(node, &mut insns)?;
            let next = insns.len() + 1;
            let target = |way: Option<usize>| way.map_or(0, |way| (start[way] - next) as u32);
            insns.push(Insn {
                code: node.code,
                jt: target(node.jt),
                jf: target(node.jf),
                k: node.k,
            });
        }
        Ok(Program { insns })
    }
}

/// Which way out of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    True,
    False,
}

fn live(node: &Node) -> impl Iterator<Item = &Stmt> {
    node.stmts.iter().filter(|stmt| stmt.code != NOP)
}

fn len(node: &Node) -> usize {
    live(node).count()
}

fn statements(node: &Node, insns: &mut Vec<Insn>) -> Result<(), Fault> {
    let begin = insns.len();
    for (at, stmt) in live(node).enumerate() {
        let conditional = op::class(stmt.code) == op::JMP && op::operation(stmt.code) != op::JA;
        let target = |label: Label| -> Result<u32, Fault> {
            if !conditional {
                return Ok(0);
            }
            live(node)
                .skip(at + 1)
                .position(|other| label != Label::NONE && other.label == label)
                .map(|distance| distance as u32)
                .ok_or_else(|| Fault::new("a test without a load begins the expression"))
        };
        insns.push(Insn {
            code: stmt.code,
            jt: target(stmt.jt)?,
            jf: target(stmt.jf)?,
            k: stmt.k,
        });
    }
    debug_assert_eq!(
        insns.len() - begin,
        len(node),
        "each statement is one instruction"
    );
    Ok(())
}
