//! DHCP (RFC 2131) and BOOTP (RFC 951), as Wireshark's `packet-dhcp.c` shows them.

use super::names::arp::hardware as hardware_name;
use super::text::{Escaped, Words};
use crate::read::FieldId;
use crate::read::field::protocol;
use crate::read::proto::names::pick;
use crate::read::region::{Region, Stop};
use crate::read::render::Ether;
use crate::read::tree::Value;
use crate::read::walk::Walk;

protocol! {
    25, "dhcp", "DHCP/BOOTP", "Dynamic Host Configuration Protocol";
    TYPE: "dhcp.type", "Message type", Uint(8), Dec, names = op_name;
    HW_TYPE: "dhcp.hw.type", "Hardware type", Uint(8), Hex, names = hardware_name;
    HW_LEN: "dhcp.hw.len", "Hardware address length", Uint(8), Dec;
    HOPS: "dhcp.hops", "Hops", Uint(8), Dec;
    ID: "dhcp.id", "Transaction ID", Uint(32), Hex;
    SECS: "dhcp.secs", "Seconds elapsed", Uint(16), Dec;
    FLAGS: "dhcp.flags", "Bootp flags", Uint(16), Hex;
    FLAGS_BC: "dhcp.flags.bc", "Broadcast flag", Bool, None, mask = 0x8000, names = broadcast_name;
    FLAGS_RESERVED: "dhcp.flags.reserved", "Reserved flags", Uint(16), Hex, mask = 0x7fff;
    CLIENT: "dhcp.ip.client", "Client IP address", Ipv4;
    YOUR: "dhcp.ip.your", "Your (client) IP address", Ipv4;
    SERVER_IP: "dhcp.ip.server", "Next server IP address", Ipv4;
    RELAY: "dhcp.ip.relay", "Relay agent IP address", Ipv4;
    HW_ADDR: "dhcp.hw.addr", "Client hardware address", Bytes;
    HW_MAC: "dhcp.hw.mac_addr", "Client MAC address", Ether;
    HW_PADDING: "dhcp.hw.addr_padding", "Client hardware address padding", Bytes;
    SERVER: "dhcp.server", "Server host name", String;
    FILE: "dhcp.file", "Boot file name", String;
    COOKIE: "dhcp.cookie", "Magic cookie", Ipv4;
    OPTION: "dhcp.option.type", "Option", Uint(8), Dec;
    OPTION_LEN: "dhcp.option.length", "Length", Uint(8), Dec;
    OPTION_VALUE: "dhcp.option.value", "Value", Bytes;
    OPTION_PADDING: "dhcp.option.padding", "Padding", Bytes;
    OPTION_END: "dhcp.option.end", "Option End", Uint(8), Dec;
    SUBNET_MASK: "dhcp.option.subnet_mask", "Subnet Mask", Ipv4;
    ROUTER: "dhcp.option.router", "Router", Ipv4;
    DNS_SERVER: "dhcp.option.domain_name_server", "Domain Name Server", Ipv4;
    HOSTNAME: "dhcp.option.hostname", "Host Name", String;
    DOMAIN_NAME: "dhcp.option.domain_name", "Domain Name", String;
    MTU: "dhcp.option.interface_mtu", "Interface MTU", Uint(16), Dec;
    BROADCAST: "dhcp.option.broadcast_address", "Broadcast Address", Ipv4;
    NTP_SERVER: "dhcp.option.ntp_server", "Network Time Protocol Server", Ipv4;
    REQUESTED: "dhcp.option.requested_ip_address", "Requested IP Address", Ipv4;
    LEASE_TIME: "dhcp.option.ip_address_lease_time", "IP Address Lease Time", Uint(32), Dec;
    MESSAGE_TYPE: "dhcp.option.dhcp", "DHCP", Uint(8), Dec, names = message_name;
    SERVER_ID: "dhcp.option.dhcp_server_id", "DHCP Server Identifier", Ipv4;
    REQUEST_ITEM: "dhcp.option.request_list_item", "Parameter Request List Item", Uint(8), Dec;
    MESSAGE: "dhcp.option.message", "Message", String;
    MAX_SIZE: "dhcp.option.dhcp_max_message_size", "Maximum DHCP Message Size", Uint(16), Dec;
    RENEWAL: "dhcp.option.renewal_time_value", "Renewal Time Value", Uint(32), Dec;
    REBINDING: "dhcp.option.rebinding_time_value", "Rebinding Time Value", Uint(32), Dec;
    VENDOR_CLASS: "dhcp.option.vendor_class_id", "Vendor class identifier", String;
    TFTP_NAME: "dhcp.option.tftp_server_name", "TFTP Server Name", String;
    BOOTFILE: "dhcp.option.bootfile_name", "Bootfile name", String;
}

const fn op_name(value: u64) -> Option<&'static str> {
    Some(match value {
        1 => "Boot Request",
        2 => "Boot Reply",
        _ => return None,
    })
}

fn broadcast_name(value: u64) -> Option<&'static str> {
    pick(value, &["Unicast", "Broadcast"])
}

const fn message_name(value: u64) -> Option<&'static str> {
    Some(match value {
        1 => "Discover",
        2 => "Offer",
        3 => "Request",
        4 => "Decline",
        5 => "ACK",
        6 => "NAK",
        7 => "Release",
        8 => "Inform",
        9 => "Force Renew",
        10 => "Lease query",
        11 => "Lease Unassigned",
        12 => "Lease Unknown",
        13 => "Lease Active",
        14 => "Bulk Lease Query",
        15 => "Lease Query Done",
        16 => "Active LeaseQuery",
        17 => "Lease Query Status",
        18 => "TLS",
        _ => return None,
    })
}

/// Name of an option (IANA's "BOOTP Vendor Extensions and DHCP Options").
#[expect(clippy::too_many_lines, reason = "one name a line")]
const fn option_name(code: u8) -> &'static str {
    match code {
        0 => "Padding",
        1 => "Subnet Mask",
        2 => "Time Offset",
        3 => "Router",
        4 => "Time Server",
        5 => "Name Server",
        6 => "Domain Name Server",
        7 => "Log Server",
        8 => "Quotes Server",
        9 => "LPR Server",
        10 => "Impress Server",
        11 => "Resource Location Server",
        12 => "Host Name",
        13 => "Boot File Size",
        14 => "Merit Dump File",
        15 => "Domain Name",
        16 => "Swap Server",
        17 => "Root Path",
        18 => "Extensions Path",
        19 => "IP Forwarding",
        20 => "Non-Local Source Routing",
        21 => "Policy Filter",
        22 => "Maximum Datagram Reassembly Size",
        23 => "Default IP Time-to-Live",
        24 => "Path MTU Aging Timeout",
        25 => "Path MTU Plateau Table",
        26 => "Interface MTU",
        27 => "All Subnets are Local",
        28 => "Broadcast Address",
        29 => "Perform Mask Discovery",
        30 => "Mask Supplier",
        31 => "Perform Router Discover",
        32 => "Router Solicitation Address",
        33 => "Static Route",
        34 => "Trailer Encapsulation",
        35 => "ARP Cache Timeout",
        36 => "Ethernet Encapsulation",
        37 => "TCP Default TTL",
        38 => "TCP Keepalive Interval",
        39 => "TCP Keepalive Garbage",
        40 => "Network Information Service Domain",
        41 => "Network Information Service Servers",
        42 => "Network Time Protocol Servers",
        43 => "Vendor-Specific Information",
        44 => "NetBIOS over TCP/IP Name Server",
        45 => "NetBIOS over TCP/IP Datagram Distribution Name Server",
        46 => "NetBIOS over TCP/IP Node Type",
        47 => "NetBIOS over TCP/IP Scope",
        48 => "X Window System Font Server",
        49 => "X Window System Display Manager",
        50 => "Requested IP Address",
        51 => "IP Address Lease Time",
        52 => "Option Overload",
        53 => "DHCP Message Type",
        54 => "DHCP Server Identifier",
        55 => "Parameter Request List",
        56 => "Message",
        57 => "Maximum DHCP Message Size",
        58 => "Renewal Time Value",
        59 => "Rebinding Time Value",
        60 => "Vendor class identifier",
        61 => "Client identifier",
        62 => "Novell/Netware IP domain",
        63 => "Novell Options",
        64 => "Network Information Service+ Domain",
        65 => "Network Information Service+ Servers",
        66 => "TFTP Server Name",
        67 => "Bootfile name",
        68 => "Mobile IP Home Agent",
        69 => "SMTP Server",
        70 => "POP3 Server",
        71 => "NNTP Server",
        72 => "Default WWW Server",
        73 => "Default Finger Server",
        74 => "Default IRC Server",
        75 => "StreetTalk Server",
        76 => "StreetTalk Directory Assistance Server",
        77 => "User Class Information",
        78 => "Directory Agent Information",
        79 => "Service Location Agent Scope",
        80 => "Rapid commit",
        81 => "Client Fully Qualified Domain Name",
        82 => "Agent Information Option",
        83 => "iSNS",
        84 | 96 | 110 | 115 | 126 | 127 => "Removed/Unassigned",
        85 => "Novell Directory Services Servers",
        86 => "Novell Directory Services Tree Name",
        87 => "Novell Directory Services Context",
        88 => "BCMCS Controller Domain Name [TODO:RFC4280]",
        89 => "BCMCS Controller IPv4 address [TODO:RFC4280]",
        90 => "Authentication",
        91 => "Client last transaction time",
        92 => "Associated IP option",
        93 => "Client System Architecture",
        94 => "Client Network Device Interface",
        95 => "LDAP [TODO:RFC3679]",
        97 => "UUID/GUID-based Client Identifier",
        98 => "Open Group's User Authentication [TODO:RFC2485]",
        99 => "Civic Addresses Configuration",
        100 => "PCode",
        101 => "TCode",
        102..=107 => "Removed/unassigned",
        108 => "IPv6-Only Preferred",
        112 => "NetInfo Parent Server Address",
        113 => "NetInfo Parent Server Tag",
        114 => "DHCP Captive-Portal",
        116 => "DHCP Auto-Configuration",
        117 => "Name Service Search",
        118 => "Subnet Selection Option",
        119 => "Domain Search",
        120 => "SIP Servers",
        121 => "Classless Static Route",
        122 => "CableLabs Client Configuration [TODO:RFC3495]",
        123 => "Coordinate-based Location Configuration",
        124 => "V-I Vendor Class",
        125 => "V-I Vendor-specific Information",
        128 => "DOCSIS full security server IP [TODO]",
        129..=135 => "PXE - undefined (vendor specific)",
        136 => "PANA Authentication Agent",
        137 => "LoST Server Domain Name",
        138 => "CAPWAP Access Controllers",
        139 => "IPv4 Address-MoS",
        140 => "IPv4 FQDN-MoS",
        141 => "SIP UA Configuration Domains",
        142 => "IPv4 Address ANDSF",
        143 => "Zerotouch Redirect [TODO: draft-ietf-netconf-zerotouch]",
        144 => "Geospatial Location [TODO:RFC6225]",
        145 => "Forcerenew Nonce Capable",
        146 => "RDNSS Selection",
        150 => "TFTP Server Address",
        151 => "Leasequery Status code",
        152 => "Leasequery Base Time",
        153 => "Leasequery Start Time of State",
        154 => "Leasequery Query Start Time",
        155 => "Leasequery Query End Time",
        156 => "Leasequery Dhcp State",
        157 => "Leasequery Data Source",
        158 => "PCP Server",
        159 => "Portparams",
        160 => "Unassigned (ex DHCP Captive-Portal)",
        161 => "Manufacturer Usage Description",
        175 | 177 => "Etherboot",
        176 => "IP Telephone",
        208 => "PXELINUX Magic",
        209 => "PXE Configuration file",
        210 => "PXE Path Prefix",
        211 => "Reboot Time",
        212 => "6RD",
        213 => "V4 Access Domain",
        220 => "Subnet Allocation",
        221 => "Virtual Subnet Selection",
        224 | 225 | 226 | 227 | 228 | 229 | 230 | 231 | 232 | 233 | 234 | 235 | 236 | 237 | 238
        | 239 | 240 | 241 | 243 | 244 | 245 | 246 | 247 | 248 | 250 | 251 | 253 | 254 => "Private",
        242 => "Private/Avaya IP Telephone",
        249 => "Private/Classless Static Route (Microsoft)",
        252 => "Private/Proxy autodiscovery",
        255 => "End",
        _ => "Unassigned",
    }
}

/// The ports of servers, of clients, and of boot servers (PXE).
pub(crate) const PORTS: [u16; 3] = [67, 68, 4011];
const PROXY_PORT: u16 = 4011;
const MAGIC: [u8; 4] = [0x63, 0x82, 0x53, 0x63];
/// Where what is behind the fixed part begins.
const OPTIONS: usize = 236;
const PAD: u8 = 0;
const DHCP_MESSAGE_TYPE: u8 = 53;
const END: u8 = 255;

/// A message type as it is shown in the list.
struct MessageName(u8);

impl std::fmt::Display for MessageName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match message_name(self.0.into()) {
            // So that columns are even.
            Some(name) => f.pad(name),
            None => write!(f, "Unknown Message Type (0x{:02x})", self.0),
        }
    }
}

/// Dissects a message; `ports` are those of the datagram.
pub(crate) fn dissect(
    walk: &mut Walk<'_, '_>,
    region: Region<'_>,
    ports: [u16; 2],
) -> Result<(), Stop> {
    walk.columns.set_protocol("BOOTP");
    walk.columns.clear_info();
    let added = walk.begin(THIS, &region, region.captured().len());
    let (op, hw_type, hw_len) = (region.u8(0)?, region.u8(1)?, region.u8(2)?);
    let is_ether = matches!(hw_type, 1 | 6) && hw_len == 6;
    match op {
        1 if is_ether => {
            let mac = Ether(region.array(28)?);
            walk.columns
                .set_info(format_args!("Boot Request from {mac} ({mac})"));
        }
        1 => walk.columns.set_info(format_args!("Boot Request")),
        2 => walk.columns.set_info(format_args!("Boot Reply")),
        op => walk
            .columns
            .set_info(format_args!("Unknown BOOTP message type ({op})")),
    }
    let wanted = walk.tree.wants_any_of(THIS.protocol);
    if wanted {
        header(walk, &region, hw_len, is_ether)?;
    }
    let cookie = region.array::<4>(OPTIONS)?;
    let options = region.rest(OPTIONS + 4);
    if cookie == MAGIC
        && let Some(kind) = message_type(options.captured())
    {
        let proxy = if ports.contains(&PROXY_PORT) {
            "proxy"
        } else {
            ""
        };
        let id = region.u32(4)?;
        walk.columns.set_protocol("DHCP");
        let shown = MessageName(kind);
        walk.columns.set_info(format_args!(
            "{proxy}DHCP {shown:<8} - Transaction ID {id:#x}"
        ));
        walk.tree.label(
            added,
            format_args!("Dynamic Host Configuration Protocol ({shown})"),
        );
    }
    if wanted {
        let node = walk
            .tree
            .add(COOKIE, region.place(OPTIONS, 4), Value::Ipv4(cookie));
        if cookie == MAGIC {
            walk.tree.label(node, format_args!("Magic cookie: DHCP"));
            self::options(walk, &options)?;
        }
    }
    walk.end();
    Ok(())
}

/// What the option for the type of the message says.
fn message_type(options: &[u8]) -> Option<u8> {
    let mut rest = options;
    loop {
        let (&code, after) = rest.split_first()?;
        match code {
            PAD => rest = after,
            END => return None,
            code => {
                let (&len, after) = after.split_first()?;
                let data = after.get(..usize::from(len))?;
                if code == DHCP_MESSAGE_TYPE {
                    return data.first().copied();
                }
                rest = after.get(usize::from(len)..)?;
            }
        }
    }
}

fn header(
    walk: &mut Walk<'_, '_>,
    region: &Region<'_>,
    hw_len: u8,
    is_ether: bool,
) -> Result<(), Stop> {
    walk.u8(TYPE, region, 0)?;
    walk.u8(HW_TYPE, region, 1)?;
    walk.u8(HW_LEN, region, 2)?;
    walk.u8(HOPS, region, 3)?;
    walk.u32(ID, region, 4)?;
    walk.u16(SECS, region, 8)?;
    let flags = region.u16(10)?;
    let place = region.place(10, 2);
    let node = walk.tree.add(FLAGS, place, Value::Uint(flags.into()));
    let broadcast = if flags & 0x8000 == 0 {
        " (Unicast)"
    } else {
        ", Broadcast flag (Broadcast)"
    };
    walk.tree
        .label(node, format_args!("Bootp flags: {flags:#06x}{broadcast}"));
    walk.tree.open();
    walk.tree
        .add(FLAGS_BC, place, Value::Bool(flags & 0x8000 != 0));
    walk.tree
        .add(FLAGS_RESERVED, place, Value::Uint((flags & 0x7fff).into()));
    walk.tree.close();
    for (field, at) in [(CLIENT, 12), (YOUR, 16), (SERVER_IP, 20), (RELAY, 24)] {
        let value = Value::Ipv4(region.array(at)?);
        walk.tree.add(field, region.place(at, 4), value);
    }
    let hw_len = usize::from(hw_len);
    if is_ether {
        let value = Value::Ether(region.array(28)?);
        let place = region.place(28, 6);
        walk.tree.add(HW_MAC, place, value);
    } else if (1..=16).contains(&hw_len) {
        walk.tree
            .add(HW_ADDR, region.place(28, hw_len), Value::Bytes);
    }
    if hw_len < 16 && hw_len > 0 {
        let place = region.place(28 + hw_len, 16 - hw_len);
        walk.tree.add(HW_PADDING, place, Value::Bytes);
    }
    for (field, at, len, title) in [
        (SERVER, 44, 64, "Server host name"),
        (FILE, 108, 128, "Boot file name"),
    ] {
        let bytes = region.slice(at, len)?;
        let text = bytes.split(|byte| *byte == 0).next().unwrap_or(&[]);
        let node = walk.tree.add_formatted(
            field,
            region.place(at, len),
            format_args!("{}", Escaped(text)),
        );
        if text.is_empty() {
            walk.tree.label(node, format_args!("{title} not given"));
        }
    }
    Ok(())
}

fn options(walk: &mut Walk<'_, '_>, region: &Region<'_>) -> Result<(), Stop> {
    let mut at = 0;
    while at < region.reported() {
        let code = region.u8(at)?;
        let value = Value::Uint(code.into());
        if code == PAD {
            let bytes = region.captured().get(at..).unwrap_or(&[]);
            let len = bytes.iter().take_while(|byte| **byte == PAD).count();
            let node = walk.tree.add(OPTION, region.place(at, len), value);
            walk.tree.label(node, format_args!("Option: (0) Padding"));
            walk.tree.open();
            walk.tree
                .add(OPTION_PADDING, region.place(at, len), Value::Bytes);
            walk.tree.close();
            at += len;
            continue;
        }
        if code == END {
            let node = walk.tree.add(OPTION, region.place(at, 1), value);
            walk.tree.label(node, format_args!("Option: (255) End"));
            walk.tree.open();
            walk.tree.add(OPTION_END, region.place(at, 1), value);
            walk.tree.close();
            let left = region.rest(at + 1);
            if !left.captured().is_empty() {
                walk.bytes(OPTION_PADDING, &left);
            }
            return Ok(());
        }
        let len = usize::from(region.u8(at + 1)?);
        let node = walk.tree.add(OPTION, region.place(at, len + 2), value);
        let name = option_name(code);
        let data = region.part(at + 2, len);
        let address = data.array::<4>(0).ok().filter(|_| len == 4);
        match (code, address) {
            (DHCP_MESSAGE_TYPE, _) => {
                let kind = MessageName(data.u8(0).unwrap_or(0));
                walk.tree
                    .label(node, format_args!("Option: (53) {name} ({kind})"));
            }
            (1 | 28 | 50 | 54, Some(address)) => {
                let address = std::net::Ipv4Addr::from(address);
                walk.tree
                    .label(node, format_args!("Option: ({code}) {name} ({address})"));
            }
            _ => walk
                .tree
                .label(node, format_args!("Option: ({code}) {name}")),
        }
        walk.tree.open();
        walk.u8(OPTION_LEN, region, at + 1)?;
        region.slice(at + 2, len)?;
        option(walk, code, &data)?;
        walk.tree.close();
        at += 2 + len;
    }
    Ok(())
}

/// What the data of an option are.
enum Shape {
    Addresses(FieldId),
    Byte(FieldId),
    Number(FieldId),
    Seconds(FieldId),
    Text(FieldId),
}

const fn shape(code: u8) -> Option<Shape> {
    Some(match code {
        1 => Shape::Addresses(SUBNET_MASK),
        3 => Shape::Addresses(ROUTER),
        6 => Shape::Addresses(DNS_SERVER),
        12 => Shape::Text(HOSTNAME),
        15 => Shape::Text(DOMAIN_NAME),
        26 => Shape::Number(MTU),
        28 => Shape::Addresses(BROADCAST),
        42 => Shape::Addresses(NTP_SERVER),
        50 => Shape::Addresses(REQUESTED),
        51 => Shape::Seconds(LEASE_TIME),
        DHCP_MESSAGE_TYPE => Shape::Byte(MESSAGE_TYPE),
        54 => Shape::Addresses(SERVER_ID),
        56 => Shape::Text(MESSAGE),
        57 => Shape::Number(MAX_SIZE),
        58 => Shape::Seconds(RENEWAL),
        59 => Shape::Seconds(REBINDING),
        60 => Shape::Text(VENDOR_CLASS),
        66 => Shape::Text(TFTP_NAME),
        67 => Shape::Text(BOOTFILE),
        _ => return None,
    })
}

fn option(walk: &mut Walk<'_, '_>, code: u8, data: &Region<'_>) -> Result<(), Stop> {
    const REQUEST_LIST: u8 = 55;
    const CLIENT_ID: u8 = 61;
    let bytes = data.captured();
    match shape(code) {
        Some(Shape::Addresses(field)) if bytes.len() >= 4 => {
            for at in (0..bytes.len() - 3).step_by(4) {
                let value = Value::Ipv4(data.array(at)?);
                walk.tree.add(field, data.place(at, 4), value);
            }
        }
        Some(Shape::Text(field)) => {
            let text = bytes.split(|byte| *byte == 0).next().unwrap_or(&[]);
            let place = data.place(0, bytes.len());
            walk.tree
                .add_formatted(field, place, format_args!("{}", Escaped(text)));
        }
        Some(Shape::Byte(field)) if !bytes.is_empty() => {
            walk.u8(field, data, 0)?;
        }
        Some(Shape::Number(field)) if bytes.len() >= 2 => {
            walk.u16(field, data, 0)?;
        }
        Some(Shape::Seconds(field)) if bytes.len() >= 4 => {
            let seconds = walk.tree.wants(field).then(|| data.u32(0)).transpose()?;
            let seconds = seconds.unwrap_or(0);
            let value = Value::Uint(seconds.into());
            let node = walk.tree.add(field, data.place(0, 4), value);
            let title = field.field().title;
            if seconds == u32::MAX {
                walk.tree
                    .label(node, format_args!("{title}: ({seconds}s) infinity"));
            } else {
                walk.tree.label(
                    node,
                    format_args!("{title}: ({seconds}s) {}", Words(seconds)),
                );
            }
        }
        _ => match code {
            REQUEST_LIST => {
                for (at, item) in bytes.iter().enumerate() {
                    let value = Value::Uint((*item).into());
                    let node = walk.tree.add(REQUEST_ITEM, data.place(at, 1), value);
                    let name = option_name(*item);
                    walk.tree.label(
                        node,
                        format_args!("Parameter Request List Item: ({item}) {name}"),
                    );
                }
            }
            CLIENT_ID if bytes.len() == 7 && matches!(bytes.first(), Some(1..)) => {
                walk.u8(HW_TYPE, data, 0)?;
                let value = Value::Ether(data.array(1)?);
                walk.tree.add(HW_MAC, data.place(1, 6), value);
            }
            _ => {
                walk.bytes(OPTION_VALUE, data);
            }
        },
    }
    Ok(())
}
