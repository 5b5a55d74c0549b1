//! The second byte of the header: differentiated services and congestion (RFC 2474, RFC 3168), or the
//! type of service that it was before (RFC 791, RFC 1349), as `ip.decode_tos_as_diffserv` has it.

use super::{
    DSCP, DSFIELD, ECN, TOS, TOS_COST, TOS_DELAY, TOS_PRECEDENCE, TOS_RELIABILITY, TOS_THROUGHPUT,
};
use crate::read::proto::names::pick;
use crate::read::region::Region;
use crate::read::tree::Value;
use crate::read::walk::Walk;

/// Tells what service a packet asks for.
pub(super) fn dissect(walk: &mut Walk<'_, '_>, region: &Region<'_>, services: u8) {
    if !walk.preferences.ip_decode_tos_as_diffserv {
        return type_of_service(walk, region, services);
    }
    let tree = &mut *walk.tree;
    let place = region.place(1, 1);
    let field = tree.add(DSFIELD, place, Value::Uint(services.into()));
    tree.label(
        field,
        format_args!(
            "Differentiated Services Field: {services:#04x} (DSCP: {}, ECN: {})",
            short_codepoint(services >> 2),
            short_congestion(services)
        ),
    );
    tree.open();
    tree.add(DSCP, place, Value::Uint((services >> 2).into()));
    tree.add(ECN, place, Value::Uint((services & 3).into()));
    tree.close();
}

/// What stands for a codepoint without a name.
pub(crate) const UNKNOWN_CODEPOINT: &str = "Unknown";

/// Short name of a differentiated services codepoint.
pub(crate) const fn short_codepoint(codepoint: u8) -> &'static str {
    match codepoint {
        0 => "CS0",
        1 => "LE",
        8 => "CS1",
        10 => "AF11",
        12 => "AF12",
        14 => "AF13",
        16 => "CS2",
        18 => "AF21",
        20 => "AF22",
        22 => "AF23",
        24 => "CS3",
        26 => "AF31",
        28 => "AF32",
        30 => "AF33",
        32 => "CS4",
        34 => "AF41",
        36 => "AF42",
        38 => "AF43",
        40 => "CS5",
        44 => "VOICE-ADMIT",
        46 => "EF PHB",
        48 => "CS6",
        56 => "CS7",
        _ => UNKNOWN_CODEPOINT,
    }
}

/// Short name of the two bits about congestion.
pub(crate) const fn short_congestion(services: u8) -> &'static str {
    match services & 3 {
        0 => "Not-ECT",
        1 => "ECT(1)",
        2 => "ECT(0)",
        _ => "CE",
    }
}

/// The byte as RFC 791 and RFC 1349 have it.
fn type_of_service(walk: &mut Walk<'_, '_>, region: &Region<'_>, service: u8) {
    let tree = &mut *walk.tree;
    let place = region.place(1, 1);
    let name = match service & 0x1e {
        0x00 => "None",
        0x02 => "Minimize cost",
        0x04 => "Maximize reliability",
        0x08 => "Maximize throughput",
        0x10 => "Minimize delay",
        0x1e => "Maximize security",
        _ => "Unknown",
    };
    let field = tree.add(TOS, place, Value::Uint(service.into()));
    tree.label(
        field,
        format_args!("Type of Service: {service:#04x} ({name})"),
    );
    tree.open();
    tree.add(TOS_PRECEDENCE, place, Value::Uint((service >> 5).into()));
    for (field, bit) in [
        (TOS_DELAY, 0x10),
        (TOS_THROUGHPUT, 0x08),
        (TOS_RELIABILITY, 0x04),
        (TOS_COST, 0x02),
    ] {
        tree.add(field, place, Value::Bool(service & bit != 0));
    }
    tree.close();
}

pub(super) fn precedence(value: u64) -> Option<&'static str> {
    const NAMES: [&str; 8] = [
        "routine",
        "priority",
        "immediate",
        "flash",
        "flash override",
        "CRITIC/ECP",
        "internetwork control",
        "network control",
    ];
    pick(value, &NAMES)
}

pub(super) fn delay(value: u64) -> Option<&'static str> {
    pick(value, &["Normal", "Low"])
}

pub(super) fn high(value: u64) -> Option<&'static str> {
    pick(value, &["Normal", "High"])
}

pub(super) fn cost(value: u64) -> Option<&'static str> {
    pick(value, &["Normal", "Low"])
}

/// Of the bit that RFC 3514 gave a meaning.
pub(super) fn evil(value: u64) -> Option<&'static str> {
    pick(value, &["Not evil", "Evil"])
}
