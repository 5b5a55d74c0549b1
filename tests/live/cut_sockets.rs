//! Connections that are cut short where packets come by `AF_XDP` sockets: what the kernel tells of them comes
//! another way, and records are what they are by rings, and what was sent.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use capture_common::GeneratorSettings;
use capture_tests::generator::{Generator, OBJECT};
use capture_tests::netns::Lab;
use capture_tests::program::Signal;
use serde_json::Value;

use crate::control::Socket;
use crate::frames::{ACK, FIN, RST, SYN};
use crate::run::{Record, Report, Run};
use crate::sockets::{quiet, timed, told};
use crate::thinning::{assert_whole, sum};
use crate::wire::{send_all, send_frames};

/// Payload of a segment that the client sends, and of one that the server does.
const REQUEST: usize = 500;
const ANSWER: usize = 1_000;
/// How often they take turns.
const ROUNDS: usize = 40;

/// A connection on its way, of which each frame is made by hand.
struct Talk {
    number: u16,
    v6: bool,
    tcp: bool,
    /// Where the streams of client and server are.
    seq: [u32; 2],
    frames: Vec<Vec<u8>>,
    /// Packets and bytes of client and server.
    sent: [[u64; 2]; 2],
    /// Payload of the server that is never sent, but acknowledged.
    missing: usize,
}

const CLIENT: usize = 0;
const SERVER: usize = 1;

impl Talk {
    fn new(number: u16, v6: bool, tcp: bool) -> Self {
        Self {
            number,
            v6,
            tcp,
            seq: [u32::MAX - 10_000, 7],
            frames: Vec::new(),
            sent: [[0; 2]; 2],
            missing: 0,
        }
    }

    /// Port of the client, by which its record is found.
    fn port(&self) -> u16 {
        40_000 + self.number
    }

    fn send(&mut self, who: usize, flags: u8, payload_len: usize) {
        let transport_len = if self.tcp { 20 } else { 8 } + payload_len;
        let protocol = if self.tcp { 6 } else { 17 };
        let (src, dst) = (1 + who as u8, 2 - who as u8);
        let mut frame = vec![2, 0, 0, 0, 0, dst, 2, 0, 0, 0, 0, src];
        if self.v6 {
            frame.extend([0x86, 0xdd, 0x60, 0, 0, 0]);
            frame.extend((transport_len as u16).to_be_bytes());
            frame.extend([protocol, 64]);
            for end in [src, dst] {
                frame.extend([0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9, end]);
            }
        } else {
            frame.extend([8, 0, 0x45, 0]);
            frame.extend((transport_len as u16 + 20).to_be_bytes());
            frame.extend([0, 0, 0x40, 0, 64, protocol, 0, 0]);
            for end in [src, dst] {
                frame.extend([203, 0, 113, end]);
            }
        }
        let ports = [self.port(), 443];
        frame.extend(ports[who].to_be_bytes());
        frame.extend(ports[1 - who].to_be_bytes());
        if self.tcp {
            frame.extend(self.seq[who].to_be_bytes());
            frame.extend(self.seq[1 - who].to_be_bytes());
            frame.extend([0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
        } else {
            frame.extend((transport_len as u16).to_be_bytes());
            frame.extend([0, 0]);
        }
        frame.resize(frame.len() + payload_len, self.number as u8);
        let occupied = payload_len as u32 + u32::from(flags & (SYN | FIN) != 0);
        self.seq[who] = self.seq[who].wrapping_add(occupied);
        self.sent[who][0] += 1;
        self.sent[who][1] += frame.len() as u64;
        self.frames.push(frame);
    }

    fn open(&mut self) {
        self.send(CLIENT, SYN, 0);
        self.send(SERVER, SYN | ACK, 0);
        self.send(CLIENT, ACK, 0);
    }

    /// A request, an answer of three segments, and what acknowledges it.
    fn round(&mut self) {
        self.send(CLIENT, ACK, REQUEST);
        for segment in 0..3 {
            self.send(SERVER, ACK, ANSWER);
            if segment > 0 {
                self.send(CLIENT, ACK, 0);
            }
        }
    }

    /// A whole connection of TCP, whose number says how it goes.
    fn connection(number: u16, v6: bool) -> Self {
        let mut talk = Self::new(number, v6, true);
        talk.open();
        for round in 0..ROUNDS {
            if round == ROUNDS / 2 && number.is_multiple_of(4) {
                talk.seq[SERVER] = talk.seq[SERVER].wrapping_add(ANSWER as u32);
                talk.missing += ANSWER;
            }
            talk.round();
        }
        match number % 3 {
            0 => {
                talk.send(CLIENT, FIN | ACK, 0);
                talk.send(SERVER, FIN | ACK, 0);
                talk.send(CLIENT, ACK, 0);
            }
            1 => talk.send(CLIENT, RST | ACK, 0),
            // It goes on, and what comes last is told by nothing that follows.
            _ => (0..5).for_each(|_| talk.send(SERVER, ACK, ANSWER)),
        }
        talk
    }

    /// Datagrams, which nobody answers if the number is odd.
    fn datagrams(number: u16, v6: bool) -> Self {
        let mut talk = Self::new(number, v6, false);
        for _ in 0..2 * ROUNDS {
            talk.send(CLIENT, 0, REQUEST);
            if number.is_multiple_of(2) {
                talk.send(SERVER, 0, ANSWER);
            }
        }
        talk
    }

    /// Its record, of which there is one.
    fn record<'a>(&self, records: &'a [Record]) -> &'a Record {
        let port = u64::from(self.port());
        let mut found = records
            .iter()
            .filter(|record| record.number("initiator_port") == port);
        let (Some(record), None) = (found.next(), found.next()) else {
            panic!("not one record of port {port}: {records:?}");
        };
        record
    }

    /// What its record says is what was sent of it.
    fn assert_told(&self, records: &[Record]) {
        let record = self.record(records);
        for (side, [packets, bytes]) in ["initiator", "responder"].into_iter().zip(self.sent) {
            let number = |column: &str| record.number(&format!("{side}_{column}"));
            assert_eq!(
                [number("packets"), number("bytes")],
                [packets, bytes],
                "{record:?}"
            );
            if packets > ROUNDS as u64 {
                assert!(number("captured_bytes") < bytes, "{record:?}");
            }
        }
        if self.tcp {
            for never in ["retransmitted_segments", "out_of_order"] {
                assert_eq!(sum(std::slice::from_ref(record), never), 0, "{record:?}");
            }
            match self.number % 3 {
                0 => assert_eq!(record.text("outcome"), Some("closed"), "{record:?}"),
                1 => assert_eq!(record.text("outcome"), Some("reset"), "{record:?}"),
                _ => {}
            }
        }
    }

    /// What never came is missed, and nothing of what was cut is.
    fn assert_missed(&self, records: &[Record]) {
        if self.tcp {
            let record = self.record(records);
            let missed = ["initiator_missed_bytes", "responder_missed_bytes"];
            let missed = missed.map(|column| record.number(column));
            assert_eq!(missed, [0, self.missing as u64], "{record:?}");
        }
    }
}

/// Connections of both families that take turns of so many frames.
fn talks(turn: usize) -> (Vec<Talk>, Vec<Vec<u8>>) {
    let talks: Vec<_> = (0..18)
        .map(|number| {
            let v6 = number >= 9;
            if number % 9 < 6 {
                Talk::connection(number, v6)
            } else {
                Talk::datagrams(number, v6)
            }
        })
        .collect();
    let longest = talks.iter().map(|talk| talk.frames.len()).max();
    let turns = longest.unwrap_or(0).div_ceil(turn);
    let frames = (0..turns)
        .flat_map(|at| {
            talks
                .iter()
                .filter_map(move |talk| talk.frames.chunks(turn).nth(at))
        })
        .flatten()
        .cloned()
        .collect();
    (talks, frames)
}

/// The same traffic by rings and by sockets.
struct Both {
    rings: Report,
    sockets: Report,
    /// What was copied, in order.
    copied: [Vec<Copied>; 2],
}

/// Of a packet: its interface, length, direction and bytes.
type Copied = (u32, u32, Option<u64>, Vec<u8>);

impl Both {
    /// Runs it both ways. A packet of each second is copied in any case, so runs that took longer than that
    /// copied others: then they run again, once.
    fn run(mut run: impl FnMut(&[&str]) -> Result<Report>) -> Result<Self> {
        const MOST_RUNS: usize = 2;
        let mut runs = 0;
        loop {
            let (rings, sockets) = (run(&[])?, run(&["--af-xdp"])?);
            let copied = |report: &Report| -> Result<Vec<_>> {
                Ok(report.packets()?.packets.iter().map(told).collect())
            };
            let both = Self {
                copied: [copied(&rings)?, copied(&sockets)?],
                rings,
                sockets,
            };
            runs += 1;
            if runs == MOST_RUNS || both.copied_the_same() {
                return Ok(both);
            }
        }
    }

    fn copied_the_same(&self) -> bool {
        let [rings, sockets] = self.copied.each_ref().map(|copied| {
            let mut copied: Vec<_> = copied.iter().collect();
            copied.sort_unstable();
            copied
        });
        rings == sockets
    }

    /// Their records say the same, but for what depends on which packets of a connection were copied, if those
    /// were others.
    fn assert_alike(&self, what: &str) -> Result<()> {
        const BY_COPIES: [&str; 3] = ["_captured_packets", "_captured_bytes", "_rtt_samples"];
        let without = if self.copied_the_same() {
            &[][..]
        } else {
            &BY_COPIES
        };
        let [rings, sockets] = [&self.rings, &self.sockets].map(|report| records(report, without));
        assert_eq!(sockets?, rings?, "{what}");
        Ok(())
    }
}

/// Records without what depends on time and on what else is left out, as a sorted list.
fn records(report: &Report, without: &[&str]) -> Result<Vec<String>> {
    let timed = timed()?;
    let mut records = report
        .records()?
        .into_iter()
        .map(|record| {
            let Value::Object(columns) = record.0 else {
                anyhow::bail!("not an object");
            };
            let rest: BTreeMap<_, _> = columns
                .into_iter()
                .filter(|(name, _)| !timed.contains(name))
                .filter(|(name, _)| !without.iter().any(|end| name.ends_with(end)))
                .collect();
            Ok(serde_json::to_string(&rest)?)
        })
        .collect::<Result<Vec<_>>>()?;
    records.sort_unstable();
    Ok(records)
}

/// Runs a capture that consumes, over frames by hand.
fn tap(lab: &Lab, arguments: &[&str], frames: &[Vec<u8>]) -> Result<Report> {
    let always = ["--tap", "--ignore-checksums"];
    let run = Run::start(&lab.client, &[&always, arguments].concat())?;
    send_frames(&lab.server, frames)?;
    let report = run.end()?;
    assert_whole_of_wire(&report)?;
    Ok(report)
}

/// As [`assert_whole`], where something may be missing on the wire.
fn assert_whole_of_wire(report: &Report) -> Result<()> {
    report.assert_lossless()?;
    let records = report.records()?;
    for (column, kernel) in [
        ("packets", "packets"),
        ("bytes", "bytes"),
        ("captured_packets", "delivered"),
    ] {
        assert_eq!(sum(&records, column), report.kernel(kernel), "{column}");
    }
    Ok(())
}

#[test]
fn what_is_cut_behind_sockets_is_told_as_it_is_behind_rings() -> Result<()> {
    let lab = quiet(Lab::new()?)?;
    let (talks, frames) = talks(1);
    for workers in ["1", "3"] {
        for more in [&[][..], &["--headers-only"], &["--snaplen", "100"]] {
            let both = Both::run(|by| {
                let arguments = ["--cutoff", "3000", "--workers", workers];
                tap(&lab, &[&arguments, by, more].concat(), &frames)
            })?;
            for report in [&both.rings, &both.sockets] {
                assert_eq!(report.kernel("packets"), frames.len() as u64);
                assert!(report.kernel("cut") > frames.len() as u64 / 3);
                let records = report.records()?;
                assert_eq!(records.len(), talks.len());
                talks.iter().for_each(|talk| talk.assert_told(&records));
                // Payload that is not wanted counts as missed.
                if more.is_empty() {
                    talks.iter().for_each(|talk| talk.assert_missed(&records));
                }
            }
            let what = format!("{workers} workers, {more:?}");
            both.assert_alike(&what)?;
            if workers == "1" && both.copied_the_same() {
                let [rings, sockets] = &both.copied;
                assert_eq!(sockets, rings, "{what}");
            }
        }
    }
    Ok(())
}

const SESSIONS: GeneratorSettings = GeneratorSettings {
    flows: 20,
    session_frames: 60,
    frame_len: 600,
    reset_every: 5,
    ..GeneratorSettings::UNPATCHED
};

/// Flows that have to make room are told of to the workers that have them, which are not those whose packets
/// need the room.
#[test]
fn connections_that_make_room_for_others_keep_their_counts() -> Result<()> {
    let lab = quiet(Lab::new()?)?;
    let (talks, frames) = talks(30);
    for workers in ["1", "3"] {
        let arguments = ["--af-xdp", "--workers", workers, "--cutoff", "600"];
        let few = ["--cutoff-flows", "4"];
        let report = tap(&lab, &[&arguments[..], &few].concat(), &frames)?;
        assert!(report.kernel("cut_evicted") > 20, "{}", report.ledger);
        assert!(report.kernel("cut") > 1_000, "{}", report.ledger);
        let records = report.records()?;
        assert_eq!(records.len(), talks.len());
        for talk in &talks {
            talk.assert_told(&records);
            talk.assert_missed(&records);
        }
    }
    Ok(())
}

#[test]
fn generated_sessions_that_share_few_places_keep_their_counts() -> Result<()> {
    const CUT: [&str; 5] = ["--tap", "--cutoff", "600", "--cutoff-flows", "16"];
    for (ip_version, workers) in [(4, "1"), (4, "3"), (6, "2")] {
        let settings = GeneratorSettings {
            ip_version,
            ..SESSIONS
        };
        let lab = quiet(Lab::new()?)?;
        let arguments = [&CUT[..], &["--af-xdp", "--workers", workers]].concat();
        let run = Run::start(&lab.client, &arguments)?;
        let mut generator = Generator::load(OBJECT, settings)?.on_cpu(0);
        let sent = send_all(&lab.server, &mut generator, 24_000, 20_000)?;
        let report = run.end()?;
        assert_whole(&report)?;
        assert_eq!(report.kernel("tcp"), sent.frames);
        assert!(report.kernel("cut") > 1_000, "{}", report.ledger);
        let records = report.records()?;
        assert_eq!(records.len(), 400, "one for each session");
        for record in &records {
            assert_eq!(sum(std::slice::from_ref(record), "packets"), 60);
            let state = record.text("conn_state").unwrap_or_default();
            assert!(["SF", "RSTO"].contains(&state), "{record:?}");
        }
        assert_eq!(sum(&records, "bytes"), sent.bytes);
        for never in ["retransmitted_segments", "lost_segments", "acked_unseen"] {
            assert_eq!(sum(&records, never), 0, "{never}");
        }
    }
    Ok(())
}

/// Each connection's packets come by two queues in turns, and nobody reads meanwhile: all packets and all
/// reports lie there at once.
#[test]
fn reports_find_their_place_among_packets_of_several_queues() -> Result<()> {
    const QUEUES: u32 = 4;
    const FRAMES: u64 = 20 * 60;
    let cpus = std::thread::available_parallelism()?.get();
    if cpus < 2 {
        capture_tests::oracle::skip("the frames of one CPU come by one queue");
        return Ok(());
    }
    let lab = quiet(Lab::with_queues(QUEUES)?)?;
    for workers in ["1", "2", "3"] {
        let both = Both::run(|by| {
            let arguments = ["--tap", "--cutoff", "600", "--workers", workers];
            let run = Run::start(&lab.client, &[&arguments, by].concat())?;
            run.signal(Signal::Stop)?;
            let mut generator = Generator::load(OBJECT, SESSIONS)?;
            // Not a divisor of the number of connections: the next frame of each comes by the other queue.
            for turn in 0..FRAMES / 24 {
                generator = generator.on_cpu(turn as usize % 2);
                send_all(&lab.server, &mut generator, 24, 20_000)?;
            }
            run.signal(Signal::Continue)?;
            let report = run.end()?;
            assert_whole(&report)?;
            Ok(report)
        })?;
        assert!(both.sockets.kernel("cut") > 200, "{}", both.sockets.ledger);
        both.assert_alike(&format!("{workers} workers"))?;
        let found = both.sockets.records()?;
        for never in ["retransmitted_segments", "lost_segments", "acked_unseen"] {
            assert_eq!(sum(&found, never), 0, "{never}");
        }
    }
    Ok(())
}

#[test]
fn a_flood_of_syns_beside_it_takes_no_place() -> Result<()> {
    const SYNS: u64 = 20_000;
    let flood = GeneratorSettings {
        syn_flood: 1,
        ..GeneratorSettings::UNPATCHED
    };
    let lab = quiet(Lab::new()?)?;
    let arguments = ["--tap", "--af-xdp", "--workers", "2", "--ignore-checksums"];
    let cut = ["--cutoff", "1000", "--cutoff-flows", "4"];
    let run = Run::start(&lab.client, &[&arguments[..], &cut].concat())?;
    let talk = Talk::datagrams(1, false);
    let (before, after) = talk.frames.split_at(ROUNDS);
    send_frames(&lab.server, before)?;
    let mut generator = Generator::load(OBJECT, flood)?.on_cpu(0);
    let sent = send_all(&lab.server, &mut generator, SYNS, 20_000)?;
    assert_eq!(sent.syn, SYNS);
    send_frames(&lab.server, after)?;
    let report = run.end()?;
    assert_whole_of_wire(&report)?;
    assert_eq!(report.kernel("syn"), SYNS);
    let unfollowed = report.kernel("cut_evicted") + report.kernel("cut_unfollowed");
    assert_eq!(unfollowed, 0, "{}", report.ledger);
    let udp: Vec<_> = report
        .records()?
        .into_iter()
        .filter(|record| record.text("proto") == Some("udp"))
        .collect();
    talk.assert_told(&udp);
    Ok(())
}

/// Nobody reads for so long that there is no room for reports, nor for packets.
#[test]
fn what_is_lost_behind_a_reader_that_stands_still_is_counted() -> Result<()> {
    for workers in ["1", "2"] {
        let lab = quiet(Lab::new()?)?;
        let arguments = [
            "--tap",
            "--af-xdp",
            "--ignore-checksums",
            "--cutoff",
            "3000",
        ];
        // Room for 356 reports and 128 frames of each worker.
        let least = ["--ring-size", "1", "--workers", workers];
        let run = Run::start(&lab.client, &[&arguments[..], &least].concat())?;
        run.signal(Signal::Stop)?;
        let mut talk = Talk::new(0, false, true);
        talk.open();
        (0..1_000).for_each(|_| talk.round());
        send_frames(&lab.server, &talk.frames)?;
        run.signal(Signal::Continue)?;
        let report = run.end()?;
        report.assert_closed()?;
        let sent = talk.frames.len() as u64;
        assert_eq!(report.kernel("packets"), sent);
        assert!(report.kernel("ring_full") > 500, "{}", report.ledger);
        let lost = report.ledger["lost"].as_u64().context("lost")?;
        let records = report.records()?;
        assert_eq!(records.len(), 1);
        assert_eq!(sum(&records, "packets") + lost, sent, "{}", report.ledger);
        assert_eq!(
            sum(&records, "captured_packets"),
            report.stage("delivered")?.0
        );
    }
    Ok(())
}

#[test]
fn changes_while_connections_are_cut_lose_none_of_their_counts() -> Result<()> {
    let lab = quiet(Lab::new()?)?;
    let socket = Socket::new()?;
    let cut = ["--tap", "--af-xdp", "--cutoff", "600", "--workers", "2"];
    let run = socket.start(&lab, &cut)?;
    let mut generator = Generator::load(OBJECT, SESSIONS)?.on_cpu(0);
    let mut send = |frames| send_all(&lab.server, &mut generator, frames, 20_000);
    // In the middle of a session, each time.
    send(3_100)?;
    socket.done(&["filter", "tcp"])?;
    send(3_100)?;
    socket.done(&["filter", "--clear"])?;
    send(3_100)?;
    socket.done(&["sample", "--sample", "2"])?;
    send(3_100)?;
    socket.done(&["sample", "--sample", "1"])?;
    let sent = send(3_200)?;
    let report = run.end()?;
    report.assert_lossless()?;
    let [packets, sampled, cut, delivered] =
        ["packets", "sampled", "cut", "delivered"].map(|counter| report.kernel(counter));
    assert_eq!(packets, sent.frames);
    assert!(sampled > 500 && cut > 3_000, "{}", report.ledger);
    let records = report.records()?;
    assert_eq!(sum(&records, "packets"), cut + delivered);
    assert_eq!(sum(&records, "captured_packets"), delivered);
    Ok(())
}

#[test]
fn everything_together_loads_on_several_interfaces_with_sockets() -> Result<()> {
    let lab = quiet(Lab::new()?)?;
    let (_, frames) = talks(1);
    let interfaces = ["-i", lab.client.interface, "-i", "lo"];
    let tap = ["--tap", "--af-xdp", "--ignore-checksums", "--workers", "2"];
    let thin = ["--sample", "2", "--sample-flows", "2", "--cutoff", "0"];
    let short = ["--headers-only", "--snaplen", "200"];
    let arguments = [&interfaces[..], &tap, &thin, &short].concat();
    let run = Run::start_in(&lab.client.namespace, &arguments)?;
    send_frames(&lab.server, &frames)?;
    let report = run.end()?;
    report.assert_lossless()?;
    let [cut, delivered] = ["cut", "delivered"].map(|counter| report.kernel(counter));
    assert_eq!(report.kernel("packets"), frames.len() as u64);
    let records = report.records()?;
    assert_eq!(sum(&records, "packets"), cut + delivered);
    Ok(())
}
