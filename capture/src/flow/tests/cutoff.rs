//! What the kernel left out of flows past their cutoff: all of it is in records, once, whatever ends them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use capture_common::CutReport;
use capture_common::cutoff::{CutEnds, CutTotals};

use super::script::{
    ACK, Client, FIN, MILLISECOND, SECOND, SYN, Script, Server, Talk, datagram, host,
};
use crate::flow::{
    CutTable, EndReason, FlowRecord, FlowTable, Limits, LiveSampling, Sampling, Timeouts,
};
use crate::packet::{Span, Timestamp};

const CLIENT: (u32, u16) = (host(1), 40_000);
const SERVER: (u32, u16) = (host(2), 443);

/// The kernel's table, as the test wants it; its clock is the packets'.
#[derive(Debug, Default)]
struct Table(Mutex<HashMap<u32, CutReport>>);

impl CutTable for Table {
    fn read(&self, slot: u32) -> Option<CutReport> {
        self.0.lock().unwrap().get(&slot).copied()
    }

    fn timestamp(&self, mono_ns: u64) -> Timestamp {
        Timestamp(mono_ns)
    }
}

/// A kernel that cuts one flow of the client and the server.
struct Kernel {
    table: Arc<Table>,
    report: CutReport,
}

impl Kernel {
    const SLOT: u32 = 5;

    fn new(protocol: u8) -> Self {
        let ((src, src_port), (dst, dst_port)) = (CLIENT, SERVER);
        Self {
            table: Arc::default(),
            report: CutReport {
                ends: CutEnds {
                    src: [src.into(), 0],
                    dst: [dst.into(), 0],
                    src_port: src_port.to_be(),
                    dst_port: dst_port.to_be(),
                    protocol,
                    version: 4,
                    reserved: 0,
                },
                slot: Self::SLOT,
                generation: 1,
                totals: [CutTotals::default(); 2],
            },
        }
    }

    /// Leaves packets of 1,000 bytes of payload out of what the server (1) or the client (0) sends.
    fn cut(&mut self, side: usize, packets: u64, at: Timestamp, next_seq: Option<u32>) {
        let totals = &mut self.report.totals[side];
        totals.packets += packets;
        totals.wire_bytes += packets * 1_054;
        totals.ip_bytes += packets * 1_040;
        totals.payload_bytes += packets * 1_000;
        totals.last_ns = at.0;
        if let Some(next_seq) = next_seq {
            totals.next_seq = next_seq;
            totals.flags |= CutTotals::KNOWN;
        }
        self.table.0.lock().unwrap().insert(Self::SLOT, self.report);
    }

    fn script(&self, timeouts: Timeouts) -> Script {
        let table = FlowTable::new(Limits::flows(100), timeouts, 42);
        Script::of(table.cut_by(Some(Arc::clone(&self.table) as Arc<dyn CutTable>)))
    }
}

fn talk(kernel: &Kernel) -> Talk {
    let mut talk = Talk::new();
    talk.script = kernel.script(Timeouts::default());
    talk
}

/// The server sends so many packets of 1,000 bytes that the kernel does not copy.
fn skip(talk: &mut Talk, kernel: &mut Kernel, packets: u32) {
    talk.next[1] = talk.next[1].wrapping_add(packets * 1_000);
    kernel.cut(1, packets.into(), talk.script.now, Some(talk.next[1]));
}

fn tell(talk: &mut Talk, kernel: &Kernel) {
    talk.script.table.on_report(&kernel.report);
}

#[test]
fn a_connection_that_was_cut_is_told_of_as_one_that_was_not() {
    let mut kernel = Kernel::new(6);
    let mut cut = talk(&kernel);
    let mut whole = Talk::new();
    for talk in [&mut cut, &mut whole] {
        talk.open().exchange();
    }
    for round in 0..200 {
        for _ in 0..10 {
            whole.send(Server, ACK, 1_000);
            cut.wait(MILLISECOND);
        }
        skip(&mut cut, &mut kernel, 10);
        // Told before an acknowledgment, or not told before the next time; now and then twice.
        for _ in 0..round % 3 {
            tell(&mut cut, &kernel);
        }
        if round % 3 != 0 {
            cut.send(Client, ACK, 0);
            whole.send(Client, ACK, 0);
        } else {
            cut.wait(MILLISECOND);
            whole.wait(MILLISECOND);
        }
    }
    tell(&mut cut, &kernel);
    for talk in [&mut cut, &mut whole] {
        talk.send(Client, FIN | ACK, 0)
            .send(Server, FIN | ACK, 0)
            .send(Client, ACK, 0);
    }
    let (cut, whole) = (cut.record(), whole.record());
    assert_eq!(cut.responder.counts.packets, whole.responder.counts.packets);
    assert_eq!(cut.responder.payload_bytes, whole.responder.payload_bytes);
    assert_eq!(
        cut.responder.captured_packets,
        whole.responder.counts.packets - 2_000
    );
    assert_eq!(cut.responder.missed_bytes, 0);
    for (cut, whole) in [
        (&cut.initiator, &whole.initiator),
        (&cut.responder, &whole.responder),
    ] {
        let events = |side: &crate::flow::Side| {
            let tcp = side.tcp;
            [
                tcp.retransmitted_segments,
                tcp.out_of_order,
                tcp.lost_segments,
                tcp.acked_unseen,
                tcp.duplicate_acks,
            ]
        };
        assert_eq!(events(cut), events(whole));
        assert_eq!(cut.payload_bytes, whole.payload_bytes);
    }
    assert_eq!(
        (cut.conn_state, cut.history.as_str(), cut.outcome),
        (whole.conn_state, whole.history.as_str(), whole.outcome)
    );
    assert_eq!(cut.last_ts, whole.last_ts);
}

#[test]
fn what_is_missing_beside_what_was_cut_is_still_missed() {
    let mut kernel = Kernel::new(6);
    let mut talk = talk(&kernel);
    talk.open().exchange();
    // 700 bytes are lost on the way here, and what follows is cut.
    talk.next[1] += 700;
    talk.wait(MILLISECOND);
    skip(&mut talk, &mut kernel, 3);
    tell(&mut talk, &kernel);
    talk.send(Client, ACK, 0);
    assert_eq!(talk.record().responder.missed_bytes, 700);
}

#[test]
fn what_was_not_told_is_read_when_a_flow_ends() {
    let datagrams = |timeouts| {
        let kernel = Kernel::new(17);
        let mut script = kernel.script(timeouts);
        script.packet(&datagram(CLIENT, SERVER));
        script.table.on_report(&kernel.report);
        (kernel, script)
    };
    let check = |record: &FlowRecord, packets: u64| {
        assert_eq!(record.initiator.counts.packets, packets + 1);
        assert_eq!(record.initiator.captured_packets, 1);
        assert_eq!(record.initiator.payload_bytes, packets * 1_000 + 92);
    };
    // At the end of the run.
    let (mut kernel, script) = datagrams(Timeouts::default());
    kernel.cut(0, 70, script.now, None);
    let records = script.finish();
    check(&records[0], 70);
    assert_eq!(records[0].end, EndReason::Shutdown);

    // When it has been silent for too long, which what was cut puts off.
    let (mut kernel, mut script) = datagrams(Timeouts::default());
    script.wait(50 * SECOND);
    kernel.cut(0, 7, script.now, None);
    let last = script.now;
    script.wait(59 * SECOND).advance();
    assert_eq!(script.records, [], "it was heard 59 s ago");
    script.wait(2 * SECOND).advance();
    check(&script.records[0], 7);
    assert_eq!(script.records[0].end, EndReason::Idle);
    assert_eq!(script.records[0].last_ts, last);

    // In parts: each has its own, and they add up.
    let (mut kernel, mut script) = datagrams(Timeouts {
        active: Some(Span::from_secs(10)),
        ..Timeouts::default()
    });
    for _ in 0..5 {
        script.wait(6 * SECOND);
        kernel.cut(0, 100, script.now, None);
        script.table.on_report(&kernel.report);
        script.packet(&datagram(CLIENT, SERVER));
    }
    kernel.cut(0, 1, script.now, None);
    let records = script.finish();
    assert!(records.len() > 2, "{records:#?}");
    let sum = |of: fn(&FlowRecord) -> u64| records.iter().map(of).sum::<u64>();
    assert_eq!(sum(|record| record.initiator.counts.packets), 6 + 501);
    assert_eq!(sum(|record| record.initiator.captured_packets), 6);
    assert_eq!(
        sum(|record| record.initiator.payload_bytes),
        6 * 92 + 501_000
    );
    assert_eq!(sum(|record| record.initiator.captured_bytes), 6 * 134);
}

#[test]
fn a_flow_that_gave_up_its_place_and_got_another_is_counted_once() {
    let mut kernel = Kernel::new(17);
    let mut script = kernel.script(Timeouts::default());
    script.packet(&datagram(CLIENT, SERVER));
    kernel.cut(0, 10, script.now, None);
    script.table.on_report(&kernel.report);
    kernel.cut(0, 5, script.now, None);
    let mut last = kernel.report;
    last.totals[0].flags |= CutTotals::GONE;
    // Another flow has the place when the table is looked at; its last report is on its way.
    kernel.report.generation = 2;
    kernel.report.totals = [CutTotals::default(); 2];
    kernel.cut(0, 3, script.now, None);
    script.advance();
    script.table.on_report(&last);
    script.table.on_report(&kernel.report);
    let [record] = script.finish().try_into().unwrap();
    assert_eq!(record.initiator.counts.packets, 1 + 10 + 5 + 3);
    assert_eq!(record.initiator.captured_packets, 1);
}

#[test]
fn a_report_that_was_overtaken_by_the_last_one_counts_nothing() {
    let mut kernel = Kernel::new(17);
    let mut script = kernel.script(Timeouts::default());
    script.packet(&datagram(CLIENT, SERVER));
    kernel.cut(0, 10, script.now, None);
    let mut last = kernel.report;
    last.totals[0].flags |= CutTotals::GONE;
    script.table.on_report(&last);
    script.table.on_report(&kernel.report);
    let [record] = script.finish().try_into().unwrap();
    assert_eq!(record.initiator.counts.packets, 1 + 10);
}

#[test]
fn what_comes_after_a_flow_has_ended_waits_for_the_next() {
    let mut kernel = Kernel::new(17);
    let mut script = kernel.script(Timeouts::default());
    script.packet(&datagram(CLIENT, SERVER));
    kernel.cut(0, 10, script.now, None);
    script.table.on_report(&kernel.report);
    script.wait(100 * SECOND).advance();
    assert_eq!(script.records.len(), 1);
    kernel.cut(0, 2, script.now, None);
    script.table.on_report(&kernel.report);
    script.packet(&datagram(CLIENT, SERVER));
    assert_eq!(script.table.counters().cut, 12);
    let records = script.finish();
    let packets: Vec<_> = records
        .iter()
        .map(|record| record.initiator.counts.packets)
        .collect();
    assert_eq!(packets, [11, 3]);
}

#[test]
fn records_say_how_much_was_captured() {
    let sampling = Sampling {
        packets: 100,
        flows: 7,
    };
    let table = FlowTable::new(Limits::flows(10), Timeouts::default(), 42)
        .sampled(Arc::new(LiveSampling::new(sampling)));
    let mut script = Script::of(table);
    script.packet(&datagram(CLIENT, SERVER));
    let [record] = script.finish().try_into().unwrap();
    assert_eq!(record.sampling, sampling);
    let mut talk = Talk::new();
    talk.send(Client, SYN, 0);
    assert_eq!(talk.record().sampling, Sampling::ALL);
}
