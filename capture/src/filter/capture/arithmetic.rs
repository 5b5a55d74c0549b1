//! Numbers of an expression: operators by rank, from left to right, as far as they have one.
//!
//! `%` and `^` have none in libpcap's grammar. They take everything on their right, and are taken by
//! everything on their left.

use super::ast::{Arith, Operator, Relation};
use super::error::{Fault, FilterError};
use super::parser::Parser;
use super::token::{Symbol, Token, Word};

/// Operators of an expression at most.
const MAX_OPERATORS: u32 = 1000;

impl Parser<'_> {
    pub(super) fn in_arithmetic(&self) -> bool {
        operator(self.peek()).is_some() || relation(self.peek()).is_some()
    }

    pub(super) fn relation(&mut self) -> Option<Relation> {
        let relation = relation(self.peek())?;
        self.at += 1;
        Some(relation)
    }

    /// A number and operators, as far as they bind tighter than what is on the left.
    pub(super) fn arith(&mut self, left: Option<Binding>) -> Result<Arith, FilterError> {
        let first = self.primary()?;
        self.operators(first, left)
    }

    pub(super) fn operators(
        &mut self,
        first: Arith,
        left: Option<Binding>,
    ) -> Result<Arith, FilterError> {
        let mut sum = first;
        while let Some(operator) = operator(self.peek()) {
            let binding = binding(operator);
            // Operators without a rank take everything on their right, and are taken by everything
            // on their left.
            if let Some(Binding::Rank(left)) = left
                && let Binding::Rank(right) = binding
                && left >= right
            {
                break;
            }
            if self.operator_count == MAX_OPERATORS {
                let fault = Fault::new(format!("more than {MAX_OPERATORS} operators"));
                return Err(self.fail(fault, self.span()));
            }
            self.operator_count += 1;
            self.at += 1;
            let right = self.deeper(|parser| parser.arith(Some(binding)))?;
            sum = Arith::Binary(operator, Box::new(sum), Box::new(right));
        }
        Ok(sum)
    }

    pub(super) fn primary(&mut self) -> Result<Arith, FilterError> {
        let span = self.span();
        match self.peek().clone() {
            Token::Number(number) => {
                self.at += 1;
                Ok(Arith::Number(number, span))
            }
            Token::Word(Word::Len) => {
                self.at += 1;
                Ok(Arith::Len(span))
            }
            Token::Symbol(Symbol::Minus) => {
                self.at += 1;
                let inner = self.deeper(|parser| parser.arith(Some(Binding::Rank(RANK_UNARY))))?;
                Ok(Arith::Neg(Box::new(inner)))
            }
            Token::Symbol(Symbol::OpenParen) => {
                self.at += 1;
                let inner = self.deeper(|parser| parser.arith(None))?;
                self.expect_symbol(Symbol::CloseParen, "a closing parenthesis")?;
                Ok(inner)
            }
            Token::Proto(proto) => {
                self.at += 1;
                self.expect_symbol(Symbol::OpenBracket, "[ and an offset")?;
                let index = self.deeper(|parser| parser.arith(None))?;
                let size = if self.accept_symbol(Symbol::Colon) {
                    self.expect_number("the number of bytes: 1, 2 or 4")?
                } else {
                    1
                };
                self.expect_symbol(Symbol::CloseBracket, "]")?;
                Ok(Arith::Load {
                    proto,
                    index: Box::new(index),
                    size,
                    span: span.start..self.last_end(),
                })
            }
            _ => Err(self.unexpected("a number, len or proto[offset]")),
        }
    }
}

/// How tightly an operator holds what is next to it.
#[derive(Clone, Copy)]
pub(super) enum Binding {
    Rank(u8),
    Greedy,
}

const RANK_UNARY: u8 = 6;

const fn binding(operator: Operator) -> Binding {
    match operator {
        Operator::Or => Binding::Rank(1),
        Operator::And => Binding::Rank(2),
        Operator::Lsh | Operator::Rsh => Binding::Rank(3),
        Operator::Add | Operator::Sub => Binding::Rank(4),
        Operator::Mul | Operator::Div => Binding::Rank(5),
        Operator::Mod | Operator::Xor => Binding::Greedy,
    }
}

const fn operator(token: &Token) -> Option<Operator> {
    let Token::Symbol(symbol) = token else {
        return None;
    };
    Some(match symbol {
        Symbol::Plus => Operator::Add,
        Symbol::Minus => Operator::Sub,
        Symbol::Star => Operator::Mul,
        Symbol::Slash => Operator::Div,
        Symbol::Percent => Operator::Mod,
        Symbol::Ampersand => Operator::And,
        Symbol::Bar => Operator::Or,
        Symbol::Caret => Operator::Xor,
        Symbol::LeftShift => Operator::Lsh,
        Symbol::RightShift => Operator::Rsh,
        _ => return None,
    })
}

const fn relation(token: &Token) -> Option<Relation> {
    let Token::Symbol(symbol) = token else {
        return None;
    };
    Some(match symbol {
        Symbol::Greater => Relation::Greater,
        Symbol::GreaterOrEqual => Relation::GreaterOrEqual,
        Symbol::Equal => Relation::Equal,
        Symbol::Less => Relation::Less,
        Symbol::LessOrEqual => Relation::LessOrEqual,
        Symbol::NotEqual => Relation::NotEqual,
        _ => return None,
    })
}
