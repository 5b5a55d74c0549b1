//! Messages in several segments: what tshark 4.0.17 shows of the same segments, with DNS in them, whose
//! messages begin with their length (RFC 1035 section 4.2.2).

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::super::applications::{Application, Need, Outcome, Payload, each_message};
use super::super::reassembly;
use super::driver::{Driver, Given};
use crate::packet::Timestamp;
use crate::read::column::Address;
use crate::read::memory::{Key, Pass};
use crate::read::region::{Region, Stop};
use crate::read::tree::Wanted;
use crate::read::walk::{Piece, Quoted, Walk};

const CLIENT: (Address, u16) = (Address::Ipv4([10, 0, 0, 1]), 4000);
const SERVER: (Address, u16) = (Address::Ipv4([10, 0, 0, 2]), 53);
const SYN: u8 = 0x02;
const ACK: u8 = 0x10;
const FIN: u8 = 0x01;
const PSH: u8 = 0x08;

/// Messages of any content behind two bytes of length.
static LENGTH_FIRST: Application = Application {
    ports: &[],
    recognizes: None,
    dissect: length_first,
};

/// Everything up to the end of the stream is one message.
static UNTIL_FIN: Application = Application {
    ports: &[],
    recognizes: None,
    dissect: until_fin,
};

fn length_first(
    walk: &mut Walk<'_, '_>,
    region: Region<'_>,
    payload: &Payload,
) -> Result<Outcome, Stop> {
    let len_of = |region: &Region<'_>| Ok(Some(2 + usize::from(region.u16(0)?)));
    each_message(walk, region, payload, 2, len_of, |walk, message| {
        let number = message.u16(2)?;
        walk.columns.set_protocol("LEN");
        walk.columns.set_info(format_args!("{number}"));
        Ok(())
    })
}

#[expect(clippy::unnecessary_wraps, reason = "dissectors have one form")]
fn until_fin(
    walk: &mut Walk<'_, '_>,
    region: Region<'_>,
    payload: &Payload,
) -> Result<Outcome, Stop> {
    use super::super::applications::Asking;
    if payload.asking == Asking::Possible {
        return Ok(Outcome::More {
            at: 0,
            need: Need::UntilFin,
        });
    }
    walk.columns.set_protocol("ALL");
    walk.columns.set_info(format_args!("{}", region.reported()));
    Ok(Outcome::Done)
}

fn segment(frame: u64, flags: u8, seq: u32, data: &[u8]) -> Given {
    let from_server = flags == SYN | ACK;
    let (from, to) = if from_server {
        (SERVER, CLIENT)
    } else {
        (CLIENT, SERVER)
    };
    let (own, other) = if from_server {
        (5000, 1001)
    } else {
        (1000 + seq, 5001)
    };
    let mut bytes = Vec::new();
    bytes.extend(from.1.to_be_bytes());
    bytes.extend(to.1.to_be_bytes());
    bytes.extend(u32::to_be_bytes(own));
    bytes.extend(u32::to_be_bytes(other));
    bytes.extend([0x50, flags, 0x20, 0, 0, 0, 0, 0]);
    bytes.extend(data);
    Given {
        frame,
        ts: Timestamp(1_600_000_000_000_000_000 + frame * 100_000_000),
        source: from.0,
        destination: to.0,
        reported: bytes.len(),
        bytes,
        piece: Piece::Whole,
        quoted: Quoted::No,
    }
}

fn bind(driver: &mut Driver, application: &'static Application) {
    let (key, _) = Key::new(CLIENT, SERVER);
    let stream = driver.memory.tcp.streams.get_mut(key);
    stream.unwrap().application = Some(application);
}

/// Handshake, and twelve messages of 202 bytes in nineteen segments.
fn messages() -> Vec<Given> {
    const LEN: usize = 202;
    let stream: Vec<u8> = (0..12_u16)
        .flat_map(|number| {
            let mut message = vec![7; LEN];
            message[..2].copy_from_slice(&(LEN as u16 - 2).to_be_bytes());
            message[2..4].copy_from_slice(&number.to_be_bytes());
            message
        })
        .collect();
    let at = |message: usize, byte: usize| message * LEN + byte;
    let parts = [
        (at(0, 0), at(1, 0)),
        // One message in three segments.
        (at(1, 0), at(1, 50)),
        (at(1, 50), at(1, 100)),
        (at(1, 100), at(2, 0)),
        // Ends and beginnings in one segment.
        (at(2, 0), at(3, 70)),
        (at(3, 70), at(4, 30)),
        (at(4, 30), at(5, 0)),
        // Half a length.
        (at(5, 0), at(5, 1)),
        (at(5, 1), at(6, 0)),
        // A segment that is sent again.
        (at(6, 0), at(6, 99)),
        (at(6, 0), at(6, 99)),
        (at(6, 99), at(7, 0)),
        // A rest, a whole message and a beginning.
        (at(7, 0), at(7, 99)),
        (at(7, 99), at(9, 20)),
        (at(9, 20), at(10, 0)),
        // The last third before the second.
        (at(10, 0), at(10, 60)),
        (at(10, 120), at(11, 0)),
        (at(10, 60), at(10, 120)),
        (at(11, 0), at(12, 0)),
    ];
    let mut all = vec![
        segment(1, SYN, 0, &[]),
        segment(2, SYN | ACK, 0, &[]),
        segment(3, ACK, 1, &[]),
    ];
    all.extend(parts.iter().enumerate().map(|(place, &(from, to))| {
        segment(
            place as u64 + 4,
            PSH | ACK,
            1 + from as u32,
            &stream[from..to],
        )
    }));
    all
}

/// Frame, protocol, lengths of segment data, where it is whole, whose segments it has, what is said last.
fn walk_through(driver: &mut Driver) -> Vec<String> {
    let mut lines = Vec::new();
    for given in messages() {
        driver.dissect(&given).unwrap();
        if given.frame == 1 {
            bind(driver, &LENGTH_FIRST);
        }
        if given.frame < 4 {
            continue;
        }
        let data: Vec<_> = driver
            .values("tcp.segment_data")
            .iter()
            .map(|hex| (hex.len() / 2).to_string())
            .collect();
        lines.push(format!(
            "{}|{}|{}|{}|{}|{}",
            given.frame,
            driver.columns.protocol,
            data.join(","),
            driver.values("tcp.reassembled_in").join(","),
            driver.values("tcp.segment").join(","),
            driver.values("tcp.reassembled.length").join(",")
        ));
    }
    lines
}

#[test]
fn messages_are_put_together_as_by_tshark() {
    let mut driver = Driver::new(Wanted::all(), Pass::Only);
    let expected = [
        "4|LEN||||",
        "5|TCP|50|||",
        "6|TCP|50|||",
        "7|LEN|102||5,6,7|202",
        "8|LEN|70|||",
        "9|LEN|132,30||8,9|202",
        "10|LEN|172||9,10|202",
        "11|TCP|1|||",
        "12|LEN|201||11,12|202",
        "13|TCP|99|||",
        "14|TCP|99|||",
        "15|LEN|103||13,15|202",
        "16|TCP|99|||",
        "17|LEN|103,20||16,17|202",
        "18|LEN|182||17,18|202",
        "19|TCP|60|||",
        "20|TCP|82|||",
        "21|TCP|60||19,21,20|202",
        "22|LEN||||",
    ];
    assert_eq!(walk_through(&mut driver), expected);
}

#[test]
fn second_pass_tells_where_messages_are_whole() {
    let mut driver = Driver::new(Wanted::all(), Pass::First);
    walk_through(&mut driver);
    driver.memory.begin_second_pass();
    let expected = [
        "4|LEN||||",
        "5|TCP|50|7||",
        "6|TCP|50|7||",
        "7|LEN|102||5,6,7|202",
        "8|LEN|70|9||",
        "9|LEN|132,30|10|8,9|202",
        "10|LEN|172||9,10|202",
        "11|TCP|1|12||",
        "12|LEN|201||11,12|202",
        "13|TCP|99|15||",
        "14|TCP|99|||",
        "15|LEN|103||13,15|202",
        "16|TCP|99|17||",
        "17|LEN|103,20|18|16,17|202",
        "18|LEN|182||17,18|202",
        "19|TCP|60|21||",
        "20|TCP|82|21||",
        "21|TCP|60||19,21,20|202",
        "22|LEN||||",
    ];
    assert_eq!(walk_through(&mut driver), expected);
}

#[test]
fn list_tells_segments_of_a_message_and_keeps_remarks() {
    let mut driver = Driver::new(Wanted::none(), Pass::Only);
    let mut infos = Vec::new();
    for given in messages() {
        driver.dissect(&given).unwrap();
        if given.frame == 1 {
            bind(&mut driver, &LENGTH_FIRST);
        }
        infos.push(driver.info());
    }
    let line = "4000 → 53 [PSH, ACK] Seq=203 Ack=1 Win=8192 Len=50";
    assert_eq!(
        infos[4],
        format!("{line} [TCP segment of a reassembled PDU]")
    );
    // The last message of a segment has the word.
    assert_eq!(infos[6], "1");
    assert_eq!(
        infos[13],
        "[TCP Retransmission] 4000 → 53 [PSH, ACK] Seq=1213 Ack=1 Win=8192 Len=99"
    );
    assert_eq!(
        infos[20],
        "[TCP Out-Of-Order] 4000 → 53 [PSH, ACK] Seq=2081 Ack=1 Win=8192 Len=60"
    );
}

/// Says something, and then that it needs all of 250 bytes.
static TALKS_FIRST: Application = Application {
    ports: &[],
    recognizes: None,
    dissect: talks_first,
};

#[expect(clippy::unnecessary_wraps, reason = "dissectors have one form")]
fn talks_first(walk: &mut Walk<'_, '_>, region: Region<'_>, _: &Payload) -> Result<Outcome, Stop> {
    walk.columns.set_protocol("TALK");
    let whole = region.reported() >= 250;
    walk.columns
        .set_info(format_args!("{}", if whole { "whole" } else { "begins" }));
    Ok(if whole {
        Outcome::Done
    } else {
        Outcome::More {
            at: 0,
            need: Need::Segment,
        }
    })
}

// What tshark 4.0.17 lists of an HTTP response in three segments, with and without -2.
#[test]
fn in_the_second_pass_nobody_is_asked_again_who_could_say_nothing() {
    let mut driver = Driver::new(Wanted::all(), Pass::First);
    let mut lists = Vec::new();
    for pass in [Pass::First, Pass::Second] {
        if pass == Pass::Second {
            driver.memory.begin_second_pass();
        }
        driver.dissect(&segment(1, SYN, 0, &[])).unwrap();
        bind(&mut driver, &TALKS_FIRST);
        for number in 0..3 {
            let given = segment(2 + number, ACK, 1 + number as u32 * 100, &[1; 100]);
            driver.dissect(&given).unwrap();
            lists.push((driver.columns.protocol.to_string(), driver.info()));
        }
    }
    let line = |seq: u32| {
        let info = format!(
            "4000 → 53 [ACK] Seq={seq} Ack=1 Win=8192 Len=100 [TCP segment of a reassembled PDU]"
        );
        ("TCP".to_owned(), info)
    };
    let begins = || {
        let info = "begins [TCP segment of a reassembled PDU]";
        ("TCP".to_owned(), info.to_owned())
    };
    let whole = || ("TALK".to_owned(), "whole".to_owned());
    assert_eq!(lists[..3], [begins(), begins(), whole()]);
    assert_eq!(lists[3..], [line(1), line(101), whole()]);
}

/// One line is one message.
static LINE: Application = Application {
    ports: &[],
    recognizes: None,
    dissect: one_line,
};
/// So often was one asked for, with so many bytes the last time.
static LINES_ASKED: Mutex<(u32, usize)> = Mutex::new((0, 0));

#[expect(clippy::unnecessary_wraps, reason = "dissectors have one form")]
fn one_line(walk: &mut Walk<'_, '_>, region: Region<'_>, _: &Payload) -> Result<Outcome, Stop> {
    let bytes = region.captured();
    let mut asked = LINES_ASKED.lock().unwrap();
    *asked = (asked.0 + 1, bytes.len());
    let end = bytes.iter().position(|byte| matches!(byte, b'\r' | b'\n'));
    if end.is_none_or(|end| bytes[end] == b'\r' && end + 1 == bytes.len()) {
        let need = Need::Line;
        return Ok(Outcome::More { at: 0, need });
    }
    walk.columns.set_protocol("LINE");
    walk.columns.set_info(format_args!("{}", bytes.len()));
    Ok(Outcome::Done)
}

#[test]
fn who_awaits_the_end_of_a_line_is_asked_again_when_it_may_be_there() {
    let mut driver = Driver::new(Wanted::all(), Pass::Only);
    driver.dissect(&segment(1, SYN, 0, &[])).unwrap();
    bind(&mut driver, &LINE);
    let (mut seq, mut frame) = (1, 2);
    let mut send = |data: &[u8]| {
        driver.dissect(&segment(frame, ACK, seq, data)).unwrap();
        seq += data.len() as u32;
        frame += 1;
        let listed = (driver.columns.protocol.to_string(), driver.info());
        (*LINES_ASKED.lock().unwrap(), listed)
    };
    let part = |number: u32| {
        let seq = number * 100 + 1;
        let info = format!(
            "4000 → 53 [ACK] Seq={seq} Ack=1 Win=8192 Len=100 [TCP segment of a reassembled PDU]"
        );
        ("TCP".to_owned(), info)
    };
    // Nothing but text: what it said of the first segment it would say of the others.
    for number in 0..50 {
        assert_eq!(send(&[b'a'; 100]), ((1, 100), part(number)));
    }
    // A CR may have its LF in the next segment; whatever comes ends the line.
    let mut ends_with_cr = [b'b'; 100];
    ends_with_cr[99] = b'\r';
    assert_eq!(send(&ends_with_cr), ((2, 5_100), part(50)));
    let whole = ("LINE".to_owned(), "5200".to_owned());
    assert_eq!(send(&[b'c'; 100]), ((3, 5_200), whole));
}

/// Nobody knows how long its message is before it is there.
static NEVER_ENDS: Application = Application {
    ports: &[],
    recognizes: None,
    dissect: |_, region, _| {
        BYTES_SHOWN.fetch_add(region.captured().len(), Ordering::Relaxed);
        let need = Need::Segment;
        Ok(Outcome::More { at: 0, need })
    },
};
/// So many bytes it was shown in all.
static BYTES_SHOWN: AtomicUsize = AtomicUsize::new(0);

#[test]
fn a_message_without_an_end_is_not_read_anew_with_each_segment() {
    const LEN: usize = 1460;
    const SEGMENTS: u32 = 4000;
    let mut driver = Driver::new(Wanted::none(), Pass::Only);
    driver.dissect(&segment(1, SYN, 0, &[])).unwrap();
    bind(&mut driver, &NEVER_ENDS);
    for number in 0..SEGMENTS {
        let seq = 1 + number * LEN as u32;
        let given = segment(2 + u64::from(number), ACK, seq, &[0; LEN]);
        driver.dissect(&given).unwrap();
        let info = driver.info();
        assert!(
            info.ends_with("[TCP segment of a reassembled PDU]"),
            "{info}"
        );
    }
    // The square would be 2,000 times all there is: 256 KiB are read with each segment, that is 90 times,
    // and what is more each time that there is an eighth more, which makes nine times all.
    let all = SEGMENTS as usize * LEN;
    let shown = BYTES_SHOWN.load(Ordering::Relaxed);
    assert!((all..20 * all).contains(&shown), "{shown} of {all}");
}

#[test]
fn a_message_with_very_many_holes_is_given_up() {
    let mut driver = Driver::new(Wanted::none(), Pass::Only);
    driver.dissect(&segment(1, SYN, 0, &[])).unwrap();
    bind(&mut driver, &LENGTH_FIRST);
    driver.dissect(&segment(2, ACK, 1, &[0xff, 0xff])).unwrap();
    let mut most = 0;
    for number in 0..10_000 {
        let given = segment(3 + u64::from(number), ACK, 4 + 2 * number, &[7]);
        driver.dissect(&given).unwrap();
        most = most.max(driver.memory.tcp.buffered);
    }
    assert!((4_000..1 << 20).contains(&most), "{most}");
    assert!(driver.memory.tcp.buffered < most);
}

#[test]
fn everything_until_the_end_is_put_together_at_the_end() {
    let mut driver = Driver::new(Wanted::all(), Pass::Only);
    driver.dissect(&segment(1, SYN, 0, &[])).unwrap();
    bind(&mut driver, &UNTIL_FIN);
    driver.dissect(&segment(2, ACK, 1, &[1; 100])).unwrap();
    driver.dissect(&segment(3, ACK, 101, &[2; 100])).unwrap();
    assert_eq!(driver.columns.protocol, "TCP");
    driver.dissect(&segment(4, FIN | ACK, 201, &[])).unwrap();
    assert_eq!(driver.columns.protocol, "ALL");
    assert_eq!(driver.info(), "200");
    assert_eq!(driver.last("tcp.reassembled.length"), "200");
}

#[test]
fn what_waits_is_bounded() {
    let mut driver = Driver::new(Wanted::none(), Pass::Only);
    driver.dissect(&segment(1, SYN, 0, &[])).unwrap();
    bind(&mut driver, &UNTIL_FIN);
    let data = vec![0; 60_000];
    for number in 0..1000 {
        let given = segment(2 + number, ACK, 1 + number as u32 * 60_000, &data);
        driver.dissect(&given).unwrap();
        assert!(driver.memory.tcp.buffered <= reassembly::MAX_BUFFERED);
    }
    assert!(driver.memory.tcp.buffered > 0);
}
