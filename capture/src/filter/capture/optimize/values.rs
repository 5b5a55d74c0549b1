//! Names for values: two places hold the same value if it was computed in the same way.

use std::collections::HashMap;

use super::super::op;

/// A value; 0 is one of which nothing is known.
pub(super) type Value = u32;

/// Nothing is known of it.
pub(super) const UNKNOWN: Value = 0;

#[derive(Debug)]
pub(super) struct Values {
    known: HashMap<(u16, u32, u32), Value>,
    /// By value: the number, if it is a constant.
    constants: Vec<Option<u32>>,
}

impl Values {
    pub(super) fn new() -> Self {
        Self {
            known: HashMap::new(),
            constants: vec![None],
        }
    }

    /// The value that an instruction computes from others.
    pub(super) fn of(&mut self, code: u16, first: u32, second: u32) -> Value {
        let next = self.constants.len() as Value;
        let value = *self.known.entry((code, first, second)).or_insert(next);
        if value == next {
            let class = op::class(code);
            let constant = op::mode(code) == op::IMM && (class == op::LD || class == op::LDX);
            self.constants.push(constant.then_some(first));
        }
        value
    }

    /// The value of a constant.
    pub(super) fn of_constant(&mut self, number: u32) -> Value {
        self.of(op::LD | op::IMM | op::W, number, 0)
    }

    /// The number, if a value is a constant.
    pub(super) fn constant(&self, value: Value) -> Option<u32> {
        self.constants.get(value as usize).copied().flatten()
    }
}
