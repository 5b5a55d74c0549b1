//! The options of a TCP header: RFC 9293 section 3.2, RFC 7323, RFC 2018, RFC 2883, RFC 5925, RFC 7413
//! and the others in IANA's registry, as Wireshark shows them.
//!
//! An option is looked at up to three times: by [`look`] for what the stream is to remember, by the
//! tree if anybody wants it, and by [`write_info`] when the line of the list is printed.
//!
//! - `line.rs` what the list says of them
//! - `rare.rs` options that few have seen

mod line;
mod rare;

pub(super) use self::line::write_info;
use self::rare::{Order, acc_ecn, experimental, fast_open, scps, snack};
use super::fields as f;
use super::header::Flags;
use super::{mptcp, names};
use crate::read::field::FieldId;
use crate::read::print::text::decimal;
use crate::read::proto::expert::{Group, Severity};
use crate::read::region::{Region, Stop};
use crate::read::tree::{Added, Value};
use crate::read::walk::Walk;
use crate::tcp::before;

const NOTE: (Severity, Group) = (Severity::Note, Group::Sequence);
const WARNING: (Severity, Group) = (Severity::Warning, Group::Sequence);

/// Kinds that are told apart.
mod kind {
    pub(super) const EOL: u8 = 0;
    pub(super) const NOP: u8 = 1;
    pub(super) const MSS: u8 = 2;
    pub(super) const WINDOW_SCALE: u8 = 3;
    pub(super) const SACK_PERMITTED: u8 = 4;
    pub(super) const SACK: u8 = 5;
    pub(super) const ECHO: u8 = 6;
    pub(super) const ECHO_REPLY: u8 = 7;
    pub(super) const TIMESTAMPS: u8 = 8;
    pub(super) const CC: u8 = 11;
    pub(super) const CC_NEW: u8 = 12;
    pub(super) const CC_ECHO: u8 = 13;
    pub(super) const MD5: u8 = 19;
    pub(super) const SCPS: u8 = 20;
    pub(super) const SNACK: u8 = 21;
    pub(super) const RECORD_BOUNDARY: u8 = 22;
    pub(super) const CORRUPTION: u8 = 23;
    pub(super) const QUICK_START: u8 = 27;
    pub(super) const USER_TIMEOUT: u8 = 28;
    pub(super) const AUTHENTICATION: u8 = 29;
    pub(super) const MPTCP: u8 = 30;
    pub(super) const FAST_OPEN: u8 = 34;
    pub(super) const RIVERBED_PROBE: u8 = 76;
    pub(super) const RIVERBED_TRANSPARENCY: u8 = 78;
    pub(super) const ACC_ECN_0: u8 = 0xac;
    pub(super) const ACC_ECN_1: u8 = 0xae;
    pub(super) const EXPERIMENT_1: u8 = 0xfd;
    pub(super) const EXPERIMENT_2: u8 = 0xfe;
}

/// Experiments that are told apart (RFC 6994).
mod experiment {
    pub(super) const ACK_RATE: u16 = 0x00ac;
    pub(super) const ACC_ECN_0: u16 = 0xacc0;
    pub(super) const ACC_ECN_1: u16 = 0xacc1;
    pub(super) const FAST_OPEN: u16 = 0xf989;
}

/// What the options belong to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Owner {
    pub(super) flags: Flags,
    /// The acknowledgment as it is shown, and what edges are relative to.
    pub(super) ack: u32,
    pub(super) raw_ack: u32,
    pub(super) peer_base: u32,
    /// Whether numbers are relative.
    pub(super) relative: bool,
    /// The longest segment that was acknowledged, of streams with SCPS.
    pub(super) longest: u32,
    /// SCPS was offered before.
    pub(super) scps: bool,
}

impl Owner {
    pub(super) const NONE: Self = Self {
        flags: Flags(0),
        ack: 0,
        raw_ack: 0,
        peer_base: 0,
        relative: false,
        longest: 0,
        scps: false,
    };
}

/// What the stream is to remember.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) scale: Option<u8>,
    /// Bytes that the first three selective acknowledgments cover.
    pub(super) sacked: u32,
    pub(super) acc_ecn: bool,
    /// A fast open cookie.
    pub(super) cookie: bool,
    /// MPTCP's kinds of messages, a bit each, and one for MPTCP itself.
    pub(super) mptcp: u16,
    /// How many options are MPTCP's.
    pub(super) mptcp_options: u8,
    pub(super) scps: bool,
}

/// An option that has a length, or one of the two that have none.
#[derive(Clone, Copy, Debug)]
struct One<'b> {
    at: usize,
    kind: u8,
    /// With kind and length.
    bytes: &'b [u8],
}

/// What is wrong with an option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wrong {
    /// It ends before its length.
    NoLength,
    /// Its length is too short.
    Short(u8),
    /// Its length goes past the end.
    Beyond(u8),
}

#[derive(Clone, Copy, Debug)]
enum Next<'b> {
    One(One<'b>),
    Wrong { at: usize, wrong: Wrong },
}

/// Options one after the other.
#[derive(Debug)]
struct All<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl<'b> Iterator for All<'b> {
    type Item = Next<'b>;

    #[inline]
    fn next(&mut self) -> Option<Next<'b>> {
        let rest = self.bytes.get(self.at..).unwrap_or(&[]);
        let at = self.at;
        let (&kind, behind) = rest.split_first()?;
        if kind <= kind::NOP {
            self.at += 1;
            let bytes = rest.get(..1).unwrap_or(rest);
            return Some(Next::One(One { at, kind, bytes }));
        }
        self.at = self.bytes.len();
        let Some(&len) = behind.first() else {
            let wrong = Wrong::NoLength;
            return Some(Next::Wrong { at, wrong });
        };
        if len < 2 {
            let wrong = Wrong::Short(len);
            return Some(Next::Wrong { at, wrong });
        }
        let Some(bytes) = rest.get(..usize::from(len)) else {
            let wrong = Wrong::Beyond(len);
            return Some(Next::Wrong { at, wrong });
        };
        self.at = at + usize::from(len);
        Some(Next::One(One { at, kind, bytes }))
    }
}

/// Gives what is behind kind and length of each option of MPTCP.
#[cold]
pub(super) fn each_mptcp(bytes: &[u8], mut take: impl FnMut(&[u8])) {
    for next in (All { bytes, at: 0 }) {
        let Next::One(one) = next else { break };
        if one.kind == kind::MPTCP {
            take(one.bytes.get(2..).unwrap_or(&[]));
        }
    }
}

/// What the stream is to remember of the options. Short work for those that nearly all segments have.
///
/// # Errors
///
/// When an option cannot be read: Wireshark gives up the segment there.
pub(super) fn look(bytes: &[u8], owner: &Owner) -> (Found, Result<(), Stop>) {
    let mut found = Found::default();
    let mut outcome = Ok(());
    let mut ended = false;
    for next in (All { bytes, at: 0 }) {
        let Next::One(one) = next else { break };
        if ended && one.kind != kind::EOL {
            break;
        }
        match (one.kind, one.bytes) {
            (kind::EOL, _) => ended = true,
            (kind::WINDOW_SCALE, [_, _, shift]) => found.scale = Some(*shift),
            (kind::SACK, _) => {
                found.sacked = blocks(&one, owner)
                    .take(3)
                    .fold(0, |sum: u32, (left, right)| {
                        sum.wrapping_add(right.wrapping_sub(left))
                    });
                if one.bytes.len() < 10 && repeats(&one, owner) {
                    outcome = Err(Stop::Malformed);
                    break;
                }
            }
            (kind::SCPS, _) if one.bytes.len() == 4 => found.scps = true,
            (kind::FAST_OPEN, [_, _, _, ..]) => found.cookie = true,
            (kind::ACC_ECN_0 | kind::ACC_ECN_1, _) => {
                found.acc_ecn |= matches!(one.bytes.len(), 2 | 5 | 8 | 11);
            }
            (kind::EXPERIMENT_1 | kind::EXPERIMENT_2, [_, _, a, b, rest @ ..]) => {
                match u16::from_be_bytes([*a, *b]) {
                    experiment::FAST_OPEN => found.cookie |= !rest.is_empty(),
                    experiment::ACC_ECN_0 | experiment::ACC_ECN_1 => {
                        found.acc_ecn |= matches!(rest.len(), 0 | 3 | 6 | 9);
                    }
                    _ => {}
                }
            }
            (kind::MPTCP, _) => {
                let (operations, read) = mptcp::look(one.bytes);
                found.mptcp |= operations;
                found.mptcp_options += 1;
                if read.is_err() {
                    outcome = read;
                    break;
                }
            }
            _ => {}
        }
    }
    (found, outcome)
}

/// The blocks of a SACK option, relative as they are shown.
fn blocks<'b>(one: &One<'b>, owner: &Owner) -> impl Iterator<Item = (u32, u32)> + use<'b> {
    let base = if owner.relative { owner.peer_base } else { 0 };
    let (blocks, _) = one.bytes.get(2..).unwrap_or(&[]).as_chunks::<8>();
    blocks.iter().map(move |&[a, b, c, d, e, f, g, h]| {
        let left = u32::from_be_bytes([a, b, c, d]).wrapping_sub(base);
        let right = u32::from_be_bytes([e, f, g, h]).wrapping_sub(base);
        (left, right)
    })
}

/// The first block repeats what was acknowledged before, or lies in the second (RFC 2883 section 4).
fn repeats(one: &One<'_>, owner: &Owner) -> bool {
    let mut all = blocks(one, owner);
    let (_, right) = all.next().unwrap_or_default();
    let is_old = !before(owner.ack, right);
    let inside = all
        .next()
        .is_some_and(|(left, end)| before(left, right) && !before(end, right));
    is_old || inside
}

/// Adds the options to the tree, where it stands: below `parent`, the node for them all. `region` is the whole TCP
/// segment, of which `len` bytes from 20 on are options.
pub(super) fn dissect(
    walk: &mut Walk<'_, '_>,
    region: &Region<'_>,
    len: usize,
    owner: &Owner,
    parent: Added,
) -> Result<(), Stop> {
    const BEGIN: usize = 20;
    let bytes = region.rest(BEGIN).part(0, len).captured();
    let mut title = Vec::new();
    let mut nops = 0;
    let mut mss_seen = false;
    let mut ended = false;
    let mut complete = true;
    let depth = walk.tree.depth();
    let mut outcome = Ok(());
    for next in (All { bytes, at: 0 }) {
        let at = match next {
            Next::One(one) => one.at,
            Next::Wrong { at, .. } => at,
        };
        let kind = bytes.get(at).copied().unwrap_or_default();
        if ended && kind != kind::EOL {
            let place = region.place(BEGIN + at, bytes.len() - at);
            let message = format_args!("Non-zero header padding");
            let how = (Severity::Error, Group::Protocol);
            expert_at(walk, f::NON_ZERO_BYTES_AFTER_EOL, place, how, message);
            complete = false;
            break;
        }
        match next {
            Next::Wrong { wrong, .. } => {
                // Where the capture ends, nothing can be said of the length.
                outcome = region.slice(BEGIN, len).map(|_| ());
                match (&outcome, wrong) {
                    (Ok(()), _) => {
                        show_wrong(walk, region, BEGIN + at, bytes.len() - at, kind, wrong);
                    }
                    (Err(_), Wrong::Beyond(claimed)) if at + usize::from(claimed) <= len => {
                        let whole = region.part(BEGIN + at, claimed.into());
                        // Why it ends there, the segment knows.
                        outcome = show_beginning(walk, &whole, kind, owner).or(outcome);
                        walk.tree.set_depth(depth);
                    }
                    _ => {}
                }
                complete = false;
                break;
            }
            Next::One(one) => {
                let at = BEGIN + one.at;
                let whole = region.part(at, one.bytes.len());
                if one.kind == kind::NOP {
                    if nops == 0 || !at.is_multiple_of(4) {
                        nops += 1;
                        if nops == 4 {
                            let message = format_args!(
                                "4 NOP in a row - a router may have removed some options"
                            );
                            let how = (Severity::Warning, Group::Protocol);
                            walk.expert(Added::NOT, f::NOP, how, message);
                        }
                    } else {
                        nops = 0;
                    }
                }
                mss_seen |= one.kind == kind::MSS;
                ended |= one.kind == kind::EOL;
                outcome = show(walk, &whole, &one, owner);
                walk.tree.set_depth(depth);
                if outcome.is_err() {
                    complete = false;
                    break;
                }
                if walk.tree.labels() {
                    title.push(match names::option(one.kind) {
                        "Unknown" => format!(", Unknown ({:#04x})", one.kind),
                        name => format!(", {name}"),
                    });
                }
            }
        }
    }
    if complete {
        outcome = region.slice(BEGIN, len).map(|_| ());
    }
    if walk.tree.labels() {
        let all = title.concat();
        walk.tree
            .label(parent, format_args!("Options: ({len} bytes){all}"));
    }
    if complete && outcome.is_ok() && owner.flags.has(Flags::SYN) && !mss_seen {
        let message = format_args!("The SYN packet does not contain a MSS option");
        let how = (Severity::Note, Group::Protocol);
        walk.expert(Added::NOT, f::OPTIONS_MSS_ABSENT, how, message);
    }
    outcome
}

/// An expert item that stands by itself.
pub(super) fn expert_at(
    walk: &mut Walk<'_, '_>,
    field: FieldId,
    place: crate::read::tree::Place,
    how: (Severity, Group),
    message: std::fmt::Arguments<'_>,
) {
    let added = walk.tree.heading(place, message);
    walk.expert(added, field, how, message);
}

fn show_wrong(
    walk: &mut Walk<'_, '_>,
    region: &Region<'_>,
    at: usize,
    len: usize,
    kind: u8,
    wrong: Wrong,
) {
    let name = match names::option(kind) {
        "Unknown" => format!("Unknown ({kind:#04x})"),
        name => name.to_owned(),
    };
    let place = region.place(at, len);
    let field = f::OPTION_LEN_INVALID;
    let s = |len: u8| if len == 1 { "" } else { "s" };
    match wrong {
        Wrong::NoLength => {
            let message = format_args!("{name} (length byte past end of options)");
            expert_at(walk, field, place, NOTE, message);
        }
        Wrong::Short(len) => {
            let message = format_args!(
                "{name} (with too-short option length = {len} byte{})",
                s(len)
            );
            expert_at(walk, field, place, NOTE, message);
        }
        Wrong::Beyond(len) => {
            let message = format_args!(
                "{name} (option length = {len} byte{} says option goes past end of options)",
                s(len)
            );
            expert_at(walk, field, place, NOTE, message);
        }
    }
}

/// Adds one option to the tree.
#[expect(clippy::too_many_lines, reason = "one option after another")]
fn show(
    walk: &mut Walk<'_, '_>,
    whole: &Region<'_>,
    one: &One<'_>,
    owner: &Owner,
) -> Result<(), Stop> {
    if one.kind == kind::MPTCP {
        return mptcp::dissect(walk, whole, owner);
    }
    let len = one.bytes.len();
    let item = walk
        .tree
        .add(field_of(one.kind), whole.place(0, len), Value::Bytes);
    // In its own line, Wireshark does not tell these from the ones that they answer.
    let name = match one.kind {
        kind::ECHO_REPLY => names::option(kind::ECHO),
        kind::CC_NEW | kind::CC_ECHO => names::option(kind::CC),
        kind => names::option(kind),
    };
    walk.tree.label(item, format_args!("TCP Option - {name}"));
    if one.kind == kind::MSS && !owner.flags.has(Flags::SYN) {
        let message = format_args!("The non-SYN packet does contain a MSS option");
        let how = (Severity::Warning, Group::Protocol);
        walk.expert(item, f::OPTIONS_MSS_PRESENT, how, message);
    }
    walk.tree.open();
    walk.u8(f::OPTION_KIND, whole, 0)?;
    if one.kind <= kind::NOP {
        return Ok(());
    }
    let length = walk
        .tree
        .add(f::OPTION_LEN, whole.place(1, 1), Value::Uint(len as u64));
    let expected = match one.kind {
        kind::MSS | kind::USER_TIMEOUT => Some(4),
        kind::WINDOW_SCALE => Some(3),
        kind::SACK_PERMITTED | kind::RECORD_BOUNDARY | kind::CORRUPTION => Some(2),
        kind::ECHO | kind::ECHO_REPLY | kind::CC | kind::CC_NEW | kind::CC_ECHO | kind::SNACK => {
            Some(6)
        }
        kind::TIMESTAMPS => Some(10),
        kind::MD5 => Some(18),
        kind::QUICK_START => Some(8),
        _ => None,
    };
    if let Some(expected) = expected
        && len != expected
    {
        let message = format_args!("option length should be {expected}");
        walk.expert(length, f::OPTION_LEN_INVALID, NOTE, message);
        return Ok(());
    }
    match one.kind {
        kind::MSS => {
            let mss = walk.u16(f::OPTIONS_MSS_VAL, whole, 2)?;
            walk.tree
                .label(item, format_args!("TCP Option - {name}: {mss} bytes"));
        }
        kind::WINDOW_SCALE => {
            let shift = whole.u8(2)?;
            let place = whole.place(2, 1);
            let added = walk
                .tree
                .add(f::OPTIONS_WSCALE_SHIFT, place, Value::Uint(shift.into()));
            if shift > 14 {
                let message = format_args!("Window scale shift exceeds 14");
                let how = (Severity::Warning, Group::Protocol);
                walk.expert(added, f::OPTIONS_WSCALE_SHIFT_INVALID, how, message);
            }
            let factor = 1_u32 << shift.min(14);
            let added = walk.tree.add(
                f::OPTIONS_WSCALE_MULTIPLIER,
                place,
                Value::Uint(factor.into()),
            );
            walk.tree.set_generated(added);
            walk.tree.label(
                item,
                format_args!("TCP Option - {name}: {shift} (multiply by {factor})"),
            );
        }
        kind::SACK => return sack(walk, whole, one, owner, item),
        kind::ECHO | kind::ECHO_REPLY => {
            let echo = walk.u32(f::OPTIONS_ECHO_VALUE, whole, 2)?;
            walk.tree
                .label(item, format_args!("TCP Option - {name}: {echo}"));
        }
        kind::TIMESTAMPS => {
            let value = walk.u32(f::OPTIONS_TIMESTAMP_TSVAL, whole, 2)?;
            let reply = walk.u32(f::OPTIONS_TIMESTAMP_TSECR, whole, 6)?;
            walk.tree.label(
                item,
                format_args!("TCP Option - {name}: TSval {value}, TSecr {reply}"),
            );
        }
        kind::CC | kind::CC_NEW | kind::CC_ECHO => {
            walk.u32(f::OPTIONS_CC_VALUE, whole, 2)?;
        }
        kind::MD5 => {
            walk.bytes(f::OPTIONS_MD5_DIGEST, &whole.rest(2));
        }
        kind::AUTHENTICATION => {
            if len < 4 {
                let message = format_args!("option length should be >= than 4");
                walk.expert(length, f::OPTION_LEN_INVALID, NOTE, message);
                return Ok(());
            }
            walk.u8(f::OPTIONS_AO_KEYID, whole, 2)?;
            walk.u8(f::OPTIONS_AO_RNEXTKEYID, whole, 3)?;
            if len > 4 {
                walk.bytes(f::OPTIONS_AO_MAC, &whole.rest(4));
            }
        }
        kind::QUICK_START => {
            let rate = whole.u8(2)? & 0x0f;
            let place = whole.place(2, 1);
            walk.tree
                .add(f::OPTIONS_QS_RATE, place, Value::Uint(rate.into()));
            walk.u8(f::OPTIONS_QS_TTL_DIFF, whole, 3)?;
        }
        kind::USER_TIMEOUT => {
            let value = whole.u16(2)?;
            let place = whole.place(2, 2);
            let minutes = value & 0x8000 != 0;
            walk.tree
                .add(f::OPTIONS_USER_TO_GRANULARITY, place, Value::Bool(minutes));
            let value = u64::from(value & 0x7fff);
            walk.tree
                .add(f::OPTIONS_USER_TO_VAL, place, Value::Uint(value));
        }
        kind::SCPS => return scps(walk, whole, one, owner, item),
        kind::SNACK => snack(walk, whole, owner)?,
        kind::FAST_OPEN => fast_open(walk, &whole.rest(0), owner),
        kind::ACC_ECN_0 | kind::ACC_ECN_1 => {
            if matches!(len, 2 | 5 | 8 | 11) {
                let order = if one.kind == kind::ACC_ECN_0 {
                    Order::Zero
                } else {
                    Order::One
                };
                acc_ecn(walk, &whole.rest(2), order, item, format_args!("{name}"));
            } else {
                let message =
                    format_args!("option length should be 2, 5, 8, or 11 instead of {len}");
                walk.expert(length, f::OPTION_LEN_INVALID, NOTE, message);
            }
        }
        kind::EXPERIMENT_1 | kind::EXPERIMENT_2 => {
            return experimental(walk, whole, owner, (item, length));
        }
        _ => {
            if len > 2 {
                walk.bytes(f::OPTIONS_UNKNOWN_PAYLOAD, &whole.rest(2));
            }
        }
    }
    Ok(())
}

/// Adds an option of which the end was not captured. Gives that it was not.
fn show_beginning(
    walk: &mut Walk<'_, '_>,
    whole: &Region<'_>,
    kind: u8,
    owner: &Owner,
) -> Result<(), Stop> {
    if kind == kind::MPTCP {
        return Err(Stop::Snapped);
    }
    let place = whole.place(0, whole.captured().len());
    let item = walk.tree.add(field_of(kind), place, Value::Bytes);
    let name = names::option(kind);
    walk.tree.label(item, format_args!("TCP Option - {name}"));
    walk.tree.open();
    walk.u8(f::OPTION_KIND, whole, 0)?;
    let len = walk.u8(f::OPTION_LEN, whole, 1)?;
    match (kind, len) {
        (kind::TIMESTAMPS, 10) => {
            walk.u32(f::OPTIONS_TIMESTAMP_TSVAL, whole, 2)?;
        }
        (kind::AUTHENTICATION, 4..) => {
            walk.u8(f::OPTIONS_AO_KEYID, whole, 2)?;
            walk.u8(f::OPTIONS_AO_RNEXTKEYID, whole, 3)?;
        }
        (kind::SACK, _) => {
            let (base, note) = if owner.relative {
                (owner.peer_base, " (relative)")
            } else {
                (0, "")
            };
            let edges = [(f::OPTIONS_SACK_LE, "left"), (f::OPTIONS_SACK_RE, "right")];
            for (at, (field, side)) in (2..).step_by(4).zip(edges.iter().cycle()) {
                let edge = whole.u32(at)?.wrapping_sub(base);
                let value = Value::Uint(edge.into());
                let added = walk.tree.add(*field, whole.place(at, 4), value);
                walk.tree
                    .label(added, format_args!("{side} edge = {edge}{note}"));
            }
        }
        _ => {}
    }
    Err(Stop::Snapped)
}

const fn field_of(kind: u8) -> FieldId {
    match kind {
        kind::EOL => f::OPTIONS_EOL,
        kind::NOP => f::OPTIONS_NOP,
        kind::MSS => f::OPTIONS_MSS,
        kind::WINDOW_SCALE => f::OPTIONS_WSCALE,
        kind::SACK_PERMITTED => f::OPTIONS_SACK_PERM,
        kind::SACK => f::OPTIONS_SACK,
        kind::ECHO | kind::ECHO_REPLY => f::OPTIONS_ECHO,
        kind::TIMESTAMPS => f::OPTIONS_TIMESTAMP,
        kind::CC | kind::CC_NEW | kind::CC_ECHO => f::OPTIONS_CC,
        kind::MD5 => f::OPTIONS_MD5,
        kind::SCPS => f::OPTIONS_SCPS,
        kind::SNACK => f::OPTIONS_SNACK,
        kind::RECORD_BOUNDARY => f::OPTIONS_SCPSREC,
        kind::CORRUPTION => f::OPTIONS_SCPSCOR,
        kind::QUICK_START => f::OPTIONS_QS,
        kind::USER_TIMEOUT => f::OPTIONS_USER_TO,
        kind::AUTHENTICATION => f::OPTIONS_AO,
        kind::FAST_OPEN => f::OPTIONS_TFO,
        kind::RIVERBED_PROBE => f::OPTIONS_RVBD_PROBE,
        kind::RIVERBED_TRANSPARENCY => f::OPTIONS_RVBD_TRPY,
        kind::ACC_ECN_0 | kind::ACC_ECN_1 => f::OPTIONS_ACC_ECN,
        kind::EXPERIMENT_1 | kind::EXPERIMENT_2 => f::OPTIONS_EXPERIMENTAL,
        _ => f::OPTIONS_UNKNOWN,
    }
}

fn sack(
    walk: &mut Walk<'_, '_>,
    whole: &Region<'_>,
    one: &One<'_>,
    owner: &Owner,
    item: Added,
) -> Result<(), Stop> {
    let note = if owner.relative { " (relative)" } else { "" };
    let mut at = 2;
    let mut title = String::new();
    let mut count = 0_u64;
    for (left, right) in blocks(one, owner) {
        let place = whole.place(at, 4);
        let added = walk
            .tree
            .add(f::OPTIONS_SACK_LE, place, Value::Uint(left.into()));
        walk.tree
            .label(added, format_args!("left edge = {left}{note}"));
        let place = whole.place(at + 4, 4);
        let added = walk
            .tree
            .add(f::OPTIONS_SACK_RE, place, Value::Uint(right.into()));
        walk.tree
            .label(added, format_args!("right edge = {right}{note}"));
        if walk.tree.labels() {
            title.push(' ');
            decimal(&mut title, left);
            title.push('-');
            decimal(&mut title, right);
        }
        at += 8;
        count += 1;
    }
    let mut rest = one.bytes.len() - at;
    if rest >= 4 {
        let base = if owner.relative { owner.peer_base } else { 0 };
        let left = whole.u32(at)?.wrapping_sub(base);
        let place = whole.place(at, 4);
        let added = walk
            .tree
            .add(f::OPTIONS_SACK_LE, place, Value::Uint(left.into()));
        walk.tree
            .label(added, format_args!("left edge = {left}{note}"));
        rest -= 4;
        malformed(walk, whole, at, rest);
    } else if rest > 0 {
        malformed(walk, whole, at, rest);
    }
    walk.tree
        .label(item, format_args!("TCP Option - SACK{title}"));
    walk.tree
        .add_generated(f::OPTIONS_SACK_COUNT, Value::Uint(count));
    if repeats(one, owner) {
        let base = if owner.relative { owner.peer_base } else { 0 };
        let edges = [
            (f::OPTIONS_SACK_DSACK_LE, "Left", 2),
            (f::OPTIONS_SACK_DSACK_RE, "Right", 6),
        ];
        for (field, side, at) in edges {
            let edge = whole.u32(at)?.wrapping_sub(base);
            let added = walk
                .tree
                .add(field, whole.place(at, 4), Value::Uint(edge.into()));
            walk.tree.set_generated(added);
            walk.tree
                .label(added, format_args!("D-SACK {side} Edge = {edge}{note}"));
        }
        let message = format_args!("D-SACK Sequence");
        expert_at(
            walk,
            f::OPTIONS_SACK_DSACK,
            whole.place(2, 8),
            WARNING,
            message,
        );
    }
    Ok(())
}

fn malformed(walk: &mut Walk<'_, '_>, whole: &Region<'_>, at: usize, len: usize) {
    let message = format_args!("suboption would go past end of option");
    let how = (Severity::Error, Group::Malformed);
    expert_at(
        walk,
        f::SUBOPTION_MALFORMED,
        whole.place(at, len),
        how,
        message,
    );
}
