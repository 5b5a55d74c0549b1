//! Changes to expressions: words are put in, left out, repeated and nested; and to the packets that they
//! are asked about.

use super::{bytes, framed, packet, unframed};
use crate::random::Random;

/// Changes an expression, or one of the packets behind it.
pub(super) fn change(input: &mut Vec<u8>, other: &[u8], words: &[String], random: &mut Random) {
    if input.first() == Some(&b'#') && !random.once_in(20) {
        return program(input, random);
    }
    let (text, rest) = split(input);
    let (mut text, mut rest) = (text.to_vec(), rest.to_vec());
    let (their_text, their_rest) = split(other);
    if random.once_in(4) && rest.len() > 2 {
        if random.once_in(8) {
            rest[1] = random.byte();
        } else {
            let mut packets = unframed(&rest[2..]);
            let theirs = unframed(their_rest.get(2..).unwrap_or_default());
            let place = random.below(packets.len());
            if let Some(data) = packets.get_mut(place) {
                let what = random.one_of(&theirs).map_or(&[][..], Vec::as_slice);
                packet::change(data, what, random);
            }
            rest.truncate(2);
            rest.extend(framed(&packets));
        }
    } else {
        edit(&mut text, their_text, words, random);
        // A zero byte ends the text.
        text.retain(|byte| *byte != 0);
    }
    *input = text;
    input.extend(rest);
}

/// The text, and the rest with the zero byte that is between them.
fn split(input: &[u8]) -> (&[u8], &[u8]) {
    let end = input.iter().position(|byte| *byte == 0);
    input.split_at(end.unwrap_or(input.len()))
}

/// Where words, numbers and signs lie.
fn tokens(text: &[u8]) -> Vec<std::ops::Range<usize>> {
    let is_word =
        |byte: u8| byte.is_ascii_alphanumeric() || b"._:-\\\"".contains(&byte) || byte > 127;
    let mut tokens = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let mut end = at + 1;
        if is_word(text[at]) {
            while end < text.len() && is_word(text[end]) {
                end += 1;
            }
        }
        if text[at] != b' ' {
            tokens.push(at..end);
        }
        at = end;
    }
    tokens
}

fn edit(text: &mut Vec<u8>, other: &[u8], words: &[String], random: &mut Random) {
    let tokens = tokens(text);
    let word = random.one_of(words).map_or("", String::as_str).to_owned();
    let len = text.len();
    let here = random.one_of(&tokens).cloned().unwrap_or(len..len);
    match random.below(14) {
        0..=2 => drop(text.splice(here, word.into_bytes())),
        3 | 4 => {
            let what = format!(" {word} ");
            text.splice(here.end..here.end, what.into_bytes());
        }
        5 => drop(text.drain(here)),
        6 => {
            // From here to there once more.
            let there = random.one_of(&tokens).cloned().unwrap_or(len..len);
            let (from, to) = (here.start.min(there.start), here.end.max(there.end));
            let mut again = text[from..to].to_vec();
            again.push(b' ');
            text.splice(from..from, again);
        }
        7 => {
            let there = random.one_of(&tokens).cloned().unwrap_or(len..len);
            let (from, to) = (here.start.min(there.start), here.end.max(there.end));
            text.insert(to, b')');
            text.insert(from, b'(');
        }
        8 => {
            const JOINTS: [&str; 6] = [" and ", " or ", " && ", " || ", " xor ", " "];
            let mut new = text.clone();
            new.extend(JOINTS[random.below(JOINTS.len())].as_bytes());
            new.extend(other);
            *text = new;
        }
        9 => {
            let their_tokens = self::tokens(other);
            if let Some(theirs) = random.one_of(&their_tokens) {
                text.splice(here, other[theirs.clone()].iter().copied());
            }
        }
        10 => {
            // Deep.
            const NESTS: [(&str, &str); 6] = [
                ("(", ")"),
                ("not ", ""),
                ("!", ""),
                ("-", ""),
                ("{", "}"),
                ("1+", ""),
            ];
            let (open, close) = NESTS[random.below(NESTS.len())];
            let depth = 1 << random.below(10);
            text.splice(here.end..here.end, close.repeat(depth).into_bytes());
            text.splice(here.start..here.start, open.repeat(depth).into_bytes());
        }
        11 => {
            // Long.
            let again = [&text[here.clone()], b" or "].concat();
            let count = 1 << random.below(8);
            text.splice(here.start..here.start, again.repeat(count));
        }
        12 => {
            let number = match random.below(3) {
                0 => random.next(),
                1 => random.next() >> random.below(64),
                _ => (1_u64 << random.below(64)).wrapping_sub(1),
            };
            text.splice(here, number.to_string().into_bytes());
        }
        _ => bytes::change(text, other, random),
    }
}

/// Changes an instruction of a program.
fn program(input: &mut Vec<u8>, random: &mut Random) {
    const CODES: [u8; 40] = [
        0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x0c, 0x14, 0x15, 0x16, 0x1d, 0x20, 0x24,
        0x25, 0x28, 0x2c, 0x30, 0x34, 0x35, 0x3c, 0x40, 0x45, 0x48, 0x50, 0x54, 0x60, 0x61, 0x64,
        0x74, 0x7c, 0x80, 0x81, 0x84, 0x87, 0x94, 0xa4, 0xb1, 0x0e,
    ];
    let count = (input.len() - 1) / 8;
    let at = 1 + random.below(count) * 8;
    match random.below(6) {
        0 => {
            let end = (at + 8).min(input.len());
            let again = input[at..end].to_vec();
            input.splice(at..at, again);
        }
        1 => {
            let end = (at + 8).min(input.len());
            drop(input.drain(at..end));
        }
        2 | 3 => {
            if let Some(code) = input.get_mut(at) {
                *code = CODES[random.below(CODES.len())];
            }
        }
        _ => {
            let field = [(2, 1), (3, 1), (4, 4), (4, 1)][random.below(4)];
            bytes::number(input, at + field.0, field.1, random);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_signs_are_told_apart() {
        let text = b"ip.src==10.0.0.1 and(tcp)";
        let words: Vec<_> = tokens(text)
            .into_iter()
            .map(|range| std::str::from_utf8(&text[range]).unwrap())
            .collect();
        assert_eq!(
            words,
            ["ip.src", "=", "=", "10.0.0.1", "and", "(", "tcp", ")"]
        );
    }
}
