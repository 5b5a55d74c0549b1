//! Looks up fields, and gives literals the type of what they are compared with.

use regex::bytes::RegexBuilder;

use super::datum::{Constant, Datum};
use super::error::{Located, Span};
use super::expression::{
    Case, Entity, Extreme, Fields, Form, Operation, Order, Pattern, Relation, Source, Test, Type,
    Written,
};
use super::literal::{self, Typed};
use crate::read::field::{FieldId, Kind};
use crate::read::registry;
use crate::read::tree::Wanted;

/// The largest compiled regular expression, in bytes.
const REGEX_BYTES: usize = 1 << 20;

type Checked<T> = Result<T, Located>;

/// Gives a test its fields and types; what it needs is added to `wanted`.
pub(super) fn test(written: Written, wanted: &mut Wanted) -> Checked<Test> {
    let mut two = |a: Box<Written>, b: Box<Written>| -> Checked<(Box<Test>, Box<Test>)> {
        Ok((Box::new(test(*a, wanted)?), Box::new(test(*b, wanted)?)))
    };
    Ok(match written {
        Written::Anything => Test::Anything,
        Written::And(a, b) => {
            let (a, b) = two(a, b)?;
            Test::And(a, b)
        }
        Written::Or(a, b) => {
            let (a, b) = two(a, b)?;
            Test::Or(a, b)
        }
        Written::Xor(a, b) => {
            let (a, b) = two(a, b)?;
            Test::Xor(a, b)
        }
        Written::Not(inner) => Test::Not(Box::new(test(*inner, wanted)?)),
        Written::Exists(entity) => exists(entity, wanted)?,
        Written::Compare(a, relation, b) => compare(a, relation, b, wanted)?,
        Written::Contains(a, b) => contains(a, b, wanted)?,
        Written::Matches(a, pattern) => {
            let (source, _) = source(a, wanted)?;
            Test::Matches(source, regex(&pattern)?)
        }
        Written::In(entity, members) => {
            let span = entity.span;
            let (left, kind) = source(entity, wanted)?;
            let mut member = |entity: Entity| against(entity, kind, span, wanted);
            let members = members
                .into_iter()
                .map(|(low, high)| Ok((member(low)?, high.map(&mut member).transpose()?)))
                .collect::<Checked<_>>()?;
            Test::In(left, members)
        }
    })
}

fn exists(entity: Entity, wanted: &mut Wanted) -> Checked<Test> {
    let span = entity.span;
    let is_sum = matches!(entity.form, Form::Arithmetic(..) | Form::Function(..));
    let (source, _) = source(entity, wanted)?;
    match source {
        Source::Fields(fields) => Ok(Test::Exists(fields)),
        Source::Slice(..) => Ok(Test::Contains(
            source,
            Source::Constant(Constant::Value(Datum::Bytes(Vec::new().into()))),
        )),
        _ if is_sum => Ok(Test::NotZero(source)),
        _ => Err(Located::new(span, "this is neither a field nor a protocol")),
    }
}

fn compare(a: Entity, relation: Relation, b: Entity, wanted: &mut Wanted) -> Checked<Test> {
    let span = a.span;
    if a.is_literal() && !b.is_literal() {
        // `80 == tcp.port`
        let span = b.span;
        let (right, kind) = source(b, wanted)?;
        let left = against(a, kind, span, wanted)?;
        let relation = Relation {
            order: relation.order.reversed(),
            ..relation
        };
        return Ok(Test::Compare(right, relation, left));
    }
    let (left, kind) = source(a, wanted)?;
    let right = against(b, kind, span, wanted)?;
    Ok(Test::Compare(left, relation, right))
}

fn contains(a: Entity, b: Entity, wanted: &mut Wanted) -> Checked<Test> {
    let span = a.span;
    let (left, kind) = source(a, wanted)?;
    match kind.kind {
        Kind::String | Kind::Bytes | Kind::Protocol | Kind::None | Kind::Ether => {}
        _ => {
            return Err(Located::new(
                span,
                "contains looks into text and bytes, and this is neither",
            )
            .hint("a slice is bytes: ip.src[0:2] contains 0a:01"));
        }
    }
    // Text is looked for as bytes, and what is looked for in a MAC address can be shorter.
    let kind = Type {
        kind: match kind.kind {
            Kind::String => Kind::String,
            _ => Kind::Bytes,
        },
        names: None,
    };
    let right = against(b, kind, span, wanted)?;
    Ok(Test::Contains(left, right))
}

fn regex(pattern: &Pattern) -> Checked<regex::bytes::Regex> {
    RegexBuilder::new(&pattern.text)
        .case_insensitive(true)
        .unicode(false)
        .size_limit(REGEX_BYTES)
        .build()
        .map_err(|error| {
            let text = error.to_string();
            let last = text.lines().last().unwrap_or("it is wrong");
            let reason = last.strip_prefix("error: ").unwrap_or(last);
            Located::new(
                pattern.span,
                format!("this is no regular expression: {reason}"),
            )
        })
}

/// An entity that is compared with something of this type.
fn against(entity: Entity, kind: Type, other: Span, wanted: &mut Wanted) -> Checked<Source> {
    let span = entity.span;
    if let Some(typed) = entity.typed() {
        // What is a field is one, unless it can only be a value.
        let is_field = match typed {
            Typed::Plain(text) => registry::by_name(text).next().is_some(),
            _ => false,
        };
        if !is_field {
            return literal::constant(typed, kind)
                .map(Source::Constant)
                .map_err(|message| Located::new(span, message));
        }
        // `ip.proto == tcp` means the value.
        if let Typed::Plain(text) = typed
            && kind.names.is_some()
            && !text.contains('.')
            && let Ok(constant) = literal::constant(typed, kind)
        {
            return Ok(Source::Constant(constant));
        }
    }
    if let Form::Negative(inner) = &entity.form
        && let Some(Typed::Plain(digits)) = inner.typed()
    {
        let text = format!("-{digits}");
        return literal::constant(Typed::Plain(&text), kind)
            .map(Source::Constant)
            .map_err(|message| Located::new(span, message));
    }
    let (source, found) = source(entity, wanted)?;
    if class(found.kind) != class(kind.kind) {
        return Err(Located::new(
            span,
            format!(
                "this is {}, and what it is compared with is {}",
                found.kind.describe(),
                kind.kind.describe()
            ),
        )
        .hint(format!(
            "they begin in columns {} and {}",
            other.start + 1,
            span.start + 1
        )));
    }
    Ok(source)
}

/// Something that has values, and their type.
fn source(entity: Entity, wanted: &mut Wanted) -> Checked<(Source, Type)> {
    let span = entity.span;
    match entity.form {
        Form::Plain(name) => {
            let (fields, kind) = fields(&name, span)?;
            for id in &fields.ids {
                wanted.add(*id);
            }
            Ok((Source::Fields(fields), kind))
        }
        Form::Quoted(_) | Form::Character(_) => Err(Located::new(
            span,
            "this is a value; a field has to be here",
        )),
        Form::Negative(inner) => {
            let (inner, kind) = source(*inner, wanted)?;
            Ok((Source::Negative(Box::new(inner)), signed(kind)))
        }
        Form::Layer(inner, layers) => {
            let (inner, kind) = source(*inner, wanted)?;
            let Source::Fields(mut fields) = inner else {
                return Err(Located::new(span, "only a field has layers"));
            };
            for id in &fields.ids {
                // Layers are counted by the protocol's own entries.
                wanted.add(FieldId { index: 0, ..*id });
            }
            fields.layers = layers;
            Ok((Source::Fields(fields), kind))
        }
        Form::Slice(inner, ranges) => {
            let (inner, _) = source(*inner, wanted)?;
            Ok((Source::Slice(Box::new(inner), ranges), of(Kind::Bytes)))
        }
        Form::Arithmetic(a, operation, b) => {
            let (a_span, b_span) = (a.span, b.span);
            let (first, second) = if a.is_literal() && !b.is_literal() {
                let (second, kind) = source(*b, wanted)?;
                let first = against(*a, kind, b_span, wanted)?;
                return Ok((
                    Source::Arithmetic(Box::new(first), operation, Box::new(second)),
                    kind,
                ));
            } else {
                (*a, *b)
            };
            let (first, kind) = source(first, wanted)?;
            let sums = matches!(
                kind.kind,
                Kind::Uint(_)
                    | Kind::Int(_)
                    | Kind::FrameNumber
                    | Kind::Double
                    | Kind::RelativeTime
                    | Kind::AbsoluteTime
            );
            if operation != Operation::BitAnd && !sums {
                return Err(Located::new(
                    a_span,
                    format!(
                        "this is {}; one cannot calculate with it",
                        kind.kind.describe()
                    ),
                ));
            }
            // What comes out need not be one of the field's values.
            let kind = widened(kind);
            let second = against(second, kind, a_span, wanted)?;
            Ok((
                Source::Arithmetic(Box::new(first), operation, Box::new(second)),
                kind,
            ))
        }
        Form::Function(name, arguments) => function(&name, arguments, span, wanted),
    }
}

fn function(
    name: &str,
    arguments: Vec<Entity>,
    span: Span,
    wanted: &mut Wanted,
) -> Checked<(Source, Type)> {
    let mut sources = arguments
        .into_iter()
        .map(|argument| source(argument, wanted))
        .collect::<Checked<Vec<_>>>()?;
    let extreme = match name {
        "max" => Some(Extreme::Largest),
        "min" => Some(Extreme::Smallest),
        _ => None,
    };
    if let Some(extreme) = extreme {
        let Some((_, kind)) = sources.first() else {
            return Err(Located::new(
                span,
                format!("{name} wants at least one field"),
            ));
        };
        let kind = *kind;
        let sources = sources.into_iter().map(|(source, _)| source).collect();
        return Ok((Source::Extreme(sources, extreme), kind));
    }
    let (Some((source, kind)), true) = (sources.pop(), sources.is_empty()) else {
        return Err(Located::new(span, format!("{name} wants one field")));
    };
    let inner = Box::new(source);
    Ok(match name {
        "len" => (Source::Len(inner), of(Kind::Uint(32))),
        "upper" => (Source::Case(inner, Case::Upper), of(Kind::String)),
        "lower" => (Source::Case(inner, Case::Lower), of(Kind::String)),
        "string" => (Source::Text(inner), of(Kind::String)),
        "abs" => (Source::Absolute(inner), kind),
        "count" => match *inner {
            Source::Fields(fields) => (Source::Count(fields), of(Kind::Uint(32))),
            _ => return Err(Located::new(span, "count wants a field")),
        },
        _ => {
            return Err(Located::new(span, format!("there is no function {name}"))
                .hint("there are len, count, upper, lower, string, max, min and abs"));
        }
    })
}

/// The fields of a name, or names that are near it.
fn fields(name: &str, span: Span) -> Checked<(Fields, Type)> {
    let ids: Vec<FieldId> = registry::by_name(name).collect();
    let Some(first) = ids.first() else {
        let error = Located::new(span, format!("{name:?} is neither a field nor a protocol"));
        let near = registry::nearest(name);
        return Err(if near.is_empty() {
            error.hint("`capture fields [PATTERN]` lists all fields")
        } else {
            error.hint(format!("did you mean {}?", near.join(", ")))
        });
    };
    let field = first.field();
    let kind = Type {
        kind: field.kind,
        names: field.names,
    };
    let layers = Vec::new();
    Ok((Fields { ids, layers }, kind))
}

const fn of(kind: Kind) -> Type {
    Type { kind, names: None }
}

/// Room for what a sum can come to.
const fn widened(kind: Type) -> Type {
    match kind.kind {
        Kind::Uint(_) | Kind::FrameNumber => of(Kind::Uint(64)),
        Kind::Int(_) => of(Kind::Int(64)),
        other => of(other),
    }
}

const fn signed(kind: Type) -> Type {
    match kind.kind {
        Kind::Uint(_) | Kind::FrameNumber | Kind::Int(_) => of(Kind::Int(64)),
        other => of(other),
    }
}

/// What can be compared with one another.
const fn class(kind: Kind) -> u8 {
    match kind {
        Kind::Uint(_) | Kind::Int(_) | Kind::FrameNumber => 0,
        Kind::Bool => 1,
        Kind::Double => 2,
        Kind::Ipv4 => 3,
        Kind::Ipv6 => 4,
        Kind::String => 5,
        Kind::AbsoluteTime => 6,
        Kind::RelativeTime => 7,
        Kind::Ether | Kind::Bytes | Kind::Protocol | Kind::None => 8,
    }
}

impl Kind {
    /// What it is, in a sentence.
    const fn describe(self) -> &'static str {
        match self {
            Self::Protocol => "a protocol",
            Self::None => "a mark without a value",
            Self::Bool => "true or false",
            Self::Uint(_) | Self::Int(_) | Self::FrameNumber => "a number",
            Self::Double => "a number with a fraction",
            Self::Ipv4 => "an IPv4 address",
            Self::Ipv6 => "an IPv6 address",
            Self::Ether => "a MAC address",
            Self::Bytes => "bytes",
            Self::String => "text",
            Self::AbsoluteTime => "a moment",
            Self::RelativeTime => "a length of time",
        }
    }
}

impl Order {
    const fn reversed(self) -> Self {
        match self {
            Self::Equal | Self::NotEqual => self,
            Self::Less => Self::Greater,
            Self::LessOrEqual => Self::GreaterOrEqual,
            Self::Greater => Self::Less,
            Self::GreaterOrEqual => Self::LessOrEqual,
        }
    }
}

impl Entity {
    /// The value that was typed, if that is what it is.
    fn typed(&self) -> Option<Typed<'_>> {
        match &self.form {
            Form::Plain(text) => Some(Typed::Plain(text)),
            Form::Quoted(text) => Some(Typed::Quoted(text)),
            Form::Character(byte) => Some(Typed::Character(*byte)),
            _ => None,
        }
    }

    fn is_literal(&self) -> bool {
        match &self.form {
            Form::Plain(text) => {
                registry::by_name(text).next().is_none()
                    && !text.starts_with(|c: char| c.is_ascii_alphabetic())
            }
            Form::Quoted(_) | Form::Character(_) => true,
            _ => false,
        }
    }
}
