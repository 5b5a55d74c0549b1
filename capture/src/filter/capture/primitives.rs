//! Tests that take no qualifiers, or names that only they know: lengths, tunnels, 802.11, LLC, SS7.

use super::ast::Span;
use super::ast::{ByteTest, Expr, Field, Join, Llc, Pf, Relation, Test};
use super::error::{Fault, FilterError};
use super::parser::{Inherited, Parser, chain};
use super::token::{Symbol, Token, Word};
use super::wlan_names;

impl Parser<'_> {
    /// Tests that take no qualifiers. Lists of field values are expressions of their own.
    pub(super) fn plain_test(&mut self, word: Word) -> Result<Result<Test, Expr>, FilterError> {
        let start = self.span().start;
        self.at += 1;
        Ok(Ok(match word {
            Word::Less => Test::Less(self.expect_number("a length in bytes")?),
            Word::Greater => Test::Greater(self.expect_number("a length in bytes")?),
            Word::Byte => {
                let index = self.expect_number("the offset of a byte")?;
                let test = match self.next() {
                    Token::Symbol(Symbol::Ampersand) => ByteTest::And,
                    Token::Symbol(Symbol::Bar) => ByteTest::Or,
                    Token::Symbol(Symbol::Less) => ByteTest::Less,
                    Token::Symbol(Symbol::Greater) => ByteTest::Greater,
                    Token::Symbol(Symbol::Equal) => ByteTest::Equal,
                    _ => {
                        self.at -= 1;
                        return Err(self.unexpected("=, <, >, & or |"));
                    }
                };
                Test::Byte(index, test, self.expect_number("a number")?)
            }
            Word::Inbound => Test::Inbound,
            Word::Outbound => Test::Outbound,
            Word::Ifindex => Test::Ifindex(self.expect_number("the number of an interface")?),
            Word::Vlan => Test::Vlan(self.optional_number()?),
            Word::Mpls => Test::Mpls(self.optional_number()?),
            Word::Pppoed => Test::PppoeDiscovery,
            Word::Pppoes => Test::PppoeSession(self.optional_number()?),
            Word::Geneve => Test::Geneve(self.optional_number()?),
            Word::Ifname => Test::Pf(Pf::Ifname(self.expect_name("the name of an interface")?)),
            Word::Rset => Test::Pf(Pf::Ruleset(self.expect_name("the name of a ruleset")?)),
            Word::Rnr => Test::Pf(Pf::Rule(self.expect_number("the number of a rule")?)),
            Word::Srnr => Test::Pf(Pf::Subrule(self.expect_number("the number of a rule")?)),
            Word::Reason => {
                if let Token::Number(number) = *self.peek() {
                    self.at += 1;
                    Test::Pf(Pf::Reason(number))
                } else {
                    let number =
                        self.one_of(wlan_names::PF_REASONS, "a reason of the packet filter")?;
                    Test::Pf(Pf::Reason(number))
                }
            }
            Word::Action => {
                let number =
                    self.one_of(wlan_names::PF_ACTIONS, "an action of the packet filter")?;
                Test::Pf(Pf::Action(number))
            }
            Word::Llc => Test::Llc(self.llc()?),
            Word::Atm(atm) => Test::Atm(atm),
            Word::SignalUnit(unit) => Test::SignalUnit(unit),
            Word::Field(field) => return self.field(field, start).map(Err),
            _ => {
                self.at -= 1;
                return Err(self.unexpected("a test, such as host, port, tcp or ip6"));
            }
        }))
    }

    pub(super) fn optional_number(&mut self) -> Result<Option<u32>, FilterError> {
        match self.peek() {
            Token::Number(_) | Token::Symbol(Symbol::OpenParen) => self.lone_number().map(Some),
            _ => Ok(None),
        }
    }

    pub(super) fn expect_name(&mut self, expected: &str) -> Result<String, FilterError> {
        match self.peek().clone() {
            Token::Name(name) => {
                self.at += 1;
                Ok(name)
            }
            _ => Err(self.unexpected(expected)),
        }
    }

    /// One of some names, in upper or lower case.
    pub(super) fn one_of(
        &mut self,
        names: &[(&str, u32)],
        expected: &str,
    ) -> Result<u32, FilterError> {
        let span = self.span();
        let name = self.expect_name(expected)?;
        wlan_names::find(names, &name).ok_or_else(|| {
            let all: Vec<_> = names.iter().map(|(name, _)| *name).collect();
            let fault = Fault::new(format!("{name} is not {expected}"))
                .hint(format!("there are {}", all.join(", ")));
            self.fail(fault, span)
        })
    }

    pub(super) fn llc(&mut self) -> Result<Llc, FilterError> {
        if self.accept_word(Word::Rnr) {
            return Ok(Llc::SupervisoryType(wlan_names::LLC_RNR));
        }
        let Token::Name(name) = self.peek().clone() else {
            return Ok(Llc::Any);
        };
        let formats = [
            ("i", Llc::Information),
            ("s", Llc::Supervisory),
            ("u", Llc::Unnumbered),
        ];
        if let Some((_, llc)) = formats
            .into_iter()
            .find(|(format, _)| name.eq_ignore_ascii_case(format))
        {
            self.at += 1;
            return Ok(llc);
        }
        if let Some(number) = wlan_names::find(wlan_names::LLC_SUPERVISORY, &name) {
            self.at += 1;
            return Ok(Llc::SupervisoryType(number));
        }
        self.one_of(wlan_names::LLC_UNNUMBERED, "a type of LLC frames")
            .map(Llc::UnnumberedType)
    }

    /// A field and what it is compared with: a number, a comparison, or several numbers.
    pub(super) fn field(&mut self, field: Field, start: usize) -> Result<Expr, FilterError> {
        let test =
            |relation, number, end| Expr::Test(Test::Field(field, relation, number), start..end);
        if self.accept_symbol(Symbol::OpenParen) {
            let number = self.expect_number("a number")?;
            let first = test(Relation::Equal, number, self.last_end());
            let mut rest = Vec::new();
            while self.accept_word(Word::Or) {
                let number = self.expect_number("a number")?;
                rest.push((Join::Or, test(Relation::Equal, number, self.last_end())));
            }
            self.expect_symbol(Symbol::CloseParen, "or, or a closing parenthesis")?;
            return Ok(chain(first, rest));
        }
        let relation = self.relation().unwrap_or(Relation::Equal);
        let number = self.expect_number("a number")?;
        Ok(test(relation, number, self.last_end()))
    }

    pub(super) fn wlan_type(&mut self, start: usize) -> Result<(Expr, Inherited), FilterError> {
        self.at += 1;
        let span = self.span();
        let kind = if let Token::Number(number) = *self.peek() {
            self.at += 1;
            self.within(number, wlan_names::TYPE_MASK, &span)?
        } else {
            self.one_of(wlan_names::TYPES, "a type of 802.11 frames")?
        };
        let mut value = kind;
        let mut mask = wlan_names::TYPE_MASK;
        if self.accept_word(Word::Subtype) {
            let span = self.span();
            let subtype = if let Token::Number(number) = *self.peek() {
                self.at += 1;
                self.within(number, wlan_names::SUBTYPE_MASK, &span)?
            } else {
                let names = wlan_names::subtypes(kind).ok_or_else(|| {
                    let fault = Fault::new("frames of this type have no named subtypes");
                    self.fail(fault, span)
                })?;
                self.one_of(names, "a subtype of these 802.11 frames")?
            };
            value |= subtype;
            mask |= wlan_names::SUBTYPE_MASK;
        }
        let span = start..self.last_end();
        Ok((Expr::Test(Test::WlanType { value, mask }, span), None))
    }

    pub(super) fn within(&self, number: u32, mask: u32, span: &Span) -> Result<u32, FilterError> {
        if number & !mask == 0 {
            return Ok(number);
        }
        let fault = Fault::new(format!("{number:#x} has bits outside of {mask:#x}"));
        Err(self.fail(fault, span.clone()))
    }

    pub(super) fn wlan_subtype(&mut self, start: usize) -> Result<(Expr, Inherited), FilterError> {
        self.at += 1;
        let span = self.span();
        let name = self.expect_name("a subtype of 802.11 frames")?;
        let value = wlan_names::subtype(&name).ok_or_else(|| {
            let fault = Fault::new(format!("{name} is no subtype of 802.11 frames"));
            self.fail(fault, span)
        })?;
        let mask = wlan_names::TYPE_MASK | wlan_names::SUBTYPE_MASK;
        let span = start..self.last_end();
        Ok((Expr::Test(Test::WlanType { value, mask }, span), None))
    }

    pub(super) fn wlan_dir(&mut self, start: usize) -> Result<(Expr, Inherited), FilterError> {
        self.at += 1;
        let dir = if let Token::Number(number) = *self.peek() {
            self.at += 1;
            number
        } else {
            self.one_of(wlan_names::DIRECTIONS, "a direction of 802.11 frames")?
        };
        let span = start..self.last_end();
        Ok((Expr::Test(Test::WlanDir(dir), span), None))
    }
}
