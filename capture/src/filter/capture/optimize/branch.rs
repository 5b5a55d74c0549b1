//! Tests that were answered on the way, and tests that are better asked earlier.

use super::super::op;
use super::flow::Way;
use super::{A, Optimizer};

impl Optimizer {
    /// Whether jumping from one block to where another leads would show a different value to
    /// somebody who reads it.
    fn conflicts(&self, from: usize, to: usize) -> bool {
        let (from, to) = (&self.facts[from], &self.facts[to]);
        let mut values = from.val.iter().zip(&to.val).enumerate();
        values.any(|(atom, (from, here))| to.out_use & 1 << atom != 0 && from != here)
    }

    /// Where a test leads, given that the way to it led along `edge`; `None` if that does not say.
    fn answered(&self, block: usize, edge: usize) -> Option<usize> {
        let before = self.from(edge);
        let holds = edge < self.flow.nodes.len();
        let node = &self.flow.nodes[block];
        let (own, earlier) = (&self.facts[block], &self.facts[before]);
        if node.code != earlier.test || own.val[A] != earlier.val[A] {
            return None;
        }
        if own.operand == earlier.operand {
            return if holds { node.jt } else { node.jf };
        }
        // What is equal to one constant is not equal to another.
        if holds && node.code == op::JMP | op::JEQ | op::K {
            return node.jf;
        }
        None
    }

    /// Lets an edge skip tests whose answer is known.
    pub(super) fn jump(&mut self, edge: usize) {
        let from = self.from(edge);
        let Some(next) = self.to(edge) else { return };
        let node = &self.flow.nodes[next];
        let Some(jt) = node.jt else { return };
        if node.jf == Some(jt) && !self.conflicts(from, jt) {
            self.changed();
            self.redirect(edge, Some(jt));
        }
        while let Some(target) = self.known_target(edge, from) {
            self.done = false;
            self.redirect(edge, Some(target));
            if self.flow.nodes[target].jt.is_none() {
                return;
            }
        }
    }

    fn known_target(&self, edge: usize, from: usize) -> Option<usize> {
        let next = self.to(edge)?;
        let range = self.edge_dominators.range(edge);
        for (word, bits) in self.edge_dominators.bits[range].iter().enumerate() {
            let mut left = *bits;
            while left != 0 {
                let bit = left.trailing_zeros() as usize;
                left &= left - 1;
                let target = self.answered(next, word * 32 + bit);
                if let Some(target) = target
                    && !self.conflicts(from, target)
                {
                    return Some(target);
                }
            }
        }
        None
    }

    /// Of tests in a row that have one way in common, those of the value that is loaded already are
    /// asked first. `way` is the one by which the row goes on: false for `or`, true for `and`.
    pub(super) fn pull_up(&mut self, block: usize, way: Way) {
        let in_edges = self.facts[block].in_edges.clone();
        let Some(first) = in_edges.last().copied() else {
            return;
        };
        let val = self.facts[self.from(first)].val[A];
        if in_edges
            .iter()
            .any(|edge| self.facts[self.from(*edge)].val[A] != val)
        {
            return;
        }
        let pred = self.from(first);
        let mut differs = if self.flow.nodes[pred].jt == Some(block) {
            self.edge(pred, Way::True)
        } else {
            self.edge(pred, Way::False)
        };
        let exit = |optimizer: &Self, at: usize| match way {
            Way::False => optimizer.flow.nodes[at].jt,
            Way::True => optimizer.flow.nodes[at].jf,
        };
        let common = exit(self, block);
        // Where the row is left, or left for a part that can be reached otherwise, it ends.
        let in_row = |optimizer: &Self, edge: usize| {
            optimizer.to(edge).filter(|at| {
                exit(optimizer, *at) == common && optimizer.dominators.contains(*at, block)
            })
        };
        let mut at_top = true;
        loop {
            let Some(at) = in_row(self, differs) else {
                return;
            };
            if self.facts[at].val[A] != val {
                break;
            }
            differs = self.edge(at, way);
            at_top = false;
        }
        let Some(other) = self.to(differs) else {
            return;
        };
        let mut same = self.edge(other, way);
        let pull = loop {
            let Some(at) = in_row(self, same) else { return };
            if self.facts[at].val[A] == val {
                break at;
            }
            same = self.edge(at, way);
        };

        let onward = self.edge(pull, way);
        self.redirect(same, self.to(onward));
        self.redirect(onward, Some(other));
        if at_top {
            for edge in in_edges.iter().rev() {
                let pred = self.from(*edge);
                let way = if self.flow.nodes[pred].jt == Some(block) {
                    Way::True
                } else {
                    Way::False
                };
                self.redirect(self.edge(pred, way), Some(pull));
            }
        } else {
            self.redirect(differs, Some(pull));
        }
        self.done = false;
    }
}
