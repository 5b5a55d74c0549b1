//! Expressions by the grammar of pcap-filter(7), at random: every primitive, and every place at which
//! something can be left out or nested.

use super::random::Random;

const PROTOS: [&str; 39] = [
    "ether", "link", "ip", "ip6", "arp", "rarp", "tcp", "udp", "sctp", "icmp", "icmp6", "igmp",
    "igrp", "pim", "vrrp", "carp", "ah", "esp", "atalk", "aarp", "decnet", "lat", "moprc", "mopdl",
    "sca", "iso", "esis", "is-is", "clnp", "l1", "l2", "iih", "lsp", "snp", "csnp", "psnp", "stp",
    "ipx", "netbeui",
];
const ADDRESSES: [&str; 10] = [
    "10.0.0.1",
    "10.0.0.2",
    "10.0.1.1",
    "192.168.1.7",
    "224.0.0.1",
    "255.255.255.255",
    "0.0.0.0",
    "10.1",
    "10.0.0",
    "172.16.3.4",
];
const NETWORKS: [&str; 8] = [
    "10.0.0.0/8",
    "10.0.0.0/24",
    "10.0/16",
    "192.168.0.0/16",
    "0.0.0.0/0",
    "10.0.0.1/32",
    "10.0.0.0 mask 255.255.255.0",
    "224.0.0.0/4",
];
const ADDRESSES6: [&str; 6] = [
    "::1",
    "2001:db8::1",
    "2001:db8::2",
    "fe80::1",
    "ff02::1",
    "::ffff:10.0.0.1",
];
const NETWORKS6: [&str; 5] = [
    "2001:db8::/32",
    "fe80::/10",
    "::/0",
    "ff00::/8",
    "2001:db8::1/128",
];
const MACS: [&str; 5] = [
    "02:00:00:00:00:01",
    "02-00-00-00-00-02",
    "ff:ff:ff:ff:ff:ff",
    "0200.0000.0001",
    "1:0:5e:0:0:1",
];
const PORTS: [&str; 12] = [
    "80", "443", "53", "0x50", "022", "0", "65535", "http", "domain", "ssh", "ntp", "6081",
];
const RANGES: [&str; 6] = ["80-90", "0-1023", "443-53", "53", "ssh-http", "1024-65535"];
const NUMBERS: [&str; 22] = [
    "0",
    "1",
    "2",
    "4",
    "6",
    "8",
    "9",
    "12",
    "13",
    "14",
    "17",
    "20",
    "0x40",
    "0xff",
    "64",
    "100",
    "255",
    "256",
    "1500",
    "0x0800",
    "0xffffffff",
    "4000000000",
];
const NAMED: [&str; 10] = [
    "tcpflags",
    "tcp-syn",
    "tcp-ack",
    "tcp-fin",
    "icmptype",
    "icmpcode",
    "icmp-echo",
    "icmp6type",
    "icmp6-neighborsolicit",
    "icmp6-echo",
];
const LOADED: [&str; 18] = [
    "ether", "ip", "ip", "ip6", "arp", "tcp", "tcp", "udp", "icmp", "icmp6", "sctp", "igmp", "pim",
    "rarp", "vrrp", "link", "igrp", "radio",
];
const ODD: [&str; 40] = [
    "llc",
    "llc i",
    "llc s",
    "llc u",
    "llc ui",
    "llc rnr",
    "llc xid",
    "lane",
    "metac",
    "bcc",
    "oam",
    "oamf4",
    "oamf4ec",
    "sc",
    "ilmic",
    "connectmsg",
    "metaconnect",
    "vpi 1",
    "vci (3 or 5)",
    "vci > 4",
    "fisu",
    "lssu",
    "hmsu",
    "sio 5",
    "opc != 77",
    "hdpc < 9",
    "sls (1 or 2)",
    "on em0",
    "ruleset abc",
    "rnr 5",
    "srnr 0",
    "reason match",
    "action block",
    "type mgt",
    "type data subtype null",
    "subtype beacon",
    "dir fromds",
    "wlan dir 1",
    "type ctl subtype ack",
    "subtype qos-data",
];

/// A whole expression.
pub(super) fn expression(random: &mut Random) -> String {
    let mut text = String::new();
    expr(random, 3, &mut text);
    text
}

/// An expression that is probably wrong: some tokens of a right one left out, doubled or exchanged.
pub(super) fn damaged(random: &mut Random) -> String {
    const STRAY: [&str; 24] = [
        "(", ")", "not", "and", "or", "!", "80", "10.0.0.1", "host", "port", "src", "dst", "tcp",
        "[", "]", ":", "=", "&", "proto", "net", "-", "/", "len", "%",
    ];
    let text = expression(random);
    let mut tokens: Vec<&str> = text.split_inclusive([' ', '(', ')', '[', ']']).collect();
    for _ in 0..=random.below(2) {
        let at = random.below(tokens.len());
        match random.below(4) {
            0 => drop(tokens.remove(at)),
            1 => tokens.insert(at, tokens[at]),
            2 => tokens.insert(at, random.of(&STRAY)),
            _ => {
                let other = random.below(tokens.len());
                tokens.swap(at, other);
            }
        }
        if tokens.is_empty() {
            break;
        }
    }
    tokens.join(" ")
}

fn expr(random: &mut Random, depth: usize, text: &mut String) {
    for part in 0..=random.below(3) {
        if part > 0 {
            text.push_str(random.of(&[" and ", " or ", " && ", " || "]));
        }
        if random.one_in(4) {
            text.push_str(random.of(&["not ", "! ", "!"]));
        }
        if depth > 0 && random.one_in(4) {
            text.push('(');
            expr(random, depth - 1, text);
            text.push(')');
        } else {
            text.push_str(&test(random));
        }
    }
}

fn test(random: &mut Random) -> String {
    match random.below(20) {
        0 | 1 => random.of(&PROTOS).to_owned(),
        2..=4 => with_ids(random),
        5..=7 => ports(random),
        8..=11 => {
            let relation = random.of(&["=", "==", "!=", "<", ">", "<=", ">="]);
            format!("{} {relation} {}", arith(random, 2), arith(random, 1))
        }
        12 => shifting(random),
        13 => proto(random),
        14 => format!(
            "{} {}",
            random.of(&["less", "greater"]),
            random.of(&NUMBERS)
        ),
        15 => {
            let of = random.of(&["", "ether ", "ip ", "ip6 ", "link "]);
            format!("{of}{}", random.of(&["broadcast", "multicast"]))
        }
        16 => flags(random),
        17 => mac(random),
        18 => match random.below(4) {
            0 => format!(
                "byte {} {} {}",
                random.of(&NUMBERS),
                random.of(&["=", "<", ">", "&", "|"]),
                random.of(&NUMBERS)
            ),
            1 => format!("ifindex {}", random.below(4)),
            2 => random.of(&["inbound", "outbound"]).to_owned(),
            _ => format!(
                "decnet {} {}.{}",
                random.of(&["host", "src", "dst host"]),
                random.below(60),
                random.below(1000)
            ),
        },
        _ => random.of(&ODD).to_owned(),
    }
}

fn direction(random: &mut Random) -> &'static str {
    random.of(&[
        "",
        "",
        "src ",
        "dst ",
        "src or dst ",
        "src and dst ",
        "dst or src ",
    ])
}

/// Addresses, and lists of them that inherit the words before.
fn with_ids(random: &mut Random) -> String {
    let v6 = random.one_in(3);
    let proto = if v6 {
        random.of(&["", "", "ip6 "])
    } else {
        random.of(&["", "", "ip ", "arp ", "rarp "])
    };
    let dir = direction(random);
    let net = random.one_in(3);
    let kind = if net {
        "net "
    } else {
        random.of(&["host ", "host ", if dir.is_empty() { "host " } else { "" }])
    };
    let id = |random: &mut Random| match (net, v6) {
        (false, false) => random.of(&ADDRESSES).to_owned(),
        (true, false) if random.one_in(4) => random.of(&ADDRESSES).to_owned(),
        (true, false) => random.of(&NETWORKS).to_owned(),
        (false, true) => random.of(&ADDRESSES6).to_owned(),
        (true, true) => random.of(&NETWORKS6).to_owned(),
    };
    list(random, &format!("{proto}{dir}{kind}"), id)
}

fn ports(random: &mut Random) -> String {
    let proto = random.of(&["", "", "tcp ", "udp ", "sctp "]);
    let dir = direction(random);
    if random.one_in(4) {
        return list(random, &format!("{proto}{dir}portrange "), |random| {
            random.of(&RANGES).to_owned()
        });
    }
    list(random, &format!("{proto}{dir}port "), |random| {
        random.of(&PORTS).to_owned()
    })
}

fn list(random: &mut Random, words: &str, mut id: impl FnMut(&mut Random) -> String) -> String {
    let first = id(random);
    let joined = |random: &mut Random, id: &mut dyn FnMut(&mut Random) -> String| {
        let not = if random.one_in(4) { "not " } else { "" };
        format!("{} {not}{}", random.of(&["or", "and"]), id(random))
    };
    match random.below(6) {
        0 => format!("{words}{first} {}", joined(random, &mut id)),
        1 => format!("{words}({first} {})", joined(random, &mut id)),
        2 => format!("{words}({first}) {}", joined(random, &mut id)),
        3 => {
            let (second, third) = (joined(random, &mut id), id(random));
            format!("{words}{first} or ({third} {second})")
        }
        _ => format!("{words}{first}"),
    }
}

fn mac(random: &mut Random) -> String {
    let dir = random.of(&[
        "",
        "src ",
        "dst ",
        "src or dst ",
        "ra ",
        "ta ",
        "addr1 ",
        "addr2 ",
        "addr3 ",
        "addr4 ",
    ]);
    let dir = if random.one_in(2) { dir } else { "" };
    let kind = if dir.is_empty() {
        "host "
    } else {
        random.of(&["", "host "])
    };
    format!(
        "{} {dir}{kind}{}",
        random.of(&["ether", "wlan", "link"]),
        random.of(&MACS)
    )
}

fn shifting(random: &mut Random) -> String {
    let number = ["", " 7", " 100", " (5)"][random.below(4)];
    match random.below(6) {
        0..=2 => format!("vlan{number}"),
        3 => format!("mpls{number}"),
        4 => format!("pppoes{number}"),
        _ => random.of(&["pppoed", "geneve", "geneve 7"]).to_owned(),
    }
}

fn proto(random: &mut Random) -> String {
    match random.below(7) {
        0 => format!(
            "ip proto {}",
            random.of(&["\\tcp", "\\udp", "\\icmp", "6", "17", "(1 or 2)", "47"])
        ),
        1 => format!(
            "ip6 proto {}",
            random.of(&["\\tcp", "\\udp", "58", "0", "44"])
        ),
        2 => format!("proto {}", random.of(&["\\tcp", "\\esp", "17", "gre"])),
        3 => format!(
            "ether proto {}",
            random.of(&[
                "\\ip", "\\arp", "0x86dd", "2048", "\\stp", "0x42", "\\atalk"
            ])
        ),
        4 => format!("iso proto {}", random.of(&["\\isis", "\\clnp", "0x81"])),
        5 => format!("isis proto {}", random.below(30)),
        _ => format!(
            "{}protochain {}",
            random.of(&["", "ip ", "ip6 "]),
            random.of(&["6", "17", "\\tcp", "58", "51"])
        ),
    }
}

fn flags(random: &mut Random) -> String {
    let flags = random.of(&[
        "tcp-syn",
        "(tcp-syn|tcp-fin)",
        "(tcp-syn|tcp-ack)",
        "tcp-rst",
    ]);
    let test = random.of(&["!= 0", "= 0", "== tcp-syn", "> 2"]);
    format!("tcp[tcpflags] & {flags} {test}")
}

fn arith(random: &mut Random, depth: usize) -> String {
    if depth > 0 && random.one_in(2) {
        let operator = random.of(&["+", "-", "*", "/", "%", "&", "&", "|", "^", "<<", ">>"]);
        let (left, right) = (arith(random, depth - 1), arith(random, depth - 1));
        return match random.below(4) {
            0 => format!("({left} {operator} {right})"),
            1 => format!("-{left} {operator} {right}"),
            _ => format!("{left} {operator} {right}"),
        };
    }
    match random.below(7) {
        0 => "len ".to_owned(),
        1 | 2 => random.of(&NUMBERS).to_owned(),
        3 => random.of(&NAMED).to_owned(),
        _ => {
            let proto = random.of(&LOADED);
            let index = if random.one_in(4) {
                arith(random, 0)
            } else {
                random.below(60).to_string()
            };
            let size = ["", "", ":1", ":2", ":4", ":3"][random.below(6)];
            format!("{proto}[{index}{size}]")
        }
    }
}
