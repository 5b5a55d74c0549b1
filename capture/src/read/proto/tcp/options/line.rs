//! What the list says of the options.

use std::fmt::Write as _;

use super::super::names;
use super::rare::{Order, counters, hole};
use super::{All, Next, One, Owner, blocks, experiment, kind, repeats};

/// Adds what the list says of the options.
pub(in super::super) fn write_info(bytes: &[u8], owner: &Owner, out: &mut String) {
    let mut ended = false;
    for next in (All { bytes, at: 0 }) {
        let Next::One(one) = next else { break };
        if ended && one.kind != kind::EOL {
            break;
        }
        ended |= one.kind == kind::EOL;
        write_one(&one, owner, out);
        if one.kind == kind::SACK && one.bytes.len() < 10 && repeats(&one, owner) {
            break;
        }
    }
}

fn write_one(one: &One<'_>, owner: &Owner, out: &mut String) {
    let mut number = |name: &str, value: u32| names::number(out, name, value);
    let u32_of = |a: &[u8; 4]| u32::from_be_bytes(*a);
    match (one.kind, one.bytes) {
        (kind::NOP | kind::EOL, _) => {}
        (kind::TIMESTAMPS, [_, _, times @ ..]) if times.len() == 8 => {
            if let ([value, reply], _) = times.as_chunks::<4>() {
                number("TSval", u32_of(value));
                number("TSecr", u32_of(reply));
            }
        }
        (kind::MSS, &[_, _, a, b]) => number("MSS", u16::from_be_bytes([a, b]).into()),
        (kind::WINDOW_SCALE, &[_, _, shift]) => number("WS", 1 << shift.min(14)),
        (kind::SACK_PERMITTED, _) => out.push_str(" SACK_PERM"),
        (kind::SACK, _) => {
            for (left, right) in blocks(one, owner) {
                number("SLE", left);
                number("SRE", right);
            }
        }
        (kind::ECHO | kind::ECHO_REPLY, &[_, _, a, b, c, d]) => {
            number("ECHO", u32::from_be_bytes([a, b, c, d]));
        }
        (kind::CC | kind::CC_NEW | kind::CC_ECHO, &[_, _, a, b, c, d]) => {
            number("CC", u32::from_be_bytes([a, b, c, d]));
        }
        (kind::MD5, _) => out.push_str(" MD5"),
        (kind::AUTHENTICATION, _) => out.push_str("TCP AO"),
        (kind::QUICK_START, &[_, _, rate, ..]) if one.bytes.len() == 8 => {
            out.push_str(" QSresp=");
            out.push_str(names::quick_start(rate & 0x0f));
        }
        (kind::USER_TIMEOUT, &[_, _, a, b]) => {
            number("USER_TO", (u16::from_be_bytes([a, b]) & 0x7fff).into());
        }
        (kind::SCPS, &[_, _, vector, id]) => {
            if vector != 0 {
                out.push_str(" SCPS[");
                out.push_str(&names::scps(vector).join(", "));
                out.push(']');
            }
            if id != 0 {
                names::number(out, "Connection ID", id.into());
            }
        }
        (kind::SCPS, bytes) if owner.scps => {
            let mut rest = bytes.get(2..).unwrap_or(&[]);
            while let [space, len, more @ ..] = rest {
                let Some(behind) = more.get(usize::from(len >> 4) << 1..) else {
                    break;
                };
                names::number(out, "EXCAP", (*space).into());
                rest = behind;
            }
        }
        (kind::SNACK, &[_, _, a, b, c, d]) => {
            let (offset, size) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
            if let Some((from, to)) = hole(owner, offset, size) {
                number("SNLE", from);
                number("SNRE", to);
            }
        }
        (kind::FAST_OPEN, bytes) => write_fast_open(bytes.len() - 2, out),
        (kind::ACC_ECN_0 | kind::ACC_ECN_1, [_, _, counts @ ..])
            if matches!(counts.len(), 0 | 3 | 6 | 9) =>
        {
            let is_zero = one.kind == kind::ACC_ECN_0;
            let order = if is_zero { Order::Zero } else { Order::One };
            write_acc_ecn(counts, order, out);
        }
        (kind::EXPERIMENT_1 | kind::EXPERIMENT_2, [_, _, a, b, rest @ ..]) => {
            match u16::from_be_bytes([*a, *b]) {
                experiment::ACK_RATE => match rest {
                    [] => out.push_str(" TARR"),
                    [rate] => number("TARR", (rate >> 1).into()),
                    _ => {}
                },
                id @ (experiment::ACC_ECN_0 | experiment::ACC_ECN_1) => {
                    if matches!(rest.len(), 0 | 3 | 6 | 9) {
                        let is_zero = id == experiment::ACC_ECN_0;
                        let order = if is_zero { Order::Zero } else { Order::One };
                        write_acc_ecn(rest, order, out);
                    }
                }
                experiment::FAST_OPEN => write_fast_open(rest.len(), out),
                id => {
                    // Writing to a string does not fail.
                    let _infallible = write!(out, " ExID={id:X}");
                }
            }
        }
        _ => {}
    }
}

fn write_fast_open(cookie_len: usize, out: &mut String) {
    out.push_str(if cookie_len == 0 { " TFO=R" } else { " TFO=C" });
}

fn write_acc_ecn(counts: &[u8], order: Order, out: &mut String) {
    if counts.is_empty() {
        out.push_str(" AccECN");
    }
    for (name, value) in counters(counts, order) {
        names::number(out, name, value);
    }
}
