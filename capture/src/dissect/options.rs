//! TCP options (RFC 9293 section 3.2), as far as flows want to know.

use super::cursor::Cursor;
use super::layers::{TcpFlags, TcpOptions};

const END: u8 = 0;
const NO_OPERATION: u8 = 1;
const MSS: u8 = 2;
const WINDOW_SCALE: u8 = 3;
const SACK_PERMITTED: u8 = 4;
const TIMESTAMPS: u8 = 8;

/// Two no-operations and timestamps of ten bytes: what every stack sends (RFC 7323 appendix A).
const USUAL: u32 = 0x0101_080a;

/// The options at `at`, `len` bytes of them as the header says, on a segment with these flags.
#[inline(always)]
pub(super) fn of(flags: TcpFlags, cursor: Cursor<'_>, at: usize, len: usize) -> TcpOptions {
    if flags.has(TcpFlags::SYN) {
        of_syn(cursor, at, len)
    } else {
        of_segment(cursor, at, len)
    }
}

/// The options at `at`, `len` bytes of them as the header says, on a segment without SYN.
#[inline(always)]
fn of_segment(cursor: Cursor<'_>, at: usize, len: usize) -> TcpOptions {
    let timestamps =
        cursor.u32(at) == Some(USUAL) && len >= 12 || parse(cursor.up_to(at, len)).timestamps;
    TcpOptions {
        timestamps,
        ..TcpOptions::default()
    }
}

/// The same of a segment with SYN.
#[inline(never)]
fn of_syn(cursor: Cursor<'_>, at: usize, len: usize) -> TcpOptions {
    parse(cursor.up_to(at, len))
}

/// All options. An option whose length cannot be ends them, as in Zeek; the last one of a kind counts.
#[inline(never)]
fn parse(mut bytes: &[u8]) -> TcpOptions {
    let mut options = TcpOptions::default();
    while let [kind, rest @ ..] = bytes {
        match *kind {
            END => break,
            NO_OPERATION => {
                bytes = rest;
                continue;
            }
            _ => {}
        }
        let Some(&len) = rest.first() else { break };
        let Some((option, behind)) = bytes.split_at_checked(usize::from(len)) else {
            break;
        };
        match (*kind, option) {
            (_, []) => break,
            (MSS, [_, _, high, low, ..]) => {
                options.mss = Some(u16::from_be_bytes([*high, *low]));
            }
            (WINDOW_SCALE, [_, _, shift, ..]) => options.window_scale = Some(*shift),
            (SACK_PERMITTED, _) => options.sack_permitted = true,
            (TIMESTAMPS, option) if option.len() >= 10 => options.timestamps = true,
            _ => {}
        }
        bytes = behind;
    }
    options
}
