//! Blocks that do the same are one block; a first block that decides nothing is none.

use super::super::codegen::{NOP, Stmt};
use super::super::op;
use super::flow::{Flow, Node, Way};

/// Leads all ways to blocks that are the same to one of them.
pub(super) fn same_blocks(flow: &mut Flow) {
    loop {
        let mut reached = vec![false; flow.nodes.len()];
        for block in flow.postorder(Way::True) {
            reached[block] = true;
        }
        let mut replaced: Vec<Option<usize>> = vec![None; flow.nodes.len()];
        for block in (0..flow.nodes.len().saturating_sub(1)).rev() {
            if !reached[block] {
                continue;
            }
            let same = (block + 1..flow.nodes.len())
                .find(|other| reached[*other] && same(&flow.nodes[block], &flow.nodes[*other]));
            replaced[block] = same.map(|same| replaced[same].unwrap_or(same));
        }
        let mut changed = false;
        for node in &mut flow.nodes {
            for way in [&mut node.jt, &mut node.jf] {
                if let Some(other) = way.and_then(|next| replaced[next]) {
                    *way = Some(other);
                    changed = true;
                }
            }
        }
        if !changed {
            return;
        }
    }
}

fn same(one: &Node, other: &Node) -> bool {
    one.code == other.code
        && one.k == other.k
        && one.jt == other.jt
        && one.jf == other.jf
        && live(one).eq(live(other))
}

fn live(node: &Node) -> impl Iterator<Item = (u16, u32)> {
    let live = node.stmts.iter().filter(|stmt| stmt.code != NOP);
    live.map(|Stmt { code, k, .. }| (*code, *k))
}

/// Begins with the first block that decides something.
pub(super) fn skip_root(flow: &mut Flow) {
    let first = flow.root;
    let mut stmts = std::mem::take(&mut flow.nodes[first].stmts);
    while let node = &flow.nodes[flow.root]
        && op::class(node.code) == op::JMP
        && let Some(next) = node.jt
        && node.jf == Some(next)
    {
        flow.root = next;
    }
    let root = &mut flow.nodes[flow.root];
    if op::class(root.code) == op::RET {
        root.stmts.clear();
    } else {
        stmts.append(&mut root.stmts);
        root.stmts = stmts;
    }
}
