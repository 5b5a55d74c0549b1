//! Values while they are worked with.

use std::borrow::Cow;
use std::cmp::Ordering;

use super::expression::{Operation, Order};
use crate::read::tree::{Node, Place, Tree, Value};

/// A value of a frame.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Datum<'t> {
    Uint(u64),
    Int(i64),
    Double(f64),
    Bool(bool),
    Ipv4(u32),
    Ipv6(u128),
    Bytes(Cow<'t, [u8]>),
    Text(Cow<'t, str>),
    /// Nanoseconds since 1970, or of a length of time.
    Time(i128),
}

/// A value that was typed.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Constant {
    Value(Datum<'static>),
    /// An IPv4 network: address and mask.
    Ipv4Net(u32, u32),
    /// An IPv6 network.
    Ipv6Net(u128, u128),
}

/// How far the bytes of a protocol go, as in Wireshark: `ip contains "GET"` finds what `ip[20:3]` does
/// not reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// To the end of its node.
    Own,
    /// To the end of what it carries.
    Payload,
}

impl<'t> Datum<'t> {
    /// The value of a node; of a field without one its bytes.
    pub(super) fn of(node: &Node, tree: &'t Tree, frame: &'t [u8], reach: Reach) -> Self {
        match node.value {
            Value::None | Value::Bytes => Self::Bytes(Cow::Borrowed(tree.bytes(node.place, frame))),
            Value::Protocol { own, all } => {
                let len = match reach {
                    Reach::Own => own,
                    Reach::Payload => all,
                };
                let place = Place { len, ..node.place };
                Self::Bytes(Cow::Borrowed(tree.bytes(place, frame)))
            }
            Value::Bool(value) => Self::Bool(value),
            Value::Uint(number) => Self::Uint(number),
            Value::Int(number) => Self::Int(number),
            Value::Double(number) => Self::Double(number),
            Value::Ipv4(address) => Self::Ipv4(u32::from_be_bytes(address)),
            Value::Ipv6(address) => Self::Ipv6(u128::from_be_bytes(address)),
            Value::Ether(address) => Self::Bytes(Cow::Owned(address.to_vec())),
            Value::Text(range) => Self::Text(Cow::Borrowed(tree.text(range))),
            Value::Time(ts) => Self::Time(i128::from(ts.0)),
            Value::Span(ns) => Self::Time(i128::from(ns)),
        }
    }

    /// The order of two values; `None` if they have none.
    fn order(&self, other: &Self) -> Option<Ordering> {
        Some(match (self, other) {
            (Self::Uint(a), Self::Uint(b)) => a.cmp(b),
            (Self::Int(a), Self::Int(b)) => a.cmp(b),
            (Self::Uint(a), Self::Int(b)) => i128::from(*a).cmp(&i128::from(*b)),
            (Self::Int(a), Self::Uint(b)) => i128::from(*a).cmp(&i128::from(*b)),
            (Self::Double(a), Self::Double(b)) => a.partial_cmp(b)?,
            (Self::Bool(a), Self::Bool(b)) => a.cmp(b),
            (Self::Ipv4(a), Self::Ipv4(b)) => a.cmp(b),
            (Self::Ipv6(a), Self::Ipv6(b)) => a.cmp(b),
            (Self::Text(a), Self::Text(b)) => a.cmp(b),
            (Self::Time(a), Self::Time(b)) => a.cmp(b),
            (a, b) => a.bytes().cmp(&b.bytes()),
        })
    }

    /// Whether the comparison holds.
    pub(super) fn compares(&self, order: Order, other: &Constant) -> bool {
        let masked = match (self, other) {
            (_, Constant::Value(value)) => return self.compares_with(order, value),
            (Self::Ipv4(address), Constant::Ipv4Net(net, mask)) => {
                (address & mask).cmp(&(net & mask))
            }
            (Self::Ipv6(address), Constant::Ipv6Net(net, mask)) => {
                (address & mask).cmp(&(net & mask))
            }
            _ => return false,
        };
        order.holds(masked)
    }

    /// Whether the comparison holds.
    pub(super) fn compares_with(&self, order: Order, other: &Datum<'_>) -> bool {
        self.order(other).is_some_and(|found| order.holds(found))
    }

    /// Its bytes: of numbers and addresses as they are sent.
    pub(super) fn bytes(&self) -> Cow<'_, [u8]> {
        match self {
            Self::Bytes(bytes) => Cow::Borrowed(bytes),
            Self::Text(text) => Cow::Borrowed(text.as_bytes()),
            Self::Ipv4(address) => Cow::Owned(address.to_be_bytes().to_vec()),
            Self::Ipv6(address) => Cow::Owned(address.to_be_bytes().to_vec()),
            Self::Uint(number) => Cow::Owned(number.to_be_bytes().to_vec()),
            Self::Int(number) => Cow::Owned(number.to_be_bytes().to_vec()),
            Self::Bool(value) => Cow::Owned(vec![u8::from(*value)]),
            Self::Double(_) | Self::Time(_) => Cow::Borrowed(&[]),
        }
    }

    /// Whether any bit of it is set.
    pub(super) fn is_not_zero(&self) -> bool {
        match self {
            Self::Uint(number) => *number != 0,
            Self::Int(number) => *number != 0,
            Self::Double(number) => *number != 0.0,
            Self::Time(ns) => *ns != 0,
            other => other.bytes().iter().any(|byte| *byte != 0),
        }
    }

    /// The opposite.
    pub(super) fn negated(self) -> Option<Self> {
        Some(match self {
            Self::Uint(number) => Self::Int(i64::try_from(number).ok()?.checked_neg()?),
            Self::Int(number) => Self::Int(number.checked_neg()?),
            Self::Double(number) => Self::Double(-number),
            Self::Time(ns) => Self::Time(-ns),
            _ => return None,
        })
    }

    /// The same without its sign.
    pub(super) fn absolute(self) -> Option<Self> {
        match self {
            Self::Int(number) if number < 0 => Self::Int(number).negated(),
            Self::Double(number) => Some(Self::Double(number.abs())),
            Self::Time(ns) => Some(Self::Time(ns.abs())),
            same => Some(same),
        }
    }

    /// Two values together; nothing for what cannot be said, such as a division by zero.
    pub(super) fn with(&self, operation: Operation, other: &Datum<'_>) -> Option<Datum<'static>> {
        let wide = |datum: &Datum<'_>| match datum {
            Datum::Uint(number) => Some(i128::from(*number)),
            Datum::Int(number) => Some(i128::from(*number)),
            _ => None,
        };
        if let (Some(a), Some(b)) = (wide(self), wide(other)) {
            let result = match operation {
                Operation::BitAnd => a & b,
                Operation::Add => a + b,
                Operation::Subtract => a - b,
                Operation::Multiply => a.checked_mul(b)?,
                Operation::Divide => a.checked_div(b)?,
                Operation::Remainder => a.checked_rem(b)?,
            };
            return u64::try_from(result)
                .map(Datum::Uint)
                .or_else(|_negative| i64::try_from(result).map(Datum::Int))
                .ok();
        }
        match (self, other) {
            (Self::Double(a), Datum::Double(b)) => Some(Datum::Double(match operation {
                Operation::Add => a + b,
                Operation::Subtract => a - b,
                Operation::Multiply => a * b,
                Operation::Divide => a / b,
                Operation::Remainder => a % b,
                Operation::BitAnd => return None,
            })),
            (Self::Time(a), Datum::Time(b)) => match operation {
                Operation::Add => Some(Datum::Time(a + b)),
                Operation::Subtract => Some(Datum::Time(a - b)),
                _ => None,
            },
            _ if operation == Operation::BitAnd => {
                let both = self.bytes();
                let mask = other.bytes();
                let bytes = both.iter().zip(mask.iter()).map(|(a, b)| a & b).collect();
                Some(Datum::Bytes(Cow::Owned(bytes)))
            }
            _ => None,
        }
    }
}

impl Order {
    fn holds(self, found: Ordering) -> bool {
        match self {
            Self::Equal => found.is_eq(),
            Self::NotEqual => found.is_ne(),
            Self::Less => found.is_lt(),
            Self::LessOrEqual => found.is_le(),
            Self::Greater => found.is_gt(),
            Self::GreaterOrEqual => found.is_ge(),
        }
    }
}
