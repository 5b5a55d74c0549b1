//! The forms that a filter is given: as it was written, and with its fields and types.

use regex::bytes::Regex;

use super::datum::Constant;
use super::error::Span;
use super::lexer::Range;
use crate::read::field::{FieldId, Kind};

/// A test as it was written.
#[derive(Clone, Debug)]
pub(super) enum Written {
    /// Everything matches.
    Anything,
    Not(Box<Self>),
    And(Box<Self>, Box<Self>),
    Or(Box<Self>, Box<Self>),
    Xor(Box<Self>, Box<Self>),
    /// Something is there.
    Exists(Entity),
    Compare(Entity, Relation, Entity),
    Contains(Entity, Entity),
    Matches(Entity, Pattern),
    In(Entity, Vec<(Entity, Option<Entity>)>),
}

/// A regular expression as it was written.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    pub(super) text: String,
    pub(super) span: Span,
}

/// A comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Relation {
    pub(super) order: Order,
    pub(super) quantity: Quantity,
}

/// How two values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// For how many of a field's values it has to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quantity {
    Any,
    All,
}

/// Something that has values, as it was written.
#[derive(Clone, Debug)]
pub(super) struct Entity {
    pub(super) form: Form,
    pub(super) span: Span,
}

/// What an entity is.
#[derive(Clone, Debug)]
pub(super) enum Form {
    /// A word: a field, or a value.
    Plain(String),
    Quoted(Vec<u8>),
    Character(u8),
    /// `-value`
    Negative(Box<Entity>),
    Slice(Box<Entity>, Vec<Range>),
    /// `field#layer`
    Layer(Box<Entity>, Vec<i64>),
    Arithmetic(Box<Entity>, Operation, Box<Entity>),
    Function(String, Vec<Entity>),
}

/// Arithmetic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    BitAnd,
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

/// A test with fields and types.
#[derive(Clone, Debug)]
pub(super) enum Test {
    Anything,
    Not(Box<Self>),
    And(Box<Self>, Box<Self>),
    Or(Box<Self>, Box<Self>),
    Xor(Box<Self>, Box<Self>),
    Exists(Fields),
    /// Any of its values is not zero.
    NotZero(Source),
    Compare(Source, Relation, Source),
    Contains(Source, Source),
    Matches(Source, Regex),
    In(Source, Vec<(Source, Option<Source>)>),
}

/// The fields of one name, perhaps of certain layers only.
#[derive(Clone, Debug)]
pub(super) struct Fields {
    pub(super) ids: Vec<FieldId>,
    /// Numbers of layers of the protocol from 1, or from the last one down from -1; empty for all.
    pub(super) layers: Vec<i64>,
}

/// Something that has values.
#[derive(Clone, Debug)]
pub(super) enum Source {
    Fields(Fields),
    Constant(Constant),
    Slice(Box<Self>, Vec<Range>),
    Negative(Box<Self>),
    Arithmetic(Box<Self>, Operation, Box<Self>),
    Len(Box<Self>),
    Count(Fields),
    Case(Box<Self>, Case),
    Text(Box<Self>),
    Extreme(Vec<Self>, Extreme),
    Absolute(Box<Self>),
}

/// What case text is changed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Case {
    Upper,
    Lower,
}

/// Which value of all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extreme {
    Largest,
    Smallest,
}

/// Type of an entity, with the field that it comes from: values can have names there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Type {
    pub(super) kind: Kind,
    pub(super) names: Option<fn(u64) -> Option<&'static str>>,
}
