//! Text to tokens, with their places.
//!
//! The longest token wins, as in libpcap's scanner; so `80-90` is one word, `len-4` is a name, and
//! twelve hexadecimal digits are an Ethernet address, whatever stands around them.

use std::net::Ipv6Addr;

use super::ast::Span;
use super::error::{Fault, FilterError};
use super::token::{Symbol, Token, word};

/// Splits an expression; the last token is [`Token::End`].
pub(crate) fn tokens(text: &str) -> Result<Vec<(Token, Span)>, FilterError> {
    let mut tokens = Vec::new();
    let mut at = 0;
    let bytes = text.as_bytes();
    while let Some(&byte) = bytes.get(at) {
        if matches!(byte, b' ' | b'\r' | b'\n' | b'\t') {
            at += 1;
            continue;
        }
        let (token, len) = token(text, at)?;
        tokens.push((token, at..at + len));
        at += len;
    }
    tokens.push((Token::End, at..at));
    Ok(tokens)
}

fn token(text: &str, at: usize) -> Result<(Token, usize), FilterError> {
    let rest = &text.as_bytes()[at..];
    let part = |len: usize| text.get(at..at + len).unwrap_or_default();
    let fail = |len: usize, problem: String| Fault::new(problem).at(text, at..at + len);

    let name = name_len(rest);
    let mac = mac_len(rest);
    let number = number_len(rest);
    let dotted = dotted_len(rest);
    let ipv6 = ipv6_len(rest);
    let longest = name.max(mac).max(number).max(dotted).max(ipv6);
    let bogus = bogus_mac_len(rest);
    if bogus > longest {
        return Err(fail(bogus, format!("{} is no address", part(bogus)))
            .with_hint("an Ethernet address has six parts, an IPv6 address eight or a :: in it"));
    }
    if longest > 0 {
        let whole = part(longest);
        let token = if name == longest
            && let Some(token) = word(whole)
        {
            token
        } else if mac == longest {
            Token::Mac(mac_of(whole))
        } else if number == longest {
            Token::Number(number_of(whole).map_err(|fault| fault.at(text, at..at + longest))?)
        } else if dotted == longest {
            Token::Dotted(whole.to_owned())
        } else if ipv6 == longest {
            let addr = whole
                .parse::<Ipv6Addr>()
                .map_err(|_error| fail(longest, format!("{whole} is no IPv6 address")))?;
            Token::Ipv6(addr)
        } else {
            Token::Name(whole.to_owned())
        };
        return Ok((token, longest));
    }

    match rest {
        [b'\\', escaped @ ..] => {
            let len = escaped
                .iter()
                .take_while(|byte| !matches!(byte, b' ' | b'!' | b'(' | b')' | b'\n' | b'\t'))
                .count();
            if len == 0 {
                return Err(fail(1, "nothing follows the backslash".to_owned())
                    .with_hint("a backslash makes a name of a keyword, as in ip proto \\tcp"));
            }
            let name = text.get(at + 1..at + 1 + len).unwrap_or_default();
            return Ok((Token::Name(name.to_owned()), 1 + len));
        }
        [b'$', first, ..] if first.is_ascii_hexdigit() => {
            let len = 2 + usize::from(rest.get(2).is_some_and(u8::is_ascii_hexdigit));
            // libpcap takes the dollar sign for a digit, and the first digit for the second.
            return Ok((Token::Arcnet(0xd0 | digit_of(*first)), len));
        }
        _ => {}
    }
    if let Some((symbol, len)) = symbol(rest) {
        return Ok((symbol, len));
    }
    let character = text.get(at..).and_then(|rest| rest.chars().next());
    let character = character.unwrap_or(char::REPLACEMENT_CHARACTER);
    Err(fail(
        character.len_utf8(),
        format!("{character:?} has no meaning here"),
    ))
}

fn symbol(rest: &[u8]) -> Option<(Token, usize)> {
    use super::token::Word;
    let two = match rest.get(..2).unwrap_or_default() {
        b"&&" => Some(Token::Word(Word::And)),
        b"||" => Some(Token::Word(Word::Or)),
        b">=" => Some(Token::Symbol(Symbol::GreaterOrEqual)),
        b"<=" => Some(Token::Symbol(Symbol::LessOrEqual)),
        b"!=" => Some(Token::Symbol(Symbol::NotEqual)),
        b"==" => Some(Token::Symbol(Symbol::Equal)),
        b"<<" => Some(Token::Symbol(Symbol::LeftShift)),
        b">>" => Some(Token::Symbol(Symbol::RightShift)),
        _ => None,
    };
    if let Some(token) = two {
        return Some((token, 2));
    }
    let one = match rest.first()? {
        b'+' => Symbol::Plus,
        b'-' => Symbol::Minus,
        b'*' => Symbol::Star,
        b'/' => Symbol::Slash,
        b'%' => Symbol::Percent,
        b':' => Symbol::Colon,
        b'[' => Symbol::OpenBracket,
        b']' => Symbol::CloseBracket,
        b'!' => return Some((Token::Word(Word::Not), 1)),
        b'<' => Symbol::Less,
        b'>' => Symbol::Greater,
        b'(' => Symbol::OpenParen,
        b')' => Symbol::CloseParen,
        b'&' => Symbol::Ampersand,
        b'|' => Symbol::Bar,
        b'^' => Symbol::Caret,
        b'=' => Symbol::Equal,
        _ => return None,
    };
    Some((Token::Symbol(one), 1))
}

/// Letters and digits, with `-` and `_` inside and dots anywhere but in front.
fn name_len(rest: &[u8]) -> usize {
    if !rest.first().is_some_and(u8::is_ascii_alphanumeric) {
        return 0;
    }
    let mut len = 0;
    for (at, byte) in rest.iter().enumerate() {
        match byte {
            b'.' | b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' => len = at + 1,
            b'-' | b'_' => {}
            _ => break,
        }
    }
    len
}

fn digits(rest: &[u8], is_digit: impl Fn(&u8) -> bool) -> usize {
    rest.iter().take_while(|byte| is_digit(byte)).count()
}

/// Decimal digits, or hexadecimal ones behind `0x`.
fn number_len(rest: &[u8]) -> usize {
    if let [b'0', b'x' | b'X', hex @ ..] = rest {
        let len = digits(hex, u8::is_ascii_hexdigit);
        if len > 0 {
            return 2 + len;
        }
    }
    digits(rest, u8::is_ascii_digit)
}

/// Two to four numbers with dots between them.
fn dotted_len(rest: &[u8]) -> usize {
    let mut at = number_len(rest);
    if at == 0 {
        return 0;
    }
    let mut longest = 0;
    for _ in 0..3 {
        if rest.get(at) != Some(&b'.') {
            break;
        }
        let number = number_len(rest.get(at + 1..).unwrap_or_default());
        if number == 0 {
            break;
        }
        at += 1 + number;
        longest = at;
    }
    longest
}

/// Six bytes with `:`, `-` or `.` between them; or four digits three times, with dots or without.
fn mac_len(rest: &[u8]) -> usize {
    let mut longest = 0;
    for separator in *b":-." {
        let mut at = 0;
        for part in 0..6 {
            if part > 0 {
                if rest.get(at) != Some(&separator) {
                    break;
                }
                at += 1;
            }
            let len = digits(rest.get(at..).unwrap_or_default(), u8::is_ascii_hexdigit).min(2);
            if len == 0 {
                break;
            }
            at += len;
            if part == 5 {
                longest = longest.max(at);
            }
        }
    }
    let run = |from: usize, len: usize| {
        rest.get(from..from + len)
            .is_some_and(|part| part.iter().all(u8::is_ascii_hexdigit))
    };
    let dot = |at: usize| rest.get(at) == Some(&b'.');
    if run(0, 4) && dot(4) && run(5, 4) && dot(9) && run(10, 4) {
        longest = longest.max(14);
    }
    if run(0, 12) {
        longest = longest.max(12);
    }
    longest
}

/// What looks like an Ethernet address and is none: `1:2:`.
fn bogus_mac_len(rest: &[u8]) -> usize {
    let mut at = 0;
    let mut longest = 0;
    let mut parts = 0;
    loop {
        let tail = rest.get(at..).unwrap_or_default();
        let len = digits(tail, u8::is_ascii_hexdigit);
        if len == 0 || len > 2 {
            return longest;
        }
        let colons = digits(tail.get(len..).unwrap_or_default(), |byte| *byte == b':');
        if colons == 0 {
            return longest;
        }
        at += len + colons;
        parts += 1;
        if parts > 1 {
            longest = at;
        }
    }
}

/// An IPv6 address: eight groups, or fewer and a `::`; the last two can be an IPv4 address.
fn ipv6_len(rest: &[u8]) -> usize {
    let may_begin = |byte: &u8| *byte == b':' || byte.is_ascii_hexdigit();
    if !rest.first().is_some_and(may_begin) || !rest.iter().take(5).any(|byte| *byte == b':') {
        return 0;
    }
    let mut longest = ipv6_form(rest, 8, None, false).max(ipv6_form(rest, 6, None, true));
    for groups in 0..=7 {
        for gap in 0..=groups {
            longest = longest.max(ipv6_form(rest, groups, Some(gap), false));
            if groups <= 5 {
                longest = longest.max(ipv6_form(rest, groups, Some(gap), true));
            }
        }
    }
    longest
}

/// Length of one form of an address: so many groups, a `::` before one of them, and perhaps an IPv4
/// address at the end.
fn ipv6_form(rest: &[u8], groups: usize, gap: Option<usize>, ipv4: bool) -> usize {
    let tail = |at: usize| rest.get(at..).unwrap_or_default();
    let parts = groups + usize::from(ipv4);
    let mut at = 0;
    for part in 0..=parts {
        if gap == Some(part) {
            if !tail(at).starts_with(b"::") {
                return 0;
            }
            at += 2;
        } else if part > 0 && part < parts {
            if !tail(at).starts_with(b":") {
                return 0;
            }
            at += 1;
        }
        if part == parts {
            break;
        }
        let len = if part < groups {
            digits(tail(at), u8::is_ascii_hexdigit).min(4)
        } else {
            let mut len = number_len(tail(at));
            for _ in 0..3 {
                let next = number_len(tail(at + len + 1));
                if len == 0 || rest.get(at + len) != Some(&b'.') || next == 0 {
                    return 0;
                }
                len += 1 + next;
            }
            len
        };
        if len == 0 {
            return 0;
        }
        at += len;
    }
    at
}

const fn digit_of(byte: u8) -> u8 {
    match byte {
        b'0'..=b'9' => byte - b'0',
        b'a'..=b'f' => byte - b'a' + 10,
        _ => byte.wrapping_sub(b'A').wrapping_add(10),
    }
}

fn mac_of(text: &str) -> [u8; 6] {
    let mut mac = [0; 6];
    let mut bytes = text.as_bytes();
    for part in &mut mac {
        if let [b':' | b'-' | b'.', rest @ ..] = bytes {
            bytes = rest;
        }
        // One digit, and a second one if there is no separator before it.
        for _ in 0..2 {
            if let [digit, rest @ ..] = bytes
                && digit.is_ascii_hexdigit()
            {
                *part = (*part << 4) | digit_of(*digit);
                bytes = rest;
            } else {
                break;
            }
        }
    }
    mac
}

/// Decimal, octal behind a zero, hexadecimal behind `0x`.
fn number_of(text: &str) -> Result<u32, Fault> {
    let (digits, radix) = match text.as_bytes() {
        [b'0', b'x' | b'X', ..] => (text.get(2..), 16),
        [b'0', _, ..] => (text.get(1..), 8),
        _ => (Some(text), 10),
    };
    let digits = digits.unwrap_or_default();
    if radix == 8 && digits.bytes().any(|digit| digit > b'7') {
        return Err(Fault::new(format!("{text} is not an octal number"))
            .hint("a number that begins with 0 is octal"));
    }
    u32::from_str_radix(digits, radix)
        .map_err(|_error| Fault::new(format!("{text} does not fit into 32 bits")))
}
