//! DNS (RFC 1035), multicast DNS (RFC 6762) and LLMNR (RFC 4795), as Wireshark's `packet-dns.c`
//! shows them.
//!
//! - `name.rs` domain names; `names.rs` names of numbers
//! - `record.rs` resource records
//! - `multicast.rs` the protocols that differ only by name

pub(crate) mod multicast;
mod name;
mod names;
mod record;

use super::tcp::applications::{Application, Outcome, Payload, each_message};
use crate::read::field::protocol;
use crate::read::proto::names::pick;
use crate::read::region::{Region, Stop};
use crate::read::tree::Value;
use crate::read::walk::Walk;
use names::{class_name, opcode_name, option_name, rcode_name, type_title};

protocol! {
    24, "dns", "DNS", "Domain Name System";
    LENGTH: "dns.length", "Length", Uint(16), Dec;
    ID: "dns.id", "Transaction ID", Uint(16), Hex;
    FLAGS: "dns.flags", "Flags", Uint(16), Hex;
    RESPONSE: "dns.flags.response", "Response", Bool, None, mask = 0x8000, names = response_name;
    OPCODE: "dns.flags.opcode", "Opcode", Uint(16), Dec, mask = 0x7800, names = opcode_name;
    AUTHORITATIVE: "dns.flags.authoritative", "Authoritative", Bool, None, mask = 0x0400, names = authoritative_name;
    CONFLICT: "dns.flags.conflict", "Conflict", Bool, None, mask = 0x0400, names = conflict_name;
    TRUNCATED: "dns.flags.truncated", "Truncated", Bool, None, mask = 0x0200, names = truncated_name;
    RECDESIRED: "dns.flags.recdesired", "Recursion desired", Bool, None, mask = 0x0100, names = desired_name;
    TENTATIVE: "dns.flags.tentative", "Tentative", Bool, None, mask = 0x0100, names = tentative_name;
    RECAVAIL: "dns.flags.recavail", "Recursion available", Bool, None, mask = 0x0080, names = available_name;
    Z: "dns.flags.z", "Z", Bool, None, mask = 0x0040, names = z_name;
    AUTHENTICATED: "dns.flags.authenticated", "Answer authenticated", Bool, None, mask = 0x0020, names = authenticated_name;
    AD: "dns.flags.authenticated", "AD bit", Bool, None, mask = 0x0020, names = set_name;
    CHECKDISABLE: "dns.flags.checkdisable", "Non-authenticated data", Bool, None, mask = 0x0010, names = acceptable_name;
    RCODE: "dns.flags.rcode", "Reply code", Uint(16), Dec, mask = 0x000f, names = rcode_name;
    COUNT_QUERIES: "dns.count.queries", "Questions", Uint(16), Dec;
    COUNT_ZONES: "dns.count.zones", "Zones", Uint(16), Dec;
    COUNT_ANSWERS: "dns.count.answers", "Answer RRs", Uint(16), Dec;
    COUNT_PREREQUISITES: "dns.count.prerequisites", "Prerequisites", Uint(16), Dec;
    COUNT_AUTH: "dns.count.auth_rr", "Authority RRs", Uint(16), Dec;
    COUNT_UPDATES: "dns.count.updates", "Updates", Uint(16), Dec;
    COUNT_ADD: "dns.count.add_rr", "Additional RRs", Uint(16), Dec;
    QRY_NAME: "dns.qry.name", "Name", String;
    QRY_NAME_LEN: "dns.qry.name.len", "Name Length", Uint(16), Dec;
    COUNT_LABELS: "dns.count.labels", "Label Count", Uint(16), Dec;
    QRY_TYPE: "dns.qry.type", "Type", Uint(16), Dec, names = type_title;
    QRY_CLASS: "dns.qry.class", "Class", Uint(16), Hex, names = class_name;
    QRY_QU: "dns.qry.qu", "\"QU\" question", Bool, None, mask = 0x8000;
    RESP_NAME: "dns.resp.name", "Name", String;
    RESP_TYPE: "dns.resp.type", "Type", Uint(16), Dec, names = type_title;
    RESP_CLASS: "dns.resp.class", "Class", Uint(16), Hex, names = class_name;
    CACHE_FLUSH: "dns.resp.cache_flush", "Cache flush", Bool, None, mask = 0x8000;
    RESP_TTL: "dns.resp.ttl", "Time to live", Uint(32), Dec;
    RESP_LEN: "dns.resp.len", "Data length", Uint(16), Dec;
    PAYLOAD_SIZE: "dns.rr.udp_payload_size", "UDP payload size", Uint(16), Hex;
    EXT_RCODE: "dns.resp.ext_rcode", "Higher bits in extended RCODE", Uint(8), Hex;
    EDNS_VERSION: "dns.resp.edns0_version", "EDNS0 version", Uint(8), Dec;
    RESP_Z: "dns.resp.z", "Z", Uint(16), Hex;
    Z_DO: "dns.resp.z.do", "DO bit", Bool, None, mask = 0x8000, names = dnssec_name;
    Z_RESERVED: "dns.resp.z.reserved", "Reserved", Uint(16), Hex, mask = 0x7fff;
    OPT: "dns.opt", "Option", None;
    OPT_CODE: "dns.opt.code", "Option Code", Uint(16), Dec, names = option_name;
    OPT_LEN: "dns.opt.len", "Option Length", Uint(16), Dec;
    OPT_DATA: "dns.opt.data", "Option Data", Bytes;
    A: "dns.a", "Address", Ipv4;
    AAAA: "dns.aaaa", "AAAA Address", Ipv6;
    NS: "dns.ns", "Name Server", String;
    CNAME: "dns.cname", "CNAME", String;
    DNAME: "dns.dname", "Dname", String;
    PTR: "dns.ptr.domain_name", "Domain Name", String;
    MX_PREFERENCE: "dns.mx.preference", "Preference", Uint(16), Dec;
    MX_EXCHANGE: "dns.mx.mail_exchange", "Mail Exchange", String;
    SOA_MNAME: "dns.soa.mname", "Primary name server", String;
    SOA_RNAME: "dns.soa.rname", "Responsible authority's mailbox", String;
    SOA_SERIAL: "dns.soa.serial_number", "Serial Number", Uint(32), Dec;
    SOA_REFRESH: "dns.soa.refresh_interval", "Refresh Interval", Uint(32), Dec;
    SOA_RETRY: "dns.soa.retry_interval", "Retry Interval", Uint(32), Dec;
    SOA_EXPIRE: "dns.soa.expire_limit", "Expire limit", Uint(32), Dec;
    SOA_MINIMUM: "dns.soa.minimum_ttl", "Minimum TTL", Uint(32), Dec;
    TXT_LENGTH: "dns.txt.length", "TXT Length", Uint(8), Dec;
    TXT: "dns.txt", "TXT", String;
    SRV_SERVICE: "dns.srv.service", "Service", String;
    SRV_PROTO: "dns.srv.proto", "Protocol", String;
    SRV_NAME: "dns.srv.name", "Name", String;
    SRV_PRIORITY: "dns.srv.priority", "Priority", Uint(16), Dec;
    SRV_WEIGHT: "dns.srv.weight", "Weight", Uint(16), Dec;
    SRV_PORT: "dns.srv.port", "Port", Uint(16), Dec;
    SRV_TARGET: "dns.srv.target", "Target", String;
    HINFO_CPU_LENGTH: "dns.hinfo.cpu_length", "CPU Length", Uint(8), Dec;
    HINFO_CPU: "dns.hinfo.cpu", "CPU", String;
    HINFO_OS_LENGTH: "dns.hinfo.os_length", "OS Length", Uint(8), Dec;
    HINFO_OS: "dns.hinfo.os", "OS", String;
    NAPTR_ORDER: "dns.naptr.order", "Order", Uint(16), Dec;
    NAPTR_PREFERENCE: "dns.naptr.preference", "Preference", Uint(16), Dec;
    NAPTR_FLAGS: "dns.naptr.flags", "Flags", String;
    DATA: "dns.data", "Data", Bytes;
}

fn response_name(value: u64) -> Option<&'static str> {
    pick(value, &["Message is a query", "Message is a response"])
}

fn authoritative_name(value: u64) -> Option<&'static str> {
    pick(
        value,
        &[
            "Server is not an authority for domain",
            "Server is an authority for domain",
        ],
    )
}

fn conflict_name(value: u64) -> Option<&'static str> {
    pick(
        value,
        &[
            "The name is considered unique",
            "The name is not considered unique",
        ],
    )
}

fn truncated_name(value: u64) -> Option<&'static str> {
    pick(value, &["Message is not truncated", "Message is truncated"])
}

fn desired_name(value: u64) -> Option<&'static str> {
    pick(
        value,
        &["Don't do query recursively", "Do query recursively"],
    )
}

fn tentative_name(value: u64) -> Option<&'static str> {
    pick(value, &["Not tentative", "Tentative"])
}

fn available_name(value: u64) -> Option<&'static str> {
    pick(
        value,
        &[
            "Server can't do recursive queries",
            "Server can do recursive queries",
        ],
    )
}

fn z_name(value: u64) -> Option<&'static str> {
    pick(value, &["reserved (0)", "reserved - incorrect!"])
}

fn authenticated_name(value: u64) -> Option<&'static str> {
    pick(
        value,
        &[
            "Answer/authority portion was not authenticated by the server",
            "Answer/authority portion was authenticated by the server",
        ],
    )
}

fn set_name(value: u64) -> Option<&'static str> {
    pick(value, &["Not set", "Set"])
}

fn acceptable_name(value: u64) -> Option<&'static str> {
    pick(value, &["Unacceptable", "Acceptable"])
}

fn dnssec_name(value: u64) -> Option<&'static str> {
    pick(
        value,
        &[
            "Cannot handle DNSSEC security RRs",
            "Accepts DNSSEC security RRs",
        ],
    )
}

/// Port of DNS, over UDP and over TCP.
pub(crate) const PORT: u16 = 53;
/// Port of multicast DNS.
pub(crate) const MDNS_PORT: u16 = 5353;
/// Port of LLMNR.
pub(crate) const LLMNR_PORT: u16 = 5355;

const HEADER_LEN: usize = 12;
const UPDATE: u16 = 5;

/// DNS over TCP: each message has its length in front.
pub(crate) static APPLICATION: Application = Application {
    ports: &[PORT, MDNS_PORT],
    recognizes: None,
    dissect: over_tcp,
};

/// Which of the protocols a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flavor {
    /// DNS.
    Dns,
    /// LLMNR.
    Llmnr,
    /// Multicast DNS.
    Mdns,
}

/// What carries a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Framing {
    /// A datagram.
    Datagram,
    /// A stream, with the length of the message in front.
    Stream,
}

/// Dissects a message in a datagram.
pub(crate) fn dissect(
    walk: &mut Walk<'_, '_>,
    region: Region<'_>,
    flavor: Flavor,
) -> Result<(), Stop> {
    message(walk, region, flavor, Framing::Datagram)
}

fn over_tcp(
    walk: &mut Walk<'_, '_>,
    region: Region<'_>,
    payload: &Payload,
) -> Result<Outcome, Stop> {
    let len_of = |region: &Region<'_>| region.u16(0).map(|len| Some(usize::from(len) + 2));
    each_message(walk, region, payload, 2, len_of, |walk, region| {
        message(walk, region, Flavor::Dns, Framing::Stream)
    })
}

fn message(
    walk: &mut Walk<'_, '_>,
    whole: Region<'_>,
    flavor: Flavor,
    framing: Framing,
) -> Result<(), Stop> {
    let (id, short) = match flavor {
        Flavor::Dns => (THIS, "DNS"),
        Flavor::Llmnr => (multicast::LLMNR, "LLMNR"),
        Flavor::Mdns => (multicast::MDNS, "MDNS"),
    };
    walk.columns.set_protocol(short);
    walk.columns.clear_info();
    let prefix = if framing == Framing::Stream { 2 } else { 0 };
    let region = whole.rest(prefix);
    walk.current = id;
    let (transaction, flags) = (region.u16(0)?, region.u16(2)?);
    let opcode = flags >> 11 & 15;
    let is_response = flags & 0x8000 != 0;
    let name = opcode_name(opcode.into());
    match name {
        Some(name) => walk.columns.set_info(format_args!("{name}")),
        None => walk
            .columns
            .set_info(format_args!("Unknown operation ({opcode})")),
    }
    let suffix = if is_response { " response" } else { "" };
    walk.columns
        .append_info(format_args!("{suffix} {transaction:#06x}"));
    let rcode = flags & 15;
    if is_response && rcode != 0 {
        match rcode_name(rcode.into()) {
            Some(name) => walk.columns.append_info(format_args!(" {name}")),
            None => walk
                .columns
                .append_info(format_args!(" Unknown error ({rcode})")),
        }
    }
    let added = walk.begin(id, &whole, whole.captured().len());
    let title = id.protocol_info().title;
    let what = if is_response { "response" } else { "query" };
    walk.tree.label(added, format_args!("{title} ({what})"));
    if framing == Framing::Stream {
        walk.u16(LENGTH, &whole, 0)?;
    }
    walk.u16(ID, &region, 0)?;
    let wanted = walk.tree.wants_any_of(THIS.protocol);
    if wanted {
        show_flags(walk, &region, flags, flavor);
    }
    let counts = counts(walk, &region, opcode)?;
    let titles = if opcode == UPDATE {
        ["Zone", "Prerequisites", "Updates", "Additional records"]
    } else {
        [
            "Queries",
            "Answers",
            "Authoritative nameservers",
            "Additional records",
        ]
    };
    let mut message = record::Message {
        region: &region,
        flavor,
        name: String::new(),
        data: String::new(),
    };
    let mut at = HEADER_LEN;
    for (section, (title, count)) in titles.into_iter().zip(counts).enumerate() {
        if count == 0 {
            continue;
        }
        let start = at;
        let heading = walk
            .tree
            .heading(region.place(at, 0), format_args!("{title}"));
        walk.tree.open();
        for _ in 0..count {
            at += if section == 0 {
                message.question(walk, at)?
            } else {
                message.record(walk, at)?
            };
        }
        walk.tree.close();
        walk.tree.set_len(heading, (at - start) as u32);
    }
    walk.end();
    Ok(())
}

/// The four counts of a header.
fn counts(walk: &mut Walk<'_, '_>, region: &Region<'_>, opcode: u16) -> Result<[u16; 4], Stop> {
    let fields = if opcode == UPDATE {
        [COUNT_ZONES, COUNT_PREREQUISITES, COUNT_UPDATES, COUNT_ADD]
    } else {
        [COUNT_QUERIES, COUNT_ANSWERS, COUNT_AUTH, COUNT_ADD]
    };
    let mut counts = [0; 4];
    for (place, (count, field)) in counts.iter_mut().zip(fields).enumerate() {
        *count = walk.u16(field, region, 4 + place * 2)?;
    }
    Ok(counts)
}

fn show_flags(walk: &mut Walk<'_, '_>, region: &Region<'_>, flags: u16, flavor: Flavor) {
    let place = region.place(2, 2);
    let tree = &mut *walk.tree;
    let added = tree.add(FLAGS, place, Value::Uint(flags.into()));
    let is_response = flags & 0x8000 != 0;
    let opcode = opcode_name((flags >> 11 & 15).into()).unwrap_or("Unknown operation");
    if is_response {
        let rcode = rcode_name((flags & 15).into()).unwrap_or("Unknown error");
        tree.label(
            added,
            format_args!("Flags: {flags:#06x} {opcode} response, {rcode}"),
        );
    } else {
        tree.label(added, format_args!("Flags: {flags:#06x} {opcode}"));
    }
    tree.open();
    let mut flag = |field, mask| {
        tree.add(field, place, Value::Bool(flags & mask != 0));
    };
    flag(RESPONSE, 0x8000);
    tree.add(OPCODE, place, Value::Uint((flags >> 11 & 15).into()));
    let mut flag = |field, mask| {
        tree.add(field, place, Value::Bool(flags & mask != 0));
    };
    let is_llmnr = flavor == Flavor::Llmnr;
    if is_llmnr {
        flag(CONFLICT, 0x0400);
    } else if is_response {
        flag(AUTHORITATIVE, 0x0400);
    }
    flag(TRUNCATED, 0x0200);
    if is_llmnr {
        flag(TENTATIVE, 0x0100);
    } else {
        flag(RECDESIRED, 0x0100);
        if is_response {
            flag(RECAVAIL, 0x0080);
        }
        flag(Z, 0x0040);
        flag(if is_response { AUTHENTICATED } else { AD }, 0x0020);
        flag(CHECKDISABLE, 0x0010);
    }
    if is_response {
        tree.add(RCODE, place, Value::Uint((flags & 15).into()));
    }
    tree.close();
}
