//! Blocks: some statements and one test, with two ways out, which are wired up as expressions are
//! joined by `and`, `or` and `not`.
//!
//! The ways out that are not wired yet hang together in a list that runs through the blocks
//! themselves (`McCanne` and Jacobson 1993), so that joining two expressions costs next to nothing.

use super::super::op;

/// Number of a block in its graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct BlockId(pub(crate) u32);

/// A statement that other statements of its block jump to; 0 is nowhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Label(u32);

impl Label {
    pub(crate) const NONE: Self = Self(0);
}

/// What a statement is turned into to remove it.
pub(crate) const NOP: u16 = u16::MAX;

/// An instruction within a block.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stmt {
    pub(crate) code: u16,
    pub(crate) k: u32,
    /// Where jumps of this block can go to; `NONE` for statements that nobody jumps to.
    pub(crate) label: Label,
    /// Targets of a conditional jump within the block.
    pub(crate) jt: Label,
    pub(crate) jf: Label,
}

impl Stmt {
    pub(crate) const fn new(code: u16, k: u32) -> Self {
        Self {
            code,
            k,
            label: Label::NONE,
            jt: Label::NONE,
            jf: Label::NONE,
        }
    }

    /// The statement with a label.
    pub(crate) const fn at(self, label: Label) -> Self {
        Self { label, ..self }
    }

    /// The conditional jump with its targets.
    pub(crate) const fn to(self, jt: Label, jf: Label) -> Self {
        Self { jt, jf, ..self }
    }
}

/// Statements and the test after them.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    pub(crate) stmts: Vec<Stmt>,
    pub(crate) code: u16,
    pub(crate) k: u32,
    /// Where to go if the test holds, and if not. Before wiring: the next block of the list.
    pub(crate) jt: Option<BlockId>,
    pub(crate) jf: Option<BlockId>,
    /// Which of the two ways out is still open: the false one if set.
    inverted: bool,
    /// Where the expression that ends in this block begins.
    head: BlockId,
}

/// The blocks of an expression.
#[derive(Clone, Debug, Default)]
pub(crate) struct Graph {
    pub(crate) blocks: Vec<Block>,
    labels: u32,
}

impl Graph {
    pub(crate) fn block(&self, id: BlockId) -> &Block {
        &self.blocks[id.0 as usize]
    }

    pub(crate) fn block_mut(&mut self, id: BlockId) -> &mut Block {
        &mut self.blocks[id.0 as usize]
    }

    pub(crate) fn label(&mut self) -> Label {
        self.labels += 1;
        Label(self.labels)
    }

    /// A block with its test, both ways out open.
    pub(crate) fn add(&mut self, code: u16, k: u32, stmts: Vec<Stmt>) -> BlockId {
        let id = BlockId(self.blocks.len() as u32);
        self.blocks.push(Block {
            stmts,
            code,
            k,
            jt: None,
            jf: None,
            inverted: false,
            head: id,
        });
        id
    }

    /// Where the expression that ends in `id` begins.
    pub(crate) fn head(&self, id: BlockId) -> BlockId {
        self.block(id).head
    }

    fn open_way(&mut self, id: BlockId) -> &mut Option<BlockId> {
        let block = self.block_mut(id);
        if block.inverted {
            &mut block.jf
        } else {
            &mut block.jt
        }
    }

    /// Wires all open ways of a list to `target`.
    fn backpatch(&mut self, list: BlockId, target: BlockId) {
        let mut at = Some(list);
        while let Some(id) = at {
            at = self.open_way(id).replace(target);
        }
    }

    /// Appends a list to another.
    fn merge(&mut self, list: BlockId, tail: BlockId) {
        let mut at = list;
        while let Some(next) = *self.open_way(at) {
            at = next;
        }
        *self.open_way(at) = Some(tail);
    }

    fn flip(&mut self, id: BlockId) {
        let block = self.block_mut(id);
        block.inverted = !block.inverted;
    }

    /// Both: the second is tested where the first holds. Returns the second.
    pub(crate) fn and(&mut self, first: BlockId, second: BlockId) -> BlockId {
        let head = self.head(second);
        self.backpatch(first, head);
        self.flip(first);
        self.flip(second);
        self.merge(second, first);
        self.flip(second);
        self.block_mut(second).head = self.head(first);
        second
    }

    /// Either: the second is tested where the first does not hold. Returns the second.
    pub(crate) fn or(&mut self, first: BlockId, second: BlockId) -> BlockId {
        let head = self.head(second);
        self.flip(first);
        self.backpatch(first, head);
        self.flip(first);
        self.merge(second, first);
        self.block_mut(second).head = self.head(first);
        second
    }

    /// The contrary.
    pub(crate) fn not(&mut self, id: BlockId) -> BlockId {
        self.flip(id);
        id
    }

    /// Wires what is left: packets for which the expression holds are kept. Returns where to begin.
    pub(crate) fn close(&mut self, id: BlockId, keep: u32) -> BlockId {
        let kept = self.add(op::RET | op::K, keep, Vec::new());
        self.backpatch(id, kept);
        self.flip(id);
        let dropped = self.add(op::RET | op::K, 0, Vec::new());
        self.backpatch(id, dropped);
        self.head(id)
    }
}
