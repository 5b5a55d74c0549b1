//! What addresses are called, as lines of a hosts file (`tshark -z hosts`): by what DNS answered, and by
//! the names that a pcapng file has.
//!
//! tshark prints them in an order that is another each time; here they are in that of the addresses.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::IpAddr;

use super::{Known, Statistic, StatisticError};
use crate::read::Columns;
use crate::read::pipeline::ReadPlan;
use crate::read::proto::text::shown;
use crate::read::tree::{Tree, Value, Wanted};
use crate::read::walk::Frame;
use crate::source::file::HostName;

/// Addresses that are remembered.
const MOST: usize = 1 << 20;
/// Bytes of a name that are kept (`MAXNAMELEN` of Wireshark's `epan/addr_resolv.h`, without the NUL).
const LONGEST: usize = 63;

/// The class of the Internet, in the bits that tshark looks at (RFC 1035 section 3.2.4).
const CLASS_BITS: u64 = 0x7f;
const INTERNET: u64 = 1;

/// Names of addresses.
#[derive(Debug)]
pub(super) struct Hosts {
    v4: bool,
    v6: bool,
    /// What DNS tells counts (`-n` says that it does not).
    hears_dns: bool,
    /// What is read.
    files: String,
    name: Known,
    class: Known,
    address: Known,
    address_v6: Known,
    names: BTreeMap<IpAddr, String>,
    left_out: u64,
}

impl Hosts {
    /// `[,ip|ipv4|ipv6]…`
    pub(super) fn parse(rest: &str) -> Result<Box<dyn Statistic>, StatisticError> {
        let (mut v4, mut v6) = (rest.is_empty(), rest.is_empty());
        if !rest.is_empty() {
            let words = rest.strip_prefix(',').unwrap_or("");
            for word in words.split(',') {
                match word {
                    "ip" | "ipv4" => v4 = true,
                    "ipv6" => v6 = true,
                    _ => {
                        return Err(StatisticError::Argument {
                            name: "hosts",
                            reason: format!("{rest:?} is none of ,ip ,ipv4 ,ipv6"),
                        });
                    }
                }
            }
        }
        Ok(Box::new(Self {
            v4,
            v6,
            hears_dns: true,
            files: String::new(),
            name: Known::named("dns.resp.name"),
            class: Known::named("dns.resp.class"),
            address: Known::named("dns.a"),
            address_v6: Known::named("dns.aaaa"),
            names: BTreeMap::new(),
            left_out: 0,
        }))
    }

    /// What was said last counts; how it is written counts only if the name is another.
    fn add(&mut self, address: IpAddr, name: &str) {
        if name.is_empty() {
            return;
        }
        if self.names.len() >= MOST && !self.names.contains_key(&address) {
            self.left_out += 1;
            return;
        }
        let known = self.names.entry(address).or_default();
        if !known.eq_ignore_ascii_case(name) {
            known.clear();
            known.push_str(&name[..name.floor_char_boundary(LONGEST)]);
        }
    }
}

impl Statistic for Hosts {
    fn begin(&mut self, plan: &ReadPlan) {
        self.hears_dns = plan.preferences.dns_names;
        let files = plan.files.iter().map(|file| file.display().to_string());
        self.files = files.collect::<Vec<_>>().join(", ");
        if self.files.is_empty() {
            self.files.push('-');
        }
    }

    fn want(&self, wanted: &mut Wanted) {
        if self.hears_dns {
            for known in [&self.name, &self.class, &self.address, &self.address_v6] {
                known.want(wanted);
            }
        }
    }

    fn names(&mut self, names: &[HostName]) {
        for HostName { address, name } in names {
            self.add(*address, name);
        }
    }

    fn frame(&mut self, _frame: &Frame<'_>, tree: &Tree, _columns: &Columns) {
        if !self.hears_dns {
            return;
        }
        let mut name = "";
        let mut class = 0;
        for node in tree.nodes() {
            match node.value {
                Value::Text(range) if self.name.is(node) => name = tree.text(range),
                Value::Uint(number) if self.class.is(node) => class = number & CLASS_BITS,
                Value::Ipv4(bytes) if class == INTERNET && self.address.is(node) => {
                    self.add(bytes.into(), name);
                }
                Value::Ipv6(bytes) if class == INTERNET && self.address_v6.is(node) => {
                    self.add(bytes.into(), name);
                }
                _ => {}
            }
        }
    }

    fn print(&mut self, out: &mut String) {
        // Writing to a string does not fail, in all of these.
        let _infallible = write!(
            out,
            "# TShark hosts output\n#\n# Host data gathered from {}\n\n",
            shown(&self.files)
        );
        for (address, name) in &self.names {
            if address.is_ipv4() && self.v4 || address.is_ipv6() && self.v6 {
                let _infallible = writeln!(out, "{address}\t{}", shown(name));
            }
        }
        if self.left_out > 0 {
            let _infallible = writeln!(
                out,
                "# {} further answers; {MOST} addresses are kept",
                self.left_out
            );
        }
    }
}
