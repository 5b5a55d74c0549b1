//! What the oracle cannot tell: errors and their places, names, bounds, and that nothing panics.
//! Programs and verdicts are held against libpcap in `tests/offline/capture_filter`.

use std::io;
use std::net::IpAddr;

use proptest::prelude::*;

use super::{
    Filter, FilterError, FilterOptions, Insn, InvalidProgram, Optimize, Origin, Program, Resolver,
};
use crate::packet::LinkType;

fn filter(text: &str) -> Result<Filter, FilterError> {
    Filter::new(text, &FilterOptions::default())
}

fn program(text: &str, link: LinkType) -> Result<Program, FilterError> {
    filter(text)?.compile(link)
}

fn refused(text: &str) -> FilterError {
    program(text, LinkType::ETHERNET).unwrap_err()
}

/// The part of the expression that an error points at.
fn place(text: &str) -> &str {
    &text[refused(text).span()]
}

#[test]
fn an_error_shows_the_place_and_a_hint() {
    assert_eq!(
        refused("tcp and hots 10.0.0.1").to_string(),
        "nothing before hots says what it is\n  tcp and hots 10.0.0.1\n          ^^^^\ndid you mean host?"
    );
}

#[test]
fn the_caret_stands_under_the_place_in_long_expressions_and_behind_wide_characters() {
    let text = format!("{}vlan 5000", "host 10.0.0.1 or ".repeat(20));
    let shown = refused(&text).to_string();
    let lines: Vec<_> = shown.lines().collect();
    let column = |line: &str, part: &str| line.split(part).next().unwrap().chars().count();
    assert_eq!(column(lines[1], "vlan 5000"), column(lines[2], "^"));
    assert_eq!(place("port 80 \u{fc}"), "\u{fc}");
}

#[test]
fn errors_point_at_what_is_wrong() {
    assert_eq!(place("ip and port 70000 or tcp"), "70000");
    assert_eq!(place("tcp and net 10.0.0.1/8"), "10.0.0.1/8");
    assert_eq!(place("host 1.2.3.300"), "1.2.3.300");
    assert_eq!(place("tcp[0:3] = 1"), "tcp[0:3] = 1");
    assert_eq!(place("tcp and 80"), "80");
    assert_eq!(place("80"), "80");
    assert_eq!(place("ip proto nonsense"), "nonsense");
    assert_eq!(place("host 10.0.0.1 and"), "");
}

#[test]
fn host_names_are_refused_without_a_resolver() {
    let error = refused("host www.example.com");
    assert_eq!(
        error.problem(),
        "www.example.com: host names are refused: they'd be looked up at start and could change"
    );
    assert!(error.hint().unwrap().contains("--resolve"));
}

struct Known;

impl Resolver for Known {
    fn host(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        match name {
            "two" => Ok(vec![
                "10.0.0.1".parse().unwrap(),
                "2001:db8::1".parse().unwrap(),
            ]),
            _ => Err(io::Error::other("no such host")),
        }
    }

    fn network(&self, name: &str) -> Option<u32> {
        (name == "loopback").then_some(127)
    }

    fn ethernet(&self, name: &str) -> Option<[u8; 6]> {
        (name == "router").then_some([2, 0, 0, 0, 0, 1])
    }
}

#[test]
fn names_that_are_looked_up_mean_all_of_their_addresses() {
    let options = FilterOptions {
        resolver: Some(&Known),
        ..FilterOptions::default()
    };
    let named = |text: &str| {
        Filter::new(text, &options)
            .unwrap()
            .compile(LinkType::ETHERNET)
            .unwrap()
    };
    for (name, meaning) in [
        ("host two", "host 10.0.0.1 or host 2001:db8::1"),
        ("ip6 host two", "ip6 host 2001:db8::1"),
        ("net loopback", "net 127"),
        ("ether host router", "ether host 02:00:00:00:00:01"),
    ] {
        assert_eq!(named(name), program(meaning, LinkType::ETHERNET).unwrap());
    }
    assert!(Filter::new("host three", &options).is_err());
}

#[test]
fn and_and_or_bind_alike_from_left_to_right() {
    let one = program("tcp or udp and host 10.0.0.1", LinkType::ETHERNET).unwrap();
    let same = program("(tcp or udp) and host 10.0.0.1", LinkType::ETHERNET).unwrap();
    let other = program("tcp or (udp and host 10.0.0.1)", LinkType::ETHERNET).unwrap();
    assert_eq!(one, same);
    assert_ne!(one, other);
}

#[test]
fn an_explanation_shows_how_and_and_or_meet() {
    let text = "tcp port 80 or 443 and not vlan 5";
    assert_eq!(
        filter(text).unwrap().explain(),
        "all of:\n  any of:\n    TCP over IPv4 or IPv6, source or destination port 80\n    \
         TCP over IPv4 or IPv6, source or destination port 443\n  \
         not: VLAN tag 5; later tests look behind it\n"
    );
}

#[test]
fn what_cannot_match_is_refused() {
    assert!(program("ip6", LinkType::IPV4).is_err());
    assert!(program("ip6", LinkType::IPV6).is_ok());
    assert!(
        program("tcp", LinkType(4)).is_err(),
        "unknown to libpcap too"
    );
}

#[test]
fn what_only_the_kernel_knows_is_refused_for_files() {
    let inbound = filter("inbound").unwrap();
    assert!(inbound.compile(LinkType::ETHERNET).is_err());
    let live = inbound
        .compile_for(LinkType::ETHERNET, Origin::Live)
        .unwrap();
    // `tcpdump -d inbound`: ldh [type]
    assert!(live.to_string().starts_with("(000) ldh      [type]\n"));
}

#[test]
fn a_file_in_the_other_byte_order_has_its_families_the_other_way_round() {
    let ip = filter("ip").unwrap();
    let packet = |family: u32| [family.to_ne_bytes(), [0x45, 0, 0, 0]].concat();
    for (origin, family) in [(Origin::File, 2), (Origin::ForeignFile, 2_u32.swap_bytes())] {
        let machine = ip.machine(LinkType::NULL, origin).unwrap();
        assert!(machine.keeps(&packet(family), 8));
        assert!(!machine.keeps(&packet(family.swap_bytes()), 8));
    }
}

#[test]
fn deep_and_long_expressions_are_bounded() {
    let deep = |depth: usize| format!("{}tcp{}", "(".repeat(depth), ")".repeat(depth));
    assert!(filter(&deep(150)).is_ok());
    assert!(filter(&deep(100_000)).is_err());
    assert!(filter(&format!("{}tcp", "not ".repeat(100_000))).is_err());
    assert!(filter(&format!("len{} = 1", " + 1".repeat(100_000))).is_err());
}

#[test]
fn an_expression_too_long_to_optimize_means_the_same() {
    let hosts: Vec<_> = (0..1500)
        .map(|host| format!("host 10.0.{}.{}", host / 256, host % 256))
        .collect();
    let text = hosts.join(" or ");
    let machine = program(&text, LinkType::RAW).unwrap().validate().unwrap();
    let packet = |last: [u8; 2]| {
        let mut packet = [0; 20];
        packet[0] = 0x45;
        packet[16..20].copy_from_slice(&[10, 0, last[0], last[1]]);
        packet
    };
    assert!(machine.keeps(&packet([5, 200]), 20));
    assert!(!machine.keeps(&packet([6, 200]), 20));
}

#[test]
fn invalid_programs_are_refused() {
    let check = |insns: &[(u16, u32, u32, u32)]| {
        let insns = insns
            .iter()
            .map(|&(code, jt, jf, k)| Insn { code, jt, jf, k })
            .collect();
        Program { insns }.validate().map(|_machine| ())
    };
    assert_eq!(check(&[]), Err(InvalidProgram::Empty));
    assert_eq!(check(&[(0x30, 0, 0, 0)]), Err(InvalidProgram::NoReturn));
    assert_eq!(
        check(&[(0x15, 1, 0, 0), (6, 0, 0, 0)]),
        Err(InvalidProgram::Jump { at: 0 })
    );
    assert_eq!(
        check(&[(0x05, 0, 0, u32::MAX), (6, 0, 0, 0)]),
        Err(InvalidProgram::Jump { at: 0 })
    );
    assert_eq!(
        check(&[(0x02, 0, 0, 16), (6, 0, 0, 0)]),
        Err(InvalidProgram::Memory { at: 0 })
    );
    assert_eq!(
        check(&[(0xff, 0, 0, 0), (6, 0, 0, 0)]),
        Err(InvalidProgram::Unknown { at: 0, code: 0xff })
    );
    assert_eq!(check(&[(0x16, 0, 0, 0)]), Ok(()));
}

proptest! {
    #[test]
    fn no_program_and_no_packet_make_the_machine_panic(
        insns in prop::collection::vec((0_u16..0x100, 0_u32..8, 0_u32..8, any::<u32>()), 1..40),
        small in any::<bool>(),
        data in prop::collection::vec(any::<u8>(), 0..100),
        wire_len in any::<u32>(),
    ) {
        let mut insns: Vec<_> = insns
            .into_iter()
            .map(|(code, jt, jf, k)| Insn { code, jt, jf, k: if small { k % 20 } else { k } })
            .collect();
        // What is unknown is left out, so that enough programs can be run.
        insns.retain(|insn| {
            let ret = Insn { code: 6, ..Insn::default() };
            let around = vec![Insn { jt: 0, jf: 0, ..*insn }, ret, ret];
            !matches!(
                Program { insns: around }.validate(),
                Err(InvalidProgram::Unknown { .. } | InvalidProgram::Memory { .. })
            )
        });
        insns.extend([Insn { code: 0x16, ..Insn::default() }; 9]);
        if let Ok(machine) = (Program { insns }).validate() {
            prop_assert_eq!(machine.run(&data, wire_len) != 0, machine.keeps(&data, wire_len));
        }
    }

    #[test]
    fn no_text_makes_the_compiler_panic(text in "[ a-z0-9\\[\\]()!&|=:./\\\\$-]{0,40}", link in 0_u16..300) {
        if let Ok(filter) = filter(&text)
            && let Ok(program) = filter.compile(LinkType(link))
        {
            prop_assert!(program.validate().is_ok());
        }
    }

    #[test]
    fn no_words_make_the_compiler_panic(
        words in prop::collection::vec(prop::sample::select(words()), 0..12),
        link in 0_u16..300,
    ) {
        for optimize in [Optimize::Yes, Optimize::No] {
            let options = FilterOptions { optimize, ..FilterOptions::default() };
            if let Ok(filter) = Filter::new(&words.join(" "), &options)
                && let Ok(program) = filter.compile(LinkType(link))
            {
                prop_assert!(program.validate().is_ok());
                prop_assert!(!filter.explain().is_empty());
            }
        }
    }
}

#[test]
fn an_address_has_four_numbers_at_most() {
    for text in ["src 1.0.0.0.1", "net 1.2.3.4.5", "host 1.2.3.4.5.6.7.8.9"] {
        assert!(
            Filter::new(text, &FilterOptions::default()).is_err(),
            "{text}"
        );
    }
}

fn words() -> Vec<&'static str> {
    let mut words: Vec<_> = super::token::KEYWORDS
        .iter()
        .map(|(word, _)| *word)
        .collect();
    // Often enough to make sense.
    for _ in 0..20 {
        words.extend([
            "(", ")", "and", "or", "1", "10.0.0.1", "[", "]", "=", "&", "not",
        ]);
    }
    words
}
