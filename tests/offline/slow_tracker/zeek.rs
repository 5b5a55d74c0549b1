//! One connection by Zeek's rules: states, history, payload, what was missed.
//!
//! As in Zeek's documentation of `conn.log`, and for the order within a packet as in its
//! `TCPSessionAdapter` and `TCP_Endpoint`. Sides are numbered: 0 sent the first packet.

use super::reassembly::{Around, Gap, Reassembly};
use super::segment::{ACK, FIN, RST, SYN, Segment};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Inactive,
    SynSent,
    SynAckSent,
    Partial,
    Established,
    Closed,
    Reset,
}
use State::{Closed, Established, Inactive, Partial, Reset, SynAckSent, SynSent};

/// A count whose letter is written at 1, 10, 100 and so on.
#[derive(Clone, Copy, Debug)]
struct Scaled {
    count: u64,
    next: u64,
}

impl Scaled {
    const NEW: Self = Self { count: 0, next: 1 };

    fn counts(&mut self) -> bool {
        self.count += 1;
        let writes = self.count == self.next;
        if writes {
            self.next *= 10;
        }
        writes
    }
}

#[derive(Clone, Debug)]
struct Side {
    state: State,
    before: State,
    start: u32,
    last: u32,
    last_wraps: u64,
    ack: u32,
    ack_wraps: u64,
    fins: u64,
    fin_at: u64,
    reported_closed: bool,
    reached_end: bool,
    last_syn: u64,
    last_fin: u64,
    last_rst: u64,
    corrupt: Scaled,
    again: Scaled,
    zero_window: Scaled,
    gap: Scaled,
    bytes: Reassembly,
    packets: u64,
    ip_bytes: u64,
}

impl Side {
    fn new() -> Self {
        Self {
            state: Inactive,
            before: Inactive,
            start: 0,
            last: 0,
            last_wraps: 0,
            ack: 0,
            ack_wraps: 0,
            fins: 0,
            fin_at: 0,
            reported_closed: false,
            reached_end: false,
            last_syn: 0,
            last_fin: 0,
            last_rst: 0,
            corrupt: Scaled::NEW,
            again: Scaled::NEW,
            zero_window: Scaled::NEW,
            gap: Scaled::NEW,
            bytes: Reassembly::new(),
            packets: 0,
            ip_bytes: 0,
        }
    }

    fn becomes(&mut self, state: State) {
        if state != self.state {
            self.before = self.state;
            self.state = state;
        }
    }

    fn begins_at(&mut self, seq: u32, last: u32) {
        self.start = seq;
        self.ack = seq;
        self.last = last;
    }

    fn last_64(&self) -> u64 {
        (self.last_wraps << 32) + u64::from(self.last)
    }

    fn ack_64(&self) -> u64 {
        (self.ack_wraps << 32) + u64::from(self.ack)
    }

    fn nothing_acked(&self) -> bool {
        let start = u64::from(self.start);
        self.ack_64() == start || self.ack_64() == start + 1
    }

    fn is_clean(&self) -> bool {
        self.state == Established || self.state == Closed && self.before == Established
    }

    /// A sequence number relative to the start; `None` below it.
    fn relative(&self, seq: u32, last: u32, mut wraps: u64) -> (u64, bool) {
        let delta = delta(seq, last);
        if delta < 0 && wraps > 0 && seq > last {
            wraps -= 1;
        } else if delta > 0 && seq < last {
            wraps += 1;
        }
        if wraps == 0 {
            let from_start = i64::from(self::delta(seq, self.start));
            return (from_start.cast_unsigned(), from_start < 0);
        }
        let full = (wraps << 32) + u64::from(seq);
        (full.wrapping_sub(u64::from(self.start)), false)
    }

    fn moves_last(&mut self, seq: u32) {
        if seq < self.last {
            self.last_wraps += 1;
        }
        self.last = seq;
    }
}

/// The distance between two sequence numbers (RFC 9293 section 3.4).
fn delta(a: u32, b: u32) -> i32 {
    a.wrapping_sub(b).cast_signed()
}

/// What is said of a side in the end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct SideTotals {
    pub(crate) packets: u64,
    pub(crate) ip_bytes: u64,
    pub(crate) payload_bytes: u64,
    pub(crate) missed_bytes: u64,
    pub(crate) bad_checksums: u64,
}

/// When Zeek looks again at a connection that nothing comes for.
#[derive(Clone, Copy, Debug)]
struct Timers {
    attempt: Option<u64>,
    expire: Option<u64>,
    delete: Option<u64>,
    inactivity: Option<(u64, u64)>,
}

const SECOND: u64 = 1_000_000_000;

/// A connection.
#[derive(Clone, Debug)]
pub(super) struct Conn {
    sides: [Side; 2],
    missed: [u64; 2],
    orig: usize,
    partial: bool,
    first_seen: [bool; 2],
    close_deferred: bool,
    /// The connection goes on, as far as timers care.
    active: bool,
    written: Vec<(usize, char)>,
    history: String,
    pub(super) start_ns: u64,
    pub(super) last_ns: u64,
    timers: Timers,
}

impl Conn {
    /// The connection that a packet of side 0 begins; the packet itself is not counted yet.
    pub(super) fn new(segment: &Segment) -> Self {
        let mut conn = Self {
            sides: [Side::new(), Side::new()],
            missed: [0; 2],
            orig: 0,
            partial: false,
            first_seen: [false; 2],
            close_deferred: false,
            active: true,
            written: Vec::new(),
            history: String::new(),
            start_ns: segment.ns,
            last_ns: segment.ns,
            timers: Timers {
                attempt: None,
                expire: Some(segment.ns + 5 * SECOND),
                delete: None,
                inactivity: None,
            },
        };
        let (syn, ack) = (segment.has(SYN), segment.has(ACK));
        let (src, dst) = (segment.src.1, segment.dst.1);
        let broadcast = segment.dst.0 == std::net::IpAddr::from([255_u8; 4]);
        if (!syn || ack) && is_server(src) && !broadcast {
            let flips = if is_server(dst) {
                !syn && src < dst
            } else {
                true
            };
            if flips {
                conn.orig = 1;
                conn.history.push('^');
            }
        }
        conn
    }

    /// The side that began, by its number.
    pub(super) fn originator(&self) -> usize {
        self.orig
    }

    pub(super) fn history(&self) -> &str {
        &self.history
    }

    /// What a side sent.
    pub(super) fn totals(&self, side: usize) -> SideTotals {
        SideTotals {
            packets: self.sides[side].packets,
            ip_bytes: self.sides[side].ip_bytes,
            payload_bytes: self.size(side),
            missed_bytes: self.missed[side],
            bad_checksums: self.sides[side].corrupt.count,
        }
    }

    fn size(&self, side: usize) -> u64 {
        let (own, peer) = (&self.sides[side], &self.sides[1 - side]);
        if own.before == SynSent
            && own.state == Reset
            && peer.state == Inactive
            && !own.nothing_acked()
        {
            return 0;
        }
        let end = own.last_64().max(own.ack_64());
        let mut size = end.wrapping_sub(u64::from(own.start));
        size = size.saturating_sub(1);
        if own.fins > 0 {
            size = size.saturating_sub(1);
        }
        size
    }

    /// Whether Zeek had removed it by then.
    pub(super) fn is_gone(&mut self, now: u64) -> bool {
        let silent = self.sides[1 - self.orig].state == Inactive;
        if self.timers.delete.is_some_and(|at| at <= now) {
            return true;
        }
        if self.timers.delete.is_some() {
            return false;
        }
        if self.timers.attempt.is_some_and(|at| at <= now) {
            self.timers.attempt = None;
            let trying = matches!(self.sides[self.orig].state, SynSent | SynAckSent);
            if self.active && trying && silent {
                return true;
            }
        }
        while let Some(at) = self.timers.expire
            && at <= now
        {
            self.timers.expire = None;
            if !self.active {
                break;
            }
            if self.last_ns + 5 * SECOND < at {
                let [a, b] = &self.sides;
                let any = a.reported_closed || b.reported_closed;
                let both = a.reported_closed && b.reported_closed;
                let reset = a.state == Reset || b.state == Reset;
                let half = a.state == Inactive || b.state == Inactive;
                if any && (both || reset || half) || a.state == Inactive && b.state == Inactive {
                    return true;
                }
            }
            self.timers.expire = Some(at + 6 * SECOND);
        }
        while let Some((at, timeout)) = self.timers.inactivity
            && at <= now
        {
            if self.last_ns + timeout <= at {
                return true;
            }
            self.timers.inactivity = Some((self.last_ns + timeout, timeout));
        }
        false
    }

    /// Whether a SYN begins a connection of its own.
    pub(super) fn is_reused_by(&self, segment: &Segment) -> bool {
        if !segment.has(SYN) {
            return false;
        }
        let (orig, resp) = (&self.sides[self.orig], &self.sides[1 - self.orig]);
        let mut compared = orig;
        if segment.has(ACK) {
            if orig.state != Inactive {
                return false;
            }
            compared = resp;
        }
        if orig.reported_closed || resp.reported_closed {
            return true;
        }
        if segment.seq == compared.start {
            return false;
        }
        let reordered = !segment.has(ACK)
            && compared.state == SynAckSent
            && resp.state == Inactive
            && segment.seq == resp.start;
        !reordered
    }

    fn write(&mut self, side: usize, letter: char) {
        self.history.push(if side == self.orig {
            letter
        } else {
            letter.to_ascii_lowercase()
        });
    }

    /// Writes a letter the first time that a role shows it; whether it had shown it before.
    fn write_once(&mut self, side: usize, kind: char, letter: char) -> bool {
        if matches!(letter, 'A' | 'D') && self.history == "H" {
            self.flip();
            "^h".clone_into(&mut self.history);
            self.first_seen[0] = true;
        }
        // It is remembered by role, not by side.
        let role = usize::from(side != self.orig);
        if self.written.contains(&(role, kind)) {
            return true;
        }
        self.written.push((role, kind));
        self.write(side, letter);
        false
    }

    fn flip(&mut self) {
        self.orig = 1 - self.orig;
        self.first_seen.swap(0, 1);
        self.partial = false;
        self.history.push('^');
    }

    /// A packet with a wrong checksum.
    pub(super) fn on_corrupt(&mut self, side: usize) {
        if self.sides[side].corrupt.counts() {
            self.write(side, 'C');
        }
    }

    /// A packet.
    pub(super) fn on_segment(&mut self, side: usize, segment: &Segment) {
        let peer = 1 - side;
        let was_orig = side == self.orig;
        let (syn, fin, rst, ack) = (
            segment.has(SYN),
            segment.has(FIN),
            segment.has(RST),
            segment.has(ACK),
        );
        let len = segment.len;

        if was_orig && !self.first_seen[0] {
            self.partial = !syn || ack;
        } else if !was_orig && !self.first_seen[1] && !self.partial {
            self.partial = !syn;
        }

        let occupies = if rst { 0 } else { len } + u32::from(syn) + u32::from(fin);
        let end = segment.seq.wrapping_add(occupies);
        self.begin(side, segment, end);
        let own = &self.sides[side];
        let (rel_seq, below) = own.relative(segment.seq, own.last, own.last_wraps);

        self.letters(side, segment, rel_seq);
        let own = &mut self.sides[side];
        let own_reset = own.state == Reset;
        if segment.window == 0
            && !rst
            && self.sides[peer].state != Closed
            && !own_reset
            && self.sides[side].zero_window.counts()
        {
            self.write(side, 'W');
        }
        if !self.sides[0].reported_closed || !self.sides[1].reported_closed {
            self.last_ns = segment.ns;
        }
        if fin {
            self.sides[side].fins += 1;
            self.sides[side].fin_at = rel_seq.wrapping_add(u64::from(occupies));
        }

        let rel_ack = if ack { self.on_ack(peer, segment) } else { 0 };
        self.move_last(side, segment, end);
        let closes = self.machine(side, was_orig, segment);

        if ack {
            self.acked(peer, rel_ack);
        }
        self.first_seen[usize::from(!was_orig)] = true;
        let data_seq = rel_seq.wrapping_add(u64::from(syn));
        if len > 0 && !rst && !below && segment.captured {
            self.data(side, data_seq, u64::from(len));
        }
        self.check_end(side);
        if closes {
            self.close(side);
        }
        self.sides[side].packets += 1;
        self.sides[side].ip_bytes += u64::from(segment.ip_len);
    }

    fn begin(&mut self, side: usize, segment: &Segment, end: u32) {
        let own = &mut self.sides[side];
        let seq = segment.seq;
        let syn = segment.has(SYN);
        match own.state {
            Inactive if syn => own.begins_at(seq, end),
            Inactive => own.begins_at(seq.wrapping_sub(1), seq),
            SynSent | SynAckSent if syn && seq != own.start => own.begins_at(seq, end),
            Established | Partial if syn => own.begins_at(seq, end),
            Reset if syn && own.before == Inactive => own.begins_at(seq, end),
            _ => {}
        }
    }

    fn letters(&mut self, side: usize, segment: &Segment, rel_seq: u64) {
        let (syn, fin, rst, ack) = (
            segment.has(SYN),
            segment.has(FIN),
            segment.has(RST),
            segment.has(ACK),
        );
        match (syn, fin, rst) {
            (_, true, true) => {
                self.write_once(side, 'I', 'I');
            }
            (true, true, false) | (true, false, true) => {
                self.write_once(side, 'Q', 'Q');
            }
            (true, false, false) => {
                let letter = if ack { 'H' } else { 'S' };
                if self.write_once(side, 'S', letter) && rel_seq != self.sides[side].last_syn {
                    self.write(side, letter);
                }
                self.sides[side].last_syn = rel_seq;
            }
            (false, true, false) => {
                let at = rel_seq.wrapping_add(u64::from(segment.len));
                if self.write_once(side, 'F', 'F') && at != self.sides[side].last_fin {
                    self.write(side, 'F');
                }
                self.sides[side].last_fin = at;
            }
            (false, false, true) => {
                if self.write_once(side, 'R', 'R') && rel_seq != self.sides[side].last_rst {
                    self.write(side, 'R');
                }
                self.sides[side].last_rst = rel_seq;
            }
            (false, false, false) if segment.len > 0 => {
                self.write_once(side, 'D', 'D');
            }
            (false, false, false) if ack => {
                self.write_once(side, 'A', 'A');
            }
            (false, false, false) => {}
        }
    }

    /// An acknowledgment of what `peer` sent; relative, 0 if it cannot be.
    fn on_ack(&mut self, peer: usize, segment: &Segment) -> u64 {
        let other = &mut self.sides[peer];
        let ack = segment.ack;
        if other.state == Inactive {
            let before = ack.wrapping_sub(1);
            other.begins_at(before, before);
            return 1;
        }
        let (rel_ack, below) = other.relative(ack, other.ack, other.ack_wraps);
        if below {
            return 0;
        }
        if !segment.has(RST) {
            let moved = delta(ack, other.ack);
            if moved > 0 && !(ack == 0 && moved > 1 << 20) {
                if ack < other.ack {
                    other.ack_wraps += 1;
                }
                other.ack = ack;
            }
        }
        rel_ack
    }

    fn move_last(&mut self, side: usize, segment: &Segment, end: u32) {
        let own = &mut self.sides[side];
        let moved = delta(end, own.last);
        let jumps = i64::from(moved).abs() > 1 << 20;
        if (segment.has(SYN) || segment.has(RST)) && jumps {
            // Not to be believed.
        } else if segment.has(FIN) && own.last == own.start.wrapping_add(1) {
            own.moves_last(end);
        } else if own.state == Reset {
            // Nothing is believed any more.
        } else if moved > 0 {
            own.moves_last(end);
        } else if segment.len > 0 && own.again.counts() {
            self.write(side, 'T');
        }
    }

    /// The state machine; whether the side closes.
    fn machine(&mut self, side: usize, was_orig: bool, segment: &Segment) -> bool {
        let peer = 1 - side;
        let (syn, fin, rst, ack) = (
            segment.has(SYN),
            segment.has(FIN),
            segment.has(RST),
            segment.has(ACK),
        );
        let before = [self.sides[0].state, self.sides[1].state];
        let mut closes = false;
        match self.sides[side].state {
            Inactive => closes = self.machine_inactive(side, was_orig, segment),
            SynSent | SynAckSent => {
                if fin {
                    self.sides[side].becomes(Closed);
                    closes = true;
                }
                if rst {
                    self.sides[side].becomes(Reset);
                    self.active = false;
                    closes = true;
                }
            }
            Established | Partial => {
                let partial = self.sides[side].state == Partial;
                if syn && partial && self.sides[peer].state == Inactive && !ack {
                    self.sides[side].becomes(SynSent);
                }
                if fin && !rst {
                    self.sides[side].becomes(Closed);
                    let other = &mut self.sides[peer];
                    if other.state == Reset && other.before == Closed {
                        other.becomes(Closed);
                    }
                    closes = true;
                }
                if rst {
                    self.sides[side].becomes(Reset);
                    let other = &self.sides[peer];
                    if other.state != Reset || other.before != Established {
                        self.active = false;
                    }
                    closes = true;
                }
            }
            Closed => {
                if rst && self.sides[peer].state != Closed {
                    self.sides[side].becomes(Reset);
                    closes = !self.sides[side].reported_closed;
                }
            }
            Reset => {}
        }
        let handshaking = |state| matches!(state, Inactive | SynSent | SynAckSent);
        let after = [self.sides[0].state, self.sides[1].state];
        if before.into_iter().all(handshaking) && !after.into_iter().all(handshaking) {
            self.timers.inactivity = Some((self.last_ns + 300 * SECOND, 300 * SECOND));
        }
        closes
    }

    fn machine_inactive(&mut self, side: usize, was_orig: bool, segment: &Segment) -> bool {
        let peer = 1 - side;
        let (syn, fin, rst, ack) = (
            segment.has(SYN),
            segment.has(FIN),
            segment.has(RST),
            segment.has(ACK),
        );
        let mut closes = false;
        if syn && was_orig {
            self.sides[side].becomes(if ack { SynAckSent } else { SynSent });
            self.timers.attempt = Some(segment.ns + 5 * SECOND);
        } else if syn {
            if !ack && self.sides[peer].state == SynAckSent && segment.seq == self.sides[side].start
            {
                self.partial = false;
                self.flip();
                self.sides[peer].becomes(Established);
                self.first_seen[0] = true;
            }
            if self.sides[peer].state == SynSent {
                self.sides[peer].becomes(Established);
            }
            self.sides[side].becomes(Established);
        }
        if fin {
            self.sides[side].becomes(Closed);
            closes = true;
        }
        if rst {
            self.sides[side].becomes(Reset);
            closes = true;
        }
        if self.sides[side].state == Inactive {
            let eccentric = !was_orig && segment.len == 0 && self.sides[self.orig].state == SynSent;
            if eccentric {
                // Acknowledges the SYN before it answers it.
            } else if ack && self.sides[peer].state == Established {
                self.sides[side].becomes(Established);
                self.partial = false;
                self.first_seen[usize::from(!was_orig)] = true;
            } else {
                self.sides[side].becomes(Partial);
            }
        }
        closes
    }

    fn around(&self, side: usize) -> Around {
        Around {
            partial: self.partial,
            unacked_flood: self.sides[side].nothing_acked() && self.size(side) > 16_384,
        }
    }

    fn count_gaps(&mut self, side: usize, gaps: &[Gap]) {
        if !self.sides.iter().all(Side::is_clean) {
            return;
        }
        for (_, len) in gaps {
            if self.sides[side].gap.counts() {
                self.write(side, 'G');
            }
            self.missed[side] += len;
        }
    }

    fn acked(&mut self, side: usize, mut rel_ack: u64) {
        let own = &self.sides[side];
        if own.fins > 0 && rel_ack >= own.fin_at {
            rel_ack = own.fin_at.saturating_sub(1);
        }
        if rel_ack <= own.bytes.trimmed {
            return;
        }
        let around = self.around(side);
        let mut gaps = Vec::new();
        self.sides[side].bytes.trim(rel_ack, around, &mut gaps);
        self.count_gaps(side, &gaps);
        self.check_end(side);
    }

    fn data(&mut self, side: usize, mut seq: u64, mut len: u64) {
        let around = self.around(side);
        let own = &mut self.sides[side];
        if own.bytes.skips {
            return;
        }
        let acked = own.ack_64().wrapping_sub(u64::from(own.start));
        if seq < acked {
            if seq.wrapping_add(len) <= acked {
                return;
            }
            len -= acked - seq;
            seq = acked;
        }
        let mut gaps = Vec::new();
        own.bytes.data(seq, len, around, &mut gaps);
        if own.nothing_acked() && own.bytes.undelivered() > 16_384 || own.bytes.kept() > 10 << 20 {
            own.bytes.blocks.clear();
            own.bytes.skips = true;
        }
        self.count_gaps(side, &gaps);
    }

    fn is_data_pending(&self, side: usize) -> bool {
        let (own, peer) = (&self.sides[side], &self.sides[1 - side]);
        if own.bytes.skips {
            return false;
        }
        let delivered = u64::from(own.start).wrapping_add(own.bytes.delivered);
        let last = own.last_64();
        if last < delivered {
            return false;
        }
        if last - delivered > 1 {
            return true;
        }
        own.state != Reset && !peer.bytes.blocks.is_empty()
    }

    fn check_end(&mut self, side: usize) {
        let own = &self.sides[side];
        let ended = own.fins > 0 || matches!(own.state, Closed | Reset);
        if own.reached_end || !ended || self.is_data_pending(side) {
            return;
        }
        self.sides[side].reached_end = true;
        if self.close_deferred {
            self.close(side);
            self.close_deferred = false;
        }
    }

    fn close(&mut self, side: usize) {
        if self.is_data_pending(side) {
            self.close_deferred = true;
            return;
        }
        self.close_deferred = false;
        if self.sides[side].reported_closed {
            return;
        }
        self.sides[side].reported_closed = true;
        let (own, peer) = (&self.sides[side], &self.sides[1 - side]);
        if own.state == Reset || peer.reported_closed || peer.state == Inactive {
            self.timers.delete = Some(self.last_ns + 5 * SECOND);
        } else if self.timers.expire.is_none() {
            self.timers.expire = Some(self.last_ns + 6 * SECOND);
        }
    }

    /// Zeek's word for how it went.
    pub(super) fn conn_state(&self) -> &'static str {
        let (os, rs) = (self.sides[self.orig].state, self.sides[1 - self.orig].state);
        let inactive = |state| matches!(state, Inactive | Partial);
        let no_data = self.size(0) == 0 && self.size(1) == 0;
        match (os, rs) {
            (SynSent | SynAckSent, Reset) => "REJ",
            (Reset, Reset) if no_data => "REJ",
            (_, Reset) if inactive(os) => "RSTRH",
            (_, Reset) => "RSTR",
            (Reset, _) if inactive(rs) && self.is_reset_scan() => "RSTOS0",
            (Reset, _) if inactive(rs) => "OTH",
            (Reset, _) => "RSTO",
            (Closed, Closed) => "SF",
            (Closed, _) => {
                if inactive(rs) {
                    "SH"
                } else {
                    "S2"
                }
            }
            (_, Closed) => {
                if inactive(os) {
                    "SHR"
                } else {
                    "S3"
                }
            }
            (SynSent, Inactive) => "S0",
            (Established, Established) => "S1",
            _ => "OTH",
        }
    }

    /// A SYN, then a RST, and nothing between that would make it more than that.
    fn is_reset_scan(&self) -> bool {
        let history = self.history.strip_prefix('^').unwrap_or(&self.history);
        let Some((before, _)) = history
            .strip_prefix('S')
            .and_then(|rest| rest.split_once('R'))
        else {
            return false;
        };
        !before.contains(['H', 'A', 'F', 'G', 'I', 'Q'])
    }
}

/// Ports that Zeek takes for those of servers.
fn is_server(port: u16) -> bool {
    const PORTS: [u16; 45] = [
        21, 22, 25, 53, 79, 80, 81, 88, 135, 139, 143, 389, 443, 445, 465, 502, 514, 563, 585, 587,
        614, 631, 636, 989, 990, 992, 993, 995, 1080, 1434, 1883, 2811, 3128, 3268, 3306, 3389,
        5222, 5223, 5269, 5432, 6379, 8000, 8080, 8888, 20000,
    ];
    PORTS.contains(&port) || (6666..=6669).contains(&port)
}
