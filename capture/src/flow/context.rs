//! Where flows were found: interface, VLANs, tunnel. Most flows of a capture share theirs, so each is
//! kept once, for as long as a flow refers to it.

use std::collections::HashMap;

use crate::dissect::{Layers, Tunnel};
use crate::packet::IfaceId;

/// Where a flow's first packet was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Context {
    pub(crate) iface: IfaceId,
    pub(crate) vlans: [u16; 2],
    pub(crate) vlan_tags: u8,
    pub(crate) tunnel: Option<Tunnel>,
}

impl Context {
    pub(crate) fn of(iface: IfaceId, layers: &Layers) -> Self {
        Self {
            iface,
            vlans: layers.vlans,
            vlan_tags: layers.vlan_tags,
            tunnel: layers.tunnel,
        }
    }
}

/// The contexts of a table; there are never more than flows.
#[derive(Debug, Default)]
pub(crate) struct Contexts {
    /// Contexts, with the number of flows that refer to them.
    store: Vec<(Context, u32)>,
    numbers: HashMap<Context, u32>,
    free: Vec<u32>,
    /// The last one that was asked for: usually the next flow has the same.
    last: u32,
}

impl Contexts {
    pub(crate) fn get(&self, number: u32) -> &Context {
        &self.store[number as usize].0
    }

    /// The number of a context, which a flow refers to from now on.
    pub(crate) fn refer(&mut self, context: &Context) -> u32 {
        if let Some((known, count)) = self.store.get_mut(self.last as usize)
            && known == context
            && *count > 0
        {
            *count += 1;
            return self.last;
        }
        let number = match self.numbers.get(context) {
            Some(number) => *number,
            None => self.add(context),
        };
        self.store[number as usize].1 += 1;
        self.last = number;
        number
    }

    fn add(&mut self, context: &Context) -> u32 {
        let number = if let Some(number) = self.free.pop() {
            self.store[number as usize] = (*context, 0);
            number
        } else {
            self.store.push((*context, 0));
            self.store.len() as u32 - 1
        };
        self.numbers.insert(*context, number);
        number
    }

    /// A flow does not refer to it any more.
    pub(crate) fn release(&mut self, number: u32) {
        let (context, count) = &mut self.store[number as usize];
        *count -= 1;
        if *count == 0 {
            self.numbers.remove(context);
            self.free.push(number);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dissect::Layers;

    fn context(iface: u32) -> Context {
        Context::of(IfaceId(iface), &Layers::EMPTY)
    }

    #[test]
    fn a_context_lives_as_long_as_a_flow_refers_to_it() {
        let mut contexts = Contexts::default();
        let one = contexts.refer(&context(1));
        assert_eq!(contexts.refer(&context(1)), one);
        let other = contexts.refer(&context(2));
        assert_ne!(one, other);
        assert_eq!(contexts.refer(&context(1)), one);
        for _ in 0..3 {
            assert_eq!(*contexts.get(one), context(1));
            contexts.release(one);
        }
        assert_eq!(contexts.refer(&context(3)), one, "the place is free");
        assert_eq!(*contexts.get(other), context(2));
        assert_eq!(contexts.numbers.len(), 2);
    }
}
