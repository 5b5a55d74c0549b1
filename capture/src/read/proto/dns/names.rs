//! Names of DNS numbers (IANA's "Domain Name System (DNS) Parameters"), in Wireshark's words.

use crate::read::proto::names::pick;

/// Name of an operation.
pub(super) const fn opcode_name(value: u64) -> Option<&'static str> {
    Some(match value {
        0 => "Standard query",
        1 => "Inverse query",
        2 => "Server status request",
        4 => "Zone change notification",
        5 => "Dynamic update",
        6 => "DNS Stateful operations (DSO)",
        _ => return None,
    })
}

/// Name of a reply code.
pub(super) const fn rcode_name(value: u64) -> Option<&'static str> {
    Some(match value {
        0 => "No error",
        1 => "Format error",
        2 => "Server failure",
        3 => "No such name",
        4 => "Not implemented",
        5 => "Refused",
        6 => "Name exists",
        7 => "RRset exists",
        8 => "RRset does not exist",
        9 => "Not authoritative",
        10 => "Name out of zone",
        11 => "DSO-Type not implemented",
        16 => "Bad OPT Version or TSIG Signature Failure",
        17 => "Key not recognized",
        18 => "Signature out of time window",
        19 => "Bad TKEY Mode",
        20 => "Duplicate key name",
        21 => "Algorithm not supported",
        22 => "Bad Truncation",
        23 => "Bad/missing Server Cookie",
        _ => return None,
    })
}

/// Name of a class.
pub(super) const fn class_name(value: u64) -> Option<&'static str> {
    Some(match value {
        1 => "IN",
        2 => "CS",
        3 => "CH",
        4 => "HS",
        254 => "NONE",
        255 => "ANY",
        _ => return None,
    })
}

/// Name of a type of records, with what it stands for.
pub(super) const fn type_title(value: u64) -> Option<&'static str> {
    Some(match value {
        0 => "Unused",
        1 => "A (Host Address)",
        2 => "NS (authoritative Name Server)",
        3 => "MD (Mail Destination)",
        4 => "MF (Mail Forwarder)",
        5 => "CNAME (Canonical NAME for an alias)",
        6 => "SOA (Start Of a zone of Authority)",
        7 => "MB (MailBox domain name)",
        8 => "MG (Mail Group member)",
        9 => "MR (Mail Rename domain)",
        10 => "NULL RR",
        11 => "WKS (Well Known Service)",
        12 => "PTR (domain name PoinTeR)",
        13 => "HINFO (host information)",
        14 => "MINFO (Mailbox or mail list information)",
        15 => "MX (Mail eXchange)",
        16 => "TXT (Text strings)",
        17 => "RP (Responsible Person)",
        18 => "AFSDB (AFS Data Base location)",
        19 => "X25 (XX.25 PSDN address)",
        20 => "ISDN (ISDN address)",
        21 => "RT (Route Through)",
        22 => "NSAP (NSAP address)",
        23 => "NSAP-PTR (NSAP domain name pointer)",
        24 => "SIG (security signature)",
        25 => "KEY (security key)",
        26 => "PX (X.400 mail mapping information)",
        27 => "GPOS (Geographical Position)",
        28 => "AAAA (IPv6 Address)",
        29 => "LOC (Location Information)",
        30 => "NXT (Next Domain)",
        31 => "EID (Endpoint Identifier)",
        32 => "NIMLOC (Nimrod Locator)",
        33 => "SRV (Server Selection)",
        34 => "ATMA (ATM Address)",
        35 => "NAPTR (Naming Authority Pointer)",
        36 => "KX (Key Exchanger)",
        37 => "CERT",
        38 => "A6 (OBSOLETE - use AAAA)",
        39 => "DNAME",
        40 => "SINK",
        41 => "OPT",
        42 => "APL",
        43 => "DS (Delegation Signer)",
        44 => "SSHFP (SSH Key Fingerprint)",
        45 => "IPSECKEY",
        46 => "RRSIG (Resource Record Signature)",
        47 => "NSEC (Next Secure)",
        48 => "DNSKEY (DNS Public Key)",
        49 => "DHCID",
        50 => "NSEC3",
        51 => "NSEC3PARAM",
        52 => "TLSA",
        55 => "HIP (Host Identity Protocol)",
        57 => "RKEY",
        58 => "TALINK (Trust Anchor LINK)",
        59 => "CDS (Child DS)",
        60 => "CDNSKEY (DNSKEY(s) the Child wants reflected in DS)",
        61 => "OPENPGPKEY (OpenPGP Key)",
        62 => "CSYNC (Child-to-Parent Synchronization)",
        63 => "ZONEMD",
        64 => "SVCB (General Purpose Service Endpoints)",
        65 => "HTTPS (HTTPS Specific Service Endpoints)",
        99 => "SPF",
        100 => "UINFO",
        101 => "UID",
        102 => "GID",
        103 => "UNSPEC",
        104 => "NID (NodeID)",
        105 => "L32 (Locator32)",
        106 => "L64 (Locator64)",
        107 => "LP (Locator FQDN)",
        108 => "EUI48",
        109 => "EUI64",
        249 => "TKEY (Transaction Key)",
        250 => "TSIG (Transaction Signature)",
        251 => "IXFR (incremental transfer)",
        252 => "AXFR (transfer of an entire zone)",
        253 => "MAILB (mailbox-related RRs)",
        254 => "MAILA (mail agent RRs)",
        255 => "* (A request for all records the server/cache has available)",
        256 => "URI",
        257 => "CAA (Certification Authority Restriction)",
        32768 => "TA (DNSSEC Trust Authorities)",
        32769 => "DLV (DNSSEC Lookaside Validation)",
        65281 => "WINS",
        65282 => "WINS-R",
        65422 => "XPF",
        _ => return None,
    })
}

/// Short name of a type of records: what stands before the bracket of its title.
pub(super) fn type_name(value: u16) -> Option<&'static str> {
    Some(match value {
        10 => "NULL",
        // As Wireshark has it: the two are exchanged.
        253 => "MAILA",
        254 => "MAILB",
        255 => "ANY",
        other => {
            let title = type_title(other.into())?;
            title.split_once(" (").map_or(title, |(name, _)| name)
        }
    })
}

/// Name of an option of EDNS(0).
pub(super) const fn option_name(value: u64) -> Option<&'static str> {
    Some(match value {
        0 => "Reserved",
        1 => "LLQ - Long-lived query",
        2 => "UL - Update lease",
        3 => "NSID - Name Server Identifier",
        4 => "Owner (reserved)",
        5 => "DAU - DNSSEC Algorithm Understood (RFC6975)",
        6 => "DHU - DS Hash Understood (RFC6975)",
        7 => "N3U - NSEC3 Hash Understood (RFC6975)",
        20730 => "Experimental - CSUBNET - Client subnet",
        8 => "CSUBNET - Client subnet",
        9 => "EDNS EXPIRE (RFC7314)",
        10 => "COOKIE",
        11 => "EDNS TCP Keepalive",
        12 => "PADDING",
        13 => "CHAIN",
        15 => "Extended DNS Error",
        _ => return None,
    })
}

/// Name of an algorithm of keys and signatures.
pub(super) const fn algorithm_name(value: u64) -> Option<&'static str> {
    Some(match value {
        1 => "RSA/MD5",
        2 => "Diffie-Hellman",
        3 => "DSA",
        4 => "Elliptic curve crypto",
        5 => "RSA/SHA1",
        6 => "DSA + NSEC3/SHA1",
        7 => "RSA/SHA1 + NSEC3/SHA1",
        8 => "RSA/SHA-256",
        10 => "RSA/SHA-512",
        12 => "GOST R 34.10-2001",
        13 => "ECDSA Curve P-256 with SHA-256",
        14 => "ECDSA Curve P-386 with SHA-386",
        15 => "Ed25519",
        16 => "Ed448",
        157 => "HMAC/MD5",
        252 => "Indirect key",
        253 => "Private, domain name",
        254 => "Private, OID",
        _ => return None,
    })
}

/// Name of a digest of a key.
pub(super) fn digest_name(value: u64) -> Option<&'static str> {
    pick(
        value,
        &[
            "Reserved digest",
            "SHA-1",
            "SHA-256",
            "GOST R 34.11-94",
            "SHA-384",
        ],
    )
}

/// Name of a hash of names.
pub(super) fn hash_name(value: u64) -> Option<&'static str> {
    pick(value, &["Reserved", "SHA-1"])
}

/// Name of a family of addresses.
pub(super) fn family_name(value: u64) -> Option<&'static str> {
    pick(value.checked_sub(1)?, &["IPv4", "IPv6"])
}

/// Name of an algorithm of SSH keys.
pub(super) fn ssh_algorithm_name(value: u64) -> Option<&'static str> {
    let names = ["Reserved", "RSA", "DSA", "ECDSA", "Ed25519", "XMSS"];
    pick(value, &names)
}

/// Name of a fingerprint.
pub(super) fn fingerprint_name(value: u64) -> Option<&'static str> {
    pick(value, &["Reserved", "SHA1", "SHA256"])
}

/// What a certificate is for.
pub(super) fn usage_name(value: u64) -> Option<&'static str> {
    pick(
        value,
        &[
            "CA constraint (PKIX-TA)",
            "Service certificate constraint (PKIX-EE)",
            "Trust anchor assertion (DANE-TA)",
            "Domain-issued certificate (DANE-EE)",
        ],
    )
}

/// What of a certificate is meant.
pub(super) fn selector_name(value: u64) -> Option<&'static str> {
    pick(
        value,
        &["Full certificate (Cert)", "SubjectPublicKeyInfo (SPKI)"],
    )
}

/// How a certificate is compared.
pub(super) fn matching_name(value: u64) -> Option<&'static str> {
    pick(
        value,
        &[
            "No Hash Used (Full)",
            "256 bit hash by SHA2 (SHA2-256)",
            "512 bit hash by SHA2 (SHA2-512)",
        ],
    )
}
