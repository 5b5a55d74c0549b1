//! DNS (RFC 1035), multicast DNS (RFC 6762) and LLMNR (RFC 4795), as Wireshark's `packet-dns.c`
//! shows them.
//!
//! - `name.rs` domain names; `names.rs` names of numbers
//! - `record.rs` resource records; `security.rs` those of DNSSEC; `service.rs` SVCB, CAA, TLSA
//! - `transactions.rs` which response answers which query
//! - `multicast.rs` the protocols that differ only by name

pub(crate) mod multicast;
mod name;
mod names;
mod record;
mod security;
mod service;
mod transactions;

pub(crate) use transactions::Memory;

use super::tcp::applications::{Application, Outcome, Payload, each_pdu};
use crate::read::field::protocol;
use crate::read::proto::expert::{Group, Severity};
use crate::read::proto::names::pick;
use crate::read::region::{Region, Stop};
use crate::read::tree::{Added, Value};
use crate::read::walk::Walk;
use names::{
    algorithm_name, class_name, digest_name, family_name, fingerprint_name, hash_name,
    matching_name, opcode_name, option_name, rcode_name, selector_name, ssh_algorithm_name,
    type_title, usage_name,
};
use service::parameter_name;
use transactions::Told;

protocol! {
    24, "dns", "DNS", "Domain Name System";
    LENGTH: "dns.length", "Length", Uint(16), Dec;
    ID: "dns.id", "Transaction ID", Uint(16), Hex;
    FLAGS: "dns.flags", "Flags", Uint(16), Hex;
    RESPONSE: "dns.flags.response", "Response", Bool, None, mask = 0x8000, names = response_name;
    OPCODE: "dns.flags.opcode", "Opcode", Uint(16), Dec, mask = 0x7800, names = opcode_name;
    AUTHORITATIVE: "dns.flags.authoritative", "Authoritative", Bool, None, mask = 0x0400, names = authoritative_name;
    CONFLICT: "dns.flags.conflict", "Conflict", Bool, None, mask = 0x0400, names = conflict_name;
    CONFLICT_QUERY: "dns.flags.conflict", "Conflict", Bool, None, mask = 0x0400, names = several_name;
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
    PAYLOAD_SIZE: "dns.rr.udp_payload_size", "UDP payload size", Uint(16), Dec;
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
    NAPTR_FLAGS_LEN: "dns.naptr.flags_length", "Flags Length", Uint(8), Dec;
    NAPTR_SERVICE_LEN: "dns.naptr.service_length", "Service Length", Uint(8), Dec;
    NAPTR_SERVICE: "dns.naptr.service", "Service", String;
    NAPTR_REGEX_LEN: "dns.naptr.regex_length", "Regex Length", Uint(8), Dec;
    NAPTR_REGEX: "dns.naptr.regex", "Regex", String;
    NAPTR_REPLACEMENT_LEN: "dns.naptr.replacement_length", "Replacement Length", Uint(8), Dec;
    NAPTR_REPLACEMENT: "dns.naptr.replacement", "Replacement", String;
    LOC_VERSION: "dns.loc.version", "Version", Uint(8), Dec;
    LOC_SIZE: "dns.loc.size", "Size", Uint(8), Dec;
    LOC_HORIZONTAL: "dns.loc.horizontal_precision", "Horizontal Precision", Uint(8), Dec;
    LOC_VERTICAL: "dns.loc.vertical_precision", "Vertical Precision", Uint(8), Dec;
    LOC_LATITUDE: "dns.loc.latitude", "Latitude", Uint(32), Dec;
    LOC_LONGITUDE: "dns.loc.longitude", "Longitude", Uint(32), Dec;
    LOC_ALTITUDE: "dns.loc.altitude", "Altitude", Uint(32), Dec;
    UNKNOWN_TYPE: "dns.dissector_unknown", "Dissector for DNS Type is not implemented", None;
    DATA: "dns.data", "Data", Bytes;
    SIG_COVERED: "dns.rrsig.type_covered", "Type Covered", Uint(16), Dec, names = type_title;
    SIG_ALGORITHM: "dns.rrsig.algorithm", "Algorithm", Uint(8), Dec, names = algorithm_name;
    SIG_LABELS: "dns.rrsig.labels", "Labels", Uint(8), Dec;
    SIG_TTL: "dns.rrsig.original_ttl", "Original TTL", Uint(32), Dec;
    SIG_EXPIRATION: "dns.rrsig.signature_expiration", "Signature Expiration", AbsoluteTime;
    SIG_INCEPTION: "dns.rrsig.signature_inception", "Signature Inception", AbsoluteTime;
    SIG_KEY_TAG: "dns.rrsig.key_tag", "Key Tag", Uint(16), Dec;
    SIG_SIGNER: "dns.rrsig.signers_name", "Signer's name", String;
    SIGNATURE: "dns.rrsig.signature", "Signature", Bytes;
    KEY_FLAGS: "dns.dnskey.flags", "Flags", Uint(16), Hex;
    KEY_ZONE: "dns.dnskey.flags.zone_key", "Zone Key", Bool, None, mask = 0x0100, names = zone_name;
    KEY_REVOKED: "dns.dnskey.flags.key_revoked", "Key Revoked", Bool, None, mask = 0x0080, names = yes_name;
    KEY_ENTRY: "dns.dnskey.flags.secure_entry_point", "Key Signing Key", Bool, None, mask = 0x0001, names = yes_name;
    KEY_RESERVED: "dns.dnskey.flags.reserved", "Key Signing Key", Uint(16), Hex;
    KEY_PROTOCOL: "dns.dnskey.protocol", "Protocol", Uint(8), Dec;
    KEY_ALGORITHM: "dns.dnskey.algorithm", "Algorithm", Uint(8), Dec, names = algorithm_name;
    KEY_ID: "dns.dnskey.key_id", "Key id", Uint(16), Dec;
    KEY_PUBLIC: "dns.dnskey.public_key", "Public Key", Bytes;
    DS_KEY_ID: "dns.ds.key_id", "Key id", Uint(16), Hex;
    DS_ALGORITHM: "dns.ds.algorithm", "Algorithm", Uint(8), Dec, names = algorithm_name;
    DS_DIGEST_TYPE: "dns.ds.digest_type", "Digest Type", Uint(8), Dec, names = digest_name;
    DS_DIGEST: "dns.ds.digest", "Digest", Bytes;
    NSEC_NEXT: "dns.nsec.next_domain_name", "Next Domain Name", String;
    NSEC3_ALGORITHM: "dns.nsec3.algo", "Hash algorithm", Uint(8), Dec, names = hash_name;
    NSEC3_FLAGS: "dns.nsec3.flags", "NSEC3 flags", Uint(8), Dec;
    NSEC3_OPT_OUT: "dns.nsec3.flags.opt_out", "NSEC3 Opt-out flag", Bool, None, mask = 0x01, names = opt_out_name;
    NSEC3_ITERATIONS: "dns.nsec3.iterations", "NSEC3 iterations", Uint(16), Dec;
    NSEC3_SALT_LEN: "dns.nsec3.salt_length", "Salt length", Uint(8), Dec;
    NSEC3_SALT: "dns.nsec3.salt_value", "Salt value", Bytes;
    NSEC3_HASH_LEN: "dns.nsec3.hash_length", "Hash length", Uint(8), Dec;
    NSEC3_HASH: "dns.nsec3.hash_value", "Next hashed owner", String;
    TLSA_USAGE: "dns.tlsa.certificate_usage", "Certificate Usage", Uint(8), Dec, names = usage_name;
    TLSA_SELECTOR: "dns.tlsa.selector", "Selector", Uint(8), Dec, names = selector_name;
    TLSA_MATCHING: "dns.tlsa.matching_type", "Matching Type", Uint(8), Dec, names = matching_name;
    TLSA_DATA: "dns.tlsa.certificate_association_data", "Certificate Association Data", Bytes;
    SSHFP_ALGORITHM: "dns.sshfp.algorithm", "Algorithm", Uint(8), Dec, names = ssh_algorithm_name;
    SSHFP_TYPE: "dns.sshfp.fingerprint.type", "Fingerprint type", Uint(8), Dec, names = fingerprint_name;
    SSHFP: "dns.sshfp.fingerprint", "Fingerprint", Bytes;
    SVCB_PRIORITY: "dns.svcb.svcpriority", "SvcPriority", Uint(16), Dec;
    SVCB_TARGET: "dns.svcb.targetname", "TargetName", String;
    SVCB_PARAM: "dns.svcb.svcparam", "SvcParam", None;
    SVCB_KEY: "dns.svcb.svcparam.key", "SvcParamKey", Uint(16), Dec, names = parameter_name;
    SVCB_LEN: "dns.svcb.svcparam.value.length", "SvcParamValue length", Uint(16), Dec;
    SVCB_VALUE: "dns.svcb.svcparam.value", "SvcParamValue", Bytes;
    SVCB_MANDATORY: "dns.svcb.svcparam.mandatory.key", "Mandatory key", Uint(16), Dec, names = parameter_name;
    SVCB_ALPN_LEN: "dns.svcb.svcparam.alpn.length", "ALPN length", Uint(8), Dec;
    SVCB_ALPN: "dns.svcb.svcparam.alpn", "ALPN", String;
    SVCB_PORT: "dns.svcb.svcparam.port", "Port", Uint(16), Dec;
    SVCB_IPV4: "dns.svcb.svcparam.ipv4hint.ip", "IP", Ipv4;
    SVCB_IPV6: "dns.svcb.svcparam.ipv6hint.ip", "IP", Ipv6;
    SVCB_ECH: "dns.svcb.svcparam.echconfig", "ECHConfig", Bytes;
    CAA_FLAGS: "dns.caa.flags", "CAA Flags", Uint(8), Hex;
    CAA_CRITICAL: "dns.caa.flags.issuer_critical", "Issuer Critical", Bool, None, mask = 0x80, names = critical_name;
    CAA_ISSUE: "dns.caa.issue", "Issue", String;
    CAA_ISSUE_WILD: "dns.caa.issuewild", "Issue Wildcard", String;
    CAA_IODEF: "dns.caa.iodef", "Report URL", String;
    CAA_UNKNOWN: "dns.caa.unknown", "Unknown tag", String;
    CAA_TAG_LEN: "dns.caa.tag_length", "Tag length", Uint(8), Dec;
    CAA_TAG: "dns.caa.tag", "Tag", String;
    CAA_VALUE: "dns.caa.value", "Value", String;
    CLIENT_COOKIE: "dns.opt.cookie.client", "Client Cookie", Bytes, MayBeNone;
    SERVER_COOKIE: "dns.opt.cookie.server", "Server Cookie", Bytes;
    CLIENT_FAMILY: "dns.opt.client.family", "Family", Uint(16), Dec, names = family_name;
    CLIENT_NETMASK: "dns.opt.client.netmask", "Source Netmask", Uint(8), Dec;
    CLIENT_SCOPE: "dns.opt.client.scope", "Scope Netmask", Uint(8), Dec;
    CLIENT_ADDR: "dns.opt.client.addr", "Client Subnet", Bytes;
    CLIENT_ADDR4: "dns.opt.client.addr4", "Client Subnet", Ipv4;
    CLIENT_ADDR6: "dns.opt.client.addr6", "Client Subnet", Ipv6;
    OPT_PADDING: "dns.opt.padding", "Padding", Bytes;
    RESPONSE_IN: "dns.response_in", "Response In", FrameNumber;
    RESPONSE_TO: "dns.response_to", "Request In", FrameNumber;
    TIME: "dns.time", "Time", RelativeTime;
    RETRANSMISSION: "dns.retransmission", "Retransmission", Bool;
    RETRANSMIT_REQUEST_IN: "dns.retransmit_request_in", "Retransmitted request. Original request in", FrameNumber;
    RETRANSMIT_RESPONSE_IN: "dns.retransmit_response_in", "Retransmitted response. Original response in", FrameNumber;
    UNSOLICITED: "dns.unsolicited", "Unsolicited", Bool;
    RETRANSMIT_REQUEST: "dns.retransmit_request", "DNS query retransmission", None;
    RETRANSMIT_RESPONSE: "dns.retransmit_response", "DNS response retransmission", None;
}

fn zone_name(value: u64) -> Option<&'static str> {
    pick(
        value,
        &[
            "This it not a zone key",
            "This is the zone key for specified zone",
        ],
    )
}

fn yes_name(value: u64) -> Option<&'static str> {
    pick(value, &["No", "Yes"])
}

fn opt_out_name(value: u64) -> Option<&'static str> {
    pick(
        value,
        &[
            "Additional insecure delegations forbidden",
            "Additional insecure delegations allowed",
        ],
    )
}

fn critical_name(value: u64) -> Option<&'static str> {
    pick(value, &["Not critical", "Critical"])
}

pub(super) fn response_name(value: u64) -> Option<&'static str> {
    pick(value, &["Message is a query", "Message is a response"])
}

pub(super) fn authoritative_name(value: u64) -> Option<&'static str> {
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

fn several_name(value: u64) -> Option<&'static str> {
    pick(value, &["None", "The sender received multiple responses"])
}

pub(super) fn truncated_name(value: u64) -> Option<&'static str> {
    pick(value, &["Message is not truncated", "Message is truncated"])
}

pub(super) fn desired_name(value: u64) -> Option<&'static str> {
    pick(
        value,
        &["Don't do query recursively", "Do query recursively"],
    )
}

fn tentative_name(value: u64) -> Option<&'static str> {
    pick(value, &["Not tentative", "Tentative"])
}

pub(super) fn available_name(value: u64) -> Option<&'static str> {
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

/// Dissects a message in the body of an exchange of HTTP (RFC 8484).
pub(crate) fn over_http(
    walk: &mut Walk<'_, '_>,
    region: Region<'_>,
    stream: u32,
) -> Result<(), Stop> {
    let outcome = dissect(walk, region, Flavor::Dns, stream);
    walk.columns.set_protocol("DoH");
    outcome
}

/// Reads a name as messages have them at the beginning of `region`; gives how many bytes it takes there.
///
/// # Errors
///
/// When the name goes beyond it, or is not one.
pub(crate) fn read_name(region: &Region<'_>, out: &mut String) -> Result<usize, Stop> {
    name::read(region, 0, out)
}

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

/// Whether a datagram on any port looks like a message (Wireshark's `dissect_dns_heur`): a standard query
/// with one question and no answers, or a response with few records.
pub(crate) fn recognizes(region: &Region<'_>) -> Result<bool, Stop> {
    const OPCODE: u16 = 0x7800;
    const RESPONSE: u16 = 0x8000;
    if region.reported() <= HEADER_LEN {
        return Ok(false);
    }
    let flags = region.u16(2)?;
    if flags & OPCODE != 0 {
        return Ok(false);
    }
    let counts = [region.u16(4)?, region.u16(6)?, region.u16(8)?];
    let fits = if flags & RESPONSE == 0 {
        counts == [1, 0, 0]
    } else {
        let [questions, answers, authorities] = counts;
        questions <= 1 && answers <= 100 && authorities <= 10
    };
    Ok(fits && region.u16(10)? <= 10)
}

/// Dissects a message in a datagram.
pub(crate) fn dissect(
    walk: &mut Walk<'_, '_>,
    region: Region<'_>,
    flavor: Flavor,
    stream: u32,
) -> Result<(), Stop> {
    message(walk, region, flavor, Framing::Datagram, stream.into())
}

fn over_tcp(
    walk: &mut Walk<'_, '_>,
    region: Region<'_>,
    payload: &Payload,
) -> Result<Outcome, Stop> {
    let len_of = |region: &Region<'_>| region.u16(0).map(|len| Some(usize::from(len) + 2));
    each_pdu(walk, region, payload, 2, len_of, |walk, region| {
        let stream = 1 << 32 | u64::from(payload.stream);
        message(walk, region, Flavor::Dns, Framing::Stream, stream)
    })
}

fn message(
    walk: &mut Walk<'_, '_>,
    whole: Region<'_>,
    flavor: Flavor,
    framing: Framing,
    stream: u64,
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
    let id_node = walk
        .tree
        .add(ID, region.place(0, 2), Value::Uint(transaction.into()));
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
    // Multicast queries have no number of their own.
    if flavor != Flavor::Mdns {
        let now = (walk.frame.number, walk.frame.packet.meta.ts.0);
        let pass = walk.memory.pass;
        let memory = &mut walk.memory.dns;
        let told = if is_response {
            memory.response(stream, transaction, now, pass)
        } else {
            memory.query(stream, transaction, now, pass)
        };
        show_transaction(walk, told, id_node);
    }
    walk.end();
    Ok(())
}

/// Which message this one answers, or is answered by.
fn show_transaction(walk: &mut Walk<'_, '_>, told: Told, id: Added) {
    let remark = (Severity::Warning, Group::Protocol);
    let tree = &mut *walk.tree;
    match told {
        Told::Query { response } => {
            if let Some(frame) = response {
                tree.add_generated(RESPONSE_IN, Value::Uint(frame));
            }
        }
        Told::QueryAgain { first } => {
            tree.add_generated(RETRANSMIT_REQUEST_IN, Value::Uint(first));
            walk.expert(
                id,
                RETRANSMIT_REQUEST,
                remark,
                format_args!("DNS query retransmission. Original request in frame {first}"),
            );
            walk.tree.add_generated(RETRANSMISSION, Value::Bool(true));
        }
        Told::Response { query, took } => {
            tree.add_generated(RESPONSE_TO, Value::Uint(query));
            tree.add_generated(TIME, Value::Span(took));
        }
        Told::ResponseAgain { first } => {
            tree.add_generated(RETRANSMIT_RESPONSE_IN, Value::Uint(first));
            walk.expert(
                id,
                RETRANSMIT_RESPONSE,
                remark,
                format_args!("DNS response retransmission. Original response in frame {first}"),
            );
            walk.tree.add_generated(RETRANSMISSION, Value::Bool(true));
        }
        Told::Unsolicited => {
            tree.add_generated(UNSOLICITED, Value::Bool(true));
        }
    }
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
        flag(
            if is_response {
                CONFLICT
            } else {
                CONFLICT_QUERY
            },
            0x0400,
        );
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
        if is_response {
            flag(AUTHENTICATED, 0x0020);
        } else if flags & 0x0020 != 0 {
            flag(AD, 0x0020);
        }
        flag(CHECKDISABLE, 0x0010);
    }
    if is_response {
        tree.add(RCODE, place, Value::Uint((flags & 15).into()));
    }
    tree.close();
}
