//! Filters to start from, and the words that both languages consist of.

use capture::read::registry;

/// Display filters: each form of `wireshark-filter(4)`.
pub(super) const DISPLAY: &[&str] = &[
    "tcp",
    "ip.addr == 10.0.0.0/8",
    "ip.src != 10.0.0.1 && tcp.port in {80, 443, 8000..8080}",
    "tcp.flags.syn == 1 and not tcp.flags.ack == 1",
    "eth.addr[0:3] == 00:1b:21",
    "frame[14:2]",
    "dns.qry.name contains \"example\"",
    "http.host matches \"(?i)ex.*\\\\.com$\"",
    "frame.len > 60 or udp.length le 8",
    "tcp.analysis.flags xor tcp.len > 0",
    "ipv6.addr == 2001:db8::/32",
    "upper(http.request.method) == \"GET\"",
    "len(tcp.payload) > 10 && count(ip.addr) == 2",
    "max(tcp.srcport, tcp.dstport) >= 1024",
    "tcp.srcport + 1 == tcp.dstport * 2 - 3 / 1 % 7",
    "tcp.flags & 0x02",
    "any ip.addr == 10.0.0.1 or all ip.addr != 10.0.0.2",
    "ip.addr#1 == 10.0.0.1 || eth#[-1]",
    "tcp.payload[-4:] == 61:62:63:64 && tcp.payload[1-3,5,7:] contains 'a'",
    "dns.flags.response == True and icmp.type == 8",
    "frame.time >= \"Nov 14, 2023 22:13:20\"",
    "tls.handshake.extensions_server_name == \"example.com\"",
    "!(arp or icmp6) and string(ip.ttl) matches r\"^6.$\"",
    "tcp.options.mss_val == 1460 && frame.time_delta < 1.5",
    "@http.user_agent == \"\\x78\"",
    "((((ip))))",
];

/// Capture filters: each form of pcap-filter(7).
pub(super) const CAPTURE: &[&str] = &[
    "",
    "tcp port 80 or 443 and not vlan 5",
    "host 10.0.0.1 and (src net 10.0.0.0/8 or dst net 192.168.0.0 mask 255.255.0.0)",
    "ip6 host 2001:db8::1 or ip6 net 2001:db8::/32",
    "tcp[tcpflags] & (tcp-syn|tcp-fin) != 0",
    "ether host 02:00:00:00:00:01 and ether proto 0x0800",
    "portrange 1000-2000 or src port 53",
    "ip[2:2] - ((ip[0] & 0xf) << 2) > 100",
    "vlan 5 and vlan 6 and ip",
    "mpls 1024 or pppoes 5 and udp",
    "geneve 7 and tcp",
    "icmp[icmptype] == icmp-echo or icmp6",
    "ether broadcast or ether multicast or ip multicast",
    "less 100 or greater 1000 or len = 60",
    "ip protochain 6 or ip6 protochain tcp",
    "ip proto \\icmp or proto 47",
    "type mgt subtype beacon or wlan addr1 02:00:00:00:00:01",
    "link[0] != 2 and ether[12:2] >= 0x600",
    "sctp or ah or esp or igmp or pim or vrrp or carp",
    "inbound or outbound",
    "ip and ip[8] < 64 * 2 / 3 % 5 ^ 1 | 2",
    "not (tcp or udp) and not arp and rarp or decnet host 1.2",
    "atalk or aarp or iso or stp or ipx or netbeui or lat or moprc",
    "len >= 60 and (tcp[13] & 7) != 0 and udp[4:2] >> 3 = 1",
    "gateway 10.0.0.1",
];

/// A program: three instructions, and a packet behind them.
pub(super) fn program() -> Vec<u8> {
    let mut bytes = b"#".to_vec();
    for (code, jt, jf, k) in [
        (0x28_u16, 0, 0, 12_u32),
        (0x15, 0, 2, 0x0800),
        (0xb1, 0, 0, 14),
        (0x48, 0, 0, 16),
        (0x06, 0, 0, 0xffff),
    ] {
        bytes.extend(code.to_le_bytes());
        bytes.extend([jt, jf]);
        bytes.extend(k.to_le_bytes());
    }
    bytes
}

/// Names of fields, and the words and signs between them.
#[must_use]
pub fn display_words() -> Vec<String> {
    let mut words: Vec<_> = registry::all()
        .map(|(_, field)| field.name.to_owned())
        .collect();
    words.sort_unstable();
    words.dedup();
    words.extend(
        registry::PROTOCOLS
            .iter()
            .map(|protocol| protocol.name.to_owned()),
    );
    let others = "== != === !== < <= > >= ~ ~= eq ne gt lt ge le any_eq all_ne contains matches in && || ^^ ! and or \
                  xor not ( ) { } [ ] [0:2] [1-3] [:4] [-1] [2:] [0] , .. .80 & + - * / % # @ any all upper( lower( \
                  len( count( max( min( string( abs( \"abc\" \"\" 'a' '\\x41' \"\\\"\" r\"a.*b\" \"(a|b)+\" \"[\" 0 1 -1 \
                  0x1f 0b11 0777 1.5 1e9 80 443 65536 4294967296 18446744073709551616 10.0.0.1 10.0.0.0/8 0.0.0.0/33 \
                  ::1 2001:db8::/32 fe80::1%2 02:00:00:00:00:01 61:62 61.62 true FALSE <tcp> ${x} \"Nov 14, 2023 \
                  22:13:20\" 2023-11-14T22:13:20Z \u{e9} bitwise_and";
    words.extend(others.split(' ').map(str::to_owned));
    words
}

/// The words of pcap-filter(7).
#[must_use]
pub fn capture_words() -> Vec<String> {
    let all = "host net port portrange src dst and or not && || ! ( ) ether fddi tr wlan ip ip6 arp rarp decnet tcp udp \
               icmp icmp6 sctp ah esp igmp igrp pim vrrp carp proto protochain gateway broadcast multicast less greater \
               len vlan mpls pppoed pppoes geneve inbound outbound ifindex ifname rnr ruleset rulenum srnr reason action \
               type subtype dir mgt ctl data beacon assoc-req addr1 addr2 addr3 addr4 ra ta iso clnp esis isis l1 l2 iih \
               lsp snp csnp psnp stp ipx netbeui lat moprc mopdl atalk aarp sca lane llc metac bcc sc ilmic oam oamf4 \
               connectmsg metaconnect vpi vci radio link ppp slip byte mask tcpflags tcp-syn tcp-ack tcp-fin tcp-rst \
               icmptype icmpcode icmp-echo icmp-unreach icmp6-echo sio opc dpc sls fisu lssu msu hfisu hlssu hmsu \
               [ ] [0] [12:2] [20:4] [0:1] : = == != < > <= >= + - * / % & | ^ << >> ~ 0 1 6 17 80 443 0x800 65535 \
               4294967295 4294967296 1000-2000 2000-1000 10.0.0.1 10.0.0.0/8 10.1 10 255.255.0.0 /33 2001:db8::1 \
               2001:db8::/32 :: 02:00:00:00:00:01 $ff \\tcp \\ip http domain ssh localhost 1.2 nets -5 07 0b1";
    all.split_whitespace().map(str::to_owned).collect()
}
