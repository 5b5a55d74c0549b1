//! Capture filters in the kernel against a slow machine: programs of libpcap's and random ones,
//! translated, checked by the verifier, and run on the same packets at both hooks.

use std::process::Command;

use capture::filter::capture::ebpf::{self, ContextKind, Disassembly, Programs};
use capture::filter::capture::{Insn, Program};
use capture::kernel::{CaptureFilter, Kernel};
use capture::packet::LinkType;
use capture_tests::oracle::{output, require};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

use crate::bpf::Loaded;
use crate::steering;

const CONTEXTS: [ContextKind; 2] = [ContextKind::Xdp, ContextKind::SkBuff];

/// What libpcap makes of an expression for Ethernet.
fn libpcap(expression: &str) -> Program {
    let mut command = Command::new("tcpdump");
    command.args(["-ddd", "-y", "EN10MB", "--", expression]);
    let text = output(&mut command).unwrap();
    let mut numbers = text.split_whitespace().map(|word| word.parse().unwrap());
    let count: u32 = numbers.next().unwrap();
    let mut insns = Vec::new();
    for _ in 0..count {
        let mut next = || numbers.next().unwrap();
        let (code, jt, jf, k): (u32, u32, u32, u32) = (next(), next(), next(), next());
        insns.push(Insn {
            code: code as u16,
            jt,
            jf,
            k,
        });
    }
    Program { insns }
}

/// The classic machine as its authors describe it (the BPF paper of 1993), an instruction at a time.
fn slow(program: &Program, packet: &[u8]) -> bool {
    let (mut a, mut x, mut memory) = (0_u32, 0_u32, [0_u32; 16]);
    let read = |offset: u64, size: usize| -> Option<u32> {
        let offset = usize::try_from(offset).ok()?;
        let bytes = packet.get(offset..offset.checked_add(size)?)?;
        Some(
            bytes
                .iter()
                .fold(0, |value, byte| value << 8 | u32::from(*byte)),
        )
    };
    let mut at = 0;
    loop {
        let Insn { code, jt, jf, k } = program.insns[at];
        at += 1;
        let indexed = u64::from(x) + u64::from(k);
        let operand = if code & 8 == 0 { k } else { x };
        let loaded = match code {
            0x20 => Some(read(u64::from(k), 4)),
            0x28 => Some(read(u64::from(k), 2)),
            0x30 => Some(read(u64::from(k), 1)),
            0x40 => Some(read(indexed, 4)),
            0x48 => Some(read(indexed, 2)),
            0x50 => Some(read(indexed, 1)),
            _ => None,
        };
        match loaded {
            Some(Some(value)) => {
                a = value;
                continue;
            }
            Some(None) => return false,
            None => {}
        }
        match code {
            0x00 => a = k,
            0x60 => a = memory[k as usize],
            0x80 => a = packet.len() as u32,
            0x01 => x = k,
            0x61 => x = memory[k as usize],
            0x81 => x = packet.len() as u32,
            0xb1 => match read(u64::from(k), 1) {
                Some(byte) => x = (byte & 15) * 4,
                None => return false,
            },
            0x02 => memory[k as usize] = a,
            0x03 => memory[k as usize] = x,
            0x04 | 0x0c => a = a.wrapping_add(operand),
            0x14 | 0x1c => a = a.wrapping_sub(operand),
            0x24 | 0x2c => a = a.wrapping_mul(operand),
            0x34 | 0x3c => match a.checked_div(operand) {
                Some(quotient) => a = quotient,
                None => return false,
            },
            0x94 | 0x9c => match a.checked_rem(operand) {
                Some(rest) => a = rest,
                None => return false,
            },
            0x44 | 0x4c => a |= operand,
            0x54 | 0x5c => a &= operand,
            0x64 | 0x6c => a = a.checked_shl(operand).unwrap_or(0),
            0x74 | 0x7c => a = a.checked_shr(operand).unwrap_or(0),
            0x84 => a = a.wrapping_neg(),
            0xa4 | 0xac => a ^= operand,
            0x05 => at += k as usize,
            0x15 | 0x1d => at += if a == operand { jt } else { jf } as usize,
            0x25 | 0x2d => at += if a > operand { jt } else { jf } as usize,
            0x35 | 0x3d => at += if a >= operand { jt } else { jf } as usize,
            0x45 | 0x4d => at += if a & operand != 0 { jt } else { jf } as usize,
            0x06 => return k != 0,
            0x16 => return a != 0,
            0x07 => x = a,
            0x87 => a = x,
            _ => panic!("no such instruction: {code:#x}"),
        }
    }
}

fn translated(context: ContextKind, program: &Program) -> Vec<ebpf::Insn> {
    let programs = Programs {
        ethernet: Some(program),
        raw_ip: None,
    };
    ebpf::translate(context, &programs).unwrap()
}

fn load(context: ContextKind, insns: &[ebpf::Insn]) -> Loaded {
    Loaded::new(context, insns).unwrap_or_else(|error| {
        let shown = &insns[..insns.len().min(300)];
        panic!("{context:?}: {error}\n{}", Disassembly(shown));
    })
}

/// Whether the kernel takes a packet for a test run of TCX: less than a page, and with all of the IP
/// header that it announces.
fn fits_tcx(packet: &[u8]) -> bool {
    let shortest = match packet[12..14] {
        [0x08, 0x00] => 14 + 20,
        [0x86, 0xdd] => 14 + 40,
        _ => 15,
    };
    (shortest..3_000).contains(&packet.len())
}

/// Runs both machines on all packets; gives how many were accepted and how many were not.
fn compare(what: &str, program: &Program, packets: &[Vec<u8>]) -> [usize; 2] {
    let mut verdicts = [0; 2];
    for context in CONTEXTS {
        let insns = translated(context, program);
        let loaded = load(context, &insns);
        for packet in packets {
            if context == ContextKind::SkBuff && !fits_tcx(packet) {
                continue;
            }
            let expected = slow(program, packet);
            let found = loaded
                .run(packet)
                .unwrap_or_else(|error| panic!("{context:?}: {error}: {packet:02x?}"));
            assert_eq!(
                found,
                u32::from(expected),
                "{what} at {context:?} on {packet:02x?}\n{}",
                Disassembly(&insns)
            );
            verdicts[usize::from(expected)] += 1;
        }
    }
    verdicts
}

const EXPRESSIONS: [&str; 50] = [
    "",
    "ip",
    "ip6",
    "arp",
    "tcp",
    "udp or icmp",
    "icmp6",
    "sctp",
    "host 10.0.0.1",
    "src host 10.0.0.2",
    "host 2001:db8::1",
    "net 10.0.0.0/8",
    "net 2001:db8::/32",
    "port 80",
    "port 80 or 90",
    "src port 81",
    "dst port 91 and tcp",
    "tcp port 80 and not host 10.0.0.9",
    "portrange 80-90",
    "udp portrange 4700-4800",
    "tcp[tcpflags] & (tcp-syn|tcp-fin) != 0",
    "tcp[13] = 2",
    "tcp[((tcp[12] & 0xf0) >> 2):2] = 0x2a2a",
    "udp[8:4] = 0x2a2a2a2a",
    "ip[6:2] & 0x1fff != 0",
    "ip[0] & 0xf != 5",
    "ip[2:2] > 60",
    "ip6[6] = 6",
    "vlan",
    "vlan 7",
    "vlan 7 and tcp port 80",
    "vlan and vlan and ip",
    "len > 100",
    "less 80",
    "greater 200 and ip",
    "ether broadcast",
    "ether multicast",
    "ether src 02:00:00:00:00:02",
    "ether proto 0x88cc",
    "ether[0] & 1 = 0 and ip[16] >= 224",
    "ip[8] % 7 = 1",
    "ip[8] / ip[6] > 1",
    "len % (ip[1] + 1) = 0",
    "(ip[4:2] << ip[5]) & 0xff0 != 0",
    "ip[9] >> (ip[5] + 30) = 0",
    "0 - ip[9] & 0xff = 250",
    "ether[len - 1] = 0x2a",
    "ether[len - 20:4] = 0x2a2a2a2a",
    "ether[4096:2] = 0x2a2a or ether[ip[2:2]] = 0x2a",
    "not (tcp or udp) and ip[ip[3]] < 0x80",
];

/// Packets of all kinds, and some of several pages.
fn packets(count: usize) -> Vec<Vec<u8>> {
    let mut packets = steering::frames(count);
    for (number, len) in [4_000, 4_096, 4_097, 4_110, 6_000, 9_000, 20_000]
        .into_iter()
        .enumerate()
    {
        let mut packet = packets[number * 17].clone();
        packet.resize(len, 0x2a);
        packets.push(packet);
    }
    packets
}

#[test]
fn filters_of_libpcaps_say_the_same_in_the_kernel() {
    if !require(&["tcpdump"]) {
        return;
    }
    let packets = packets(300);
    let mut pairs = 0;
    let mut one_sided = 0;
    for expression in EXPRESSIONS {
        let program = libpcap(expression);
        let [refused, accepted] = compare(expression, &program, &packets);
        pairs += refused + accepted;
        one_sided += usize::from(refused == 0 || accepted == 0);
    }
    assert!(pairs >= 10_000, "{pairs}");
    assert!(
        one_sided < EXPRESSIONS.len() / 4,
        "{one_sided} expressions tell no packets apart"
    );
}

/// A program that the machine takes: jumps forward, memory cells that exist, a return at the end.
fn random_program() -> impl Strategy<Value = Program> {
    let offset = || {
        prop_oneof![
            8 => 0_u32..70,
            2 => 0_u32..5_000,
            1 => prop::sample::select(vec![
                0x6fff, 0x7000, 0x7ffc, 0x8000, 0xffff, 0x0001_0000, 0x7fff_ffff, 0x8000_0000, 0xffff_fffc,
            ]),
        ]
    };
    let constant = || {
        prop_oneof![
            4 => 0_u32..80,
            2 => any::<u32>(),
            1 => prop::sample::select(vec![0x0800, 0x86dd, 0x8100, 31, 32, 33, 0x7fff_ffff, 0x8000_0000]),
        ]
    };
    let insn = prop_oneof![
        6 => (prop::sample::select(vec![0x20_u16, 0x28, 0x30, 0x40, 0x48, 0x50, 0xb1]), offset())
            .prop_map(|(code, k)| (code, k, 0, 0)),
        2 => (prop::sample::select(vec![0x00_u16, 0x01, 0x80, 0x81, 0x07, 0x87]), constant())
            .prop_map(|(code, k)| (code, k, 0, 0)),
        2 => (prop::sample::select(vec![0x02_u16, 0x03, 0x60, 0x61]), 0_u32..16)
            .prop_map(|(code, k)| (code, k, 0, 0)),
        4 => (
            prop::sample::select(vec![
                0x04_u16, 0x0c, 0x14, 0x1c, 0x24, 0x2c, 0x34, 0x3c, 0x44, 0x4c, 0x54, 0x5c, 0x64, 0x6c,
                0x74, 0x7c, 0x84, 0x94, 0x9c, 0xa4, 0xac,
            ]),
            constant(),
        )
            .prop_map(|(code, k)| (code, k, 0, 0)),
        4 => (
            prop::sample::select(vec![0x15_u16, 0x1d, 0x25, 0x2d, 0x35, 0x3d, 0x45, 0x4d]),
            constant(),
            0_u32..6,
            0_u32..6,
        ),
        1 => (0_u32..6).prop_map(|k| (0x05, k, 0, 0)),
        1 => (prop::sample::select(vec![0x06_u16, 0x16]), 0_u32..2).prop_map(|(code, k)| (code, k, 0, 0)),
    ];
    prop::collection::vec(insn, 1..40).prop_map(|insns| {
        let count = insns.len() as u32;
        let mut insns: Vec<_> = insns
            .into_iter()
            .enumerate()
            .map(|(at, (code, k, jt, jf))| {
                let left = count - at as u32 - 1;
                let k = if code == 0x05 { k.min(left) } else { k };
                Insn {
                    code,
                    jt: jt.min(left),
                    jf: jf.min(left),
                    k,
                }
            })
            .collect();
        insns.push(Insn {
            code: 0x16,
            ..Insn::default()
        });
        Program { insns }
    })
}

#[test]
fn programs_that_nobody_would_write_say_the_same_in_the_kernel() {
    let packets = packets(40);
    let packets: Vec<_> = packets.into_iter().rev().take(70).collect();
    let mut runner = TestRunner::deterministic();
    let strategy = random_program();
    let mut verdicts = [0; 2];
    for number in 0..400 {
        let program = strategy.new_tree(&mut runner).unwrap().current();
        let found = compare(&format!("program {number}"), &program, &packets);
        verdicts = [verdicts[0] + found[0], verdicts[1] + found[1]];
    }
    assert!(verdicts.iter().all(|count| *count > 2_000), "{verdicts:?}");
}

/// At TCX the kernel keeps a tag beside the packet; the filter must find it within.
#[test]
fn a_tag_that_the_kernel_keeps_aside_is_seen_in_its_place() {
    if !require(&["tcpdump"]) {
        return;
    }
    const VLAN_PUSH: i32 = 18;
    const TAG: [u8; 4] = [0x81, 0x00, 0x60, 0x07];
    let set = |dst, imm| ebpf::Insn {
        code: 0xb4,
        dst,
        imm,
        ..ebpf::Insn::default()
    };
    let copy = |dst, src| ebpf::Insn {
        code: 0xbf,
        dst,
        src,
        ..ebpf::Insn::default()
    };
    // Puts the tag aside, and goes on with the packet.
    let prologue = [
        copy(6, 1),
        set(2, i32::from(u16::from_ne_bytes([TAG[0], TAG[1]]))),
        set(3, i32::from(u16::from_be_bytes([TAG[2], TAG[3]]))),
        ebpf::Insn {
            code: 0x85,
            imm: VLAN_PUSH,
            ..ebpf::Insn::default()
        },
        copy(1, 6),
    ];
    let packets: Vec<_> = steering::frames(800)
        .into_iter()
        // The kernel pushes a tag into the packet that has one already.
        .filter(|packet| fits_tcx(packet) && ![0x81, 0x88].contains(&packet[12]))
        .collect();
    let check = |what: &str, program: &Program| {
        let insns = [&prologue[..], &translated(ContextKind::SkBuff, program)[..]].concat();
        let loaded = load(ContextKind::SkBuff, &insns);
        let mut verdicts = [0; 2];
        for packet in &packets {
            let tagged = [&packet[..12], &TAG, &packet[12..]].concat();
            let expected = slow(program, &tagged);
            let found = loaded
                .run(packet)
                .unwrap_or_else(|error| panic!("{error}: {packet:02x?}"));
            assert_eq!(
                found,
                u32::from(expected),
                "{what} on {packet:02x?}\n{}",
                Disassembly(&insns)
            );
            verdicts[usize::from(expected)] += 1;
        }
        verdicts
    };
    for expression in EXPRESSIONS {
        check(expression, &libpcap(expression));
    }
    let [refused, accepted] = check("vlan 7 and tcp", &libpcap("vlan 7 and tcp"));
    assert!(refused > 10 && accepted > 10, "{refused} {accepted}");
    let mut runner = TestRunner::deterministic();
    let strategy = random_program();
    for number in 0..200 {
        let program = strategy.new_tree(&mut runner).unwrap().current();
        check(&format!("program {number}"), &program);
    }
}

/// Looks for `hosts` addresses, one after the other, from 10.0.0.0 on.
fn many_hosts(hosts: u32) -> Program {
    let mut insns = vec![Insn {
        code: 0x20,
        k: 26,
        ..Insn::default()
    }];
    for host in 0..hosts {
        insns.push(Insn {
            code: 0x15,
            jt: hosts - host,
            jf: 0,
            k: 0x0a00_0000 + host,
        });
    }
    for k in [0, 1] {
        insns.push(Insn {
            code: 0x06,
            k,
            ..Insn::default()
        });
    }
    Program { insns }
}

#[test]
fn jumps_farther_than_16_bits_arrive() {
    const HOSTS: u32 = 40_000;
    let program = many_hosts(HOSTS);
    let packet = |host: u32| {
        let mut packet = vec![0; 60];
        packet[26..30].copy_from_slice(&(0x0a00_0000 + host).to_be_bytes());
        packet
    };
    let packets: Vec<_> = [0, 1, 20_000, HOSTS - 1, HOSTS, HOSTS + 1]
        .into_iter()
        .map(packet)
        .collect();
    assert_eq!(compare("many hosts", &program, &packets), [4, 8]);
}

#[test]
fn a_filter_that_is_too_large_says_so_and_what_to_do() {
    for hosts in [150_000, 400_000] {
        let filter = CaptureFilter::from_programs("many hosts", many_hosts(hosts), many_hosts(1));
        let plan = steering::plan(LinkType::ETHERNET, 65_600, Some(filter));
        let error = match Kernel::load(&plan) {
            Ok(_) => panic!("the kernel takes {hosts} hosts"),
            Err(error) => error.to_string(),
        };
        for words in ["too large for the kernel", "use a shorter one"] {
            assert!(error.contains(words), "{error}");
        }
    }
}
