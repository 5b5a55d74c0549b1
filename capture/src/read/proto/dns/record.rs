//! Questions and resource records (RFC 1035 sections 4.1.2 and 4.1.3).

use std::net::Ipv4Addr;

use super::names::{class_name, option_name, type_name};
use super::{Flavor, name, security, service};
use crate::read::field::FieldId;
use crate::read::proto::expert::{Group, Severity};
use crate::read::proto::text::{Escaped, Words};
use crate::read::region::{Region, Stop};
use crate::read::render::Ipv6;
use crate::read::tree::{Added, Value};
use crate::read::walk::Walk;

const SRV: u16 = 33;
const OPT: u16 = 41;

/// Options of EDNS(0).
const CLIENT_SUBNET: u16 = 8;
const COOKIE: u16 = 10;
const PADDING: u16 = 12;
/// Bytes of the client's part of a cookie.
const COOKIE_LEN: usize = 8;

/// A message whose records are read.
pub(super) struct Message<'r, 'b> {
    pub(super) region: &'r Region<'b>,
    pub(super) flavor: Flavor,
    /// The name of the record, and one in its data: used again for each.
    pub(super) name: String,
    pub(super) data: String,
}

/// A record's type as it is shown.
struct TypeName(u16);

impl std::fmt::Display for TypeName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match type_name(self.0) {
            Some(name) => f.write_str(name),
            None => write!(f, "Unknown ({})", self.0),
        }
    }
}

/// A class as it is shown in the title of a record.
struct ClassName(u16);

impl std::fmt::Display for ClassName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match class_name(self.0.into()) {
            Some(name) => f.write_str(name),
            None => write!(f, "Unknown (0x{:04x})", self.0),
        }
    }
}

impl Message<'_, '_> {
    /// The class without the bit that multicast DNS uses, and that bit.
    fn class(&self, class: u16) -> (u16, bool) {
        if self.flavor == Flavor::Mdns {
            (class & 0x7fff, class & 0x8000 != 0)
        } else {
            (class, false)
        }
    }

    /// A question; gives its length.
    pub(super) fn question(&mut self, walk: &mut Walk<'_, '_>, at: usize) -> Result<usize, Stop> {
        let Self { region, .. } = *self;
        let name_len = name::read(region, at, &mut self.name)?;
        let (kind, whole_class) = (region.u16(at + name_len)?, region.u16(at + name_len + 2)?);
        let (class, bit) = self.class(whole_class);
        let (name, shown) = (&self.name, TypeName(kind));
        walk.columns.append_info(format_args!(" {shown} {name}"));
        let is_mdns = self.flavor == Flavor::Mdns;
        let question = if bit { "QU" } else { "QM" };
        if is_mdns {
            walk.columns
                .append_info(format_args!(", \"{question}\" question"));
        }
        let len = name_len + 4;
        if !walk.tree.wants_any_of(super::THIS.protocol) {
            return Ok(len);
        }
        let tree = &mut *walk.tree;
        if is_mdns {
            tree.heading(
                region.place(at, len),
                format_args!(
                    "{name}: type {shown}, class {}, \"{question}\" question",
                    ClassName(class)
                ),
            );
        } else {
            tree.heading(
                region.place(at, len),
                format_args!("{name}: type {shown}, class {}", ClassName(class)),
            );
        }
        tree.open();
        tree.add_text(super::QRY_NAME, region.place(at, name_len), name);
        let is_root = name == "<Root>";
        let chars = if is_root { 6 } else { name.len() };
        tree.add_generated(super::QRY_NAME_LEN, Value::Uint(chars as u64));
        let labels = if is_root { 0 } else { name.split('.').count() };
        tree.add_generated(super::COUNT_LABELS, Value::Uint(labels as u64));
        let (type_at, class_at) = (
            region.place(at + name_len, 2),
            region.place(at + name_len + 2, 2),
        );
        tree.add(super::QRY_TYPE, type_at, Value::Uint(kind.into()));
        self.show_class(
            walk,
            (super::QRY_CLASS, super::QRY_QU),
            class_at,
            whole_class,
        );
        walk.tree.close();
        Ok(len)
    }

    fn show_class(
        &self,
        walk: &mut Walk<'_, '_>,
        (field, bit): (FieldId, FieldId),
        place: crate::read::tree::Place,
        whole: u16,
    ) {
        let (class, is_set) = self.class(whole);
        let tree = &mut *walk.tree;
        let added = tree.add(field, place, Value::Uint(class.into()));
        if self.flavor == Flavor::Mdns {
            let bits = crate::read::render::Bits::new(class.into(), 0x7fff, 16);
            tree.label(
                added,
                format_args!("{bits} = Class: {} (0x{class:04x})", ClassName(class)),
            );
            tree.add(bit, place, Value::Bool(is_set));
        }
    }

    /// A record; gives its length.
    pub(super) fn record(&mut self, walk: &mut Walk<'_, '_>, at: usize) -> Result<usize, Stop> {
        let region = self.region;
        let name_len = name::read(region, at, &mut self.name)?;
        let fixed = at + name_len;
        let (kind, whole_class) = (region.u16(fixed)?, region.u16(fixed + 2)?);
        let (ttl, data_len) = (region.u32(fixed + 4)?, usize::from(region.u16(fixed + 8)?));
        let shown = TypeName(kind);
        walk.columns.append_info(format_args!(" {shown}"));
        let (class, flush) = self.class(whole_class);
        let is_flush = self.flavor == Flavor::Mdns && flush && kind != OPT;
        if is_flush {
            walk.columns.append_info(format_args!(", cache flush"));
        }
        let len = name_len + 10 + data_len;
        // Nothing is shown of a record that is cut off.
        region.slice(at, len)?;
        let wanted = walk.tree.wants_any_of(super::THIS.protocol);
        let mut heading = Added::NOT;
        if wanted {
            let tree = &mut *walk.tree;
            let place = region.place(at, len);
            let name = &self.name;
            // Its title is completed with what its data say.
            self.data.clear();
            heading = if kind == OPT {
                tree.heading(place, format_args!("{name}: type {shown}"))
            } else {
                let flush = if is_flush { ", cache flush" } else { "" };
                tree.heading(
                    place,
                    format_args!("{name}: type {shown}, class {}{flush}", ClassName(class)),
                )
            };
            tree.open();
            // Of a service, the data say what its name is made of.
            if kind == SRV {
                let mut parts = name.splitn(3, '.');
                let place = region.place(at, name_len);
                for field in [super::SRV_SERVICE, super::SRV_PROTO, super::SRV_NAME] {
                    if let Some(part) = parts.next() {
                        tree.add_text(field, place, part);
                    }
                }
            } else {
                tree.add_text(super::RESP_NAME, region.place(at, name_len), name);
            }
            let value = Value::Uint(kind.into());
            tree.add(super::RESP_TYPE, region.place(fixed, 2), value);
            if kind == OPT {
                self.edns(walk, fixed)?;
            } else {
                let place = region.place(fixed + 2, 2);
                self.show_class(
                    walk,
                    (super::RESP_CLASS, super::CACHE_FLUSH),
                    place,
                    whole_class,
                );
                let tree = &mut *walk.tree;
                let added = tree.add(
                    super::RESP_TTL,
                    region.place(fixed + 4, 4),
                    Value::Uint(ttl.into()),
                );
                tree.label(added, format_args!("Time to live: {ttl} ({})", Words(ttl)));
            }
            walk.u16(super::RESP_LEN, region, fixed + 8)?;
        }
        self.data(walk, kind, fixed + 10, data_len, heading)?;
        if wanted {
            walk.tree.close();
        }
        Ok(len)
    }

    /// What EDNS(0) makes of a record's class and time to live (RFC 6891 section 6.1.2).
    fn edns(&self, walk: &mut Walk<'_, '_>, fixed: usize) -> Result<(), Stop> {
        let region = self.region;
        let size = region.u16(fixed + 2)?;
        let added = walk.tree.add(
            super::PAYLOAD_SIZE,
            region.place(fixed + 2, 2),
            Value::Uint(size.into()),
        );
        walk.tree
            .label(added, format_args!("UDP payload size: {size}"));
        walk.u8(super::EXT_RCODE, region, fixed + 4)?;
        walk.u8(super::EDNS_VERSION, region, fixed + 5)?;
        let z = walk.u16(super::RESP_Z, region, fixed + 6)?;
        let place = region.place(fixed + 6, 2);
        walk.tree.open();
        walk.tree
            .add(super::Z_DO, place, Value::Bool(z & 0x8000 != 0));
        walk.tree
            .add(super::Z_RESERVED, place, Value::Uint((z & 0x7fff).into()));
        walk.tree.close();
        Ok(())
    }

    /// A name in the data, which the list and the title show.
    fn name_in_data(
        &mut self,
        walk: &mut Walk<'_, '_>,
        field: FieldId,
        at: usize,
    ) -> Result<usize, Stop> {
        let len = name::read(self.region, at, &mut self.data)?;
        walk.tree
            .add_text(field, self.region.place(at, len), &self.data);
        Ok(len)
    }

    /// Completes the title of a record.
    fn title(
        &self,
        walk: &mut Walk<'_, '_>,
        heading: Added,
        kind: u16,
        at: usize,
        more: std::fmt::Arguments<'_>,
    ) {
        if heading == Added::NOT || !walk.tree.labels() {
            return;
        }
        // The class lies 8 bytes before the data.
        let class = self.region.u16(at - 8).unwrap_or(0);
        let (class, flush) = self.class(class);
        let flush = if flush { ", cache flush" } else { "" };
        let (name, kind) = (&self.name, TypeName(kind));
        walk.tree.label(
            heading,
            format_args!(
                "{name}: type {kind}, class {}{flush}{more}",
                ClassName(class)
            ),
        );
    }

    #[expect(clippy::too_many_lines, reason = "one type after the other")]
    fn data(
        &mut self,
        walk: &mut Walk<'_, '_>,
        kind: u16,
        at: usize,
        len: usize,
        heading: Added,
    ) -> Result<(), Stop> {
        let region = self.region;
        if len == 0 {
            return Ok(());
        }
        match kind {
            1 => {
                let address = region.array::<4>(at)?;
                walk.tree
                    .add(super::A, region.place(at, 4), Value::Ipv4(address));
                let address = Ipv4Addr::from(address);
                walk.columns.append_info(format_args!(" {address}"));
                self.title(walk, heading, kind, at, format_args!(", addr {address}"));
            }
            28 => {
                let address = region.array::<16>(at)?;
                walk.tree
                    .add(super::AAAA, region.place(at, 16), Value::Ipv6(address));
                let address = Ipv6(address);
                walk.columns.append_info(format_args!(" {address}"));
                self.title(walk, heading, kind, at, format_args!(", addr {address}"));
            }
            2 | 5 | 12 | 39 => {
                let (field, word) = match kind {
                    2 => (super::NS, "ns"),
                    5 => (super::CNAME, "cname"),
                    12 => (super::PTR, ""),
                    _ => (super::DNAME, "dname"),
                };
                self.name_in_data(walk, field, at)?;
                let name = &self.data;
                walk.columns.append_info(format_args!(" {name}"));
                let space = if word.is_empty() { "" } else { " " };
                self.title(
                    walk,
                    heading,
                    kind,
                    at,
                    format_args!(", {word}{space}{name}"),
                );
            }
            6 => self.soa(walk, at, heading)?,
            13 => self.hinfo(walk, at, heading)?,
            15 => {
                let preference = walk.u16(super::MX_PREFERENCE, region, at)?;
                self.name_in_data(walk, super::MX_EXCHANGE, at + 2)?;
                let name = &self.data;
                walk.columns
                    .append_info(format_args!(" {preference} {name}"));
                self.title(
                    walk,
                    heading,
                    kind,
                    at,
                    format_args!(", preference {preference}, mx {name}"),
                );
            }
            16 => {
                let mut place = at;
                while place < at + len {
                    let text_len = usize::from(walk.u8(super::TXT_LENGTH, region, place)?);
                    let text = region.slice(place + 1, text_len)?;
                    walk.tree.add_formatted(
                        super::TXT,
                        region.place(place + 1, text_len),
                        format_args!("{}", Escaped(text)),
                    );
                    place += 1 + text_len;
                }
            }
            33 => self.srv(walk, at, heading)?,
            35 => {
                let order = walk.u16(super::NAPTR_ORDER, region, at)?;
                let preference = walk.u16(super::NAPTR_PREFERENCE, region, at + 2)?;
                let mut place = at + 4;
                let mut flags = Escaped(&[]);
                for (field, text) in [
                    (super::NAPTR_FLAGS_LEN, super::NAPTR_FLAGS),
                    (super::NAPTR_SERVICE_LEN, super::NAPTR_SERVICE),
                    (super::NAPTR_REGEX_LEN, super::NAPTR_REGEX),
                ] {
                    let text_len = usize::from(walk.u8(field, region, place)?);
                    let value = Escaped(region.slice(place + 1, text_len)?);
                    let here = region.place(place + 1, text_len);
                    walk.tree.add_formatted(text, here, format_args!("{value}"));
                    if text == super::NAPTR_FLAGS {
                        flags = value;
                    }
                    place += 1 + text_len;
                }
                let name_len = name::read(region, place, &mut self.data)?;
                let here = region.place(place, name_len);
                let chars = Value::Uint(self.data.len() as u64);
                walk.tree.add_generated(super::NAPTR_REPLACEMENT_LEN, chars);
                walk.tree
                    .add_text(super::NAPTR_REPLACEMENT, here, &self.data);
                walk.columns
                    .append_info(format_args!(" {order} {preference} {flags}"));
                self.title(
                    walk,
                    heading,
                    kind,
                    at,
                    format_args!(", order {order}, preference {preference}, flags {flags}"),
                );
            }
            OPT => self.options(walk, at, len)?,
            29 => location(walk, region, at)?,
            47 => {
                security::dissect(walk, region, kind, at, len, &mut self.data)?;
                let name = &self.data;
                walk.columns.append_info(format_args!(" {name}"));
                let more = format_args!(", next domain name {name}");
                self.title(walk, heading, kind, at, more);
            }
            52 => {
                service::dissect(walk, region, kind, at, len, &mut self.data)?;
                let name = &self.name;
                walk.columns.append_info(format_args!(" {name}"));
            }
            _ if self.old(walk, kind, at)? => {}
            _ if security::dissect(walk, region, kind, at, len, &mut self.data)?
                || service::dissect(walk, region, kind, at, len, &mut self.data)? => {}
            _ => {
                // What is cut off stops here as in Wireshark.
                region.slice(at, len)?;
                walk.expert(
                    heading,
                    super::UNKNOWN_TYPE,
                    (Severity::Note, Group::Undecoded),
                    format_args!(
                        "Dissector for DNS Type ({kind}) code not implemented, \
                         Contact Wireshark developers if you want this supported"
                    ),
                );
                walk.tree
                    .add(super::DATA, region.place(at, len), Value::Bytes);
            }
        }
        Ok(())
    }

    /// Records that have gone out of use: what the list says of them. Of most, Wireshark repeats the name.
    fn old(&mut self, walk: &mut Walk<'_, '_>, kind: u16, at: usize) -> Result<bool, Stop> {
        let region = self.region;
        let repeats = matches!(kind, 3 | 4 | 7..=10 | 14 | 17..=23 | 26 | 27 | 42 | 49 | 51 | 55);
        if repeats {
            let name = &self.name;
            walk.columns.append_info(format_args!(" {name}"));
        }
        // Numbers before names, and how many names.
        let (skipped, names) = match kind {
            3 | 4 | 7..=9 | 23 | 30 => (0, 1),
            14 | 17 => (0, 2),
            18 | 21 | 36 => (2, 1),
            26 => (2, 2),
            11 => {
                let address = Ipv4Addr::from(region.array::<4>(at)?);
                walk.columns.append_info(format_args!(" {address}"));
                return Ok(true);
            }
            10 | 19 | 20 | 22 | 27 | 42 | 49 | 55 => return Ok(true),
            _ => return Ok(false),
        };
        let mut place = at + skipped;
        for _ in 0..names {
            place += name::read(region, place, &mut self.data)?;
        }
        let name = &self.data;
        match kind {
            30 => walk.columns.append_info(format_args!(" {name}")),
            36 => {
                let preference = region.u16(at)?;
                walk.columns
                    .append_info(format_args!(" {preference} {name}"));
            }
            _ => {}
        }
        Ok(true)
    }

    fn soa(&mut self, walk: &mut Walk<'_, '_>, at: usize, heading: Added) -> Result<(), Stop> {
        let region = self.region;
        let mut place = at + self.name_in_data(walk, super::SOA_MNAME, at)?;
        let name = &self.data;
        walk.columns.append_info(format_args!(" {name}"));
        self.title(walk, heading, 6, at, format_args!(", mname {name}"));
        place += self.name_in_data(walk, super::SOA_RNAME, place)?;
        walk.u32(super::SOA_SERIAL, region, place)?;
        let rest = [
            super::SOA_REFRESH,
            super::SOA_RETRY,
            super::SOA_EXPIRE,
            super::SOA_MINIMUM,
        ];
        for field in rest {
            place += 4;
            let seconds = region.u32(place)?;
            let value = Value::Uint(seconds.into());
            let added = walk.tree.add(field, region.place(place, 4), value);
            let title = field.field().title;
            walk.tree.label(
                added,
                format_args!("{title}: {seconds} ({})", Words(seconds)),
            );
        }
        Ok(())
    }

    fn hinfo(&self, walk: &mut Walk<'_, '_>, at: usize, heading: Added) -> Result<(), Stop> {
        let region = self.region;
        let cpu_len = usize::from(walk.u8(super::HINFO_CPU_LENGTH, region, at)?);
        let cpu = Escaped(region.slice(at + 1, cpu_len)?);
        let place = region.place(at + 1, cpu_len);
        walk.tree
            .add_formatted(super::HINFO_CPU, place, format_args!("{cpu}"));
        let os_at = at + 1 + cpu_len;
        let os_len = usize::from(walk.u8(super::HINFO_OS_LENGTH, region, os_at)?);
        let os = Escaped(region.slice(os_at + 1, os_len)?);
        let place = region.place(os_at + 1, os_len);
        walk.tree
            .add_formatted(super::HINFO_OS, place, format_args!("{os}"));
        walk.columns.append_info(format_args!(" {cpu} {os}"));
        self.title(walk, heading, 13, at, format_args!(", CPU {cpu}, OS {os}"));
        Ok(())
    }

    fn srv(&mut self, walk: &mut Walk<'_, '_>, at: usize, heading: Added) -> Result<(), Stop> {
        let region = self.region;
        let priority = walk.u16(super::SRV_PRIORITY, region, at)?;
        let weight = walk.u16(super::SRV_WEIGHT, region, at + 2)?;
        let port = walk.u16(super::SRV_PORT, region, at + 4)?;
        self.name_in_data(walk, super::SRV_TARGET, at + 6)?;
        let target = &self.data;
        walk.columns
            .append_info(format_args!(" {priority} {weight} {port} {target}"));
        self.title(
            walk,
            heading,
            33,
            at,
            format_args!(", priority {priority}, weight {weight}, port {port}, target {target}"),
        );
        Ok(())
    }

    fn options(&self, walk: &mut Walk<'_, '_>, at: usize, len: usize) -> Result<(), Stop> {
        let region = self.region;
        let mut place = at;
        // An option that says more than its record has room for takes from what follows.
        while place < at + len {
            let (code, data_len) = (region.u16(place)?, usize::from(region.u16(place + 2)?));
            let all = region.place(place, 4 + data_len);
            let added = walk.tree.add(super::OPT, all, Value::None);
            let name = option_name(code.into()).unwrap_or("Unknown");
            walk.tree.label(added, format_args!("Option: {name}"));
            walk.tree.open();
            walk.u16(super::OPT_CODE, region, place)?;
            walk.u16(super::OPT_LEN, region, place + 2)?;
            if data_len > 0 {
                region.slice(place + 4, data_len)?;
                let data = region.place(place + 4, data_len);
                walk.tree.add(super::OPT_DATA, data, Value::Bytes);
            }
            option(walk, &region.part(place + 4, data_len), code)?;
            walk.tree.close();
            place += 4 + data_len;
        }
        Ok(())
    }
}

/// What some options hold (RFC 7871, RFC 7873, RFC 7830).
fn option(walk: &mut Walk<'_, '_>, data: &Region<'_>, code: u16) -> Result<(), Stop> {
    let len = data.reported();
    match code {
        CLIENT_SUBNET if len >= 4 => {
            let family = walk.u16(super::CLIENT_FAMILY, data, 0)?;
            walk.u8(super::CLIENT_NETMASK, data, 2)?;
            walk.u8(super::CLIENT_SCOPE, data, 3)?;
            let bytes = data.slice(4, len - 4)?;
            let place = data.place(4, len - 4);
            let mut address = [0; 16];
            for (byte, part) in address.iter_mut().zip(bytes) {
                *byte = *part;
            }
            let [a, b, c, d, ..] = address;
            let (field, value) = match family {
                1 => (super::CLIENT_ADDR4, Value::Ipv4([a, b, c, d])),
                2 => (super::CLIENT_ADDR6, Value::Ipv6(address)),
                _ => (super::CLIENT_ADDR, Value::Bytes),
            };
            walk.tree.add(field, place, value);
        }
        COOKIE if len >= COOKIE_LEN => {
            let place = data.place(0, COOKIE_LEN);
            walk.tree.add(super::CLIENT_COOKIE, place, Value::Bytes);
            let place = data.place(COOKIE_LEN, len - COOKIE_LEN);
            walk.tree.add(super::SERVER_COOKIE, place, Value::Bytes);
        }
        PADDING if len > 0 => {
            walk.bytes(super::OPT_PADDING, data);
        }
        _ => {}
    }
    Ok(())
}

/// Where something is (RFC 1876).
fn location(walk: &mut Walk<'_, '_>, region: &Region<'_>, at: usize) -> Result<(), Stop> {
    const MIDDLE: i64 = 1 << 31;
    walk.u8(super::LOC_VERSION, region, at)?;
    for (field, offset) in [
        (super::LOC_SIZE, 1),
        (super::LOC_HORIZONTAL, 2),
        (super::LOC_VERTICAL, 3),
    ] {
        let number = region.u8(at + offset)?;
        // Centimeters: a digit, and the zeros behind it.
        let cm = f64::from(number >> 4) * 10_f64.powi((number & 15).into());
        let place = region.place(at + offset, 1);
        let added = walk.tree.add(field, place, Value::Uint(number.into()));
        let title = field.field().title;
        let meters = cm / 100.0;
        walk.tree
            .label(added, format_args!("{title}: {number} ({meters} m)"));
    }
    for (field, offset, sides) in [
        (super::LOC_LATITUDE, 4, ['N', 'S']),
        (super::LOC_LONGITUDE, 8, ['E', 'W']),
    ] {
        let number = region.u32(at + offset)?;
        let place = region.place(at + offset, 4);
        let added = walk.tree.add(field, place, Value::Uint(number.into()));
        let title = field.field().title;
        let from = i64::from(number) - MIDDLE;
        let side = sides[usize::from(from < 0)];
        let ms = from.unsigned_abs();
        let (degrees, minutes) = (ms / 3_600_000, ms / 60_000 % 60);
        let (seconds, rest) = (ms / 1000 % 60, ms % 1000);
        walk.tree.label(
            added,
            format_args!(
                "{title}: {number} ({degrees} deg {minutes} min {seconds}.{rest:03} sec {side})"
            ),
        );
    }
    let altitude = region.u32(at + 12)?;
    let place = region.place(at + 12, 4);
    let added = walk
        .tree
        .add(super::LOC_ALTITUDE, place, Value::Uint(altitude.into()));
    let meters = (f64::from(altitude) - 10_000_000.0) / 100.0;
    walk.tree
        .label(added, format_args!("Altitude: {altitude} ({meters} m)"));
    Ok(())
}
