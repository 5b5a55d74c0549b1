//! One ring and many that fill it: records of several CPUs at once stay whole, and every one is accounted for.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use aya::TestRunOptions;
use aya::programs::{TestRun as _, Xdp};
use capture::kernel::{Clock, Kernel};
use capture::packet::LinkType;
use capture::source::ring::RingSource;
use capture_common::Hook;
use capture_tests::oracle::skip;

use crate::steering::plan;

/// Threads that send, more than most machines of a CI have CPUs, so that they are also held up in between.
const SENDERS: u8 = 4;
/// Frames of each.
const FRAMES: u32 = 3_000;
/// Room for some thousand records, so that they go round a hundred times.
const RING_BYTES: u32 = 1 << 20;
/// So many of its frames each sends without regard for the reader, which has not started by then.
const REGARDLESS: usize = FRAMES as usize / 4;
/// Ethernet header with a type for experiments (IEEE 802).
const HEADER: [u8; 14] = [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x88, 0xb5];
/// Who sent a frame, and its number.
const TAG_LEN: usize = 5;

/// How often a frame is sent without a way back to userspace in between: often, so that programs meet at the ring,
/// or once, so that the reader is waiting when the record comes.
const fn repeat(number: u32) -> u32 {
    if number.is_multiple_of(8) { 256 } else { 1 }
}

/// A frame that can be told from its first bytes: of all lengths that records are copied in different ways of.
fn frame(sender: u8, number: u32) -> Vec<u8> {
    let mut state = u64::from(number) << 8 | u64::from(sender);
    let mut next = || {
        state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
        (state >> 32) as usize
    };
    let most = [60, 150, 600, 1514][next() % 4];
    let len = HEADER.len() + TAG_LEN + next() % (most - HEADER.len() - TAG_LEN + 1);
    let mut frame = HEADER.to_vec();
    frame.push(sender);
    frame.extend(number.to_ne_bytes());
    frame.extend((frame.len()..len).map(|_| next() as u8));
    frame
}

fn records_stay_whole(snap_len: u32) {
    let mut plan = plan(LinkType::ETHERNET, snap_len, None);
    plan.ring_bytes = RING_BYTES;
    let mut kernel = match Kernel::load(&plan) {
        Ok(kernel) => kernel,
        Err(error) => return skip(&format!("the programs cannot be loaded: {error}")),
    };
    let links = [LinkType::ETHERNET].into_iter().collect();
    let ring = kernel.rings().next().unwrap();
    let mut source = RingSource::new(&ring, Arc::new(Clock::new()), links).unwrap();
    let program: &Xdp = kernel
        .ebpf_mut()
        .program("capture_xdp")
        .unwrap()
        .try_into()
        .unwrap();
    let frames: Vec<Vec<_>> = (0..SENDERS)
        .map(|sender| (0..FRAMES).map(|number| frame(sender, number)).collect())
        .collect();
    let (sent, backlog) = (AtomicU64::new(0), AtomicU64::new(0));
    let send = |frames: &[Vec<u8>]| {
        for (number, frame) in frames.iter().enumerate() {
            let result = program.test_run(TestRunOptions {
                data_in: Some(frame),
                repeat: repeat(number as u32),
                ..TestRunOptions::new()
            });
            result.unwrap();
            sent.fetch_add(1, Ordering::Relaxed);
            while number > REGARDLESS && backlog.load(Ordering::Relaxed) > u64::from(RING_BYTES / 2)
            {
                thread::yield_now();
            }
        }
    };
    let all = u64::from(SENDERS) * u64::from(FRAMES);
    let packets = u64::from(SENDERS)
        * (0..FRAMES)
            .map(|number| u64::from(repeat(number)))
            .sum::<u64>();
    let (mut seen, mut lost) = (0_u64, 0_u64);
    // Number of the sender's last frame that came, and how often it did.
    let mut last = [(0, 0); SENDERS as usize];
    thread::scope(|scope| {
        for frames in &frames {
            let send = &send;
            scope.spawn(move || send(frames));
        }
        // By then the ring is full.
        while sent.load(Ordering::Relaxed) < all / 8 {
            thread::yield_now();
        }
        loop {
            let done = sent.load(Ordering::Relaxed) == all;
            let polled = source.poll(&mut |packets, told| {
                assert!(told.is_empty());
                for packet in packets {
                    let tag = &packet.data[HEADER.len()..HEADER.len() + TAG_LEN];
                    let sender = tag[0];
                    let number = u32::from_ne_bytes(*tag[1..].first_chunk().unwrap());
                    let frame = &frames[usize::from(sender)][number as usize];
                    let cap_len = frame.len().min(snap_len as usize);
                    assert_eq!(packet.data, &frame[..cap_len], "of {sender}, {number}");
                    assert_eq!(packet.meta.wire_len as usize, frame.len());
                    let (before, times) = &mut last[usize::from(sender)];
                    assert!(*before <= number, "of {sender}, {number} after {before}");
                    *times = if *before == number { *times + 1 } else { 1 };
                    *before = number;
                    assert!(
                        *times <= repeat(number),
                        "of {sender}, {number} came {times} times"
                    );
                    seen += 1;
                    lost += u64::from(packet.meta.lost);
                }
            });
            backlog.store(source.backlog_bytes(), Ordering::Relaxed);
            if done && polled.drained {
                break;
            }
            thread::yield_now();
        }
    });
    println!(
        "DELIVERED {} FULL {}",
        kernel.counters(0, Hook::XdpIngress).unwrap().delivered,
        kernel.counters(0, Hook::XdpIngress).unwrap().ring_full
    );
    assert_eq!(source.backlog_bytes(), 0);
    let counters = kernel.counters(0, Hook::XdpIngress).unwrap();
    assert_eq!(counters.packets, packets);
    assert_eq!(counters.delivered, seen);
    assert_eq!(counters.delivered + counters.ring_full, counters.packets);
    assert!(counters.ring_full >= lost && lost > 0, "{lost}");
    assert!(seen > all / 4, "{seen} of {packets} were read");
}

#[test]
fn records_of_several_cpus_stay_whole() {
    records_stay_whole(65_600);
}

/// Records that are shorter than what is copied of a packet at a time.
#[test]
fn a_short_record_leaves_the_next_one_alone() {
    for snap_len in [19, 33, 47] {
        records_stay_whole(snap_len);
    }
}
