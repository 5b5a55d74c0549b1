//! Whether a frame matches.

use std::borrow::Cow;

use super::datum::{Constant, Datum, Reach};
use super::expression::{Case, Extreme, Fields, Order, Quantity, Relation, Source, Test};
use super::lexer::{End, Range};
use crate::read::tree::{Node, Tree};

/// A frame that is asked.
#[derive(Clone, Copy)]
struct Asked<'t> {
    tree: &'t Tree,
    frame: &'t [u8],
    reach: Reach,
}

/// Whether a frame matches.
pub(super) fn matches(test: &Test, tree: &Tree, frame: &[u8]) -> bool {
    let reach = Reach::Own;
    Asked { tree, frame, reach }.matches(test)
}

impl<'t> Asked<'t> {
    /// What is looked for in a protocol is looked for in what it carries too.
    const fn with_payload(self) -> Self {
        let reach = Reach::Payload;
        Self { reach, ..self }
    }

    /// Parts of a protocol are parts of its header.
    const fn without_payload(self) -> Self {
        let reach = Reach::Own;
        Self { reach, ..self }
    }

    fn matches(self, test: &Test) -> bool {
        match test {
            Test::Anything => true,
            Test::Not(inner) => !self.matches(inner),
            Test::And(a, b) => self.matches(a) && self.matches(b),
            Test::Or(a, b) => self.matches(a) || self.matches(b),
            Test::Xor(a, b) => self.matches(a) != self.matches(b),
            Test::Exists(fields) => self.nodes(fields).next().is_some(),
            Test::NotZero(source) => self.any(source, Datum::is_not_zero),
            Test::Compare(left, relation, right) => self.compares(left, *relation, right),
            Test::Contains(left, right) => self.with_payload().any(left, |value| {
                self.any(right, |part| contains(&value.bytes(), &part.bytes()))
            }),
            Test::Matches(source, regex) => self
                .with_payload()
                .any(source, |value| regex.is_match(&value.bytes())),
            Test::In(source, members) => self.any(source, |value| {
                members.iter().any(|(low, high)| match high {
                    None => self.compares_one(value, Order::Equal, low),
                    Some(high) => {
                        self.compares_one(value, Order::GreaterOrEqual, low)
                            && self.compares_one(value, Order::LessOrEqual, high)
                    }
                })
            }),
        }
    }

    fn compares(self, left: &Source, relation: Relation, right: &Source) -> bool {
        let Relation { order, quantity } = relation;
        match quantity {
            Quantity::Any => self.any(left, |value| self.compares_one(value, order, right)),
            Quantity::All => {
                // What is not there is not different.
                let mut found = false;
                let holds = self.all(left, |value| {
                    found = true;
                    match right {
                        Source::Constant(constant) => value.compares(order, constant),
                        _ => self.all(right, |other| value.compares_with(order, other)),
                    }
                });
                let other_found = matches!(right, Source::Constant(_)) || self.any(right, |_| true);
                found && other_found && holds
            }
        }
    }

    /// Whether it holds between a value and any of the other side's.
    fn compares_one(self, value: &Datum<'_>, order: Order, right: &Source) -> bool {
        match right {
            Source::Constant(constant) => value.compares(order, constant),
            _ => self.any(right, |other| value.compares_with(order, other)),
        }
    }

    fn any(self, source: &Source, mut holds: impl FnMut(&Datum<'t>) -> bool) -> bool {
        self.each(source, &mut |value| !holds(&value)).is_break()
    }

    fn all(self, source: &Source, mut holds: impl FnMut(&Datum<'t>) -> bool) -> bool {
        self.each(source, &mut |value| holds(&value)).is_continue()
    }

    /// The nodes of a field, of those layers that are asked for.
    fn nodes<'f>(self, fields: &'f Fields) -> impl Iterator<Item = &'t Node> + use<'t, 'f> {
        let tree = self.tree;
        let total = if fields.layers.iter().any(|layer| *layer < 0) {
            let counted = tree.nodes().iter();
            counted.filter(|node| fields.is_layer(node)).count()
        } else {
            0
        };
        let mut layer = 0;
        tree.nodes().iter().filter(move |node| {
            if fields.is_layer(node) {
                layer += 1;
            }
            fields.ids.contains(&node.field) && fields.is_in(layer, total)
        })
    }

    /// Gives the values of a source one by one, until `take` says no.
    fn each(
        self,
        source: &Source,
        take: &mut dyn FnMut(Datum<'t>) -> bool,
    ) -> std::ops::ControlFlow<()> {
        use std::ops::ControlFlow::{Break, Continue};
        let mut give = |value: Datum<'t>| if take(value) { Continue(()) } else { Break(()) };
        match source {
            Source::Fields(fields) => {
                for node in self.nodes(fields) {
                    give(Datum::of(node, self.tree, self.frame, self.reach))?;
                }
                Continue(())
            }
            Source::Constant(Constant::Value(value)) => give(value.clone()),
            // Networks are compared with, and nothing else.
            Source::Constant(_) => Continue(()),
            Source::Slice(inner, ranges) => self.without_payload().derive(inner, give, |value| {
                slice(&value.bytes(), ranges).map(|bytes| Datum::Bytes(Cow::Owned(bytes)))
            }),
            Source::Negative(inner) => self.derive(inner, give, Datum::negated),
            Source::Absolute(inner) => self.derive(inner, give, Datum::absolute),
            Source::Len(inner) => self.without_payload().derive(inner, give, |value| {
                Some(Datum::Uint(value.bytes().len() as u64))
            }),
            Source::Case(inner, case) => self.derive(inner, give, |value| {
                let bytes = value.bytes();
                let text = String::from_utf8_lossy(&bytes);
                Some(Datum::Text(Cow::Owned(match case {
                    Case::Upper => text.to_ascii_uppercase(),
                    Case::Lower => text.to_ascii_lowercase(),
                })))
            }),
            Source::Text(inner) => self.texts(inner, &mut give),
            Source::Count(fields) => match self.nodes(fields).count() {
                0 => Continue(()),
                count => give(Datum::Uint(count as u64)),
            },
            Source::Arithmetic(a, operation, b) => self.each_break(a, &mut |left| {
                self.each_break(b, &mut |right| match left.with(*operation, &right) {
                    Some(value) => give(value),
                    None => Continue(()),
                })
            }),
            Source::Extreme(sources, extreme) => {
                let mut best: Option<Datum<'t>> = None;
                for source in sources {
                    let _all = self.each(source, &mut |value| {
                        let order = match extreme {
                            Extreme::Largest => Order::Greater,
                            Extreme::Smallest => Order::Less,
                        };
                        if best
                            .as_ref()
                            .is_none_or(|best| value.compares_with(order, best))
                        {
                            best = Some(value);
                        }
                        true
                    });
                }
                best.map_or(Continue(()), give)
            }
        }
    }

    fn each_break(
        self,
        source: &Source,
        take: &mut dyn FnMut(Datum<'t>) -> std::ops::ControlFlow<()>,
    ) -> std::ops::ControlFlow<()> {
        self.each(source, &mut |value| take(value).is_continue())
    }

    /// Values that are made of others, one of each.
    fn derive(
        self,
        inner: &Source,
        mut give: impl FnMut(Datum<'t>) -> std::ops::ControlFlow<()>,
        make: impl Fn(Datum<'t>) -> Option<Datum<'t>>,
    ) -> std::ops::ControlFlow<()> {
        self.each_break(inner, &mut |value| match make(value) {
            Some(value) => give(value),
            None => std::ops::ControlFlow::Continue(()),
        })
    }

    /// The values of fields as they are printed.
    fn texts(
        self,
        inner: &Source,
        give: &mut dyn FnMut(Datum<'t>) -> std::ops::ControlFlow<()>,
    ) -> std::ops::ControlFlow<()> {
        let Source::Fields(fields) = inner else {
            return self.derive(inner, give, |value| match value {
                Datum::Text(_) => Some(value),
                Datum::Uint(number) => Some(Datum::Text(Cow::Owned(number.to_string()))),
                Datum::Int(number) => Some(Datum::Text(Cow::Owned(number.to_string()))),
                Datum::Double(number) => Some(Datum::Text(Cow::Owned(number.to_string()))),
                _ => None,
            });
        };
        for node in self.nodes(fields) {
            let mut text = String::new();
            crate::read::print_value(node, self.tree, self.frame, &mut text);
            give(Datum::Text(Cow::Owned(text)))?;
        }
        std::ops::ControlFlow::Continue(())
    }
}

impl Fields {
    /// Whether a node begins a layer of the field's protocol.
    fn is_layer(&self, node: &Node) -> bool {
        !self.layers.is_empty()
            && node.field.is_protocol()
            && self.ids.iter().any(|id| id.protocol == node.field.protocol)
    }

    fn is_in(&self, layer: i64, total: usize) -> bool {
        let from_end = layer - i64::try_from(total).unwrap_or(i64::MAX) - 1;
        self.layers.is_empty()
            || self
                .layers
                .iter()
                .any(|wanted| *wanted == layer || *wanted == from_end)
    }
}

/// The parts of a slice, one after the other; nothing if one of them is not there.
fn slice(bytes: &[u8], ranges: &[Range]) -> Option<Vec<u8>> {
    let mut all = Vec::new();
    let place = |offset: i64| {
        if offset < 0 {
            bytes.len().checked_sub(usize::try_from(-offset).ok()?)
        } else {
            usize::try_from(offset).ok()
        }
    };
    for range in ranges {
        let start = place(range.start)?;
        let end = match range.end {
            End::Open => bytes.len(),
            End::Len(len) => start.checked_add(usize::try_from(len).ok()?)?,
            End::At(last) => place(last)?.checked_add(1)?,
        };
        let part = bytes.get(start..end)?;
        if part.is_empty() {
            return None;
        }
        all.extend_from_slice(part);
    }
    Some(all)
}

/// Whether some bytes are in others.
fn contains(bytes: &[u8], part: &[u8]) -> bool {
    match part {
        [] => true,
        [first, ..] => {
            let mut rest = bytes;
            while let Some(at) = rest.iter().position(|byte| byte == first) {
                rest = &rest[at..];
                if rest.starts_with(part) {
                    return true;
                }
                rest = &rest[1..];
            }
            false
        }
    }
}
