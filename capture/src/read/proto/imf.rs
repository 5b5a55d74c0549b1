//! Mails (RFC 5322), as Wireshark's `packet-imf.c` shows them in the list: who wrote, about what, and what
//! is in it. SMTP and POP put them together from their segments first.
//!
//! Bounded: of mails that are under way, [`MAX_MAIL`] bytes are kept of each and [`MAX_ALL`] in all; one
//! that does not fit is given up.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::http::media;
use super::text::{Escaped, Spaced, line};
use crate::read::region::Region;
use crate::read::walk::Walk;

/// Bytes of a mail.
const MAX_MAIL: usize = 16 << 20;
/// Bytes of all mails that are under way.
const MAX_ALL: usize = 64 << 20;
/// The list shows so many bytes of a mail that does not say what it is.
const MOST_SHOWN: usize = 4095;

/// Mails that are under way, by their streams.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    parts: BTreeMap<u32, Vec<u8>>,
    buffered: usize,
}

impl Memory {
    /// Another part of a stream's mail.
    pub(super) fn add(&mut self, stream: u32, bytes: &[u8]) {
        if self.buffered + bytes.len() > MAX_ALL {
            *self = Self::default();
        }
        let mail = self.parts.entry(stream).or_default();
        if mail.len() + bytes.len() <= MAX_MAIL {
            mail.extend_from_slice(bytes);
            self.buffered += bytes.len();
        }
    }

    /// The mail of a stream, which is whole now; `None` if there is nothing of it.
    pub(super) fn take(&mut self, stream: u32) -> Option<Vec<u8>> {
        let mail = self.parts.remove(&stream)?;
        self.buffered -= mail.len();
        Some(mail).filter(|mail| !mail.is_empty())
    }
}

/// Shows the mail of a stream, if there is one.
pub(super) fn finish(walk: &mut Walk<'_, '_>, stream: u32, title: &'static str) -> bool {
    let Some(mail) = walk.memory.mails.take(stream) else {
        return false;
    };
    let whole = Arc::new(mail);
    let source = walk.tree.add_source(title, Arc::clone(&whole));
    show(walk, &Region::new(source, &whole, whole.len() as u32));
    true
}

/// Shows a mail.
pub(super) fn show(walk: &mut Walk<'_, '_>, region: &Region<'_>) {
    nested(walk, region, 0);
}

/// The same, within so many others.
pub(super) fn nested(walk: &mut Walk<'_, '_>, region: &Region<'_>, depth: usize) {
    walk.columns.append_protocol("/IMF");
    walk.columns.clear_info();
    let bytes = region.captured();
    let mut content: Option<&[u8]> = None;
    let mut at = 0;
    let body = loop {
        let Some(colon) = position(bytes, at, b':') else {
            break 0;
        };
        let name = &bytes[at..colon];
        let value_at = colon + 1;
        let (end, is_last) = field_end(bytes, value_at);
        let Some(end) = end else {
            break 0;
        };
        let value = value(bytes, value_at, end);
        for known in ["from", "subject"] {
            if name.eq_ignore_ascii_case(known.as_bytes()) {
                let text = format_args!("{known}: {}, ", Escaped(value));
                walk.columns.append_info(text);
            }
        }
        // What it is must have parameters.
        if name.eq_ignore_ascii_case(b"content-type") && value.contains(&b';') {
            content = Some(value);
        }
        at = end;
        if is_last {
            break (end + 2).min(bytes.len());
        }
    };
    let rest = region.rest(body);
    if let Some(content) = content {
        walk.columns.fence();
        media::of_mail(walk, content, &rest, depth);
        return;
    }
    let bytes = rest.captured();
    let (mut at, mut shown) = (0, 0);
    while at < bytes.len() && shown < MOST_SHOWN {
        let (_, next) = line(&bytes[at..]);
        let next = next.min(MOST_SHOWN - shown);
        let text = Spaced(&bytes[at..at + next]);
        walk.columns.append_info_after(", ", format_args!("{text}"));
        shown += next + 2;
        at += next;
    }
}

fn position(bytes: &[u8], from: usize, wanted: u8) -> Option<usize> {
    let rest = bytes.get(from..)?;
    let at = rest.iter().position(|byte| *byte == wanted)?;
    Some(from + at)
}

/// A value without the space around it.
fn value(bytes: &[u8], at: usize, end: usize) -> &[u8] {
    let whole = bytes.get(at..end).unwrap_or(&[]);
    let start = whole.trim_ascii_start();
    let shown = if start.is_empty() { whole } else { start };
    shown.get(..shown.len().saturating_sub(2)).unwrap_or(&[])
}

/// Where the field ends whose value begins at `at`, lines that go on included, and whether it is the last.
pub(super) fn field_end(bytes: &[u8], mut at: usize) -> (Option<usize>, bool) {
    while let Some(end) = position(bytes, at, b'\r') {
        at = end + 1;
        if bytes.get(at) != Some(&b'\n') {
            continue;
        }
        at += 1;
        match (bytes.get(at), bytes.get(at + 1)) {
            (None, _) => return (Some(at - 2), true),
            (Some(b'\r'), next) => return (Some(at), next == Some(&b'\n')),
            (Some(b' ' | b'\t'), _) => {}
            _ => return (Some(at), false),
        }
    }
    (None, false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_goes_on_in_lines_that_begin_with_space() {
        let bytes = b"A: b\r\n c\r\nD: e\r\n\r\nbody";
        assert_eq!(field_end(bytes, 2), (Some(10), false));
        assert_eq!(value(bytes, 2, 10), b"b\r\n c");
        assert_eq!(field_end(bytes, 12), (Some(16), true));
        assert_eq!(field_end(b"A: b", 2), (None, false));
        assert_eq!(field_end(b"A: b\r\n", 2), (Some(4), true));
    }

    #[test]
    fn a_mail_that_is_too_long_is_cut_and_all_of_them_are_bounded() {
        let mut memory = Memory::default();
        memory.add(1, b"ab");
        memory.add(1, b"c");
        assert_eq!(memory.take(1).as_deref(), Some(&b"abc"[..]));
        assert_eq!((memory.take(1), memory.buffered), (None, 0));
        let part = vec![0; MAX_MAIL];
        for stream in 0..9 {
            memory.add(stream, &part);
            memory.add(stream, b"more");
        }
        assert!(memory.buffered <= MAX_ALL);
        assert_eq!(memory.take(8).map(|mail| mail.len()), Some(MAX_MAIL));
    }
}
