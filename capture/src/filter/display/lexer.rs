//! Words and signs of a display filter.

use super::error::{Located, Span};

/// A word or sign, and where it is.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Word {
    pub(super) token: Token,
    pub(super) span: Span,
}

/// A word or sign.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    /// A word without quotes: a field, a function, a value.
    Plain(String),
    /// Text in double quotes. `pattern` has the escapes that are none of a string's left in.
    Quoted {
        /// Its bytes.
        text: Vec<u8>,
        /// As a regular expression.
        pattern: String,
    },
    /// A character in single quotes.
    Character(u8),
    /// The ranges of a slice, from `[` to `]`.
    Slice(Vec<Range>),
    /// A sign, or a word that stands for one.
    Sign(Sign),
}

/// Signs, and the words that stand for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sign {
    And,
    Or,
    Xor,
    Not,
    Open,
    Close,
    OpenBrace,
    CloseBrace,
    Comma,
    Dots,
    Equal,
    AllEqual,
    NotEqual,
    AnyNotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Contains,
    Matches,
    In,
    BitAnd,
    Plus,
    Minus,
    Star,
    Slash,
    Percent,
    Hash,
    All,
    Any,
}

/// A part of a slice: offset and length, either of which can count from the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) start: i64,
    pub(super) end: End,
}

/// Where a part of a slice ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// After so many bytes.
    Len(u64),
    /// With this byte.
    At(i64),
    /// At the end.
    Open,
}

const SIGNS: &[(&str, Sign)] = &[
    // The longer ones first.
    ("===", Sign::AllEqual),
    ("!==", Sign::AnyNotEqual),
    ("==", Sign::Equal),
    ("!=", Sign::NotEqual),
    ("~=", Sign::AnyNotEqual),
    ("<=", Sign::LessOrEqual),
    (">=", Sign::GreaterOrEqual),
    ("&&", Sign::And),
    ("||", Sign::Or),
    ("^^", Sign::Xor),
    ("..", Sign::Dots),
    ("<", Sign::Less),
    (">", Sign::Greater),
    ("!", Sign::Not),
    ("~", Sign::Matches),
    ("&", Sign::BitAnd),
    ("(", Sign::Open),
    (")", Sign::Close),
    ("{", Sign::OpenBrace),
    ("}", Sign::CloseBrace),
    (",", Sign::Comma),
    ("+", Sign::Plus),
    ("-", Sign::Minus),
    ("*", Sign::Star),
    ("/", Sign::Slash),
    ("%", Sign::Percent),
    ("#", Sign::Hash),
];

const WORDS: &[(&str, Sign)] = &[
    ("and", Sign::And),
    ("or", Sign::Or),
    ("xor", Sign::Xor),
    ("not", Sign::Not),
    ("eq", Sign::Equal),
    ("any_eq", Sign::Equal),
    ("all_eq", Sign::AllEqual),
    ("ne", Sign::NotEqual),
    ("all_ne", Sign::NotEqual),
    ("any_ne", Sign::AnyNotEqual),
    ("lt", Sign::Less),
    ("le", Sign::LessOrEqual),
    ("gt", Sign::Greater),
    ("ge", Sign::GreaterOrEqual),
    ("contains", Sign::Contains),
    ("matches", Sign::Matches),
    ("in", Sign::In),
    ("bitand", Sign::BitAnd),
    ("bitwise_and", Sign::BitAnd),
    ("all", Sign::All),
    ("any", Sign::Any),
];

/// Takes a filter apart.
pub(super) fn words(text: &str) -> Result<Vec<Word>, Located> {
    let mut words = Vec::new();
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let first = rest.chars().next().unwrap_or(' ');
        if first.is_whitespace() {
            at += first.len_utf8();
            continue;
        }
        let (token, len) = match first {
            '"' => quoted(rest, at)?,
            '\'' => character(rest, at)?,
            '[' => slice(rest, at)?,
            'r' | 'R' if rest[1..].starts_with('"') => raw(rest, at)?,
            _ => match plain(rest) {
                Some(word) => (word_or_sign(word), word.len()),
                None => sign(rest, at)?,
            },
        };
        words.push(Word {
            token,
            span: Span {
                start: at,
                end: at + len,
            },
        });
        at += len;
    }
    Ok(words)
}

fn word_or_sign(word: &str) -> Token {
    let sign = WORDS.iter().find(|(name, _)| *name == word);
    sign.map_or_else(
        || Token::Plain(word.to_owned()),
        |(_, sign)| Token::Sign(*sign),
    )
}

/// A word without quotes: addresses, numbers and names alike. It begins like none of the signs, and two
/// dots end it.
fn plain(rest: &str) -> Option<&str> {
    let inside = |c: char| c.is_ascii_alphanumeric() || "._:".contains(c) || !c.is_ascii();
    let first = rest.chars().next()?;
    if !inside(first) || rest.starts_with("..") {
        return None;
    }
    let mut end = rest.len();
    for (at, c) in rest.char_indices() {
        let goes_on = match c {
            '.' => !rest[at..].starts_with(".."),
            // Within a word only: a network's length, a MAC address, a date.
            '-' | '/' => rest[at + 1..]
                .chars()
                .next()
                .is_some_and(|next| next.is_ascii_alphanumeric()),
            _ => inside(c),
        };
        if !goes_on {
            end = at;
            break;
        }
    }
    rest.get(..end)
}

fn sign(rest: &str, at: usize) -> Result<(Token, usize), Located> {
    SIGNS
        .iter()
        .find(|(text, _)| rest.starts_with(text))
        .map(|(text, sign)| (Token::Sign(*sign), text.len()))
        .ok_or_else(|| {
            let c = rest.chars().next().unwrap_or(' ');
            let span = Span {
                start: at,
                end: at + c.len_utf8(),
            };
            let hint = match c {
                '=' => "equality is ==",
                '|' => "or is || or \"or\"",
                ']' => "a slice begins with [",
                _ => "text belongs into double quotes",
            };
            Located::new(span, format!("{c:?} means nothing here")).hint(hint)
        })
}

fn unended(at: usize, rest: &str, what: &str) -> Located {
    let span = Span {
        start: at,
        end: at + rest.len(),
    };
    Located::new(span, format!("the {what} does not end"))
}

/// Text in double quotes, with C's escapes.
fn quoted(rest: &str, at: usize) -> Result<(Token, usize), Located> {
    let mut text = Vec::new();
    let mut pattern = String::new();
    let mut chars = rest.char_indices().skip(1);
    while let Some((offset, c)) = chars.next() {
        match c {
            '"' => return Ok((Token::Quoted { text, pattern }, offset + 1)),
            '\\' => {
                let (byte, len) = escape(&rest[offset..], at + offset)?;
                let written = &rest[offset..offset + len];
                if let Some(byte) = byte {
                    text.push(byte);
                } else {
                    text.extend_from_slice(written.as_bytes());
                }
                pattern.push_str(if byte == Some(b'"') { "\"" } else { written });
                for _ in 1..written.chars().count() {
                    chars.next();
                }
            }
            _ => {
                let mut bytes = [0; 4];
                text.extend_from_slice(c.encode_utf8(&mut bytes).as_bytes());
                pattern.push(c);
            }
        }
    }
    Err(unended(at, rest, "text in quotes"))
}

/// What a backslash makes of what follows: the byte and how long it was written; `None` if nothing.
fn escape(rest: &str, at: usize) -> Result<(Option<u8>, usize), Located> {
    let mut after = rest[1..].chars();
    let Some(c) = after.next() else {
        return Err(unended(at, rest, "text in quotes"));
    };
    let digits = |from: usize, most: usize, radix: u32| {
        rest[from..]
            .chars()
            .take(most)
            .take_while(|c| c.is_digit(radix))
            .count()
    };
    let byte = match c {
        'n' => b'\n',
        'r' => b'\r',
        't' => b'\t',
        'a' => 7,
        'b' => 8,
        'f' => 12,
        'v' => 11,
        '\\' | '"' | '\'' => c as u8,
        'x' => {
            let count = digits(2, 2, 16);
            let value = u8::from_str_radix(&rest[2..2 + count], 16);
            return Ok((value.ok(), 2 + count));
        }
        '0'..='7' => {
            let count = digits(1, 3, 8);
            let value = u8::from_str_radix(&rest[1..=count], 8);
            return Ok((value.ok(), 1 + count));
        }
        _ => return Ok((None, 1 + c.len_utf8())),
    };
    Ok((Some(byte), 2))
}

/// `r"…"`: without escapes, but for the quote itself.
fn raw(rest: &str, at: usize) -> Result<(Token, usize), Located> {
    let mut pattern = String::new();
    let mut chars = rest.char_indices().skip(2).peekable();
    while let Some((offset, c)) = chars.next() {
        match c {
            '"' => {
                let text = pattern.clone().into_bytes();
                return Ok((Token::Quoted { text, pattern }, offset + 1));
            }
            '\\' if chars.peek().is_some_and(|(_, next)| *next == '"') => {
                pattern.push('"');
                chars.next();
            }
            _ => pattern.push(c),
        }
    }
    Err(unended(at, rest, "text in quotes"))
}

fn character(rest: &str, at: usize) -> Result<(Token, usize), Located> {
    let (byte, len) = match rest[1..].chars().next() {
        Some('\\') => {
            let (byte, len) = escape(&rest[1..], at + 1)?;
            (byte, 1 + len)
        }
        Some(c) if c.is_ascii() && c != '\'' => (Some(c as u8), 2),
        _ => (None, 2),
    };
    let span = Span {
        start: at,
        end: (at + len + 1).min(at + rest.len()),
    };
    match byte {
        Some(byte) if rest.get(len..).is_some_and(|end| end.starts_with('\'')) => {
            Ok((Token::Character(byte), len + 1))
        }
        _ => Err(Located::new(span, "single quotes hold one character")
            .hint("text belongs into double quotes")),
    }
}

/// `[i]`, `[i:len]`, `[i-j]`, `[:len]`, `[i:]`, and several of them with commas.
fn slice(rest: &str, at: usize) -> Result<(Token, usize), Located> {
    let Some(len) = rest.find(']') else {
        return Err(unended(at, rest, "slice"));
    };
    let wrong = || {
        let span = Span {
            start: at,
            end: at + len + 1,
        };
        Located::new(span, "this is no slice").hint(
            "[OFFSET], [OFFSET:LENGTH], [FIRST-LAST], [:LENGTH] or [OFFSET:]; several with commas",
        )
    };
    let ranges = rest[1..len]
        .split(',')
        .map(|part| range(part.trim()).ok_or_else(wrong))
        .collect::<Result<_, _>>()?;
    Ok((Token::Slice(ranges), len + 1))
}

fn range(part: &str) -> Option<Range> {
    if let Some((start, len)) = part.split_once(':') {
        let start = match start.trim() {
            "" => 0,
            start => number(start)?,
        };
        let end = match len.trim() {
            "" => End::Open,
            len => End::Len(u64::try_from(number(len)?).ok().filter(|len| *len > 0)?),
        };
        return Some(Range { start, end });
    }
    // The first character can be a sign.
    if let Some(dash) = part.get(1..)?.find('-') {
        let start = number(part[..=dash].trim())?;
        let last = number(part[dash + 2..].trim())?;
        return Some(Range {
            start,
            end: End::At(last),
        });
    }
    Some(Range {
        start: number(part)?,
        end: End::Len(1),
    })
}

fn number(text: &str) -> Option<i64> {
    match text.strip_prefix("0x") {
        Some(digits) => i64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}
