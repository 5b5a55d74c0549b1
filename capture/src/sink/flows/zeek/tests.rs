//! Rows that Zeek 8.0.10 wrote are the oracle: a record made of a row's values must give that row.

use std::collections::HashMap;
use std::process::{Command, Stdio};

use super::super::samples::{between, closed_connection};
use super::{footer, header, object, row, site};
use crate::flow::{ConnState, FlowRecord};
use crate::packet::Timestamp;

/// From `zeek -C -r`, with default scripts: TCP, UDP, ICMP, other protocols; both families; one
/// packet and many; every kind of field that can be unset.
const ROWS: &str = "\
1430069140.120551\tCQMuVi4NXcjtmKm0X\t10.24.82.188\t51021\t103.246.57.251\t8080\ttcp\t-\t24.774322\t135\t605\tOTH\tT\tF\t0\tDadA\t6\t447\t5\t865\t-\t6
1430069141.261786\tCyu87s1jgOPwYW06dj\t10.24.82.188\t34533\t120.28.26.242\t80\ttcp\t-\t0.480042\t0\t0\tRSTRH\tT\tF\t0\t^fAr\t2\t80\t3\t120\t-\t6
1430069161.865821\tCQXH9z2KeA6Hsz6Fhi\t10.24.82.188\t56697\t216.58.220.161\t443\ttcp\t-\t-\t-\t-\tRSTRH\tT\tF\t0\t^r\t0\t0\t1\t40\t-\t6
1430069170.090460\tCIFxeB2cJlQoPM8lEb\t10.24.82.188\t34686\t173.194.72.188\t5228\ttcp\t-\t-\t-\t-\tOTH\tT\tF\t0\tD\t1\t148\t0\t0\t-\t6
1031854514.843263\tCTzMbw7CPvRwliRn8\t172.20.3.5\t2603\t172.20.3.13\t80\ttcp\t-\t11.060888\t1886\t143\tS3\tT\tT\t1886\tShaGdAf\t2\t84\t4\t307\t-\t6
1430069170.892951\tC7yZHd1rjInmjhtFl6\t10.24.82.188\t11321\t1.201.1.174\t23045\tudp\t-\t43.843780\t1058\t1058\tSF\tT\tF\t0\tDd\t11\t1366\t11\t1366\t-\t17
1778609606.397379\tCkQLdK2YtSldQj9z83\t102:304::\t1111\t506:708::\t2222\tudp\t-\t-\t-\t-\tS0\tF\tF\t0\tD\t1\t55\t0\t0\t-\t17
1490976022.731312\tCKDhWwKfDxo4qlLg4\t::\t135\tff02::1:ffd3:fbc2\t136\ticmp\t-\t0.000062\t32\t0\tOTH\tT\tF\t0\t-\t2\t128\t0\t0\t-\t58
1490976027.958387\tCiuibB2bdb4YxyNCqb\t172.16.42.1\t5\t172.16.42.216\t1\ticmp\t-\t2.800127\t104\t0\tOTH\tT\tT\t0\t-\t2\t160\t0\t0\t-\t1
1490976055.356710\tCaunN42OUoDikWKqQj\t0.0.0.0\t0\t224.0.0.1\t0\tunknown_transport\t-\t-\t-\t-\tOTH\tT\tT\t0\t-\t1\t32\t0\t0\t-\t2
";

#[test]
fn a_record_with_the_values_of_a_row_of_zeek_gives_that_row() {
    for expected in ROWS.lines() {
        let (record, uid) = record_of(expected);
        let mut out = Vec::new();
        row(&record, uid, &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), format!("{expected}\n"));
    }
}

#[test]
fn the_header_names_what_the_rows_hold() {
    let mut out = Vec::new();
    header(Timestamp::new(1_542_252_322, 0), &mut out);
    footer(Timestamp::new(1_542_252_323, 0), &mut out);
    // The names and types stand so in a log of Zeek 8.
    let expected = "\
#separator \\x09
#set_separator\t,
#empty_field\t(empty)
#unset_field\t-
#path\tconn
#open\t2018-11-15-03-25-22
#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tservice\tduration\torig_bytes\tresp_bytes\tconn_state\tlocal_orig\tlocal_resp\tmissed_bytes\thistory\torig_pkts\torig_ip_bytes\tresp_pkts\tresp_ip_bytes\ttunnel_parents\tip_proto
#types\ttime\tstring\taddr\tport\taddr\tport\tenum\tstring\tinterval\tcount\tcount\tstring\tbool\tbool\tcount\tstring\tcount\tcount\tcount\tcount\tset[string]\tcount
#close\t2018-11-15-03-25-23
";
    assert_eq!(String::from_utf8(out).unwrap(), expected);
}

#[test]
fn json_says_what_the_row_says_and_leaves_out_what_is_unset() {
    for expected in ROWS.lines() {
        let (record, uid) = record_of(expected);
        let mut out = Vec::new();
        object(&record, uid, &mut out);
        assert_eq!(out.split_inclusive(|byte| *byte == b'\n').count(), 1);
        let object: serde_json::Map<String, serde_json::Value> =
            serde_json::from_slice(&out).unwrap();
        let row = values_of(expected);
        let set: Vec<_> = NAMES.iter().filter(|name| row[**name] != "-").collect();
        assert_eq!(object.keys().len(), set.len(), "{expected}");
        for name in set {
            let value = match &object[*name] {
                serde_json::Value::Bool(true) => "T".to_owned(),
                serde_json::Value::Bool(false) => "F".to_owned(),
                serde_json::Value::String(text) => text.clone(),
                serde_json::Value::Number(number) if matches!(*name, "ts" | "duration") => {
                    format!("{:.6}", number.as_f64().unwrap())
                }
                number => number.to_string(),
            };
            assert_eq!(value, row[*name], "{name}");
        }
    }
}

#[test]
fn jq_reads_the_json() {
    let mut out = Vec::new();
    object(&closed_connection(), "Cabc", &mut out);
    let jq = Command::new("jq")
        .args([
            "-r",
            r#"[.ts, .uid, ."id.orig_h", .duration, .local_resp] | @tsv"#,
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let Ok(mut jq) = jq else {
        eprintln!("SKIPPED: jq is not installed");
        return;
    };
    std::io::Write::write_all(&mut jq.stdin.take().unwrap(), &out).unwrap();
    let said = jq.wait_with_output().unwrap();
    assert!(said.status.success());
    assert_eq!(
        String::from_utf8(said.stdout).unwrap().trim_end(),
        "1700000000.123456\tCabc\t192.0.2.1\t2.5\ttrue"
    );
}

/// Zeek reads files with nanoseconds in microseconds, cut off, and its durations come from these.
#[test]
fn times_are_cut_to_microseconds_before_they_are_subtracted() {
    let mut record = closed_connection();
    record.first_ts = Timestamp(1_000_000_999);
    record.last_ts = Timestamp(1_000_001_000);
    let mut out = Vec::new();
    row(&record, "C", &mut out);
    let text = String::from_utf8(out).unwrap();
    assert_eq!(values_of(text.trim_end())["ts"], "1.000000");
    assert_eq!(values_of(text.trim_end())["duration"], "0.000001");

    record.last_ts = record.first_ts;
    let mut out = Vec::new();
    row(&record, "C", &mut out);
    let text = String::from_utf8(out).unwrap();
    for name in ["duration", "orig_bytes", "resp_bytes"] {
        assert_eq!(values_of(text.trim_end())[name], "-");
    }
}

/// Zeek's `inet_ntop` is BSD's with one more form; an IPv4-mapped address is IPv4 to it.
#[test]
fn embedded_ipv4_addresses_end_in_dotted_decimal() {
    for (addr, text) in [
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("::192.0.2.1", "::192.0.2.1"),
        ("::ffff:0:192.0.2.1", "::ffff:0:192.0.2.1"),
        ("::", "::"),
        ("::1", "::1"),
        ("::2:0", "::0.2.0.0"),
        ("2001:db8:0:0:1::1", "2001:db8::1:0:0:1"),
    ] {
        let record = between(17, (addr, 1), ("192.0.2.2", 2));
        let mut out = Vec::new();
        row(&record, "C", &mut out);
        let line = String::from_utf8(out).unwrap();
        assert_eq!(values_of(line.trim_end())["id.orig_h"], text);
    }
}

/// The first and last addresses of networks in Zeek's `Site::private_address_space`, and those beside
/// them.
#[test]
fn private_networks_are_local() {
    let local = |addr: &str| site::is_local(addr.parse().unwrap());
    for addr in [
        "0.0.0.0",
        "0.255.255.255",
        "10.0.0.0",
        "10.255.255.255",
        "100.64.0.0",
        "100.127.255.255",
        "127.0.0.1",
        "169.254.255.255",
        "172.16.0.0",
        "172.31.255.255",
        "192.0.0.255",
        "192.0.2.0",
        "192.168.255.255",
        "198.18.0.0",
        "198.19.255.255",
        "198.51.100.255",
        "203.0.113.0",
        "224.0.0.255",
        "239.255.255.255",
        "240.0.0.0",
        "255.255.255.255",
        "::",
        "::1",
        "64:ff9b:1::1",
        "100::ffff",
        "2001:1ff::",
        "2001:2::1",
        "2001:db8:ffff::",
        "fc00::",
        "fdff::1",
        "fe80::1",
        "febf::",
        "fec0::1",
        "feff::",
        "2002::1",
        "2002:a00::1",
        "2002:647f::",
        "2002:ac1f:ffff::",
        "2002:c613::1",
        "2002:c633:64ff::",
        "2002:e000:ff::",
        "2002:ffff:ffff::1",
        "::ffff:10.0.0.1",
    ] {
        assert!(local(addr), "{addr}");
    }
    for addr in [
        "1.0.0.0",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "126.255.255.255",
        "169.253.255.255",
        "172.15.255.255",
        "172.32.0.0",
        "192.0.1.0",
        "192.0.3.0",
        "192.169.0.0",
        "198.17.255.255",
        "198.20.0.0",
        "198.51.101.0",
        "203.0.112.255",
        "224.0.1.0",
        "238.255.255.255",
        "::2",
        "64:ff9b::1",
        "64:ff9b:2::",
        "100:0:0:1::",
        "2001:200::",
        "2001:db9::",
        "fb00::",
        "fe00::",
        "ff02::1",
        "2002:100::",
        "2002:c000:100::",
        "2002:e000:100::",
        "::ffff:8.8.8.8",
    ] {
        assert!(!local(addr), "{addr}");
    }
}

#[test]
fn what_zeek_does_not_look_into_has_neither_ports_nor_payload() {
    for protocol in [132, 136, 253] {
        let mut record = between(protocol, ("192.0.2.1", 2905), ("192.0.2.2", 2906));
        record.initiator.payload_bytes = 100;
        record.last_ts = Timestamp(record.first_ts.0 + 1_000_000_000);
        let mut out = Vec::new();
        row(&record, "C", &mut out);
        let text = String::from_utf8(out).unwrap();
        let values = values_of(text.trim_end());
        let names = [
            "proto",
            "id.orig_p",
            "id.resp_p",
            "orig_bytes",
            "resp_bytes",
        ];
        assert_eq!(
            names.map(|name| values[name]),
            ["unknown_transport", "0", "0", "0", "0"]
        );
    }
}

const NAMES: [&str; 22] = [
    "ts",
    "uid",
    "id.orig_h",
    "id.orig_p",
    "id.resp_h",
    "id.resp_p",
    "proto",
    "service",
    "duration",
    "orig_bytes",
    "resp_bytes",
    "conn_state",
    "local_orig",
    "local_resp",
    "missed_bytes",
    "history",
    "orig_pkts",
    "orig_ip_bytes",
    "resp_pkts",
    "resp_ip_bytes",
    "tunnel_parents",
    "ip_proto",
];

/// What `zeek-cut` does.
fn values_of(row: &str) -> HashMap<&'static str, &str> {
    let values: Vec<_> = row.split('\t').collect();
    assert_eq!(values.len(), NAMES.len());
    NAMES.into_iter().zip(values).collect()
}

/// A record with a row's values, and the row's `uid`.
fn record_of(row: &str) -> (FlowRecord, &str) {
    let row = values_of(row);
    let number = |name: &str| row[name].parse::<u64>().unwrap_or(0);
    let ns = |name: &str| row[name].replace('.', "").parse::<u64>().unwrap_or(0) * 1000;
    let mut record = between(
        number("ip_proto") as u8,
        (row["id.orig_h"], number("id.orig_p") as u16),
        (row["id.resp_h"], number("id.resp_p") as u16),
    );
    record.first_ts = Timestamp(ns("ts"));
    record.flow_ts = record.first_ts;
    record.last_ts = Timestamp(ns("ts") + ns("duration"));
    record.initiator.payload_bytes = number("orig_bytes");
    record.responder.payload_bytes = number("resp_bytes");
    record.initiator.missed_bytes = number("missed_bytes") / 2;
    record.responder.missed_bytes = number("missed_bytes").div_ceil(2);
    record.initiator.counts.packets = number("orig_pkts");
    record.initiator.counts.ip_bytes = number("orig_ip_bytes");
    record.responder.counts.packets = number("resp_pkts");
    record.responder.counts.ip_bytes = number("resp_ip_bytes");
    record.conn_state = state(row["conn_state"]);
    if row["history"] != "-" {
        for letter in row["history"].bytes() {
            record.history.push(letter);
        }
    }
    (record, row["uid"])
}

fn state(name: &str) -> ConnState {
    use ConnState::{Oth, Rej, Rsto, Rstos0, Rstr, Rstrh, S0, S1, S2, S3, Sf, Sh, Shr};
    [
        S0, S1, Sf, Rej, S2, S3, Rsto, Rstr, Rstos0, Rstrh, Sh, Shr, Oth,
    ]
    .into_iter()
    .find(|state| state.name() == name)
    .unwrap()
}
