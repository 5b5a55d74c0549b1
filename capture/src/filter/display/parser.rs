//! What a filter's words mean, by the grammar of Wireshark 4.0: `or` binds least, then `xor`, `and`,
//! `not`, comparisons, `&`, sums, products.

use super::error::{Located, Span};
use super::expression::{Entity, Form, Operation, Order, Pattern, Quantity, Relation, Written};
use super::lexer::{Sign, Token, Word};

/// Brackets, `not`, and the terms of a sum, that can lie in one another: what the stack has room for.
const DEEPEST: usize = 200;

/// Puts the words of a filter together. `len` is the length of its text.
pub(super) fn parse(words: &[Word], len: usize) -> Result<Written, Located> {
    if words.is_empty() {
        return Ok(Written::Anything);
    }
    let mut parser = Parser {
        words,
        at: 0,
        len,
        depth: 0,
    };
    let written = parser.or()?;
    match parser.peek() {
        None => Ok(written),
        Some(word) => Err(unexpected(word)),
    }
}

/// Tests joined by words of one kind, as a tree that is no deeper than it has to be: a filter can have
/// thousands of them, and whoever walks the tree has one stack. The order stays.
fn joined(mut terms: Vec<Written>, join: fn(Box<Written>, Box<Written>) -> Written) -> Written {
    while terms.len() > 1 {
        let mut pairs = Vec::with_capacity(terms.len().div_ceil(2));
        let mut rest = terms.into_iter();
        while let Some(first) = rest.next() {
            pairs.push(match rest.next() {
                Some(second) => join(Box::new(first), Box::new(second)),
                None => first,
            });
        }
        terms = pairs;
    }
    terms.pop().unwrap_or(Written::Anything)
}

struct Parser<'w> {
    words: &'w [Word],
    at: usize,
    len: usize,
    depth: usize,
}

fn unexpected(word: &Word) -> Located {
    let error = Located::new(word.span, "this does not belong here");
    match &word.token {
        Token::Plain(text) if text == "=" => error.hint("equality is =="),
        Token::Plain(_) | Token::Quoted { .. } => {
            error.hint("two tests need and, or or xor between them; a set has commas")
        }
        _ => error,
    }
}

impl<'w> Parser<'w> {
    fn peek(&self) -> Option<&'w Word> {
        self.words.get(self.at)
    }

    fn sign(&self) -> Option<Sign> {
        match self.peek()?.token {
            Token::Sign(sign) => Some(sign),
            _ => None,
        }
    }

    /// Takes this sign if it comes next.
    fn takes(&mut self, sign: Sign) -> bool {
        let found = self.sign() == Some(sign);
        self.at += usize::from(found);
        found
    }

    fn next(&mut self) -> Result<&'w Word, Located> {
        let word = self.peek().ok_or_else(|| self.ended())?;
        self.at += 1;
        Ok(word)
    }

    fn ended(&self) -> Located {
        let span = Span {
            start: self.len,
            end: self.len,
        };
        Located::new(span, "the filter ends here, and something is missing")
    }

    fn expect(&mut self, sign: Sign, what: &str) -> Result<(), Located> {
        if self.takes(sign) {
            return Ok(());
        }
        match self.peek() {
            None => Err(self.ended().hint(format!("{what} is missing"))),
            Some(word) => Err(Located::new(word.span, format!("{what} is missing here"))),
        }
    }

    /// Goes one level down, if it is not too deep.
    fn deeper(&mut self) -> Result<(), Located> {
        self.depth += 1;
        if self.depth <= DEEPEST {
            return Ok(());
        }
        let span = self.peek().map_or_else(Span::default, |word| word.span);
        Err(Located::new(span, "the filter is nested too deeply"))
    }

    fn or(&mut self) -> Result<Written, Located> {
        self.deeper()?;
        let mut terms = vec![self.xor()?];
        while self.takes(Sign::Or) {
            terms.push(self.xor()?);
        }
        self.depth -= 1;
        Ok(joined(terms, Written::Or))
    }

    fn xor(&mut self) -> Result<Written, Located> {
        let mut terms = vec![self.and()?];
        while self.takes(Sign::Xor) {
            terms.push(self.and()?);
        }
        Ok(joined(terms, Written::Xor))
    }

    fn and(&mut self) -> Result<Written, Located> {
        let mut terms = vec![self.not()?];
        while self.takes(Sign::And) {
            terms.push(self.not()?);
        }
        Ok(joined(terms, Written::And))
    }

    fn not(&mut self) -> Result<Written, Located> {
        if self.takes(Sign::Not) {
            self.deeper()?;
            let inner = self.not()?;
            self.depth -= 1;
            return Ok(Written::Not(Box::new(inner)));
        }
        if self.takes(Sign::Open) {
            let inner = self.or()?;
            self.expect(Sign::Close, "a closing bracket )")?;
            return Ok(inner);
        }
        self.test()
    }

    fn test(&mut self) -> Result<Written, Located> {
        let quantity = match self.sign() {
            Some(Sign::All) => Some(Quantity::All),
            Some(Sign::Any) => Some(Quantity::Any),
            _ => None,
        };
        self.at += usize::from(quantity.is_some());
        let left = self.entity()?;
        if self.takes(Sign::Contains) {
            let right = self.entity()?;
            return Ok(Written::Contains(left, right));
        }
        if self.takes(Sign::Matches) {
            return Ok(Written::Matches(left, self.pattern()?));
        }
        if self.takes(Sign::In) {
            return Ok(Written::In(left, self.set()?));
        }
        let not_in = self.sign() == Some(Sign::Not)
            && matches!(
                self.words.get(self.at + 1),
                Some(Word {
                    token: Token::Sign(Sign::In),
                    ..
                })
            );
        if not_in {
            self.at += 2;
            return Ok(Written::Not(Box::new(Written::In(left, self.set()?))));
        }
        self.comparisons(left, quantity)
    }

    /// `a == b`, `a < b < c`, or that `a` is there.
    fn comparisons(
        &mut self,
        first: Entity,
        quantity: Option<Quantity>,
    ) -> Result<Written, Located> {
        let mut left = first;
        let mut all = Vec::new();
        while let Some(mut relation) = self.relation() {
            self.at += 1;
            if let Some(quantity) = quantity {
                relation.quantity = quantity;
            }
            let right = self.entity()?;
            all.push(Written::Compare(left, relation, right.clone()));
            left = right;
        }
        if all.is_empty() {
            return Ok(Written::Exists(left));
        }
        Ok(joined(all, Written::And))
    }

    fn relation(&self) -> Option<Relation> {
        let (order, quantity) = match self.sign()? {
            Sign::Equal => (Order::Equal, Quantity::Any),
            Sign::AllEqual => (Order::Equal, Quantity::All),
            // Since 4.0: of several values none may be equal.
            Sign::NotEqual => (Order::NotEqual, Quantity::All),
            Sign::AnyNotEqual => (Order::NotEqual, Quantity::Any),
            Sign::Less => (Order::Less, Quantity::Any),
            Sign::LessOrEqual => (Order::LessOrEqual, Quantity::Any),
            Sign::Greater => (Order::Greater, Quantity::Any),
            Sign::GreaterOrEqual => (Order::GreaterOrEqual, Quantity::Any),
            _ => return None,
        };
        Some(Relation { order, quantity })
    }

    fn pattern(&mut self) -> Result<Pattern, Located> {
        let word = self.next()?;
        match &word.token {
            Token::Quoted { pattern, .. } => Ok(Pattern {
                text: pattern.clone(),
                span: word.span,
            }),
            _ => Err(
                Located::new(word.span, "matches wants a regular expression")
                    .hint("in double quotes: http.host matches \"\\.org$\""),
            ),
        }
    }

    /// `{1, 3..5}`; commas can be left out.
    fn set(&mut self) -> Result<Vec<(Entity, Option<Entity>)>, Located> {
        self.expect(
            Sign::OpenBrace,
            "a set in braces, such as {80, 8000..8080},",
        )?;
        let mut members = Vec::new();
        loop {
            let low = self.entity()?;
            let high = if self.takes(Sign::Dots) {
                Some(self.entity()?)
            } else {
                None
            };
            members.push((low, high));
            if self.takes(Sign::CloseBrace) {
                return Ok(members);
            }
            if !self.takes(Sign::Comma) && self.peek().is_none() {
                return Err(self.ended().hint("a closing brace } is missing"));
            }
        }
    }

    fn entity(&mut self) -> Result<Entity, Located> {
        // Each term of a sum goes one level down, and so does each suffix; all come up here.
        let depth = self.depth;
        self.deeper()?;
        let mut left = self.sum()?;
        while self.takes(Sign::BitAnd) {
            self.deeper()?;
            let right = self.sum()?;
            left = arithmetic(left, Operation::BitAnd, right);
        }
        self.depth = depth;
        Ok(left)
    }

    fn sum(&mut self) -> Result<Entity, Located> {
        let mut left = self.product()?;
        loop {
            let operation = match self.sign() {
                Some(Sign::Plus) => Operation::Add,
                Some(Sign::Minus) => Operation::Subtract,
                _ => return Ok(left),
            };
            self.deeper()?;
            self.at += 1;
            left = arithmetic(left, operation, self.product()?);
        }
    }

    fn product(&mut self) -> Result<Entity, Located> {
        let mut left = self.primary()?;
        loop {
            let operation = match self.sign() {
                Some(Sign::Star) => Operation::Multiply,
                Some(Sign::Slash) => Operation::Divide,
                Some(Sign::Percent) => Operation::Remainder,
                _ => return Ok(left),
            };
            self.deeper()?;
            self.at += 1;
            left = arithmetic(left, operation, self.primary()?);
        }
    }

    fn primary(&mut self) -> Result<Entity, Located> {
        let word = self.next()?;
        let mut span = word.span;
        let form = match &word.token {
            Token::Plain(text) if self.sign() == Some(Sign::Open) => {
                self.at += 1;
                let arguments = self.arguments()?;
                span = span.to(self.words[self.at - 1].span);
                Form::Function(text.clone(), arguments)
            }
            Token::Plain(text) => Form::Plain(text.clone()),
            Token::Quoted { text, .. } => Form::Quoted(text.clone()),
            Token::Character(byte) => Form::Character(*byte),
            Token::Sign(Sign::Minus) => {
                self.deeper()?;
                let inner = self.primary()?;
                self.depth -= 1;
                span = span.to(inner.span);
                Form::Negative(Box::new(inner))
            }
            Token::Sign(Sign::OpenBrace) => {
                let inner = self.entity()?;
                self.expect(Sign::CloseBrace, "a closing brace }")?;
                return self.suffixes(inner);
            }
            _ => return Err(unexpected(word)),
        };
        self.suffixes(Entity { form, span })
    }

    /// Layers and slices behind an entity.
    fn suffixes(&mut self, entity: Entity) -> Result<Entity, Located> {
        let mut entity = entity;
        loop {
            if self.takes(Sign::Hash) {
                self.deeper()?;
                let layers = self.layers()?;
                let span = entity.span.to(self.words[self.at - 1].span);
                entity = Entity {
                    form: Form::Layer(Box::new(entity), layers),
                    span,
                };
                continue;
            }
            let Some(Word {
                token: Token::Slice(ranges),
                span,
            }) = self.peek()
            else {
                return Ok(entity);
            };
            self.deeper()?;
            self.at += 1;
            let span = entity.span.to(*span);
            entity = Entity {
                form: Form::Slice(Box::new(entity), ranges.clone()),
                span,
            };
        }
    }

    /// `#2`, `#-1`
    fn layers(&mut self) -> Result<Vec<i64>, Located> {
        let from_end = self.takes(Sign::Minus);
        let word = self.next()?;
        let number = match &word.token {
            Token::Plain(text) => text.parse::<i64>().ok().filter(|number| *number > 0),
            _ => None,
        };
        let Some(number) = number else {
            return Err(Located::new(word.span, "a layer is a number")
                .hint("ip.addr#1 is the outermost IP header's, ip.addr#-1 the innermost's"));
        };
        Ok(vec![if from_end { -number } else { number }])
    }

    fn arguments(&mut self) -> Result<Vec<Entity>, Located> {
        let mut arguments = Vec::new();
        if self.takes(Sign::Close) {
            return Ok(arguments);
        }
        loop {
            arguments.push(self.entity()?);
            if self.takes(Sign::Close) {
                return Ok(arguments);
            }
            self.expect(Sign::Comma, "a comma or a closing bracket )")?;
        }
    }
}

fn arithmetic(left: Entity, operation: Operation, right: Entity) -> Entity {
    let span = left.span.to(right.span);
    Entity {
        form: Form::Arithmetic(Box::new(left), operation, Box::new(right)),
        span,
    }
}
