//! Tokens to expression, by the grammar of pcap-filter(7).
//!
//! The grammar is libpcap's `grammar.y`, told as a descent. What stands in parentheses can be a whole
//! expression, a list of identifiers that inherits qualifiers, or a number; which of them are possible
//! depends on what comes before, and which it is on what is inside. Two things are as in libpcap
//! because users have grown used to them: `and` and `or` bind alike, and `%` and `^` bind whatever is
//! on their right.

use super::FilterOptions;
use super::ast::{Arith, Dir, Expr, Id, Join, Kind, Proto, Quals, Span, Test};
use super::error::{Fault, FilterError};
use super::names::Names;
use super::token::{Symbol, Token, Word, nearest};
use super::{lexer, lookup};

/// Parentheses, `not` and minus signs within one another.
const MAX_DEPTH: u32 = 200;

/// Reads an expression. `None` if there is nothing in it: it matches everything.
pub(crate) fn parse(text: &str, options: &FilterOptions<'_>) -> Result<Option<Expr>, FilterError> {
    let mut parser = Parser {
        text,
        tokens: lexer::tokens(text)?,
        at: 0,
        depth: 0,
        operator_count: 0,
        names: Names::default(),
        options,
    };
    if *parser.peek() == Token::End {
        return Ok(None);
    }
    let (expr, _) = parser.expr(None)?;
    if *parser.peek() != Token::End {
        return Err(parser.unexpected("and, or, or the end"));
    }
    Ok(Some(expr))
}

pub(super) struct Parser<'a> {
    pub(super) text: &'a str,
    tokens: Vec<(Token, Span)>,
    pub(super) at: usize,
    depth: u32,
    pub(super) operator_count: u32,
    pub(super) names: Names,
    pub(super) options: &'a FilterOptions<'a>,
}

/// What can come next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// A test with its own words.
    Test,
    /// An identifier that inherits its qualifiers.
    Id,
    Either,
}

/// What came.
enum Item {
    Test(Expr, Option<Quals>),
    Id(Expr, Option<Quals>),
    Number(u32, Span),
    Arith(Arith),
}

/// The qualifiers that identifiers inherit; `None` after a test that has none.
pub(super) type Inherited = Option<Quals>;

impl Parser<'_> {
    pub(super) fn peek(&self) -> &Token {
        self.peek_at(0)
    }

    pub(super) fn peek_at(&self, ahead: usize) -> &Token {
        self.tokens
            .get(self.at + ahead)
            .map_or(&Token::End, |(token, _)| token)
    }

    pub(super) fn span(&self) -> Span {
        let end = self.text.len()..self.text.len();
        self.tokens
            .get(self.at)
            .map_or(end, |(_, span)| span.clone())
    }

    pub(super) fn last_end(&self) -> usize {
        self.at
            .checked_sub(1)
            .and_then(|at| self.tokens.get(at))
            .map_or(0, |(_, span)| span.end)
    }

    pub(super) fn next(&mut self) -> Token {
        let token = self.peek().clone();
        self.at += 1;
        token
    }

    pub(super) fn accept(&mut self, token: &Token) -> bool {
        let found = self.peek() == token;
        if found {
            self.at += 1;
        }
        found
    }

    pub(super) fn accept_symbol(&mut self, symbol: Symbol) -> bool {
        self.accept(&Token::Symbol(symbol))
    }

    pub(super) fn accept_word(&mut self, word: Word) -> bool {
        self.accept(&Token::Word(word))
    }

    pub(super) fn expect_symbol(
        &mut self,
        symbol: Symbol,
        expected: &str,
    ) -> Result<(), FilterError> {
        if self.accept_symbol(symbol) {
            Ok(())
        } else {
            Err(self.unexpected(expected))
        }
    }

    pub(super) fn expect_number(&mut self, expected: &str) -> Result<u32, FilterError> {
        match *self.peek() {
            Token::Number(number) => {
                self.at += 1;
                Ok(number)
            }
            _ => Err(self.unexpected(expected)),
        }
    }

    pub(super) fn fail(&self, fault: Fault, span: Span) -> FilterError {
        fault.at(self.text, span)
    }

    /// The next token is not what should be there.
    pub(super) fn unexpected(&self, expected: &str) -> FilterError {
        let span = self.span();
        let fault = match self.peek() {
            Token::End => Fault::new(format!("the expression ends where {expected} is expected")),
            token => {
                let word = self.text.get(span.clone()).unwrap_or_default();
                let fault = Fault::new(format!("expected {expected}, found {word}"));
                match token {
                    Token::Name(name) => match nearest(name) {
                        Some(word) => fault.hint(format!("did you mean {word}?")),
                        None => fault.hint("a name needs a word before it that says of what: host, net, port, proto"),
                    },
                    Token::Number(_) => {
                        fault.hint("a number needs a word before it that says of what: port, vlan, net, less")
                    }
                    Token::Dotted(_) | Token::Ipv6(_) => {
                        fault.hint("an address needs a word before it: host, net, src, dst")
                    }
                    Token::Mac(_) => fault.hint("an Ethernet address needs words before it: ether host"),
                    _ => fault,
                }
            }
        };
        self.fail(fault, span)
    }

    pub(super) fn deeper<T>(
        &mut self,
        inner: impl FnOnce(&mut Self) -> Result<T, FilterError>,
    ) -> Result<T, FilterError> {
        if self.depth == MAX_DEPTH {
            let fault = Fault::new(format!("nested more than {MAX_DEPTH} deep"));
            return Err(self.fail(fault, self.span()));
        }
        self.depth += 1;
        let result = inner(self);
        self.depth -= 1;
        result
    }

    /// Tests joined by `and` and `or`.
    pub(super) fn expr(&mut self, inherited: Inherited) -> Result<(Expr, Inherited), FilterError> {
        match self.item(Mode::Test, Mode::Test, inherited)? {
            Item::Test(first, quals) => self.more_tests(first, quals),
            // Nothing is inherited here.
            Item::Number(number, span) => Err(self
                .number(number, span, None)
                .err()
                .unwrap_or_else(|| self.unexpected("a comparison"))),
            Item::Id(..) | Item::Arith(_) => Err(self.unexpected("a comparison")),
        }
    }

    pub(super) fn join(&mut self) -> Option<Join> {
        if self.accept_word(Word::And) {
            Some(Join::And)
        } else if self.accept_word(Word::Or) {
            Some(Join::Or)
        } else {
            None
        }
    }

    pub(super) fn more_tests(
        &mut self,
        first: Expr,
        mut quals: Inherited,
    ) -> Result<(Expr, Inherited), FilterError> {
        let mut rest = Vec::new();
        while let Some(join) = self.join() {
            let next = match self.item(Mode::Either, Mode::Either, quals)? {
                Item::Test(next, own) | Item::Id(next, own) => {
                    quals = own;
                    next
                }
                Item::Number(number, span) => self.number(number, span, quals)?,
                Item::Arith(_) => return Err(self.unexpected("a comparison")),
            };
            rest.push((join, next));
        }
        Ok((chain(first, rest), quals))
    }

    /// Identifiers joined by `and` and `or`, within parentheses.
    pub(super) fn more_ids(&mut self, first: Expr, quals: Inherited) -> Result<Expr, FilterError> {
        let mut rest = Vec::new();
        while let Some(join) = self.join() {
            rest.push((join, self.id(quals)?));
        }
        Ok(chain(first, rest))
    }

    /// One identifier, or several in parentheses.
    pub(super) fn id(&mut self, quals: Inherited) -> Result<Expr, FilterError> {
        match self.item(Mode::Id, Mode::Id, quals)? {
            Item::Id(expr, _) => Ok(expr),
            Item::Number(number, span) => self.number(number, span, quals),
            Item::Test(..) | Item::Arith(_) => {
                Err(self.unexpected("a name, a number or an address"))
            }
        }
    }

    pub(super) fn number(
        &self,
        number: u32,
        span: Span,
        quals: Inherited,
    ) -> Result<Expr, FilterError> {
        let quals = self.inherit(quals, &span)?;
        Ok(Expr::Test(Test::Id(quals, Id::Number(number)), span))
    }

    pub(super) fn inherit(&self, quals: Inherited, span: &Span) -> Result<Quals, FilterError> {
        quals.ok_or_else(|| {
            let word = self.text.get(span.clone()).unwrap_or_default();
            let fault = Fault::new(format!("nothing before {word} says what it is"));
            let fault = match nearest(word) {
                Some(word) => fault.hint(format!("did you mean {word}?")),
                None => fault.hint("put host, net, port or another such word before it"),
            };
            self.fail(fault, span.clone())
        })
    }

    /// The next item; `nested` is what parentheses right here can hold.
    fn item(&mut self, mode: Mode, nested: Mode, quals: Inherited) -> Result<Item, FilterError> {
        let span = self.span();
        let item = match self.peek().clone() {
            Token::Word(Word::Not) => {
                self.at += 1;
                let inner = self.deeper(|parser| parser.item(mode, mode, quals))?;
                return match inner {
                    Item::Test(expr, quals) => Ok(Item::Test(Expr::Not(Box::new(expr)), quals)),
                    Item::Id(expr, quals) => Ok(Item::Id(Expr::Not(Box::new(expr)), quals)),
                    Item::Number(number, span) if mode != Mode::Test => {
                        let expr = self.number(number, span, quals)?;
                        Ok(Item::Id(Expr::Not(Box::new(expr)), quals))
                    }
                    Item::Number(..) | Item::Arith(_) => Err(self.unexpected("a comparison")),
                };
            }
            Token::Symbol(Symbol::OpenParen) => {
                self.at += 1;
                self.deeper(|parser| parser.parenthesized(nested, quals))?
            }
            Token::Number(number) => {
                self.at += 1;
                Item::Number(number, span.clone())
            }
            Token::Name(_)
            | Token::Dotted(_)
            | Token::Ipv6(_)
            | Token::Mac(_)
            | Token::Arcnet(_)
                if mode != Mode::Test =>
            {
                let expr = self.named(quals)?;
                Item::Id(expr, quals)
            }
            _ if mode == Mode::Id => {
                return Err(self.unexpected("a name, a number or an address"));
            }
            Token::Symbol(Symbol::Minus) | Token::Word(Word::Len) => Item::Arith(self.primary()?),
            Token::Proto(_) if *self.peek_at(1) == Token::Symbol(Symbol::OpenBracket) => {
                Item::Arith(self.primary()?)
            }
            _ => {
                let (expr, quals) = self.test()?;
                return Ok(Item::Test(expr, quals));
            }
        };
        if mode == Mode::Id {
            return match item {
                Item::Arith(_) => Err(self.unexpected("a name, a number or an address")),
                item => Ok(item),
            };
        }
        let number = match item {
            Item::Number(number, ref number_span) if self.in_arithmetic() => {
                Arith::Number(number, number_span.clone())
            }
            Item::Arith(arith) => arith,
            item => return Ok(item),
        };
        let number = self.operators(number, None)?;
        let Some(relation) = self.relation() else {
            return Ok(Item::Arith(number));
        };
        let right = self.arith(None)?;
        let test = Test::Compare(relation, number, right);
        Ok(Item::Test(
            Expr::Test(test, span.start..self.last_end()),
            None,
        ))
    }

    /// What follows an opening parenthesis, with the closing one.
    fn parenthesized(&mut self, mode: Mode, quals: Inherited) -> Result<Item, FilterError> {
        let item = if mode == Mode::Id && *self.peek() == Token::Symbol(Symbol::OpenParen) {
            // Within identifiers, parentheses in parentheses hold a number and nothing else.
            let span = self.span();
            Item::Number(self.lone_number()?, span)
        } else {
            // A list of identifiers does not begin with a parenthesis.
            let nested = if mode == Mode::Id {
                Mode::Id
            } else {
                Mode::Test
            };
            self.item(mode, nested, quals)?
        };
        let more = matches!(self.peek(), Token::Word(Word::And | Word::Or));
        let item = match item {
            Item::Test(first, own) => {
                let (expr, _) = self.more_tests(first, own)?;
                Item::Test(expr, quals)
            }
            Item::Id(first, _) => Item::Id(self.more_ids(first, quals)?, quals),
            Item::Number(number, span) if more && mode != Mode::Test => {
                let first = self.number(number, span, quals)?;
                Item::Id(self.more_ids(first, quals)?, quals)
            }
            item @ (Item::Number(..) | Item::Arith(_)) => item,
        };
        self.expect_symbol(Symbol::CloseParen, "a closing parenthesis")?;
        Ok(item)
    }

    /// A number in any number of parentheses.
    pub(super) fn lone_number(&mut self) -> Result<u32, FilterError> {
        if self.accept_symbol(Symbol::OpenParen) {
            let number = self.deeper(Self::lone_number)?;
            self.expect_symbol(Symbol::CloseParen, "a closing parenthesis")?;
            return Ok(number);
        }
        self.expect_number("a number")
    }

    /// A test that begins with its own words.
    pub(super) fn test(&mut self) -> Result<(Expr, Inherited), FilterError> {
        let start = self.span().start;
        let test = match self.peek().clone() {
            Token::Proto(proto) => {
                self.at += 1;
                match self.qualified(Some(proto), start)? {
                    Some(qualified) => return Ok(qualified),
                    None => Test::Proto(proto),
                }
            }
            Token::Word(word) => {
                if let Some(qualified) = self.qualified(None, start)? {
                    return Ok(qualified);
                }
                match self.plain_test(word)? {
                    Ok(test) => test,
                    Err(expr) => return Ok((expr, None)),
                }
            }
            _ => match self.qualified(None, start)? {
                Some(qualified) => return Ok(qualified),
                None => return Err(self.unexpected("a test, such as host, port, tcp or ip6")),
            },
        };
        Ok((Expr::Test(test, start..self.last_end()), None))
    }

    /// What can follow a protocol, or nothing: direction and type, then identifiers; or a few words.
    pub(super) fn qualified(
        &mut self,
        proto: Option<Proto>,
        start: usize,
    ) -> Result<Option<(Expr, Inherited)>, FilterError> {
        let test = match *self.peek() {
            Token::Kind(kind) => {
                self.at += 1;
                let quals = Quals {
                    proto,
                    dir: None,
                    kind: Some(kind),
                };
                return self.id(Some(quals)).map(|expr| Some((expr, Some(quals))));
            }
            Token::Word(Word::Broadcast) => Test::Broadcast(proto),
            Token::Word(Word::Multicast) => Test::Multicast(proto),
            Token::Word(Word::Type) => return self.wlan_type(start).map(Some),
            Token::Word(Word::Subtype) => return self.wlan_subtype(start).map(Some),
            Token::Word(Word::Dir) => return self.wlan_dir(start).map(Some),
            _ => {
                let Some(dir) = self.direction()? else {
                    return Ok(None);
                };
                let kind = match *self.peek() {
                    Token::Kind(kind @ (Kind::Host | Kind::Net | Kind::Port | Kind::Portrange)) => {
                        self.at += 1;
                        Some(kind)
                    }
                    _ => None,
                };
                let quals = Quals {
                    proto,
                    dir: Some(dir),
                    kind,
                };
                return self.id(Some(quals)).map(|expr| Some((expr, Some(quals))));
            }
        };
        self.at += 1;
        Ok(Some((Expr::Test(test, start..self.last_end()), None)))
    }

    pub(super) fn direction(&mut self) -> Result<Option<Dir>, FilterError> {
        let Token::Word(word) = *self.peek() else {
            return Ok(None);
        };
        let dir = match word {
            Word::Src | Word::Dst => {
                self.at += 1;
                let (dir, other, name) = if word == Word::Src {
                    (Dir::Src, Word::Dst, "dst")
                } else {
                    (Dir::Dst, Word::Src, "src")
                };
                let Some(join) = self.join() else {
                    return Ok(Some(dir));
                };
                if !self.accept_word(other) {
                    return Err(self.unexpected(name));
                }
                return Ok(Some(match join {
                    Join::And => Dir::SrcAndDst,
                    Join::Or => Dir::SrcOrDst,
                }));
            }
            Word::Addr1 => Dir::Addr1,
            Word::Addr2 => Dir::Addr2,
            Word::Addr3 => Dir::Addr3,
            Word::Addr4 => Dir::Addr4,
            Word::Ra => Dir::Ra,
            Word::Ta => Dir::Ta,
            _ => return Ok(None),
        };
        self.at += 1;
        Ok(Some(dir))
    }

    /// An identifier that is not a number.
    pub(super) fn named(&mut self, quals: Inherited) -> Result<Expr, FilterError> {
        let start = self.span();
        let quals = self.inherit(quals, &start)?;
        let token = self.next();
        let id = match token {
            Token::Dotted(first) if self.accept_symbol(Symbol::Slash) => {
                let prefix = self.expect_number("the length of the prefix")?;
                lookup::ipv4_prefix(&first, prefix)
            }
            Token::Dotted(first) if self.accept_word(Word::Mask) => {
                let Token::Dotted(mask) = self.peek().clone() else {
                    return Err(self.unexpected("a mask, such as 255.255.0.0"));
                };
                self.at += 1;
                lookup::ipv4_mask(&first, &mask)
            }
            Token::Ipv6(addr) => {
                let prefix = if self.accept_symbol(Symbol::Slash) {
                    self.expect_number("the length of the prefix")?
                } else {
                    128
                };
                lookup::ipv6(addr, prefix)
            }
            token => self.look_up(&token, quals),
        };
        let span = start.start..self.last_end();
        let id = id.map_err(|fault| self.fail(fault, span.clone()))?;
        Ok(Expr::Test(Test::Id(quals, id), span))
    }
}

pub(super) fn chain(first: Expr, rest: Vec<(Join, Expr)>) -> Expr {
    if rest.is_empty() {
        first
    } else {
        Expr::Chain(Box::new(first), rest)
    }
}
